package c1z_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// convert makes an archive of another format of the sync that an archive shows.
func convert(t *testing.T, from string, format c1z.Format) (string, c1z.Conversion) {
	t.Helper()
	r, run := shownOf(t, from)
	path, work := filepath.Join(t.TempDir(), "converted.c1z"), t.TempDir()
	made, err := c1z.Convert(t.Context(), r, run, c1z.ConvertOptions{Path: path, WorkDir: work, Format: format})
	if err != nil {
		t.Fatal(err)
	}
	empty(t, work)
	return path, made
}

// shownOf opens an archive, until the test ends, and returns the sync that it shows.
func shownOf(t *testing.T, path string) (*c1z.Reader, c1z.SyncRun) {
	t.Helper()
	r, err := c1z.Open(t.Context(), path, c1z.OpenOptions{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	run, err := r.Shown(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r, run
}

// TestConvertThereAndBack loses nothing of an archive of ours: rows, times and the
// token with the organization stay.
func TestConvertThereAndBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	one := filepath.Join(t.TempDir(), "one.c1z")
	f.writeTo(t, c1z.Options{Path: one, WorkDir: t.TempDir()}, fixtureRun())
	three, there := convert(t, one, c1z.FormatV3)
	again, back := convert(t, three, c1z.FormatV1)
	if len(there.Lost)+len(back.Lost) > 0 || there.Merged+back.Merged != 0 {
		t.Errorf("lost %v and %v", there.Lost, back.Lost)
	}
	_, want := shownOf(t, one)
	for _, path := range []string{three, again} {
		if d := cmp.Diff(dumpOf(t, one), dumpOf(t, path)); d != "" {
			t.Errorf("%s holds other rows (-first +converted):\n%s", path, d)
		}
		if _, got := shownOf(t, path); !cmp.Equal(want, got) {
			t.Errorf("the sync differs (-first +converted):\n%s", cmp.Diff(want, got))
		}
	}
}

// TestConvertSamples turns archives of the public SDK into format 1 and back: every row
// and fact stays, but for what is told.
func TestConvertSamples(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"tiny.c1z", "expanded.c1z", "edge.c1z", "tarzstd.c1z"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, made := convert(t, sample(name), c1z.FormatV1)
			if len(made.Lost) > 0 || !cmp.Equal(made.Before, made.After) {
				t.Errorf("lost %v\n%s", made.Lost, cmp.Diff(made.Before, made.After))
			}
			three, made := convert(t, one, c1z.FormatV3)
			if len(made.Lost) > 0 {
				t.Errorf("lost %v on the way back", made.Lost)
			}
			before, run := shownOf(t, sample(name))
			after, sameRun := shownOf(t, three)
			if d := cmp.Diff(run, sameRun); d != "" {
				t.Errorf("the sync differs:\n%s", d)
			}
			grants := collect(t, before.Grants(t.Context(), run.ID, c1z.GrantFilter{}))
			for i, g := range collect(t, after.Grants(t.Context(), run.ID, c1z.GrantFilter{})) {
				want := proto.CloneOf(grants[i])
				if !proto.Equal(want, g) {
					t.Errorf("grant %s: %v", want.GetId(), g)
				}
			}
			if got, want := collect(t, after.Assets(t.Context(), run.ID)), collect(t, before.Assets(t.Context(), run.ID)); !cmp.Equal(got, want) {
				t.Errorf("assets: %v, want %v", got, want)
			}
		})
	}
}

// TestConvertTellsLosses of an archive of format 1 with what format 3 has no place for.
func TestConvertTellsLosses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.resources[0].BatonResource = true
	f.resources[1].ExternalId = &v2.ExternalId{Id: "x"} //nolint:staticcheck // Old files have it.
	twin := proto.CloneOf(f.grants[0])
	twin.Id = "twin"
	stranger := proto.CloneOf(f.grants[0])
	stranger.Id, stranger.Principal = "stranger", &v2.Resource{Id: &v2.ResourceId{ResourceType: "user", Resource: "gone"}, DisplayName: "Gone"}
	f.grants = append(f.grants, twin, stranger)
	path := filepath.Join(t.TempDir(), "one.c1z")
	for range 2 { // The older sync is in the file too.
		f.writeTo(t, c1z.Options{Path: path, WorkDir: t.TempDir()}, c1z.SyncRun{})
	}
	_, made := convert(t, path, c1z.FormatV3)
	want := []string{
		"1 names of principals that have no row of their own", "1 other syncs of the archive", "1 resources marked as resources of Baton itself",
		"1 resources with an external id",
	}
	if !cmp.Equal(made.Lost, want) || made.Merged != 1 || made.Before.Grants != 7 || made.After.Grants != 6 || made.Sync.Stats.Grants != 6 {
		t.Errorf("lost %q, merged %d, grants %d and %d", made.Lost, made.Merged, made.Before.Grants, made.After.Grants)
	}
}

