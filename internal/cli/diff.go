package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/cli/view"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// diffOptions are the flags of the diff command.
type diffOptions struct {
	view.Options
	from, to string
	what     string
	check    bool
}

const diffLong = `Show the changes between two syncs: accounts, groups, applications, roles and entitlements that were
added, removed or changed, and memberships, assignments and roles that were granted, revoked or are now
held another way. Given two archives, it compares the syncs that Baton readers show; given one
archive, its newest sync with the previous one. --from and --to choose other syncs.`

func newDiff(a *program.App) *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff [OLD [NEW]]",
		Short: "Show the changes between two archives or two syncs",
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
			return program.UntilStopped(cmd.Context(), runDiff(a, cmd, &o, args))
		},
	}
	flags := cmd.Flags()
	o.AddFlags(flags)
	// Two syncs have flags of their own.
	_ = flags.MarkHidden("sync")
	flags.StringVar(&o.from, "from", "", "ID, or ID prefix, of the older sync (default: the sync preceding the newer one)")
	flags.StringVar(&o.to, "to", "", "ID, or ID prefix, of the newer sync (default: the one that Baton readers show)")
	flags.StringVar(&o.what, "what", "", "Only changes of this subject: "+strings.Join(whatWords(), ", "))
	o.AddFilter(flags, "change", "change", "Only this kind of change: added, removed or changed")
	o.AddFilter(flags, "type", "type", "Only changes of, or on, resources of this resource type")
	flags.BoolVar(&o.check, "check", false, fmt.Sprintf("Exit with code %d if there is any change", fault.ExitFindings))
	cmd.MarkFlagsMutuallyExclusive("sync", "from")
	cmd.MarkFlagsMutuallyExclusive("sync", "to")
	view.AddCompletions(cmd, map[string][]string{"change": {"added", "removed", "changed"}, "what": whatWords(), "from": nil, "to": nil})
	return cmd
}

func runDiff(a *program.App, cmd *cobra.Command, o *diffOptions, args []string) error {
	if err := o.Options.Check(a); err != nil {
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
	d, err := diff.Compare(ctx, older.Sync.Sync, newer.Sync.Sync)
	if err != nil {
		return context.Cause(ctx)
	}
	q, paged := o.Query(a, cmd.Flags())
	shown := &tables.Diff{Diff: d, Older: older.Sync, Newer: newer.Sync}
	changes, err := o.Table(ctx, o.list(shown, &q), q, paged)
	if err != nil {
		return err
	}
	counts, err := o.Table(ctx, tables.ChangeCounts(shown), search.Query{}, false)
	if err != nil {
		return err
	}
	doc := sheet.Document{
		Title: "Changes", Many: true, Tables: []sheet.Table{counts, changes},
		Lead: append([]string{"From " + leadOf(older), "To   " + leadOf(newer)}, diffWarnings(older, newer)...),
	}
	if f, err := o.Format(); err == nil && f == sheet.FormatCSV || len(o.Columns) > 0 {
		doc.Tables, doc.Many = doc.Tables[1:], false // The one table that has them.
	}
	if doc.About, err = aboutExport(ctx, &o.Options, newer, q, doc.Title); err != nil {
		return err
	}
	if doc.About != nil {
		doc.About.Facts = append(doc.About.Facts,
			sheet.Fact{Key: "from_archive", Label: "Compared with archive", Value: filepath.Base(older.Path)},
			sheet.Fact{Key: "from_sync_id", Label: "Compared with sync", Value: older.Run.ID + " of " + older.Run.StartedAt.UTC().Format(time.RFC3339)})
	}
	if err := o.Show(ctx, a, doc); err != nil {
		return err
	}
	if n := d.Count(); o.check && n > 0 {
		return fault.Findings(fmt.Sprintf("%s between the two syncs", english.Plural(n, "change", "")))
	}
	return nil
}

// leadOf says to people which sync one side is.
func leadOf(s *archives.Shown) string { return syncLead(s.Path, s.Run)[0] }

func diffWarnings(older, newer *archives.Shown) []string {
	var lines []string
	if a, b := older.Run.Organization, newer.Run.Organization; a.ID != b.ID && a.ID != "" && b.ID != "" {
		lines = append(lines, "The two syncs are of different organizations.")
	}
	if older.Run.StartedAt.After(newer.Run.StartedAt) {
		lines = append(lines, "The first sync is the newer one: additions show as removals.")
	}
	for _, s := range []*archives.Shown{older, newer} {
		if !s.Run.Finished() || s.Run.Type != c1z.SyncFull {
			lines = append(lines, "The sync "+s.Run.ID+" is not a full sync: what it lacks shows as removed or added.")
		}
	}
	return lines
}

// load reads both syncs.
func (o *diffOptions) load(ctx context.Context, a *program.App, cmd *cobra.Command, args []string) (older, newer *archives.Shown, err error) {
	if len(args) == 2 {
		if older, err = archives.Read(ctx, a, cmd, args[0], o.from); err != nil {
			return nil, nil, err
		}
		newer, err = archives.Read(ctx, a, cmd, args[1], o.to)
		return older, newer, err
	}
	path := ""
	if len(args) == 1 {
		path = args[0]
	}
	archive, err := archives.Open(ctx, a, cmd, path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	if newer, err = archive.LoadSync(ctx, o.to); err != nil {
		return nil, nil, err
	}
	from := o.from
	if from == "" {
		if from, err = syncBefore(ctx, archive, newer.Run); err != nil {
			return nil, nil, err
		}
	}
	older, err = archive.LoadSync(ctx, from)
	return older, newer, err
}

// syncBefore is the id of the sync that came before another.
func syncBefore(ctx context.Context, o *archives.Opened, run c1z.SyncRun) (string, error) {
	previous, err := review.Previous(ctx, o.Reader, run)
	if errors.Is(err, c1z.ErrNotFound) {
		return "", fault.WithCode(codes.NotFound, "archive %s contains no full sync before %s; name an older archive too: %s diff OLD.c1z %s",
			o.Path, run.ID, program.Name, console.ShellWord(o.Path))
	}
	return previous.ID, err
}

// list is the list of changes that the flags ask for.
func (o *diffOptions) list(d *tables.Diff, q *search.Query) tables.List {
	only := whats()[o.what]
	if only.kind != 0 {
		if q.Filter == nil {
			q.Filter = make(map[string]string)
		}
		q.Filter["kind"] = only.kind.String()
	}
	listed := func(list whatList) bool { return only.list == 0 || only.list == list }
	return tables.Changes(d, listed(changedResources), listed(changedEntitlements), listed(changedGrants))
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
	var nouns, held []string
	for _, t := range restype.All() {
		nouns = append(nouns, t.Noun)
		if t.Grant != "" {
			held = append(held, flagWord(t.Grant))
		}
	}
	return slices.Concat(nouns, held, []string{"resource", "entitlement", "grant"})
}

// flagWord is a word as it is typed.
func flagWord(word string) string { return strings.ToLower(strings.ReplaceAll(word, " ", "-")) }
