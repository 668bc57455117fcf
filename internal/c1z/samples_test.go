package c1z_test

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// sample is a path to an archive of format 3 that the public SDK wrote.
func sample(name string) string { return filepath.Join("testdata", "format3", name) }

func openSample(t testing.TB, name string) *c1z.Reader {
	t.Helper()
	r, err := c1z.Open(t.Context(), sample(name), c1z.OpenOptions{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// listing is what the public reader lists of an archive.
type listing struct {
	Sync []struct {
		ID, SyncType, StartedAt, EndedAt string
	}
	ResourceTypes []json.RawMessage `json:"resource_types"`
	Resources     []json.RawMessage
	Entitlements  []json.RawMessage
	Grants        []json.RawMessage
}

// messages decodes a part of a listing.
func messages[T any, M interface {
	*T
	proto.Message
}](t *testing.T, raw []json.RawMessage) []M {
	t.Helper()
	var list []M
	for _, b := range raw {
		m := M(new(T))
		if err := protojson.Unmarshal(b, m); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		list = append(list, m)
	}
	return list
}

// collect reads a list to its end.
func collect[T any](t testing.TB, list iter.Seq2[T, error]) []T {
	t.Helper()
	var items []T
	for item, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	return items
}

// TestSamples reads archives that the public SDK wrote, of all payload encodings but a
// plain tar, and compares them with what the public reader lists of them.
func TestSamples(t *testing.T) {
	t.Parallel()
	for name, expected := range map[string]string{
		"tiny.c1z": "tiny.json", "tarzstd.c1z": "tiny.json", "expanded.c1z": "expanded.json", "edge.c1z": "edge.json",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(sample(expected))
			if err != nil {
				t.Fatal(err)
			}
			var want listing
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			r := openSample(t, name)
			run, err := r.Shown(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			const layout = "2006-01-02T15:04:05.999999999Z"
			if w := want.Sync[0]; run.ID != w.ID || string(run.Type) != w.SyncType || run.StartedAt.Format(layout) != w.StartedAt || run.EndedAt.Format(layout) != w.EndedAt {
				t.Errorf("sync %+v, want %+v", run, w)
			}
			compareWithListing(t, r, run, want)
		})
	}
}

func compareWithListing(t *testing.T, r *c1z.Reader, run c1z.SyncRun, want listing) {
	t.Helper()
	ctx := t.Context()
	check := func(what string, got, want any) {
		t.Helper()
		if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
			t.Errorf("%s differ (-want +got):\n%s", what, d)
		}
	}
	check("resource types", collect(t, r.ResourceTypes(ctx, run.ID)), messages[v2.ResourceType](t, want.ResourceTypes))
	resources := collect(t, r.Resources(ctx, run.ID, c1z.ResourceFilter{}))
	check("resources", resources, messages[v2.Resource](t, want.Resources))
	byID := map[string]*v2.Resource{}
	for _, m := range resources {
		byID[m.GetId().GetResourceType()+"\x00"+m.GetId().GetResource()] = m
	}
	of := func(id *v2.ResourceId) *v2.Resource { return byID[id.GetResourceType()+"\x00"+id.GetResource()] }
	// The public reader lists entitlements and grants with ids alone; ours adds what the
	// ids lead to.
	entitlements := messages[v2.Entitlement](t, want.Entitlements)
	for _, e := range entitlements {
		e.Resource = of(e.GetResource().GetId())
		for i, typ := range e.GetGrantableTo() {
			whole, err := r.ResourceType(ctx, run.ID, typ.GetId())
			if err != nil {
				t.Fatal(err)
			}
			e.GrantableTo[i] = whole
		}
	}
	check("entitlements", collect(t, r.Entitlements(ctx, run.ID, c1z.EntitlementFilter{})), entitlements)
	grants := messages[v2.Grant](t, want.Grants)
	for _, g := range grants {
		g.Entitlement.Resource.DisplayName = of(g.GetEntitlement().GetResource().GetId()).GetDisplayName()
		g.Principal.DisplayName = of(g.GetPrincipal().GetId()).GetDisplayName()
	}
	check("grants", collect(t, r.Grants(ctx, run.ID, c1z.GrantFilter{})), grants)
	check("edges", scanned(t, r, run.ID), edgesOf(grants))
	stats, err := r.Stats(ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	check("counts", stats, *run.Stats)
	checkLookups(t, r, run, grants, entitlements)
}

// checkLookups asks for each grant and each entitlement by itself, in every way.
func checkLookups(t *testing.T, r *c1z.Reader, run c1z.SyncRun, grants []*v2.Grant, entitlements []*v2.Entitlement) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	for _, want := range entitlements {
		got, err := r.Entitlement(ctx, run.ID, want.GetId())
		if err != nil || !proto.Equal(got, want) {
			t.Errorf("entitlement %s: %v, %v", want.GetId(), got, err)
		}
		holders := map[c1z.ResourceKey]bool{}
		for _, k := range collect(t, r.Holders(ctx, run.ID, want.GetId())) {
			holders[k] = true
		}
		for _, g := range grants {
			id := g.GetPrincipal().GetId()
			if g.GetEntitlement().GetId() == want.GetId() && !holders[c1z.ResourceKey{Type: id.GetResourceType(), ID: id.GetResource()}] {
				t.Errorf("grant %s: the principal is not among the holders", g.GetId())
			}
		}
	}
	for _, want := range grants {
		got, err := r.Grant(ctx, run.ID, want.GetId())
		if err != nil || !proto.Equal(got, want) {
			t.Errorf("grant %s: %v, %v", want.GetId(), got, err)
		}
		id := want.GetPrincipal().GetId()
		found := false
		for _, g := range collect(t, r.Grants(ctx, run.ID, c1z.GrantFilter{PrincipalType: id.GetResourceType(), Principal: id.GetResource()})) {
			found = found || g.GetId() == want.GetId()
		}
		if !found {
			t.Errorf("grant %s is not found by its principal", want.GetId())
		}
	}
}

// edge is a grant as a scan tells of it.
type edge struct {
	ID, Entitlement, Of, Principal string
	Sources                        int
	Immutable, Expandable          bool
}

func scanned(t *testing.T, r *c1z.Reader, syncID string) map[string]edge {
	t.Helper()
	found := make([]map[string]edge, 3)
	for i := range found {
		found[i] = map[string]edge{}
	}
	err := r.ScanGrants(t.Context(), syncID, len(found), func(worker int, g *c1z.GrantEdge) error {
		found[worker][string(g.ID)] = edge{
			string(g.ID), string(g.Entitlement), string(g.ResourceType) + ":" + string(g.Resource),
			string(g.PrincipalType) + ":" + string(g.Principal), len(g.Sources), g.Immutable, g.Expandable,
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]edge{}
	for _, m := range found {
		maps.Copy(all, m)
	}
	return all
}

func edgesOf(grants []*v2.Grant) map[string]edge {
	all := map[string]edge{}
	for _, g := range grants {
		of, p := g.GetEntitlement().GetResource().GetId(), g.GetPrincipal().GetId()
		e := edge{
			ID: g.GetId(), Entitlement: g.GetEntitlement().GetId(), Of: of.GetResourceType() + ":" + of.GetResource(),
			Principal: p.GetResourceType() + ":" + p.GetResource(), Sources: len(g.GetSources().GetSources()),
		}
		for _, a := range g.GetAnnotations() {
			e.Immutable = e.Immutable || a.MessageIs((*v2.GrantImmutable)(nil))
			e.Expandable = e.Expandable || a.MessageIs((*v2.GrantExpandable)(nil))
		}
		all[e.ID] = e
	}
	return all
}
