package sheet

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

func writeJSON(w io.Writer, d Document) error {
	out := bufio.NewWriter(w)
	if len(d.Tables) == 1 && !d.Many {
		if err := writeJSONTable(out, d.Tables[0]); err != nil {
			return err
		}
		out.WriteByte('\n')
		return out.Flush()
	}
	out.WriteString("{")
	for i, t := range d.Tables {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n" + strconv.Quote(t.Key) + ": ")
		if err := writeJSONTable(out, t); err != nil {
			return err
		}
	}
	out.WriteString("\n}\n")
	return out.Flush()
}

func writeJSONTable(out *bufio.Writer, t Table) error {
	if t.Part != nil {
		out.WriteString(fmt.Sprintf(`{"total":%d,"all":%d,"offset":%d,"rows":`, t.Part.Total, t.Part.All, t.Part.Offset))
	}
	e := newRowEncoder(t.Columns)
	out.WriteByte('[')
	rows := 0
	for row, err := range t.Rows {
		if err != nil {
			return err
		}
		if rows > 0 {
			out.WriteByte(',')
		}
		rows++
		line, err := e.encode(row)
		if err != nil {
			return err
		}
		out.WriteByte('\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	if rows > 0 {
		out.WriteByte('\n')
	}
	out.WriteByte(']')
	if t.Part != nil {
		out.WriteByte('}')
	}
	return nil
}

// rowEncoder encodes a row as an object with its keys in the order of the columns.
type rowEncoder struct {
	columns []Column
	line    bytes.Buffer
	value   bytes.Buffer
	json    *json.Encoder
}

func newRowEncoder(columns []Column) *rowEncoder {
	e := &rowEncoder{columns: columns}
	e.json = json.NewEncoder(&e.value)
	e.json.SetEscapeHTML(false)
	return e
}

// encode returns a line that holds until the next one.
func (e *rowEncoder) encode(row []any) ([]byte, error) {
	e.line.Reset()
	for i, cell := range row {
		e.line.WriteByte("{,"[min(i, 1)])
		e.line.WriteString(strconv.Quote(e.columns[i].Key) + ":")
		switch v := cell.(type) {
		case time.Time:
			cell = nil
			if !v.IsZero() {
				cell = v.UTC().Format(time.RFC3339)
			}
		case []string:
			if v == nil {
				cell = []string{}
			}
		case [][]string:
			if v == nil {
				cell = [][]string{}
			}
		}
		e.value.Reset()
		if err := e.json.Encode(cell); err != nil {
			return nil, fmt.Errorf("encode %s: %w", e.columns[i].Key, err)
		}
		e.escape(bytes.TrimSuffix(e.value.Bytes(), []byte("\n")))
	}
	e.line.WriteByte('}')
	return e.line.Bytes(), nil
}

// escape appends a value to the line, with escapes for what a terminal would obey.
// Such characters stand in strings only, where JSON takes any escape for the
// character itself.
func (e *rowEncoder) escape(value []byte) {
	for len(value) > 0 {
		r, size := utf8.DecodeRune(value)
		switch {
		case !printable.Hidden(r):
			e.line.Write(value[:size])
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&e.line, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&e.line, `\u%04x`, r)
		}
		value = value[size:]
	}
}
