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
	Lookalikes         = "look-alikes"
	NoManager          = "no-manager"
	EmptyGroups        = "empty-groups"
	Everybody          = "everybody"
	MultiplePaths      = "multiple-paths"
	RoleHolders        = "role-holders"
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
		{Info{DisabledWithAccess, "Disabled accounts with access", "Which suspended, staged, locked or otherwise disabled accounts still hold something?", true}, disabledWithAccess},
		{Info{AdminsWithoutMFA, "Administrators without MFA", "Which administrators have no second factor?", true}, adminsWithoutMFA},
		{Info{AdminsWithoutUser, "Administrators without a user", "Which administrators are nobody who has a user?", true}, adminsWithoutUser},
		{Info{Lookalikes, "Look-alikes", "Which accounts have an e-mail address or login that only looks like another account's, and which groups, applications or roles such a name?", true}, lookalikes},
		{Info{NoManager, "Accounts without a manager", "Which enabled accounts of people have no manager?", true}, noManager},
		{Info{EmptyGroups, "Groups without members", "Which groups have no members?", true}, emptyGroups},
		{Info{Everybody, "Applications everybody has", "Which applications does every enabled account of a person have that is no administrator?", false}, everybodyHas},
		{Info{MultiplePaths, "Access by more than one path", "Which accounts have something in more than one way, so that ending one does not end the access?", true}, multiplePaths},
		{Info{RoleHolders, "Role holders", "Which accounts hold a role?", false}, roleHolders},
		{Info{Changes, "Changes since the sync before", "What was added, removed and changed since the sync before?", false}, nil},
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
	return fmt.Sprintf("unknown report %q; the known ones are %v", e.Name, e.Known)
}

// Make answers the question of a name of [Reports]. Only [Changes] needs the previous
// sync; without one it has no rows, and its note says so. Reports of one sync are made
// once. The errors are [*UnknownError] and those of the context.
func Make(ctx context.Context, s *review.Sync, name string, previous *review.Sync) (*Report, error) {
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
	}
	return review.Cached(s, "report "+name, func() *Report {
		r := &Report{Info: all[i].Info, sync: s}
		all[i].find(s, r)
		return r.finish()
	}), nil
}
