package connector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// userResource maps a directory user (JumpCloud API v1, /systemusers) to an
// account. It is the same for the same user; now only decides whether an
// exemption from multi-factor authentication is still in force.
func userResource(u *jumpcloud.User, now time.Time) (*v2.Resource, error) {
	if err := checkID(restype.User, u.ID, u.Username); err != nil {
		return nil, err
	}
	r := &v2.Resource{
		Id:          resourceID(restype.User, u.ID),
		DisplayName: UserName(u),
		Profile:     userProfile(u).message(),
		Status:      accountStatus(standingOf(u).details),
	}
	if !u.Created.IsZero() {
		r.CreatedAt = timestamppb.New(u.Created)
	}
	trait := &v2.UserTrait{
		Emails:         emails(u.Email, u.AlternateEmail),
		Login:          printable.Clip(u.Username, MaxID),
		StructuredName: structuredName(u),
		AccountType:    v2.UserTrait_ACCOUNT_TYPE_HUMAN,
	}
	if u.LDAPBindingUser.IsTrue() || u.SambaServiceUser.IsTrue() {
		trait.AccountType = v2.UserTrait_ACCOUNT_TYPE_SERVICE
	}
	if u.EmployeeID != "" {
		trait.EmployeeIds = []string{printable.Clip(u.EmployeeID, MaxID)}
	}
	if mfa := userMFA(u, now); mfa.IsSet() {
		trait.MfaStatus = &v2.UserTrait_MFAStatus{MfaEnabled: mfa.IsTrue()}
	}
	return withUserTrait(r, trait), nil
}

// UserName is the display name of a user.
func UserName(u *jumpcloud.User) string {
	return printable.Clip(firstText(
		u.DisplayName,
		strings.TrimSpace(u.FirstName+" "+u.LastName),
		u.Username,
		u.Email,
		u.ID,
	), MaxDisplayName)
}

// userMFA tells whether a user has a second factor, from the best source that the
// record holds.
func userMFA(u *jumpcloud.User, now time.Time) jumpcloud.Flag {
	switch {
	case u.MFAEnrollment != "":
		return flagOf(identity.Equal(u.MFAEnrollment, "ENROLLED"))
	case u.MFA != nil && u.MFA.Configured.IsSet():
		return flagOf(u.MFA.Configured.IsTrue() && !u.MFA.Excluded(now))
	default:
		return u.TOTPEnabled
	}
}

// UserMFA tells whether a user has a second factor that can be used now.
func UserMFA(u *jumpcloud.User) jumpcloud.Flag { return userMFA(u, time.Now()) }

func flagOf(b bool) jumpcloud.Flag {
	if b {
		return jumpcloud.True
	}
	return jumpcloud.False
}

func userProfile(u *jumpcloud.User) profile {
	p := profile{}
	p.text("id", u.ID)
	p.text("user_id", u.ID)
	p.text("username", u.Username)
	p.text("first_name", u.FirstName)
	p.text("last_name", u.LastName)
	p.text("display_name", u.DisplayName)
	p.text("job_title", u.JobTitle)
	p.text("department", u.Department)
	p.text("company", u.Company)
	p.text("cost_center", u.CostCenter)
	p.text("location", u.Location)
	p.text("employee_id", u.EmployeeID)
	p.text("employee_type", u.EmployeeType)
	p.text(profileManagerID, u.ManagerID)
	p.text("organization", u.Organization)
	p.text("state", u.State)
	p.flag("password_expired", u.PasswordExpired)
	p.text("mfa_enrollment", u.MFAEnrollment)
	p.text("external_source_type", u.ExternalSourceType)
	p.flag(profileSudo, u.Sudo)
	p.custom(u.Attributes)
	return p
}

func structuredName(u *jumpcloud.User) *v2.UserTrait_StructuredName {
	if u.FirstName == "" && u.MiddleName == "" && u.LastName == "" {
		return nil
	}
	name := &v2.UserTrait_StructuredName{
		GivenName:  printable.Clip(u.FirstName, MaxDisplayName),
		FamilyName: printable.Clip(u.LastName, MaxDisplayName),
	}
	if u.MiddleName != "" {
		name.MiddleNames = []string{printable.Clip(u.MiddleName, MaxDisplayName)}
	}
	return name
}

// emails lists the primary address and the others, each once.
func emails(primary string, others ...string) []*v2.UserTrait_Email {
	var list []*v2.UserTrait_Email
	seen := map[string]bool{"": true}
	for i, address := range append([]string{primary}, others...) {
		if folded := identity.FoldEmail(address); !seen[folded] {
			seen[folded] = true
			list = append(list, &v2.UserTrait_Email{
				Address:   printable.Clip(strings.TrimSpace(address), MaxID),
				IsPrimary: i == 0,
			})
		}
	}
	return list
}

// accountStatus is enabled for an account without a reason to be disabled.
func accountStatus(disabled string) *v2.Status {
	if disabled == "" {
		return &v2.Status{Status: v2.Status_RESOURCE_STATUS_ENABLED}
	}
	return &v2.Status{Status: v2.Status_RESOURCE_STATUS_DISABLED, Details: disabled}
}

// withUserTrait puts the trait on an account together with what the resource holds
// of it: newer readers look at the resource, older ones only at the trait.
func withUserTrait(r *v2.Resource, trait *v2.UserTrait) *v2.Resource {
	trait.Profile = r.GetProfile()       //nolint:staticcheck // For older readers.
	trait.CreatedAt = r.GetCreatedAt()   //nolint:staticcheck // For older readers.
	trait.Status = &v2.UserTrait_Status{ //nolint:staticcheck // For older readers.
		Status:  v2.UserTrait_Status_Status(r.GetStatus().GetStatus()),
		Details: r.GetStatus().GetDetails(),
	}
	r.Annotations = Annotations(trait)
	return r
}

// checkID refuses an object that could neither be granted nor be told from
// another one.
func checkID(resourceType, id, name string) error {
	switch {
	case id == "":
		return fmt.Errorf("JumpCloud listed a %s without an ID (name %q)", resourceType, printable.Clip(name, 100))
	case printable.Clean(id) != id:
		return fmt.Errorf("JumpCloud listed a %s with the invalid ID %q (name %q)", resourceType, printable.Clip(id, 100), printable.Clip(name, 100))
	case len(id) > MaxID:
		return fmt.Errorf("JumpCloud listed a %s with an ID of %d bytes (name %q)", resourceType, len(id), printable.Clip(name, 100))
	default:
		return nil
	}
}

// userMapping is about accounts, of users and of administrators.
func userMapping() mapping {
	return mapping{
		id: restype.User,
		start: func(s *Source, page *syncer.Page, k kind, has func(string) bool) {
			if has(restype.User) || has(restype.SSHKey) {
				k := k.with(users)
				k.noAccounts, k.keys = !has(restype.User), has(restype.SSHKey)
				page.Lists = append(page.Lists, k.of(syncer.Ref{}))
			}
			s.startAdmins(page, k, has)
		},
		target: readTargetUser,
		lookup: lookUpAccount,
		lists: []listing{
			{id: users, label: "users", open: func(s *Source, k kind, owner syncer.Ref) rows {
				return rowsOf(paging.Lister[jumpcloud.User]{
					Name: users.label(), Limit: usersPerPage, Sorted: true,
					Fetch: s.client.Users,
					ID:    func(u jumpcloud.User) string { return u.ID },
				}, func(_ context.Context, page *syncer.Page, items []jumpcloud.User) error {
					return s.fillUsers(page, k, owner, items)
				})
			}},
			{id: admins, label: "administrators", open: func(s *Source, k kind, owner syncer.Ref) rows {
				return rowsOf(paging.Lister[jumpcloud.Admin]{
					Name: admins.label(), Limit: rowsPerPage, Sorted: true,
					Fetch: s.client.Admins,
					ID:    func(a jumpcloud.Admin) string { return a.ID },
				}, func(ctx context.Context, page *syncer.Page, items []jumpcloud.Admin) error {
					return s.fillAdmins(ctx, page, k, owner, items)
				})
			}},
		},
	}
}

// account maps a user with what the switches have read of it.
func (s *Source) account(u *jumpcloud.User) (*v2.Resource, error) {
	read := *u
	if !s.synced(restype.Device) {
		read.Sudo = jumpcloud.Unset
	}
	return userResource(&read, s.now)
}

// fillUsers makes accounts of users, and their SSH keys. With an owner it is about that SSH
// key only.
func (s *Source) fillUsers(page *syncer.Page, k kind, owner syncer.Ref, items []jumpcloud.User) error {
	for i := range items {
		u := &items[i]
		r, err := s.account(u)
		if err := errors.Join(err, s.belongs(restype.User, u.ID, u.Organization)); err != nil {
			return err
		}
		if k.keys {
			if err := s.fillSSHKeys(page, k, owner, u); err != nil {
				return err
			}
		}
		if k.noAccounts || owner != (syncer.Ref{}) {
			continue
		}
		page.Resources = append(page.Resources, r)
		page.Facts = append(page.Facts, syncer.Fact{Kind: factUserEmail, Key: u.ID, Value: u.Email})
		page.Facts = append(page.Facts, userDoubts(u)...)
		if s.synced(restype.Device) && u.Sudo.IsTrue() {
			page.Facts = append(page.Facts, syncer.Fact{Kind: factOwnSudo, Key: u.ID, Value: UserName(u)})
		}
		if s.options.MergeAdmins && u.Admin != nil && u.Admin.ID != "" {
			page.Facts = append(page.Facts, syncer.Fact{Kind: factUserAdmin, Key: u.ID, Value: u.Admin.ID})
		}
	}
	return nil
}

func readTargetUser(ctx context.Context, s *Source, page *syncer.Page, _ kind, target syncer.Ref) error {
	id := target.ID
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
	r, err := s.account(u)
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

// lookUpAccount reads a user, or the administrator of that id.
func lookUpAccount(ctx context.Context, s *Source, page *syncer.Page, id string) error {
	u, err := s.client.User(ctx, id)
	if jumpcloud.IsAbsent(err) && !s.options.SkipAdmins {
		a, err := s.client.Admin(ctx, id)
		if err != nil {
			return err
		}
		return s.fillAdmins(ctx, page, kind{}, syncer.Ref{}, []jumpcloud.Admin{*a})
	}
	if err != nil {
		return err
	}
	return s.fillUsers(page, kind{}, syncer.Ref{}, []jumpcloud.User{*u})
}
