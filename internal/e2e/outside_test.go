//go:build unix && !race

package e2e_test

import (
	"archive/tar"
	"bytes"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestArchivesFromOutside starts the program where something else stands in the
// archive's place.
func TestArchivesFromOutside(t *testing.T) {
	t.Parallel()
	tenant := jcsim.Generate(3, jcsim.Small())
	sound := newProgram(t, "").yesterday(tenant)
	inFormat3 := newProgram(t, serve(t, jcsim.New(jcsim.Options{Tenant: tenant}))).with(map[string]string{"BATON_STORAGE_ENGINE": "pebble"})
	if r := inFormat3.run(); r.code != exitOK {
		t.Fatal(r.message())
	}
	three := file(t, inFormat3.path())
	engine := map[string]string{"BATON_STORAGE_ENGINE": "pebble"}
	other := newProgram(t, "").yesterday(jcsim.NewTenant(jcsim.Organization{Name: "Somebody else"}))
	half := bytes.Clone(sound[:len(sound)/2])
	flipped := bytes.Clone(sound)
	flipped[len(flipped)/2] ^= 1
	tests := []struct {
		name    string
		content []byte
		env     map[string]string
		code    int
		says    string
	}{
		{"notes", []byte("These are my notes.\n"), nil, exitUnknown, "sync.c1z"},
		{"half an archive", half, nil, exitUnknown, "damaged"},
		{"one other bit", flipped, nil, exitUnknown, "damaged"},
		{"something behind the end", append(bytes.Clone(sound), "more"...), nil, exitUnknown, "damaged"},
		{"format 3, where format 1 is to be written", three, nil, exitUnknown, "move it"},
		{"format 3, where it is to be written", three, engine, exitOK, ""},
		{"format 1, where format 3 is to be written", sound, engine, exitOK, ""},
		{"format 3 of another organization", convertedToV3(t, other), engine, exitPrecondition, "choose another file"},
		{"half of format 3", three[:len(three)/2], engine, exitUnknown, "damaged"},
		{"the beginning of format 3", []byte("C1Z3\x00\x00\x00\x00\x00"), nil, exitUnknown, "move it"},
		{"a bomb of format 3", bombOfV3(t), map[string]string{"BATON_STORAGE_ENGINE": "pebble", "BATON_DECODER_MAX_DECODED_SIZE_MB": "8"}, exitUnknown, "limit of 8 MiB"},
		{"a bomb", bomb(t, sound), map[string]string{"BATON_DECODER_MAX_DECODED_SIZE_MB": "8"}, exitUnknown, "8"},
		{"another organization", other, nil, exitPrecondition, "choose another file"},
		{"an empty file, as mktemp makes one", []byte{}, nil, exitOK, ""},
		{"a header alone, which is an archive without syncs", sound[:archiveHeader], nil, exitOK, ""},
		{"no database", packed(t, sound, []byte(strings.Repeat("This is no database. ", 1000))), nil, exitUnknown, "damaged"},
		{"a database of another program", packed(t, sound, database(t, "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")), nil, exitUnknown, "damaged"},
		{
			"a database of a program to come", packed(t, sound, database(t, "CREATE TABLE v2_sync_runs (id INTEGER PRIMARY KEY, sync_id TEXT)")),
			nil, exitUnknown, "damaged",
		},
		{"a table without the columns that it has", packed(t, sound, database(t, "CREATE TABLE v1_sync_runs (id INTEGER PRIMARY KEY, sync_id TEXT)")), nil, exitUnknown, "damaged"},
		{"a damaged database", packed(t, sound, riddled(unpacked(sound[archiveHeader:]))), nil, exitUnknown, "damaged"},
		{"half a database", packed(t, sound, unpacked(sound[archiveHeader:])[:40<<10]), nil, exitUnknown, "damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sim := jcsim.New(jcsim.Options{Tenant: tenant})
			p := newProgram(t, serve(t, sim)).with(tt.env)
			writeFile(t, p.path(), tt.content)
			r := p.run()
			if r.code != tt.code || !strings.Contains(r.message(), tt.says) {
				t.Errorf("exit code %d: %s", r.code, r.message())
			}
			if tt.code != exitOK && !bytes.Equal(tt.content, file(t, p.path())) {
				t.Error("the file was touched")
			}
		})
	}
}

