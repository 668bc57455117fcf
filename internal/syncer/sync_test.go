package syncer_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// mixed is a tenant with a bit of everything.
func mixed() *tenant {
	t := newTenant(20, 12, 10)
	t.admins = map[string]string{"x1": "", "x2": "u004", "x3": "", "x4": "u005"}
	t.hidden["u007"] = true
	t.hidden["u013"] = true
	t.hideGroup("g006")
	t.groups["g003"]["u999"] = true // a user that does not exist
	return t
}

// small is a tenant with a bit of everything and few pages.
func small() *tenant {
	t := newTenant(8, 5, 4)
	t.limit = 4
	t.admins = map[string]string{"x1": "", "x2": "u004"}
	t.hidden["u003"] = true
	t.hideGroup("g001")
	t.groups["g003"]["u999"] = true // a user that does not exist
	return t
}

func TestSameRowsForAnyNumberOfWorkers(t *testing.T) {
	t.Parallel()
	for _, chains := range []bool{false, true} {
		for _, workers := range []int{1, 4, 16} {
			t.Run(fmt.Sprintf("chains=%t/workers=%d", chains, workers), func(t *testing.T) {
				t.Parallel()
				tn := mixed()
				tn.chains = chains
				got, _ := mustSync(t, tn, syncer.Scope{}, workers)
				if d := diff(mixed().want(), got); d != "" {
					t.Errorf("rows (-want +got):\n%s", d)
				}
				for page, n := range tn.reads {
					if n != 1 {
						t.Errorf("%q was read %d times", page, n)
					}
				}
			})
		}
	}
}

// A planted difference makes the comparison of TestSameRowsForAnyNumberOfWorkers
// fail.
func TestComparisonFindsADifference(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		plant func(*tenant)
	}{
		{"a member", func(tn *tenant) { delete(tn.groups["g003"], "u004") }},
		{"a name", func(tn *tenant) { tn.users["u001"] = "user 1" }},
		{"a joined admin", func(tn *tenant) { tn.admins["x2"] = "u005" }},
		{"an association", func(tn *tenant) { tn.apps["a005"][syncer.Ref{Type: "group", ID: "g000"}] = true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := mixed()
			tt.plant(tn)
			got, _ := mustSync(t, tn, syncer.Scope{}, 4)
			if diff(mixed().want(), got) == "" {
				t.Error("the comparison does not see it")
			}
		})
	}
}

// A store that loses the grants of one page is found by the comparison too.
func TestComparisonFindsALostPage(t *testing.T) {
	t.Parallel()
	store := &losingStore{Store: openStore(t, t.TempDir())}
	got, _, err := runSync(t.Context(), store, mixed(), syncer.Scope{}, 4)
	if err != nil {
		t.Fatal(err)
	}
	if !store.lost || diff(mixed().want(), got) == "" {
		t.Error("the comparison does not see it")
	}
}

type losingStore struct {
	syncer.Store
	lost bool
}

func (s *losingStore) Commit(ctx context.Context, b *syncer.Batch) (syncer.Committed, error) {
	if b.Token.List.Owner.ID == "g005" && b.Token.Token == "3/0" {
		s.lost = true
		b.Grants = nil
	}
	return s.Store.Commit(ctx, b)
}

