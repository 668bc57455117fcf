package syncrun

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/guard"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

func TestChooseBaseline(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	sync := func(id string, kind c1z.SyncType, org, settings string, hours int) c1z.SyncRun {
		return c1z.SyncRun{ID: id, Type: kind, EndedAt: at.Add(time.Duration(hours) * time.Hour), Organization: c1z.Organization{ID: org, Settings: settings}}
	}
	run := sync("new", c1z.SyncFull, "o1", "", 9)
	onlyResources := run
	onlyResources.Type = c1z.SyncResourcesOnly
	unfinished := sync("a", c1z.SyncFull, "o1", "", 0)
	unfinished.EndedAt = time.Time{}
	for _, tt := range []struct {
		name   string
		run    c1z.SyncRun
		syncs  []c1z.SyncRun
		want   string // id
		reason string
	}{
		{"the first", run, nil, "", "the previous archive contains no finished sync"},
		{"unfinished", run, []c1z.SyncRun{unfinished}, "", "the previous archive contains no finished sync"},
		{"partial", run, []c1z.SyncRun{sync("a", c1z.SyncPartial, "o1", "", 0)}, "", "the previous archive contains no finished sync"},
		{"itself, of a run that died", run, []c1z.SyncRun{sync("new", c1z.SyncFull, "o1", "", 9)}, "", "the previous archive contains no finished sync"},
		{"the newest", run, []c1z.SyncRun{sync("a", c1z.SyncFull, "o1", "", 1), sync("b", c1z.SyncFull, "o1", "", 3), sync("c", c1z.SyncFull, "o1", "", 2)}, "b", ""},
		{"a full one before a newer one of resources", run, []c1z.SyncRun{sync("a", c1z.SyncFull, "o1", "", 1), sync("b", c1z.SyncResourcesOnly, "o1", "", 3)}, "a", ""},
		{"one of resources, for lack of another", run, []c1z.SyncRun{sync("b", c1z.SyncResourcesOnly, "o1", "", 3)}, "b", ""},
		{"the newest, for one of resources", onlyResources, []c1z.SyncRun{sync("b", c1z.SyncResourcesOnly, "o1", "", 1), sync("a", c1z.SyncFull, "o1", "", 3)}, "a", ""},
		{"one with the same settings before a newer one", run, []c1z.SyncRun{sync("a", c1z.SyncFull, "o1", "", 1), sync("b", c1z.SyncFull, "o1", "types=user", 2)}, "a", ""},
		{"other settings", run, []c1z.SyncRun{sync("b", c1z.SyncFull, "o1", "types=user", 2)}, "", `the settings differ: "" now, "types=user" before`},
		{"another organization", run, []c1z.SyncRun{sync("b", c1z.SyncFull, "o2", "", 2)}, "", "the previous archive is of another organization"},
		{"another program", run, []c1z.SyncRun{sync("b", c1z.SyncFull, "", "", 2)}, "", "the previous archive does not name its organization; another program wrote it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, reason := chooseBaseline(tt.syncs, tt.run)
			if got.ID != tt.want || reason != tt.reason {
				t.Errorf("got %q, %q; want %q, %q", got.ID, reason, tt.want, tt.reason)
			}
		})
	}
}

// discard is an archive that keeps nothing.
type discard struct{ syncer.Archive }

func (discard) PutResources(context.Context, ...*v2.Resource) error { return nil }
func (discard) PutGrants(context.Context, ...*v2.Grant) error       { return nil }

// BenchmarkCompare measures what comparing a sync with the one before adds to
// writing it: groups of 400 members each, a tenth of which are others now.
func BenchmarkCompare(b *testing.B) {
	const users = 20_000
	resource := func(kind string, n int) *v2.Resource {
		return &v2.Resource{Id: &v2.ResourceId{ResourceType: kind, Resource: fmt.Sprintf("5f%022x", n)}, DisplayName: fmt.Sprintf("Firstname Lastname %d", n)}
	}
	everybody := make([]*v2.Resource, users)
	for i := range everybody {
		everybody[i] = resource("user", i)
	}
	members := func(group, shift int) []*v2.Grant {
		g := resource("group", group)
		e := &v2.Entitlement{Id: "group:" + g.GetId().GetResource(), Resource: g}
		grants := make([]*v2.Grant, 400)
		for i := range grants {
			u := everybody[(group*37+i*40+shift)%users]
			grants[i] = &v2.Grant{Id: e.GetId() + ":user:" + u.GetId().GetResource(), Entitlement: e, Principal: u}
		}
		return grants
	}
	for _, groups := range []int{250, 2500} {
		b.Run(fmt.Sprintf("grants=%d", groups*400), func(b *testing.B) {
			dir := b.TempDir()
			path := filepath.Join(dir, "sync.c1z")
			w, err := c1z.Create(b.Context(), c1z.Options{Path: path, WorkDir: dir})
			if err != nil {
				b.Fatal(err)
			}
			put := func(archive syncer.Archive, shift int) {
				if err := archive.PutResources(b.Context(), everybody...); err != nil {
					b.Fatal(err)
				}
				for g := range groups {
					if err := archive.PutGrants(b.Context(), members(g, shift*(g%10/9))...); err != nil {
						b.Fatal(err)
					}
				}
			}
			for g := range groups {
				r := resource("group", g)
				err := w.PutEntitlements(b.Context(), &v2.Entitlement{Id: "group:" + r.GetId().GetResource(), Resource: r})
				if err != nil {
					b.Fatal(err)
				}
			}
			put(w, 0)
			info, err := w.Finish(b.Context(), c1z.SyncRun{})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				old, err := c1z.Open(b.Context(), path, c1z.OpenOptions{TempDir: dir})
				if err != nil {
					b.Fatal(err)
				}
				watch := guard.NewWatch(discard{}, baseline{old, info.Sync.ID}, true)
				put(watch, 1)
				if loss, err := watch.Loss(b.Context()); err != nil || loss.Kinds[1].Lost != int64(groups*40) {
					b.Fatal(loss, err)
				}
				if err := old.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(groups*400)*float64(b.N)/b.Elapsed().Seconds(), "grants/s")
			b.ReportMetric(float64(info.DecodedSize>>20), "decoded-MiB")
		})
	}
}
