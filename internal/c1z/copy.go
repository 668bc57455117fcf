package c1z

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"google.golang.org/protobuf/proto"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// copyOld copies syncs from the old archive, and brings those of old programs to
// the form that the newest readers leave alone.
func (w *Writer) copyOld(ctx context.Context, syncs []SyncRun) error {
	if len(syncs) == 0 {
		return nil
	}
	steps := []struct {
		query string
		args  []any
	}{
		{"pragma cell_size_check = on", nil},
		{"attach database ? as old", []any{fileURL(w.old.unpacked, readOnly(url.Values{}))}},
		{"begin", nil},
	}
	for _, s := range steps {
		if err := w.exec(ctx, s.query, s.args...); err != nil {
			return err
		}
	}
	for _, s := range syncs {
		if err := w.copySync(ctx, s); err != nil {
			return fmt.Errorf("keep sync %s of the old archive %s: %w; move the file away or choose another", s.ID, w.path, damage(err))
		}
	}
	for _, q := range []string{"commit", "detach database old", "pragma cell_size_check = off"} {
		if err := w.exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) copySync(ctx context.Context, s SyncRun) error {
	for _, t := range w.schema.all() {
		src := w.old.source(t)
		if !src.exists {
			continue
		}
		var names, selected []string
		for _, c := range t.columns[1:] { // The row id is new.
			names = append(names, c.name)
			if t.name == w.schema.syncRuns.name && c.name == "grants_backfilled" {
				selected = append(selected, "1")
			} else {
				selected = append(selected, src.column(c.name))
			}
		}
		//nolint:gosec // The names are those of newSchema.
		query := "insert into main." + t.name + " (" + strings.Join(names, ", ") + ") select " + strings.Join(selected, ", ") +
			" from old." + t.name + " where +sync_id = ?"
		args := []any{s.ID}
		if unique, err := w.unique(ctx, t); err != nil {
			return err
		} else if !unique {
			query += " and id in (select max(id) from old." + t.name + " where sync_id = ? group by " + t.key + ")"
			args = append(args, s.ID)
		}
		query += " order by id"
		if _, err := w.conn.ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	if s.Backfilled {
		return nil
	}
	return w.backfill(ctx, s.ID)
}

// unique reports whether the old archive has the unique index that keeps ids of
// a table from being there twice.
func (w *Writer) unique(ctx context.Context, t *table) (bool, error) {
	var n int
	err := w.conn.QueryRowContext(ctx, `select count(*) from pragma_index_list(?, 'old') as list
		where list."unique" = 1 and list.partial = 0 and not exists (
			select 1 from pragma_index_info(list.name, 'old') as part where part.name not in (?, 'sync_id'))`,
		t.name, t.key).Scan(&n)
	return n > 0, err
}

// backfill moves the GrantExpandable annotations of a copied sync out of its
// messages, as the newest readers would at each opening.
func (w *Writer) backfill(ctx context.Context, syncID string) error {
	for last := int64(0); ; {
		rows, err := w.conn.QueryContext(ctx, `select id, data from main.v1_grants
			where +sync_id = ? and id > ? and expansion is null and instr(data, ?) > 0 order by id limit 100`,
			syncID, last, []byte(expandableURL))
		if err != nil {
			return err
		}
		found := map[int64][]byte{}
		for rows.Next() {
			var data []byte
			if err = rows.Scan(&last, &data); err != nil {
				break
			}
			found[last] = data
		}
		if err := firstError(err, rows.Err(), rows.Close()); err != nil {
			return err
		}
		if len(found) == 0 {
			return nil
		}
		for id, data := range found {
			if err := w.backfillGrant(ctx, id, data); err != nil {
				return err
			}
		}
	}
}

func (w *Writer) backfillGrant(ctx context.Context, id int64, data []byte) error {
	g := new(v2.Grant)
	if err := proto.Unmarshal(data, g); err != nil {
		return fmt.Errorf("decode Grant: %w", err)
	}
	stored, expansion, err := splitExpandable(g)
	if err != nil {
		return err
	}
	if data, err = (proto.MarshalOptions{Deterministic: true}).Marshal(stored); err != nil {
		return fmt.Errorf("encode Grant: %w", err)
	}
	query := "update main.v1_grants set data = ?, expansion = ?, needs_expansion = 1 where id = ?"
	args := []any{data, expansion, id}
	if expansion == nil {
		query, args = "update main.v1_grants set data = ? where id = ?", []any{data, id}
	}
	_, err = w.conn.ExecContext(ctx, query, args...)
	return err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
