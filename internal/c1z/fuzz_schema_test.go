package c1z_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzSchema opens archives of other schemas: the text by which one table or index
// of a sound database was made is replaced by another, which SQLite reads when the
// database is opened. It is refused, or the rows are read with what they lack.
func FuzzSchema(f *testing.F) {
	path, _ := newFixture(f).write(f)
	sound := unpack(f, path)
	for i, text := range []string{
		"", "x", "CREATE TABLE v1_grants (id integer primary key)", "CREATE TABLE other (id integer primary key, external_id text, data blob)",
		"CREATE VIEW v1_resources AS SELECT 1 AS id, 'x' AS external_id, x'00' AS data, 's' AS sync_id",
		"CREATE TABLE v1_sync_runs (id integer primary key, sync_id blob, started_at integer, ended_at blob, sync_token text, sync_type text)",
		"CREATE TABLE v1_resources (id integer primary key, data text generated always as (hex(zeroblob(1000000))), sync_id text)",
		"CREATE VIRTUAL TABLE v1_grants USING fts5(data)", "CREATE TRIGGER t AFTER INSERT ON v1_grants BEGIN SELECT 1; END",
		"CREATE TABLE v1_grants (id integer primary key, \"external_id\" text collate nosuch, data blob, sync_id text)",
		"CREATE INDEX i ON v1_grants (lower(external_id))", "CREATE TABLE v1_grants AS SELECT 1", "\x00", "CREATE TABLE \"a\"\"b\" (x, y, CHECK (x < 5))",
	} {
		f.Add(uint8(i), text)
		f.Add(uint8(2*i+1), text)
	}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		file := filepath.Join(t.TempDir(), "db")
		if err := os.WriteFile(file, bytes.Clone(sound), 0o600); err != nil {
			t.Fatal(err)
		}
		db := openDB(t, file)
		db.SetMaxOpenConns(1)
		for _, step := range []struct {
			query string
			args  []any
		}{
			{"PRAGMA writable_schema = ON", nil},
			{"UPDATE sqlite_schema SET sql = ? WHERE rowid = (SELECT rowid FROM sqlite_schema ORDER BY rowid LIMIT 1 OFFSET ? % (SELECT count(*) FROM sqlite_schema))", []any{text, which}},
		} {
			if _, err := db.ExecContext(t.Context(), step.query, step.args...); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		changed, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "fuzz.c1z")
		if err := os.WriteFile(path, pack(t, changed), 0o600); err != nil {
			t.Fatal(err)
		}
		readAll(t, path)
	})
}
