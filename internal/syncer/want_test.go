package syncer_test

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// want works out the rows of a full sync from the tenant itself.
func (t *tenant) want() *recorder {
	rec := &recorder{}
	names := map[syncer.Ref]string{}
	put := func(r *v2.Resource) {
		rec.resources = append(rec.resources, r)
		names[refOf(r.GetId())] = r.GetDisplayName()
	}
	type holding struct {
		principal syncer.Ref
		grant     *v2.Grant
	}
	holdings := map[string][]holding{}
	hold := func(g *v2.Grant) {
		p := refOf(g.GetPrincipal().GetId())
		for _, h := range holdings[g.GetEntitlement().GetId()] {
			if h.grant.GetId() == g.GetId() {
				return
			}
		}
		holdings[g.GetEntitlement().GetId()] = append(holdings[g.GetEntitlement().GetId()], holding{p, g})
	}
	for id, name := range t.users {
		r := resource("user", id, name, &v2.UserTrait{Login: id})
		r.Description = "known as " + name
		put(r)
	}
	put(resource("role", "owner", "Owner", &v2.RoleTrait{}))
	rec.entitlements = append(rec.entitlements, entitlement("role", "owner"))
	if len(t.admins) > 0 {
		put(resource("role", "helper", "Helper", &v2.RoleTrait{}))
		rec.entitlements = append(rec.entitlements, entitlement("role", "helper"))
	}
	for id, user := range t.admins {
		if user == "" {
			put(resource("user", id, "Admin "+id, &v2.UserTrait{}))
			user = id
		}
		hold(grant("role", "owner", "user", user, nil))
		hold(grant("role", "helper", "user", user, nil))
	}
	for id, members := range t.groups {
		put(resource("group", id, "Group "+id, &v2.GroupTrait{}))
		rec.entitlements = append(rec.entitlements, entitlement("group", id))
		for m := range members {
			hold(grant("group", id, "user", m, nil))
		}
	}
	for id, holders := range t.apps {
		put(resource("app", id, "App "+id, &v2.AppTrait{}))
		rec.entitlements = append(rec.entitlements, entitlement("app", id))
		for h := range holders {
			hold(t.association(id, h.Type, h.ID))
		}
		// Members of the groups hold the application too.
		for h := range holders {
			if h.Type != "group" {
				continue
			}
			for m := range t.groups[h.ID] {
				if t.users[m] == "" {
					continue
				}
				i := slices.IndexFunc(holdings["app:"+id], func(o holding) bool { return o.principal == syncer.Ref{Type: "user", ID: m} })
				if i < 0 {
					g := grant("app", id, "user", m, nil)
					g.Id = "app:" + id + ":user:" + m
					g.Annotations = annotations(&v2.GrantImmutable{})
					g.Sources = &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{}}
					holdings["app:"+id] = append(holdings["app:"+id], holding{syncer.Ref{Type: "user", ID: m}, g})
					i = len(holdings["app:"+id]) - 1
				}
				g := holdings["app:"+id][i].grant
				if g.GetSources() == nil {
					g.Sources = &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{"app:" + id: {IsDirect: true}}}
				}
				g.Sources.Sources["group:"+h.ID] = &v2.GrantSources_GrantSource{IsDirect: true}
			}
		}
	}
	rec.types = t.ResourceTypes()
	slices.SortFunc(rec.resources, func(a, b *v2.Resource) int { return compareRefs(refOf(a.GetId()), refOf(b.GetId())) })
	byRef := map[syncer.Ref]*v2.Resource{}
	for _, r := range rec.resources {
		byRef[refOf(r.GetId())] = r
	}
	slices.SortFunc(rec.entitlements, func(a, b *v2.Entitlement) int { return cmp.Compare(a.GetId(), b.GetId()) })
	for _, e := range rec.entitlements {
		e.Resource = byRef[refOf(e.GetResource().GetId())]
	}
	// Entitlements into which groups flow come last.
	order := slices.Clone(rec.entitlements)
	flowsInto := func(e *v2.Entitlement) int {
		for h := range t.apps[strings.TrimPrefix(e.GetId(), "app:")] {
			if h.Type == "group" && t.groups[h.ID] != nil {
				return 1
			}
		}
		return 0
	}
	slices.SortStableFunc(order, func(a, b *v2.Entitlement) int { return cmp.Compare(flowsInto(a), flowsInto(b)) })
	for _, e := range order {
		hs := holdings[e.GetId()]
		slices.SortFunc(hs, func(a, b holding) int { return compareRefs(a.principal, b.principal) })
		for _, h := range hs {
			if _, ok := names[h.principal]; !ok {
				continue
			}
			h.grant.GetEntitlement().GetResource().DisplayName = names[refOf(e.GetResource().GetId())]
			h.grant.GetPrincipal().DisplayName = names[h.principal]
			if app, ok := strings.CutPrefix(e.GetId(), "app:"); ok && h.principal.Type == "user" {
				notes := grantNotes(app)
				note, own := notes.Of[h.principal.ID]
				if !own {
					note = notes.Otherwise
				}
				if note != nil {
					h.grant.Annotations = append(h.grant.GetAnnotations(), note)
				}
			}
			rec.grants = append(rec.grants, h.grant)
		}
	}
	return rec
}

func refOf(id *v2.ResourceId) syncer.Ref {
	return syncer.Ref{Type: id.GetResourceType(), ID: id.GetResource()}
}

func compareRefs(a, b syncer.Ref) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
}

// recorder is a syncer.Archive that remembers what it got, copied at once.
type recorder struct {
	types        []*v2.ResourceType
	resources    []*v2.Resource
	entitlements []*v2.Entitlement
	grants       []*v2.Grant
	fail         error // what PutGrants returns, when set
}

var _ syncer.Archive = (*recorder)(nil)

func (r *recorder) PutResourceTypes(_ context.Context, types ...*v2.ResourceType) error {
	r.types = append(r.types, clone(types)...)
	return nil
}

func (r *recorder) PutResources(_ context.Context, resources ...*v2.Resource) error {
	r.resources = append(r.resources, clone(resources)...)
	return nil
}

func (r *recorder) PutEntitlements(_ context.Context, entitlements ...*v2.Entitlement) error {
	r.entitlements = append(r.entitlements, clone(entitlements)...)
	return nil
}

func (r *recorder) PutGrants(_ context.Context, grants ...*v2.Grant) error {
	r.grants = append(r.grants, clone(grants)...)
	return r.fail
}

func clone[M proto.Message](messages []M) []M {
	out := make([]M, len(messages))
	for i, m := range messages {
		out[i], _ = proto.Clone(m).(M)
	}
	return out
}
