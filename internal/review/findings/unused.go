package findings

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// useSlack is how much less than the days asked for may be known of the use of access: the
// first sweep ends a minute short of what JumpCloud keeps, and days are not to the hour.
const useSlack = 24 * time.Hour

func unusedQuestion(days int) string {
	return fmt.Sprintf("Access of enabled accounts to applications that they did not use for %s", english.Plural(days, "day", ""))
}

// unusedAccess lists the access of enabled accounts to applications that they did not use for a
// number of days, and after it that of which nobody knows, at least not for so long.
func unusedAccess(s *review.Sync, r *Report, days int) {
	oldest := s.Run.StartedAt.AddDate(0, 0, -days)
	var unknown []item
	if s.KnowsUse() {
		r.items = grantItems(s,
			func(e review.EntRef) bool { return s.TellsUse(s.ResourceOf(e)) },
			func(p review.Ref, e review.EntRef, g int32) bool {
				if s.AccountOf(p).Status != review.Enabled {
					return false
				}
				use := s.UseOf(g)
				if !use.Last.IsZero() {
					return use.Last.Before(oldest)
				}
				if use.NoneSince.IsZero() || use.NoneSince.After(oldest.Add(useSlack)) {
					unknown = append(unknown, item{resource: p, other: s.ResourceOf(e), ent: e, extra: g})
					return false
				}
				return true
			},
		)
	}
	switch {
	case !s.KnowsUse():
		r.Note = "The use of applications is not known in this archive; --sync-last-login has it read, where the organization has Directory Insights."
	case len(unknown) > 0:
		r.items, r.information = append(r.items, unknown...), len(unknown)
		r.Note = fmt.Sprintf("Use in the last %s is not known of %s. They are listed last and are not findings.",
			english.Plural(days, "day", ""), english.Plural(len(unknown), "row", ""))
	}
	at := func(key, title string, of func(review.Use) time.Time) column {
		return column{Column: Column{key, title, TextColumn, NoLink}, cell: func(it item) any {
			if t := of(s.UseOf(it.extra)); !t.IsZero() {
				return t.Format(time.RFC3339)
			}
			return ""
		}}
	}
	r.columns = append([]column{accountColumn(s), emailColumn(s)}, entitlementColumns(s, "application", "Application")...)
	r.columns = append(r.columns,
		at("last_used", "Last used (UTC)", func(u review.Use) time.Time { return u.Last }),
		at("not_used_since", "Not used since (UTC)", func(u review.Use) time.Time { return u.NoneSince }),
		column{Column: Column{"direct", "Directly", BoolColumn, NoLink}, cell: func(it item) any { return s.IsDirect(it.extra) }},
		accountText(s, "department", "Department", func(a *review.AccountInfo) string { return a.Department }),
	)
}
