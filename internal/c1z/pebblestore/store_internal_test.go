package pebblestore

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/envelope"
	storagev3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
)

const syncID = "3Mo5JycbywS7cChTrhP00tC1mLv"

// forge makes a database of keys and values as they are given.
func forge(t testing.TB, opts *pebble.Options, keys map[string][]byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	if opts == nil {
		opts = &pebble.Options{FormatMajorVersion: formatVersion}
	}
	opts.Logger, opts.DisableAutomaticCompactions = quiet{}, true
	db, err := pebble.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if err := db.Set([]byte(key), keys[key], pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Flush(), db.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func encoded(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func stamped(t testing.TB, more map[string][]byte) map[string][]byte {
	t.Helper()
	keys := map[string][]byte{
		keyKeyspace: []byte(stampCurrent), keyIDFormat: []byte(stampCurrent),
		keySyncRun: encoded(t, &storagev3.SyncRunRecord{SyncId: syncID, Type: storagev3.SyncType_SYNC_TYPE_FULL, EndedAt: timestamppb.Now()}),
	}
	maps.Copy(keys, more)
	return keys
}

func grantRecord(id, resource, entitlement, principal string) *storagev3.GrantRecord {
	return &storagev3.GrantRecord{
		ExternalId:  id,
		Entitlement: &storagev3.EntitlementRef{ResourceTypeId: "group", ResourceId: resource, EntitlementId: entitlement},
		Principal:   &storagev3.PrincipalRef{ResourceTypeId: "user", ResourceId: principal},
	}
}

func keyOf(g *storagev3.GrantRecord) string {
	e, p := g.GetEntitlement(), g.GetPrincipal()
	return string(appendGrant([]byte(familyGrant), e.GetResourceTypeId(), e.GetResourceId(), e.GetEntitlementId(), p.GetResourceTypeId(), p.GetResourceId()))
}

// readAll opens a database and reads all that is in it, in every way.
func readAll(ctx context.Context, dir string) (ids []string, err error) {
	s, err := Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, err := range s.ResourceTypes(ctx) {
		if err != nil {
			return nil, err
		}
	}
	for _, err := range s.ResourceKeys(ctx) {
		if err != nil {
			return nil, err
		}
	}
	for _, err := range s.Entitlements(ctx, "", "") {
		if err != nil {
			return nil, err
		}
	}
	for _, err := range s.Assets(ctx) {
		if err != nil {
			return nil, err
		}
	}
	for g, err := range s.ListGrants(ctx, Grants{}) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, g.GetId())
	}
	n := 0
	err = s.Scan(ctx, 1, func(int, *Edge) error {
		n++
		return nil
	})
	if err == nil && n != len(ids) {
		err = errors.New("a scan and a list differ")
	}
	_, countErr := s.Count(ctx)
	return ids, errors.Join(err, countErr)
}

// TestOpenRefuses databases whose stamps, files or records are not those of an
// archive. None is taken for an empty one.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	g := grantRecord("g", "g1", "group:g1:member", "u1")
	whole := stamped(t, map[string][]byte{keyOf(g): encoded(t, g)})
	with := func(key string, value []byte) map[string][]byte {
		keys := maps.Clone(whole)
		if keys[key] = value; value == nil {
			delete(keys, key)
		}
		return keys
	}
	remove := func(pattern string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil || len(found) == 0 {
				t.Fatalf("%s: %v, %v", pattern, found, err)
			}
			for _, f := range found {
				if err := os.Remove(f); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	rewrite := func(pattern string, change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil || len(found) == 0 {
				t.Fatal(pattern, err)
			}
			for _, f := range found {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(f, change(b), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	run := func(r *storagev3.SyncRunRecord) map[string][]byte { return with(keySyncRun, encoded(t, r)) }
	flagged := string(appendParts([]byte(familyGrant), "group", "g1", flagWhole, "group:g1:member", "user", "u1"))
	zstd := &pebble.Options{FormatMajorVersion: formatVersion, DisableWAL: true}
	for i := range zstd.Levels {
		zstd.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.ZstdCompression }
	}
	for name, test := range map[string]struct {
		opts   *pebble.Options
		keys   map[string][]byte
		change func(*testing.T, string)
		is     error
		says   string
	}{
		"no marker of the format":    {keys: whole, change: remove("marker.format*"), is: envelope.ErrDamaged, says: "lacks the marker"},
		"no marker of the manifest":  {keys: whole, change: remove("marker.manifest*"), is: envelope.ErrDamaged, says: "lacks the marker"},
		"no markers":                 {keys: whole, change: remove("marker*"), is: envelope.ErrDamaged, says: "lacks the marker"},
		"no manifest":                {keys: whole, change: remove("MANIFEST*"), is: envelope.ErrDamaged, says: "lacks the file MANIFEST-"},
		"nothing":                    {keys: whole, change: remove("*"), is: envelope.ErrDamaged, says: "lacks the marker"},
		"no table":                   {keys: whole, change: remove("*.sst"), is: envelope.ErrDamaged, says: "its database cannot be read"},
		"table cut":                  {keys: whole, change: rewrite("*.sst", func(b []byte) []byte { return b[:len(b)-9] }), is: envelope.ErrDamaged},
		"table changed":              {keys: whole, change: rewrite("*.sst", func(b []byte) []byte { b[20] ^= 1; return b }), is: envelope.ErrDamaged},
		"manifest cut":               {keys: whole, change: rewrite("MANIFEST*", func([]byte) []byte { return []byte("x") }), is: envelope.ErrDamaged},
		"another merger":             {keys: whole, change: rewrite("OPTIONS*", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("pebble.concatenate"), []byte("foo")) }), is: envelope.ErrDamaged, says: "merger"},
		"newer format":               {keys: whole, change: newerFormat, is: envelope.ErrUnsupported, says: `format version "025"`},
		"large options":              {keys: whole, change: rewrite("OPTIONS*", func([]byte) []byte { return make([]byte, 2<<20) }), is: envelope.ErrDamaged, says: "more than the limit"},
		"no version of keys":         {keys: with(keyKeyspace, nil), is: envelope.ErrUnsupported, says: "its keys have no version"},
		"old version of keys":        {keys: with(keyKeyspace, []byte("\x00\x00\x00\x01")), is: envelope.ErrUnsupported, says: "is 00000001"},
		"short version of keys":      {keys: with(keyKeyspace, []byte("\x02")), is: envelope.ErrUnsupported, says: "is 02"},
		"interim ids":                {keys: with(keyIDFormat, []byte("\x00\x00\x00\x01")), is: envelope.ErrUnsupported, says: "keys of grants is 00000001"},
		"newer ids":                  {keys: with(keyIDFormat, []byte("\x00\x00\x00\x03")), is: envelope.ErrUnsupported, says: "keys of grants is 00000003"},
		"no id of the sync":          {keys: run(&storagev3.SyncRunRecord{}), is: envelope.ErrDamaged, says: "is not a KSUID"},
		"an id that is no KSUID":     {keys: run(&storagev3.SyncRunRecord{SyncId: "sync"}), is: envelope.ErrDamaged, says: "is not a KSUID"},
		"a time that is none":        {keys: run(&storagev3.SyncRunRecord{SyncId: syncID, EndedAt: &timestamppb.Timestamp{Nanos: -1}}), is: envelope.ErrDamaged, says: "a time of its sync is invalid"},
		"a sync that is no record":   {keys: with(keySyncRun, []byte("\xff")), is: envelope.ErrDamaged, says: "decode SyncRunRecord"},
		"a grant that is no record":  {keys: with(keyOf(g), []byte("\xff")), is: envelope.ErrDamaged, says: "decode record"},
		"a grant of another key":     {keys: with(keyOf(g), encoded(t, grantRecord("g", "g2", "group:g1:member", "u1"))), is: envelope.ErrDamaged, says: "its key names"},
		"a grant with a wrong flag":  {keys: with(flagged, encoded(t, g)), is: envelope.ErrDamaged, says: "its key names"},
		"a long id":                  {keys: stamped(t, longGrant(t)), is: envelope.ErrDamaged, says: "more than the limit of 1024"},
		"a large record":             {keys: with(keyOf(g), make([]byte, maxValue+1)), is: envelope.ErrDamaged, says: "more than the limit"},
		"a key that is not escaped":  {keys: with(familyEntitlement+"\x00group\x00g\x01\x09\x001\x00m", nil), is: nil},
		"rows beside the tables":     {keys: whole, change: largeLog, is: envelope.ErrTooLarge, says: "never sorted into tables"},
		"a block that unpacks a lot": {opts: zstd, keys: with(keyOf(g), make([]byte, maxBlock+1)), is: envelope.ErrDamaged, says: "a block of a table in it unpacks to"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := forge(t, test.opts, test.keys)
			if test.change != nil {
				test.change(t, dir)
			}
			_, err := readAll(t.Context(), dir)
			if !errors.Is(err, test.is) || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %v: %s", err, test.is, test.says)
			}
		})
	}
}

