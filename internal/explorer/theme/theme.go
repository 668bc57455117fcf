// Package theme keeps the colors that a person chose for pages.
//
// They are kept in a cookie, so that the server knows them and no page is shown in the
// wrong ones first. Without it, the browser's own choice holds.
package theme

import (
	"errors"
	"net/http"
)

const (
	cookie = "baton_explore_theme"
	years  = 365 * 24 * 60 * 60 // seconds
)

var errNoTheme = errors.New("theme must be light, dark or auto")

// Handler keeps a theme and leads back to a page. The address of the page comes from
// the request; back turns it into one that exists.
func Handler(back func(string) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &http.Cookie{Name: cookie, Path: "/", MaxAge: years, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode} //nolint:gosec // On loopback there is no TLS.
		switch set := r.URL.Query().Get("set"); set {
		case "light", "dark":
			c.Value = set
		case "auto":
			c.MaxAge = -1
		default:
			http.Error(w, errNoTheme.Error(), http.StatusBadRequest)
			return
		}
		http.SetCookie(w, c)
		http.Redirect(w, r, back(r.URL.Query().Get("to")), http.StatusSeeOther) // It is the address of a page of ours.
	}
}

// Of is the theme that was chosen, empty for none.
func Of(r *http.Request) string {
	c, err := r.Cookie(cookie)
	if err != nil || c.Value != "light" && c.Value != "dark" {
		return ""
	}
	return c.Value
}
