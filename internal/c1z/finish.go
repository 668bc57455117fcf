package c1z

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/envelope"
)

// Finish completes the archive and puts it in place of the old one. The new
// sync takes its id, and where run leaves it open its start, from [Options], and
// its end from the clock; its statistics are counted. A clock that is behind the
// syncs that stay beside the new one does not count: it ends after them. An error
// leaves the old archive as it was. Abort need not follow.
func (w *Writer) Finish(ctx context.Context, run SyncRun) (Info, error) {
	info, err := w.finish(ctx, run)
	left := w.Abort()
	if err != nil {
		return Info{}, errors.Join(err, left)
	}
	if left != nil {
		// The archive is in place, and the next run removes what is left.
		w.opts.Logger.WarnContext(ctx, "cleanup after writing the archive failed", "error", left)
	}
	return info, nil
}

func (w *Writer) finish(ctx context.Context, run SyncRun) (Info, error) {
	if w.failed != nil {
		return Info{}, fmt.Errorf("finish archive: a row was not stored: %w", w.failed)
	}
	if w.build == nil {
		return Info{}, errors.New("finish archive: it is finished")
	}
	if err := ctx.Err(); err != nil {
		return Info{}, err
	}
	run, err := w.complete(run)
	if err != nil {
		return Info{}, err
	}
	info := Info{Path: w.path}
	old, err := w.build.keepOld(ctx, run)
	if err != nil {
		return Info{}, err
	}
	info.Kept, info.Dropped, info.Damaged = old.kept, old.dropped, old.damaged
	if run, err = w.date(ctx, run, info.Kept); err != nil {
		return Info{}, err
	}
	info.Sync = run
	start := time.Now()
	if err := w.build.finish(ctx, run); err != nil {
		return Info{}, err
	}
	info.Indexing = time.Since(start)
	start = time.Now()
	if err := w.build.pack(ctx, &info); err != nil {
		return Info{}, err
	}
	info.Packing = time.Since(start)
	return info, nil
}

// complete fills in what the writer knows of the sync.
func (w *Writer) complete(run SyncRun) (SyncRun, error) {
	if run.ID != "" && run.ID != w.syncID {
		return run, fmt.Errorf("finish archive: it is of sync %s, not of %s", w.syncID, run.ID)
	}
	if w.verbatim {
		run.StartedAt, run.Backfilled, run.Stats = run.StartedAt.UTC(), true, &w.stats
		return run, nil
	}
	token, err := formatToken(run.Organization, run.Basis)
	if err != nil {
		return run, err
	}
	run.ID = w.syncID
	run.Type = cmp.Or(run.Type, SyncFull)
	run.StartedAt = cmp.Or(run.StartedAt, w.opts.StartedAt).UTC()
	run.EndedAt = cmp.Or(run.EndedAt, time.Now()).UTC()
	run.Token = token
	run.Backfilled = true
	run.Stats = &w.stats
	return run, nil
}

// date moves the end of the new sync behind its start and the ends of the syncs
// that stay beside it. Readers show the sync that ended last: where the clock was
// put back, or an older sync was stored in the time of a zone east of UTC, they
// would go on showing the old one.
func (w *Writer) date(ctx context.Context, run SyncRun, kept []string) (SyncRun, error) {
	last := run.StartedAt
	if w.old != nil {
		for _, s := range w.old.syncs {
			if slices.Contains(kept, s.ID) && s.Finished() && !s.EndedAt.Before(last) {
				last = s.EndedAt.Add(time.Nanosecond)
			}
		}
	}
	if w.verbatim || !last.After(run.EndedAt) {
		return run, nil
	}
	if last.Year() > lastYear {
		return run, fmt.Errorf("finish archive: a sync of the previous archive ended in the year %d, after which no time can be stored; move %s away", lastYear, w.path)
	}
	w.opts.Logger.WarnContext(ctx, "the clock is behind the archive: the new sync is dated after the earlier ones so that readers show it",
		"path", w.path, "ended_at", last, "clock", run.EndedAt)
	run.EndedAt = last
	return run, nil
}

// compress writes an archive: the header, then src as one frame with its size
// and a checksum.
func compress(ctx context.Context, dst io.Writer, src io.Reader, size int64) error {
	out := bufio.NewWriterSize(dst, 1<<20)
	if _, err := out.WriteString(magicV1); err != nil {
		return err
	}
	enc, err := envelope.NewEncoder()
	if err != nil {
		return err
	}
	enc.ResetContentSize(out, size)
	if _, err := io.CopyBuffer(struct{ io.Writer }{enc}, &contextReader{ctx: ctx, r: src}, make([]byte, 1<<20)); err != nil {
		return errors.Join(err, enc.Close())
	}
	if err := enc.Close(); err != nil {
		return err
	}
	return out.Flush()
}

// contextReader ends when its context does.
type contextReader struct {
	ctx context.Context //nolint:containedctx // It lives as long as one call of compress.
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// judgeSize warns of readers that cannot open a database of the size, and
// refuses one that none can.
func (w *Writer) judgeSize(ctx context.Context, size int64) error {
	switch {
	case size > w.sizes.fail:
		return tooLargeToWrite(size, w.sizes.fail)
	case size > w.sizes.warn2:
		w.warn(ctx, "the archive unpacks to more than 3 GiB: Baton readers need SDK v0.7 or later", size)
	case size > w.sizes.warn1:
		w.warn(ctx, "the archive unpacks to more than 2 GiB: Baton readers with SDK v0.1 do not open it", size)
	}
	return nil
}

func (w *Writer) warn(ctx context.Context, message string, size int64) {
	w.opts.Logger.WarnContext(ctx, message, "path", w.path, "decoded_bytes", size)
}

func tooLargeToWrite(size, limit int64) error {
	return fmt.Errorf("%w: it would unpack to at least %s, and Baton readers accept at most %s; sync fewer resource types",
		ErrTooLarge, mib(size), mib(limit))
}
