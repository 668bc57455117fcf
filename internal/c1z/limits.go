package c1z

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What one row of an archive may have at most, in bytes. They are the limits that
// messages have on the wire (ids and names 1 KiB, descriptions 4 KiB, a message
// 4 MiB, which is what gRPC lets through), so that no connector can have sent more.
const (
	// maxID is for ids of resource types, resources and entitlements; those of grants
	// and of rows are put together from several.
	maxID          = 1 << 10
	maxKey         = 4 << 10
	maxName        = 1 << 10
	maxDescription = 4 << 10
	// maxValue is for a row, and so for each value in it.
	maxValue = 4 << 20
)

// fields says how long the fields of a message may be, by number; those that are
// not named are bounded by the message.
type fields map[protowire.Number]field

type field struct {
	name    string
	most    int    // 0 for a message
	message fields // nil for a text
}

// The messages of rows, as c1/connector/v2 numbers their fields.
//
//nolint:gochecknoglobals // Constants, but for the language.
var (
	resourceIDFields = fields{
		1: {name: "resource type ID", most: maxID},
		2: {name: "resource ID", most: maxID},
	}
	resourceFields = fields{
		1: {message: resourceIDFields},
		2: {message: resourceIDFields},
		3: {name: "display name", most: maxName},
		5: {name: "description", most: maxDescription},
	}
	resourceTypeFields = fields{
		1: {name: "resource type ID", most: maxID},
		2: {name: "display name", most: maxName},
		5: {name: "description", most: maxDescription},
	}
	entitlementFields = fields{
		1: {message: resourceFields},
		2: {name: "entitlement ID", most: maxID},
		3: {name: "display name", most: maxName},
		4: {name: "description", most: maxDescription},
		5: {message: resourceTypeFields},
		8: {name: "slug", most: maxName},
	}
	grantFields = fields{
		1: {message: entitlementFields},
		2: {message: resourceFields},
		3: {name: "grant ID", most: maxKey},
		5: {message: fields{1: {message: fields{1: {name: "entitlement ID of a source", most: maxID}}}}},
	}
)

// check refuses a message with a field that is too long or no text, before it is
// decoded.
func (f fields) check(data []byte) error {
	return eachField(data, func(n protowire.Number, v []byte) error {
		switch known := f[n]; {
		case known.message != nil:
			return known.message.check(v)
		case known.most > 0 && len(v) > known.most:
			return tooLong(known.name, len(v), known.most)
		case known.most > 0 && !utf8.Valid(v):
			return fmt.Errorf("%w: its %s is not UTF-8", ErrDamaged, known.name)
		}
		return nil
	})
}

// tooLong is the error for a value above its limit.
func tooLong(what string, size, most int) error {
	return fmt.Errorf("%w: its %s has %d bytes, more than the limit of %d", ErrDamaged, what, size, most)
}

// checkKeys refuses columns that are longer than any id.
func checkKeys(keys ...string) error {
	for _, key := range keys {
		if len(key) > maxKey {
			return tooLong("key", len(key), maxKey)
		}
	}
	return nil
}

// inRow says which row an error is about.
func inRow(t *table, id int64, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("row %d of table %s: %w", id, t.name, err)
}

// place finds the row that SQLite refused to read because of its size, and leaves
// every other error as it is.
func place(ctx context.Context, conn *sql.Conn, t *table, err error) error {
	if se, ok := errors.AsType[*sqlite.Error](err); !ok || se.Code()&0xff != sqlite3.SQLITE_TOOBIG {
		return err
	}
	sizes := make([]string, 0, len(t.columns))
	for _, c := range t.columns {
		if c.missing == "" {
			sizes = append(sizes, "coalesce(octet_length("+c.name+"), 0)")
		}
	}
	sum := strings.Join(sizes, " + ")
	var id int64
	var size int
	row := conn.QueryRowContext(ctx, fmt.Sprintf("select id, %[1]s from %[2]s where %[1]s > %[3]d order by id limit 1", sum, t.name, maxValue-maxKey))
	if row.Scan(&id, &size) != nil {
		return fmt.Errorf("%w: a row of table %s has more than %d bytes", ErrDamaged, t.name, maxValue)
	}
	return inRow(t, id, fmt.Errorf("%w: it has %d bytes, more than the limit of %d", ErrDamaged, size, maxValue))
}
