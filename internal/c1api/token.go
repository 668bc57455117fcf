package c1api

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/egress"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

const (
	// sdkVersion is the revision of the public SDK whose protocol is spoken here;
	// both user agents carry it.
	sdkVersion = "v0.25.0"

	tokenPath       = "/auth/v1/token" //nolint:gosec // It is a path, not a token.
	assertionType   = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	assertionLife   = 2 * time.Minute
	tokenUserAgent  = "baton-c1-credential-provider baton-sdk/" + sdkVersion
	maxTokenAnswer  = 1 << 20
	defaultHTTPTime = 300 * time.Second

	// attestedBefore is how long before its making an assertion with an attestation is
	// good.
	attestedBefore = time.Minute
	// expiryMargin is how much earlier than it is said to end a token with a proof ends.
	expiryMargin = 10 * time.Second
	typeDPoP     = "DPoP"
	codeUseNonce = "use_dpop_nonce"
	// maxTokenLife is the longest that a token is kept, whatever is said of it.
	maxTokenLife = 24 * time.Hour
	// maxSkew is how far the clocks may be apart. An assertion is good for two minutes
	// before and after its making, by the clock of whoever looks at it.
	maxSkew = time.Minute
)

// TokenSource buys access tokens for a client id and keeps one for as long as it
// is good. It is safe for concurrent use: one caller asks, the others wait for
// the same token.
type TokenSource struct {
	credentials *Credentials
	audience    string
	endpoint    string
	client      *http.Client
	proof       *ProofKey
	attest      func(context.Context) (string, error)
	nonce       string // of the endpoint, for proofs; who holds turn may use it

	// turn is held by the one caller that asks for a token while the others wait.
	// It is a channel so that waiting for it ends with the caller's context.
	turn chan struct{}

	mu    sync.Mutex
	token *oauth2.Token // nil or no longer valid means that one must be asked for
	last  secret.String // the token that was kept last, which errors may quote
}

// TokenOptions say where tokens are asked for, and by which way; see [Options].
type TokenOptions struct {
	Credentials *Credentials
	Host        string // asked at https://<host>/auth/v1/token
	Proxies     *egress.Proxies
	RootCAs     *x509.CertPool
	Timeout     time.Duration // of one request
	Dial        DialFunc
	// Proof binds the tokens to a key, and Attest makes the statement that each request
	// carries then; both nil in service mode.
	Proof  *ProofKey
	Attest func(context.Context) (string, error)
}

// NewTokenSource makes one.
func NewTokenSource(o TokenOptions) *TokenSource {
	transport := &http.Transport{
		Proxy:                  o.Proxies.Request,
		OnProxyConnectResponse: egress.CheckConnect,

		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
		TLSHandshakeTimeout:   connectTimeout,
		ForceAttemptHTTP2:     true,
		ResponseHeaderTimeout: o.Timeout,
		// Tokens are asked for once an hour or so: a connection is not worth keeping.
		DisableKeepAlives: true,
	}
	if o.Dial != nil {
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, addr string) (net.Conn, error) { return o.Dial(ctx, addr) }
	}
	audience := o.Credentials.host
	if o.Proof != nil {
		audience = o.Host
	}
	return &TokenSource{
		credentials: o.Credentials,
		audience:    withoutPort(audience),
		proof:       o.Proof,
		attest:      o.Attest,
		endpoint:    "https://" + o.Host + tokenPath,
		client: &http.Client{
			Transport: transport,
			Timeout:   o.Timeout,
			// The assertion is a credential; it goes to the host of the client id only.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		turn: make(chan struct{}, 1),
	}
}

// Token returns a token that is good for ten seconds or more. Its error carries
// a gRPC status: a [*TokenError] where the endpoint answered, otherwise
// Unavailable, Canceled or DeadlineExceeded.
func (s *TokenSource) Token(ctx context.Context) (*oauth2.Token, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, transportError("wait for a ConductorOne token", ctx.Err())
	}
	if token := s.kept(); token.Valid() {
		return token, nil
	}
	token, err := s.fetch(ctx)
	if err != nil {
		return nil, err
	}
	s.keep(token)
	return token, nil
}

// Forget drops the token, so that the next call asks for another one.
func (s *TokenSource) Forget() { s.keep(nil) }

func (s *TokenSource) kept() *oauth2.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

func (s *TokenSource) keep(token *oauth2.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
	if token != nil {
		s.last = secret.New(token.AccessToken)
	}
}

// fetch asks for a token, and once more where the endpoint wants to see its nonce.
func (s *TokenSource) fetch(ctx context.Context) (*oauth2.Token, error) {
	token, nonce, err := s.request(ctx)
	if nonce == "" {
		return token, err
	}
	s.nonce = nonce
	token, _, err = s.request(ctx)
	return token, err
}

