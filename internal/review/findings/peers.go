package findings

import (
	"fmt"

	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// What makes access unusual among peers.
const (
	fewestPeers = 5
	rareShare   = 10 // percent of the peers
)

// outliers finds access that hardly anybody of the same department and title has.
func outliers(s *review.Sync, r *Report) {
	peers := s.Peers()
	var counts []int // of the peers that have it, by item
	for e := range review.EntRef(s.EntitlementCount()) {
		holders := peers.Holders(s, e)
		if len(holders) == 0 {
			continue
		}
		s.EachHolder(e, func(p review.Ref, _ int32) {
			all := peers.Of(p)
			if all < fewestPeers {
				return
			}
			if have := holders[peers.Group(p)] - 1; have*100 < all*rareShare {
				r.items = append(r.items, item{resource: p, other: s.ResourceOf(e), ent: e, extra: int32(len(counts))})
				counts = append(counts, have)
			}
		})
	}
	r.Note = fmt.Sprintf("Peers are enabled accounts of the same department and title. Accounts with fewer than %d peers are left out.", fewestPeers)
	number := func(key, title string, value func(it item) int) column {
		return column{Column: Column{key, title, IntColumn, NoLink}, cell: func(it item) any { return value(it) }}
	}
	r.columns = append([]column{accountColumn(s), emailColumn(s)}, entitlementColumns(s, "resource", "Has")...)
	r.columns = append(r.columns,
		accountText(s, "department", "Department", func(a *review.AccountInfo) string { return a.Department }),
		accountText(s, "title", "Title", func(a *review.AccountInfo) string { return a.Title }),
		number("peers_with", "Peers who have it", func(it item) int { return counts[it.extra] }),
		number("peers", "Peers", func(it item) int { return peers.Of(it.resource) }),
	)
}

// serviceAdmins finds accounts that no person signs in to and that administer.
func serviceAdmins(s *review.Sync, r *Report) {
	r.items = accounts(s, func(_ review.Ref, a *review.AccountInfo) bool {
		return a.Admin && (a.Type == "service" || a.Type == "system")
	})
	r.columns = []column{
		accountColumn(s), emailColumn(s),
		accountText(s, "account_type", "Account type", func(a *review.AccountInfo) string { return a.Type }),
		statusColumn(s), mfaColumn(s), rolesColumn(s),
	}
}