// A grant that a person has of his own stays when the same one comes from an
// account that was joined into his.
func TestJoinedGrantGivesWay(t *testing.T) {
	t.Parallel()
	tn := &slowTenant{tenant: mixed(), change: func(p *syncer.Page) {
		for _, r := range p.Resources {
			if r.GetId().GetResource() == "u004" {
				own := grant("role", "owner", "user", "u004", nil)
				own.Annotations = annotations(&v2.GrantMetadata{})
				p.Grants = append(p.Grants, own)
			}
		}
	}}
	got, _ := mustSync(t, tn, syncer.Scope{}, 4)
	n := 0
	for _, g := range got.grants {
		if g.GetId() == "role-grant:owner:user:u004:owner" {
			n++
			if len(g.GetAnnotations()) != 1 {
				t.Error("the grant of the joined account stayed")
			}
		}
		if strings.Contains(g.GetId(), "x2") {
			t.Errorf("grant %s names the joined account", g.GetId())
		}
	}
	if n != 1 {
		t.Errorf("the grant is there %d times", n)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	tn := mixed()
	_, got := mustSync(t, tn, syncer.Scope{}, 4)
	want := tn.want()
	wantGrants := map[string]int64{}
	var direct, inherited int64
	for _, g := range want.grants {
		wantGrants[g.GetEntitlement().GetResource().GetId().GetResourceType()]++
		if len(g.GetAnnotations()) > 0 && g.GetAnnotations()[0].MessageIs(&v2.GrantImmutable{}) {
			inherited++
		} else {
			direct++
		}
	}
	if d := cmp.Diff(wantGrants, got.Grants); d != "" {
		t.Errorf("grants (-want +got):\n%s", d)
	}
	if got.DirectGrants != direct || got.InheritedGrants != inherited || inherited == 0 {
		t.Errorf("direct, inherited = %d, %d, want %d, %d", got.DirectGrants, got.InheritedGrants, direct, inherited)
	}
	if d := cmp.Diff(map[string]int64{"app": 10, "group": 12, "role": 2, "user": 23}, got.Resources); d != "" {
		t.Errorf("resources (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]int64{"app": 10, "group": 12, "role": 2}, got.Entitlements); d != "" {
		t.Errorf("entitlements (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[syncer.DropReason]int64{syncer.DropNotFound: 1}, got.Dropped); d != "" {
		t.Errorf("dropped (-want +got):\n%s", d)
	}
	if got.LookedUp != 4 || got.NotFound != 1 || got.Type != syncer.SyncFull || !got.Expanded || len(got.Phases) != 4 {
		t.Errorf("summary = %+v", got)
	}
	if d := cmp.Diff([]string{"21 names", "this is a test"}, got.Remarks); d != "" {
		t.Errorf("remarks (-want +got):\n%s", d)
	}
	for ref, n := range tn.looked {
		if n != 1 {
			t.Errorf("%s was looked up %d times", ref, n)
		}
	}
}

func TestTypeFilter(t *testing.T) {
	t.Parallel()
	t.Run("without groups", func(t *testing.T) {
		t.Parallel()
		got, sum := mustSync(t, mixed(), syncer.Scope{ResourceTypes: []string{"user", "app"}}, 4)
		for _, g := range got.grants {
			if g.GetPrincipal().GetId().GetResourceType() != "user" || g.GetEntitlement().GetResource().GetId().GetResourceType() != "app" {
				t.Errorf("grant %s is there", g.GetId())
			}
			if g.GetSources() != nil {
				t.Errorf("grant %s has sources", g.GetId())
			}
		}
		if sum.Dropped[syncer.DropLeftOut] == 0 || sum.InheritedGrants != 0 {
			t.Errorf("summary = %+v", sum)
		}
		if d := cmp.Diff([]string{"group", "role"}, sum.LeftOutTypes); d != "" {
			t.Errorf("left out (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]string{"app", "user"}, sum.ResourceTypes); d != "" {
			t.Errorf("types (-want +got):\n%s", d)
		}
	})
	t.Run("without users", func(t *testing.T) {
		t.Parallel()
		tn := mixed()
		got, sum := mustSync(t, tn, syncer.Scope{ResourceTypes: []string{"group", "app"}}, 4)
		for _, g := range got.grants {
			// resource_type_ids named users alone, so that nothing is left to expand to.
			if g.GetPrincipal().GetId().GetResourceType() != "group" || len(g.GetAnnotations()) != 0 {
				t.Errorf("grant %s is there with %d annotations", g.GetId(), len(g.GetAnnotations()))
			}
		}
		members := 0
		for _, m := range tn.groups {
			members += len(m)
		}
		for _, holders := range tn.apps {
			for h := range holders {
				if h.Type == "user" {
					members++
				}
			}
		}
		// The two grants of each admin are on a type that is left out.
		if want := int64(members + 2*len(tn.admins)); sum.Dropped[syncer.DropLeftOut] != want {
			t.Errorf("left out = %d, want %d", sum.Dropped[syncer.DropLeftOut], want)
		}
		for ref := range tn.looked {
			if ref.Type == "user" {
				t.Errorf("looked up %v", tn.looked)
			}
		}
	})
	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		_, _, err := runSync(t.Context(), openStore(t, t.TempDir()), mixed(), syncer.Scope{ResourceTypes: []string{"user", "device"}}, 4)
		if err == nil || err.Error() != "invalid resource type 'device' in filter" {
			t.Errorf("error = %v", err)
		}
	})
}

func TestResourcesOnly(t *testing.T) {
	t.Parallel()
	tn := mixed()
	got, sum := mustSync(t, tn, syncer.Scope{SkipEntitlementsAndGrants: true}, 4)
	if len(got.entitlements) != 0 || len(got.grants) != 0 || sum.Type != syncer.SyncResourcesOnly || sum.Expanded {
		t.Errorf("%d entitlements, %d grants, type %s", len(got.entitlements), len(got.grants), sum.Type)
	}
	want := tn.want().resources
	// Nobody looks for users that no list contains.
	want = slices.DeleteFunc(want, func(r *v2.Resource) bool { return tn.hidden[r.GetId().GetResource()] })
	if d := cmp.Diff(want, got.resources, protocmp.Transform()); d != "" {
		t.Errorf("resources (-want +got):\n%s", d)
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	tn := mixed()
	scope := syncer.Scope{Targets: []*v2.ResourceId{{ResourceType: "app", Resource: "a003"}}}
	store := openStore(t, t.TempDir())
	if err := syncer.Run(t.Context(), syncer.Config{Source: tn, Store: store, Scope: scope, Workers: 4, Logger: quiet}); err != nil {
		t.Fatal(err)
	}
	got := &recorder{}
	sum, err := syncer.Build(t.Context(), syncer.BuildConfig{
		Store: store, Archive: got, Logger: quiet,
		Name: func(_ context.Context, r syncer.Ref) (string, error) { return "name of " + r.String(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if sum.Type != syncer.SyncPartial || sum.Expanded || sum.InheritedGrants != 0 || len(tn.looked) != 0 {
		t.Errorf("summary = %+v, looked up %v", sum, tn.looked)
	}
	if len(got.resources) != 1 || len(got.entitlements) != 1 || len(got.grants) != len(tn.apps["a003"]) {
		t.Fatalf("%d resources, %d entitlements, %d grants", len(got.resources), len(got.entitlements), len(got.grants))
	}
	expandable := 0
	for _, g := range got.grants {
		r := refOf(g.GetPrincipal().GetId())
		if g.GetPrincipal().GetDisplayName() != "name of "+r.String() || g.GetSources() != nil {
			t.Errorf("grant %v", g)
		}
		expandable += len(g.GetAnnotations())
	}
	if expandable != 3 {
		t.Errorf("%d grants expand, want 3", expandable)
	}
	if !slices.IsSortedFunc(got.grants, func(a, b *v2.Grant) int {
		return compareRefs(refOf(a.GetPrincipal().GetId()), refOf(b.GetPrincipal().GetId()))
	}) {
		t.Error("grants are not in the order of their principals")
	}
	t.Run("without grants", func(t *testing.T) {
		t.Parallel()
		scope := scope
		scope.SkipGrants = true
		got, _ := mustSync(t, mixed(), scope, 4)
		if len(got.entitlements) != 1 || len(got.grants) != 0 {
			t.Errorf("%d entitlements, %d grants", len(got.entitlements), len(got.grants))
		}
	})
}