func longGrant(t *testing.T) map[string][]byte {
	t.Helper()
	g := grantRecord("g", "g1", "group:g1:member", strings.Repeat("u", maxID+1))
	return map[string][]byte{keyOf(g): encoded(t, g)}
}

func largeLog(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "000999.log")
	if err := os.WriteFile(path, make([]byte, maxLogs+1), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newerFormat(t *testing.T, dir string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, formatMarker+"*"))
	if err != nil || len(found) == 0 {
		t.Fatal(err)
	}
	if err := os.Rename(found[len(found)-1], filepath.Join(dir, formatMarker+"000099.025")); err != nil {
		t.Fatal(err)
	}
}

// TestOpenBears what other writers do and leave out.
func TestOpenBears(t *testing.T) {
	t.Parallel()
	g := grantRecord("g", "g1", "group:g1:member", "u1")
	bare := grantRecord("", "g1", "group:g1:member", "u2")
	whole := stamped(t, map[string][]byte{
		keyOf(g): encoded(t, g), keyOf(bare): encoded(t, bare), keySyncRun + "\x00x": []byte("another"), "\x02": nil, "\x03\x08": nil, "\x04": nil,
	})
	old := pebble.FormatMajorVersion(16)
	for name, dir := range map[string]string{
		"all":        forge(t, nil, whole),
		"old format": forge(t, &pebble.Options{FormatMajorVersion: old}, whole),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, extra := range []string{"LOCK", "unknown", "000099.log"} {
				if err := os.WriteFile(filepath.Join(dir, extra), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			ids, err := readAll(t.Context(), dir)
			if want := []string{"g", "group:g1:member:user:u2"}; err != nil || !slices.Equal(ids, want) {
				t.Errorf("%v, %v, want %v", ids, err, want)
			}
		})
	}
	empty, err := readAll(t.Context(), forge(t, nil, nil))
	if err != nil || len(empty) > 0 {
		t.Errorf("an empty database: %v, %v", empty, err)
	}
}

