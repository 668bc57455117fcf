package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
)

func (s *Sync) reportMakers() map[string]func(*Report) {
	return map[string]func(*Report){
		ReportDisabledWithAccess: s.reportDisabled,
		ReportAdminsWithoutMFA:   s.reportNoMFA,
		ReportAdminsWithoutUser:  s.reportNoUser,
		ReportLookalikes:         s.reportLookalikes,
		ReportNoManager:          s.reportNoManager,
		ReportEmptyGroups:        s.reportEmptyGroups,
		ReportEverybody:          s.reportEverybody,
		ReportMultiplePaths:      s.reportMultiplePaths,
		ReportRoleHolders:        s.reportRoleHolders,
	}
}

// The columns that several reports have.

func (s *Sync) accountColumn() column {
	return s.resourceColumn("account", "Account", LinkResource, func(it item) Ref { return it.resource })
}

func (s *Sync) resourceColumn(key, title string, link Link, of func(item) Ref) column {
	return column{
		Column: Column{key, title, TextColumn, link},
		cell:   func(it item) any { return s.resources[of(it)].name },
		rank:   func(it item) int64 { return int64(of(it)) },
	}
}

// accountText is a text of the account that a row is about. Rows are sorted by the
// account's rank among all, as there may be many rows for one.
func (s *Sync) accountText(key, title string, text func(*AccountInfo) string) column {
	of := func(r Ref) string {
		if a := s.resources[r].account; a != nil {
			return text(a)
		}
		return ""
	}
	ranks := sync.OnceValue(func() []int32 { return s.textRanks("rank "+key, of) })
	return column{
		Column: Column{key, title, TextColumn, NoLink},
		cell:   func(it item) any { return of(it.resource) },
		rank:   func(it item) int64 { return int64(ranks()[it.resource]) },
	}
}

// textRanks gives each resource the number of its text among all different ones.
func (s *Sync) textRanks(name string, text func(Ref) string) []int32 {
	return cachedValue(&s.cache, name, func() []int32 {
		key := func(i int32) string { return emptyLast(text(Ref(i))) }
		ranks := make([]int32, s.Len())
		rank, last := int32(-1), ""
		for _, i := range arrange(s.Len(), false, key) {
			if k := key(i); rank < 0 || k != last {
				rank, last = rank+1, k
			}
			ranks[i] = rank
		}
		return ranks
	})
}

func (s *Sync) emailColumn() column {
	return s.accountText("email", "E-mail", func(a *AccountInfo) string { return a.Email })
}

func (s *Sync) statusColumn() column { return s.accountText("status", "Status", statusText) }

// statusText is the product's word for a state, else the common one.
func statusText(a *AccountInfo) string { return cmp.Or(a.Details, a.Status.String()) }

func (s *Sync) mfaColumn() column {
	return s.accountText("mfa", "MFA", func(a *AccountInfo) string { return a.MFA.String() })
}

// rolesColumn names the roles of an account.
func (s *Sync) rolesColumn() column {
	return column{Column: Column{"roles", "Roles", TextColumn, NoLink}, cell: func(it item) any {
		var names []string
		for _, g := range s.grantsOf(it.resource) {
			m := &s.resources[s.entitlements[s.entitlementOf(g)].resource]
			if m.kind == Role && (len(names) == 0 || names[len(names)-1] != m.name) {
				names = append(names, m.name)
			}
		}
		return strings.Join(names, ", ")
	}}
}

// accounts lists those that have a row and match.
func (s *Sync) accounts(match func(r Ref, a *AccountInfo) bool) []item {
	var list []item
	for i := range s.resources {
		if m := &s.resources[i]; m.account != nil && !m.missing && match(Ref(i), m.account) {
			list = append(list, item{resource: Ref(i), other: NoRef, ent: NoEnt})
		}
	}
	return list
}

func (s *Sync) reportDisabled(r *Report) {
	var counts []map[Kind]int
	r.items = s.accounts(func(p Ref, a *AccountInfo) bool {
		return (a.Status == Disabled || a.Status == Deleted) && s.holdings[p].All > 0
	})
	for i := range r.items {
		r.items[i].extra = int32(i)
		n := map[Kind]int{}
		for _, g := range s.oncePer(s.grantsOf(r.items[i].resource), s.entitlementOf) {
			n[s.resources[s.entitlements[s.entitlementOf(g)].resource].kind]++
		}
		counts = append(counts, n)
	}
	r.columns = []column{s.accountColumn(), s.emailColumn(), s.statusColumn()}
	for _, c := range []struct {
		key, title string
		kind       Kind
	}{{"groups", "Groups", Group}, {"applications", "Applications", Application}, {"roles", "Roles", Role}, {"other", "Other", Other}} {
		r.columns = append(r.columns, column{Column: Column{c.key, c.title, IntColumn, NoLink}, cell: func(it item) any {
			n := counts[it.extra][c.kind]
			if c.kind == Other {
				n += counts[it.extra][Account]
			}
			return n
		}})
	}
	r.columns = append(r.columns, column{Column: Column{"total", "Total", IntColumn, NoLink}, cell: func(it item) any {
		return s.holdings[it.resource].All
	}})
}

