package c1z

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// copyOld copies syncs from the old archive, and brings those of old programs to
// the form that the newest readers leave alone.
func (w *Writer) copyOld(ctx context.Context, syncs []SyncRun) error {
	for _, s := range syncs {
		if err := w.copySync(ctx, s); err != nil {
			return advise(fmt.Errorf("keep sync %s of the old archive %s: %w", s.ID, w.path, err))
		}
	}
	return nil
}

func (w *Writer) copySync(ctx context.Context, s SyncRun) error {
	conn, err := w.old.conn(ctx)
	if err != nil {
		return damage(err)
	}
	defer conn.Close()
	for _, t := range w.schema.all() {
		src := w.old.source(t)
		if !src.exists {
			continue
		}
		if err := w.copyTable(ctx, conn, src, s); err != nil {
			return err
		}
	}
	return nil
}

// copyTable copies the rows of a sync in their order. Of rows with the same
// external id, which can be there where a file lacks its unique index, the last
// one counts.
func (w *Writer) copyTable(ctx context.Context, conn *sql.Conn, src source, s SyncRun) error {
	t := src.table
	var selected []string
	for _, c := range t.columns[1:] { // The row id is new.
		value := src.column(c.name)
		if strings.HasPrefix(c.decl, "datetime") { // The driver would make a time of it.
			value = "cast(" + value + " as text)"
		}
		selected = append(selected, value)
	}
	query := fmt.Sprintf("select %s from %s where +sync_id = ?", strings.Join(selected, ", "), t.name)
	args := []any{s.ID}
	unique, err := isUnique(ctx, conn, t)
	if err != nil {
		return damage(err)
	}
	if !unique {
		query += fmt.Sprintf(" and id in (select max(id) from %s where sync_id = ? group by %s)", t.name, t.key)
		args = append(args, s.ID)
	}
	rows, err := conn.QueryContext(ctx, query+" order by id", args...)
	if err != nil {
		return damage(err)
	}
	defer rows.Close()
	values, dest := make([]any, len(selected)), make([]any, len(selected))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return damage(err)
		}
		if err := w.bring(t, s, values); err != nil {
			return err
		}
		if err := w.copyRow(t, values); err != nil {
			return err
		}
	}
	return damage(rows.Err())
}

// isUnique reports whether a file has the unique index that keeps ids of a table
// from being there twice.
func isUnique(ctx context.Context, conn *sql.Conn, t *table) (bool, error) {
	var n int
	err := conn.QueryRowContext(ctx, `select count(*) from pragma_index_list(?) as list
		where list."unique" = 1 and list.partial = 0 and not exists (
			select 1 from pragma_index_info(list.name) as part where part.name not in (?, 'sync_id'))`,
		t.name, t.key).Scan(&n)
	return n > 0, err
}

// bring brings a row to the newest form: expansions move out of the messages of
// grants, as the newest readers would move them at each opening.
func (w *Writer) bring(t *table, s SyncRun, values []any) error {
	if s.Backfilled {
		return nil
	}
	switch t.number {
	case w.schema.syncRuns.number:
		values[t.place("grants_backfilled")] = int64(1)
	case w.schema.grants.number:
		at, data := t.place("expansion"), t.place("data")
		blob, ok := values[data].([]byte)
		if !ok || values[at] != nil || !bytes.Contains(blob, []byte(expandableURL)) {
			return nil
		}
		g := new(v2.Grant)
		if err := proto.Unmarshal(blob, g); err != nil {
			return fmt.Errorf("%w: decode Grant: %w", ErrDamaged, err)
		}
		stored, expansion, err := splitExpandable(g)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if values[data], err = (proto.MarshalOptions{Deterministic: true}).Marshal(stored); err != nil {
			return fmt.Errorf("encode Grant: %w", err)
		}
		if expansion != nil {
			values[at], values[t.place("needs_expansion")] = expansion, int64(1)
		}
	}
	return nil
}

// copyRow stores a row of values as they came from a database.
func (w *Writer) copyRow(t *table, values []any) error {
	r := &w.row
	r.Reset()
	for i, value := range values {
		switch v := value.(type) {
		case string:
			r.Text(v)
		case []byte:
			r.Blob(v)
		case int64:
			r.Int(v)
		case nil:
			if c := t.columns[i+1]; strings.Contains(c.decl, "not null") {
				return fmt.Errorf("%w: column %s of table %s has no value", ErrDamaged, c.name, t.name)
			}
			r.Null()
		default:
			return fmt.Errorf("%w: column %s of table %s has a value of type %T", ErrDamaged, t.columns[i+1].name, t.name, v)
		}
	}
	return w.store(t)
}
