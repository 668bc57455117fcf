package c1z_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
)

// tryOpen opens content as an archive and returns the error. Nothing may stay in
// the temporary folder after one.
func tryOpen(t testing.TB, content []byte, limits c1z.Limits) error {
	t.Helper()
	dir, temp := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "outside.c1z")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := c1z.Open(t.Context(), path, c1z.OpenOptions{TempDir: temp, Limits: limits})
	if err == nil {
		err = r.Close()
	} else if !strings.Contains(err.Error(), path) {
		t.Errorf("the error does not name the file: %v", err)
	}
	if entries, err := os.ReadDir(temp); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	return err
}

// TestOpenOutside opens files that are no sound archives.
func TestOpenOutside(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path, _ := f.write(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	db := unpack(t, path)
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	torn := bytes.Clone(db)
	copy(torn[3*4096:5*4096], make([]byte, 2*4096))

	for _, test := range []struct {
		name    string
		content []byte
		limits  c1z.Limits
		is      error
		says    string
	}{
		{name: "sound", content: good},
		{name: "format 3", content: []byte("C1Z3\x00\x00\x00\x00\x04abcd"), is: c1z.ErrDamaged, says: "its manifest cannot be read"},
		{name: "text", content: []byte("not an archive at all"), is: c1z.ErrNotArchive},
		{name: "SQLite", content: db, is: c1z.ErrNotArchive, says: "plain SQLite"},
		{name: "zstd", content: good[5:], is: c1z.ErrNotArchive, says: "zstd"},
		{name: "zip", content: []byte("PK\x03\x04"), is: c1z.ErrNotArchive},
		{name: "three bytes", content: good[:3], is: c1z.ErrDamaged, says: "header"},
		{name: "frame magic cut", content: good[:7], is: c1z.ErrDamaged, says: "truncated"},
		{name: "frame header cut", content: good[:10], is: c1z.ErrDamaged, says: "truncated"},
		{name: "block header cut", content: good[:16], is: c1z.ErrDamaged, says: "truncated"},
		{name: "block cut", content: good[:len(good)/2], is: c1z.ErrDamaged, says: "truncated"},
		{name: "checksum cut", content: good[:len(good)-2], is: c1z.ErrDamaged, says: "truncated"},
		{name: "one bit", content: flipped, is: c1z.ErrDamaged},
		{name: "checksum", content: append(bytes.Clone(good[:len(good)-1]), good[len(good)-1]^1), is: c1z.ErrDamaged},
		{name: "trailing byte", content: append(bytes.Clone(good), 0), is: c1z.ErrDamaged, says: "more bytes follow"},
		{name: "second frame", content: append(bytes.Clone(good), good[5:]...), is: c1z.ErrDamaged, says: "more bytes follow"},
		{name: "second archive", content: append(bytes.Clone(good), good...), is: c1z.ErrDamaged, says: "more bytes follow"},
		{name: "skippable frame first", content: []byte("C1ZF\x00\x50\x2a\x4d\x18\x00\x00\x00\x00"), is: c1z.ErrDamaged, says: "no zstd frame"},
		{name: "no frame", content: []byte("C1ZF\x00hello, world"), is: c1z.ErrDamaged, says: "no zstd frame"},
		{name: "reserved bit", content: []byte("C1ZF\x00\x28\xb5\x2f\xfd\x08\x00"), is: c1z.ErrDamaged, says: "reserved"},
		{name: "reserved block", content: []byte("C1ZF\x00\x28\xb5\x2f\xfd\x00\x00\x07\x00\x00"), is: c1z.ErrDamaged},
		{name: "dictionary", content: []byte("C1ZF\x00\x28\xb5\x2f\xfd\x01\x00\x07\x01\x00\x00"), is: c1z.ErrDamaged, says: "dictionary"},
		{name: "no database", content: pack(t, []byte("hello")), is: c1z.ErrDamaged, says: "no SQLite database"},
		{name: "database header cut", content: pack(t, db[:50]), is: c1z.ErrDamaged, says: "truncated"},
		{name: "database cut", content: pack(t, db[:len(db)-1000]), is: c1z.ErrDamaged, says: "whole number of pages"},
		{name: "pages missing", content: pack(t, db[:2*4096]), is: c1z.ErrDamaged},
		{name: "pages zeroed", content: pack(t, torn), is: c1z.ErrDamaged},
		{name: "claims more than allowed", content: good, limits: c1z.Limits{DecodedSize: int64(len(db)) - 1}, is: c1z.ErrTooLarge, says: "BATON_DECODER_MAX_DECODED_SIZE_MB"},
		{name: "as much as allowed", content: good, limits: c1z.Limits{DecodedSize: int64(len(db))}},
		{name: "more than allowed, unclaimed", content: stream(t, db), limits: c1z.Limits{DecodedSize: int64(len(db)) - 1}, is: c1z.ErrTooLarge, says: "BATON_DECODER_MAX_DECODED_SIZE_MB"},
		{name: "as much as allowed, unclaimed", content: stream(t, db), limits: c1z.Limits{DecodedSize: int64(len(db))}},
		{name: "window", content: good, limits: c1z.Limits{Window: 1 << 16}, is: c1z.ErrTooLarge, says: "BATON_DECODER_MAX_MEMORY_MB"},
		{name: "largest window", content: []byte("C1ZF\x00\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00"), is: c1z.ErrTooLarge, says: "BATON_DECODER_MAX_MEMORY_MB"},
		{name: "claims wrongly", content: claim(good, uint64(len(db))-1), is: c1z.ErrDamaged},
		{name: "claims more than there is", content: claim(good, uint64(len(db))+1), is: c1z.ErrDamaged},
		{name: "claims absurdly", content: claim(good, 1<<63+5), is: c1z.ErrTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := tryOpen(t, test.content, test.limits)
			if !errors.Is(err, test.is) || test.is == nil && err != nil {
				t.Fatalf("error: %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q is not in: %v", test.says, err)
			}
		})
	}
}