// convertedToV3 is an archive in format 3.
func convertedToV3(t *testing.T, archive []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "one.c1z"), filepath.Join(dir, "three.c1z")
	writeFile(t, from, archive)
	r, err := c1z.Open(t.Context(), from, c1z.OpenOptions{TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	run, err := r.Shown(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c1z.Convert(t.Context(), r, run, c1z.ConvertOptions{Path: to, WorkDir: dir, Format: c1z.FormatV3}); err != nil {
		t.Fatal(err)
	}
	return file(t, to)
}

// bombOfV3 is an archive of some kilobytes whose one file has 64 MiB.
func bombOfV3(t *testing.T) []byte {
	t.Helper()
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	content := make([]byte, 64<<20)
	if err := w.WriteHeader(&tar.Header{Name: "000001.sst", Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	// The engine pebble3, and the encoding 1: a tar archive in a zstd stream.
	const head = "C1Z3\x00\x00\x00\x00\x0b\x0a\x07pebble3\x20\x01"
	return enc.EncodeAll(files.Bytes(), []byte(head))
}

// TestLargeValuesFromOutside looks at small archives that unpack to few and large
// values, and syncs over them: the row is named, and memory stays bounded.
func TestLargeValuesFromOutside(t *testing.T) {
	t.Parallel()
	const memory = 256 << 20
	tenant := jcsim.Generate(3, jcsim.Small())
	sound := newProgram(t, "").yesterday(tenant)
	// A display name, an id, and a profile of 40,000,000 bytes.
	const large = "zeroblob(40000000)"
	for name, change := range map[string]string{
		"names":        "update v1_resources set data = data || x'1a80b48913' || " + large + " where id < 6",
		"descriptions": "update v1_entitlements set data = data || x'2280b48913' || " + large + " where id < 6",
		"ids":          "update v1_grants set data = data || x'1a80b48913' || " + large + " where id < 6",
		"columns":      "update v1_grants set principal_resource_id = cast(" + large + " as text) || id where id < 6",
		"types":        "update v1_resource_types set data = data || x'1280b48913' || " + large + " where id = 1",
		"long names":   "update v1_resources set data = data || x'1a80897a' || zeroblob(2000000) where id < 100",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crafted := packed(t, sound, changed(t, unpacked(sound[archiveHeader:]), change))
			if len(crafted) > len(sound)+1<<20 {
				t.Fatalf("the archive has %d bytes", len(crafted))
			}
			for _, args := range [][]string{{"inspect"}, {"inspect", "grants"}, {"inspect", "resources"}, {"report"}, {"who", "Salesforce"}, {"diff"}} {
				p := newProgram(t, "", args...)
				writeFile(t, p.path(), crafted)
				r, peak := p.measured()
				// The columns of grants are not read where the messages tell the same.
				if name != "columns" && (r.code == exitOK || !strings.Contains(r.message(), "row ") || !strings.Contains(r.message(), "limit of") || len(r.message()) > 1000) {
					t.Errorf("%q: exit code %d: %.300s", args, r.code, r.message())
				}
				if peak > memory {
					t.Errorf("%q: %d MiB of memory", args, peak>>20)
				}
			}
			p := newProgram(t, serve(t, jcsim.New(jcsim.Options{Tenant: tenant})))
			writeFile(t, p.path(), crafted)
			r, peak := p.measured()
			if r.code != exitOK || peak > memory {
				t.Errorf("a sync over it: exit code %d, %d MiB of memory: %.300s", r.code, peak>>20, r.message())
			}
			if text := r.stdout + r.stderr; !strings.Contains(text, "from the archive: unreadable row") {
				t.Errorf("nothing is said of the sync that is left out: %.2000s", text)
			}
		})
	}
}

// changed is a database after a statement.
func changed(t *testing.T, content []byte, statement string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	writeFile(t, path, content)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return file(t, path)
}

// bomb is an archive that unpacks to much more than it is.
func bomb(t *testing.T, sound []byte) []byte {
	t.Helper()
	return packed(t, sound, append(unpacked(sound[archiveHeader:]), make([]byte, 64<<20)...))
}

// packed is an archive with some content in the place of a database.
func packed(t *testing.T, sound, content []byte) []byte {
	t.Helper()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return encoder.EncodeAll(content, bytes.Clone(sound[:archiveHeader]))
}

// database is a SQLite file.
func database(t *testing.T, schema string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return file(t, path)
}

// riddled is a database of which some pages are spoiled.
func riddled(content []byte) []byte {
	for at := 3 * 4096; at < len(content); at += 7 * 4096 {
		clear(content[at : at+64])
	}
	return content
}
