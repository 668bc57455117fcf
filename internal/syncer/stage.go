package syncer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// stager turns pages into what the Store keeps: rows of types that are not synced
// fall away, the others are checked and serialized. It does not change and is safe
// for concurrent use.
type stager struct {
	scope    Scope
	declared map[string]bool             // every type of the source
	synced   map[string]*v2.ResourceType // those that the scope asks for
}

// full reports whether the sync covers everything, so that a principal that is not
// stored does not exist.
func (s Scope) full() bool { return len(s.Targets) == 0 }

// grants reports whether the sync has grants, and entitlements whether it has
// entitlements.
func (s Scope) grants() bool       { return !s.SkipGrants && !s.SkipEntitlementsAndGrants }
func (s Scope) entitlements() bool { return !s.SkipEntitlementsAndGrants }

// newStager splits the types of a source into those that are synced and the ids
// of the others, both by id.
func newStager(scope Scope, types []*v2.ResourceType) (s *stager, leftOut []string, err error) {
	if scope.SkipGrants && scope.full() {
		return nil, nil, errors.New("skipping grants requires a partial sync")
	}
	s = &stager{scope: scope, declared: map[string]bool{}, synced: map[string]*v2.ResourceType{}}
	for _, t := range types {
		if err := checkID("resource type", t.GetId()); err != nil {
			return nil, nil, err
		}
		s.declared[t.GetId()] = true
		if len(scope.ResourceTypes) == 0 || slices.Contains(scope.ResourceTypes, t.GetId()) {
			s.synced[t.GetId()] = t
		} else {
			leftOut = append(leftOut, t.GetId())
		}
	}
	for _, t := range scope.ResourceTypes {
		if !s.declared[t] {
			return nil, nil, fmt.Errorf("invalid resource type '%s' in filter", t)
		}
	}
	slices.Sort(leftOut)
	return s, leftOut, nil
}

// types lists the synced types by id.
func (s *stager) types() []*v2.ResourceType {
	types := make([]*v2.ResourceType, 0, len(s.synced))
	for _, t := range s.synced {
		types = append(types, t)
	}
	slices.SortFunc(types, func(a, b *v2.ResourceType) int { return strings.Compare(a.GetId(), b.GetId()) })
	return types
}

// start turns what Source.Start returned into a batch.
func (s *stager) start(p *Page) (*Batch, error) {
	return s.loose("start", p)
}

// found turns what Source.Lookup returned for a resource into a batch.
func (s *stager) found(r Ref, p *Page) (*Batch, error) {
	b, err := s.loose("lookup", p)
	if err != nil {
		return nil, err
	}
	if len(b.Resources) != 1 || b.Resources[0].Ref != r {
		return nil, errors.New("response for another resource")
	}
	return b, nil
}

// loose turns a page that belongs to no list into a batch.
func (s *stager) loose(name string, p *Page) (*Batch, error) {
	if p == nil || len(p.Next) > 0 || p.Receipt != nil || p.Settled || p.Gone {
		return nil, fmt.Errorf("the %s is not a page of a list", name)
	}
	return s.batch(Token{List: List{Kind: name}}, p)
}

// batch turns a page into a batch.
func (s *stager) batch(tok Token, p *Page) (*Batch, error) {
	if p == nil {
		return nil, errors.New("no page")
	}
	b := &Batch{Token: tok, Remarks: p.Remarks, Counts: map[string]int64{}}
	if p.Gone {
		if tok.List.Owner == (Ref{}) {
			return nil, errors.New("a list of the organization cannot be gone")
		}
		b.Gone = true
		return b, nil
	}
	if p.Settled && len(p.Next) > 0 {
		return nil, errors.New("the page says that its list is complete and names further pages")
	}
	for _, next := range p.Next {
		if next == "" {
			return nil, errors.New("the page names a next page with an empty token")
		}
		if next == tok.Token {
			return nil, errors.New("next page token unchanged - likely a connector bug")
		}
	}
	b.Facts, b.Lists, b.Next, b.Receipt, b.Settled, b.Total = p.Facts, p.Lists, p.Next, p.Receipt, p.Settled, p.Total
	b.Counted, b.Shown = p.Counted, p.Shown
	if b.Rows = len(p.Resources); b.Rows == 0 {
		b.Rows = len(p.Grants)
	}
	b.Rows = max(0, b.Rows-p.Repeats)
	var err error
	if b.Resources, err = s.resources(p.Resources); err != nil {
		return nil, err
	}
	if b.Hints, err = s.resources(p.Hints); err != nil {
		return nil, err
	}
	if err := s.entitlements(b, p.Entitlements); err != nil {
		return nil, err
	}
	return b, s.grants(b, p.Grants)
}

// isSynced reports whether a resource's type is synced; one that the source did
// not declare is an error.
func (s *stager) isSynced(resourceType string) (bool, error) {
	if !s.declared[resourceType] {
		return false, fmt.Errorf("resource type %q was not declared", resourceType)
	}
	return s.synced[resourceType] != nil, nil
}

