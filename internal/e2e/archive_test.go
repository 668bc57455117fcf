package e2e_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// contents is what an archive holds of its newest sync, counted so that what is
// there twice shows.
type contents struct {
	resources    map[string]int // by "type:id"
	entitlements map[string]int // by id
	holdings     map[holding]int
	sources      map[holding][]string // entitlements that it comes from, sorted
	inherited    map[holding]bool     // it comes from others only
	names        map[string]string    // display names by "type:id"
}

// holding is who has what: one grant, whatever its id.
type holding struct {
	resource  string // "type:id", and ":slug" where a resource has several entitlements
	principal string // "type:id"
}

// open opens an archive and closes it with the test.
func open(t testing.TB, path string) (*c1z.Reader, c1z.SyncRun) {
	t.Helper()
	r, err := c1z.Open(t.Context(), path, c1z.OpenOptions{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	run, err := r.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r, run
}

// read takes an archive's contents out.
func read(t testing.TB, path string) *contents {
	t.Helper()
	r, run := open(t, path)
	c := &contents{
		resources: map[string]int{}, entitlements: map[string]int{}, holdings: map[holding]int{},
		sources: map[holding][]string{}, inherited: map[holding]bool{}, names: map[string]string{},
	}
	for res, err := range r.Resources(t.Context(), run.ID, c1z.ResourceFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		c.resources[key(res)]++
		c.names[key(res)] = res.GetDisplayName()
	}
	for e, err := range r.Entitlements(t.Context(), run.ID, c1z.EntitlementFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		c.entitlements[e.GetId()]++
	}
	for g, err := range r.Grants(t.Context(), run.ID, c1z.GrantFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		c.take(g)
	}
	return c
}

// take counts a grant.
func (c *contents) take(g *v2.Grant) {
	h := holding{g.GetEntitlement().GetId(), key(g.GetPrincipal())}
	c.holdings[h]++
	for id := range g.GetSources().GetSources() {
		c.sources[h] = append(c.sources[h], id)
	}
	slices.Sort(c.sources[h])
	// What comes of expansion alone has an id of another form.
	c.inherited[h] = !strings.Contains(g.GetId(), "-grant:")
}

func key(r *v2.Resource) string {
	return r.GetId().GetResourceType() + ":" + r.GetId().GetResource()
}

// dump is the canonical text of an archive's newest sync.
func dump(t testing.TB, path string) string {
	t.Helper()
	r, run := open(t, path)
	var text strings.Builder
	if err := r.Dump(t.Context(), run.ID, &text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// file is a file's content; nil where there is none.
func file(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return content
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
