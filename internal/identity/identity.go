// Package identity says when two spellings of a name or an email address are the
// same one, and when they merely look the same.
//
// Only what JumpCloud and the mail system themselves do not tell apart is folded:
// the case of ASCII letters, and in mail domains whatever IDNA maps. Letters such as
// U+212A KELVIN SIGN, long s, dotless i, full-width and Cyrillic ones stay what they
// are: two accounts that differ in them are two people, however much they look like
// one. [Lookalikes] finds these.
package identity

import (
	"strings"

	"golang.org/x/net/idna"
)

// Fold brings a name, login or word of an API into the form in which it is compared:
// ASCII letters in lower case, everything else as it is.
func Fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// Equal reports whether two names are one.
func Equal(a, b string) bool { return Fold(a) == Fold(b) }

// FoldEmail brings an email address into the form in which it is compared. ASCII
// white space around it does not count. The part before the last @ is folded as a
// name is; the domain is what IDNA (UTS #46, for look-up) makes of it, without the
// dot of the root, in Unicode. A domain that IDNA refuses is folded as a name is.
func FoldEmail(address string) string {
	address = strings.Trim(address, " \t\r\n\v\f")
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return Fold(address)
	}
	return Fold(address[:at]) + "@" + foldDomain(address[at+1:])
}

// foldDomain folds the domain of an address.
func foldDomain(domain string) string {
	domain = Fold(domain)
	if !plainDomain(domain) {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil {
			return strings.TrimSuffix(domain, ".")
		}
		if domain, err = idna.Lookup.ToUnicode(ascii); err != nil {
			domain = ascii
		}
	}
	return strings.TrimSuffix(domain, ".")
}

// plainDomain reports whether IDNA would leave a folded domain as it is.
func plainDomain(domain string) bool {
	return isASCII(domain) && !strings.Contains(domain, "xn--")
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
