package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// twoOrganizations are of one size and hold nothing in common.
func twoOrganizations() (a, b *jcsim.Tenant) {
	size := jcsim.Size{Users: 30, Groups: 4, Apps: 3, Admins: 3, Dangling: -1}
	return jcsim.Generate(31, size), jcsim.Generate(32, size)
}

// TestAnotherOrganizationMeanwhile lets the key lead to another organization from
// some request on, whichever it is, with a server that looks at the organization that
// requests name and with one that does not. No archive is made of two organizations,
// and nothing that was read is gone on with.
func TestAnotherOrganizationMeanwhile(t *testing.T) {
	t.Parallel()
	own, other := twoOrganizations()
	count := jcsim.New(jcsim.Options{Tenant: own, Others: []*jcsim.Tenant{other}})
	if _, err := newPipeline(count, t.TempDir()).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	requests := count.Requests().Requests
	for _, ignored := range []bool{true, false} {
		for at := 2; at <= requests; at++ {
			t.Run(fmt.Sprintf("from request %d of %d on, x-org-id ignored %t", at, requests, ignored), func(t *testing.T) {
				t.Parallel()
				sim := jcsim.New(jcsim.Options{Tenant: own, Others: []*jcsim.Tenant{other}})
				p := newPipeline(sim, t.TempDir())
				p.workers = 1
				sim.OnRequest(func(n int, _ string) {
					// The settings of a request are those of its arrival.
					if n == at-1 {
						if err := sim.Update(func(s *jcsim.Settings) { s.Organization, s.IgnoreOrg = other.Organization().ID, ignored }); err != nil {
							t.Error(err)
						}
					}
				})
				_, err := p.run(t.Context())
				if err == nil {
					t.Fatal("the sync succeeded")
				}
				if ignored && (!errors.Is(err, syncer.ErrDiscard) || !strings.Contains(err.Error(), own.Organization().ID) || !strings.Contains(err.Error(), other.Organization().ID)) {
					t.Errorf("the error is %v", err)
				}
				if file(t, p.path()) != nil {
					t.Error("there is an archive")
				}
				sim.OnRequest(nil)
				if err := sim.SetSettings(jcsim.Settings{}); err != nil {
					t.Fatal(err)
				}
				if _, err := p.run(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, wrong := range watch(own).judge(read(t, p.path())) {
					t.Error(wrong)
				}
			})
		}
	}
}

// TestRequestsNameTheOrganization looks at the header of every request of a sync: the
// organization is named once it is known, wherever the route takes it.
func TestRequestsNameTheOrganization(t *testing.T) {
	t.Parallel()
	own, _ := twoOrganizations()
	for _, refused := range []jcsim.Routes{nil, {routeAdmins}, {"GET /api/v2/*"}, {"*"}} {
		sim := jcsim.New(jcsim.Options{Tenant: own, Settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseOrg: refused}}})
		p := newPipeline(sim, t.TempDir())
		seen := &headers{next: p.transport, named: map[string]int{}, unnamed: map[string]int{}}
		p.transport = seen
		if _, err := p.run(t.Context()); err != nil {
			t.Fatalf("%v: %v", refused, err)
		}
		for path, n := range seen.unnamed {
			if path != "/api/organizations" && len(refused) == 0 {
				t.Errorf("%d requests of %s name no organization", n, path)
			}
		}
		if seen.named["/api/organizations"] > 0 {
			t.Error("the list of organizations was asked for one of them")
		}
		if refused.Has("*") && seen.named["/api/search/systemusers"] != 1 {
			t.Errorf("a route that takes no name was asked with one %d times", seen.named["/api/search/systemusers"])
		}
		for _, wrong := range watch(own).judge(read(t, p.path())) {
			t.Error(wrong)
		}
	}
}

// headers counts the requests that name an organization and those that do not, by path.
type headers struct {
	next http.RoundTripper

	mu             sync.Mutex
	named, unnamed map[string]int
}

func (h *headers) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	if r.Header.Get("X-Org-Id") != "" {
		h.named[r.URL.Path]++
	} else {
		h.unnamed[r.URL.Path]++
	}
	h.mu.Unlock()
	return h.next.RoundTrip(r)
}
