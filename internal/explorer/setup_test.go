package explorer_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/explorer"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/library"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// begin is when the newest sync of the tests began.
var begin = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// tenant is what a sync of a test holds.
type tenant struct {
	t            testing.TB
	types        []*v2.ResourceType
	resources    []*v2.Resource
	entitlements []*v2.Entitlement
	grants       []*c1z.GrantEdge
}

func newTenant(t testing.TB) *tenant {
	return &tenant{t: t, types: []*v2.ResourceType{
		{Id: "user", DisplayName: "User", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_USER}},
		{Id: "group", DisplayName: "Group", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_GROUP}},
		{Id: "app", DisplayName: "Application", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_APP}},
		{Id: "role", DisplayName: "Role", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_ROLE}},
		{Id: "vault", DisplayName: "Vault"},
	}}
}

func annotation(t testing.TB, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// resource adds a resource, and an entitlement of it unless it is an account.
func (n *tenant) resource(typ, id, name string) *v2.Resource {
	r := &v2.Resource{Id: &v2.ResourceId{ResourceType: typ, Resource: id}, DisplayName: name}
	n.resources = append(n.resources, r)
	if typ != "user" {
		n.entitlements = append(n.entitlements, &v2.Entitlement{
			Id: typ + ":" + id, Slug: "member", DisplayName: name + " member", Resource: r,
			Purpose: v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT, GrantableTo: n.types[:1],
		})
	}
	return r
}

// user adds an account of a department, with an email address of its id.
func (n *tenant) user(id, name, department string) *v2.Resource {
	n.t.Helper()
	r := n.resource("user", id, name)
	r.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_ENABLED}
	profile, err := structOf(map[string]any{"department": department})
	if err != nil {
		n.t.Fatal(err)
	}
	r.Profile = profile
	r.Annotations = append(r.Annotations, annotation(n.t, &v2.UserTrait{
		Emails: []*v2.UserTrait_Email{{Address: id + "@example.com", IsPrimary: true}}, Login: id,
		AccountType: v2.UserTrait_ACCOUNT_TYPE_HUMAN, MfaStatus: &v2.UserTrait_MFAStatus{MfaEnabled: true},
	}))
	return r
}

// grant gives an entitlement to a principal, both "type:id", through the sources or
// directly where there are none.
func (n *tenant) grant(entitlement, principal string, sources ...string) {
	typ, id, _ := strings.Cut(principal, ":")
	of, resource, _ := strings.Cut(entitlement, ":")
	g := &c1z.GrantEdge{
		ID: []byte(entitlement + ":" + principal), Entitlement: []byte(entitlement),
		ResourceType: []byte(of), Resource: []byte(resource), PrincipalType: []byte(typ), Principal: []byte(id),
	}
	for _, s := range sources {
		g.Sources = append(g.Sources, []byte(s))
	}
	n.grants = append(n.grants, g)
}

// sync makes a sync of the tenant as it is.
func (n *tenant) sync(run c1z.SyncRun) *review.Sync {
	n.t.Helper()
	s, err := review.Build(run, review.Contents{
		Types: n.types, Resources: slices.Values(n.resources), Entitlements: slices.Values(n.entitlements),
		Grants: slices.Values(n.grants),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return s
}

// small is a tenant of four people, two groups, two applications, a role and a vault.
func small(t testing.TB) *tenant {
	t.Helper()
	n := newTenant(t)
	n.user("ada", "Ada Lovelace", "Engineering")
	n.user("bo", "Bo Ångström", "Engineering")
	n.user("eve", "Eve Exit", "Sales").Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_DISABLED, Details: "suspended"}
	n.user("root", "Root Admin", "")
	n.resource("group", "eng", "Engineers")
	n.resource("group", "empty", "Nobody here")
	n.resource("app", "git", "Git")
	n.resource("app", "pay", "Payroll")
	n.resource("role", "admin", "Administrator")
	n.resource("vault", "v", "Vault")
	n.grant("group:eng", "user:ada")
	n.grant("group:eng", "user:bo")
	n.grant("app:git", "group:eng")
	n.grant("app:git", "user:ada", "group:eng")
	n.grant("app:git", "user:bo", "app:git", "group:eng")
	n.grant("app:pay", "user:eve")
	n.grant("role:admin", "user:root")
	return n
}

// shelf is a library of syncs that are there already.
type shelf struct {
	entries []library.Entry
	syncs   map[library.Key]*review.Sync
	err     error
	// replaced says that there is another file, and broken why it cannot be read.
	replaced bool
	broken   error
}

func (s *shelf) Entries() []library.Entry { return s.entries }

func (s *shelf) First() library.Key { return s.entries[0].Key }

func (s *shelf) Sync(_ context.Context, key library.Key) (*review.Sync, error) {
	if found, ok := s.syncs[key]; ok {
		return found, s.err
	}
	return nil, library.ErrUnknown
}

// shelve puts syncs on a shelf, the newest first, each a day before the last.
func shelve(tenants ...*tenant) *shelf {
	s := &shelf{syncs: make(map[library.Key]*review.Sync)}
	for i, n := range tenants {
		at := begin.AddDate(0, 0, -i)
		run := c1z.SyncRun{
			ID: "sync" + string(rune('A'+i)), Type: c1z.SyncFull, StartedAt: at, EndedAt: at.Add(90 * time.Second),
			Organization: c1z.Organization{ID: "org1", Name: "Example <b>", Host: "console.example.com"},
		}
		key := library.Key{Sync: run.ID}
		s.entries = append(s.entries, library.Entry{Key: key, Archive: "sync.c1z", Name: "sync.c1z", Run: run})
		s.syncs[key] = n.sync(run)
	}
	return s
}

func explore(t testing.TB, s *shelf) *explorer.Explorer {
	t.Helper()
	e, err := explorer.New(explorer.Config{Library: s, TempDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// get asks for an address.
func get(t testing.TB, h http.Handler, address string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody))
	return w.Result()
}

// page asks for a page that must be there.
func page(t testing.TB, h http.Handler, address string) string {
	t.Helper()
	r := get(t, h, address)
	text := read(t, r)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%s is answered with %d:\n%s", address, r.StatusCode, text)
	}
	return text
}

func read(t testing.TB, r *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (s *shelf) IsReplaced(int) bool { return s.replaced }

func (s *shelf) Refresh(context.Context) (bool, error) { return s.replaced, s.broken }
