package printable_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                     "",
		"Ana Ruiz":             "Ana Ruiz",
		"Zoë Ångström 山田":      "Zoë Ångström 山田",
		"a\x00b":               "a\ufffdb",
		"a\x1b[31mb":           "a\ufffd[31mb",
		"a\x7fb\u009bc":        "a\ufffdb\ufffdc",
		"a\xffb":               "a\ufffdb",
		"a\xff\xfeb":           "a\ufffdb",
		"cut \xe2\x82":         "cut \ufffd",
		"one\ntwo\r\nthree\t4": "one two three 4",
		"one\u0085two\u2028":   "one two ",
		"abc\u202egpj.exe":     "abc\ufffdgpj.exe",
		"\u2066a\u2069":        "\ufffda\ufffd",
		"\u200fמשה\u200e":      "\u200fמשה\u200e",
		"👩\u200d🚀":             "👩\u200d🚀",
		"a\ufffeb\U0010ffffc":  "a\ufffdb\ufffdc",
		"a\ufdd0b":             "a\ufffdb",
		"\ufffd":               "\ufffd",
	} {
		if got := printable.Clean(text); got != want {
			t.Errorf("Clean(%q) is %q, want %q", text, got, want)
		}
	}
}

// TestCleanHasNoExceptions tries every character there is.
func TestCleanHasNoExceptions(t *testing.T) {
	t.Parallel()
	for r := range rune(unicode.MaxRune + 1) {
		got := printable.Clean("a" + string(r) + "b")
		if utf8.RuneCountInString(got) != 3 {
			t.Fatalf("%U became %q, want one character", r, got)
		}
		kept := got == "a"+string(r)+"b"
		switch bidi := unicode.Is(unicode.Bidi_Control, r) && r != 0x200e && r != 0x200f && r != 0x61c; {
		case unicode.IsControl(r) || bidi || unicode.Is(unicode.Noncharacter_Code_Point, r):
			if kept {
				t.Errorf("%U was kept", r)
			}
		case !kept && r != 0x2028 && r != 0x2029 && utf8.ValidRune(r):
			t.Errorf("%U became %q", r, got)
		}
	}
}

func TestVisible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Ana":              "Ana",
		"a\x00\x1b[1m":     `a\u0000\u001b[1m`,
		"a\tb\r\n":         `a\tb\r\n`,
		"abc\u202egpj.exe": `abc\u202egpj.exe`,
		"a\xffb":           `a\xffb`,
		"a\U000e0001b":     `a\U000e0001b`,
		"👩\u200d🚀":         "👩\u200d🚀",
	} {
		got := printable.Visible(text)
		if got != want {
			t.Errorf("Visible(%q) is %q, want %q", text, got, want)
		}
		if again := printable.Visible(got); again != got {
			t.Errorf("what is visible becomes %q", again)
		}
		if lines := printable.VisibleLines("x\n" + strings.ReplaceAll(text, "\n", "")); lines != "x\n"+strings.ReplaceAll(want, `\n`, "") {
			t.Errorf("VisibleLines gives %q", lines)
		}
	}
}
