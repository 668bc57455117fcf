package c1z

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// copyOld copies syncs from the old archive, and brings those of old programs to
// the form that the newest readers leave alone. It returns those that it left out,
// because a row of them cannot be read.
func (w *sqliteBuild) copyOld(ctx context.Context, syncs []SyncRun) (damaged []SyncRun, err error) {
	for _, s := range syncs {
		mark, err := w.file.Mark()
		if err != nil {
			return nil, fmt.Errorf("write in %s: %w", w.dir, err)
		}
		indexBytes := w.indexBytes
		err = w.copySync(ctx, s)
		if errors.Is(err, ErrDamaged) {
			w.opts.Logger.WarnContext(ctx, "previous sync not kept: it cannot be read", "path", w.path, "sync_id", s.ID, "ended_at", s.EndedAt, "error", err)
			damaged = append(damaged, s)
			w.indexBytes = indexBytes
			if err := w.file.Reset(mark); err != nil {
				return nil, fmt.Errorf("write in %s: %w", w.dir, err)
			}
			continue
		}
		if err != nil {
			return nil, advise(fmt.Errorf("keep sync %s of the previous archive %s: %w", s.ID, w.path, err))
		}
	}
	return damaged, nil
}

func (w *sqliteBuild) copySync(ctx context.Context, s SyncRun) error {
	old, ok := w.old.rows.(*sqliteRows)
	if !ok {
		return errors.New("copy a sync: the old archive is of another format")
	}
	conn, err := old.conn(ctx)
	if err != nil {
		return damage(err)
	}
	defer conn.Close()
	for _, t := range w.schema.all() {
		src := old.source(t)
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
func (w *sqliteBuild) copyTable(ctx context.Context, conn *sql.Conn, src source, s SyncRun) error {
	t := src.table
	var selected []string
	for _, c := range t.columns[1:] { // The row id is new.
		value := src.column(c.name)
		if strings.HasPrefix(c.decl, "datetime") { // The driver would make a time of it.
			value = "cast(" + value + " as text)"
		}
		selected = append(selected, value)
	}
	query := fmt.Sprintf("select id, %s from %s where +sync_id = ?", strings.Join(selected, ", "), t.name)
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
		return damage(place(ctx, conn, t, err))
	}
	defer rows.Close()
	var id int64
	values, dest := make([]any, len(selected)), []any{&id}
	for i := range values {
		dest = append(dest, &values[i])
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return damage(inRow(t, id, err))
		}
		if err := errors.Join(t.readable(values), w.bring(t, s, values)); err != nil {
			return damage(inRow(t, id, err))
		}
		if err := w.copyRow(t, values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return damage(place(ctx, conn, t, errors.Join(err, rows.Close())))
	}
	return nil
}

// readable refuses a row that readers cannot decode, or that is not what its
// columns say. Grants, which are many, are walked through and not decoded.
func (t *table) readable(values []any) error {
	if t.limits == nil {
		return nil
	}
	data, ok := values[t.place("data")].([]byte)
	if !ok {
		return fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	text := func(column string) string {
		s, _ := values[t.place(column)].(string)
		return s
	}
	key := text("external_id")
	var id string
	switch t.name {
	case "v1_resource_types":
		m, _, err := decodeMessage[v2.ResourceType](data, t.limits)
		if err != nil {
			return err
		}
		id = m.GetId()
	case "v1_resources":
		m, _, err := decodeMessage[v2.Resource](data, t.limits)
		if err != nil {
			return err
		}
		id = resourceKey(m.GetId().GetResourceType(), m.GetId().GetResource())
	case "v1_entitlements":
		m, _, err := decodeMessage[v2.Entitlement](data, t.limits)
		if err != nil {
			return err
		}
		id = m.GetId()
	default:
		if err := t.limits.check(data); err != nil {
			return err
		}
		var g GrantEdge
		if err := errors.Join(g.decode(data), g.check()); err != nil {
			return err
		}
		id = string(g.ID)
	}
	if id != key {
		return fmt.Errorf("%w: it is of %q by its message and of %q by its column", ErrDamaged, id, key)
	}
	return nil
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
func (w *sqliteBuild) bring(t *table, s SyncRun, values []any) error {
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
func (w *sqliteBuild) copyRow(t *table, values []any) error {
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
