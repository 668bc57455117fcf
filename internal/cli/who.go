package cli

import (
	"context"
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

func newWho(a *app) *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:   "who ENTITLEMENT",
		Short: "Show who has something, and through what",
		Long: `Show everybody who holds an entitlement according to an archive: directly or through which group,
with every way that leads to it. ENTITLEMENT is its id or its name, or where that is enough the name
of the group, application or role, or that with the slug of the entitlement.`,
		Example: `  baton-jumpcloud who Salesforce
  baton-jumpcloud who "Engineering member" --status disabled
  baton-jumpcloud who app:64b0000000000000000000c1 --direct -o csv
  baton-jumpcloud who "Help Desk" --mfa no`,
		Args: exactly("ENTITLEMENT"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return untilStopped(cmd.Context(), o.run(a, cmd, func(ctx context.Context, s *shownSync, o *viewOptions, q search.Query, paged bool) (sheet.Table, error) {
				return whoTable(ctx, s, o, q, paged, args[0])
			}))
		},
	}
	o.addFlags(cmd.Flags())
	o.addResourceFilters(cmd.Flags())
	for _, name := range []string{"holds", "empty", "parent"} {
		_ = cmd.Flags().MarkHidden(name) // They say little of holders.
	}
	o.addWayFilters(cmd)
	addViewCompletions(cmd, resourceCompletions())
	return cmd
}

func whoTable(ctx context.Context, s *shownSync, o *viewOptions, q search.Query, paged bool, what string) (sheet.Table, error) {
	ref, err := s.FindEntitlement(what)
	if err != nil {
		return sheet.Table{}, naming("entitlement", err)
	}
	e := s.EntitlementAt(ref)
	count := func(n int) string { return humanize.Comma(int64(n)) }
	t := sheet.Table{
		Key: "who", Title: "Who has " + e.Name, None: "Nobody.",
		Lead: []string{fmt.Sprintf("%s on %s %s, held by %s: %s directly, %s through something else",
			e.ID, s.kindWord(e.Resource), e.Resource.Name, count(e.Holders.All), count(e.Holders.Direct), count(e.Holders.Inherited()))},
		Columns: append(resourceColumns(true), heldColumns()...),
	}
	for i, c := range t.Columns {
		// Beside the way, these would make lines long.
		if c.Key == "id" || c.Key == "mfa" || c.Key == "department" {
			t.Columns[i].Detail = true
		}
	}
	fetch := func(q search.Query) (search.Page[review.Holder], error) { return s.Who(ref, q) }
	return t, list(ctx, o, &t, q, paged, fetch, func(h review.Holder) []any {
		return append(resourceCells(s, h.Principal), heldCells(s, h.Held)...)
	})
}
