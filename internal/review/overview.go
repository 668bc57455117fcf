package review

import (
	"cmp"
	"slices"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// Overview is a sync at a glance.
type Overview struct {
	Types []Type
	// Counts has each kind, the kinds without resources too.
	Counts map[Kind]int
	// Statuses counts accounts by state and by the product's word for it.
	Statuses []StatusCount
	// MFA, Departments and AccountTypes count accounts, the most frequent values
	// first; the empty value is that of accounts that have none.
	MFA, Departments, AccountTypes []Facet
	// Admins counts accounts of administrators.
	Admins int
	// LargestGroups are the groups, applications and roles with the most members,
	// ten at most of each.
	LargestGroups, LargestApplications, LargestRoles []ResourceRow
	Entitlements                                     int
	Grants                                           Count
	// Duration is how long the sync took, 0 when it did not finish.
	Duration time.Duration
}

// StatusCount counts accounts in one state.
type StatusCount struct {
	Status  Status
	Details string
	Count   int
}

// topRows is how many of the largest things an overview has.
const topRows = 10

// Overview counts. The result is shared and must not be changed.
func (s *Sync) Overview() *Overview {
	return search.Cached(&s.cache, "overview", s.overview)
}

func (s *Sync) overview() *Overview {
	o := &Overview{Types: s.Types(), Counts: map[Kind]int{}}
	for _, k := range s.Shown() {
		o.Counts[k] = 0
	}
	type state struct {
		status  Status
		details string
	}
	states := map[state]int{}
	for i := range s.resources {
		m := &s.resources[i]
		if m.missing {
			continue
		}
		o.Counts[m.kind]++
		if a := m.account; a != nil {
			states[state{a.Status, a.Details}]++
			if a.Admin {
				o.Admins++
			}
		}
	}
	for st, n := range states {
		o.Statuses = append(o.Statuses, StatusCount{st.status, st.details, n})
	}
	slices.SortFunc(o.Statuses, func(a, b StatusCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Details, b.Details))
	})
	facet := func(key string) []Facet {
		f, err := s.Facets(key)
		if err != nil {
			panic(err) // The keys are those of Facets.
		}
		return f
	}
	o.MFA, o.Departments, o.AccountTypes = facet("mfa"), facet("department"), facet("account_type")
	largest := func(k Kind) []ResourceRow {
		page, err := s.Resources(k, search.Query{Sort: "members", Desc: true, Limit: topRows})
		if err != nil {
			panic(err) // The keys are those of Resources.
		}
		return page.Rows
	}
	o.LargestGroups, o.LargestApplications, o.LargestRoles = largest(Group), largest(Application), largest(Role)
	for i := range s.entitlements {
		if !s.entitlements[i].missing {
			o.Entitlements++
		}
	}
	o.Grants.All = len(s.principal)
	for _, f := range s.flags {
		if f&flagDirect != 0 {
			o.Grants.Direct++
		}
	}
	if s.Run.Finished() {
		o.Duration = s.Run.EndedAt.Sub(s.Run.StartedAt)
	}
	return o
}
