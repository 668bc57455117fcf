package sqlitefile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestLockPage moves the page that SQLite never uses to where a small file
// reaches it: no page stands there and no page points there, overflow included.
func TestLockPage(t *testing.T) {
	t.Parallel()
	for lock := uint32(2); lock < 60; lock++ {
		f, err := os.Create(filepath.Join(t.TempDir(), "x.db"))
		if err != nil {
			t.Fatal(err)
		}
		db, err := Create(f, Options{TempDir: t.TempDir()}, Table{
			Name: "a", SQL: "CREATE TABLE a (id integer primary key, b blob)",
			Indexes: []Index{{Name: "i", SQL: "CREATE INDEX i on a (b)", Columns: []int{0}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		db.pager.lock = lock
		if lock == 2 { // Page 2 would have been skipped when page 1 was written.
			db.pager.lock = 3
		}
		var row Row
		for i := range 20 {
			row.Reset()
			row.Blob(bytes.Repeat([]byte{byte(i + 1)}, 1000*i))
			if err := db.Insert(0, &row); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		pages := len(content) / pageSize
		if n := binary.BigEndian.Uint32(content[28:]); int(n) != pages || len(content)%pageSize != 0 {
			t.Errorf("lock %d: %d pages, the header says %d", lock, pages, n)
		}
		at := int(db.pager.lock-1) * pageSize
		if at < len(content) && !bytes.Equal(content[at:at+pageSize], make([]byte, pageSize)) {
			t.Errorf("lock %d: the page is used", lock)
		}
		if reached := reach(t, content); slices.Contains(reached, db.pager.lock) || len(reached) != pages-btoi(at < len(content)) {
			t.Errorf("lock %d: %d of %d pages are reached", lock, len(reached), pages)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// reach follows all pointers from page 1 and from the roots that the schema
// names, and returns the pages that it finds, each once.
func reach(t *testing.T, content []byte) []uint32 {
	t.Helper()
	var found []uint32
	var visit func(n uint32, base int)
	visit = func(n uint32, base int) {
		if slices.Contains(found, n) {
			t.Fatalf("page %d is reached twice", n)
		}
		found = append(found, n)
		page := content[(n-1)*pageSize : n*pageSize]
		kind := page[base]
		head := base + 8
		if kind == indexInterior || kind == tableInterior {
			head = base + 12
			visit(binary.BigEndian.Uint32(page[base+8:]), 0)
		}
		for i := range int(binary.BigEndian.Uint16(page[base+3:])) {
			cell := page[binary.BigEndian.Uint16(page[head+2*i:]):]
			if head == base+12 {
				visit(binary.BigEndian.Uint32(cell), 0)
				cell = cell[4:]
			}
			if kind == tableInterior {
				continue
			}
			size, n := readVarint(cell)
			most := indexLocal
			cell = cell[n:]
			if kind == tableLeaf {
				most = tableLocal
				_, n = readVarint(cell)
				cell = cell[n:]
				if base == fileHeader { // A row of the schema: type, name, table, root, statement.
					visit(rootOf(cell), 0)
				}
			}
			if l := local(size, most); l < size {
				for next := binary.BigEndian.Uint32(cell[l:]); next != 0; next = binary.BigEndian.Uint32(content[(next-1)*pageSize:]) {
					if slices.Contains(found, next) {
						t.Fatalf("overflow page %d is reached twice", next)
					}
					found = append(found, next)
				}
			}
		}
	}
	visit(1, fileHeader)
	return found
}

// rootOf decodes the fourth value of a schema record.
func rootOf(record []byte) uint32 {
	size, at := readVarint(record)
	skip := size
	for range 3 {
		serial, n := readVarint(record[at:])
		at += n
		skip += (serial - serialText) / 2
	}
	serial, _ := readVarint(record[at:])
	return uint32(intValue(uint64(serial), record[skip:skip+map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 8: 0, 9: 0}[serial]]))
}

func readVarint(b []byte) (v, n int) {
	for n < 9 {
		c := b[n]
		n++
		if n == 9 {
			return v<<8 | int(c), n
		}
		v = v<<7 | int(c&0x7f)
		if c < 0x80 {
			break
		}
	}
	return v, n
}

func TestVarint(t *testing.T) {
	t.Parallel()
	for shift := range 64 {
		for _, v := range []uint64{1<<shift - 1, 1 << shift, 1<<shift + 1, math.MaxUint64 >> shift} {
			b := appendVarint(nil, v)
			if got, n := readVarint(b); uint64(got) != v || n != len(b) {
				t.Errorf("%d: %x reads as %d of %d bytes", v, b, uint64(got), n)
			}
		}
	}
	for v, want := range map[uint64]int{127: 1, 128: 2, 16383: 2, 16384: 3, 1<<56 - 1: 8, 1 << 56: 9} {
		if got := len(appendVarint(nil, v)); got != want {
			t.Errorf("%d takes %d bytes, want %d", v, got, want)
		}
	}
}

// TestLongHeader writes a record with so many values that its header's size
// takes two bytes.
func TestLongHeader(t *testing.T) {
	t.Parallel()
	for _, n := range []int{124, 125, 126, 127, 300} {
		var row Row
		for range n {
			row.Null()
		}
		record := row.encode()
		size, at := readVarint(record)
		if size != len(record) || at != map[bool]int{true: 2, false: 1}[n > 125] {
			t.Errorf("%d values: size %d in %d bytes, record of %d", n, size, at, len(record))
		}
	}
}

// Rows that are taken out again leave no trace: the file is that of one who never
// had them.
func TestReset(t *testing.T) {
	t.Parallel()
	table := Table{
		Name: "a", SQL: "CREATE TABLE a (id integer primary key, b blob)",
		Indexes: []Index{{Name: "i", SQL: "CREATE INDEX i on a (b)", Columns: []int{0}}},
	}
	write := func(before, between, after int) []byte {
		f, err := os.Create(filepath.Join(t.TempDir(), "x.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		db, err := Create(f, Options{TempDir: t.TempDir(), Arena: 5000}, table)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		insert := func(rows int) {
			var row Row
			for range rows {
				row.Reset()
				row.Blob(bytes.Repeat([]byte{byte(n)}, n*37%6000))
				if err := db.Insert(0, &row); err != nil {
					t.Fatal(err)
				}
				n++
			}
		}
		insert(before)
		if between > 0 {
			mark, err := db.Mark()
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				insert(between)
				if err := db.Reset(mark); err != nil {
					t.Fatal(err)
				}
				n = before
			}
		}
		insert(after)
		if err := errors.Join(db.Finish(t.Context()), db.Close()); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	for _, c := range [][3]int{{0, 10, 0}, {0, 500, 300}, {1, 1, 1}, {300, 700, 400}, {2000, 1000, 10}, {50, 3, 900}} {
		if want, got := write(c[0], 0, c[2]), write(c[0], c[1], c[2]); !bytes.Equal(want, got) {
			t.Errorf("%v: the files differ (%d and %d bytes)", c, len(want), len(got))
		}
	}
}
