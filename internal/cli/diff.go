package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// diffOptions are the flags of the diff command.
type diffOptions struct {
	viewOptions
	from, to string
	what     string
	check    bool
}

const diffLong = `Show what changed between two syncs: accounts, groups, applications, roles and entitlements that were
added, removed or changed, and memberships, assignments and roles that were given or taken away or are
held in another way. Named two archives, it compares the syncs that Baton readers show of them; of one
archive it compares its newest sync with the one before. --from and --to choose other syncs.`

func newDiff(a *app) *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff [OLD [NEW]]",
		Short: "Show what changed between two archives or two syncs",
		Long:  diffLong,
		Example: `  baton-jumpcloud diff                             # the two newest syncs of sync.c1z
  baton-jumpcloud diff monday.c1z friday.c1z
  baton-jumpcloud diff monday.c1z friday.c1z --what membership --change added
  baton-jumpcloud diff --from 3MWcbZ --to 3MWdkq --save changes.xlsx
  baton-jumpcloud diff --check || echo "something changed"`,
		Args: cobra.MaximumNArgs(2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 1 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return []cobra.Completion{"c1z"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return untilStopped(cmd.Context(), runDiff(a, cmd, &o, args))
		},
	}
	flags := cmd.Flags()
	o.addFlags(flags)
	// Two syncs have flags of their own.
	_ = flags.MarkHidden("sync")
	flags.StringVar(&o.from, "from", "", "Id of the older sync, or its beginning (default: the one before the newer one)")
	flags.StringVar(&o.to, "to", "", "Id of the newer sync, or its beginning (default: the one that Baton readers show)")
	flags.StringVar(&o.what, "what", "", "Only changes of this: "+strings.Join(whatWords(), ", "))
	o.addFilter(flags, "change", "change", "Only what was added, removed or changed")
	o.addFilter(flags, "type", "type", "Only of resources of this resource type id, or on them")
	flags.BoolVar(&o.check, "check", false, fmt.Sprintf("Exit with %d when there is any change", fault.ExitFindings))
	cmd.MarkFlagsMutuallyExclusive("sync", "from")
	cmd.MarkFlagsMutuallyExclusive("sync", "to")
	addViewCompletions(cmd, map[string][]string{"change": {"added", "removed", "changed"}, "what": whatWords(), "from": nil, "to": nil})
	return cmd
}

func runDiff(a *app, cmd *cobra.Command, o *diffOptions, args []string) error {
	if err := o.viewOptions.check(a); err != nil {
		return err
	}
	if _, known := whats()[o.what]; !known && o.what != "" {
		return fmt.Errorf("--what is %q: want one of %s", o.what, strings.Join(whatWords(), ", "))
	}
	ctx := cmd.Context()
	older, newer, err := o.load(ctx, a, cmd, args)
	if err != nil {
		return err
	}
	d, err := diff.Compare(ctx, older.Sync, newer.Sync)
	if err != nil {
		return context.Cause(ctx)
	}
	q, paged := o.query(a, cmd.Flags())
	changes, err := o.changesTable(ctx, &shownDiff{d, older, newer}, q, paged)
	if err != nil {
		return err
	}
	doc := sheet.Document{
		Title: "Changes", Many: true, Tables: []sheet.Table{summaryTable(d), changes},
		Lead: append([]string{"From " + older.lead(), "To   " + newer.lead()}, diffWarnings(older, newer)...),
	}
	if f, err := o.format(); err == nil && f == sheet.FormatCSV || len(o.columns) > 0 {
		doc.Tables, doc.Many = doc.Tables[1:], false // The one table that has them.
	}
	if err := o.show(ctx, a, doc); err != nil {
		return err
	}
	if n := changeCount(d); o.check && n > 0 {
		return fault.Findings(fmt.Sprintf("%s between the two syncs", plural(n, "change")))
	}
	return nil
}

// plural counts things in words.
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return humanize.Comma(int64(n)) + " " + thing
}

// lead says to people which sync one side is.
func (s *shownSync) lead() string { return syncLead(s.path, s.Run)[0] }

func diffWarnings(older, newer *shownSync) []string {
	var lines []string
	if a, b := older.Run.Organization, newer.Run.Organization; a.ID != b.ID && a.ID != "" && b.ID != "" {
		lines = append(lines, "These are of different organisations.")
	}
	if older.Run.StartedAt.After(newer.Run.StartedAt) {
		lines = append(lines, "The first is the newer one: what was added shows as removed.")
	}
	for _, s := range []*shownSync{older, newer} {
		if !s.Run.Finished() || s.Run.Type != c1z.SyncFull {
			lines = append(lines, "The sync "+s.Run.ID+" is not a whole one: what it lacks shows as removed or added.")
		}
	}
	return lines
}

