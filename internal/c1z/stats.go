package c1z

import (
	"context"
	"database/sql"
	"fmt"
)

// Stats counts the rows of a sync afresh, without regard to what the file says
// of them; [SyncRun.Stats] is that.
func (r *sqliteRows) Stats(ctx context.Context, syncID string) (Stats, error) {
	var s Stats
	if r.db == nil {
		return s, nil
	}
	conn, err := r.conn(ctx)
	if err != nil {
		return s, r.fail(err)
	}
	defer conn.Close()
	c := counter{conn: conn, syncID: syncID}
	s.ResourceTypes = c.total(ctx, r.source(&r.schema.resourceTypes))
	s.Assets = c.total(ctx, r.source(&r.schema.assets))
	s.Resources, s.ResourcesByType = c.byType(ctx, r.source(&r.schema.resources))
	s.Entitlements, s.EntitlementsByType = c.byType(ctx, r.source(&r.schema.entitlements))
	s.Grants, s.GrantsByType = c.byType(ctx, r.source(&r.schema.grants))
	if c.err != nil {
		return Stats{}, r.fail(c.err)
	}
	return s, nil
}

// counter counts rows and keeps the first error.
type counter struct {
	conn   *sql.Conn
	syncID string
	err    error
}

func (c *counter) total(ctx context.Context, src source) int64 { return c.where(ctx, src, "true") }

// where counts the rows of which an expression of SQL holds.
func (c *counter) where(ctx context.Context, src source, holds string) int64 {
	var n int64
	if src.exists && c.err == nil {
		c.err = c.conn.QueryRowContext(ctx, fmt.Sprintf("select count(*) from %s where sync_id = ? and (%s)", src.table.name, holds), c.syncID).Scan(&n)
	}
	return n
}

func (c *counter) byType(ctx context.Context, src source) (int64, map[string]int64) {
	if !src.exists || c.err != nil {
		return 0, nil
	}
	rows, err := c.conn.QueryContext(ctx, fmt.Sprintf(
		"select resource_type_id, count(*) from %s where sync_id = ? group by resource_type_id limit %d",
		src.table.name, maxTypes), c.syncID)
	if err != nil {
		c.err = err
		return 0, nil
	}
	defer rows.Close()
	var total int64
	counts := map[string]int64{}
	for rows.Next() {
		var id string
		var n int64
		if c.err = rows.Scan(&id, &n); c.err != nil {
			return 0, nil
		}
		counts[id] = n
		total += n
	}
	c.err = rows.Err()
	if total == 0 {
		return 0, nil
	}
	return total, counts
}

// maxTypes bounds the resource types that are counted one by one.
const maxTypes = 100_000