func (s *Sync) reportNoMFA(r *Report) {
	r.items = s.accounts(func(_ Ref, a *AccountInfo) bool { return a.Admin && a.MFA == No })
	unknown := s.accounts(func(_ Ref, a *AccountInfo) bool { return a.Admin && a.MFA == Unknown })
	r.items, r.information = append(r.items, unknown...), len(unknown)
	if n := len(unknown); n > 0 {
		r.Note = fmt.Sprintf("Of %s it is not known whether there is a second factor. They come last and are no findings.",
			plural(n, "administrator", "administrators"))
	}
	r.columns = []column{s.accountColumn(), s.emailColumn(), s.mfaColumn(), s.statusColumn(), s.rolesColumn()}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// reportNoUser finds administrators' accounts of nobody. JumpCloud keeps administrators
// apart from users; only their e-mail addresses tell that two are one person. An
// account that is a user itself, as all are that --merge-admins has joined, has a user
// name in its profile; the accounts of administrators have none.
func (s *Sync) reportNoUser(r *Report) {
	owners := map[string]int{}
	for i := range s.resources {
		m := &s.resources[i]
		if m.account == nil || m.missing {
			continue
		}
		for _, e := range foldedEmails(m.account) {
			owners[e]++
		}
	}
	r.items = s.accounts(func(p Ref, a *AccountInfo) bool {
		if !a.Admin || slices.ContainsFunc(foldedEmails(a), func(e string) bool { return owners[e] > 1 }) {
			return false
		}
		return !slices.ContainsFunc(fields(s.resources[p].profile), func(f Field) bool {
			return f.Key == "username"
		})
	})
	r.Note = "An administrator has a user when another account has the same e-mail address, or when the account is a user itself. " +
		"Addresses that only look the same are those of different accounts."
	r.columns = []column{s.accountColumn(), s.emailColumn(), s.statusColumn(), s.mfaColumn(), s.rolesColumn()}
}

// foldedEmails are an account's addresses, each once.
func foldedEmails(a *AccountInfo) []string {
	var list []string
	for _, e := range a.Emails {
		if f := identity.FoldEmail(e); f != "" && !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
}

func (s *Sync) reportNoManager(r *Report) {
	r.columns = []column{
		s.accountColumn(), s.emailColumn(),
		s.accountText("department", "Department", func(a *AccountInfo) string { return a.Department }),
		s.accountText("title", "Title", func(a *AccountInfo) string { return a.Title }),
		{Column: Column{"admin", "Administrator", BoolColumn, NoLink}, cell: func(it item) any {
			return s.resources[it.resource].account.Admin
		}},
	}
	if len(s.accounts(func(_ Ref, a *AccountInfo) bool { return a.Manager != "" })) == 0 {
		r.Note = "No account of this archive has a manager, so it tells nothing about managers."
		return
	}
	admins := 0
	r.items = s.accounts(func(_ Ref, a *AccountInfo) bool {
		found := a.Status == Enabled && a.Type == "human" && a.Manager == ""
		if found && a.Admin {
			admins++
		}
		return found
	})
	if admins > 0 {
		r.Note = fmt.Sprintf("%s among them. JumpCloud tells no managers of administrators.", plural(admins, "administrator is", "administrators are"))
	}
}

func (s *Sync) reportEmptyGroups(r *Report) {
	for i := range s.resources {
		if m := &s.resources[i]; m.kind == Group && !m.missing && s.members[i].All == 0 {
			r.items = append(r.items, item{resource: Ref(i), other: NoRef, ent: NoEnt})
		}
	}
	r.columns = []column{
		s.resourceColumn("group", "Group", LinkResource, func(it item) Ref { return it.resource }),
		{Column: Column{"id", "ID", TextColumn, NoLink}, cell: func(it item) any { return s.resources[it.resource].id }},
		{Column: Column{"holdings", "Gives access to", IntColumn, NoLink}, cell: func(it item) any { return s.holdings[it.resource].All }},
	}
}
