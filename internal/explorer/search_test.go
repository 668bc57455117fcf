package explorer_test

import (
	"strings"
	"testing"
)

// TestSearchEverything finds accounts, groups and applications by one search, and what is near to a
// name with a typo, there and in lists.
func TestSearchEverything(t *testing.T) {
	t.Parallel()
	e := explore(t, shelve(small(t)))
	text := page(t, e, "/search?q=eng")
	for _, want := range []string{`aria-label="Accounts"`, `aria-label="Groups"`, "<bdi>Engineers</bdi>", "<bdi>Ada Lovelace</bdi>"} {
		if !strings.Contains(text, want) {
			t.Errorf("eng does not find %s", want)
		}
	}
	if strings.Contains(text, `aria-label="Roles"`) {
		t.Error("eng finds roles")
	}
	for _, address := range []string{"/search?q=Ada+Lovlace", "/accounts?q=Ada+Lovlace", "/groups?q=Enginers"} {
		text := page(t, e, address)
		if !strings.Contains(text, "Similar names:") || !strings.Contains(text, "Ada Lovelace (ada@example.com)") && !strings.Contains(text, "<bdi>Engineers</bdi>") {
			t.Errorf("%s names nothing similar", address)
		}
	}
	for _, address := range []string{"/search", "/search?q=zzzzzzzzzzzz"} {
		if text := page(t, e, address); strings.Contains(text, "Similar names:") || !strings.Contains(text, `class="card none"`) {
			t.Errorf("%s finds something", address)
		}
	}
}

// TestGraphOfNobody draws an account without access alone, as lists that are empty and not absent.
func TestGraphOfNobody(t *testing.T) {
	t.Parallel()
	n := small(t)
	n.user("nobody", "No Body", "")
	if text := page(t, explore(t, shelve(n)), "/resource?type=user&id=nobody"); !strings.Contains(text, `"edges":[]`) {
		t.Error("the graph has no list of edges")
	}
}
