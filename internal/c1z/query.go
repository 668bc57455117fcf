package c1z

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
)

// How much of a list is read at a time. No connection is held in between, so
// that lists may be read within lists.
const (
	pageRows  = 1000
	pageBytes = 4 << 20
)

// source is one of the tables as a file has it.
type source struct {
	table   *table
	columns map[string]bool
	exists  bool
}

func (r *sqliteRows) source(t *table) source {
	columns, ok := r.columns[t.name]
	return source{table: t, columns: columns, exists: ok}
}

// column is the SQL for a column, or for what stands for it where the file is
// too old to have it.
func (s source) column(name string) string {
	if s.columns[name] {
		return name
	}
	for _, c := range s.table.columns {
		if c.name == name {
			return c.missing
		}
	}
	return "null"
}

// list is a query for rows of one table in the order of their row ids.
type list struct {
	source
	columns []string
	where   []string
	args    []any
}

// and adds a condition.
func (l *list) and(cond string, args ...any) {
	l.where = append(l.where, cond)
	l.args = append(l.args, args...)
}

// sql is the query for one page: the row id, then the columns.
func (l *list) sql() string {
	selected := []string{"id"}
	for _, c := range l.columns {
		selected = append(selected, l.column(c))
	}
	conditions := append([]string{"id > ?"}, l.where...)
	return fmt.Sprintf("select %s from %s where %s order by id limit %d",
		strings.Join(selected, ", "), l.table.name, strings.Join(conditions, " and "), pageRows)
}

// scanner is a row that is read: it scans the columns of a list and tells how
// many bytes it took.
type scanner[T any] func(scan func(...any) error) (T, int, error)

// pages reads a list. A page ends early when its values are large.
func pages[T any](ctx context.Context, r *sqliteRows, l list, scan scanner[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if !l.exists {
			return
		}
		query := l.sql()
		after := int64(math.MinInt64)
		for {
			items, last, more, err := page(ctx, r, l.table, query, append([]any{after}, l.args...), scan)
			if err != nil {
				var zero T
				yield(zero, r.fail(err))
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if !more {
				return
			}
			after = last
		}
	}
}

// page reads one page, the last row id in it, and whether more may follow.
func page[T any](ctx context.Context, r *sqliteRows, t *table, query string, args []any, scan scanner[T]) ([]T, int64, bool, error) {
	conn, err := r.conn(ctx)
	if err != nil {
		return nil, 0, false, err
	}
	defer conn.Close()
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, 0, false, place(ctx, conn, t, err)
	}
	defer rows.Close()
	var items []T
	var id int64
	size := 0
	for rows.Next() {
		item, n, err := scan(func(dest ...any) error { return rows.Scan(append([]any{&id}, dest...)...) })
		if err != nil {
			return nil, 0, false, inRow(t, id, err)
		}
		items = append(items, item)
		if size += n; size >= pageBytes {
			return items, id, true, nil
		}
	}
	if err := rows.Err(); err != nil {
		return nil, 0, false, place(ctx, conn, t, errors.Join(err, rows.Close()))
	}
	return items, id, len(items) == pageRows, nil
}

// one reads the newest row with an external id.
func one[T any](ctx context.Context, r *sqliteRows, src source, columns []string, syncID, id string, scan scanner[T]) (T, error) {
	var zero T
	if !src.exists {
		return zero, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	conn, err := r.conn(ctx)
	if err != nil {
		return zero, r.fail(err)
	}
	defer conn.Close()
	selected := make([]string, len(columns))
	for i, c := range columns {
		selected[i] = src.column(c)
	}
	row := conn.QueryRowContext(ctx, fmt.Sprintf("select %s from %s where external_id = ? and sync_id = ? order by id desc limit 1",
		strings.Join(selected, ", "), src.table.name), id, syncID)
	item, _, err := scan(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return zero, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	if err != nil {
		return zero, r.fail(place(ctx, conn, src.table, err))
	}
	return item, nil
}
