package gate

import (
	"fmt"
	"html"
	"net/http"
)

// policy allows what comes from here and nothing that stands within a page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// setHeaders sets the headers of every answer.
func (g *Gate) setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	if g.cfg.Writes {
		// Without a referrer, browsers do not say where a form comes from either.
		h.Set("Referrer-Policy", "same-origin")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("X-DNS-Prefetch-Control", "off")
}

// plainPage is a page without anything of the archive, of the style or of a script.
const plainPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%[1]s</title></head>
<body><main><h1>%[1]s</h1><p>%[2]s</p>%[3]s</main></body></html>
`

// refuse answers that a request is not answered.
func refuse(w http.ResponseWriter, status int, why string) { writePlain(w, status, why, "") }

// unauthorized asks for the token. A browser that was led here by another site, even
// with the right token, does not send its cookie until a link of this page is
// followed.
func unauthorized(w http.ResponseWriter, r *http.Request) {
	target := r.URL.EscapedPath()
	if query := r.URL.Query(); len(query) > 0 && !query.Has("token") {
		target += "?" + query.Encode()
	}
	writePlain(w, http.StatusUnauthorized, "Open the address that the program printed at start: it contains a token.",
		`<p><a href="`+html.EscapeString(rooted(target))+`">I have signed in already</a></p>`)
}

// rooted is a path that cannot be taken for another host.
func rooted(path string) string {
	if len(path) == 0 || path[0] != '/' || len(path) > 1 && (path[1] == '/' || path[1] == '\\') {
		return "/"
	}
	return path
}

func writePlain(w http.ResponseWriter, status int, text, more string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	// Whoever does not read the refusal has left.
	_, _ = fmt.Fprintf(w, plainPage, http.StatusText(status), text, more)
}
