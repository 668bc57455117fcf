package workdb

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// query lists the rows of a query, as far as they are asked for.
func query[T any](ctx context.Context, db *DB, op string, scan func(rowScanner) (T, error), q string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		rows, err := db.pool.QueryContext(ctx, q, args...)
		if err != nil {
			yield(zero, db.readError(ctx, op, err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			v, err := scan(rows)
			if err != nil {
				yield(zero, db.readError(ctx, op, err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(zero, db.readError(ctx, op, err))
		}
	}
}

// readError tells an interrupted query from a failed one.
func (db *DB) readError(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-db.closing:
		return ErrClosed
	default:
		return db.fail(op, err)
	}
}

// collect gathers what a query yields.
func collect[T any](rows iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for v, err := range rows {
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Resources implements [syncer.Rows].
func (db *DB) Resources(ctx context.Context, names bool) iter.Seq2[syncer.ResourceRow, error] {
	q := `SELECT type, resource, name, data FROM live_resources ORDER BY type, resource`
	if names {
		q = `SELECT type, resource, name, x'' FROM live_resources ORDER BY type, resource`
	}
	return query(ctx, db, "read resources", scanResource, q)
}

func scanResource(s rowScanner) (r syncer.ResourceRow, err error) {
	err = s.Scan(&r.Ref.Type, &r.Ref.ID, &r.Name, &r.Data)
	return r, err
}

// Entitlements implements [syncer.Rows].
func (db *DB) Entitlements(ctx context.Context) iter.Seq2[syncer.EntitlementRow, error] {
	return query(ctx, db, "read entitlements", func(s rowScanner) (e syncer.EntitlementRow, err error) {
		err = s.Scan(&e.ID, &e.Resource.Type, &e.Resource.ID, &e.Data, &e.ResourceName, &e.ResourceData)
		return e, err
	}, `SELECT e.entitlement, e.type, e.resource, e.data, coalesce(r.name, ''), coalesce(r.data, x'')
		FROM live_entitlements e LEFT JOIN resources r ON r.type = e.type AND r.resource = e.resource ORDER BY e.entitlement`)
}

// GrantAnnotations implements [syncer.Rows].
func (db *DB) GrantAnnotations(ctx context.Context, entitlement string) (syncer.GrantAnnotationsRow, error) {
	found, err := collect(query(ctx, db, "read annotations of grants", func(s rowScanner) (r syncer.GrantAnnotationsRow, err error) {
		err = s.Scan(&r.Entitlement, &r.Data)
		return r, err
	}, `SELECT entitlement, data FROM grant_annotations WHERE entitlement = ?`, entitlement))
	if err != nil || len(found) == 0 {
		return syncer.GrantAnnotationsRow{}, err
	}
	return found[0], nil
}

// Blocks implements [syncer.Rows].
func (db *DB) Blocks(ctx context.Context, entitlement string) ([]syncer.GrantBlock, error) {
	return collect(query(ctx, db, "read grants", scanBlock,
		`SELECT entitlement, count, expandable, data FROM grants WHERE entitlement = ? ORDER BY id`, entitlement))
}

// AllBlocks implements [syncer.Rows].
func (db *DB) AllBlocks(ctx context.Context) iter.Seq2[syncer.GrantBlock, error] {
	return query(ctx, db, "read grants", scanBlock, `SELECT entitlement, count, expandable, data FROM grants g
		WHERE EXISTS (SELECT 1 FROM live_entitlements e WHERE e.entitlement = g.entitlement) ORDER BY id`)
}

func scanBlock(s rowScanner) (b syncer.GrantBlock, err error) {
	err = s.Scan(&b.Entitlement, &b.Count, &b.Expandable, &b.Data)
	return b, err
}

// Expandable implements [syncer.Rows].
func (db *DB) Expandable(ctx context.Context) ([]string, error) {
	return collect(query(ctx, db, "read expandable grants", scanString, `SELECT DISTINCT entitlement FROM grants g
		WHERE expandable > 0 AND EXISTS (SELECT 1 FROM live_entitlements e WHERE e.entitlement = g.entitlement)
		ORDER BY entitlement`))
}

// UnknownEntitlement implements [syncer.Rows].
func (db *DB) UnknownEntitlement(ctx context.Context) (string, bool, error) {
	ids, err := collect(query(ctx, db, "check entitlements", scanString, `SELECT entitlement FROM grants g
		WHERE NOT EXISTS (SELECT 1 FROM entitlements e WHERE e.entitlement = g.entitlement)
		ORDER BY entitlement LIMIT 1`))
	if err != nil || len(ids) == 0 {
		return "", false, err
	}
	return ids[0], true, nil
}

// Aliases implements [syncer.Rows].
func (db *DB) Aliases(ctx context.Context) (map[syncer.Ref]syncer.Ref, error) {
	type alias struct{ from, to syncer.Ref }
	rows := query(ctx, db, "read aliases", func(s rowScanner) (a alias, err error) {
		err = s.Scan(&a.from.Type, &a.from.ID, &a.to.Type, &a.to.ID)
		return a, err
	}, `SELECT type, resource, to_type, to_resource FROM aliases`)
	aliases := map[syncer.Ref]syncer.Ref{}
	for a, err := range rows {
		if err != nil {
			return nil, err
		}
		aliases[a.from] = a.to
	}
	return aliases, nil
}

// Vanished implements [syncer.Rows].
func (db *DB) Vanished(ctx context.Context) ([]syncer.Ref, error) {
	return collect(query(ctx, db, "read vanished resources", scanRef, `SELECT type, resource FROM vanished ORDER BY type, resource`))
}

// AbsentPrincipals implements [syncer.Rows].
func (db *DB) AbsentPrincipals(ctx context.Context) ([]syncer.Ref, error) {
	return collect(query(ctx, db, "read absent principals", scanRef, `SELECT type, resource FROM absent ORDER BY type, resource`))
}

// VanishedGrants implements [syncer.Rows].
func (db *DB) VanishedGrants(ctx context.Context) (int64, error) {
	n, err := collect(query(ctx, db, "count grants", func(s rowScanner) (n int64, err error) {
		err = s.Scan(&n)
		return n, err
	}, `SELECT coalesce(sum(count), 0) FROM grants g WHERE EXISTS (SELECT 1 FROM entitlements e
		JOIN vanished v ON v.type = e.type AND v.resource = e.resource WHERE e.entitlement = g.entitlement)`))
	return firstOr(n, 0), err
}

// Remarks implements [syncer.Rows].
func (db *DB) Remarks(ctx context.Context) ([]string, error) {
	return collect(query(ctx, db, "read remarks", scanString, `SELECT remark FROM remarks ORDER BY remark`))
}

// Counters implements [syncer.Rows].
func (db *DB) Counters(ctx context.Context) (map[string]int64, error) {
	type counter struct {
		name  string
		value int64
	}
	counters := map[string]int64{}
	for c, err := range query(ctx, db, "read counters", func(s rowScanner) (c counter, err error) {
		err = s.Scan(&c.name, &c.value)
		return c, err
	}, `SELECT name, value FROM counters`) {
		if err != nil {
			return nil, err
		}
		counters[c.name] = c.value
	}
	return counters, nil
}

// Durations implements [syncer.Rows].
func (db *DB) Durations(ctx context.Context) (map[syncer.Phase]time.Duration, error) {
	counters, err := db.Counters(ctx)
	if err != nil {
		return nil, err
	}
	took := map[syncer.Phase]time.Duration{}
	for _, p := range []syncer.Phase{syncer.PhaseReading, syncer.PhaseLookup, syncer.PhaseJoining} {
		if n, ok := counters[metaTook+string(p)]; ok {
			took[p] = time.Duration(n)
		}
	}
	return took, nil
}

// Load implements [syncer.Spill].
func (db *DB) Load(ctx context.Context, key string) ([]byte, error) {
	values, err := collect(query(ctx, db, "read a set", func(s rowScanner) (v []byte, err error) {
		err = s.Scan(&v)
		return v, err
	}, `SELECT value FROM spill WHERE key = ?`, key))
	if err != nil {
		return nil, err
	}
	if len(values) == 0 {
		return nil, db.fail("read a set", errors.New("no value under "+key))
	}
	return values[0], nil
}

func scanString(s rowScanner) (v string, err error) { err = s.Scan(&v); return v, err }

func scanRef(s rowScanner) (r syncer.Ref, err error) { err = s.Scan(&r.Type, &r.ID); return r, err }

func firstOr[T any](all []T, other T) T {
	if len(all) == 0 {
		return other
	}
	return all[0]
}

// blob makes nil an empty value, which is not NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
