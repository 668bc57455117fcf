package jumpcloud

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/conductorone/baton-jumpcloud/internal/egress"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/limiter"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// apiKey is the key of one administrator.
type apiKey struct {
	key secret.String
}

func (k apiKey) apply(_ context.Context, header http.Header) (uint64, error) {
	header.Set("X-Api-Key", k.key.Reveal())
	return 0, nil
}

func (apiKey) renew(uint64) bool { return false }

func (k apiKey) secrets() []secret.String { return []secret.String{k.key} }

// routeToken is the OAuth token endpoint, for messages.
var routeToken = Route{
	Method: http.MethodPost, Pattern: "/oauth2/token", List: "an access token",
	Purpose: "Exchanges the client ID and secret of a service account for an access token, about once an hour.",
	Note:    "On the region's OAuth host.",
}

const (
	// tokenSlack is how long before its end a token is no longer used.
	tokenSlack = 2 * time.Minute
	// tokenTimeout bounds one attempt to get a token.
	tokenTimeout = 30 * time.Second
)

// serviceAccount exchanges the pair of a service account for access tokens, and
// renews them before they end or when one is refused.
type serviceAccount struct {
	config  clientcredentials.Config
	http    *http.Client
	retries limiter.RetryPolicy
	logger  *slog.Logger
	secret  secret.String
	// limiter paces the token endpoint, which is another host with a limit of its own.
	limiter *limiter.Limiter
	observe func(RequestInfo)

	// fetching lets one goroutine at a time ask for a token. It is a channel so that
	// those who wait can leave when their context ends.
	fetching chan struct{}

	mu    sync.Mutex
	token secret.String
	until time.Time // not to be used from then on
	mark  uint64    // counts the tokens; 0 is none
}

// newServiceAccount prepares to ask for tokens: client_secret_basic, scope api.
func newServiceAccount(cfg Config, client *http.Client, observe func(RequestInfo)) *serviceAccount {
	return &serviceAccount{
		config: clientcredentials.Config{
			ClientID:     cfg.ClientID,
			ClientSecret: cfg.ClientSecret.Reveal(),
			TokenURL:     cfg.TokenURL.String(),
			Scopes:       []string{"api"},
			AuthStyle:    oauth2.AuthStyleInHeader,
		},
		http:     &http.Client{Transport: wholeAnswers{client.Transport}, CheckRedirect: client.CheckRedirect, Timeout: tokenTimeout},
		logger:   cfg.Logger,
		secret:   cfg.ClientSecret,
		limiter:  limiter.New(1),
		observe:  observe,
		fetching: make(chan struct{}, 1),
	}
}

func (a *serviceAccount) apply(ctx context.Context, header http.Header) (uint64, error) {
	token, mark, err := a.current(ctx)
	if err != nil {
		return 0, err
	}
	header.Set("Authorization", "Bearer "+token.Reveal())
	return mark, nil
}

// renew forgets the token with the mark. Asking again helps unless it was never
// one of ours.
func (a *serviceAccount) renew(mark uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.mark == mark {
		a.token = secret.String{}
	}
	return mark != 0
}

func (a *serviceAccount) secrets() []secret.String {
	a.mu.Lock()
	defer a.mu.Unlock()
	return []secret.String{a.secret, a.token}
}

// current returns a token that can be used, fetching one where there is none.
func (a *serviceAccount) current(ctx context.Context) (secret.String, uint64, error) {
	if token, mark, ok := a.held(); ok {
		return token, mark, nil
	}
	select {
	case a.fetching <- struct{}{}:
		defer func() { <-a.fetching }()
	case <-ctx.Done():
		return secret.String{}, 0, ctx.Err()
	}
	// Another goroutine may have fetched one in the meantime.
	if token, mark, ok := a.held(); ok {
		return token, mark, nil
	}
	return a.fetch(ctx)
}

// held returns the token that is at hand.
func (a *serviceAccount) held() (secret.String, uint64, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.token, a.mark, !a.token.Empty() && time.Now().Before(a.until)
}

