package c1z

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// at is a time n hours after some hour.
func at(n int) time.Time { return time.Date(2026, 1, 1, n, 0, 0, 0, time.UTC) }

// run is a sync that lasted from one hour to the next.
func run(id string, kind SyncType, hour int) SyncRun {
	return SyncRun{ID: id, Type: kind, StartedAt: at(hour), EndedAt: at(hour + 1)}
}

func unfinished(id string, kind SyncType, hour int) SyncRun {
	return SyncRun{ID: id, Type: kind, StartedAt: at(hour)}
}

func ids(syncs []SyncRun) string {
	var list []string
	for _, s := range syncs {
		list = append(list, s.ID)
	}
	return strings.Join(list, " ")
}

func TestKeep(t *testing.T) {
	t.Parallel()
	full, partial, resources := SyncFull, SyncPartial, SyncResourcesOnly
	linked := run("d4", diffDeletions, 9)
	linked.LinkedID = "d1"
	for _, test := range []struct {
		name string
		old  []SyncRun
		run  SyncRun
		n    int
		want string
	}{
		{"nothing", nil, run("new", full, 20), KeepDefault, ""},
		{"one full", []SyncRun{run("a", full, 1)}, run("new", full, 20), KeepDefault, "a"},
		{"the newest full", []SyncRun{run("a", full, 1), run("b", full, 3), run("c", full, 5)}, run("new", full, 20), KeepDefault, "c"},
		{"the newest by its end, not its row", []SyncRun{run("c", full, 5), run("a", full, 1)}, run("new", full, 20), KeepDefault, "c"},
		{"two", []SyncRun{run("a", full, 1), run("b", full, 3), run("c", full, 5)}, run("new", full, 20), 2, "b c"},
		{"none", []SyncRun{run("a", full, 1)}, run("new", full, 20), KeepNone, ""},
		{"all", []SyncRun{run("a", full, 1), run("b", partial, 3), run("c", full, 5)}, run("new", full, 20), KeepAll, "a b c"},
		{"more than there are", []SyncRun{run("a", full, 1)}, run("new", full, 20), 9, "a"},
		{"unfinished ones", []SyncRun{unfinished("u", full, 1), run("a", full, 2), run("b", full, 4)}, run("new", full, 20), KeepDefault, "u b"},
		{"partial before the full one", []SyncRun{run("p", partial, 1), run("r", resources, 2), run("a", full, 5)}, run("new", full, 20), KeepDefault, "a"},
		{"partial after the full one", []SyncRun{run("a", full, 1), run("p", partial, 3), run("r", resources, 4)}, run("new", full, 20), KeepDefault, "a p r"},
		{"partial that ended as the full one began", []SyncRun{run("p", partial, 4), run("a", full, 5)}, run("new", full, 20), KeepDefault, "p a"},
		{"partial without a full one, before a full sync", []SyncRun{run("p", partial, 1)}, run("new", full, 20), KeepDefault, ""},
		{"partial without a full one, before a partial sync", []SyncRun{run("p", partial, 1)}, run("new", partial, 20), KeepDefault, "p"},
		{"two halves of a diff", []SyncRun{run("d1", diffUpserts, 1), run("d2", diffDeletions, 1)}, run("new", full, 20), KeepDefault, "d1 d2"},
		{"more than two halves", []SyncRun{run("d1", diffUpserts, 1), run("d2", diffDeletions, 2), run("d3", diffUpserts, 3), linked}, run("new", full, 20), KeepDefault, "d1 d4"},
		{"an id twice", []SyncRun{run("a", full, 1), run("a", full, 1)}, run("new", full, 20), KeepDefault, "a"},
		{"the new sync's own id", []SyncRun{run("a", full, 1), run("new", full, 3)}, run("new", full, 20), KeepDefault, "a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := ids(keep(test.old, test.run, test.n)); got != test.want {
				t.Errorf("keeps %q, want %q", got, test.want)
			}
		})
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	kept := []SyncRun{run("a", SyncFull, 1), unfinished("u", SyncFull, 2), run("b", SyncFull, 3), run("p", SyncPartial, 5)}
	sizes := map[string]int64{"a": 40, "b": 30, "u": 10, "p": 5}
	for _, test := range []struct {
		size  int64
		kind  SyncType
		limit int64
		want  string
	}{
		{15, SyncFull, 100, "a u b p"},
		{16, SyncFull, 100, "u b p"},
		{60, SyncFull, 100, "u p"},
		{99, SyncFull, 100, "u"},
		{99, SyncPartial, 100, "u b"},
		{1 << 62, SyncFull, 1<<62 + 20, "u p"},
	} {
		sizeOf := func(s SyncRun) int64 { return sizes[s.ID] }
		if got := ids(fit(kept, SyncRun{Type: test.kind}, test.size, sizeOf, test.limit)); got != test.want {
			t.Errorf("%+v: keeps %q", test, got)
		}
	}
}