// request asks once. Where the endpoint refuses for want of a nonce, that is returned
// with the error.
func (s *TokenSource) request(ctx context.Context) (token *oauth2.Token, nonce string, err error) {
	assertion, err := s.assertion(ctx, time.Now())
	if err != nil {
		return nil, "", err
	}
	signed := secret.New(assertion)
	form := url.Values{
		"client_id":             {s.credentials.clientID},
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {assertionType},
		"client_assertion":      {assertion},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, "", fmt.Errorf("make the token request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if s.proof == nil {
		req.Header.Set("User-Agent", tokenUserAgent)
	} else {
		proof, err := s.proof.proof(s.endpoint, s.nonce, "", time.Now())
		if err != nil {
			return nil, "", fmt.Errorf("sign the token request: %w", err)
		}
		req.Header.Set("DPoP", proof)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, "", transportError("request a ConductorOne token", err, signed)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenAnswer))
	if err != nil {
		return nil, "", transportError("read ConductorOne's token", err, signed)
	}
	now := time.Now()
	token, err = parseToken(resp.StatusCode, body, now)
	if err == nil && s.proof != nil {
		err = bound(token, now)
	}
	if refusal, ok := errors.AsType[*TokenError](err); ok {
		if s.proof != nil && refusal.StatusCode == http.StatusBadRequest && refusal.Code == codeUseNonce {
			nonce = resp.Header.Get("DPoP-Nonce")
		}
		refusal.Code, refusal.Description = redact.Line(refusal.Code, signed), redact.Line(refusal.Description, signed)
		if !refusal.Temporary() {
			refusal.Skew = skew(resp.Header.Get("Date"), now)
		}
	}
	return token, nonce, err
}

// bound makes a token one that is sent with a proof. One of which is not said when it
// ends is good for one call.
func bound(token *oauth2.Token, now time.Time) error {
	if !strings.EqualFold(token.TokenType, typeDPoP) && !strings.EqualFold(token.TokenType, "Bearer") {
		return &TokenError{StatusCode: http.StatusOK, Description: "the response contains a token of an unsupported type"}
	}
	if token.Expiry.IsZero() {
		token.Expiry = now
		return nil
	}
	token.Expiry = token.Expiry.Add(-expiryMargin)
	return nil
}

// hide takes the token out of an error that ConductorOne answered a call with. Errors
// of ours stay what they are.
func (s *TokenSource) hide(err error) error {
	answer, ok := status.FromError(err)
	if err == nil || !ok {
		return err
	}
	s.mu.Lock()
	token := s.last // It is forgotten by then where it was refused.
	s.mu.Unlock()
	text := redact.Text(answer.Message(), token)
	if text == answer.Message() {
		return err
	}
	shown := answer.Proto()
	shown.Message = text
	return status.ErrorProto(shown)
}

// skew is how far this machine's clock is ahead of the one that a Date header was
// written by, if that is far enough to matter.
func skew(date string, now time.Time) time.Duration {
	theirs, err := http.ParseTime(date)
	if err != nil {
		return 0
	}
	if ahead := now.Sub(theirs).Round(time.Second); ahead.Abs() > maxSkew {
		return ahead
	}
	return 0
}

// parseToken reads the endpoint's answer. Nothing of a good one, and only the
// OAuth error of a bad one, gets into an error, as the endpoint worded it.
func parseToken(code int, body []byte, now time.Time) (*oauth2.Token, error) {
	var answer struct {
		AccessToken string      `json:"access_token"`
		TokenType   string      `json:"token_type"`
		ExpiresIn   json.Number `json:"expires_in"`
		Error       string      `json:"error"`
		Description string      `json:"error_description"`
	}
	malformed := json.Unmarshal(body, &answer)
	if code != http.StatusOK {
		return nil, &TokenError{StatusCode: code, Code: answer.Error, Description: answer.Description}
	}
	if malformed != nil {
		return nil, &TokenError{StatusCode: code, Description: "the response is not a token in JSON"}
	}
	if answer.AccessToken == "" {
		return nil, &TokenError{StatusCode: code, Description: "the response contains no access token"}
	}
	token := &oauth2.Token{AccessToken: answer.AccessToken, TokenType: answer.TokenType}
	if seconds, err := answer.ExpiresIn.Float64(); err == nil && seconds > 0 {
		token.Expiry = now.Add(time.Duration(min(seconds, maxTokenLife.Seconds()) * float64(time.Second)))
	}
	return token, nil
}

// assertion signs the claims by which ConductorOne knows the client, with an attestation
// where there is one.
func (s *TokenSource) assertion(ctx context.Context, now time.Time) (string, error) {
	options := &jose.SignerOptions{NonceSource: nonceSource{}}
	claims := struct {
		jwt.Claims
		Attestation string `json:"id_att,omitempty"`
	}{Claims: jwt.Claims{
		Issuer:    s.credentials.clientID,
		Subject:   s.credentials.clientID,
		Audience:  jwt.Audience{s.audience},
		IssuedAt:  jwt.NewNumericDate(now),
		NotBefore: jwt.NewNumericDate(now.Add(-assertionLife)),
		Expiry:    jwt.NewNumericDate(now.Add(assertionLife)),
	}}
	if s.attest != nil {
		attestation, err := s.attest(ctx)
		if err != nil {
			return "", err
		}
		options, claims.Attestation, claims.NotBefore = nil, attestation, jwt.NewNumericDate(now.Add(-attestedBefore))
	}
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: jose.EdDSA,
		// Wrapped in a JSON Web Key, the header names its id where it has one.
		Key: jose.JSONWebKey{Key: s.credentials.key, KeyID: s.credentials.keyID},
	}, options)
	if err != nil {
		return "", fmt.Errorf("sign the token request: %w", err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign the token request: %w", err)
	}
	return text, nil
}

// nonceSource makes each assertion one that was never seen before.
type nonceSource struct{}

func (nonceSource) Nonce() (string, error) {
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return "", errors.New("no randomness for a nonce")
	}
	return base64.RawURLEncoding.EncodeToString(nonce), nil
}
