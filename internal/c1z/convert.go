package c1z

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
)

// batch is how many rows are handed to a writer at once.
const batch = 500

// copyRows gives all rows of a sync to a writer, and tells after each batch.
func copyRows(ctx context.Context, from *Reader, syncID string, to *Writer) error {
	if err := putAll(ctx, from.ResourceTypes(ctx, syncID), to.PutResourceTypes); err != nil {
		return err
	}
	if err := putAll(ctx, from.Resources(ctx, syncID, ResourceFilter{}), to.PutResources); err != nil {
		return err
	}
	if err := putAll(ctx, from.Entitlements(ctx, syncID, EntitlementFilter{}), to.PutEntitlements); err != nil {
		return err
	}
	if err := putAll(ctx, from.Grants(ctx, syncID, GrantFilter{}), to.PutGrants); err != nil {
		return err
	}
	return putAll(ctx, from.Assets(ctx, syncID), to.PutAssets)
}

func putAll[T any](ctx context.Context, list iter.Seq2[T, error], put func(context.Context, ...T) error) error {
	items := make([]T, 0, batch)
	for item, err := range list {
		if err != nil {
			return err
		}
		if items = append(items, item); len(items) == batch {
			if err := put(ctx, items...); err != nil {
				return err
			}
			items = items[:0]
		}
	}
	return put(ctx, items...)
}

// dump implements rows. It dumps what the sync is in format 1, whose columns the form
// of the text is made of.
func (r *pebbleRows) dump(ctx context.Context, syncID string, out *bufio.Writer) (err error) {
	dir, err := os.MkdirTemp(r.dir, "dump-*")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "dump.c1z")
	run := syncOf(r.store.Run(), nil)
	w, err := Create(ctx, Options{Path: path, WorkDir: dir, SyncID: run.ID, StartedAt: run.StartedAt, Keep: KeepNone})
	if err != nil {
		return err
	}
	if err := copyRows(ctx, &Reader{rows: r, path: r.path, format: FormatV3}, syncID, w); err != nil {
		return errors.Join(err, w.Abort())
	}
	if _, err := w.Finish(ctx, run); err != nil {
		return err
	}
	v1, err := Open(ctx, path, OpenOptions{TempDir: dir})
	if err != nil {
		return err
	}
	return errors.Join(v1.dump(ctx, syncID, out), v1.Close())
}
