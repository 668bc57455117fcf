package connector

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
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
	// OrgID is the organization to read, as given by the user; "" where the
	// credential decides.
	OrgID string
	// MergeAdmins makes an administrator and the directory user who is the same
	// person one account.
	MergeAdmins bool
	// Apart says that the holders of each resource are read by whoever sees no other
	// list, so that each list has to prove by itself that it did not change.
	Apart bool
	// SkipAdmins leaves administrators out.
	SkipAdmins bool
	// Switches are the options of [restype.Switches] that have further types read.
	Switches []string
	// LastLogin reads when accounts signed in last, and LastUse with it when they used
	// applications: of use only where grants are expanded, as most access is inherited.
	LastLogin, LastUse bool
	// ReadSignIns is how many sign-ins are read one by one; 0 means [signin.Query]'s default.
	ReadSignIns int64
	// Logger must not be nil.
	Logger *slog.Logger
}

// Source reads a JumpCloud organization for the sync engine. It is safe for
// concurrent use.
type Source struct {
	client  *jumpcloud.Client
	options Options
	// now is one instant for the whole run, so that two accounts with the same
	// exemption never look different.
	now time.Time
	// logins are what an earlier archive knew of sign-ins.
	logins Logins
	// organization is the one that is read, nil before Validate found it out, and
	// visible those that the credential saw then.
	organization atomic.Pointer[Organization]
	visible      organizations
	// lengths are how long pages have been, by route.
	lengths sync.Map
	// directory keeps the roles, which administrators name by their ids.
	directory roleDirectory
}

var _ syncer.Source = (*Source)(nil)

// NewSource makes a source of a client.
func NewSource(client *jumpcloud.Client, options Options) *Source {
	var fields []string
	if slices.Contains(options.Switches, restype.SyncDevices) {
		fields = append(fields, "sudo")
	}
	if slices.Contains(options.Switches, restype.SyncSecrets) {
		fields = append(fields, "ssh_keys")
	}
	if len(fields) > 0 {
		client.AlsoReadUsers(fields...)
	}
	return &Source{client: client, options: options, now: time.Now(), directory: roleDirectory{reading: make(chan struct{}, 1)}}
}

// ResourceTypes implements [syncer.Source].
func (s *Source) ResourceTypes() []*v2.ResourceType {
	return ResourceTypes(s.options.Switches)
}

// synced reports whether resources of a type are read.
func (s *Source) synced(resourceType string) bool {
	return slices.Contains(restype.Synced(s.options.Switches), resourceType)
}

// Start implements [syncer.Source]. It sends no request.
func (s *Source) Start(_ context.Context, scope syncer.Scope) (*syncer.Page, error) {
	if len(scope.Targets) > 0 {
		return s.startTargets(scope)
	}
	has := func(resourceType string) bool {
		return s.synced(resourceType) && (len(scope.ResourceTypes) == 0 || slices.Contains(scope.ResourceTypes, resourceType))
	}
	base := kind{resourcesOnly: scope.SkipEntitlementsAndGrants, noGrants: scope.SkipGrants}
	page := new(syncer.Page)
	for _, m := range mappings() {
		m.start(s, page, base, has)
	}
	return page, nil
}

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

// Settle implements [syncer.Source].
func (s *Source) Settle(_ context.Context, list syncer.List, receipts [][]byte, occasion syncer.Occasion) (syncer.Verdict, error) {
	rows, err := s.rows(parseKind(list.Kind), list.Owner)
	if err != nil {
		return syncer.Verdict{}, err
	}
	verdict, err := rows.settle(receipts, paging.Occasion(occasion))
	return syncer.Verdict(verdict), Coded(err)
}

// tolerate decides what an error of a list means: that its owner is gone, that
// the list may be left out, or that the sync must fail. A list of which a part was
// read is never left out.
func (s *Source) tolerate(ctx context.Context, k kind, owner syncer.Ref, first bool, err error) (*syncer.Page, error) {
	list := k.find()
	switch {
	case list.owned:
		switch row := k.row(); {
		case jumpcloud.IsNotFound(err):
			return s.confirmGone(ctx, owner, err)
		case row.Switch != "":
			return s.tolerateSwitched(k, row, false, err)
		}
		return nil, err
	case k.noAccounts && k.keys:
		// The list is read for its credentials.
		row, _ := restype.Find(k.collection.keys())
		return s.tolerateSwitched(k, row, first, err)
	case k.collection == admins:
		if !jumpcloud.IsUnserved(err) {
			return nil, err
		}
		if k.noAccounts && first {
			s.options.Logger.WarnContext(ctx, "administrator list denied", slog.Any("error", err))
			return &syncer.Page{Settled: true, Remarks: []string{
				"JumpCloud denied the list of administrators: custom roles may be missing, and grants " +
					"to administrators (not part of this sync) were not counted",
			}}, nil
		}
		if !jumpcloud.IsPermission(err) {
			err = fmt.Errorf("%w; administrators require the scope %s", err, adminsPermission)
		}
		return nil, fmt.Errorf("%w; without it, skip administrators with --skip-admins", err)
	}
	if row := k.row(); row.Switch != "" {
		return s.tolerateSwitched(k, row, first, err)
	}
	if first && jumpcloud.IsUnserved(err) {
		return nil, fmt.Errorf("%w; without it, omit %s from --sync-resource-types", err, list.label)
	}
	return nil, err
}

// tolerateSwitched decides about a list of a type that is read with an option only. A list
// that the organization's plan does not have is empty, and the summary says so; one that is
// denied fails the sync.
func (s *Source) tolerateSwitched(k kind, row restype.Type, first bool, err error) (*syncer.Page, error) {
	switch {
	case first && jumpcloud.IsUnoffered(err):
		return &syncer.Page{Settled: true, Remarks: []string{fmt.Sprintf(
			"JumpCloud does not offer %s to this organization (%v): none were synced", row.Plural, err)}}, nil
	case jumpcloud.IsUnserved(err), jumpcloud.IsUnauthenticated(err):
		switches := "--" + row.Switch
		if also, _ := restype.Find(k.collection.keys()); k.keys && also.Switch != row.Switch {
			switches += " and --" + also.Switch
		}
		return nil, fmt.Errorf("%w; %s require the scope %s; without it, leave out %s", err, k.find().label, strings.Join(row.Read, " and "), switches)
	default:
		return nil, err
	}
}

// confirmGone asks for the owner of a list that was not found: lists of a route
// that fails for all of them must not look like deleted groups.
func (s *Source) confirmGone(ctx context.Context, owner syncer.Ref, cause error) (*syncer.Page, error) {
	m, _ := mappingOf(owner.Type)
	if m.gone == nil {
		return nil, cause
	}
	err := m.gone(ctx, s, owner.ID)
	switch {
	case err == nil:
		return nil, fmt.Errorf("%w; the %s %s exists, so its list is not empty but unreadable",
			cause, owner.Type, owner.ID)
	case IsNotFound(err):
		return &syncer.Page{Gone: true, Settled: true}, nil
	default:
		return nil, fmt.Errorf("check whether %s %s still exists: %w", owner.Type, owner.ID, err)
	}
}
