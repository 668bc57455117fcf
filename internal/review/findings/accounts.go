package findings

import (
	"fmt"
	"slices"

	"github.com/dustin/go-humanize/english"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// accounts lists those that have a row and match.
func accounts(s *review.Sync, match func(r review.Ref, a *review.AccountInfo) bool) []item {
	var list []item
	for r := range review.Ref(s.Len()) {
		if a := s.AccountOf(r); a != nil && !s.IsMissing(r) && match(r, a) {
			list = append(list, item{resource: r, other: review.NoRef, ent: review.NoEnt})
		}
	}
	return list
}

func disabledWithAccess(s *review.Sync, r *Report) {
	var counts []map[review.Kind]int
	r.items = accounts(s, func(p review.Ref, a *review.AccountInfo) bool {
		return (a.Status == review.Disabled || a.Status == review.Deleted) && s.Holdings(p).All > 0
	})
	for i := range r.items {
		r.items[i].extra = int32(i)
		n := map[review.Kind]int{}
		for _, g := range s.GrantsOf(r.items[i].resource) {
			n[s.KindOf(s.ResourceOf(s.EntitlementOf(g)))]++
		}
		counts = append(counts, n)
	}
	r.columns = []column{accountColumn(s), emailColumn(s), statusColumn(s)}
	for _, kind := range s.Shown() {
		if !kind.IsHeld() {
			continue // Those of accounts are counted with the others.
		}
		key, title := kind.Type().Plural, kind.Type().Title()
		if kind == review.Other {
			key, title = "other", "Other"
		}
		r.columns = append(r.columns, column{Column: Column{key, title, IntColumn, NoLink}, cell: func(it item) any {
			n := counts[it.extra][kind]
			if kind == review.Other {
				for _, account := range review.AccountKinds() {
					n += counts[it.extra][account]
				}
			}
			return n
		}})
	}
	r.columns = append(r.columns, column{Column: Column{"total", "Total", IntColumn, NoLink}, cell: func(it item) any {
		return s.Holdings(it.resource).All
	}})
}

func adminsWithoutMFA(s *review.Sync, r *Report) {
	// Service accounts of the organization have no second factor.
	person := func(p review.Ref, a *review.AccountInfo) bool { return a.Admin && s.KindOf(p) == review.Account }
	r.items = accounts(s, func(p review.Ref, a *review.AccountInfo) bool { return person(p, a) && a.MFA == review.No })
	unknown := accounts(s, func(p review.Ref, a *review.AccountInfo) bool { return person(p, a) && a.MFA == review.Unknown })
	r.items, r.information = append(r.items, unknown...), len(unknown)
	if n := len(unknown); n > 0 {
		r.Note = fmt.Sprintf("MFA is unknown for %s. They are listed last and are not findings.",
			english.Plural(n, "administrator", ""))
	}
	r.columns = []column{accountColumn(s), emailColumn(s), mfaColumn(s), statusColumn(s), rolesColumn(s)}
}

// adminsWithoutUser finds administrators' accounts of nobody. JumpCloud keeps administrators
// apart from users; only their email addresses tell that two are one person. An
// account that is a user itself, as all are that --merge-admins has joined, has a user
// name in its profile; the accounts of administrators have none.
func adminsWithoutUser(s *review.Sync, r *Report) {
	owners := map[string]int{}
	for _, it := range accounts(s, func(review.Ref, *review.AccountInfo) bool { return true }) {
		for _, e := range foldedEmails(s.AccountOf(it.resource)) {
			owners[e]++
		}
	}
	r.items = accounts(s, func(p review.Ref, a *review.AccountInfo) bool {
		if !a.Admin || s.KindOf(p) != review.Account || slices.ContainsFunc(foldedEmails(a), func(e string) bool { return owners[e] > 1 }) {
			return false
		}
		return !slices.ContainsFunc(s.Resource(p).Profile, func(f review.Field) bool {
			return f.Key == "username"
		})
	})
	r.Note = "An administrator has a user if another account has the same email address, or if the account is a user itself. " +
		"Look-alike addresses do not count as the same."
	r.columns = []column{accountColumn(s), emailColumn(s), statusColumn(s), mfaColumn(s), rolesColumn(s)}
}

// foldedEmails are an account's addresses, each once.
func foldedEmails(a *review.AccountInfo) []string {
	var list []string
	for _, e := range a.Emails {
		if f := identity.FoldEmail(e); f != "" && !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
}

func noManager(s *review.Sync, r *Report) {
	r.columns = []column{
		accountColumn(s), emailColumn(s),
		accountText(s, "department", "Department", func(a *review.AccountInfo) string { return a.Department }),
		accountText(s, "title", "Title", func(a *review.AccountInfo) string { return a.Title }),
		{Column: Column{"admin", "Administrator", BoolColumn, NoLink}, cell: func(it item) any {
			return s.AccountOf(it.resource).Admin
		}},
	}
	if len(accounts(s, func(_ review.Ref, a *review.AccountInfo) bool { return a.Manager != "" })) == 0 {
		r.Note = "No account in this archive has a manager; the source may not provide managers."
		return
	}
	admins := 0
	r.items = accounts(s, func(_ review.Ref, a *review.AccountInfo) bool {
		found := a.Status == review.Enabled && a.Type == "human" && a.Manager == ""
		if found && a.Admin {
			admins++
		}
		return found
	})
	if admins > 0 {
		r.Note = fmt.Sprintf("Includes %s; JumpCloud has no managers for administrators.", english.Plural(admins, "administrator", ""))
	}
}

func emptyGroups(s *review.Sync, r *Report) {
	for g := range review.Ref(s.Len()) {
		if s.KindOf(g) == review.Group && !s.IsMissing(g) && s.Members(g).All == 0 {
			r.items = append(r.items, item{resource: g, other: review.NoRef, ent: review.NoEnt})
		}
	}
	r.columns = []column{
		resourceColumn(s, "group", "Group", LinkResource, func(it item) review.Ref { return it.resource }),
		{Column: Column{"id", "ID", TextColumn, NoLink}, cell: func(it item) any { return s.Brief(it.resource).ID }},
		{Column: Column{"holdings", "Gives access to", IntColumn, NoLink}, cell: func(it item) any { return s.Holdings(it.resource).All }},
	}
}