// stream packs a database as one who does not know its size.
func stream(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("C1ZF\x00")
	enc, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(content, 20_000) {
		if _, err := enc.Write(part); err != nil {
			t.Fatal(err)
		}
		// What is flushed is written before the size can be known.
		if err := enc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// claim changes the size in the header of an archive of ours.
func claim(archive []byte, size uint64) []byte {
	b := bytes.Clone(archive)
	n := []int{0, 2, 4, 8}[b[9]>>6]
	rest := bytes.Clone(b[11+n:])
	b[9] |= 0xc0
	return append(binary.LittleEndian.AppendUint64(b[:11], size), rest...)
}

// TestOpenBombs opens small files that unpack to very much.
func TestOpenBombs(t *testing.T) {
	f := newFixture(t)
	path, _ := f.write(t)
	db := unpack(t, path)
	const size = 64 << 20
	zeros := bomb(t, nil, size)
	database := bomb(t, db, size)
	for _, test := range []struct {
		name    string
		content []byte
		limits  c1z.Limits
		is      error
		memory  uint64
	}{
		{"zeros", zeros, c1z.Limits{}, c1z.ErrDamaged, 16 << 20},
		{"zeros behind a database", database, c1z.Limits{DecodedSize: 16 << 20}, c1z.ErrTooLarge, 32 << 20},
		// The window that is allowed may be used.
		{"wide window", wide(t, db), c1z.Limits{}, nil, 160 << 20},
		{"window too wide", wide(t, db), c1z.Limits{Window: 32 << 20}, c1z.ErrTooLarge, 1 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			if err := tryOpen(t, test.content, test.limits); !errors.Is(err, test.is) || test.is == nil && err != nil {
				t.Errorf("error: %v", err)
			}
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > test.memory {
				t.Errorf("%d MiB allocated for a file of %d KiB", used>>20, len(test.content)>>10)
			}
		})
	}
}

func bomb(t testing.TB, begin []byte, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("C1ZF\x00")
	enc, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := enc.Write(begin); err != nil {
		t.Fatal(err)
	}
	for range size >> 20 {
		if _, err := enc.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// wide is an archive whose frame asks for the largest window that is allowed.
func wide(t testing.TB, db []byte) []byte {
	t.Helper()
	b := stream(t, db)
	b[10] = (27 - 10) << 3
	return b
}

// TestOpenSchemas opens databases of other programs and of attackers.
func TestOpenSchemas(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, sql string
		says      string
	}{
		{"another program's", "create table notes (id integer primary key, text text)", "another program"},
		{"a view in place of a table", "drop table v1_grants; create view v1_grants as select * from v1_resources", "view"},
		{"a trigger", "create trigger t after insert on v1_grants begin delete from v1_grants; end", "trigger"},
		{"a virtual table", "create virtual table v using fts5(a)", "table"},
		{"a view of anything", "create view x as select load_extension('x')", "view"},
		{"a column missing", "alter table v1_grants drop column data", "no column data"},
		{"a computed column", "drop table v1_assets; create table v1_assets (id integer primary key, external_id text, content_type text, " +
			"data blob as (hex(external_id)), sync_id text, discovered_at text)", "computed"},
		{"a computed and stored column", "drop table v1_assets; create table v1_assets (id integer primary key, external_id text, content_type text, " +
			"data blob as (hex(external_id)) stored, sync_id text, discovered_at text)", "computed"},
		{"no row ids", "drop table v1_assets; create table v1_assets (id integer primary key, external_id text, content_type text, " +
			"data blob, sync_id text, discovered_at text) without rowid", "row ids"},
		{"another key", "drop table v1_assets; create table v1_assets (id text, external_id text primary key, content_type text, " +
			"data blob, sync_id text, discovered_at text)", "row ids"},
		{"a schema without end", manyTables(350), "schema"},
		{"a schema of long text", "create table big (a text default '" + strings.Repeat("x", 2<<20) + "')", "schema"},
		{"a time that is none", "insert into v1_sync_runs (sync_id, started_at, sync_token) values ('s', 'yesterday', '')", "yesterday"},
		{"an id without end", "insert into v1_sync_runs (sync_id, started_at, sync_token) values (hex(zeroblob(3000)), '2026-01-01 00:00:00', '')", "an id of a sync"},
		{"a flag that is none", "insert into v1_sync_runs (sync_id, started_at, sync_token, supports_diff) values ('s', '2026-01-01 00:00:00', '', 'perhaps')", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "db")
			script, err := os.ReadFile("testdata/schema.sql")
			if err != nil {
				t.Fatal(err)
			}
			if test.name == "another program's" {
				script = nil
			}
			db := openDB(t, file)
			for _, s := range []string{string(script), test.sql} {
				if _, err := db.ExecContext(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := tryOpen(t, pack(t, content), c1z.Limits{}); !errors.Is(err, c1z.ErrDamaged) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error: %v", err)
			}
		})
	}
}

func manyTables(n int) string {
	var b strings.Builder
	b.WriteString("begin;")
	for i := range n {
		b.WriteString("create table t" + strings.Repeat("x", 3500) + objectID("", i) + " (a);")
	}
	b.WriteString("commit;")
	return b.String()
}

// TestRowsOutside reads archives whose rows are not what they should be.
func TestRowsOutside(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, statement := range map[string]string{
		"a message that is none":  "update v1_grants set data = x'ffffff' where id = 2",
		"a text in place of data": "update v1_grants set data = 'text' where id = 2",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := byHand{schema: "schema.sql"}.write(t, f, statement)
			r := open(t, path)
			last := error(nil)
			for _, err := range r.Grants(t.Context(), handSync, c1z.GrantFilter{}) {
				last = err
			}
			if !errors.Is(last, c1z.ErrDamaged) || !strings.Contains(last.Error(), path) {
				t.Errorf("error: %v", last)
			}
		})
	}
}