// TestExtras counts what no message of a connector has a field for.
func TestExtras(t *testing.T) {
	t.Parallel()
	g := grantRecord("g", "g1", "group:g1:member", "u1")
	g.SourceScopeKey = "scope"
	g.Sources = map[string]*storagev3.GrantSourceRecord{"x": {ResourceId: "g2"}, "y": {IsDirect: true}}
	g.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 1000, protowire.VarintType), 1))
	typ := &storagev3.ResourceTypeRecord{ExternalId: "user", Traits: []string{"USER", "TO_COME"}}
	resource := &storagev3.ResourceRecord{ResourceTypeId: "user", ResourceId: "u1", SourceScopeKey: "scope"}
	entitlement := &storagev3.EntitlementRecord{
		ExternalId: "group:g1:member", Resource: &storagev3.ResourceRef{ResourceTypeId: "group", ResourceId: "g1"}, Purpose: "TO_COME", SourceScopeKey: "scope",
	}
	s, err := Open(t.Context(), forge(t, nil, stamped(t, map[string][]byte{
		keyOf(g): encoded(t, g), string(appendPart([]byte(familyResourceType), "user")): encoded(t, typ),
		string(appendParts([]byte(familyResource), "user", "u1")):                                   encoded(t, resource),
		string(appendEntitlement([]byte(familyEntitlement), "group", "g1", entitlement.ExternalId)): encoded(t, entitlement),
		string(appendParts([]byte(familySession), syncID, "key")):                                   encoded(t, &storagev3.SessionRecord{SyncId: syncID, Key: "key"}),
		keySyncRun: encoded(t, &storagev3.SyncRunRecord{SyncId: syncID, IngestInvariantMode: "strict"}),
	})))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := s.Extras(t.Context())
	want := map[string]int64{
		"traits of resource types that are not known": 1, "scopes of the sources of resources": 1, "scopes of the sources of entitlements": 1,
		"scopes of the sources of grants": 1, "purposes of entitlements that are not known": 1, "grants with fields that are not known": 1,
		"ids in the sources of grants": 1, "values in the store of sessions": 1, "records of checks that another program made": 1,
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// TestResourceName reads the name alone, and refuses what the whole record is refused for.
func TestResourceName(t *testing.T) {
	t.Parallel()
	key := func(id string) string { return string(appendParts([]byte(familyResource), "user", id)) }
	resource := func(id, name string) []byte {
		return encoded(t, &storagev3.ResourceRecord{ResourceTypeId: "user", ResourceId: id, DisplayName: name, Description: "x"})
	}
	s, err := Open(t.Context(), forge(t, nil, stamped(t, map[string][]byte{
		key("u1"): resource("u1", "Ann"), key("u2"): resource("u1", "Ann"), key("u3"): resource("u3", strings.Repeat("n", maxName+1)),
		key("u4"): append(resource("u4", ""), 0x22, 1, 0xff), key("u5"): []byte("\xff"), key("u6"): resource("u6", ""),
	})))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for id, want := range map[string]string{"u1": "Ann", "u6": "", "none": ""} {
		if got, err := s.ResourceName("user", id); err != nil || got != want {
			t.Errorf("%s: %q, %v", id, got, err)
		}
	}
	for _, id := range []string{"u2", "u3", "u4", "u5"} {
		if got, err := s.ResourceName("user", id); !errors.Is(err, envelope.ErrDamaged) {
			t.Errorf("%s: %q, %v", id, got, err)
		}
		if _, err := s.Resource("user", id); !errors.Is(err, envelope.ErrDamaged) {
			t.Errorf("%s, whole: %v", id, err)
		}
	}
}

// TestLegacy reads a database whose keys name rows by their ids: grants of the same
// entitlement and principal are one, and every lookup finds them.
func TestLegacy(t *testing.T) {
	t.Parallel()
	first := grantRecord("b", "g1", "group:g1:member", "u1")
	first.DiscoveredAt = &timestamppb.Timestamp{Seconds: 100}
	first.Sources = map[string]*storagev3.GrantSourceRecord{"x": {}}
	second := grantRecord("a", "g1", "group:g1:member", "u1")
	second.DiscoveredAt = &timestamppb.Timestamp{Seconds: 200}
	second.Sources = map[string]*storagev3.GrantSourceRecord{"y": {IsDirect: true}}
	other := grantRecord("c", "g2", "whole", "u1")
	entitlement := &storagev3.EntitlementRecord{ExternalId: "group:g1:member", Resource: &storagev3.ResourceRef{ResourceTypeId: "group", ResourceId: "g1"}}
	for _, stamp := range []string{"", stampLegacy} {
		keys := stamped(t, map[string][]byte{
			familyGrant + "\x00a": encoded(t, second), familyGrant + "\x00b": encoded(t, first), familyGrant + "\x00c": encoded(t, other),
			familyEntitlement + "\x00group:g1:member": encoded(t, entitlement), "\x03\x07\x02\x00old": nil,
		})
		if keys[keyIDFormat] = []byte(stamp); stamp == "" {
			delete(keys, keyIDFormat)
		}
		dir := forge(t, nil, keys)
		s, err := Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if s.Run().GetSyncId() != syncID {
			t.Errorf("the sync is %v", s.Run())
		}
		var ids []string
		for e, err := range s.ListGrants(t.Context(), Grants{Entitlement: "group:g1:member"}) {
			if err != nil {
				t.Fatal(err)
			}
			if ids = append(ids, e.GetId()); len(e.GetSources().GetSources()) != 2 {
				t.Errorf("sources %v", e.GetSources())
			}
		}
		if !slices.Equal(ids, []string{"b"}) {
			t.Errorf("grants of the entitlement: %v", ids)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*")); err != nil || len(left) != 1 {
			t.Errorf("beside the folder: %v, %v", left, err)
		}
		if all, err := readAll(t.Context(), dir); err != nil || !slices.Equal(all, []string{"b", "c"}) {
			t.Errorf("all: %v, %v", all, err)
		}
	}
}

// TestKeys escapes and takes apart what ids can hold.
func TestKeys(t *testing.T) {
	t.Parallel()
	for _, parts := range [][]string{{"a"}, {"", ""}, {"a\x00b", "\x01", "\x01\x02"}, {"\x00", "", "x"}} {
		key := appendParts([]byte(familyGrant), parts...)
		got, ok := splitKey(key, familyGrant, len(parts))
		if !ok || !slices.Equal(got, parts) {
			t.Errorf("%q: %q, %v", parts, got, ok)
		}
		if bytes.Contains(key[len(familyGrant):], []byte{separator, 1, 0}) {
			t.Errorf("%q: %x", parts, key)
		}
	}
	for _, key := range []string{familyGrant, familyGrant + "x", familyGrant + "\x00\x01", familyGrant + "\x00\x01\x03", familyGrant + "\x00a\x00b"} {
		if got, ok := splitKey([]byte(key), familyGrant, 1); ok {
			t.Errorf("%q: %q", key, got)
		}
	}
}

// FuzzStore changes bytes of the files of a database.
func FuzzStore(f *testing.F) {
	g := grantRecord("g", "g1", "group:g1:member", "u1")
	dir := forge(f, nil, stamped(f, map[string][]byte{keyOf(g): encoded(f, g)}))
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint8(0), uint16(0), []byte("x"))
	f.Add(uint8(3), uint16(200), []byte("xyz"))
	f.Fuzz(func(t *testing.T, which uint8, at uint16, with []byte) {
		into := t.TempDir()
		for i, e := range entries {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if i == int(which)%len(entries) && len(b) > 0 {
				copy(b[int(at)%len(b):], with)
			}
			if err := os.WriteFile(filepath.Join(into, e.Name()), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := readAll(t.Context(), into)
		if err != nil && !errors.Is(err, envelope.ErrDamaged) && !errors.Is(err, envelope.ErrUnsupported) && !errors.Is(err, envelope.ErrTooLarge) {
			t.Errorf("an error of no kind: %v", err)
		}
	})
}
