package c1z_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// edgeText writes down what ScanGrants tells of a grant.
func edgeText(g *c1z.GrantEdge) string {
	var sources []string
	for _, s := range g.Sources {
		sources = append(sources, string(s))
	}
	slices.Sort(sources)
	return fmt.Sprintf("%s: %s of %s %s to %s %s, from %v, immutable %t, expandable %t",
		g.ID, g.Entitlement, g.ResourceType, g.Resource, g.PrincipalType, g.Principal, sources, g.Immutable, g.Expandable)
}

// grantText writes down the same of a whole message.
func grantText(g *v2.Grant) string {
	e := c1z.GrantEdge{
		ID: []byte(g.GetId()), Entitlement: []byte(g.GetEntitlement().GetId()),
		ResourceType:  []byte(g.GetEntitlement().GetResource().GetId().GetResourceType()),
		Resource:      []byte(g.GetEntitlement().GetResource().GetId().GetResource()),
		PrincipalType: []byte(g.GetPrincipal().GetId().GetResourceType()), Principal: []byte(g.GetPrincipal().GetId().GetResource()),
	}
	for s := range g.GetSources().GetSources() {
		e.Sources = append(e.Sources, []byte(s))
	}
	for _, a := range g.GetAnnotations() {
		e.Immutable = e.Immutable || a.MessageIs((*v2.GrantImmutable)(nil))
		e.Expandable = e.Expandable || a.MessageIs((*v2.GrantExpandable)(nil))
	}
	return edgeText(&e)
}

// scan reads all grants by several workers.
func scan(t testing.TB, r *c1z.Reader, id string, workers int) []string {
	t.Helper()
	var mu sync.Mutex
	var got []string
	err := r.ScanGrants(t.Context(), id, workers, func(_ int, g *c1z.GrantEdge) error {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, edgeText(g))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	return got
}

// TestScanGrants compares a scan with the whole messages, in archives of every make.
func TestScanGrants(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ours, _ := f.write(t)
	many := benchGrants{perGroup: 400, users: 1000}.write(t, t.TempDir(), 30_000)
	for name, path := range map[string]string{
		"ours":        ours,
		"many":        many.Path,
		"newest":      byHand{schema: "schema.sql"}.write(t, f),
		"slim":        byHand{schema: "schema.sql", slim: true}.write(t, f),
		"partly slim": byHand{schema: "schema.sql", slim: true}.write(t, f, fullGrant(t, f, 3)),
		"0.1.5":       byHand{schema: "schema-0.1.5.sql", old: true}.write(t, f),
		"far ids": byHand{schema: "schema.sql"}.write(t, f,
			fmt.Sprintf("update v1_grants set id = %d where id = 5", math.MaxInt64),
			"update v1_grants set id = -9223372036854775807 where id = 4"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := open(t, path)
			run, err := r.Shown(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for g, err := range r.Grants(t.Context(), run.ID, c1z.GrantFilter{}) {
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, grantText(g))
			}
			slices.Sort(want)
			for _, workers := range []int{1, 3} {
				if d := cmp.Diff(want, scan(t, r, run.ID, workers)); d != "" {
					t.Errorf("%d workers: %s", workers, d)
				}
			}
			if got := scan(t, r, "no such sync", 2); len(got) != 0 {
				t.Errorf("a sync that is not there has %d grants", len(got))
			}
		})
	}
}

// fullGrant is SQL that makes one grant of a slim archive whole.
func fullGrant(t testing.TB, f *fixture, n int) string {
	t.Helper()
	return fmt.Sprintf("update v1_grants set data = x'%x' where id = %d", blob(t, f.grants[n-1]), n)
}

func TestScanGrantsFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, statement := range map[string]string{
		"a message that is none": "update v1_grants set data = x'ffffff' where id = 2",
		"a grant cut short":      "update v1_grants set data = substr(data, 1, length(data) - 1) where id = 2",
	} {
		path := byHand{schema: "schema.sql"}.write(t, f, statement)
		err := open(t, path).ScanGrants(t.Context(), handSync, 2, func(int, *c1z.GrantEdge) error { return nil })
		if !errors.Is(err, c1z.ErrDamaged) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	own := errors.New("enough")
	path, info := f.write(t)
	r := open(t, path)
	if err := r.ScanGrants(t.Context(), info.Sync.ID, 2, func(int, *c1z.GrantEdge) error { return own }); err != own { //nolint:errorlint // It must be the same.
		t.Errorf("error %v, want the caller's own", err)
	}
}
