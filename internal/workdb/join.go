package workdb

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// joinChunk is how many rows a listing within a join reads at once. No cursor is
// open while the join works on them, so that it can write.
const joinChunk = 500

// Join implements [syncer.Stage].
func (db *DB) Join(ctx context.Context, join func(syncer.JoinStore) error) error {
	// The caller's error is kept apart: it is not one of the database.
	var failed error
	err := db.do(ctx, "join", func(wctx context.Context, t *tx) error {
		start := db.now()
		if failed = join(&joinTx{db: db, ctx: wctx, tx: t}); failed != nil {
			return failed
		}
		if failed = ctx.Err(); failed != nil {
			return failed
		}
		return t.advance(wctx, syncer.PhaseJoining, syncer.PhaseWriting, db.now().Sub(start).Round(time.Microsecond))
	})
	if failed != nil {
		return failed
	}
	return err
}

// joinTx implements [syncer.JoinStore] on the transaction of a join. Its
// statements run under the writing goroutine's context, since one that is
// interrupted would end the transaction; the caller's is looked at between them.
type joinTx struct {
	db  *DB
	ctx context.Context //nolint:containedctx // it lives as long as the transaction.
	tx  *tx
}

func (j *joinTx) Facts(ctx context.Context, kind string) iter.Seq2[syncer.Fact, error] {
	return chunks(ctx, j, "read facts", func(s rowScanner) (f syncer.Fact, err error) {
		f.Kind = kind
		err = s.Scan(&f.Key, &f.Value)
		return f, err
	}, func(f syncer.Fact) string { return f.Key },
		`SELECT key, value FROM facts WHERE kind = ? ORDER BY key LIMIT ?`,
		`SELECT key, value FROM facts WHERE kind = ? AND key > ? ORDER BY key LIMIT ?`, kind)
}

func (j *joinTx) Resources(ctx context.Context, resourceType string) iter.Seq2[syncer.ResourceRow, error] {
	return chunks(ctx, j, "read resources", scanResource, func(r syncer.ResourceRow) string { return r.Ref.ID },
		`SELECT type, resource, name, data FROM live_resources WHERE type = ? ORDER BY resource LIMIT ?`,
		`SELECT type, resource, name, data FROM live_resources WHERE type = ? AND resource > ? ORDER BY resource LIMIT ?`, resourceType)
}

// chunks lists rows chunk by chunk in the order of a key.
func chunks[T any](ctx context.Context, j *joinTx, op string, scan func(rowScanner) (T, error), key func(T) string,
	first, next string, of string,
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q, args := first, []any{of, joinChunk}
		for {
			all := make([]T, 0, joinChunk)
			err := j.chunk(ctx, q, args, func(s rowScanner) error {
				v, err := scan(s)
				all = append(all, v)
				return err
			})
			if err != nil {
				var zero T
				yield(zero, j.db.fail(op, err))
				return
			}
			for _, v := range all {
				if !yield(v, nil) {
					return
				}
			}
			if len(all) < joinChunk {
				return
			}
			q, args = next, []any{of, key(all[len(all)-1]), joinChunk}
		}
	}
}

func (j *joinTx) chunk(ctx context.Context, q string, args []any, add func(rowScanner) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s, err := j.tx.stmt(j.ctx, q)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(j.ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := add(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (j *joinTx) Has(ctx context.Context, ref syncer.Ref) (bool, error) {
	var one int
	err := j.tx.row(j.ctx, `SELECT 1 FROM live_resources WHERE type = ? AND resource = ?`, ref.Type, ref.ID).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, ctx.Err()
	}
	return err == nil, j.db.fail("find a resource", err)
}

func (j *joinTx) Put(ctx context.Context, rows ...syncer.ResourceRow) error {
	for _, r := range rows {
		if err := j.tx.putResource(j.ctx, r); err != nil {
			return j.db.fail("store a resource", err)
		}
	}
	return ctx.Err()
}

func (j *joinTx) Alias(ctx context.Context, from, to syncer.Ref) error {
	err := j.tx.exec(j.ctx, `INSERT INTO aliases (type, resource, to_type, to_resource) VALUES (?, ?, ?, ?)
		ON CONFLICT (type, resource) DO UPDATE SET to_type = excluded.to_type, to_resource = excluded.to_resource`,
		from.Type, from.ID, to.Type, to.ID)
	return errors.Join(j.db.fail("store an alias", err), ctx.Err())
}

func (j *joinTx) Blocks(ctx context.Context, resourceType string) iter.Seq2[syncer.OwnedBlock, error] {
	type row struct {
		syncer.OwnedBlock
		id string
	}
	const q = `SELECT g.id, g.entitlement, g.count, g.expandable, g.data, e.type, e.resource
		FROM grants g JOIN entitlements e ON e.entitlement = g.entitlement
		JOIN live_resources r ON r.type = e.type AND r.resource = e.resource WHERE e.type = ? `
	rows := chunks(ctx, j, "read grants", func(s rowScanner) (r row, err error) {
		err = s.Scan(&r.id, &r.Entitlement, &r.Count, &r.Expandable, &r.Data, &r.Resource.Type, &r.Resource.ID)
		return r, err
	}, func(r row) string { return r.id }, q+`ORDER BY g.id LIMIT ?`, q+`AND g.id > CAST(? AS INTEGER) ORDER BY g.id LIMIT ?`, resourceType)
	return func(yield func(syncer.OwnedBlock, error) bool) {
		for r, err := range rows {
			if !yield(r.OwnedBlock, err) {
				return
			}
		}
	}
}

func (j *joinTx) PutBlocks(ctx context.Context, blocks ...syncer.GrantBlock) error {
	for _, g := range blocks {
		if err := j.tx.putBlock(j.ctx, g); err != nil {
			return j.db.fail("store grants", err)
		}
	}
	return ctx.Err()
}

func (j *joinTx) AnnotateGrants(ctx context.Context, rows ...syncer.GrantAnnotationsRow) error {
	for _, r := range rows {
		if err := j.tx.exec(j.ctx, `INSERT OR REPLACE INTO grant_annotations (entitlement, data) VALUES (?, ?)`, r.Entitlement, r.Data); err != nil {
			return j.db.fail("store annotations of grants", err)
		}
	}
	return ctx.Err()
}

func (j *joinTx) Remark(ctx context.Context, remarks ...string) error {
	for _, r := range remarks {
		if err := j.tx.remark(j.ctx, r); err != nil {
			return j.db.fail("store a remark", err)
		}
	}
	return ctx.Err()
}
