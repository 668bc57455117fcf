package explorer_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// TestNewer tells an open page of a newer sync, and leads to the same page of it.
func TestNewer(t *testing.T) {
	t.Parallel()
	s := shelve(small(t))
	e := explore(t, s)
	key := s.First().String()
	if got := read(t, get(t, e, "/newer?shown="+key+"&to=/groups")); got != `{"newer":false}`+"\n" {
		t.Errorf("without a newer sync: %s", got)
	}
	if text := page(t, e, "/groups?sort=name"); !strings.Contains(text, `data-newer="/newer?shown=`+key+`&amp;to=%2Fgroups%3Fsort%3Dname" hidden`) {
		t.Error("the page does not know where to ask")
	}
	s.replaced = true
	if got := read(t, get(t, e, "/newer?shown="+key+"&to=/groups")); got != `{"newer":true,"url":"/newest?to=%2Fgroups"}`+"\n" {
		t.Errorf("with another file: %s", got)
	}
	for _, odd := range []string{"", "1", "9.x", "x"} {
		if got := read(t, get(t, e, "/newer?shown="+odd)); got != `{"newer":false}`+"\n" {
			t.Errorf("to a page of %q: %s", odd, got)
		}
	}
	for to, want := range map[string]string{"/groups?sort=name&sync=1.gone": "/groups?sort=name", "https://example.com/": "/", "//example.com": "/", "": "/"} {
		r := get(t, e, "/newest?to="+strings.NewReplacer("&", "%26", "?", "%3F").Replace(to))
		if got := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("%q leads to %d %q, want %q", to, r.StatusCode, got, want)
		}
	}
	s.broken = errors.New("<torn>")
	r := get(t, e, "/newest?to=/groups")
	if text := read(t, r); r.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "&lt;torn&gt;") {
		t.Errorf("an archive that cannot be read is answered with %d", r.StatusCode)
	}
}
