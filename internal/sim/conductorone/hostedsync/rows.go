package hostedsync

import (
	"fmt"
	"maps"
	"slices"
	gosync "sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

type message = proto.Message

// rows are what was stored, by external id; what is stored again replaces it. They are safe
// for concurrent use while lists are read.
type rows struct {
	mu      gosync.Mutex
	types   map[string]*v2.ResourceType
	stored  map[string]*v2.Resource
	held    map[string]*v2.Entitlement
	granted map[string]*v2.Grant
}

func newRows() *rows {
	return &rows{types: map[string]*v2.ResourceType{}, stored: map[string]*v2.Resource{}, held: map[string]*v2.Entitlement{}, granted: map[string]*v2.Grant{}}
}

// key is the external id of a resource.
func key(id *v2.ResourceId) string { return id.GetResourceType() + ":" + id.GetResource() }

func sorted[T any](all map[string]T) []T {
	list := make([]T, 0, len(all))
	for _, k := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[k])
	}
	return list
}

func has(annotations []*anypb.Any, m message) bool {
	return slices.ContainsFunc(annotations, func(a *anypb.Any) bool { return a.MessageIs(m) })
}

func (s *sync) putTypes(list []*v2.ResourceType, only []string) {
	for _, t := range list {
		if t.GetId() != "" && (len(only) == 0 || slices.Contains(only, t.GetId())) {
			s.types[t.GetId()] = t
		}
	}
}

// putResources stores resources, and names the lists of their children.
func (s *sync) putResources(list []*v2.Resource) ([]action, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var more []action
	for _, r := range list {
		id := r.GetId()
		if id.GetResourceType() == "" || id.GetResource() == "" {
			continue
		}
		if has(r.GetAnnotations(), &v2.BatonID{}) {
			return nil, fmt.Errorf("%s: BatonID is reserved", key(id))
		}
		for _, trait := range s.types[id.GetResourceType()].GetTraits() {
			if m := traits()[trait]; m != nil && !has(r.GetAnnotations(), m) {
				return nil, fmt.Errorf("%s: resource was missing expected trait %s", key(id), trait)
			}
		}
		s.stored[key(id)] = r
		for _, a := range r.GetAnnotations() {
			child := new(v2.ChildResourceType)
			if !a.MessageIs(child) {
				continue
			}
			if err := a.UnmarshalTo(child); err != nil {
				return nil, err
			}
			if name := child.GetResourceTypeId() + " of " + key(id); !s.children[name] && s.types[child.GetResourceTypeId()] != nil {
				s.children[name] = true
				more = append(more, action{resource: ofType(child.GetResourceTypeId()).resource, parent: id})
			}
		}
	}
	return more, nil
}

// traits are the messages of the traits that a resource must carry.
func traits() map[v2.ResourceType_Trait]message {
	return map[v2.ResourceType_Trait]message{
		v2.ResourceType_TRAIT_USER: &v2.UserTrait{}, v2.ResourceType_TRAIT_GROUP: &v2.GroupTrait{}, v2.ResourceType_TRAIT_ROLE: &v2.RoleTrait{},
		v2.ResourceType_TRAIT_APP: &v2.AppTrait{}, v2.ResourceType_TRAIT_SECRET: &v2.SecretTrait{},
	}
}

func (s *sync) putEntitlements(list []*v2.Entitlement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range list {
		if e.GetId() != "" && s.types[e.GetResource().GetId().GetResourceType()] != nil {
			s.held[e.GetId()] = e
		}
	}
}

// putGrants stores grants whose types are synced.
func (s *sync) putGrants(list []*v2.Grant, enqueued int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.summary.Enqueued += enqueued
	for _, g := range list {
		if s.types[g.GetEntitlement().GetResource().GetId().GetResourceType()] != nil && s.types[g.GetPrincipal().GetId().GetResourceType()] != nil {
			s.granted[g.GetId()] = g
		}
	}
}
