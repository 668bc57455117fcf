package c1z

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// The compression of an archive. Blocks of a small window are encoded side by
// side into one frame, which costs some 45 MiB of memory; readers may refuse
// windows above 8 MiB.
const (
	packLevel   = zstd.SpeedFastest
	packWindow  = 1 << 20
	packWorkers = 2
)

// Finish completes the archive and puts it in place of the old one. The new
// sync takes its id, and where run leaves it open its start, from [Options], and
// its end from the clock; its statistics are counted. An error leaves the old
// archive as it was. Abort need not follow.
func (w *Writer) Finish(ctx context.Context, run SyncRun) (Info, error) {
	info, err := w.finish(ctx, run)
	if err := errors.Join(err, w.Abort()); err != nil {
		return Info{}, err
	}
	return info, nil
}

func (w *Writer) finish(ctx context.Context, run SyncRun) (Info, error) {
	if w.failed != nil {
		return Info{}, fmt.Errorf("finish archive: a row was not stored: %w", w.failed)
	}
	if w.load == nil {
		return Info{}, errors.New("finish archive: it is finished")
	}
	flushErr := w.load.flush(ctx)
	closeErr := w.load.close()
	w.load = nil
	if err := errors.Join(flushErr, closeErr); err != nil {
		return Info{}, fmt.Errorf("build archive in %s: %w", w.dir, err)
	}
	if err := w.exec(ctx, "commit"); err != nil {
		return Info{}, err
	}
	run, err := w.complete(run)
	if err != nil {
		return Info{}, err
	}
	info := Info{Path: w.path, Sync: run}
	if info.Kept, info.Dropped, err = w.keepOld(ctx, run); err != nil {
		return Info{}, err
	}
	if err := w.putSync(ctx, run); err != nil {
		return Info{}, err
	}
	start := time.Now()
	if err := w.index(ctx, false); err != nil {
		return Info{}, err
	}
	info.Indexing = time.Since(start)
	start = time.Now()
	if err := w.closeBuild(); err != nil {
		return Info{}, fmt.Errorf("finish archive: %w", err)
	}
	if err := w.pack(ctx, &info); err != nil {
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
	token, err := formatToken(run.Organization)
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

func (w *Writer) putSync(ctx context.Context, run SyncRun) error {
	stats, err := json.Marshal(run.Stats)
	if err != nil {
		return fmt.Errorf("finish archive: %w", err)
	}
	return w.exec(ctx, `insert into v1_sync_runs (sync_id, started_at, ended_at, sync_token, sync_type,
		parent_sync_id, linked_sync_id, supports_diff, grants_backfilled, stats) values (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)`,
		run.ID, formatTime(run.StartedAt), formatTime(run.EndedAt), run.Token, string(run.Type),
		run.ParentID, run.LinkedID, run.SupportsDiff, string(stats))
}

// index makes the partial indexes, which few rows are in, before the rows are
// loaded, and the others, which would slow the loading down, afterwards.
func (w *Writer) index(ctx context.Context, partial bool) error {
	for _, t := range w.schema.all() {
		for _, i := range t.indexes {
			if strings.Contains(i, " where ") != partial {
				continue
			}
			if err := w.exec(ctx, "create "+i); err != nil {
				return cmp.Or(w.duplicate(ctx, t), err)
			}
		}
	}
	return nil
}

// duplicate names a row that is there twice, if there is one.
func (w *Writer) duplicate(ctx context.Context, t *table) error {
	var id string
	err := w.conn.QueryRowContext(ctx, fmt.Sprintf(
		"select %[1]s from %[2]s group by %[1]s, sync_id having count(*) > 1 limit 1", t.key, t.name)).Scan(&id)
	if err != nil {
		return nil //nolint:nilerr // There is none, and the caller has the error that led here.
	}
	return fmt.Errorf("%w: %q is twice in %s", ErrDuplicate, id, t.name)
}

// pack compresses the database into the file that replaces the old archive.
func (w *Writer) pack(ctx context.Context, info *Info) error {
	db, err := os.Open(w.buildPath())
	if err != nil {
		return fmt.Errorf("pack archive: %w", err)
	}
	defer db.Close()
	stat, err := db.Stat()
	if err != nil {
		return fmt.Errorf("pack archive: %w", err)
	}
	info.DecodedSize = stat.Size()
	if err := w.judgeSize(ctx, info.DecodedSize); err != nil {
		return err
	}
	out, err := newReplacement(w.path)
	if err != nil {
		return err
	}
	if err := compress(ctx, out, db, info.DecodedSize); err != nil {
		return errors.Join(fmt.Errorf("pack archive %s: %w", w.path, err), out.discard())
	}
	if stat, err = out.Stat(); err != nil {
		return errors.Join(fmt.Errorf("pack archive %s: %w", w.path, err), out.discard())
	}
	info.Size = stat.Size()
	return out.commit()
}

// compress writes an archive: the header, then src as one frame with its size
// and a checksum.
func compress(ctx context.Context, dst io.Writer, src io.Reader, size int64) error {
	out := bufio.NewWriterSize(dst, 1<<20)
	if _, err := out.WriteString(magicV1); err != nil {
		return err
	}
	enc, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(packLevel),
		zstd.WithEncoderConcurrency(packWorkers),
		zstd.WithConcurrentBlocks(true),
		zstd.WithWindowSize(packWindow),
		zstd.WithEncoderCRC(true),
	)
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
		w.warn(ctx, "the archive unpacks to more than 3 GiB: only Baton programs with an SDK newer than v0.7 open it", size)
	case size > w.sizes.warn1:
		w.warn(ctx, "the archive unpacks to more than 2 GiB: Baton programs with an SDK of the age of v0.1 do not open it", size)
	}
	return nil
}

func (w *Writer) warn(ctx context.Context, message string, size int64) {
	w.opts.Logger.WarnContext(ctx, message, "path", w.path, "decoded_bytes", size)
}

func tooLargeToWrite(size, limit int64) error {
	return fmt.Errorf("%w: it would unpack to at least %s and no Baton reader takes more than %s; sync fewer resource types",
		ErrTooLarge, mib(size), mib(limit))
}
