package c1z

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"
)

// dumpHeader is the first line of a canonical dump. Its number changes with the
// form of the lines below it.
const dumpHeader = "baton canonical dump 1\n"

func (r *sqliteRows) dump(ctx context.Context, syncID string, out *bufio.Writer) error {
	for _, t := range r.schema.all() {
		src := r.source(t)
		if !src.exists {
			continue
		}
		if err := r.dumpTable(ctx, src, syncID, out); err != nil {
			return err
		}
	}
	return nil
}

// dumpTable streams one table. The unique index on the key gives the order;
// where a file lacks it, SQLite sorts in a temporary file.
func (r *sqliteRows) dumpTable(ctx context.Context, src source, syncID string, out *bufio.Writer) error {
	conn, err := r.conn(ctx)
	if err != nil {
		return r.fail(err)
	}
	defer conn.Close()
	var names, selected []string
	for _, c := range src.table.columns {
		if !c.run {
			names = append(names, c.name)
			selected = append(selected, dumpColumn(src, c.name))
		}
	}
	rows, err := conn.QueryContext(ctx, fmt.Sprintf("select %s from %s where sync_id = ? order by %s, id",
		strings.Join(selected, ", "), src.table.name, src.table.key), syncID)
	if err != nil {
		return r.fail(err)
	}
	defer rows.Close()
	values := make([]any, len(names))
	dest := make([]any, len(names))
	for i := range values {
		dest[i] = &values[i]
	}
	var line []byte
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return r.fail(err)
		}
		line = append(line[:0], src.table.name...)
		for i, v := range values {
			line = append(line, '\t')
			line = append(line, names[i]...)
			line = append(line, '=')
			line = appendValue(line, v)
		}
		line = append(line, '\n')
		if _, err := out.Write(line); err != nil {
			return fmt.Errorf("write dump: %w", err)
		}
	}
	return r.fail(rows.Err())
}

// dumpColumn is the SQL for a column in a dump.
func dumpColumn(src source, name string) string {
	switch name {
	case "parent_sync_id", "linked_sync_id":
		return "(" + src.column(name) + " <> '')"
	default:
		return src.column(name)
	}
}

func appendValue(line []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(line, "null"...)
	case int64:
		return strconv.AppendInt(line, v, 10)
	case string:
		return strconv.AppendQuote(line, v)
	case []byte:
		return strconv.AppendQuote(line, string(v))
	default:
		return fmt.Appendf(line, "%v", v)
	}
}
