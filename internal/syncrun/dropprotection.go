package syncrun

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/guard"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

// comparison compares a sync with the one before while its archive is built.
type comparison struct {
	job     *Job
	archive syncer.Archive // takes the rows
	watch   *guard.Watch   // nil when nothing is compared
	grants  bool           // grants are compared
	since   c1z.SyncRun
	old     *c1z.Reader // to be closed; nil where it is the writer's
}

// compare begins a comparison. Where there is nothing to compare with, or nobody
// wants it, the log says so and the rows pass as they are. The run is the new sync as
// far as it is known.
func (j *Job) compare(ctx context.Context, writer *c1z.Writer, run c1z.SyncRun, work string) (*comparison, error) {
	c := &comparison{job: j, archive: writer}
	reason, err := c.begin(ctx, writer, run, work)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if reason != "" {
		j.Console.Log.InfoContext(ctx, "drop protection skipped", "reason", reason)
	}
	return c, nil
}

// begin opens what is to be compared, or says why nothing is.
func (c *comparison) begin(ctx context.Context, writer *c1z.Writer, run c1z.SyncRun, work string) (reason string, err error) {
	switch {
	case c.job.Config.Sync.MaxDrop == config.MaxDrop{}:
		return "--max-drop is off", nil
	case run.Type == c1z.SyncPartial:
		return "only some resources are synced", nil
	case c.job.Previous == "":
		return "no previous archive is kept; set --keep-previous-sync-c1z", nil
	}
	old := writer.Old()
	if old == nil || c.job.Previous != c.job.Config.Output.File {
		old, err = c1z.Open(ctx, c.job.Previous, c1z.OpenOptions{TempDir: work, Limits: c.job.Limits, Logger: c.job.Console.Log.Logger})
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "no previous archive", nil
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case err != nil:
			c.job.Console.Log.WarnContext(ctx, "the previous archive cannot be read", "path", c.job.Previous, "error", err)
			return "the previous archive cannot be read", nil
		}
		c.old = old
	}
	syncs, err := old.Syncs(ctx)
	if err != nil {
		return "", err
	}
	c.since, reason = chooseBaseline(syncs, run)
	if reason != "" {
		return reason, nil
	}
	grants := run.Type == c1z.SyncFull && c.since.Type == c1z.SyncFull
	if grants && c.since.SupportsDiff != run.SupportsDiff {
		c.job.Console.Log.InfoContext(ctx, "grants are not compared: only one of the two syncs has inherited grants")
		grants = false
	}
	c.grants = grants
	c.watch = guard.NewWatch(c.archive, baseline{old, c.since.ID}, grants)
	c.archive = c.watch
	return "", nil
}

// chooseBaseline chooses what a sync can be compared with: the newest one of the same
// organization with the same settings, a full one where there is one; else the reason
// why there is none.
func chooseBaseline(syncs []c1z.SyncRun, run c1z.SyncRun) (found c1z.SyncRun, reason string) {
	reason = "the previous archive contains no finished sync"
	var other c1z.SyncRun // the newest that cannot be compared
	for _, s := range syncs {
		switch {
		case !s.Finished() || s.ID == run.ID || s.Type != c1z.SyncFull && s.Type != c1z.SyncResourcesOnly:
		case s.Organization.ID != run.Organization.ID || s.Organization.Settings != run.Organization.Settings:
			if !s.EndedAt.Before(other.EndedAt) {
				other = s
			}
		case found.ID == "" || better(s, found, run):
			found = s
		}
	}
	switch {
	case found.ID != "":
		return found, ""
	case other.ID == "":
		return found, reason
	case other.Organization.ID == "":
		return found, "the previous archive does not name its organization; another program wrote it"
	case other.Organization.ID != run.Organization.ID:
		return found, "the previous archive is of another organization"
	default:
		return found, fmt.Sprintf("the settings differ: %q now, %q before", run.Organization.Settings, other.Organization.Settings)
	}
}

// better reports whether a run is rather compared with a than with b: with a sync of
// its own type where it is a full one, then with the newer one.
func better(a, b, run c1z.SyncRun) bool {
	if run.Type == c1z.SyncFull && a.Type != b.Type {
		return a.Type == c1z.SyncFull
	}
	return !a.EndedAt.Before(b.EndedAt)
}

// finish rejects a large drop, and kinds of lists that show nothing of what they count,
// unless the settings accept just that; the work is marked as refused before. It returns
// sentences on the losses that are published.
func (c *comparison) finish(ctx context.Context, db *workdb.DB, empty []syncer.KindCounts) (notes []string, err error) {
	drop, accepted := c.job.Config.Sync.MaxDrop, c.job.Config.Sync.AllowDrop
	if drop == (config.MaxDrop{}) {
		return nil, nil
	}
	var loss guard.Loss
	limits := guard.Limits{Percent: drop.Percent, AtLeast: drop.AtLeast}
	since := c.since.EndedAt.UTC().Format(time.DateTime) + " UTC"
	if c.watch != nil {
		start := time.Now()
		loss, err = c.watch.Loss(ctx)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			// What was read is complete all the same.
			notes = append(notes, fmt.Sprintf("drop protection skipped: the previous archive cannot be read: %v", err))
			loss = guard.Loss{}
		} else {
			c.job.Console.Log.InfoContext(ctx, "compared with the previous sync", "sync_id", c.since.ID, "ended_at", c.since.EndedAt,
				"large_drops", len(loss.Judge(limits, guard.Sudden)), "took", time.Since(start))
		}
	}
	refusal := dropError{since: since, kinds: loss.Judge(limits, guard.Sudden), empty: c.newlyEmpty(empty, loss, drop.AtLeast), given: accepted}
	refusal.code = refusal.makeCode(c.since.ID)
	switch {
	case refusal.code == "" && accepted != "":
		c.job.Console.Log.InfoContext(ctx, "--allow-drop had no effect: no drop was rejected", "code", accepted)
	case refusal.code != accepted:
		if err := db.Refuse(ctx, refusal.code); err != nil {
			return nil, err
		}
		return nil, refusal
	case refusal.code != "":
		notes = append(notes, fmt.Sprintf("large drop accepted by --allow-drop %s", accepted))
	}
	for _, k := range loss.Judge(limits, guard.Notable) {
		notes = append(notes, fmt.Sprintf("since the sync of %s, %s", since, k))
	}
	return notes, nil
}

