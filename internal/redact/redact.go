// Package redact takes credentials out of text that others wrote, or that may quote
// what somebody typed in the wrong place, before it is printed, logged or sent on.
//
// A credential of ours that is known is replaced by its value. All others are known
// by what they look like, since a server may send back what we signed for it, and a
// key may be typed where a region belongs:
//
//   - a JSON Web Signature or Key, whole or from its beginning: ConductorOne's client
//     assertion, access tokens, and the key in its client secrets
//   - an API key of JumpCloud (jca_...)
//   - what follows Bearer, Basic or DPoP
//   - the user and password of an address
//
// [Text] looks for these and is for every text. [Line] is for the words of a server,
// [Value] for the value of a setting and [Words] for what somebody typed; they know
// more, which ordinary text would be mistaken for.
package redact

import (
	"cmp"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// mask stands in place of a credential.
const mask = "[redacted]"

// leastKnown is how long a known credential is at least for its value to be searched
// for: one that is shorter would be found in words.
const leastKnown = 4

// maxLine bounds what is kept of a server's words, in characters, and maxValue what is
// shown of a setting.
const (
	maxLine  = 200
	maxValue = 100
)

// leastFragment is how long a part of a known credential is at least to be taken for
// one: servers cut what they quote.
const leastFragment = 16

//nolint:gochecknoglobals // Constants, but for the language.
var (
	// fragment matches what may be a part of a credential.
	fragment = regexp.MustCompile(`[A-Za-z0-9_.-]{16,}`)
	// web matches what begins as JSON in base64url, {" being eyJ, with the parts of a
	// signature behind it; dots may be escaped as in an address.
	web = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{5,}(?:(?:\.|%2[Ee])[A-Za-z0-9_-]*)*`)
	// clientSecret matches a client secret of ConductorOne, whose last part is a key.
	clientSecret = regexp.MustCompile(`[\w.-]+:[\w.-]+:v1:[A-Za-z0-9_-]{8,}`)
	apiKey       = regexp.MustCompile(`jca_[A-Za-z0-9_-]{4,}`)
	scheme       = regexp.MustCompile(`(?i)\b(bearer|basic|dpop)((?:\s|%20|\+)+)([A-Za-z0-9._~+/-]{6,}=*)`)
	userinfo     = regexp.MustCompile(`://[^/?#\s@]*@`)

	// named matches a value with the name of a credential before it, as headers, forms
	// and JSON have it.
	named = regexp.MustCompile(`(?i)\b(x-api-key|api[_-]?key|authorization|client_assertion|client_secret|access_token|refresh_token|id_token|password)(\\?["']?\s*[:=]\s*\[?\\?["']?)([^\s"'&,;\\]+)`)
	// hexadecimal matches the keys that JumpCloud made in former years.
	hexadecimal = regexp.MustCompile(`\b[0-9a-fA-F]{40,}\b`)
	// run matches a long text without a gap.
	run = regexp.MustCompile(`[A-Za-z0-9_+=-]{20,}`)
	// objectID matches the ids of JumpCloud's objects.
	objectID = regexp.MustCompile(`^[0-9a-f]{24}$`)
)

// Text is a text without credentials, as far as they can be told from everything else.
func Text(text string, known ...secret.String) string {
	for _, s := range known {
		value := s.Reveal()
		if len(value) < leastKnown {
			continue
		}
		for _, form := range forms(value) {
			text = strings.ReplaceAll(text, form, mask)
		}
		text = fragment.ReplaceAllStringFunc(text, func(found string) string {
			if part := strings.Trim(found, "."); len(part) >= leastFragment && strings.Contains(value, part) {
				return mask
			}
			return found
		})
	}
	// Most text has nothing of the kind, which is quick to see.
	if strings.Contains(text, ":v1:") {
		text = clientSecret.ReplaceAllString(text, mask)
	}
	text = web.ReplaceAllString(text, mask)
	text = apiKey.ReplaceAllString(text, mask)
	if strings.Contains(text, "://") {
		text = userinfo.ReplaceAllString(text, "://"+mask+"@")
	}
	if lower := strings.ToLower(text); !strings.Contains(lower, "bearer") && !strings.Contains(lower, "basic") && !strings.Contains(lower, "dpop") {
		return text
	}
	return scheme.ReplaceAllStringFunc(text, func(found string) string {
		parts := scheme.FindStringSubmatch(found)
		if !random(parts[3]) {
			return found // "Basic authentication"
		}
		return parts[1] + parts[2] + mask
	})
}

// forms are how a secret stands in a text: as it is, in an address, and within JSON or Go
// strings, which may stand within others. The longest come first, as the others can be parts
// of them.
func forms(value string) []string {
	all := []string{value, url.QueryEscape(value)}
	for inner, level := []string{value}, 0; level < 2; level++ {
		var outer []string
		for _, v := range inner {
			var plain strings.Builder
			encoder := json.NewEncoder(&plain)
			encoder.SetEscapeHTML(false)
			_ = encoder.Encode(v)         // A text can be encoded,
			escaped, _ := json.Marshal(v) // and so can it with HTML escaped.
			for _, quoted := range []string{strings.TrimSuffix(plain.String(), "\n"), string(escaped), strconv.Quote(v)} {
				outer = append(outer, quoted[1:len(quoted)-1])
			}
		}
		slices.Sort(outer)
		inner = slices.Compact(outer)
		all = append(all, inner...)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(all)
}

// Line is what a server said, as one printable line of at most 200 characters without
// credentials.
func Line(text string, known ...secret.String) string {
	text = Text(text, known...)
	text = named.ReplaceAllStringFunc(text, func(found string) string {
		parts := named.FindStringSubmatch(found)
		// "client_secret: expired" is a sentence.
		if !strings.ContainsAny(parts[2], `="'`) && !random(parts[3]) {
			return found
		}
		return parts[1] + parts[2] + mask
	})
	text = hexadecimal.ReplaceAllString(text, mask)
	return shorten(text, maxLine)
}

// Value is the value of a setting, as an error about it may show it: without what
// could be a key, whatever its form, and not longer than a line.
func Value(text string) string { return shorten(Words(text), maxValue) }

// Words is what somebody typed, without what could be a key, whatever its form.
func Words(text string) string {
	return run.ReplaceAllStringFunc(Text(text), func(found string) string {
		if objectID.MatchString(found) || !random(found) {
			return found
		}
		return mask
	})
}

// random reports whether a text is none that a person would write: it has digits
// among letters, or large letters among small ones.
func random(text string) bool {
	var digit, upper, lower bool
	for i, r := range text {
		switch {
		case unicode.IsDigit(r):
			digit = true
		case unicode.IsUpper(r) && i > 0:
			upper = true
		case unicode.IsLower(r) || unicode.IsUpper(r):
			lower = true
		}
	}
	return digit && (upper || lower) || upper && lower || strings.HasSuffix(text, "=")
}

// shorten makes one printable line of at most a number of characters.
func shorten(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, word := range strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == utf8.RuneError
	}) {
		if b.Len() > 0 {
			b.WriteByte(' ')
			n++
		}
		for _, r := range word {
			if n >= most {
				return b.String() + "…"
			}
			b.WriteRune(r)
			n++
		}
	}
	return b.String()
}
