package explorer

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// shortLength is how many characters of a text tables and headings show.
const shortLength = 160

// short cuts a text that would fill a page by itself. What changes the direction of
// writing or cannot be seen is made visible.
func short(text string) string {
	text = printable.Visible(text)
	if len(text) <= shortLength || utf8.RuneCountInString(text) <= shortLength {
		return text
	}
	n := 0
	for i := range text {
		if n++; n == shortLength {
			return text[:i] + "…"
		}
	}
	return text
}

// longLength is from how many bytes on a text among facts is folded away.
const longLength = 600

func long(text string) bool { return len(text) > longLength }

// sentence is an error as a person reads it.
func sentence(err error) string {
	text := short(err.Error())
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:] + "."
}

// day is a time as lists of syncs have it.
func day(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04") }

// moment is a time as tables have it, empty for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// plainCell shows a value of an export.
func plainCell(value any) cell {
	switch x := value.(type) {
	case nil:
		return cell{}
	case string:
		return cell{Text: short(x)}
	case int:
		return cell{Text: number(x), Class: "num"}
	case bool:
		if x {
			return cell{Text: "yes"}
		}
		return cell{Text: "no"}
	case time.Time:
		return cell{Text: moment(x), Class: "time"}
	case []string:
		return cell{Text: short(strings.Join(x, ", "))}
	}
	panic("unsupported value")
}

// kindTitle names a kind to people.
func kindTitle(k review.Kind) string {
	if k == review.Other {
		return "Resource"
	}
	return capital(k.Type().Noun)
}

// kindSection is the list that resources of a kind are in.
func kindSection(k review.Kind) (path, title string) { return k.Type().Path, k.Type().Title() }

// statusCell shows the state of an account: the product's own word where it has one.
func statusCell(a *review.AccountInfo) cell {
	if a == nil {
		return cell{}
	}
	c := cell{Text: a.Status.String(), Badge: "plain"}
	switch a.Status {
	case review.Enabled:
		c.Badge = "good"
	case review.Disabled, review.Deleted:
		c.Badge = "bad"
	}
	if a.Details != "" {
		c.Text = short(a.Details)
	}
	return c
}

// triCell shows what is known about something that had better be so.
func triCell(t review.Tri) cell {
	switch t {
	case review.Yes:
		return cell{Text: "yes", Badge: "good"}
	case review.No:
		return cell{Text: "no", Badge: "warn"}
	default:
		return cell{Text: "unknown", Badge: "plain"}
	}
}

func sortFields(list []field) {
	slices.SortFunc(list, func(a, b field) int { return strings.Compare(a.Name, b.Name) })
}

// capital begins a word with a capital letter.
func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }
