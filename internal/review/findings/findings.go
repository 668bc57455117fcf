// Package findings answers what reviewers of access ask first of a loaded sync: the
// reports, of which some have findings, things to look into.
//
// To add a report, add a name and a row to the table in this file, and the function that
// finds its rows; docs/ADDING.md has the steps.
package findings

import (
	"context"
	"fmt"
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// The names of the reports.
const (
	DisabledWithAccess = "disabled-with-access"
	AdminsWithoutMFA   = "admins-without-mfa"
	AdminsWithoutUser  = "admins-without-user"
	ServiceAdmins      = "service-admins"
	Outliers           = "outliers"
	Lookalikes         = "look-alikes"
	NoManager          = "no-manager"
	NeverSignedIn      = "never-signed-in"
	InactiveAccounts   = "inactive-accounts"
	UnusedAccess       = "unused-access"
	EmptyGroups        = "empty-groups"
	Everybody          = "everybody"
	MultiplePaths      = "multiple-paths"
	RoleHolders        = "role-holders"
	LocalAdmins        = "local-admins"
	UnencryptedDevices = "unencrypted-devices"
	UnownedDevices     = "unowned-devices"
	ExpiringKeys       = "expiring-keys"
	Changes            = "changes"
)

// Info says what a report is.
type Info struct {
	// Name is what it is asked for by, Title what people see, and Question what it
	// answers, in a sentence.
	Name, Title, Question string
	// Finding says that its rows are things to look into. Those of other reports are
	// for information.
	Finding bool
}

// reports are all of them, in the order in which they are shown, each with what finds its
// rows and columns. That of changes needs a second sync and is made by itself.
func reports() []report {
	return []report{
		{Info{DisabledWithAccess, "Disabled accounts with access", "Suspended, staged, locked or otherwise disabled accounts that still have access", true}, disabledWithAccess},
		{Info{AdminsWithoutMFA, "Administrators without MFA", "Administrators without multi-factor authentication", true}, adminsWithoutMFA},
		{Info{AdminsWithoutUser, "Administrators without a user", "Administrators with no matching user account", true}, adminsWithoutUser},
		{Info{ServiceAdmins, "Service accounts with a role", "Service and system accounts that are administrators", true}, serviceAdmins},
		{Info{Outliers, "Access that peers do not have", "Access that under 10% of at least 5 peers (same department and title) have", true}, outliers},
		{Info{Lookalikes, "Look-alikes", "Accounts whose email address or login looks like another account's; groups, applications and roles with look-alike names", true}, lookalikes},
		{Info{NoManager, "Accounts without a manager", "Enabled human accounts without a manager", true}, noManager},
		{Info{NeverSignedIn, "Accounts that never signed in", "Enabled accounts with access and no sign-in that JumpCloud still knows of", true}, neverSignedIn},
		{Info{InactiveAccounts, "Inactive accounts", "Enabled accounts with access that did not sign in for 90 days", true}, inactiveAccounts},
		{Info{UnusedAccess, "Unused access to applications", unusedQuestion(DefaultDays), true}, nil},
		{Info{EmptyGroups, "Groups without members", "Groups with no members", true}, emptyGroups},
		{Info{Everybody, "Applications everybody has", "Applications granted to every enabled non-admin user", false}, everybodyHas},
		{Info{MultiplePaths, "Access by more than one path", "Access held by more than one path, so that revoking one does not end it", true}, multiplePaths},
		{Info{LocalAdmins, "Local administrators of devices", "Accounts that administer a device, by sudo of a binding or by their own setting", true}, localAdmins},
		{Info{UnencryptedDevices, "Unencrypted devices of administrators", "Devices without disk encryption that administrators of the organization can sign in to", true}, unencryptedDevices},
		{Info{UnownedDevices, "Devices without an owner", "Devices that belong to no user of the archive", true}, unownedDevices},
		{Info{ExpiringKeys, "Keys that expire soon or never", "API keys and credentials that expire within 30 days, have expired, or never expire", true}, expiringKeys},
		{Info{RoleHolders, "Role holders", "Accounts that hold a role", false}, roleHolders},
		{Info{Changes, "Changes since the previous sync", "Additions, removals and changes since the previous sync", false}, nil},
	}
}

type report struct {
	Info
	find func(*review.Sync, *Report)
}

// Reports lists the reports in the order in which they are shown.
func Reports() []Info {
	var list []Info
	for _, r := range reports() {
		list = append(list, r.Info)
	}
	return list
}

// UnknownError says that there is no report of a name.
type UnknownError struct {
	Name  string
	Known []string
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("unknown report %q; valid reports: %v", e.Name, e.Known)
}

// Make answers the question of a name of [Reports]. Only [Changes] needs the previous
// sync; without one it has no rows, and its note says so. Reports of one sync are made
// once. The errors are [*UnknownError] and those of the context.
func Make(ctx context.Context, s *review.Sync, name string, previous *review.Sync) (*Report, error) {
	return MakeFor(ctx, s, name, previous, DefaultDays)
}

// DefaultDays is after how many days without use access is unused: as long as JumpCloud keeps
// the events that tell of it.
const DefaultDays = 90

// MakeFor is [Make] with the number of days that [UnusedAccess] is about.
func MakeFor(ctx context.Context, s *review.Sync, name string, previous *review.Sync, days int) (*Report, error) {
	all := reports()
	i := slices.IndexFunc(all, func(r report) bool { return r.Name == name })
	switch {
	case i < 0:
		var known []string
		for _, r := range all {
			known = append(known, r.Name)
		}
		slices.Sort(known)
		return nil, &UnknownError{name, known}
	case name == Changes:
		return changes(ctx, s, all[i].Info, previous)
	case name == UnusedAccess:
		return review.Cached(s, fmt.Sprint("report ", name, " ", days), func() *Report {
			r := &Report{Info: all[i].Info, sync: s}
			r.Question = unusedQuestion(days)
			unusedAccess(s, r, days)
			return r.finish()
		}), nil
	}
	return review.Cached(s, "report "+name, func() *Report {
		r := &Report{Info: all[i].Info, sync: s}
		all[i].find(s, r)
		return r.finish()
	}), nil
}
