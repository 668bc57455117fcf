package gate

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

const (
	// maxSessions bounds how many browsers are let in at once; the one that came
	// first makes room.
	maxSessions = 32
	// ticketLife is how long a ticket can be used: as long as a browser may take to
	// start.
	ticketLife = time.Minute
)

// Config is what a gate needs to know.
type Config struct {
	// Hosts are the values of the header Host that are answered, with the port.
	Hosts []string
	// Secure says that requests come over TLS.
	Secure bool
	// Writes lets forms be sent, too: by pages from here only, which browsers vouch for.
	Writes bool
	// Cookie is the name of the cookie, without the prefix that TLS allows.
	Cookie string
	Logger *slog.Logger
}

// Gate lets requests through, or not. It is safe for concurrent use.
type Gate struct {
	cfg     Config
	origins []string
	token   digest

	mu       sync.Mutex
	ticket   ticket
	sessions []session
}

// digest is the SHA-256 of something that is compared. The values themselves are
// not kept, and comparing digests tells nothing about them by the time it takes.
type digest [sha256.Size]byte

// session is a browser that was let in.
type session struct {
	id digest
	// byTicket says that it came with the ticket.
	byTicket bool
}

// ticket lets one browser in, once.
type ticket struct {
	id    digest
	until time.Time
	used  bool
}

// New makes a gate, and the token that opens it.
func New(cfg Config) (*Gate, secret.String) {
	token := rand.Text()
	g := &Gate{cfg: cfg, token: sha256.Sum256([]byte(token))}
	scheme := "http://"
	if cfg.Secure {
		scheme = "https://"
		g.cfg.Cookie = "__Host-" + cfg.Cookie
	}
	for _, host := range cfg.Hosts {
		g.origins = append(g.origins, scheme+host)
	}
	return g, secret.New(token)
}

// Ticket makes a token that lets one browser in within a minute. It is for the
// command line of a browser, which every user of the machine can read: once it was
// used it is worth nothing, and when it is used again, which means that somebody
// read it, the browser that came first is put out as well.
func (g *Gate) Ticket() secret.String {
	text := rand.Text()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ticket = ticket{id: sha256.Sum256([]byte(text)), until: time.Now().Add(ticketLife)}
	return secret.New(text)
}

// Wrap puts a handler behind the gate.
func (g *Gate) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &answer{ResponseWriter: w}
		defer g.recoverFrom(answer, r)
		g.setHeaders(w.Header())
		g.serve(answer, r, next)
	})
}

func (g *Gate) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch {
	case !slices.Contains(g.cfg.Hosts, r.Host):
		refuse(w, http.StatusMisdirectedRequest, "Wrong address. Open the address that the program printed.")
	case !reads(r) && (!g.cfg.Writes || r.Method != http.MethodPost):
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "Method not allowed.")
	case !g.fromHere(r), !reads(r) && !g.sentFromHere(r):
		refuse(w, http.StatusForbidden, "Cross-site request denied.")
	case r.URL.Path == "/" && r.Method == http.MethodGet && r.URL.Query().Has("token"):
		g.exchange(w, r)
	case !g.known(r):
		unauthorized(w, r)
	default:
		next.ServeHTTP(w, r)
	}
}

// fromHere reports whether a request was caused by a page from here, or by a person
// who opened an address. Browsers say so themselves (Fetch Metadata); what is not a
// browser has no other site's intentions.
func (g *Gate) fromHere(r *http.Request) bool {
	for _, origin := range r.Header.Values("Origin") {
		if !slices.Contains(g.origins, origin) {
			return false
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	default:
		return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	}
}

// reads reports whether a request changes nothing.
func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// sentFromHere reports whether a form was sent by a page from here. Every browser says
// where a form was sent from; what does not say it is refused.
func (g *Gate) sentFromHere(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	origins := r.Header.Values("Origin")
	return len(origins) == 1 && slices.Contains(g.origins, origins[0])
}

// exchange gives a cookie for the token and leads away from the address with the
// token in it.
func (g *Gate) exchange(w http.ResponseWriter, r *http.Request) {
	value, ok := g.admit(sha256.Sum256([]byte(r.URL.Query().Get("token"))))
	if !ok {
		g.cfg.Logger.WarnContext(r.Context(), "wrong or used token denied")
		unauthorized(w, r)
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // On loopback there is no TLS, where browsers do not take a secure cookie.
		Name: g.cfg.Cookie, Value: value, Path: "/",
		HttpOnly: true, Secure: g.cfg.Secure, SameSite: http.SameSiteStrictMode,
	})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// admit makes a session for the token or the ticket.
func (g *Gate) admit(id digest) (string, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	byTicket := same(id, g.ticket.id)
	switch {
	case same(id, g.token):
	case byTicket && g.ticket.used:
		g.sessions = slices.DeleteFunc(g.sessions, func(s session) bool { return s.byTicket })
		return "", false
	case byTicket && time.Now().Before(g.ticket.until):
		g.ticket.used = true
	default:
		return "", false
	}
	value := rand.Text()
	if len(g.sessions) == maxSessions {
		g.sessions = slices.Delete(g.sessions, 0, 1)
	}
	g.sessions = append(g.sessions, session{sha256.Sum256([]byte(value)), byTicket})
	return value, true
}

// known reports whether a request has the cookie of a session. A browser that has
// several cookies of the name, which another port can cause, sends them all.
func (g *Gate) known(r *http.Request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, cookie := range r.CookiesNamed(g.cfg.Cookie) {
		id := digest(sha256.Sum256([]byte(cookie.Value)))
		if slices.ContainsFunc(g.sessions, func(s session) bool { return same(s.id, id) }) {
			return true
		}
	}
	return false
}

func same(a, b digest) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }

// recoverFrom answers for a handler that panicked. What it had begun to answer is
// broken off, so that nobody takes a part for the whole.
func (g *Gate) recoverFrom(w *answer, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause != http.ErrAbortHandler { //nolint:errorlint // net/http compares a panic's value the same way.
		g.cfg.Logger.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
		if !w.begun {
			refuse(w, http.StatusInternalServerError, "Internal error. See the program's log.")
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// answer remembers whether anything of an answer was sent.
type answer struct {
	http.ResponseWriter
	begun bool
}

// WriteHeader sends the header.
func (a *answer) WriteHeader(status int) {
	a.begun = true
	a.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (a *answer) Write(b []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
