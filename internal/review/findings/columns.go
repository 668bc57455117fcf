package findings

import (
	"cmp"
	"strings"
	"sync"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// accountColumn and those below are columns that several reports have.
func accountColumn(s *review.Sync) column {
	return resourceColumn(s, "account", "Account", LinkResource, func(it item) review.Ref { return it.resource })
}

func resourceColumn(s *review.Sync, key, title string, link Link, of func(item) review.Ref) column {
	return column{
		Column: Column{key, title, TextColumn, link},
		cell:   func(it item) any { return s.NameOf(of(it)) },
		rank:   func(it item) int64 { return int64(of(it)) },
	}
}

// accountText is a text of the account that a row is about. Rows are sorted by the
// account's rank among all, as there may be many rows for one.
func accountText(s *review.Sync, key, title string, text func(*review.AccountInfo) string) column {
	of := func(r review.Ref) string {
		if a := s.AccountOf(r); a != nil {
			return text(a)
		}
		return ""
	}
	ranks := sync.OnceValue(func() []int32 { return textRanks(s, "rank "+key, of) })
	return column{
		Column: Column{key, title, TextColumn, NoLink},
		cell:   func(it item) any { return of(it.resource) },
		rank:   func(it item) int64 { return int64(ranks()[it.resource]) },
	}
}

// textRanks gives each resource the number of its text among all different ones.
func textRanks(s *review.Sync, name string, text func(review.Ref) string) []int32 {
	return review.Cached(s, name, func() []int32 {
		key := func(i int32) string { return search.EmptyLast(text(review.Ref(i))) }
		ranks := make([]int32, s.Len())
		rank, last := int32(-1), ""
		for _, i := range search.Arrange(s.Len(), false, key) {
			if k := key(i); rank < 0 || k != last {
				rank, last = rank+1, k
			}
			ranks[i] = rank
		}
		return ranks
	})
}

func emailColumn(s *review.Sync) column {
	return accountText(s, "email", "Email", func(a *review.AccountInfo) string { return a.Email })
}

func statusColumn(s *review.Sync) column { return accountText(s, "status", "Status", statusText) }

// statusText is the product's word for a state, else the common one.
func statusText(a *review.AccountInfo) string { return cmp.Or(a.Details, a.Status.String()) }

func mfaColumn(s *review.Sync) column {
	return accountText(s, "mfa", "MFA", func(a *review.AccountInfo) string { return a.MFA.String() })
}

// rolesColumn names the roles of an account.
func rolesColumn(s *review.Sync) column {
	return column{Column: Column{"roles", "Roles", TextColumn, NoLink}, cell: func(it item) any {
		var names []string
		for _, g := range s.GrantsOf(it.resource) {
			role := s.ResourceOf(s.EntitlementOf(g))
			if name := s.NameOf(role); s.KindOf(role) == review.Role && (len(names) == 0 || names[len(names)-1] != name) {
				names = append(names, name)
			}
		}
		return strings.Join(names, ", ")
	}}
}

// entitlementColumns are a resource and its entitlement. The entitlement is named by
// its slug where it has one, as its name repeats that of the resource.
func entitlementColumns(s *review.Sync, key, title string) []column {
	return []column{
		resourceColumn(s, key, title, LinkOther, func(it item) review.Ref { return it.other }),
		{
			Column: Column{"entitlement", "Entitlement", TextColumn, LinkEntitlement},
			cell:   func(it item) any { return s.SlugOrName(it.ent) },
		},
	}
}
