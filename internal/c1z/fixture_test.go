package c1z_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// fixture is what one sync of a small organization holds, in the order of rows.
type fixture struct {
	types        []*v2.ResourceType
	resources    []*v2.Resource
	entitlements []*v2.Entitlement
	grants       []*v2.Grant
}

// newFixture makes an organization with names that are hard on a writer: quotes,
// other scripts, no name at all.
func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{types: []*v2.ResourceType{
		{Id: "app", DisplayName: "Application", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_APP}},
		{Id: "group", DisplayName: "Group", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_GROUP}},
		{Id: "user", DisplayName: "User", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_USER}},
	}}
	app := f.resource("app", "a1", `Zażółć "gęślą" jaźń`)
	group := f.resource("group", "g1", "O'Neill's 営業部")
	nested := f.resource("group", "g2", "")
	nested.ParentResourceId = group.GetId()
	users := []*v2.Resource{f.resource("user", "u1", "Ada"), f.resource("user", "u2", "Line\nbreak\ttab"), f.resource("user", "u3", "Emoji 🦊")}
	profile, err := structpb.NewStruct(map[string]any{"b": "2", "a": "1", "c": 3.0})
	if err != nil {
		t.Fatal(err)
	}
	users[0].Profile = profile
	users[0].Annotations = annotate(t, &v2.UserTrait{Login: "ada", EmployeeIds: []string{"7"}})

	access := f.entitlement(app, "access")
	member := f.entitlement(group, "member")
	f.entitlement(nested, "member")
	f.grant(member, users[0])
	f.grant(member, users[1])
	f.grant(access, users[0]).Sources = &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{
		"app:a1": {IsDirect: true}, "group:g1": {IsDirect: true},
	}}
	through := f.grant(access, users[1])
	through.Sources = &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{"group:g1": {IsDirect: true}}}
	through.Annotations = annotate(t, &v2.GrantImmutable{})
	f.grant(access, group).Annotations = annotate(t, &v2.GrantImmutable{SourceId: "s"}, &v2.GrantExpandable{
		EntitlementIds: []string{"group:g1"}, Shallow: true, ResourceTypeIds: []string{"user"},
	})
	return f
}

func (f *fixture) resource(kind, id, name string) *v2.Resource {
	r := &v2.Resource{Id: &v2.ResourceId{ResourceType: kind, Resource: id}, DisplayName: name}
	f.resources = append(f.resources, r)
	return r
}

func (f *fixture) entitlement(r *v2.Resource, slug string) *v2.Entitlement {
	e := &v2.Entitlement{
		Id: r.GetId().GetResourceType() + ":" + r.GetId().GetResource(), Resource: r, Slug: slug,
		DisplayName: r.GetDisplayName() + " " + slug, GrantableTo: f.types[2:],
		Purpose: v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT,
	}
	f.entitlements = append(f.entitlements, e)
	return e
}

func (f *fixture) grant(e *v2.Entitlement, principal *v2.Resource) *v2.Grant {
	g := &v2.Grant{
		Id: e.GetResource().GetId().GetResourceType() + "-grant:" + e.GetId() + ":" +
			principal.GetId().GetResourceType() + ":" + principal.GetId().GetResource(),
		Entitlement: &v2.Entitlement{Id: e.GetId(), Resource: brief(e.GetResource())},
		Principal:   brief(principal),
	}
	f.grants = append(f.grants, g)
	return g
}

// brief is a resource as it stands within a grant.
func brief(r *v2.Resource) *v2.Resource {
	return &v2.Resource{Id: r.GetId(), DisplayName: r.GetDisplayName()}
}

func annotate(t testing.TB, messages ...proto.Message) []*anypb.Any {
	t.Helper()
	var annotations []*anypb.Any
	for _, m := range messages {
		a := new(anypb.Any)
		if err := anypb.MarshalFrom(a, m, proto.MarshalOptions{Deterministic: true}); err != nil {
			t.Fatal(err)
		}
		annotations = append(annotations, a)
	}
	return annotations
}

// stats are what the fixture's counts must be.
func (f *fixture) stats() c1z.Stats {
	return c1z.Stats{
		ResourceTypes: 3, Resources: 6, Entitlements: 3, Grants: 5,
		ResourcesByType:    map[string]int64{"app": 1, "group": 2, "user": 3},
		EntitlementsByType: map[string]int64{"app": 1, "group": 2},
		GrantsByType:       map[string]int64{"app": 3, "group": 2},
	}
}

func (f *fixture) put(ctx context.Context, w *c1z.Writer) error {
	for _, err := range []error{
		w.PutResourceTypes(ctx, f.types...), w.PutResources(ctx, f.resources...),
		w.PutEntitlements(ctx, f.entitlements...), w.PutGrants(ctx, f.grants...),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// The times of the fixture's sync; the fraction ends in zeros, which are not
// written.
var (
	fixtureStart = time.Date(2026, 3, 4, 5, 6, 7, 120_000_000, time.FixedZone("somewhere", 2*60*60))
	fixtureEnd   = fixtureStart.Add(90 * time.Second)
)

func fixtureRun() c1z.SyncRun {
	return c1z.SyncRun{
		EndedAt:      fixtureEnd,
		SupportsDiff: true,
		Organization: c1z.Organization{ID: "5f0", Name: "Ada & Söhne", Host: "console.jumpcloud.com", Settings: "all"},
	}
}

// write puts a fixture into an archive of its own folder and returns the path.
func (f *fixture) write(t testing.TB) (string, c1z.Info) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sync.c1z")
	return path, f.writeTo(t, c1z.Options{Path: path, StartedAt: fixtureStart}, fixtureRun())
}

func (f *fixture) writeTo(t testing.TB, opts c1z.Options, run c1z.SyncRun) c1z.Info {
	t.Helper()
	if opts.WorkDir == "" {
		opts.WorkDir = t.TempDir()
	}
	w, err := c1z.Create(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.put(t.Context(), w); err != nil {
		t.Fatal(err, w.Abort())
	}
	info, err := w.Finish(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// open opens an archive that is closed with the test.
func open(t testing.TB, path string) *c1z.Reader {
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
	return r
}
