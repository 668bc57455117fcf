// Package secret holds values that must never be printed: API keys, client
// secrets, tokens.
//
// A [String] shows "[redacted]" wherever a value can leak without anybody
// noticing: fmt with any verb, log/slog, encoding/json, text encoders, and
// struct dumps that reach it through an unexported field. Reveal is the only way
// to the value, so that a search for its callers finds every use.
package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every printed form shows.
const redacted = "[redacted]"

// String is a secret text. Its zero value is empty. It is immutable and safe for
// concurrent use. Compare with [String.Equal], not with ==.
type String struct {
	// The value lies behind a pointer because fmt does not call methods on
	// unexported fields of an enclosing struct: it would print a plain string, but
	// of a pointer it prints the address only.
	value *string
}

// New keeps s as a secret.
func New(s string) String {
	if s == "" {
		return String{}
	}
	return String{value: &s}
}

// Reveal returns the value itself, for the one place that must send it.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether there is no value.
func (s String) Empty() bool { return s.value == nil }

// Equal compares two secrets in a time that does not depend on where they differ.
func (s String) Equal(other String) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns "[redacted]".
func (s String) String() string { return redacted }

// GoString returns "[redacted]".
func (s String) GoString() string { return redacted }

// Format writes "[redacted]" for every verb and flag.
func (s String) Format(f fmt.State, _ rune) {
	// An error of the state's writer shows up at the caller of fmt.
	_, _ = io.WriteString(f, redacted)
}

// LogValue returns "[redacted]" for log/slog.
func (s String) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]" for every text encoder.
func (s String) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]" as a JSON string.
func (s String) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
