package findings

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// inactiveDays is after how many days without a sign-in an account is inactive: as long as
// JumpCloud keeps the events that tell of sign-ins.
const inactiveDays = 90

// noSignInSince is the entry of a profile that says since when an account did not sign in, as
// far as anybody knows. An account with neither it nor a last login is one of which nobody
// knows.
const noSignInSince = "no_sign_in_since"

// unused lists the enabled accounts with access that did not sign in since a time, and those
// of which it is not known after them. What a report cannot know, its note says.
func unused(s *review.Sync, r *Report, match func(a *review.AccountInfo, since string) bool) {
	since := make(map[review.Ref]string)
	var unknown []item
	known := false
	for _, it := range accounts(s, func(p review.Ref, a *review.AccountInfo) bool {
		return a.Status == review.Enabled && s.Holdings(p).All > 0
	}) {
		a, none := s.AccountOf(it.resource), profileOf(s, it.resource, noSignInSince)
		switch {
		case a.LastLogin.IsZero() && none == "":
			unknown = append(unknown, it)
			continue
		case match(a, none):
			since[it.resource] = none
			r.items = append(r.items, it)
		}
		known = true
	}
	switch {
	case !known:
		r.Note = "Last logins are not known in this archive; --sync-last-login has them read, where the organization has Directory Insights."
	case len(unknown) > 0:
		r.items, r.information = append(r.items, unknown...), len(unknown)
		r.Note = fmt.Sprintf("Last login is unknown for %s. They are listed last and are not findings.", english.Plural(len(unknown), "account", ""))
	}
	r.columns = []column{
		accountColumn(s), emailColumn(s),
		accountText(s, "last_login", "Last login (UTC)", func(a *review.AccountInfo) string {
			if a.LastLogin.IsZero() {
				return ""
			}
			return a.LastLogin.UTC().Format(time.RFC3339)
		}),
		{Column: Column{noSignInSince, "No sign-in since (UTC)", TextColumn, NoLink}, cell: func(it item) any { return since[it.resource] }},
		{Column: Column{"admin", "Administrator", BoolColumn, NoLink}, cell: func(it item) any { return s.AccountOf(it.resource).Admin }},
		accountText(s, "department", "Department", func(a *review.AccountInfo) string { return a.Department }),
		{Column: Column{"holdings", "Entitlements", IntColumn, NoLink}, cell: func(it item) any { return s.Holdings(it.resource).All }},
	}
}

func neverSignedIn(s *review.Sync, r *Report) {
	unused(s, r, func(a *review.AccountInfo, since string) bool { return a.LastLogin.IsZero() && since != "" })
}

func inactiveAccounts(s *review.Sync, r *Report) {
	oldest := s.Run.StartedAt.AddDate(0, 0, -inactiveDays)
	unused(s, r, func(a *review.AccountInfo, _ string) bool { return a.LastLogin.Before(oldest) })
}
