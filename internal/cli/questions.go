package cli

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/cli/view"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
)

func newAccess(a *program.App) *cobra.Command {
	var o view.Options
	cmd := &cobra.Command{
		Use:   "access USER",
		Short: "Show everything an account or group has, and via what",
		Long: `Show everything an account or group has according to an archive, direct or inherited
(via which group), with every path. USER is a name, an email address, a login, an ID or
TYPE:ID.`,
		Example: `  baton-jumpcloud access ana@example.com
  baton-jumpcloud access "Ana Ruiz" --kind application --inherited
  baton-jumpcloud access ana -f okta.c1z -o json
  baton-jumpcloud access ana --save ana.xlsx`,
		Args: program.Exactly("USER"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return program.UntilStopped(cmd.Context(), runList(&o, a, cmd, func(s *archives.Shown, q search.Query) (tables.List, error) {
				return accessList(s, q, args[0])
			}))
		},
	}
	o.AddFlags(cmd.Flags())
	view.AddEntitlementFilters(&o, cmd)
	_ = cmd.Flags().MarkHidden("empty") // What somebody holds is not empty.
	o.AddWayFilters(cmd)
	return cmd
}

func accessList(s *archives.Shown, q search.Query, who string) (tables.List, error) {
	p, err := archives.FindPrincipal(s, who)
	if err != nil {
		return tables.List{}, err
	}
	r := s.Resource(p)
	l := tables.Access(s.Sync, p)
	l.Title, l.Lead = "Access of "+r.Name, personLead(s, r)
	return l, archives.NameFilters(s, q)
}

// personLead describes an account in a line or two.
func personLead(s *archives.Shown, r review.Resource) []string {
	lead := []string{s.KindWord(r.Brief) + " " + r.Type + ":" + r.ID}
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

func newWho(a *program.App) *cobra.Command {
	var o view.Options
	cmd := &cobra.Command{
		Use:   "who ENTITLEMENT",
		Short: "Show who has an entitlement, and via what",
		Long: `Show everyone who has an entitlement according to an archive, direct or inherited (via which group),
with every path. ENTITLEMENT is its ID or name, or if that is unambiguous the name
of the group, application or role, alone or followed by the slug of the entitlement.`,
		Example: `  baton-jumpcloud who Salesforce
  baton-jumpcloud who "Engineering member" --status disabled
  baton-jumpcloud who app:64b0000000000000000000c1 --direct -o csv
  baton-jumpcloud who "Help Desk" --mfa no`,
		Args: program.Exactly("ENTITLEMENT"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return program.UntilStopped(cmd.Context(), runList(&o, a, cmd, func(s *archives.Shown, q search.Query) (tables.List, error) {
				return whoList(s, q, args[0])
			}))
		},
	}
	o.AddFlags(cmd.Flags())
	view.AddResourceFilters(&o, cmd)
	for _, name := range []string{"holds", "empty", "parent"} {
		_ = cmd.Flags().MarkHidden(name) // They say little of holders.
	}
	o.AddWayFilters(cmd)
	return cmd
}

func whoList(s *archives.Shown, _ search.Query, what string) (tables.List, error) {
	ref, err := s.FindEntitlement(what)
	if err != nil {
		return tables.List{}, archives.Naming("entitlement", err)
	}
	e := s.EntitlementAt(ref)
	count := func(n int) string { return humanize.Comma(int64(n)) }
	l := tables.Holders(s.Sync, ref)
	l.ID, l.Title = "who", "Who has "+e.Name
	l.Lead = []string{fmt.Sprintf("%s on %s %s, held by %s: %s direct, %s inherited",
		e.ID, s.KindWord(e.Resource), e.Resource.Name, count(e.Holders.All), count(e.Holders.Direct), count(e.Holders.Inherited()))}
	return l, nil
}
