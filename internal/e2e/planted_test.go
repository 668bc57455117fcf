package e2e_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// The tests of this file break what the others hold, each in one place, and expect
// the same checks to see it.

// badSource is a source with a fault.
type badSource struct {
	syncer.Source
	read   func(syncer.List, string, *syncer.Page, error) (*syncer.Page, error)
	settle func(syncer.List, [][]byte) (syncer.Verdict, error)
	blind  bool // finds nobody
}

func (s *badSource) Read(ctx context.Context, l syncer.List, token string) (*syncer.Page, error) {
	page, err := s.Source.Read(ctx, l, token)
	if s.read == nil {
		return page, err
	}
	return s.read(l, token, page, err)
}

func (s *badSource) Settle(ctx context.Context, l syncer.List, receipts [][]byte, o syncer.Occasion) (syncer.Verdict, error) {
	if s.settle == nil {
		return s.Source.Settle(ctx, l, receipts, o)
	}
	return s.settle(l, receipts)
}

func (s *badSource) Lookup(ctx context.Context, id *v2.ResourceId) (*syncer.Page, error) {
	if s.blind {
		return nil, syncer.ErrNotFound
	}
	return s.Source.Lookup(ctx, id)
}

// badStore is a store with a fault.
type badStore struct {
	syncer.Store
	commit func(*syncer.Batch)
}

func (s *badStore) Commit(ctx context.Context, b *syncer.Batch) (syncer.Committed, error) {
	s.commit(b)
	return s.Store.Commit(ctx, b)
}

// badArchive is an archive with a fault.
type badArchive struct {
	syncer.Archive
	resources func([]*v2.Resource) []*v2.Resource
	grants    func([]*v2.Grant) []*v2.Grant
}

func (a *badArchive) PutResources(ctx context.Context, resources ...*v2.Resource) error {
	if a.resources != nil {
		resources = a.resources(slices.Clone(resources))
	}
	return a.Archive.PutResources(ctx, resources...)
}

func (a *badArchive) PutGrants(ctx context.Context, grants ...*v2.Grant) error {
	if a.grants != nil {
		grants = a.grants(slices.Clone(grants))
	}
	return a.Archive.PutGrants(ctx, grants...)
}

// TestPlantedInPipeline plants faults in a sync that seems to succeed. The oracle
// must not believe it.
func TestPlantedInPipeline(t *testing.T) {
	t.Parallel()
	members := func(l syncer.List) bool { return l.Kind == "members" }
	tests := []struct {
		name  string
		plant func(p *pipeline)
		// edits let users go while pages are read.
		edits    bool
		behavior jcsim.Behavior
		sees     string
	}{
		{name: "nothing"},
		{name: "a page is lost", sees: "throughout, and it is missing", plant: func(p *pipeline) {
			p.source = func(s syncer.Source) syncer.Source {
				return &badSource{Source: s, read: func(l syncer.List, token string, page *syncer.Page, err error) (*syncer.Page, error) {
					if members(l) && token != "" && page != nil {
						page.Grants = nil
					}
					return page, err
				}}
			}
		}},
		{name: "an error is merely counted", sees: "throughout, and it is missing", behavior: jcsim.Behavior{WrongNotFound: jcsim.Routes{routeMembers}}, plant: func(p *pipeline) {
			p.source = func(s syncer.Source) syncer.Source {
				return &badSource{Source: s, read: func(_ syncer.List, _ string, page *syncer.Page, _ error) (*syncer.Page, error) {
					if page == nil {
						page = &syncer.Page{Settled: true}
					}
					return page, nil
				}}
			}
		}},
		// Who is not in the list would be looked up because of the groups that he is in.
		{name: "lists are believed without a proof, and nobody is looked up", edits: true, sees: "was there throughout and is missing", plant: func(p *pipeline) {
			p.workers = 1
			p.source = func(s syncer.Source) syncer.Source {
				return &badSource{Source: s, blind: true, settle: func(syncer.List, [][]byte) (syncer.Verdict, error) { return syncer.Verdict{}, nil }}
			}
		}},
		{name: "an owner is taken for gone", sees: "was there throughout and is missing", plant: func(p *pipeline) {
			p.source = func(s syncer.Source) syncer.Source {
				return &badSource{Source: s, read: func(l syncer.List, token string, page *syncer.Page, err error) (*syncer.Page, error) {
					if members(l) && token == "" && strings.HasSuffix(l.Owner.ID, "5") {
						return &syncer.Page{Gone: true, Settled: true}, nil
					}
					return page, err
				}}
			}
		}},
		{name: "roles are not read", sees: "throughout, and it is there 0 times", plant: func(p *pipeline) {
			p.source = func(s syncer.Source) syncer.Source {
				return &badSource{Source: s, read: func(l syncer.List, _ string, page *syncer.Page, err error) (*syncer.Page, error) {
					if page != nil && strings.HasPrefix(l.Kind, "admins") {
						page.Grants = slices.DeleteFunc(page.Grants, func(g *v2.Grant) bool {
							return g.GetEntitlement().GetResource().GetId().GetResourceType() == "role"
						})
					}
					return page, err
				}}
			}
		}},
		{name: "somebody is in a group that he is not in", sees: "never had", plant: func(p *pipeline) {
			p.source = func(s syncer.Source) syncer.Source {
				return &badSource{Source: s, read: func(l syncer.List, _ string, page *syncer.Page, err error) (*syncer.Page, error) {
					if members(l) && page != nil && len(page.Grants) == 1 {
						g := page.Grants[0]
						stranger := strings.Replace(g.GetPrincipal().GetId().GetResource(), "6", "7", 1)
						page.Resources = append(page.Resources, &v2.Resource{
							Id: &v2.ResourceId{ResourceType: "user", Resource: stranger}, DisplayName: "Stranger", Annotations: userTrait(),
						})
						g.Id = strings.ReplaceAll(g.GetId(), g.GetPrincipal().GetId().GetResource(), stranger)
						g.Principal.Id = &v2.ResourceId{ResourceType: "user", Resource: stranger}
					}
					return page, err
				}}
			}
		}},
		{name: "a token ends without its rows", sees: "is missing", plant: func(p *pipeline) {
			p.store = func(s syncer.Store) syncer.Store {
				return &badStore{Store: s, commit: func(b *syncer.Batch) {
					if members(b.Token.List) && strings.HasSuffix(b.Token.List.Owner.ID, "5") {
						b.Grants, b.Resources = nil, nil
					}
				}}
			}
		}},
		{name: "a resource is not written", sees: "of which one is not there", plant: func(p *pipeline) {
			p.archive = func(a syncer.Archive) syncer.Archive {
				return &badArchive{Archive: a, resources: func(r []*v2.Resource) []*v2.Resource { return r[:len(r)-1] }}
			}
		}},
		{name: "a grant through a group is not written", sees: "through", plant: func(p *pipeline) {
			p.archive = func(a syncer.Archive) syncer.Archive {
				return &badArchive{Archive: a, grants: func(g []*v2.Grant) []*v2.Grant {
					return slices.DeleteFunc(g, func(g *v2.Grant) bool {
						return strings.HasPrefix(g.GetId(), "app:") && strings.HasSuffix(g.GetId(), "1")
					})
				}}
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := company(t, false)
			sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{Behavior: tt.behavior}})
			h := watch(tenant)
			if tt.edits {
				if err := sim.Update(func(s *jcsim.Settings) { s.ClampLimit = map[string]int{routeUsers: 20} }); err != nil {
					t.Fatal(err)
				}
				sim.OnRequest(func(_ int, route string) {
					for range 5 {
						h.edit(func(t *jcsim.Tenant) error {
							if route != routeUsers || len(t.Users()) < 100 {
								return errNothing
							}
							return t.DeleteUser(t.Users()[0].ID)
						})
					}
				})
			}
			p := newPipeline(sim, t.TempDir())
			if tt.plant != nil {
				tt.plant(&p)
			}
			if _, err := p.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			wrong := strings.Join(h.judge(read(t, p.path())), "\n")
			switch {
			case tt.sees == "" && wrong != "":
				t.Errorf("without a fault: %s", wrong)
			case !strings.Contains(wrong, tt.sees):
				t.Errorf("%q is not in %q", tt.sees, wrong)
			}
		})
	}
}

