package c1z_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/proto"
	_ "modernc.org/sqlite"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// The archives of this file are made from testdata and from nothing of the
// package: SQL text, rows and the container are put together here once more.

const (
	handSync  = "2rABCDEFGHIJKLMNOPQRSTUVWXY"
	handStart = "2026-03-04 03:06:07.12"
	handEnd   = "2026-03-04 03:07:37.12"
)

// byHand is a way in which programs of some age make an archive.
type byHand struct {
	schema string // file in testdata
	// old leaves out what the columns of the first programs have no place for:
	// expansions stay within their grants.
	old bool
	// slim leaves entitlement and principal out of the grants' messages.
	slim bool
	// wal marks the database as one with a write-ahead log.
	wal bool
}

// write makes the archive of a fixture, changed by SQL, and returns its path.
func (h byHand) write(t testing.TB, f *fixture, changes ...string) string {
	t.Helper()
	db := filepath.Join(t.TempDir(), "db")
	h.fill(t, db, f)
	for _, change := range changes {
		if _, err := openDB(t, db).ExecContext(t.Context(), change); err != nil {
			t.Fatalf("%s: %v", change, err)
		}
	}
	content, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	if h.wal {
		content[18], content[19] = 2, 2
	}
	path := filepath.Join(t.TempDir(), "hand.c1z")
	if err := os.WriteFile(path, pack(t, content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pack puts a database into a container.
func pack(t testing.TB, content []byte) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	return enc.EncodeAll(content, []byte("C1ZF\x00"))
}

// unpack takes the database out of a container.
func unpack(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := bytes.CutPrefix(content, []byte("C1ZF\x00"))
	if !ok {
		t.Fatalf("%s begins with %q", path, content[:min(len(content), 5)])
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	db, err := dec.DecodeAll(rest, nil)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// openDB opens a plain database file.
func openDB(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// unpackDB opens the database of an archive without the package under test.
func unpackDB(t testing.TB, path string) *sql.DB {
	t.Helper()
	file := filepath.Join(t.TempDir(), "unpacked.db")
	if err := os.WriteFile(file, unpack(t, path), 0o600); err != nil {
		t.Fatal(err)
	}
	return openDB(t, file)
}

// filler runs statements until one fails.
type filler struct {
	db  *sql.DB
	err error
}

func (f *filler) exec(ctx context.Context, query string, args ...any) {
	if f.err == nil {
		_, f.err = f.db.ExecContext(ctx, query, args...)
	}
}

func (h byHand) fill(t testing.TB, file string, f *fixture) {
	t.Helper()
	ctx := t.Context()
	script, err := os.ReadFile(filepath.Join("testdata", h.schema))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	fill := &filler{db: db}
	fill.exec(ctx, string(script))
	if h.old {
		fill.exec(ctx, "insert into v1_sync_runs (sync_id, started_at, ended_at, sync_token) values (?, ?, ?, ?)",
			handSync, handStart, handEnd, `{"actions":null,"current_action":null}`)
	} else {
		fill.exec(ctx, `insert into v1_sync_runs (sync_id, started_at, ended_at, sync_token, supports_diff, grants_backfilled, stats)
			values (?, ?, ?, '{"version":1}', 1, 1, ?)`, handSync, handStart, handEnd,
			`{"resource_types":3,"resources":6,"entitlements":3,"grants":5,"resources_by_resource_type":{"app":1,"group":2,"user":3},`+
				`"grants_by_resource_type":{"app":3,"group":2},"entitlements_by_resource_type":{"app":1,"group":2}}`)
	}
	for _, m := range f.types {
		fill.exec(ctx, "insert into v1_resource_types (external_id, data, sync_id, discovered_at) values (?, ?, ?, ?)",
			m.GetId(), blob(t, m), handSync, handStart)
	}
	for _, m := range f.resources {
		var parentType, parent any
		if p := m.GetParentResourceId(); p != nil {
			parentType, parent = p.GetResourceType(), p.GetResource()
		}
		fill.exec(ctx, `insert into v1_resources (resource_type_id, external_id, parent_resource_type_id, parent_resource_id,
			data, sync_id, discovered_at) values (?, ?, ?, ?, ?, ?, ?)`,
			m.GetId().GetResourceType(), m.GetId().GetResourceType()+":"+m.GetId().GetResource(), parentType, parent,
			blob(t, m), handSync, handStart)
	}
	for _, m := range f.entitlements {
		fill.exec(ctx, "insert into v1_entitlements (resource_type_id, resource_id, external_id, data, sync_id, discovered_at) values (?, ?, ?, ?, ?, ?)",
			m.GetResource().GetId().GetResourceType(), m.GetResource().GetId().GetResource(), m.GetId(), blob(t, m), handSync, handStart)
	}
	for _, m := range f.grants {
		h.fillGrant(t, fill, m)
	}
	if fill.err != nil {
		t.Fatal(fill.err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func (h byHand) fillGrant(t testing.TB, fill *filler, grant *v2.Grant) {
	t.Helper()
	m := proto.CloneOf(grant)
	columns := []string{
		"resource_type_id", "resource_id", "entitlement_id", "principal_resource_type_id", "principal_resource_id",
		"external_id", "sync_id", "discovered_at",
	}
	resource, principal := m.GetEntitlement().GetResource().GetId(), m.GetPrincipal().GetId()
	args := []any{
		resource.GetResourceType(), resource.GetResource(), m.GetEntitlement().GetId(), principal.GetResourceType(),
		principal.GetResource(), m.GetId(), handSync, handStart,
	}
	if n := len(m.GetAnnotations()); !h.old && n > 0 && m.GetAnnotations()[n-1].MessageIs((*v2.GrantExpandable)(nil)) {
		columns = append(columns, "expansion", "needs_expansion")
		args = append(args, m.GetAnnotations()[n-1].GetValue(), 1)
		m.Annotations = m.GetAnnotations()[:n-1]
	}
	if h.slim {
		m.Entitlement, m.Principal = nil, nil
	}
	columns = append(columns, "data")
	args = append(args, blob(t, m))
	fill.exec(t.Context(), "insert into v1_grants ("+strings.Join(columns, ", ")+") values (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
}

func blob(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// frameHeader is the part of a zstd frame that tells its window, its size and
// whether it has a checksum (RFC 8878), read once more for the tests.
func frameHeader(t testing.TB, frame []byte) (window, size uint64, checksum bool) {
	t.Helper()
	if binary.LittleEndian.Uint32(frame) != 0xFD2FB528 {
		t.Fatalf("no zstd frame: %x", frame[:4])
	}
	desc := frame[4]
	at := 5
	if desc&0x20 == 0 {
		exponent, mantissa := frame[at]>>3, uint64(frame[at]&7)
		window = 1 << (10 + exponent)
		window += window / 8 * mantissa
		at++
	}
	switch desc >> 6 {
	case 0:
		size = uint64(frame[at])
	case 1:
		size = uint64(binary.LittleEndian.Uint16(frame[at:])) + 256
	case 2:
		size = uint64(binary.LittleEndian.Uint32(frame[at:]))
	case 3:
		size = binary.LittleEndian.Uint64(frame[at:])
	}
	if desc&0x20 != 0 {
		window = size
	}
	return window, size, desc&0x04 != 0
}
