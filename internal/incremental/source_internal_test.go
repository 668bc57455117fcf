package incremental

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// previousWith writes an archive in which an application has grants of the given ids and
// principals, and opens it.
func previousWith(t *testing.T, format c1z.Format, grants map[string]*v2.ResourceId) Previous {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "sync.c1z")
	w, err := c1z.Create(t.Context(), c1z.Options{Path: path, Format: format, WorkDir: dir, StartedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	app := &v2.Resource{Id: &v2.ResourceId{ResourceType: restype.App, Resource: "a"}, DisplayName: "App"}
	entitlement := &v2.Entitlement{Id: restype.EntitlementID(restype.App, "a"), Resource: app}
	for _, err := range []error{
		w.PutResourceTypes(t.Context(), &v2.ResourceType{Id: restype.App}, &v2.ResourceType{Id: restype.Group}, &v2.ResourceType{Id: restype.User}),
		w.PutResources(t.Context(), app), w.PutEntitlements(t.Context(), entitlement),
	} {
		if err != nil {
			t.Fatal(err, w.Abort())
		}
	}
	for id, principal := range grants {
		if err := w.PutGrants(t.Context(), &v2.Grant{Id: id, Entitlement: entitlement, Principal: &v2.Resource{Id: principal}}); err != nil {
			t.Fatal(err, w.Abort())
		}
	}
	if _, err := w.Finish(t.Context(), c1z.SyncRun{}); err != nil {
		t.Fatal(err)
	}
	r, err := c1z.Open(t.Context(), path, c1z.OpenOptions{TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() }) // It was only read.
	run, err := r.Latest(t.Context(), c1z.SyncFull)
	if err != nil {
		t.Fatal(err)
	}
	run.Basis = &c1z.Basis{Mapping: 1}
	return Previous{Reader: r, Run: run}
}

// assignments is the list of whom the application is assigned to.
func assignments() syncer.List {
	return syncer.List{Kind: "assignments", Owner: syncer.Ref{Type: restype.App, ID: "a"}}
}

// TestPagesThatAreCarriedOver carries a list over in several pages: every direct holder once,
// groups with what follows from them, and no one who has the application through a group.
func TestPagesThatAreCarriedOver(t *testing.T) {
	t.Parallel()
	for _, format := range []c1z.Format{c1z.FormatV1, c1z.FormatV3} {
		t.Run(fmt.Sprint(format), func(t *testing.T) {
			t.Parallel()
			grants := map[string]*v2.ResourceId{}
			var want []string
			for i := range 25 {
				id := &v2.ResourceId{ResourceType: restype.User, Resource: fmt.Sprintf("u%02d", i)}
				if i == 7 {
					id.ResourceType = restype.Group
				}
				grant := restype.GrantID(restype.App, "a", id.GetResourceType(), id.GetResource())
				grants[grant] = id
				want = append(want, grant)
				inherited := &v2.ResourceId{ResourceType: restype.User, Resource: fmt.Sprintf("i%02d", i)}
				grants["app:a:user:"+inherited.GetResource()] = inherited
			}
			previous := previousWith(t, format, grants)
			// As many rounds as there are lists, so that none is due.
			s := &Source{previous: previous, changes: &Changes{}, rounds: 1 << 20, perPage: 10, logger: slog.New(slog.DiscardHandler)}
			var got []string
			expandable := 0
			for token, pages := "", 0; ; pages++ {
				page, err := s.Read(t.Context(), assignments(), token)
				if err != nil {
					t.Fatal(err)
				}
				for _, g := range page.Grants {
					got = append(got, g.GetId())
					expandable += len(g.GetAnnotations())
				}
				if page.Total != 25 {
					t.Errorf("page %d: %d in all", pages, page.Total)
				}
				if len(page.Next) == 0 {
					if !page.Settled || page.Counted != 25 || page.Shown != 25 || pages != 2 {
						t.Errorf("last page: %+v, %d before", page, pages)
					}
					break
				}
				token = page.Next[0]
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" || expandable != 1 {
				t.Errorf("%s, %d expand", diff, expandable)
			}
		})
	}
}

// TestStrangeGrants carries nothing over of a resource with a grant whose id or holder is of
// an unknown form: another program or version may mean something else by it.
func TestStrangeGrants(t *testing.T) {
	t.Parallel()
	user := &v2.ResourceId{ResourceType: restype.User, Resource: "u"}
	for name, grants := range map[string]map[string]*v2.ResourceId{
		"an id of another form": {"app:a:member:user:u": user},
		"an id of another user": {restype.GrantID(restype.App, "a", restype.User, "v"): user},
		"a holder of a kind that holds nothing": {
			restype.GrantID(restype.App, "a", restype.App, "b"): {ResourceType: restype.App, Resource: "b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			s := &Source{previous: previousWith(t, c1z.FormatV1, grants), changes: &Changes{}, rounds: 1 << 20, perPage: 10, logger: slog.New(slog.NewTextHandler(&log, nil))}
			if page := s.carried(t.Context(), assignments()); page != nil {
				t.Errorf("carried over: %+v", page)
			}
			if !strings.Contains(log.String(), "does not tell it") {
				t.Errorf("log: %s", log.String())
			}
		})
	}
}
