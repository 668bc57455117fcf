package c1z_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// dumpOf is the canonical dump of the sync that an archive shows.
func dumpOf(t *testing.T, path string) string {
	t.Helper()
	r, run := shownOf(t, path)
	var text strings.Builder
	if err := r.Dump(t.Context(), run.ID, &text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// TestFormatsHoldTheSame writes a sync in both formats: what is read of them is equal,
// row for row, and so are the facts about the sync.
func TestFormatsHoldTheSame(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	dir := t.TempDir()
	one, three := filepath.Join(dir, "one.c1z"), filepath.Join(dir, "three.c1z")
	run := fixtureRun()
	f.writeTo(t, c1z.Options{Path: one, WorkDir: t.TempDir()}, run)
	work := t.TempDir()
	info := f.writeTo(t, c1z.Options{Path: three, WorkDir: work, Format: c1z.FormatV3}, run)
	empty(t, work)
	stat, err := os.Stat(three)
	if err != nil {
		t.Fatal(err)
	}
	if head := readStart(t, three, 5); head != "C1Z3\x00" || stat.Mode() != 0o600 || stat.Size() != info.Size {
		t.Errorf("the file begins with %q, mode %v, %d bytes of %d", head, stat.Mode(), stat.Size(), info.Size)
	}
	if d := cmp.Diff(dumpOf(t, one), dumpOf(t, three)); d != "" {
		t.Errorf("the formats hold different rows (-one +three):\n%s", d)
	}
	r, shown := shownOf(t, three)
	if d := cmp.Diff(info.Sync, shown); d != "" {
		t.Errorf("the sync differs (-written +read):\n%s", d)
	}
	stats, err := r.Stats(t.Context(), shown.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(f.stats(), stats); d != "" {
		t.Errorf("counts differ (-want +got):\n%s", d)
	}
	for _, want := range f.resources {
		got, err := r.Resource(t.Context(), shown.ID, want.GetId().GetResourceType(), want.GetId().GetResource())
		if err != nil || !proto.Equal(got, want) {
			t.Errorf("resource: %s %v", cmp.Diff(want, got, protocmp.Transform()), err)
		}
	}
	children := collect(t, r.Resources(t.Context(), shown.ID, c1z.ResourceFilter{ParentType: "group", Parent: "g1"}))
	if len(children) != 1 || children[0].GetId().GetResource() != "g2" {
		t.Errorf("children of g1: %v", children)
	}
	if _, err := r.Grant(t.Context(), shown.ID, "none"); !errors.Is(err, c1z.ErrNotFound) {
		t.Errorf("a grant that is not there: %v", err)
	}
}

func readStart(t *testing.T, path string, n int) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || len(b) < n {
		t.Fatal(err)
	}
	return string(b[:n])
}

// TestV3Replaces another sync, which is told, and not a full one with a partial one.
func TestV3Replaces(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path := filepath.Join(t.TempDir(), "a.c1z")
	options := func() c1z.Options {
		return c1z.Options{Path: path, WorkDir: t.TempDir(), Format: c1z.FormatV3}
	}
	first := f.writeTo(t, options(), c1z.SyncRun{})
	second := f.writeTo(t, options(), c1z.SyncRun{})
	if len(second.Kept) != 0 || len(second.Dropped) != 1 || second.Dropped[0] != first.Sync.ID {
		t.Errorf("kept %v, dropped %v", second.Kept, second.Dropped)
	}
	for _, typ := range []c1z.SyncType{c1z.SyncPartial, c1z.SyncResourcesOnly} {
		w, err := c1z.Create(t.Context(), options())
		if err != nil {
			t.Fatal(err)
		}
		if old := w.Old(); old == nil || old.Format() != c1z.FormatV3 {
			t.Fatal("the old archive is not open")
		}
		if _, err := w.Finish(t.Context(), c1z.SyncRun{Type: typ}); !errors.Is(err, c1z.ErrOneSync) {
			t.Errorf("%s: %v", typ, err)
		}
	}
	r, err := c1z.Open(t.Context(), path, c1z.OpenOptions{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if run, err := r.Shown(t.Context()); err != nil || run.ID != second.Sync.ID {
		t.Errorf("shown is %v: %v", run, err)
	}
	// Lists end when the reader is closed, and the files go.
	for _, err := range r.Grants(t.Context(), second.Sync.ID, c1z.GrantFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		break
	}
	for _, err := range r.Grants(t.Context(), second.Sync.ID, c1z.GrantFilter{}) {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("a list of a closed archive: %v", err)
		}
	}
}

// TestV3Rows refuses rows that the format has no key for.
func TestV3Rows(t *testing.T) {
	t.Parallel()
	of := func(e, pt, p string) *v2.Grant {
		return &v2.Grant{
			Id:          "id " + e + pt + p + time.Now().String(),
			Entitlement: &v2.Entitlement{Id: e, Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: "group", Resource: "g"}}},
			Principal:   &v2.Resource{Id: &v2.ResourceId{ResourceType: pt, Resource: p}},
		}
	}
	for name, test := range map[string]struct {
		grants []*v2.Grant
		says   string
	}{
		"no entitlement": {[]*v2.Grant{of("", "user", "u")}, "an id is missing"},
		"no principal":   {[]*v2.Grant{of("group:g", "user", "")}, "an id is missing"},
		"twice":          {[]*v2.Grant{of("group:g", "user", "u"), of("group:g", "user", "u")}, "duplicate id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, work := t.TempDir(), t.TempDir()
			w, err := c1z.Create(t.Context(), c1z.Options{Path: filepath.Join(dir, "a.c1z"), WorkDir: work, Format: c1z.FormatV3})
			if err != nil {
				t.Fatal(err)
			}
			err = w.PutGrants(t.Context(), test.grants...)
			if err == nil {
				_, err = w.Finish(t.Context(), c1z.SyncRun{})
			}
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
			if err := w.Abort(); err != nil {
				t.Error(err)
			}
			empty(t, dir)
			empty(t, work)
		})
	}
}
