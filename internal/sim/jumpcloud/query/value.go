package query

import (
	"cmp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind says what a [Value] holds.
type Kind uint8

// The kinds of a value. Absent and Null are distinct because the service leaves
// some unset fields out, writes null for others and "" for most.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	Text
)

// Value is the value of one scalar field. Its zero value is absent.
type Value struct {
	kind Kind
	text string
	num  int64 // a number, or 1 for true
}

// String returns a text value, which may be empty.
func String(s string) Value { return Value{kind: Text, text: s} }

// StringOrAbsent returns a text value, or none where s is empty.
func StringOrAbsent(s string) Value {
	if s == "" {
		return Value{}
	}
	return String(s)
}

// StringOrNull returns a text value, or null where s is empty.
func StringOrNull(s string) Value {
	if s == "" {
		return Value{kind: Null}
	}
	return String(s)
}

// Flag returns a boolean value.
func Flag(b bool) Value {
	if b {
		return Value{kind: Bool, num: 1}
	}
	return Value{kind: Bool}
}

// Int returns a number.
func Int(n int64) Value { return Value{kind: Number, num: n} }

// NullValue returns null.
func NullValue() Value { return Value{kind: Null} }

// Kind tells what v holds.
func (v Value) Kind() Kind { return v.kind }

// Text is the value as a filter would write it: a text as it is, true, false,
// a decimal number, null, or "" when absent.
func (v Value) Text() string {
	switch v.kind {
	case Text:
		return v.text
	case Bool:
		return strconv.FormatBool(v.num == 1)
	case Number:
		return strconv.FormatInt(v.num, 10)
	case Null:
		return "null"
	default:
		return ""
	}
}

// AppendJSON appends v as JSON. An absent value is appended as null; leaving a
// field out is up to the caller.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.kind {
	case Text:
		return AppendString(b, v.text)
	case Bool:
		return strconv.AppendBool(b, v.num == 1)
	case Number:
		return strconv.AppendInt(b, v.num, 10)
	default:
		return append(b, "null"...)
	}
}

// Compare orders values as the store behind the service does: missing before
// numbers before text before booleans, and each among its own kind. Texts are
// compared byte by byte, without regard to language.
func Compare(a, b Value) int {
	if c := cmp.Compare(a.rank(), b.rank()); c != 0 {
		return c
	}
	if a.kind == Text {
		return strings.Compare(a.text, b.text)
	}
	return cmp.Compare(a.num, b.num)
}

// rank is the place of a kind in the order of the store.
func (v Value) rank() int {
	switch v.kind {
	case Number:
		return 1
	case Text:
		return 2
	case Bool:
		return 3
	default:
		return 0
	}
}

// compareText compares v with an operand in the text form of a filter. A number is
// compared as a number where the operand is one; everything else as text, with
// regard to case, as the API documents.
func (v Value) compareText(operand string) int {
	if v.kind == Number {
		if n, err := strconv.ParseInt(operand, 10, 64); err == nil {
			return cmp.Compare(v.num, n)
		}
	}
	return strings.Compare(v.Text(), operand)
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string the way the service's runtime
// (JavaScript) writes it: only quotes, backslashes and control characters are
// escaped. Bytes that are not UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(b, s[start:i]...)
				b = append(b, "\ufffd"...)
				i++
				start = i
				continue
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
