package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

func newAccess(a *app) *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:   "access USER",
		Short: "Show everything that somebody has, and through what",
		Long: `Show everything that an account, or a group, holds according to an archive: directly or through
which group, with every way that leads to it. USER is a name, an e-mail address, a login, an id or
TYPE:ID.`,
		Example: `  baton-jumpcloud access ana@example.com
  baton-jumpcloud access "Ana Ruiz" --kind application --inherited
  baton-jumpcloud access ana -f okta.c1z -o json
  baton-jumpcloud access ana --save ana.xlsx`,
		Args: exactly("USER"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return untilStopped(cmd.Context(), o.run(a, cmd, func(ctx context.Context, s *shownSync, o *viewOptions, q search.Query, paged bool) (sheet.Table, error) {
				return accessTable(ctx, s, o, q, paged, args[0])
			}))
		},
	}
	o.addFlags(cmd.Flags())
	o.addEntitlementFilters(cmd.Flags())
	_ = cmd.Flags().MarkHidden("empty") // What somebody holds is not empty.
	o.addWayFilters(cmd)
	addViewCompletions(cmd, map[string][]string{"kind": kindWords(), "purpose": purposes()})
	return cmd
}

// exactly wants the arguments that the names stand for.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(names) {
			return hintedError{
				errors.New("want " + strings.Join(names, " ")),
				"a name with spaces goes between quotes; run " + cmd.CommandPath() + " --help for examples",
			}
		}
		return nil
	}
}

func accessTable(ctx context.Context, s *shownSync, o *viewOptions, q search.Query, paged bool, who string) (sheet.Table, error) {
	p, err := findPrincipal(s, who)
	if err != nil {
		return sheet.Table{}, err
	}
	r := s.Resource(p)
	t := sheet.Table{
		Key: "access", Title: "Access of " + r.Name, Lead: personLead(s, r), None: "Nothing.",
		Columns: slices.Concat(entitlementColumns(), []sheet.Column{
			{Key: "id", Title: "Entitlement id", Detail: true},
			{Key: "purpose", Title: "Purpose", Detail: true},
		}, heldColumns()),
	}
	if err := nameFilters(s, q); err != nil {
		return t, err
	}
	fetch := func(q search.Query) (search.Page[review.Holding], error) { return s.Access(p, q) }
	return t, list(ctx, o, &t, q, paged, fetch, func(h review.Holding) []any {
		return slices.Concat(entitlementCells(s, h.Entitlement), []any{h.Entitlement.ID, h.Entitlement.Purpose}, heldCells(s, h.Held))
	})
}

// heldColumns are how something is held, and heldCells what stands in them.
func heldColumns() []sheet.Column {
	return []sheet.Column{
		{Key: "how", Title: "How", Kind: sheet.List, Width: 80},
		{Key: "direct", Title: "Direct", Kind: sheet.Bool, Detail: true},
		{Key: "paths", Title: "Paths", Kind: sheet.Lists, Detail: true},
		{Key: "immutable", Title: "Immutable", Kind: sheet.Bool, Detail: true},
		{Key: "grant_id", Title: "Grant id", Detail: true},
	}
}

func heldCells(s *shownSync, h review.Held) []any {
	return []any{s.waysOf(h.Paths, h.MorePaths), h.Direct, s.idsOf(h.Paths), h.Immutable, h.GrantID}
}

// findPrincipal finds who is meant: an account, or whatever else there is of that
// name.
func findPrincipal(s *shownSync, who string) (review.Ref, error) {
	p, err := s.FindResource(who, review.Account)
	if _, none := asError[*review.NotFoundError](err); none {
		// An application or a group may hold something too. What is near is told of
		// accounts, which most questions are about.
		if other, otherErr := s.FindResource(who); otherErr == nil {
			return other, nil
		}
	}
	return p, naming("account", err)
}

// personLead describes an account in a line or two.
func personLead(s *shownSync, r review.Resource) []string {
	lead := []string{s.kindWord(r.Brief) + " " + r.Type + ":" + r.ID}
	a := r.Account
	if a == nil {
		return lead
	}
	state := a.Status.String()
	if a.Details != "" {
		state += " (" + a.Details + ")"
	}
	facts := []string{state}
	for _, fact := range []struct{ label, value string }{
		{"", a.Email}, {"login ", a.Login}, {"", a.Title}, {"department ", a.Department}, {"manager ", a.Manager},
	} {
		if fact.value != "" && fact.label+fact.value != "login "+a.Email {
			facts = append(facts, fact.label+fact.value)
		}
	}
	if a.MFA != review.Unknown {
		facts = append(facts, "MFA "+a.MFA.String())
	}
	if a.Admin {
		facts = append(facts, "administrator")
	}
	return append(lead, strings.Join(facts, ", "))
}
