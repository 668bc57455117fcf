package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// byteOrderMark begins what some editors write.
const byteOrderMark = "\ufeff"

// Clean takes off a text of the environment or of a file what the tool that wrote it
// put around it: a byte order mark before it and line breaks behind.
func Clean(text string) string {
	return strings.TrimRight(strings.TrimPrefix(text, byteOrderMark), "\r\n")
}

// CleanLookup makes a function like [os.LookupEnv] of another one, whose values are
// clean.
func CleanLookup(lookup func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		text, set := lookup(name)
		return Clean(text), set
	}
}

// errUTF16 is a file that some versions of PowerShell write.
var errUTF16 = errors.New("it is UTF-16 text: save it as UTF-8 or ASCII, in PowerShell with Set-Content -Encoding ascii")

// decode is the text of a file, which must be UTF-8.
func decode(data []byte) (string, error) {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) || bytes.IndexByte(data, 0) >= 0 {
		return "", errUTF16
	}
	return Clean(string(data)), nil
}

// checkToken says why a text cannot be a credential or an id that a header carries,
// without repeating any of it; nil where it can be one.
func checkToken(text string) error {
	if len(text) > 1 {
		switch first, last := text[0], text[len(text)-1]; {
		case (first == '"' || first == '\'' || first == '`') && first == last:
			return errors.New("value is in quotes: take them off")
		case first == '<' && last == '>':
			return errors.New("value is a placeholder: put the real one in its place")
		}
	}
	for i, r := range text {
		place := len([]rune(text[:i])) + 1
		switch {
		case r == '\n' || r == '\r':
			return fmt.Errorf("value holds a line break after character %d: give the value alone, in one line", place-1)
		case r == 0:
			return fmt.Errorf("value holds a NUL after character %d: it may be UTF-16 text; save it as UTF-8 or ASCII", place-1)
		case r == ' ' || r == '\t':
			return fmt.Errorf("value holds a space or tab after character %d: give the value alone", place-1)
		case unicode.IsControl(r):
			return fmt.Errorf("value holds a control character after character %d: copy it again", place-1)
		case r > unicode.MaxASCII:
			return fmt.Errorf("value holds a character outside of ASCII after character %d: copy it again", place-1)
		}
	}
	return nil
}
