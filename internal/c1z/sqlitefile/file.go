package sqlitefile

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/spillsort"
)

// Table describes a table. Its first column is the row id, an integer primary
// key; rows carry the others.
type Table struct {
	Name string
	// SQL is the statement that makes it, beginning with CREATE TABLE.
	SQL     string
	Indexes []Index
}

// Index describes an index of a table.
type Index struct {
	Name string
	// SQL is the statement that makes it, beginning with CREATE INDEX or CREATE
	// UNIQUE INDEX.
	SQL string
	// Columns are places of values in a Row, or RowID.
	Columns []int
	Unique  bool
	// Has says which rows a partial index has; nil is all.
	Has func(*Row) bool
}

const defaultArena = 1 << 20

// RowID stands for the row id among the columns of an index.
const RowID = -1

// Options says what a file costs to write.
type Options struct {
	// TempDir is an existing folder for spilled sorts.
	TempDir string
	// Arena is the bytes of keys that are sorted together; 0 is 1 MiB. An index
	// takes twice that while its table is filled.
	Arena int
	// Workers is how many sorts work in the background at once; 0 is one.
	Workers int
}

// DuplicateError is the error for two rows with the same key in a unique index.
type DuplicateError struct {
	Table, Index string
	// Key is the first value of the key.
	Key string
}

// Error implements error.
func (e *DuplicateError) Error() string {
	return fmt.Sprintf("%q is twice in %s (%s)", e.Key, e.Table, e.Index)
}

// File is a database that is being written. After an error only Close is left. A
// File is not safe for concurrent use.
type File struct {
	f      *os.File
	pager  *pager
	tables []*tableWriter
}

// tableWriter is a table with its indexes.
type tableWriter struct {
	Table
	tree    *tableTree
	last    int64
	sorters []*spillsort.Sorter
	key     []byte
}

// Create starts a database in an empty file, which stays open and belongs to the
// caller.
func Create(f *os.File, opts Options, tables ...Table) (*File, error) {
	p, err := newPager(f)
	if err != nil {
		return nil, err
	}
	arena := cmp.Or(opts.Arena, defaultArena)
	slots := make(chan struct{}, max(opts.Workers, 1))
	file := &File{f: f, pager: p}
	for _, t := range tables {
		w := &tableWriter{Table: t, tree: newTableTree(p)}
		for range t.Indexes {
			w.sorters = append(w.sorters, spillsort.New(opts.TempDir, arena, slots))
		}
		file.tables = append(file.tables, w)
	}
	return file, nil
}

// Insert adds a row to a table, by its place in the list of tables, with the row
// id after the last one's.
func (f *File) Insert(table int, row *Row) error {
	t := f.tables[table]
	t.last++
	if err := t.tree.add(t.last, row.encode()); err != nil {
		return err
	}
	for i, index := range t.Indexes {
		if index.Has != nil && !index.Has(row) {
			continue
		}
		t.key = row.appendKey(t.key[:0], index.Columns, t.last)
		if err := t.sorters[i].Add(t.key); err != nil {
			return err
		}
	}
	return nil
}

// Mark is a [File] as it was at one time.
type Mark struct {
	next   uint32
	tables []tableMark
}

type tableMark struct {
	tree    *tableTree
	last    int64
	sorters []spillsort.Mark
}

// Mark remembers the rows that were inserted so far, for [File.Reset].
func (f *File) Mark() (Mark, error) {
	if err := f.pager.w.Flush(); err != nil {
		return Mark{}, err
	}
	m := Mark{next: f.pager.next}
	for _, t := range f.tables {
		tm := tableMark{tree: t.tree.clone(), last: t.last}
		for _, s := range t.sorters {
			sm, err := s.Mark()
			if err != nil {
				return Mark{}, err
			}
			tm.sorters = append(tm.sorters, sm)
		}
		m.tables = append(m.tables, tm)
	}
	return m, nil
}

