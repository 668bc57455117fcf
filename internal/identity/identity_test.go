package identity_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for a, b := range map[string]string{"Help Desk": "HELP DESK", "ana.ruiz": "Ana.Ruiz", "": "", "é": "é"} {
		if !identity.Equal(a, b) {
			t.Errorf("%q and %q are not one", a, b)
		}
	}
	for a, b := range map[string]string{
		"help desk": "help de\u017fk", "kelvin": "\u212aelvin", "i": "\u0131", "I": "\u0130", "É": "é",
		"e\u0301": "\u00e9", "\uff41dmin": "admin", "admin": "\u0430dmin", "ana": "ana ", "ß": "ss",
	} {
		if identity.Equal(a, b) || identity.Equal(strings.ToUpper(a), b) {
			t.Errorf("%q and %q are one", a, b)
		}
	}
}

func TestFoldEmail(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"ana@example.com", "Ana@Example.COM", " ana@example.com\t", "ana@example.com.", "ana@EXAMPLE.com.\n"},
		{"ana@bücher.example", "Ana@BÜCHER.example", "ana@bu\u0308cher.example", "ana@xn--bcher-kva.example", "ana@XN--BCHER-KVA.example", "ana@bücher。example"},
		{"ana@kelvin.example", "ana@\u212aelvin.example", "ana@ｋelvin.example"},
		{`"a@b"@example.com`, `"A@B"@Example.com`},
		{"no address", "NO Address"},
		{"ana@", "ANA@"},
		{"ana@-.x_y", "ANA@-.X_Y"},
	} {
		for _, address := range same[1:] {
			if a, b := identity.FoldEmail(same[0]), identity.FoldEmail(address); a != b {
				t.Errorf("%q gives %q, %q gives %q", same[0], a, address, b)
			}
		}
		if again := identity.FoldEmail(identity.FoldEmail(same[0])); again != identity.FoldEmail(same[0]) {
			t.Errorf("%q folded twice is %q", same[0], again)
		}
	}
	different := []string{
		"kelvin@example.com", "\u212aelvin@example.com", "ke\u017fvin@example.com", "kelv\u0131n@example.com", "ｋelvin@example.com",
		"kelvin@examp\u0131e.com", "kelvin@\u0435xample.com", "kelvin.@example.com", "kelvin\u00a0@example.com", "kelvin@example.com\u00a0",
		"kelvin\u200b@example.com", "josé@example.com", "jose\u0301@example.com", "JOSÉ@example.com", "kelvin@example.com.evil",
	}
	seen := map[string]string{}
	for _, address := range different {
		folded := identity.FoldEmail(address)
		if other, ok := seen[folded]; ok {
			t.Errorf("%q and %q are one: %q", address, other, folded)
		}
		seen[folded] = address
	}
}

func TestLookalikes(t *testing.T) {
	t.Parallel()
	for _, other := range []string{
		"\u212aelvin@example.com",     // Kelvin sign
		"kelv\u0131n@example.com",     // dotless i
		"\uff4belvin@example.com",     // full width
		"k\u0435lvin@example.com",     // Cyrillic
		"kelv\u03b9n@example.com",     // Greek
		"kelvin@ex\u0430mple.com",     // in the domain
		"kelvin@xn--exmple-4nf.com",   // the same as IDNA writes it
		"kelvin\u200b@example.com",    // nothing to see
		"kel\u00advin@example.com",    // soft hyphen
		"kelvin\u00a0@example.com",    // white space of another kind
		"kelv\u0456n@example.com",     // Ukrainian
		"\U0001d424elvin@example.com", // bold
		"kelvi\u0307n@example.com",    // a second dot
		"KELV\u0130N@example.com",     // Turkish
		"kelvin@example\u2024com",     // another dot
	} {
		texts := []string{"zoe@example.com", identity.FoldEmail("kelvin@example.com"), identity.FoldEmail(other), "kelvin2@example.com"}
		got := identity.Lookalikes(texts)
		want := [][]string{slices.Sorted(slices.Values(texts[1:3]))}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", other, diff)
		}
	}
	for name, texts := range map[string][]string{
		"nothing":         nil,
		"one":             {"\u212aelvin"},
		"twice the same":  {"\u212aelvin", "\u212aelvin"},
		"ASCII only":      {"a1", "al", "rn", "m", "o", "0"},
		"other people":    {"josé", "jose", "müller", "mueller", "安娜", "ана"},
		"different words": {"Ана", "Anna"},
	} {
		if got := identity.Lookalikes(texts); got != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestNormalForms keeps two forms of one text apart, and says that they look alike.
func TestNormalForms(t *testing.T) {
	t.Parallel()
	composed, decomposed := identity.FoldEmail("josé@example.com"), identity.FoldEmail("jose\u0301@example.com")
	want := [][]string{{decomposed, composed}}
	if diff := cmp.Diff(want, identity.Lookalikes([]string{composed, decomposed})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func BenchmarkFoldEmail(b *testing.B) {
	for b.Loop() {
		identity.FoldEmail("Ana.Ruiz@Example.com")
	}
}