// TestLimitsFromEnv reads the variables that Baton programs share.
func TestLimitsFromEnv(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		size, memory string
		want         c1z.Limits
		fails        string
	}{
		{"", "", c1z.Limits{}, ""},
		{"2048", "32", c1z.Limits{DecodedSize: 2 << 30, Window: 32 << 20}, ""},
		{"0", "", c1z.Limits{}, "BATON_DECODER_MAX_DECODED_SIZE_MB"},
		{"", "-1", c1z.Limits{}, "BATON_DECODER_MAX_MEMORY_MB"},
		{"1e3", "", c1z.Limits{}, "1e3"},
		{"99999999999999", "", c1z.Limits{}, "99999999999999"},
	} {
		got, err := c1z.LimitsFromEnv(func(name string) string {
			return map[string]string{"BATON_DECODER_MAX_DECODED_SIZE_MB": test.size, "BATON_DECODER_MAX_MEMORY_MB": test.memory}[name]
		})
		if got != test.want || (err != nil) != (test.fails != "") || err != nil && !strings.Contains(err.Error(), test.fails) {
			t.Errorf("%+v: %+v, %v", test, got, err)
		}
	}
}

// TestLongToken opens an archive with the checkpoint of another program, which is
// of no use here and may be large.
func TestLongToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path := byHand{schema: "schema.sql"}.write(t, f,
		`update v1_sync_runs set sync_token = '{"x":"' || hex(zeroblob(1000000)) || '"}', ended_at = null`)
	if run, err := open(t, path).Sync(t.Context(), handSync); err != nil || run.Token != "" || run.Finished() {
		t.Errorf("sync: %+v, %v", run, err)
	}
	// An unfinished sync stays, its checkpoint included.
	f.writeTo(t, c1z.Options{Path: path}, fixtureRun())
	if n := query(t, unpackDB(t, path), "select length(sync_token) from v1_sync_runs where sync_id = ?", handSync); n != "2000008" {
		t.Errorf("the kept token has %s characters", n)
	}
}
