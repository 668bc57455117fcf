package syncrun

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
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
		j.Console.Log.InfoContext(ctx, "nothing was compared with an earlier sync", "reason", reason)
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
		return "no earlier archive is kept; set --keep-previous-sync-c1z to have one", nil
	}
	old := writer.Old()
	if old == nil || c.job.Previous != c.job.Config.Output.File {
		old, err = c1z.Open(ctx, c.job.Previous, c1z.OpenOptions{TempDir: work, Limits: c.job.Limits, Logger: c.job.Console.Log.Logger})
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "there is no earlier archive", nil
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case err != nil:
			c.job.Console.Log.WarnContext(ctx, "the earlier archive cannot be read", "path", c.job.Previous, "error", err)
			return "the earlier archive cannot be read", nil
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
		c.job.Console.Log.InfoContext(ctx, "grants are not compared: one of the two syncs has those through groups and the other has not")
		grants = false
	}
	c.watch = guard.NewWatch(c.archive, baseline{old, c.since.ID}, grants)
	c.archive = c.watch
	return "", nil
}

// chooseBaseline chooses what a sync can be compared with: the newest one of the same
// organisation with the same settings, a full one where there is one; else the reason
// why there is none.
func chooseBaseline(syncs []c1z.SyncRun, run c1z.SyncRun) (found c1z.SyncRun, reason string) {
	reason = "the earlier archive holds no finished sync"
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
		return found, "the earlier archive does not say which organisation it is of; another program wrote it"
	case other.Organization.ID != run.Organization.ID:
		return found, "the earlier archive is of another organisation"
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

// finish refuses a sudden loss that is not the one which the settings accept, after
// marking the work as refused. It returns sentences on the losses that are published.
func (c *comparison) finish(ctx context.Context, db *workdb.DB) (notes []string, err error) {
	if c.watch == nil {
		return nil, nil
	}
	start := time.Now()
	loss, err := c.watch.Loss(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		// What was read is complete all the same.
		return []string{fmt.Sprintf("nothing was compared with an earlier sync, whose archive cannot be read: %v", err)}, nil
	}
	drop, accepted := c.job.Config.Sync.MaxDrop, c.job.Config.Sync.AllowDrop
	limits := guard.Limits{Percent: drop.Percent, AtLeast: drop.AtLeast}
	sudden := loss.Judge(limits, guard.Sudden)
	since := c.since.EndedAt.UTC().Format(time.DateTime) + " UTC"
	c.job.Console.Log.InfoContext(ctx, "compared with an earlier sync", "sync_id", c.since.ID, "ended_at", c.since.EndedAt,
		"sudden_losses", len(sudden), "took", time.Since(start))
	switch code := guard.Code(c.since.ID, sudden); {
	case len(sudden) == 0 && accepted != "":
		c.job.Console.Log.InfoContext(ctx, "there is no loss that --allow-drop would have to accept", "code", accepted)
	case len(sudden) > 0 && accepted != code:
		if err := db.Refuse(ctx, code); err != nil {
			return nil, err
		}
		return nil, dropError{since: since, kinds: sudden, code: code, given: accepted}
	case len(sudden) > 0:
		notes = append(notes, fmt.Sprintf("a sudden loss is published, as --allow-drop %s accepts", code))
	}
	for _, k := range loss.Judge(limits, guard.Notable) {
		notes = append(notes, fmt.Sprintf("since the sync of %s, %s", since, k))
	}
	return notes, nil
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

// dropError refuses to publish a sudden loss.
type dropError struct {
	since string // when the sync before ended
	kinds []guard.Kind
	code  string
	given string // code of another loss; empty for none
}

// Error lists what is lost.
func (e dropError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the sync is not published, because it would show a sudden loss since the one of %s", e.since)
	if e.given != "" {
		fmt.Fprintf(&b, ", and not the one that the code %s accepts", e.given)
	}
	for _, k := range e.kinds {
		b.WriteString("\n  " + k.String())
	}
	return b.String()
}

// GRPCStatus gives it the code of a state that somebody has to change.
func (e dropError) GRPCStatus() *status.Status {
	return status.New(codes.FailedPrecondition, e.Error())
}

// Hints tell how to accept the loss, and what to do where there is none.
func (e dropError) Hints() []string {
	return []string{
		fmt.Sprintf("if all this is really gone, accept it with --allow-drop %s (BATON_ALLOW_DROP); until the work is 24 hours old, that publishes what was read", e.code),
		"if it is not, see what the credential may read, and run again: everything is read anew",
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
