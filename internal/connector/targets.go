package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// startTargets names one list for each resource that a partial sync is about.
func (s *Source) startTargets(scope syncer.Scope) (*syncer.Page, error) {
	k := kind{
		collection:    targets,
		resourcesOnly: scope.SkipEntitlementsAndGrants,
		noGrants:      scope.SkipGrants,
	}
	page := new(syncer.Page)
	seen := map[syncer.Ref]bool{}
	for _, id := range scope.Targets {
		ref := refOf(id)
		switch {
		case !s.synced(ref.Type):
			return nil, s.unknownType(ref.Type)
		case ref.ID == "":
			return nil, fault.Invalid("missing ID of a %s to sync", ref.Type)
		case seen[ref]:
		case len(scope.ResourceTypes) > 0 && !slices.Contains(scope.ResourceTypes, ref.Type):
		default:
			seen[ref] = true
			page.Lists = append(page.Lists, k.of(ref))
		}
	}
	return page, nil
}

// readTarget reads one resource, and names the lists that hold its grants.
func (s *Source) readTarget(ctx context.Context, k kind, target syncer.Ref) (*syncer.Page, error) {
	page := &syncer.Page{Settled: true}
	m, _ := mappingOf(target.Type)
	if !s.synced(target.Type) {
		return nil, s.unknownType(target.Type)
	}
	err := m.target(ctx, s, page, k, target)
	if errors.Is(err, syncer.ErrNotFound) || jumpcloud.IsAbsent(err) {
		page.Remarks = append(page.Remarks, missingTarget(target))
		return page, nil
	}
	return page, err
}

func missingTarget(target syncer.Ref) string {
	return fmt.Sprintf("no %s with ID %s in this archive", target.Type, target.ID)
}

// Lookup implements [syncer.Source].
func (s *Source) Lookup(ctx context.Context, id *v2.ResourceId) (*syncer.Page, error) {
	page := new(syncer.Page)
	err := s.lookup(ctx, page, id)
	if jumpcloud.IsAbsent(err) {
		absent := new(syncer.Page)
		if !jumpcloud.IsNotFound(err) {
			// Nothing of this ID can exist, which is worth a word.
			absent.Facts = []syncer.Fact{doubtLookup.of(id.GetResource(), id.GetResourceType())}
		}
		return absent, fmt.Errorf("%s %s: %w", id.GetResourceType(), id.GetResource(), syncer.ErrNotFound)
	}
	if err != nil {
		return nil, Coded(err)
	}
	return page, nil
}

// lookup fills in what a page of the resource's list would have brought of it.
func (s *Source) lookup(ctx context.Context, page *syncer.Page, id *v2.ResourceId) error {
	m, _ := mappingOf(id.GetResourceType())
	if m.lookup == nil {
		return fault.Invalid("resources of type %q have no grants", id.GetResourceType())
	}
	return m.lookup(ctx, s, page, id.GetResource())
}

// unknownType is the error of a type that is not read.
func (s *Source) unknownType(id string) error {
	if t, ok := restype.Find(id); ok {
		return fault.Invalid("resources of type %q are not synced without --%s", id, t.Switch)
	}
	return fault.Invalid("there are no resources of type %q; the types are %s", id, s.typeWords())
}

// typeWords lists the ids of the types that are read for a message.
func (s *Source) typeWords() string {
	ids := slices.Sorted(slices.Values(restype.Synced(s.options.Switches)))
	return strings.Join(ids[:len(ids)-1], ", ") + " and " + ids[len(ids)-1]
}
