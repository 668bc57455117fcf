package hostedsync

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// edge says that whoever holds one entitlement holds another one.
type edge struct {
	from, to string
	shallow  bool
	types    []string
}

// expand works out the grants that follow from others, and counts those that are new.
func (s *sync) expand() (added int, err error) {
	edges, err := s.edges()
	if err != nil {
		return 0, err
	}
	immutable := new(anypb.Any)
	if err := immutable.MarshalFrom(new(v2.GrantImmutable)); err != nil {
		return 0, err
	}
	byEntitlement := map[string]map[string]*v2.Grant{} // by entitlement and principal
	put := func(g *v2.Grant) {
		e := g.GetEntitlement().GetId()
		if byEntitlement[e] == nil {
			byEntitlement[e] = map[string]*v2.Grant{}
		}
		byEntitlement[e][key(g.GetPrincipal().GetId())] = g
	}
	for _, g := range sorted(s.granted) {
		put(g)
	}
	for len(edges) > 0 {
		// An entitlement is a source once nothing flows into it any more.
		ready := func(e edge) bool {
			return !slices.ContainsFunc(edges, func(o edge) bool { return o.to == e.from })
		}
		wave := slices.Collect(func(yield func(edge) bool) {
			for _, e := range edges {
				if ready(e) && !yield(e) {
					return
				}
			}
		})
		if len(wave) == 0 {
			return added, errors.New("grants expand in a circle")
		}
		for _, e := range wave {
			added += s.flow(e, byEntitlement[e.from], byEntitlement[e.to], put, immutable)
		}
		edges = slices.DeleteFunc(edges, func(e edge) bool { return slices.ContainsFunc(wave, e.same) })
	}
	return added, nil
}

func (e edge) same(o edge) bool { return e.from == o.from && e.to == o.to }

// edges reads what the stored grants say.
func (s *sync) edges() ([]edge, error) {
	var edges []edge
	for _, g := range sorted(s.granted) {
		for _, a := range g.GetAnnotations() {
			x := new(v2.GrantExpandable)
			if !a.MessageIs(x) {
				continue
			}
			if err := a.UnmarshalTo(x); err != nil {
				return nil, err
			}
			for _, source := range x.GetEntitlementIds() {
				e := s.held[source]
				if e == nil {
					continue
				}
				if key(e.GetResource().GetId()) != key(g.GetPrincipal().GetId()) {
					return nil, fmt.Errorf("grant %s: source entitlement resource id did not match grant principal id", g.GetId())
				}
				edges = append(edges, edge{source, g.GetEntitlement().GetId(), x.GetShallow(), x.GetResourceTypeIds()})
			}
		}
	}
	return edges, nil
}

// flow adds what follows from the grants of one entitlement to those of another.
func (s *sync) flow(e edge, from, to map[string]*v2.Grant, put func(*v2.Grant), immutable *anypb.Any) (added int) {
	target := s.held[e.to]
	for _, principal := range slices.Sorted(maps.Keys(from)) {
		source := from[principal]
		id := source.GetPrincipal().GetId()
		_, own := source.GetSources().GetSources()[e.from]
		direct := own || len(source.GetSources().GetSources()) == 0
		if e.shallow && !direct || len(e.types) > 0 && !slices.Contains(e.types, id.GetResourceType()) {
			continue
		}
		g := to[principal]
		if g == nil {
			g = &v2.Grant{
				Id:          e.to + ":" + id.GetResourceType() + ":" + id.GetResource(),
				Entitlement: &v2.Entitlement{Id: e.to, Resource: &v2.Resource{Id: target.GetResource().GetId(), DisplayName: target.GetResource().GetDisplayName()}},
				Principal:   source.GetPrincipal(), Annotations: []*anypb.Any{immutable},
				Sources: &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{}},
			}
			s.granted[g.GetId()] = g
			put(g)
			added++
		} else if len(g.GetSources().GetSources()) == 0 {
			g.Sources = &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{e.to: {IsDirect: true}}}
		}
		known := g.GetSources().GetSources()[e.from]
		g.GetSources().GetSources()[e.from] = &v2.GrantSources_GrantSource{IsDirect: direct || known.GetIsDirect()}
	}
	return added
}