// order is an archive's rows in their order.
func order(t testing.TB, path string) string {
	t.Helper()
	r, run := open(t, path)
	var text strings.Builder
	for res, err := range r.Resources(t.Context(), run.ID, c1z.ResourceFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(key(res) + "\n")
	}
	for e, err := range r.Entitlements(t.Context(), run.ID, c1z.EntitlementFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(e.GetId() + "\n")
	}
	for g, err := range r.Grants(t.Context(), run.ID, c1z.GrantFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(g.GetId() + "\n")
	}
	return text.String()
}

// TestSameArchiveForAnyWorkers compares what one and what many workers make: the
// same rows in the same order. A grant that is put at another place shows, and so
// does another name.
func TestSameArchiveForAnyWorkers(t *testing.T) {
	t.Parallel()
	tenant := company(t, true)
	build := func(workers int, plant func([]*v2.Grant) []*v2.Grant) string {
		p := newPipeline(jcsim.New(jcsim.Options{Tenant: tenant}), t.TempDir())
		p.workers = workers
		p.archive = func(a syncer.Archive) syncer.Archive { return &badArchive{Archive: a, grants: plant} }
		if _, err := p.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return p.path()
	}
	one := build(1, nil)
	for _, workers := range []int{3, 16} {
		many := build(workers, nil)
		if dump(t, one) != dump(t, many) || order(t, one) != order(t, many) {
			t.Errorf("%d workers make another archive than one", workers)
		}
	}
	swapped := build(4, func(g []*v2.Grant) []*v2.Grant {
		g[0], g[len(g)-1] = g[len(g)-1], g[0]
		return g
	})
	if order(t, one) == order(t, swapped) {
		t.Error("two grants that changed places do not show")
	}
	if dump(t, one) != dump(t, swapped) {
		t.Error("the canonical dump depends on the order of rows")
	}
	renamed := build(4, func(g []*v2.Grant) []*v2.Grant {
		g[0].Principal = &v2.Resource{Id: g[0].GetPrincipal().GetId(), DisplayName: "Somebody else"}
		return g
	})
	if dump(t, one) == dump(t, renamed) {
		t.Error("another name does not show")
	}
}

// TestPlantedHalfArchive puts half an archive where a whole one should be, as a
// program would that writes in place and is killed.
func TestPlantedHalfArchive(t *testing.T) {
	t.Parallel()
	whole := oldArchive(t)
	p := pipeline{dir: t.TempDir()}
	for n := 6; n < len(whole); n += 1 + len(whole)/50 {
		writeFile(t, p.path(), whole[:n])
		if r, err := c1z.Open(t.Context(), p.path(), c1z.OpenOptions{TempDir: t.TempDir()}); !errors.Is(err, c1z.ErrDamaged) {
			t.Errorf("%d of %d bytes are opened: %v, %v", n, len(whole), r, err)
		}
	}
}