// load reads both syncs.
func (o *diffOptions) load(ctx context.Context, a *app, cmd *cobra.Command, args []string) (older, newer *shownSync, err error) {
	if len(args) == 2 {
		if older, err = a.readSync(ctx, cmd, args[0], o.from); err != nil {
			return nil, nil, err
		}
		newer, err = a.readSync(ctx, cmd, args[1], o.to)
		return older, newer, err
	}
	path := ""
	if len(args) == 1 {
		path = args[0]
	}
	archive, err := a.openArchive(ctx, cmd, path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	if newer, err = archive.loadSync(ctx, o.to); err != nil {
		return nil, nil, err
	}
	from := o.from
	if from == "" {
		if from, err = archive.before(ctx, newer.Run); err != nil {
			return nil, nil, err
		}
	}
	older, err = archive.loadSync(ctx, from)
	return older, newer, err
}

// before is the id of the sync that came before another.
func (o *openedArchive) before(ctx context.Context, run c1z.SyncRun) (string, error) {
	previous, err := review.Previous(ctx, o.Reader, run)
	if errors.Is(err, c1z.ErrNotFound) {
		return "", withCode(codes.NotFound, "the archive %s holds no full sync before %s; name an older archive too: %s diff OLD.c1z %s",
			o.path, run.ID, Name, shellWord(o.path))
	}
	return previous.ID, err
}

// shownDiff is what changed with what it takes to show it.
type shownDiff struct {
	*diff.Diff
	older, newer *shownSync
}

// of is the sync in which a change is shown.
func (d *shownDiff) of(c diff.Change) *shownSync {
	if c == diff.Removed {
		return d.older
	}
	return d.newer
}

// what is a kind of change: which list it stands in, and of which kind of resource.
type what struct {
	list whatList
	kind review.Kind
}

type whatList uint8

const (
	changedResources whatList = iota + 1
	changedEntitlements
	changedGrants
)

// whats are the words for what may have changed.
func whats() map[string]what {
	all := map[string]what{"resource": {changedResources, 0}, "entitlement": {changedEntitlements, 0}, "grant": {changedGrants, 0}}
	for _, k := range review.Kinds() {
		if k != review.Other {
			all[k.String()] = what{changedResources, k}
		}
		if word := review.GrantWord(k); all[flagWord(word)] == (what{}) {
			all[flagWord(word)] = what{changedGrants, k}
		}
	}
	return all
}

// whatWords are those words in the order in which they are told.
func whatWords() []string {
	return []string{"account", "group", "application", "role", "membership", "assignment", "role-assignment", "resource", "entitlement", "grant"}
}

// flagWord is a word as it is typed.
func flagWord(word string) string { return strings.ReplaceAll(word, " ", "-") }

// summaryTable counts changes.
func summaryTable(d *diff.Diff) sheet.Table {
	var rows [][]any
	add := func(what string, added, removed, changed int) {
		rows = append(rows, []any{what, added, removed, changed})
	}
	for _, k := range review.Kinds() {
		if c := d.Resources[k]; c.Any() || k != review.Other {
			add(kindPlural(k.String()), c.Added, c.Removed, c.Changed)
		}
	}
	add("entitlements", d.Entitlements.Added, d.Entitlements.Removed, d.Entitlements.Changed)
	for _, k := range []review.Kind{review.Group, review.Application, review.Role} {
		c := d.Grants[k]
		add(kindPlural(review.GrantWord(k)), c.Added.All, c.Removed.All, c.Changed)
	}
	var rest diff.GrantChanges
	for _, k := range []review.Kind{review.Account, review.Other} {
		c := d.Grants[k]
		rest.Added.All += c.Added.All
		rest.Removed.All += c.Removed.All
		rest.Changed += c.Changed
	}
	if rest.Added.All+rest.Removed.All+rest.Changed > 0 {
		add("other grants", rest.Added.All, rest.Removed.All, rest.Changed)
	}
	return sheet.Table{
		Key: "summary", Title: "Summary",
		Columns: []sheet.Column{
			{Key: "what", Title: "What"},
			{Key: "added", Title: "Added", Kind: sheet.Int},
			{Key: "removed", Title: "Removed", Kind: sheet.Int},
			{Key: "changed", Title: "Changed", Kind: sheet.Int},
		},
		Rows: sheet.Rows(rows, func(row []any) []any { return row }),
	}
}

func kindPlural(word string) string {
	if word == review.Other.String() {
		return "other resources"
	}
	return word + "s"
}

// changeCount counts changes of everything.
func changeCount(d *diff.Diff) int {
	n := d.Entitlements.Added + d.Entitlements.Removed + d.Entitlements.Changed
	for _, c := range d.Resources {
		n += c.Added + c.Removed + c.Changed
	}
	for _, c := range d.Grants {
		n += c.Added.All + c.Removed.All + c.Changed
	}
	return n
}