func (s *stager) resources(resources []*v2.Resource) ([]ResourceRow, error) {
	rows := make([]ResourceRow, 0, len(resources))
	for _, r := range resources {
		row, ok, err := s.resource(r)
		if err != nil {
			return nil, err
		}
		if ok {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// resource serializes a resource; false when its type is not synced.
func (s *stager) resource(r *v2.Resource) (ResourceRow, bool, error) {
	if err := checkRef("resource", r.GetId()); err != nil {
		return ResourceRow{}, false, err
	}
	if ok, err := s.isSynced(r.GetId().GetResourceType()); !ok || err != nil {
		return ResourceRow{}, false, err
	}
	if err := checkResource(r, s.synced[r.GetId().GetResourceType()]); err != nil {
		return ResourceRow{}, false, err
	}
	data, err := marshal(r)
	if err != nil {
		return ResourceRow{}, false, fmt.Errorf("%s: %w", ref(r.GetId()), err)
	}
	return ResourceRow{Ref: ref(r.GetId()), Name: r.GetDisplayName(), Data: data}, true, nil
}

func (s *stager) entitlements(b *Batch, entitlements []*v2.Entitlement) error {
	for _, e := range entitlements {
		if err := errors.Join(checkID("entitlement", e.GetId()), checkRef("resource of an entitlement", e.GetResource().GetId())); err != nil {
			return err
		}
		ok, err := s.isSynced(e.GetResource().GetId().GetResourceType())
		if err != nil {
			return err
		}
		if !ok || !s.scope.entitlements() {
			continue
		}
		bare, _ := proto.Clone(e).(*v2.Entitlement)
		bare.Resource = nil
		data, err := marshal(bare)
		if err != nil {
			return fmt.Errorf("entitlement %s: %w", e.GetId(), err)
		}
		b.Entitlements = append(b.Entitlements, EntitlementRow{ID: e.GetId(), Resource: ref(e.GetResource().GetId()), Data: data})
	}
	return nil
}

func (s *stager) grants(b *Batch, grants []*v2.Grant) error {
	if !s.scope.grants() {
		return nil
	}
	packers := map[string]*packer{}
	var order []*packer
	for _, g := range grants {
		err := errors.Join(checkID("grant", g.GetId()),
			checkID("entitlement of a grant", g.GetEntitlement().GetId()),
			checkRef("resource of a grant's entitlement", g.GetEntitlement().GetResource().GetId()),
			checkRef("principal of a grant", g.GetPrincipal().GetId()))
		if err != nil {
			return err
		}
		if _, err := s.isSynced(g.GetPrincipal().GetId().GetResourceType()); err != nil {
			return err
		}
		ok, err := s.isSynced(g.GetEntitlement().GetResource().GetId().GetResourceType())
		if err != nil {
			return err
		}
		if !ok {
			b.Counts[CounterLeftOut]++
			continue
		}
		p := packers[g.GetEntitlement().GetId()]
		if p == nil {
			p = newPacker(g.GetEntitlement().GetId())
			packers[g.GetEntitlement().GetId()] = p
			order = append(order, p)
		}
		g, expands, err := s.narrow(g)
		if err != nil {
			return err
		}
		if err := p.add(g, expands); err != nil {
			return fmt.Errorf("grant %s: %w", g.GetId(), err)
		}
	}
	for _, p := range order {
		b.Grants = append(b.Grants, p.finish())
	}
	return nil
}

// narrow takes types that are not synced out of what a grant expands to, and
// reports whether it still expands. The grant is copied when it changes.
func (s *stager) narrow(g *v2.Grant) (_ *v2.Grant, expands bool, err error) {
	at := find(g.GetAnnotations(), grantExpandable)
	if at < 0 {
		return g, false, nil
	}
	var x v2.GrantExpandable
	if err := g.GetAnnotations()[at].UnmarshalTo(&x); err != nil {
		return nil, false, fmt.Errorf("grant %s: %w", g.GetId(), err)
	}
	expands = slices.ContainsFunc(x.GetEntitlementIds(), func(id string) bool { return strings.TrimSpace(id) != "" })
	isLeftOut := func(t string) bool { return s.synced[t] == nil }
	if !s.scope.full() || !slices.ContainsFunc(x.GetResourceTypeIds(), isLeftOut) {
		return g, expands, nil
	}
	g, _ = proto.Clone(g).(*v2.Grant)
	x.ResourceTypeIds = slices.DeleteFunc(x.GetResourceTypeIds(), isLeftOut)
	if len(x.GetResourceTypeIds()) == 0 {
		g.Annotations = slices.Delete(g.GetAnnotations(), at, at+1)
		return g, false, nil
	}
	narrowed := &anypb.Any{}
	if err := anypb.MarshalFrom(narrowed, &x, proto.MarshalOptions{Deterministic: true}); err != nil {
		return nil, false, fmt.Errorf("grant %s: %w", g.GetId(), err)
	}
	g.Annotations[at] = narrowed
	return g, expands, nil
}