// Reset takes the rows out that were inserted since a mark, which can be used
// again.
func (f *File) Reset(m Mark) error {
	if err := f.pager.reset(f.f, m.next); err != nil {
		return err
	}
	for i, t := range f.tables {
		t.tree, t.last = m.tables[i].tree.clone(), m.tables[i].last
		for j, s := range t.sorters {
			if err := s.Reset(m.tables[i].sorters[j]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Size is how many bytes the file has so far, indexes not counted.
func (f *File) Size() int64 { return int64(f.pager.next-1) * pageSize }

// Close gives up what the sorts hold. It follows Finish, or takes its place.
func (f *File) Close() error {
	var errs []error
	for _, t := range f.tables {
		for _, s := range t.sorters {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// Finish writes the indexes and the schema. Two rows with the same key in a
// unique index are a [DuplicateError].
func (f *File) Finish(ctx context.Context) error {
	var objects []object
	for _, t := range f.tables {
		root, err := t.tree.finish()
		if err != nil {
			return err
		}
		objects = append(objects, object{"table", t.Name, t.Name, root, t.SQL})
		for i, index := range t.Indexes {
			if root, err = f.writeIndex(ctx, t.Name, index, t.sorters[i]); err != nil {
				return err
			}
			objects = append(objects, object{"index", index.Name, t.Name, root, index.SQL})
		}
	}
	first, err := f.schema(objects)
	if err != nil {
		return err
	}
	if err := f.pager.w.Flush(); err != nil {
		return err
	}
	_, err = f.f.WriteAt(first, 0)
	return err
}

func (f *File) writeIndex(ctx context.Context, table string, index Index, s *spillsort.Sorter) (uint32, error) {
	tree := newIndexTree(f.pager)
	var decoder keyDecoder
	var last []byte
	n := 0
	err := s.Each(func(key []byte) error {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if index.Unique {
			if value := key[:len(key)-8]; bytes.Equal(value, last) {
				return &DuplicateError{Table: table, Index: index.Name, Key: decoder.first(key)}
			}
			last = append(last[:0], key[:len(key)-8]...)
		}
		return tree.add(decoder.decode(key))
	})
	if errors.Is(err, spillsort.ErrLost) {
		err = fmt.Errorf("index %s: %w", index.Name, err)
	}
	if err != nil {
		return 0, err
	}
	if err := s.Close(); err != nil {
		return 0, err
	}
	return tree.finish()
}

// object is a row of the schema table (section 2.6).
type object struct {
	kind, name, table string
	root              uint32
	sql               string
}

// schema writes the schema table and returns page 1, which is its root and
// begins with the header of the file (section 1.3).
func (f *File) schema(objects []object) ([]byte, error) {
	var root, leaf page
	root.reset(tableInterior, fileHeader)
	leaf.reset(tableLeaf, fileHeader)
	var row Row
	for i, o := range objects {
		row.Reset()
		row.Text(o.name)
		row.Text(o.table)
		row.Int(int64(o.root))
		row.Text(o.sql)
		record := appendHeader(nil, serialText+2*uint64(len(o.kind)), row.fields)
		record = append(append(record, o.kind...), row.body...)
		cell := appendVarint(appendVarint(nil, uint64(len(record))), uint64(i+1))
		if len(cell)+len(record) > tableLocal {
			return nil, fmt.Errorf("the statement of %s is too long", o.name)
		}
		if !leaf.fits(len(cell) + len(record)) {
			n, err := f.schemaLeaf(&leaf)
			if err != nil {
				return nil, err
			}
			divider := appendVarint(binary.BigEndian.AppendUint32(nil, n), uint64(i))
			if !root.fits(len(divider)) {
				return nil, errors.New("the schema is too large")
			}
			root.add(divider, nil)
		}
		leaf.add(cell, record)
	}
	first := &leaf
	if root.cells > 0 {
		n, err := f.schemaLeaf(&leaf)
		if err != nil {
			return nil, err
		}
		first = &root
		return f.header(first.finish(n)), nil
	}
	return f.header(first.finish(0)), nil
}

// schemaLeaf writes a leaf of the schema, which was filled as if it were page 1.
func (f *File) schemaLeaf(leaf *page) (uint32, error) {
	var moved page
	moved.reset(tableLeaf, 0)
	for i := range leaf.cells {
		end := pageSize
		if i > 0 {
			end = int(binary.BigEndian.Uint16(leaf.buf[leaf.head+2*(i-1):]))
		}
		moved.add(leaf.buf[binary.BigEndian.Uint16(leaf.buf[leaf.head+2*i:]):end], nil)
	}
	leaf.reset(tableLeaf, fileHeader)
	return f.pager.append(moved.finish(0))
}

// header writes the header of the file onto page 1.
func (f *File) header(page []byte) []byte {
	h := page[:fileHeader]
	copy(h, "SQLite format 3\x00")
	binary.BigEndian.PutUint16(h[16:], pageSize)
	h[18], h[19] = 1, 1                                // Written and read with a rollback journal.
	h[21], h[22], h[23] = 64, 32, 32                   // Fractions of a page, which are fixed.
	binary.BigEndian.PutUint32(h[24:], 1)              // The file was changed once,
	binary.BigEndian.PutUint32(h[28:], f.pager.next-1) // has this many pages
	binary.BigEndian.PutUint32(h[40:], 1)              // and one version of its schema,
	binary.BigEndian.PutUint32(h[44:], 4)              // in the newest of its formats,
	binary.BigEndian.PutUint32(h[56:], 1)              // with text in UTF-8.
	binary.BigEndian.PutUint32(h[92:], 1)              // The number of pages is that of this change,
	binary.BigEndian.PutUint32(h[96:], version)        // made by this version of SQLite's format.
	return page
}

// version is the version of SQLite whose format is written.
const version = 3_045_000
