package jumpcloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
)

// The types of this file decode what JumpCloud sends, which is not always what
// its specification says: a text may come as a number, a boolean or null, a list
// as null, an object as false. They never fail on valid JSON; what they cannot
// use is as if it were absent.

// text is a string, a number or a boolean as text; anything else is "".
type text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch {
	case len(b) == 0:
	case b[0] == '"':
		if plain := b[1 : len(b)-1]; bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
			*t = text(plain)
			return nil
		}
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = text(s)
	case b[0] == 't', b[0] == 'f', b[0] == '-', b[0] >= '0' && b[0] <= '9':
		*t = text(b)
	}
	return nil
}

// verbatim is a text, and of what is none the JSON itself, so that a value nobody
// has foreseen is not taken for an absent one.
type verbatim string

// UnmarshalJSON implements [json.Unmarshaler].
func (v *verbatim) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && (b[0] == '{' || b[0] == '[') {
		*v = verbatim(b)
		return nil
	}
	return (*text)(v).UnmarshalJSON(b)
}

// UnmarshalJSON reads a boolean, the text of one, or a number (0 is false). Anything
// else is [Odd], but null and an empty text, which leave the flag unset.
func (f *Flag) UnmarshalJSON(b []byte) error {
	var v verbatim
	if err := v.UnmarshalJSON(b); err != nil {
		return err
	}
	switch s := identity.Fold(strings.TrimSpace(string(v))); s {
	case "", "null":
		*f = Unset
	case "true", "t", "yes", "y", "on":
		*f = True
	case "false", "f", "no", "n", "off":
		*f = False
	default:
		*f = Odd
		if n, err := strconv.ParseFloat(s, 64); err == nil && strings.ContainsAny(s[:1], "+-.0123456789") {
			*f = False
			if n != 0 {
				*f = True
			}
		}
	}
	return nil
}

// count is a whole number, also as text; absent, null and nonsense are -1.
type count int

// UnmarshalJSON implements [json.Unmarshaler].
func (c *count) UnmarshalJSON(b []byte) error {
	*c = -1
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	*c = parseCount(string(t))
	return nil
}

// parseCount reads a total as headers and bodies give it; -1 when it is none.
func parseCount(s string) count {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
	if err != nil || n < 0 {
		return -1
	}
	return count(n)
}

// stamp is a time; absent, null and nonsense are the zero time.
type stamp struct{ time.Time }

// stampForms are the forms seen: RFC 3339 with and without fractions, without a
// zone (taken as UTC), and bare dates.
var stampForms = [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", time.DateOnly}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *stamp) UnmarshalJSON(b []byte) error {
	s.Time = time.Time{}
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	if t == "" {
		return nil
	}
	for _, form := range stampForms {
		if parsed, err := time.Parse(form, string(t)); err == nil {
			s.Time = parsed.UTC()
			return nil
		}
	}
	// A number is Unix time, in milliseconds when it would otherwise lie far ahead.
	if n, err := strconv.ParseInt(string(t), 10, 64); err == nil && n > 0 && n < 1e14 {
		if n >= 1e11 {
			s.Time = time.UnixMilli(n).UTC()
		} else {
			s.Time = time.Unix(n, 0).UTC()
		}
	}
	return nil
}

// maybe is an object that may be null, absent or something else altogether.
type maybe[T any] struct {
	value T
	ok    bool
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *maybe[T]) UnmarshalJSON(b []byte) error {
	var zero T
	m.value, m.ok = zero, false
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	m.ok = true
	return json.Unmarshal(b, &m.value)
}

// many is a list that may be null, absent or something else altogether.
type many[T any] []T

// UnmarshalJSON implements [json.Unmarshaler].
func (m *many[T]) UnmarshalJSON(b []byte) error {
	*m = nil
	if len(b) == 0 || b[0] != '[' {
		return nil
	}
	var rows []T
	err := json.Unmarshal(b, &rows)
	// A row of another shape stays empty, and the others are there all the same.
	if shape := new(json.UnmarshalTypeError); err != nil && !errors.As(err, &shape) {
		return err
	}
	*m = rows
	return nil
}

// texts returns the non-empty texts of a list as strings.
func texts(list many[text]) []string {
	var out []string
	for _, t := range list {
		if t != "" {
			out = append(out, string(t))
		}
	}
	return out
}