// TestConvertArchivesOfOthers turns archives of all the shapes that programs have made
// into format 3. Each row comes along; what no list holds is told.
func TestConvertArchivesOfOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, test := range map[string]struct {
		path string
		want *fixture
		lost []string
	}{
		"today":  {byHand{schema: "schema.sql"}.write(t, f), f, nil},
		"0.1.5":  {byHand{schema: "schema-0.1.5.sql", old: true}.write(t, f), f, nil},
		"slim":   {byHand{schema: "schema.sql", slim: true}.write(t, f), slimmed(f), nil},
		"checks": {byHand{schema: "schema.sql"}.write(t, f, "update v1_sync_runs set ingest_invariant_mode = 'strict'"), f, []string{"1 records of checks that another program made"}},
		"more": {
			byHand{schema: "schema.sql"}.write(t, f,
				"insert into v1_connector_sessions (sync_id, key, value) values ('"+handSync+"', 'a', x'00'), ('"+handSync+"', 'b', x'00'), ('another', 'c', x'00')",
				"update v1_sync_runs set sync_token = '{' || hex(zeroblob(40000)) || '}'"), f,
			[]string{"1 sync tokens of more than 64 KiB", "2 values in the store of sessions"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			three, made := convert(t, test.path, c1z.FormatV3)
			if made.Before.Grants != int64(len(f.grants)) || !cmp.Equal(made.Before, made.After) || !cmp.Equal(made.Lost, test.lost) {
				t.Errorf("lost %q\n%s", made.Lost, cmp.Diff(made.Before, made.After))
			}
			r, run := shownOf(t, three)
			if before, was := shownOf(t, test.path); before == nil || run.ID != was.ID || !run.StartedAt.Equal(was.StartedAt) || !run.EndedAt.Equal(was.EndedAt) {
				t.Errorf("the sync is %+v, and was %+v", run, was)
			}
			grants := map[string]*v2.Grant{}
			for _, g := range collect(t, r.Grants(t.Context(), run.ID, c1z.GrantFilter{})) {
				grants[g.GetId()] = g
			}
			for _, want := range test.want.grants {
				got := grants[want.GetId()]
				if got.GetEntitlement().GetId() != want.GetEntitlement().GetId() || !proto.Equal(got.GetPrincipal().GetId(), want.GetPrincipal().GetId()) || !proto.Equal(got.GetSources(), want.GetSources()) {
					t.Errorf("grant %s: %v", want.GetId(), got)
				}
			}
		})
	}
}

// TestConvertRefuses a path that is taken, and rows that format 1 cannot hold.
func TestConvertRefuses(t *testing.T) {
	t.Parallel()
	r := openSample(t, "tiny.c1z")
	run, err := r.Shown(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "taken.c1z")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = c1z.Convert(t.Context(), r, run, c1z.ConvertOptions{Path: path, WorkDir: t.TempDir(), Format: c1z.FormatV1})
	if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("a path that is taken: %v", err)
	}
	// The same id on grants of two principals, which format 3 allows.
	f := newFixture(t)
	f.grants[1].Id = f.grants[0].GetId()
	three := filepath.Join(t.TempDir(), "three.c1z")
	f.writeTo(t, c1z.Options{Path: three, WorkDir: t.TempDir(), Format: c1z.FormatV3}, c1z.SyncRun{})
	r, run = shownOf(t, three)
	dir := t.TempDir()
	_, err = c1z.Convert(t.Context(), r, run, c1z.ConvertOptions{Path: filepath.Join(dir, "one.c1z"), WorkDir: t.TempDir(), Format: c1z.FormatV1})
	if !errors.Is(err, c1z.ErrDuplicate) {
		t.Errorf("an id that is there twice: %v", err)
	}
	empty(t, dir)
}
