package review_test

import (
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// builder makes an archive by hand.
type builder struct {
	t            testing.TB
	types        []*v2.ResourceType
	resources    []*v2.Resource
	entitlements []*v2.Entitlement
	grants       []*v2.Grant
}

// newBuilder has the four types that a connector usually has.
func newBuilder(t testing.TB) *builder {
	b := &builder{t: t}
	b.typ("user", "User", v2.ResourceType_TRAIT_USER)
	b.typ("group", "Group", v2.ResourceType_TRAIT_GROUP)
	b.typ("app", "Application", v2.ResourceType_TRAIT_APP)
	b.typ("role", "Role", v2.ResourceType_TRAIT_ROLE)
	return b
}

func (b *builder) typ(id, name string, traits ...v2.ResourceType_Trait) {
	b.types = append(b.types, &v2.ResourceType{Id: id, DisplayName: name, Traits: traits})
}

func (b *builder) resource(typ, id, name string) *v2.Resource {
	r := &v2.Resource{Id: &v2.ResourceId{ResourceType: typ, Resource: id}, DisplayName: name}
	b.resources = append(b.resources, r)
	return r
}

// user makes an enabled account of a person.
func (b *builder) user(id, name string, change ...func(*v2.Resource, *v2.UserTrait)) *v2.Resource {
	r := b.resource("user", id, name)
	r.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_ENABLED}
	trait := &v2.UserTrait{
		AccountType: v2.UserTrait_ACCOUNT_TYPE_HUMAN, Login: id + "-login",
		Emails: []*v2.UserTrait_Email{{Address: id + "@example.com", IsPrimary: true}},
	}
	for _, c := range change {
		c(r, trait)
	}
	r.Annotations = append(r.Annotations, annotation(b.t, trait))
	return r
}

// entitlement makes one with an id as Baton makes them.
func (b *builder) entitlement(of *v2.Resource, slug string) *v2.Entitlement {
	e := &v2.Entitlement{
		Resource: of, Id: of.GetId().GetResourceType() + ":" + of.GetId().GetResource() + ":" + slug, Slug: slug,
		DisplayName: of.GetDisplayName() + " " + slug, Purpose: v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT,
		GrantableTo: b.types[:1],
	}
	b.entitlements = append(b.entitlements, e)
	return e
}

// grant makes one with an id as Baton makes them. Its sources are ids of
// entitlements.
func (b *builder) grant(e *v2.Entitlement, p *v2.Resource, sources ...string) *v2.Grant {
	g := &v2.Grant{
		Id:          e.GetId() + ":" + p.GetId().GetResourceType() + ":" + p.GetId().GetResource(),
		Entitlement: &v2.Entitlement{Id: e.GetId(), Resource: &v2.Resource{Id: e.GetResource().GetId()}},
		Principal:   &v2.Resource{Id: p.GetId()},
	}
	if len(sources) > 0 {
		g.Sources = &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{}}
		for _, s := range sources {
			g.Sources.Sources[s] = &v2.GrantSources_GrantSource{IsDirect: true}
		}
	}
	b.grants = append(b.grants, g)
	return g
}

func annotation(t testing.TB, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func profile(t testing.TB, values map[string]any) *structpb.Struct {
	t.Helper()
	p, err := structpb.NewStruct(values)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// begin is when the syncs of made archives began.
var begin = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// write writes the archive and opens it.
func (b *builder) write() *c1z.Reader {
	b.t.Helper()
	return b.writeTo(filepath.Join(b.t.TempDir(), "sync.c1z"), begin)
}

// writeTo writes a sync that began at a time into an archive, which keeps the sync that
// it has.
func (b *builder) writeTo(path string, began time.Time) *c1z.Reader {
	b.t.Helper()
	w, err := c1z.Create(b.t.Context(), c1z.Options{Path: path, WorkDir: b.t.TempDir(), StartedAt: began})
	if err != nil {
		b.t.Fatal(err)
	}
	ctx := b.t.Context()
	for _, err := range []error{
		w.PutResourceTypes(ctx, b.types...), w.PutResources(ctx, b.resources...),
		w.PutEntitlements(ctx, b.entitlements...), w.PutGrants(ctx, b.grants...),
	} {
		if err != nil {
			b.t.Fatal(err, w.Abort())
		}
	}
	if _, err := w.Finish(ctx, c1z.SyncRun{EndedAt: began.Add(90 * time.Second)}); err != nil {
		b.t.Fatal(err)
	}
	return open(b.t, path)
}

// load writes the archive and loads it.
func (b *builder) load() *review.Sync {
	b.t.Helper()
	return load(b.t, b.write(), "")
}

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

func load(t testing.TB, r *c1z.Reader, id string) *review.Sync {
	t.Helper()
	s, err := review.Load(t.Context(), r, id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ref finds a resource that is there.
func ref(t testing.TB, s *review.Sync, typ, id string) review.Ref {
	t.Helper()
	r, ok := s.ByID(typ, id)
	if !ok {
		t.Fatalf("no %s %s", typ, id)
	}
	return r
}

// entRef finds an entitlement that is there.
func entRef(t testing.TB, s *review.Sync, id string) review.EntRef {
	t.Helper()
	e, ok := s.EntitlementByID(id)
	if !ok {
		t.Fatalf("no entitlement %s", id)
	}
	return e
}
