package connector

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// Options are the settings of a [Source].
type Options struct {
	// OrgID is the organisation to read, as given by the user; "" where the
	// credential decides.
	OrgID string
	// MergeAdmins makes an administrator and the directory user who is the same
	// person one account.
	MergeAdmins bool
	// SkipAdmins leaves administrators out.
	SkipAdmins bool
	// Logger must not be nil.
	Logger *slog.Logger
}

// Source reads a JumpCloud organisation for the sync engine. It is safe for
// concurrent use.
type Source struct {
	client  *jumpcloud.Client
	options Options
	// now is one instant for the whole run, so that two accounts with the same
	// exemption never look different.
	now time.Time
	// organization is the one that is read, nil before Validate found it out, and
	// visible those that the credential saw then.
	organization atomic.Pointer[Organization]
	visible      organizations
	// directory keeps the roles, which administrators name by their ids.
	directory roleDirectory
}

var _ syncer.Source = (*Source)(nil)

// NewSource makes a source of a client.
func NewSource(client *jumpcloud.Client, options Options) *Source {
	return &Source{client: client, options: options, now: time.Now(), directory: roleDirectory{reading: make(chan struct{}, 1)}}
}

// ResourceTypes implements [syncer.Source].
func (s *Source) ResourceTypes() []*v2.ResourceType {
	return ResourceTypes()
}

// Start implements [syncer.Source]. It sends no request.
func (s *Source) Start(_ context.Context, scope syncer.Scope) (*syncer.Page, error) {
	if len(scope.Targets) > 0 {
		return s.startTargets(scope)
	}
	has := func(resourceType string) bool {
		return len(scope.ResourceTypes) == 0 || slices.Contains(scope.ResourceTypes, resourceType)
	}
	base := kind{resourcesOnly: scope.SkipEntitlementsAndGrants, noGrants: scope.SkipGrants}
	page := new(syncer.Page)
	list := func(k kind) { page.Lists = append(page.Lists, k.of(syncer.Ref{})) }
	if has(restype.User) {
		list(base.with(users))
	}
	// Also where accounts are left out: roles are known by the administrators who
	// hold them, and the grants that fall with the accounts are counted.
	withRoles := has(restype.Role) || (has(restype.App) && !base.resourcesOnly && !base.noGrants)
	switch {
	case s.options.SkipAdmins && (has(restype.User) || withRoles):
		page.Remarks = append(page.Remarks, skippedAdmins)
	case has(restype.User) || withRoles:
		k := base.with(admins)
		k.noAccounts, k.noRoles = !has(restype.User), !has(restype.Role)
		list(k)
	}
	if has(restype.Role) {
		list(base.with(roles))
		for _, name := range builtinRoles() {
			page.Hints = append(page.Hints, roleResource(&jumpcloud.Role{Name: name}))
			if !base.resourcesOnly {
				page.Entitlements = append(page.Entitlements, roleEntitlement(name))
			}
		}
	}
	if has(restype.Group) {
		list(base.with(groups))
	}
	if has(restype.App) {
		list(base.with(apps))
		page.Resources = append(page.Resources, administrationApp())
		if !base.resourcesOnly {
			page.Entitlements = append(page.Entitlements, administrationEntitlement())
		}
	}
	return page, nil
}

// skippedAdmins is the remark of a sync without administrators.
const skippedAdmins = "administrators were left out (--skip-admins): their accounts, their roles " +
	"and their access to " + AdministrationAppName + " are not in this archive"

// Read implements [syncer.Source].
func (s *Source) Read(ctx context.Context, list syncer.List, token string) (*syncer.Page, error) {
	k := parseKind(list.Kind)
	if k.collection == targets {
		page, err := s.readTarget(ctx, k, list.Owner)
		return page, Coded(err)
	}
	if k.collection == roles {
		return s.readRoles(ctx, k, list.Owner)
	}
	rows, err := s.rows(k, list.Owner)
	if err != nil {
		return nil, err
	}
	page, err := rows.read(ctx, token)
	if err != nil {
		page, err = s.tolerate(ctx, k, list.Owner, token == "", err)
	}
	return page, Coded(err)
}

// readRoles reads the list of roles, which has one page however long it is.
func (s *Source) readRoles(ctx context.Context, k kind, owner syncer.Ref) (*syncer.Page, error) {
	listed, err := s.listRoles(ctx)
	if err != nil {
		return nil, Coded(err)
	}
	return listed.page(k, owner), nil
}

// Settle implements [syncer.Source].
func (s *Source) Settle(_ context.Context, list syncer.List, notes [][]byte, occasion syncer.Occasion) (syncer.Verdict, error) {
	rows, err := s.rows(parseKind(list.Kind), list.Owner)
	if err != nil {
		return syncer.Verdict{}, err
	}
	verdict, err := rows.settle(notes, paging.Occasion(occasion))
	return syncer.Verdict(verdict), Coded(err)
}

// tolerate decides what an error of a list means: that its owner is gone, that
// the list may be left out, or that the sync must fail. A list of which a part was
// read is never left out.
func (s *Source) tolerate(ctx context.Context, k kind, owner syncer.Ref, first bool, err error) (*syncer.Page, error) {
	switch k.collection {
	case members, dynamicMembers, assignments:
		if !jumpcloud.IsNotFound(err) {
			return nil, err
		}
		return s.confirmGone(ctx, owner, err)
	case admins:
		if !jumpcloud.IsUnserved(err) {
			return nil, err
		}
		if k.noAccounts && first {
			s.options.Logger.WarnContext(ctx, "the list of administrators was refused", slog.Any("error", err))
			return &syncer.Page{Settled: true, Remarks: []string{
				"JumpCloud refused the list of administrators: custom roles may be missing, and grants " +
					"to administrators, who are not part of this sync, were not counted",
			}}, nil
		}
		if !jumpcloud.IsPermission(err) {
			err = fmt.Errorf("%w; administrators take the scope %s", err, adminsPermission)
		}
		return nil, fmt.Errorf("%w; without it, leave administrators out with --skip-admins", err)
	}
	if first && jumpcloud.IsUnserved(err) {
		return nil, fmt.Errorf("%w; without it, leave %s out with --sync-resource-types", err, k.collection)
	}
	return nil, err
}

// confirmGone asks for the owner of a list that was not found: lists of a route
// that fails for all of them must not look like deleted groups.
func (s *Source) confirmGone(ctx context.Context, owner syncer.Ref, cause error) (*syncer.Page, error) {
	var err error
	if owner.Type == restype.Group {
		_, err = s.client.UserGroup(ctx, owner.ID)
	} else {
		_, err = s.client.Application(ctx, owner.ID)
	}
	switch {
	case err == nil:
		return nil, fmt.Errorf("%w; the %s %s itself exists, so that its list cannot be taken for empty",
			cause, owner.Type, owner.ID)
	case jumpcloud.IsNotFound(err):
		return &syncer.Page{Gone: true, Settled: true}, nil
	default:
		return nil, fmt.Errorf("find out whether the %s %s still exists: %w", owner.Type, owner.ID, err)
	}
}

// adminsPermission is what reading administrators takes.
const adminsPermission = "administrators.readonly"