// small writes an archive of a few rows with limits of its own.
func small(t *testing.T, path string, s sizes, log *strings.Builder, hour int) (Info, error) {
	t.Helper()
	w, err := Create(t.Context(), Options{
		Path: path, WorkDir: t.TempDir(), StartedAt: at(hour),
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.sizes = s
	for i := range 200 {
		if err := w.PutResources(t.Context(), &v2.Resource{
			Id:          &v2.ResourceId{ResourceType: "user", Resource: strconv.Itoa(i)},
			Description: strings.Repeat("x", 500),
		}); err != nil {
			_, err := w.Finish(t.Context(), SyncRun{EndedAt: at(hour + 1)})
			return Info{}, err
		}
	}
	return w.Finish(t.Context(), SyncRun{EndedAt: at(hour + 1)})
}

// TestSizes writes archives that are too large for someone. They have about 200
// KiB, and 130 more for each older sync.
func TestSizes(t *testing.T) {
	t.Parallel()
	const k = 1 << 10
	for _, test := range []struct {
		name  string
		sizes sizes
		kept  int
		log   []string
		fails bool
	}{
		{"small", sizes{1000 * k, 1000 * k, 2000 * k, 3000 * k}, 1, nil, false},
		{"too large to keep the old one", sizes{250 * k, 1000 * k, 2000 * k, 3000 * k}, 0, []string{"an earlier sync is not kept", "2 GiB"}, false},
		{"too large for the oldest readers", sizes{1000 * k, 100 * k, 2000 * k, 3000 * k}, 1, []string{"level=WARN", "2 GiB", "v0.1"}, false},
		{"too large for old readers", sizes{1000 * k, 50 * k, 100 * k, 3000 * k}, 1, []string{"level=WARN", "3 GiB", "v0.7"}, false},
		{"too large", sizes{1000 * k, 50 * k, 100 * k, 150 * k}, 1, nil, true},
		{"much too large", sizes{1000 * k, 50 * k, 100 * k, 20 * k}, 1, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a.c1z")
			var log strings.Builder
			first, err := small(t, path, defaultSizes(), &log, 1)
			if err != nil || log.Len() > 0 {
				t.Fatal(err, log.String())
			}
			second, err := small(t, path, test.sizes, &log, 3)
			if test.fails {
				if !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "Baton readers accept at most") {
					t.Errorf("error: %v", err)
				}
				r, err := Open(t.Context(), path, OpenOptions{TempDir: t.TempDir()})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := r.Sync(t.Context(), first.Sync.ID); err != nil {
					t.Error(err)
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(second.Kept) != test.kept || len(second.Kept)+len(second.Dropped) != 1 {
				t.Errorf("kept %v, dropped %v", second.Kept, second.Dropped)
			}
			if len(test.log) == 0 && log.Len() > 0 {
				t.Errorf("logged %s", log.String())
			}
			for _, says := range test.log {
				if !strings.Contains(log.String(), says) {
					t.Errorf("%q is not in %s", says, log.String())
				}
			}
		})
	}
}

// TestEstimate compares what a writer expects the database to take with what it
// takes.
func TestEstimate(t *testing.T) {
	t.Parallel()
	w, err := Create(t.Context(), Options{Path: filepath.Join(t.TempDir(), "a.c1z"), WorkDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1500 {
		group, user := fmt.Sprintf("%024d", i/100), fmt.Sprintf("%024d", i)
		if err := w.PutGrants(t.Context(), &v2.Grant{
			Id:          "group-grant:" + group + ":user:" + user + ":" + group,
			Entitlement: &v2.Entitlement{Id: "group:" + group, Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: "group", Resource: group}}},
			Principal:   &v2.Resource{Id: &v2.ResourceId{ResourceType: "user", Resource: user}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	want := w.build.(*sqliteBuild).size()
	info, err := w.Finish(t.Context(), SyncRun{})
	if err != nil {
		t.Fatal(err)
	}
	if ratio := float64(want) / float64(info.DecodedSize); ratio < 0.9 || ratio > 1.1 {
		t.Errorf("expected %d bytes, got %d", want, info.DecodedSize)
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	org := Organization{ID: "5f", Name: `A "B" <C>`, Host: "console.jumpcloud.com", Settings: "x"}
	basis := &Basis{Mapping: 1, FullSync: "a", FullStartedAt: time.Date(2026, 12, 1, 3, 4, 5, 6, time.UTC), PreviousSync: "b", Number: 3}
	for _, basis := range []*Basis{nil, basis} {
		token, err := formatToken(org, basis)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(token, "basis") != (basis != nil) {
			t.Errorf("token %s", token)
		}
		run := SyncRun{Token: token}
		run.readToken()
		if diff := cmp.Diff(SyncRun{Token: token, Organization: org, Basis: basis}, run); diff != "" {
			t.Error(diff)
		}
		if run.Basis.Incremental() != (basis != nil) {
			t.Errorf("incremental: %t", run.Basis.Incremental())
		}
	}
	if token, err := formatToken(Organization{}, nil); err != nil || token != `{"version":1}` {
		t.Errorf("token %s, %v", token, err)
	}
	for _, foreign := range []string{"", "{}", "null", "[", `{"version":1}`, `{"baton_jumpcloud":null}`, `{"baton_jumpcloud":7}`} {
		run := SyncRun{Token: foreign}
		if run.readToken(); run.Organization != (Organization{}) || run.Basis != nil {
			t.Errorf("%q names %+v", foreign, run)
		}
	}
}
