package config

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"unicode"
)

// invisible are characters without width that text is copied with: the byte order mark,
// the zero width space and the word joiner.
const invisible = "\ufeff\u200b\u2060"

// Clean takes off a value what stood around it where it was copied from: line breaks,
// white space of every kind, a byte order mark and the like.
func Clean(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(invisible, r) })
}

// errQuoted is a value with its quotes, as docker --env-file takes it.
var errQuoted = errors.New("value is in quotes: remove them")

// inQuotes reports whether a text stands in quotes of any kind.
func inQuotes(text string) bool {
	runes := []rune(text)
	if len(runes) < 2 {
		return false
	}
	first, last := runes[0], runes[len(runes)-1]
	return first == last && strings.ContainsRune("\"'`", first) || first == '“' && last == '”' || first == '‘' && last == '’'
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
var errUTF16 = errors.New("is UTF-16 text: save it as UTF-8 or ASCII (PowerShell: Set-Content -Encoding ascii)")

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
	if inQuotes(text) {
		return errQuoted
	}
	for opening, closing := range map[string]string{"<": ">", "${": "}", "$(": ")", "{{": "}}", "[": "]"} {
		if strings.HasPrefix(text, opening) && strings.HasSuffix(text, closing) && net.ParseIP(strings.Trim(text, "[]")) == nil {
			return errors.New("value is a placeholder: replace it")
		}
	}
	if strings.HasPrefix(text, "{") {
		return errors.New("value is JSON: give the text alone")
	}
	if strings.HasPrefix(text, envPrefix) && strings.Contains(text, "=") {
		return errors.New("value holds a name before it: give what follows the = alone")
	}
	for i, r := range text {
		place := len([]rune(text[:i])) + 1
		switch {
		case r == '\n' || r == '\r':
			return fmt.Errorf("value contains a line break after character %d: set the value alone, on one line", place-1)
		case r == 0:
			return fmt.Errorf("value contains a NUL after character %d: it may be UTF-16 text; save it as UTF-8 or ASCII", place-1)
		case r == ' ' || r == '\t':
			return fmt.Errorf("value contains a space or tab after character %d: set the value alone", place-1)
		case unicode.IsControl(r):
			return fmt.Errorf("value contains a control character after character %d: copy it again", place-1)
		case r > unicode.MaxASCII:
			return fmt.Errorf("value contains a non-ASCII character after character %d: copy it again", place-1)
		}
	}
	return nil
}
