package c1sim

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const maxTokenForm = 64 << 10

// tokens gives out access tokens and knows which are good.
type tokens struct {
	life time.Duration

	mu     sync.Mutex
	id     *identity
	nonces map[string]time.Time // when each nonce that was seen may be forgotten
	good   map[string]time.Time // when each token ends
}

func newTokens(id *identity, life time.Duration) *tokens {
	return &tokens{life: life, id: id, nonces: map[string]time.Time{}, good: map[string]time.Time{}}
}

// ask answers a token request, or says why it gets none.
func (t *tokens) ask(r *http.Request, now time.Time) (string, error) {
	if r.Method != http.MethodPost {
		return "", fmt.Errorf("method %s instead of POST", r.Method)
	}
	if ct := r.Header.Get("Content-Type"); ct != "application/x-www-form-urlencoded" {
		return "", fmt.Errorf("content type %q is not that of a form", ct)
	}
	if ua := r.Header.Get("User-Agent"); !strings.HasPrefix(ua, "baton-c1-credential-provider baton-sdk/v") {
		return "", fmt.Errorf("user agent %q is not a connector's", ua)
	}
	if err := r.ParseForm(); err != nil {
		return "", errors.New("malformed form")
	}
	id := t.identity()
	for field, want := range map[string]string{
		"client_id":             id.clientID,
		"grant_type":            "client_credentials",
		"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
	} {
		if got := r.PostForm[field]; len(got) != 1 || got[0] != want {
			return "", fmt.Errorf("%s is %q instead of %q", field, got, want)
		}
	}
	if len(r.PostForm) != 4 {
		return "", fmt.Errorf("form has %d fields instead of 4", len(r.PostForm))
	}
	nonce, until, err := id.checkAssertion(r.PostForm.Get("client_assertion"), now)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for n, end := range t.nonces {
		if now.After(end) {
			delete(t.nonces, n)
		}
	}
	if _, seen := t.nonces[nonce]; seen {
		return "", errors.New("nonce was used before")
	}
	t.nonces[nonce] = until
	token := rand.Text()
	t.good[token] = now.Add(t.life)
	return token, nil
}

// accepts reports whether a token is good.
func (t *tokens) accepts(token string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	end, known := t.good[token]
	if known && !now.Before(end) {
		delete(t.good, token)
	}
	return known && now.Before(end)
}

// identity is who gets the tokens.
func (t *tokens) identity() *identity {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.id
}

// replace gives the tokens to somebody else and ends those that there are.
func (t *tokens) replace(id *identity) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.id = id
	clear(t.good)
}

// withdraw ends every token before its time.
func (t *tokens) withdraw() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.good)
}

// serveToken is the token endpoint.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	fault := s.faults.next(Call{Method: "token"})
	if err := fault.wait(r.Context()); err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if fault.Before != nil {
		s.record.add(Event{Method: "token", Err: fault.Before})
		answer(w, http.StatusServiceUnavailable, map[string]any{"error": "temporarily_unavailable"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenForm)
	client := s.clientOf(r)
	token, err := client.tokens.ask(r, time.Now())
	s.record.add(Event{Method: "token", Token: token, UserAgent: r.UserAgent(), Err: err})
	if err != nil {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"access_token": token,
		"token_type":   "bearer",
		"expires_in":   int(client.tokens.life / time.Second),
	})
}

// answer writes JSON. A client that went away is none of the simulator's business.
func answer(w http.ResponseWriter, code int, body map[string]any) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}