// newlyEmpty leaves out the kinds of lists that count too few rows to be stopped for, and
// those that showed as little in an earlier sync: what was published once is not stopped
// again.
func (c *comparison) newlyEmpty(empty []syncer.KindCounts, loss guard.Loss, atLeast int64) []syncer.KindCounts {
	return slices.DeleteFunc(slices.Clone(empty), func(e syncer.KindCounts) bool {
		if e.EmptyCounted < atLeast {
			return true
		}
		return c.grants && len(loss.Kinds) > 0 && !slices.ContainsFunc(loss.Kinds, func(k guard.Kind) bool {
			return k.Grants && len(e.Examples) > 0 && k.Type == e.Examples[0].Owner.Type && k.Lost*100 > k.Had*guard.WarnPercent
		})
	})
}

// Close gives the earlier archive back. It may be called again.
func (c *comparison) Close() error {
	old := c.old
	c.old = nil
	if old == nil {
		return nil
	}
	return old.Close()
}

// dropError rejects a sync with a large drop, or with lists that return nothing.
type dropError struct {
	since string // when the previous sync ended
	kinds []guard.Kind
	empty []syncer.KindCounts
	code  string
	given string // code of another loss; empty for none
}

// makeCode names what is refused; empty for nothing. Whoever accepts a loss accepts that
// lists are empty.
func (e dropError) makeCode(since string) string {
	switch {
	case len(e.kinds) > 0:
		return guard.Code(since, e.kinds)
	case len(e.empty) == 0:
		return ""
	}
	ids := []string{since, "empty"}
	for _, k := range e.empty {
		ids = append(ids, k.Kind, strconv.Itoa(k.Empty), strconv.FormatInt(k.EmptyCounted, 10))
	}
	return guard.CodeOf(ids...)
}

// Error lists what is lost.
func (e dropError) Error() string {
	var b strings.Builder
	if len(e.kinds) > 0 {
		fmt.Fprintf(&b, "sync rejected: large drop since the previous sync (%s)", e.since)
	} else {
		b.WriteString("sync rejected: most lists return none of the rows that JumpCloud counts")
	}
	if e.given != "" {
		fmt.Fprintf(&b, "; code %s is for another drop", e.given)
	}
	for _, k := range e.kinds {
		b.WriteString("\n  " + k.String())
	}
	for _, k := range e.empty {
		b.WriteString("\n  " + k.String())
	}
	return b.String()
}

// GRPCStatus gives it the code of a state that somebody has to change.
func (e dropError) GRPCStatus() *status.Status {
	return status.New(codes.FailedPrecondition, e.Error())
}

// Hints tell how to accept the drop, and what to do if it is not expected.
func (e dropError) Hints() []string {
	expected := "the removals are expected"
	if len(e.kinds) == 0 {
		expected = "these lists are empty"
	}
	return []string{
		fmt.Sprintf("if %s, run again with --allow-drop %s (BATON_ALLOW_DROP) within 24 h, which publishes what was read", expected, e.code),
		"if not, check the permissions of the credential and run again, which reads everything anew",
	}
}

// baseline is a sync of an archive as the guard reads it.
type baseline struct {
	reader *c1z.Reader
	sync   string
}

var _ guard.Baseline = baseline{}

// Resources implements [guard.Baseline].
func (b baseline) Resources(ctx context.Context) iter.Seq2[syncer.Ref, error] {
	return refs(b.reader.ResourceKeys(ctx, b.sync))
}

// Entitlements implements [guard.Baseline].
func (b baseline) Entitlements(ctx context.Context) iter.Seq2[guard.Entitlement, error] {
	return func(yield func(guard.Entitlement, error) bool) {
		for k, err := range b.reader.EntitlementKeys(ctx, b.sync) {
			if !yield(guard.Entitlement{ID: k.ID, Resource: syncer.Ref{Type: k.ResourceType, ID: k.Resource}}, err) {
				return
			}
		}
	}
}

// Holders implements [guard.Baseline].
func (b baseline) Holders(ctx context.Context, entitlement string) iter.Seq2[syncer.Ref, error] {
	return refs(b.reader.Holders(ctx, b.sync, entitlement))
}

// Name implements [guard.Baseline].
func (b baseline) Name(ctx context.Context, resource syncer.Ref) (string, error) {
	r, err := b.reader.Resource(ctx, b.sync, resource.Type, resource.ID)
	if errors.Is(err, c1z.ErrNotFound) {
		return "", nil
	}
	return r.GetDisplayName(), err
}

func refs(keys iter.Seq2[c1z.ResourceKey, error]) iter.Seq2[syncer.Ref, error] {
	return func(yield func(syncer.Ref, error) bool) {
		for k, err := range keys {
			if !yield(syncer.Ref{Type: k.Type, ID: k.ID}, err) {
				return
			}
		}
	}
}
