package c1z

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// What a database from elsewhere may have at most before SQLite is let at it.
// Archives have some twenty objects in a schema of a few kilobytes.
const (
	maxSchemaBytes = 1 << 20
	maxSchemaPages = 512
	maxSchemaDepth = 8
	// quickCheckSize is the size up to which a database is checked as a whole when
	// it is opened; a larger one is checked page by page as it is read.
	quickCheckSize = 32 << 20
)

// Places in the 100 bytes of a database header, and of the b-tree page headers
// (SQLite database file format, sections 1.3 and 1.6).
const (
	dbHeaderSize   = 100
	offPageSize    = 16
	offWriteFormat = 18
	offReadFormat  = 19
	pageLeaf       = 0x0d
	pageInterior   = 0x05
)

// inspectFile looks at the bytes of an unpacked database before SQLite does:
// SQLite reads the whole schema into memory, so its size is bounded here. A mark
// of the WAL journal, which the file would need companions for, is taken out.
func inspectFile(f *os.File, size int64) error {
	var head [dbHeaderSize]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: its database is truncated", ErrDamaged)
		}
		return fmt.Errorf("read unpacked archive: %w", err)
	}
	pageBytes := int64(binary.BigEndian.Uint16(head[offPageSize:]))
	if pageBytes == 1 {
		pageBytes = 1 << 16
	}
	if pageBytes < 512 || pageBytes&(pageBytes-1) != 0 || size%pageBytes != 0 {
		return fmt.Errorf("%w: its database is not a whole number of pages", ErrDamaged)
	}
	walk := schemaWalk{f: f, page: pageBytes, pages: size / pageBytes}
	if err := walk.visit(1, 0); err != nil {
		return err
	}
	if head[offWriteFormat] == 2 || head[offReadFormat] == 2 {
		if _, err := f.WriteAt([]byte{1, 1}, offWriteFormat); err != nil {
			return fmt.Errorf("prepare unpacked archive: %w", err)
		}
	}
	return nil
}

// schemaWalk adds up the schema table, whose root is page 1.
type schemaWalk struct {
	f           *os.File
	page, pages int64
	visited     int
	bytes       uint64
}

func (w *schemaWalk) visit(page int64, depth int) error {
	w.visited++
	if page < 1 || page > w.pages || depth > maxSchemaDepth || w.visited > maxSchemaPages {
		return fmt.Errorf("%w: its schema is out of bounds", ErrDamaged)
	}
	buf := make([]byte, w.page)
	if _, err := w.f.ReadAt(buf, (page-1)*w.page); err != nil {
		return fmt.Errorf("read unpacked archive: %w", err)
	}
	start := 0
	if page == 1 {
		start = dbHeaderSize
	}
	kind, cells := buf[start], int(binary.BigEndian.Uint16(buf[start+3:]))
	pointers := start + 8
	if kind == pageInterior {
		pointers += 4
	}
	if kind != pageLeaf && kind != pageInterior || pointers+2*cells > len(buf) {
		return fmt.Errorf("%w: its schema is not a table", ErrDamaged)
	}
	for i := range cells {
		cell := int(binary.BigEndian.Uint16(buf[pointers+2*i:]))
		if cell+4 > len(buf) {
			return fmt.Errorf("%w: its schema is out of bounds", ErrDamaged)
		}
		if kind == pageInterior {
			if err := w.visit(int64(binary.BigEndian.Uint32(buf[cell:])), depth+1); err != nil {
				return err
			}
			continue
		}
		n := varint(buf[cell:])
		w.bytes += n
		if n > maxSchemaBytes || w.bytes > maxSchemaBytes {
			return fmt.Errorf("%w: its schema is larger than %d bytes", ErrDamaged, maxSchemaBytes)
		}
	}
	if kind == pageInterior {
		return w.visit(int64(binary.BigEndian.Uint32(buf[start+8:])), depth+1)
	}
	return nil
}

// varint decodes SQLite's big-endian variable-length integer. Of one that is cut
// short, it returns the largest number.
func varint(b []byte) uint64 {
	var v uint64
	for i := range 9 {
		if i == len(b) {
			return 1<<64 - 1
		}
		if i == 8 {
			return v<<8 | uint64(b[i])
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i]&0x80 == 0 {
			break
		}
	}
	return v
}

// columnSet says which columns each of our tables has in a file; a table that
// the file lacks has no entry.
type columnSet map[string]map[string]bool

// inspectSchema refuses a database that holds anything but tables and indexes,
// or one of our tables in a shape that cannot be paged by row id.
func inspectSchema(ctx context.Context, conn *sql.Conn, s *schema) (columnSet, error) {
	if err := inspectObjects(ctx, conn); err != nil {
		return nil, err
	}
	found := columnSet{}
	for _, t := range s.all() {
		columns, err := inspectTable(ctx, conn, t)
		if err != nil {
			return nil, err
		}
		if columns != nil {
			found[t.name] = columns
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: its database is of another program", ErrDamaged)
	}
	return found, nil
}

func inspectObjects(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, "select type, name, coalesce(sql, '') from sqlite_schema")
	if err != nil {
		return damage(err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, name, text string
		if err := rows.Scan(&kind, &name, &text); err != nil {
			return damage(err)
		}
		virtual := strings.Contains(strings.ToLower(text), "virtual")
		if kind != "table" && kind != "index" || kind == "table" && virtual {
			return fmt.Errorf("%w: its database contains a %s, %q, which archives never do", ErrDamaged, kind, name)
		}
	}
	return damage(rows.Err())
}

// inspectTable returns the columns of a table, nil when there is no such table.
func inspectTable(ctx context.Context, conn *sql.Conn, t *table) (map[string]bool, error) {
	var withoutRowID int
	err := conn.QueryRowContext(ctx, "select wr from pragma_table_list where schema = 'main' and name = ?", t.name).Scan(&withoutRowID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // No table is not a fault: readers take files of every age.
	}
	if err != nil {
		return nil, damage(err)
	}
	rows, err := conn.QueryContext(ctx, "select name, type, pk, hidden from pragma_table_xinfo(?)", t.name)
	if err != nil {
		return nil, damage(err)
	}
	defer rows.Close()
	columns, paged := map[string]bool{}, withoutRowID == 0
	for rows.Next() {
		var name, kind string
		var pk, hidden int
		if err := rows.Scan(&name, &kind, &pk, &hidden); err != nil {
			return nil, damage(err)
		}
		if hidden != 0 {
			return nil, fmt.Errorf("%w: column %q of table %s is computed", ErrDamaged, name, t.name)
		}
		if name == "id" && (pk != 1 || !strings.EqualFold(kind, "integer")) || name != "id" && pk != 0 {
			paged = false
		}
		columns[name] = true
	}
	if err := rows.Err(); err != nil {
		return nil, damage(err)
	}
	for _, c := range t.columns {
		if c.missing == "" && !columns[c.name] {
			return nil, fmt.Errorf("%w: table %s has no column %s", ErrDamaged, t.name, c.name)
		}
	}
	if !paged {
		return nil, fmt.Errorf("%w: table %s has no row ids", ErrDamaged, t.name)
	}
	return columns, nil
}

// quickCheck lets SQLite look over the whole file.
func quickCheck(ctx context.Context, conn *sql.Conn) error {
	var result string
	if err := conn.QueryRowContext(ctx, "pragma quick_check(1)").Scan(&result); err != nil {
		return damage(err)
	}
	if result != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, result)
	}
	return nil
}