// fetch asks for a token, repeatedly where that can help.
func (a *serviceAccount) fetch(ctx context.Context) (secret.String, uint64, error) {
	var got secret.String
	var mark uint64
	err := tryOften(ctx, &a.retries, a.logger, call{route: routeToken}, func(attempt int) *failure {
		began := time.Now()
		token, fail := a.attempt(ctx, attempt)
		if fail != nil {
			return fail
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.mark++
		a.token = secret.New(token.AccessToken)
		a.until = began.Add(time.Hour)
		if !token.Expiry.IsZero() {
			// Short-lived tokens are used for nine tenths of their life.
			life := token.Expiry.Sub(began)
			a.until = began.Add(life - min(tokenSlack, life/10))
		}
		got, mark = a.token, a.mark
		return nil
	})
	return got, mark, err
}

// attempt asks for a token once, when the endpoint's pace allows it.
func (a *serviceAccount) attempt(ctx context.Context, n int) (*oauth2.Token, *failure) {
	entered := time.Now()
	pass, err := a.limiter.Acquire(ctx)
	if err != nil {
		return nil, stopped(call{route: routeToken}, err)
	}
	sent := time.Now()
	info := RequestInfo{Method: routeToken.Method, Route: routeToken.Pattern, Status: http.StatusOK, Attempt: n, InFlight: pass.InFlight, Waited: sent.Sub(entered)}
	token, err := a.config.Token(context.WithValue(ctx, oauth2.HTTPClient, a.http))
	var fail *failure
	if err != nil {
		fail = a.failure(ctx, err)
		info.Status = fail.err.Status
	}
	info.Duration = time.Since(sent)
	a.limiter.Release(pass, fail.answer(limiter.Answer{Left: -1}))
	a.observe(info)
	return token, fail
}

// failure classifies a refusal of the token endpoint.
func (a *serviceAccount) failure(ctx context.Context, err error) *failure {
	if ctx.Err() != nil {
		return stopped(call{route: routeToken}, ctx.Err())
	}
	e := &Error{Kind: KindUnavailable, Method: routeToken.Method, Route: routeToken.Pattern, List: routeToken.List}
	f := &failure{err: e, class: retryLong, after: -1}
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response == nil {
		e.Err = presentable(err, a)
		e.Hint = egress.Advice(err)
		switch {
		case isTimeout(err):
			e.Kind = KindTimeout
		case egress.IsDenied(err):
			e.Kind, f.class = KindInvalid, retryNever
		case egress.IsProxy(err):
			f.class = retryFew
		case isCertificate(err):
			e.Kind, f.class = KindInvalid, retryNever
			e.Hint = cmp.Or(e.Hint, "the token endpoint's certificate is not trusted; check --base-url and the CA certificates of any proxy")
		case refused == nil && !errors.As(err, new(*url.Error)):
			// An answer that is no token: a page, or JSON of another kind.
			e.Kind, f.class = KindUnauthenticated, retryNever
			e.Err = errors.New("the token endpoint did not return a token")
			e.Hint = hintServiceAccount
		}
		return f
	}
	e.Status = refused.Response.StatusCode
	e.Message = redact.Line(messageOf(refused.Body), a.secrets()...)
	switch status := e.Status; {
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500 && status != http.StatusNotImplemented:
		if after, ok := retryAfter(refused.Response.Header, time.Now()); ok {
			f.after = after
		}
		switch status {
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			f.refused = true
		case http.StatusInternalServerError:
			f.class = retryFew
		}
	default:
		// 400 and 401 both carry OAuth's words for a wrong pair; a redirect leads to
		// a page for people.
		e.Kind, f.class = KindUnauthenticated, retryNever
		e.Hint = hintServiceAccount
	}
	return f
}

// wholeAnswers reads each answer to its end before the token library sees it, which
// keeps no more than the words of an error that comes later.
type wholeAnswers struct{ next http.RoundTripper }

// maxTokenBytes bounds an answer of the token endpoint.
const maxTokenBytes = 1 << 20

// RoundTrip implements [http.RoundTripper].
func (w wholeAnswers) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenBytes))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

const hintServiceAccount = "check that the service account's client ID and secret are right, unexpired and of this region"
