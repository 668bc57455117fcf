// Package reviewtest makes archives and syncs to test what is asked of them.
package reviewtest

import (
	"context"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// T is what is needed of a test.
type T interface {
	Helper()
	Error(args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	TempDir() string
	Context() context.Context
	Cleanup(f func())
}

// Builder makes an archive by hand.
type Builder struct {
	t            T
	Types        []*v2.ResourceType
	Resources    []*v2.Resource
	Entitlements []*v2.Entitlement
	Grants       []*v2.Grant
}

// New makes a builder that has the four types that a connector usually has.
func New(t T) *Builder {
	b := &Builder{t: t}
	b.Type("user", "User", v2.ResourceType_TRAIT_USER)
	b.Type("group", "Group", v2.ResourceType_TRAIT_GROUP)
	b.Type("app", "Application", v2.ResourceType_TRAIT_APP)
	b.Type("role", "Role", v2.ResourceType_TRAIT_ROLE)
	return b
}

// Type adds a resource type.
func (b *Builder) Type(id, name string, traits ...v2.ResourceType_Trait) {
	b.Types = append(b.Types, &v2.ResourceType{Id: id, DisplayName: name, Traits: traits})
}

// Resource makes a resource.
func (b *Builder) Resource(typ, id, name string) *v2.Resource {
	r := &v2.Resource{Id: &v2.ResourceId{ResourceType: typ, Resource: id}, DisplayName: name}
	b.Resources = append(b.Resources, r)
	return r
}

// User makes an enabled account of a person.
func (b *Builder) User(id, name string, change ...func(*v2.Resource, *v2.UserTrait)) *v2.Resource {
	r := b.Resource("user", id, name)
	r.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_ENABLED}
	trait := &v2.UserTrait{
		AccountType: v2.UserTrait_ACCOUNT_TYPE_HUMAN, Login: id + "-login",
		Emails: []*v2.UserTrait_Email{{Address: id + "@example.com", IsPrimary: true}},
	}
	for _, c := range change {
		c(r, trait)
	}
	r.Annotations = append(r.Annotations, Annotation(b.t, trait))
	return r
}

// Entitlement makes one with an id as Baton makes them.
func (b *Builder) Entitlement(of *v2.Resource, slug string) *v2.Entitlement {
	e := &v2.Entitlement{
		Resource: of, Id: of.GetId().GetResourceType() + ":" + of.GetId().GetResource() + ":" + slug, Slug: slug,
		DisplayName: of.GetDisplayName() + " " + slug, Purpose: v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT,
		GrantableTo: b.Types[:1],
	}
	b.Entitlements = append(b.Entitlements, e)
	return e
}

// Grant makes one with an id as Baton makes them. Its sources are ids of
// entitlements.
func (b *Builder) Grant(e *v2.Entitlement, p *v2.Resource, sources ...string) *v2.Grant {
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
	b.Grants = append(b.Grants, g)
	return g
}

// Annotation packs a message.
func Annotation(t T, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Profile makes a profile.
func Profile(t T, values map[string]any) *structpb.Struct {
	t.Helper()
	p, err := structpb.NewStruct(values)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Begin is when the syncs of made archives began.
var Begin = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// Write writes the archive and opens it.
func (b *Builder) Write() *c1z.Reader {
	b.t.Helper()
	return b.WriteTo(filepath.Join(b.t.TempDir(), "sync.c1z"), Begin)
}

// WriteTo writes a sync that began at a time into an archive, which keeps the sync that
// it has.
func (b *Builder) WriteTo(path string, began time.Time) *c1z.Reader {
	b.t.Helper()
	w, err := c1z.Create(b.t.Context(), c1z.Options{Path: path, WorkDir: b.t.TempDir(), StartedAt: began})
	if err != nil {
		b.t.Fatal(err)
	}
	ctx := b.t.Context()
	for _, err := range []error{
		w.PutResourceTypes(ctx, b.Types...), w.PutResources(ctx, b.Resources...),
		w.PutEntitlements(ctx, b.Entitlements...), w.PutGrants(ctx, b.Grants...),
	} {
		if err != nil {
			b.t.Fatal(err, w.Abort())
		}
	}
	if _, err := w.Finish(ctx, c1z.SyncRun{EndedAt: began.Add(90 * time.Second)}); err != nil {
		b.t.Fatal(err)
	}
	return Open(b.t, path)
}

// Load writes the archive and loads it.
func (b *Builder) Load() *review.Sync {
	b.t.Helper()
	return Load(b.t, b.Write(), "")
}

// Open opens an archive until the test ends.
func Open(t T, path string) *c1z.Reader {
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

// Load loads a sync.
func Load(t T, r *c1z.Reader, id string) *review.Sync {
	t.Helper()
	s, err := review.Load(t.Context(), r, id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Ref finds a resource that is there.
func Ref(t T, s *review.Sync, typ, id string) review.Ref {
	t.Helper()
	r, ok := s.ByID(typ, id)
	if !ok {
		t.Fatalf("no %s %s", typ, id)
	}
	return r
}

// EntRef finds an entitlement that is there.
func EntRef(t T, s *review.Sync, id string) review.EntRef {
	t.Helper()
	e, ok := s.EntitlementByID(id)
	if !ok {
		t.Fatalf("no entitlement %s", id)
	}
	return e
}
