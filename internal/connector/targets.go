package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
		case !slices.Contains([]string{restype.User, restype.Group, restype.App, restype.Role}, ref.Type):
			return nil, fault.Invalid("there are no resources of type %q; the types are app, group, role and user", ref.Type)
		case ref.ID == "":
			return nil, fault.Invalid("a %s to sync is named without its id", ref.Type)
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
	var err error
	switch target.Type {
	case restype.User:
		err = s.readTargetUser(ctx, page, target.ID)
	case restype.Group:
		var g *jumpcloud.UserGroup
		if g, err = s.client.UserGroup(ctx, target.ID); err == nil {
			err = s.fillGroup(page, k, g)
		}
	case restype.App:
		err = s.readTargetApp(ctx, page, k, target)
	default:
		s.readTargetRole(page, k, target)
	}
	if errors.Is(err, syncer.ErrNotFound) || jumpcloud.IsAbsent(err) {
		page.Remarks = append(page.Remarks, missingTarget(target))
		return page, nil
	}
	return page, err
}

func missingTarget(target syncer.Ref) string {
	return fmt.Sprintf("there is no %s with the id %s: it is not in this archive", target.Type, target.ID)
}

func (s *Source) readTargetUser(ctx context.Context, page *syncer.Page, id string) error {
	u, err := s.client.User(ctx, id)
	if jumpcloud.IsAbsent(err) {
		r, err := s.lookupAdmin(ctx, id)
		if err != nil {
			return err
		}
		page.Resources = append(page.Resources, r)
		if s.options.MergeAdmins {
			// Whether this account is one with a user shows in the lists only.
			page.Lists = accountLists()
		}
		return nil
	}
	if err != nil {
		return err
	}
	r, err := userResource(u, s.now)
	if err := errors.Join(err, s.belongs(restype.User, u.ID, u.Organization)); err != nil {
		return err
	}
	if u.ManagerID != "" {
		manager, err := s.client.User(ctx, u.ManagerID)
		switch {
		case err == nil && manager.Email != "":
			err = setManager(r, manager.Email)
		case jumpcloud.IsAbsent(err):
			err = nil
		}
		if err != nil {
			return fmt.Errorf("read the manager of user %s: %w", id, err)
		}
	}
	page.Resources = append(page.Resources, r)
	page.Facts = append(page.Facts, userDoubts(u)...)
	return nil
}

func (s *Source) readTargetApp(ctx context.Context, page *syncer.Page, k kind, target syncer.Ref) error {
	if target.ID != restype.AdministrationAppID {
		a, err := s.client.Application(ctx, target.ID)
		if err != nil {
			return err
		}
		return s.fillApp(page, k, a)
	}
	page.Resources = append(page.Resources, administrationApp())
	if k.resourcesOnly {
		return nil
	}
	page.Entitlements = append(page.Entitlements, administrationEntitlement())
	if !k.noGrants {
		s.listHolders(page, k, target)
	}
	return nil
}

// readTargetRole finds a role among the built-in ones, those that JumpCloud lists
// and those that administrators hold.
func (s *Source) readTargetRole(page *syncer.Page, k kind, target syncer.Ref) {
	for _, name := range builtinRoles() {
		if roleRef(name) == target {
			page.Hints = append(page.Hints, roleResource(&jumpcloud.Role{Name: name}))
			if !k.resourcesOnly {
				page.Entitlements = append(page.Entitlements, roleEntitlement(name))
			}
		}
	}
	page.Lists = append(page.Lists, k.with(roles).of(target))
	s.listHolders(page, k, target)
}

// listHolders names the list of the administrators who hold a role or have access
// to the administration app. With joined accounts, all accounts are needed to know
// who the holders are.
func (s *Source) listHolders(page *syncer.Page, k kind, target syncer.Ref) {
	if s.options.SkipAdmins {
		page.Remarks = append(page.Remarks, skippedAdmins)
		return
	}
	page.Lists = append(page.Lists, k.with(admins).of(target))
	if s.options.MergeAdmins && !k.resourcesOnly && !k.noGrants {
		page.Lists = append(page.Lists, accountLists()...)
	}
}

// accountLists are the lists that joining administrators with users takes.
func accountLists() []syncer.List {
	return []syncer.List{
		kind{collection: users}.of(syncer.Ref{}),
		kind{collection: admins, accountsOnly: true}.of(syncer.Ref{}),
	}
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

// lookup fills in what a page of the resource's list would have brought of it. Only
// users and groups hold anything.
func (s *Source) lookup(ctx context.Context, page *syncer.Page, id *v2.ResourceId) error {
	switch id.GetResourceType() {
	case restype.User:
		u, err := s.client.User(ctx, id.GetResource())
		if jumpcloud.IsAbsent(err) && !s.options.SkipAdmins {
			a, err := s.client.Admin(ctx, id.GetResource())
			if err != nil {
				return err
			}
			return s.fillAdmins(ctx, page, kind{}, syncer.Ref{}, []jumpcloud.Admin{*a})
		}
		if err != nil {
			return err
		}
		return s.fillUsers(ctx, page, []jumpcloud.User{*u})
	case restype.Group:
		g, err := s.client.UserGroup(ctx, id.GetResource())
		if err != nil {
			return err
		}
		return s.fillGroup(page, kind{}, g)
	default:
		return fault.Invalid("a resource of type %q holds nothing", id.GetResourceType())
	}
}

// lookupAdmin reads an administrator, nobody where administrators are left out.
func (s *Source) lookupAdmin(ctx context.Context, id string) (*v2.Resource, error) {
	if s.options.SkipAdmins {
		return nil, fmt.Errorf("account %s: %w", id, syncer.ErrNotFound)
	}
	a, err := s.client.Admin(ctx, id)
	if err == nil {
		err = s.adminBelongs(a)
	}
	if err != nil {
		return nil, err
	}
	return adminResource(a)
}
