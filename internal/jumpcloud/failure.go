package jumpcloud

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/egress"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/limiter"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

// class says what to do about a failed attempt.
type class uint8

const (
	retryNever   class = iota // asking again cannot help
	retryNow                  // ask once more, at once: the token had expired
	retryUnnamed              // ask once more, at once, without naming the organization
	retryFew                  // ask again a few times: 500, an answer that makes no sense
	retryLong                 // ask again until the retry policy ends: overload, rate limit, network
)

// failure is one attempt that failed.
type failure struct {
	err   *Error
	class class
	// refused says that the server asks to slow down, or is not up to what is asked of
	// it. It may say for how long; after is -1 where it does not.
	refused bool
	after   time.Duration
	// maybeDone says that the server may have done what was asked.
	maybeDone bool
	// stop is the end of the caller's context.
	stop error
}

// result is the error that a caller gets.
func (f *failure) result(ctx context.Context) error {
	if f.stop != nil && f.err.MaybeDone {
		// The caller left while a change was under way.
		f.err.Kind, f.err.Err = KindUnavailable, f.stop
		return f.err
	}
	if f.stop != nil {
		return fmt.Errorf("%s %s: %w", f.err.Method, f.err.Route, f.stop)
	}
	if err := ctx.Err(); err != nil && f.class != retryNever && !f.err.MaybeDone {
		return fmt.Errorf("%s %s: %w", f.err.Method, f.err.Route, err)
	}
	return f.err
}

// answer tells the limiter what became of an attempt, beside what the answer said of
// it; nil is success.
func (f *failure) answer(a limiter.Answer) limiter.Answer {
	switch {
	case f == nil:
		a.Outcome = limiter.Accepted
	case f.refused:
		a.Outcome, a.After = limiter.Refused, f.after
	case f.err.Status != 0:
		// An answer that is no refusal came out of the server's allowance as well.
		a.Outcome = limiter.Accepted
	}
	return a
}

// stopped is an attempt that was not made because the context ended.
func stopped(call call, err error) *failure {
	return &failure{err: &Error{Method: call.route.Method, Route: call.route.Pattern}, class: retryNever, stop: err}
}

// newError starts an error about a call.
func (c *Client) newError(call call, kind Kind, cause error) *Error {
	return &Error{
		Kind: kind, Method: call.route.Method, Route: call.route.Pattern, Object: call.id,
		List: call.route.List, Permission: call.route.Permission, Err: cause,
	}
}

// answerError is an error about an answer that was granted and cannot be used.
func (c *Client) answerError(call call, resp *http.Response, cause error) *Error {
	e := c.newError(call, KindProtocol, cause)
	e.Status = resp.StatusCode
	return e
}

// signInPage is what JumpCloud shows to those whom it does not know: a redirect
// to a page, or the page itself.
func (c *Client) signInPage(call call, status int) *failure {
	e := c.newError(call, KindUnauthenticated, nil)
	e.Status = status
	e.Message = "JumpCloud returned a sign-in page instead of data"
	if status/100 == 3 {
		e.Message = "JumpCloud redirected the request"
	}
	e.Hint = hintKey
	return &failure{err: e, class: retryNever}
}

// refusal reads an answer that is not 2xx.
func (c *Client) refusal(ctx context.Context, call call, resp *http.Response, mark uint64) *failure {
	status := resp.StatusCode
	if status/100 == 3 {
		return c.signInPage(call, status)
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes)) // What could be read is all there is to say.
	maybeDone := status >= 500 || status == http.StatusRequestTimeout
	if ctx.Err() != nil {
		f := stopped(call, ctx.Err())
		f.maybeDone = maybeDone
		return f
	}
	e := c.newError(call, kindOfStatus(status), nil)
	e.Status = status
	e.Message = redact.Line(messageOf(body), slices.Concat(c.auth.secrets(), call.secrets)...)
	f := &failure{err: e, after: -1, maybeDone: maybeDone}
	switch {
	case status == http.StatusUnauthorized:
		if c.auth.renew(mark) {
			f.class = retryNow
		}
	case status == http.StatusForbidden && isEdge(resp.Header, body) && isProxy(resp.Header) && !c.granted.Load(),
		status == http.StatusProxyAuthRequired:
		// It lets nothing through, which time does not change.
		e.Kind, e.Hint = KindUnavailable, hintProxy
		f.class = retryFew
		return f
	case status == http.StatusForbidden && isEdge(resp.Header, body):
		// The edge in front of JumpCloud blocks an address that asks too much; this
		// says nothing about permissions.
		e.Kind = KindUnavailable
		f.class, f.refused = retryLong, true
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		f.class, f.refused = retryLong, true
	case status == http.StatusBadGateway, status == http.StatusGatewayTimeout, status == http.StatusRequestTimeout,
		status >= 520 && status <= 530: // The edge could not reach JumpCloud.
		f.class = retryLong
	case status >= 500 && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported:
		f.class = retryFew
	}
	if f.class == retryLong {
		if after, ok := retryAfter(resp.Header, time.Now()); ok {
			f.after, e.RetryAfter = after, after
		}
	}
	e.Hint = c.hint(call, e)
	return f
}

// isEdge reports whether a 403 is that of an edge: a page, or the short text of
// one, where JumpCloud itself answers JSON.
func isEdge(h http.Header, body []byte) bool {
	return isMarkup(h) || isHTML(body) || strings.HasPrefix(strings.ToLower(strings.TrimSpace(string(body))), "error code:")
}

