package c1z

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/sqlitefile"
)

// sortWorkers is how many goroutines sort keys of indexes while rows are put.
const sortWorkers = 2

// sqliteBuild is the new database of an archive of format 1.
type sqliteBuild struct {
	*Writer
	schema *schema
	out    *os.File // the new database
	file   *sqlitefile.File
	row    sqlitefile.Row

	discovered string // the time in all rows, whole seconds to keep them short
	// indexBytes estimates what the indexes will take.
	indexBytes int64
}

// createV1 begins a database of format 1.
func (w *Writer) createV1() error {
	b := &sqliteBuild{Writer: w, schema: newSchema(), discovered: formatTime(w.opts.StartedAt.Truncate(time.Second))}
	w.build = b
	var err error
	if b.out, err = os.OpenFile(b.buildPath(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return fmt.Errorf("create archive: %w", err)
	}
	var tables []sqlitefile.Table
	for _, t := range b.schema.all() {
		tables = append(tables, t.file())
	}
	b.file, err = sqlitefile.Create(b.out, sqlitefile.Options{TempDir: w.dir, Workers: sortWorkers}, tables...)
	if err != nil {
		return fmt.Errorf("create archive: %w", err)
	}
	return nil
}

func (w *sqliteBuild) buildPath() string { return filepath.Join(w.dir, "build.db") }

// close implements build.
func (w *sqliteBuild) close() error {
	var errs []error
	if w.file != nil {
		errs = append(errs, w.file.Close())
		w.file = nil
	}
	if w.out != nil {
		errs = append(errs, w.out.Close())
		w.out = nil
	}
	return errors.Join(errs...)
}

// size estimates the database from what was put into it.
func (w *sqliteBuild) size() int64 { return w.file.Size() + w.indexBytes }

// finish implements build.
func (w *sqliteBuild) finish(ctx context.Context, run SyncRun) error {
	if err := w.putSync(run); err != nil {
		return err
	}
	return w.index(ctx)
}

// putSync stores the row of the new sync.
func (w *sqliteBuild) putSync(run SyncRun) error {
	stats, err := json.Marshal(run.Stats)
	if err != nil {
		return fmt.Errorf("finish archive: %w", err)
	}
	supportsDiff := int64(0)
	if run.SupportsDiff {
		supportsDiff = 1
	}
	r := &w.row
	r.Reset()
	r.Text(run.ID)
	r.Text(formatTime(run.StartedAt))
	if run.Finished() {
		r.Text(formatTime(run.EndedAt))
	} else {
		r.Null()
	}
	for _, text := range []string{run.Token, string(run.Type), run.ParentID, run.LinkedID} {
		r.Text(text)
	}
	r.Int(supportsDiff)
	r.Int(1) // No message keeps its expansion.
	r.Text(string(stats))
	for range 3 {
		r.Text("") // The checks of another program.
	}
	return w.store(&w.schema.syncRuns)
}

// index writes the indexes and lets SQLite look at the result.
func (w *sqliteBuild) index(ctx context.Context) error {
	err := w.file.Finish(ctx)
	if duplicate, ok := errors.AsType[*sqlitefile.DuplicateError](err); ok {
		return fmt.Errorf("%w: %w", ErrDuplicate, duplicate)
	}
	if err == nil {
		err = w.close()
	}
	if err != nil {
		return fmt.Errorf("write in %s: %w", w.dir, err)
	}
	if err := w.check(ctx); err != nil {
		return fmt.Errorf("the new database is invalid; the previous archive is unchanged: %w", err)
	}
	return nil
}

// check opens the new database as a reader does: a small one is checked as a
// whole, of a large one the schema.
func (w *sqliteBuild) check(ctx context.Context) (err error) {
	info, err := os.Stat(w.buildPath())
	if err != nil {
		return err
	}
	r := &sqliteRows{path: w.path, unpacked: w.buildPath(), size: info.Size(), schema: w.schema}
	if r.db, err = openUnpacked(r.unpacked); err != nil {
		return err
	}
	return errors.Join(r.inspect(ctx), r.db.Close())
}

// pack compresses the database into the file that replaces the old archive.
func (w *sqliteBuild) pack(ctx context.Context, info *Info) error {
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