const (
	hintKey = "check that the API key or service account is right and of this region (a key of another region is rejected like a wrong one) " +
		"(API keys: JumpCloud Admin Portal, your name at the top right, My API Key)"
	hintProxy = "a proxy between this machine and JumpCloud rejects the request: allow this host on the proxy, " +
		"or check HTTPS_PROXY and NO_PROXY"
	hintOrg = "the credential has access to several organizations: choose one with --org-id"
)

// hint says what to do about an error.
func (c *Client) hint(call call, e *Error) string {
	said := strings.ToLower(e.Message)
	switch {
	case strings.Contains(said, "no organization selected"):
		return hintOrg
	case e.Kind == KindUnauthenticated:
		return hintKey
	case e.Status == http.StatusPaymentRequired:
		return call.route.List + " are not part of the organization's JumpCloud plan"
	case e.Kind == KindPermission:
		if call.route.Permission == "" {
			return "the credential may not read " + call.route.List
		}
		return fmt.Sprintf("the credential lacks the permission for %s: its administrator role or service account needs the scope %s",
			call.route.List, call.route.Permission)
	case e.Kind == KindNotFound && call.id == "" && c.base.Path != "" && !c.granted.Load():
		return fmt.Sprintf("check --base-url: requests go to %s/api, below its path", c.base)
	case c.orgID != "" && call.id == "" && (e.Kind == KindInvalid || e.Kind == KindNotFound):
		return "check that the credential has access to the organization in --org-id"
	case e.Kind == KindUnavailable && e.Status == http.StatusForbidden:
		return "JumpCloud's edge network blocks this IP address; wait, or contact JumpCloud support"
	default:
		return ""
	}
}

// credentialFailure is a token that could not be had.
func (c *Client) credentialFailure(ctx context.Context, call call, err error) *failure {
	if ctx.Err() != nil {
		return stopped(call, ctx.Err())
	}
	var e *Error
	if !errors.As(err, &e) {
		e = c.newError(call, KindUnavailable, err)
	}
	return &failure{err: e, class: retryNever}
}

// brokenConnection is a request to which no answer came.
func (c *Client) brokenConnection(ctx context.Context, call call, err error) *failure {
	if ctx.Err() != nil {
		f := stopped(call, ctx.Err())
		f.maybeDone = !neverSent(err)
		return f
	}
	f := &failure{class: retryLong, after: -1, maybeDone: !neverSent(err)}
	f.err = c.newError(call, KindUnavailable, presentable(err, c.auth))
	f.err.Hint = egress.Advice(err)
	var dns *net.DNSError
	switch {
	case isTimeout(err):
		f.err.Kind = KindTimeout
	case egress.IsDenied(err):
		f.err.Kind, f.class = KindInvalid, retryNever
	case egress.IsProxy(err):
		// It was set wrong, or it is away for longer than a few attempts take.
		if !c.granted.Load() {
			f.class = retryFew
		}
	case isCertificate(err):
		f.err.Kind, f.class = KindInvalid, retryNever
		f.err.Hint = cmp.Or(f.err.Hint, "the server does not speak TLS or its certificate is not trusted; check --base-url and the CA certificates of any proxy")
	case !c.reached.Load() && (errors.As(err, &dns) && dns.IsNotFound || isAlert(err)):
		// Of a server that has answered before, the same would be an accident.
		f.err.Kind, f.class = KindInvalid, retryNever
		f.err.Hint = "check --region and --base-url"
	}
	return f
}

// brokenBody is an answer that ended early or cannot be understood.
func (c *Client) brokenBody(ctx context.Context, call call, resp *http.Response, err error) *failure {
	if ctx.Err() != nil {
		return stopped(call, ctx.Err())
	}
	f := &failure{err: c.answerError(call, resp, presentable(err, c.auth)), class: retryLong, after: -1}
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	var row *rowError
	switch {
	case errors.As(err, &row), errors.Is(err, errTooLarge):
		f.class = retryNever
	case errors.Is(err, errNull):
		f.err.Kind, f.class = KindNotFound, retryNever
	case errors.As(err, &shape), errors.As(err, &syntax), errors.Is(err, errShape):
		f.class = retryFew
	case isTimeout(err):
		f.err.Kind = KindTimeout
	default:
		f.err.Kind = KindUnavailable
	}
	return f
}

// presentable takes the address out of an error of net/http, and the credential out of
// what it quotes of the other end.
func presentable(err error, auth authenticator) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if text := redact.Text(err.Error(), auth.secrets()...); text != err.Error() {
		return redactedError{err, text}
	}
	return err
}

// redactedError is an error with another text.
type redactedError struct {
	error
	text string
}

// Error is the text without the credential.
func (e redactedError) Error() string { return e.text }

// Unwrap returns the error itself, for those who ask what it is.
func (e redactedError) Unwrap() error { return e.error }

// isTimeout reports whether an attempt took too long.
func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// isCertificate reports whether TLS failed in a way that lasts.
func isCertificate(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		record       tls.RecordHeaderError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// isAlert reports whether one side of TLS refused the other, over its version for
// example.
func isAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "remote error" || op.Op == "local error")
}

// neverSent reports whether it is certain that the server did not see a request.
func neverSent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &op) && op.Op == "dial" || egress.IsProxy(err) || egress.IsDenied(err) || errors.As(err, &dns) || isCertificate(err)
}
