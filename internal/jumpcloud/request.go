package jumpcloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/limiter"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

const (
	// maxBodyBytes bounds an answer after decompression. A page of 1,000 users takes
	// about 3 MB, one of 100 applications with their certificates as much.
	maxBodyBytes = 64 << 20
	// maxErrorBytes bounds what is read of an error's body.
	maxErrorBytes = 64 << 10
)

// call is one request to make.
type call struct {
	route Route
	id    string     // takes the place of {id}
	key   string     // takes the place of {key}, in routes that have it
	query url.Values // nil for none
	body  any        // sent as JSON; nil for none
	// secrets are values of the body that no error may repeat.
	secrets []secret.String
}

// decoder reads an answer. Header is that of the answer.
type decoder func(header http.Header, body *json.Decoder) error

// read makes a request that may be repeated until it succeeds, is refused, or
// the retry policy ends.
func (c *Client) read(ctx context.Context, call call, decode decoder) error {
	target, payload, err := c.prepare(call)
	if err != nil {
		return err
	}
	attempts := 0
	return tryOften(ctx, c.retries, c.logger, call, func(int) *failure {
		return c.attempt(ctx, call, target, payload, &attempts, decode)
	})
}

// write makes a request once.
func (c *Client) write(ctx context.Context, call call) error { return c.writeAndRead(ctx, call, nil) }

// writeAndRead makes a request once and reads its answer.
func (c *Client) writeAndRead(ctx context.Context, call call, decode decoder) error {
	target, payload, err := c.prepare(call)
	if err != nil {
		return err
	}
	fail := c.attempt(ctx, call, target, payload, new(int), decode)
	if fail == nil {
		return nil
	}
	fail.err.MaybeDone = fail.maybeDone
	return fail.result(ctx)
}

// prepare checks a call and works out its address and body.
func (c *Client) prepare(call call) (target string, payload []byte, err error) {
	if err := checkID(call); err != nil {
		return "", nil, err
	}
	path := strings.Replace(call.route.Pattern, "{id}", url.PathEscape(call.id), 1)
	path = strings.Replace(path, "{key}", url.PathEscape(call.key), 1)
	base := c.base
	if strings.HasPrefix(path, insightsPrefix) {
		base = c.events
	}
	u := base.JoinPath(path)
	u.RawQuery = call.query.Encode()
	if call.body != nil {
		if payload, err = json.Marshal(call.body); err != nil {
			return "", nil, fmt.Errorf("encode the body of %s %s: %w", call.route.Method, call.route.Pattern, err)
		}
	}
	return u.String(), payload, nil
}

// checkID refuses ids that would make another route of the address.
func checkID(call call) error {
	if !strings.Contains(call.route.Pattern, "{id}") {
		return nil
	}
	ids := []string{call.id}
	if strings.Contains(call.route.Pattern, "{key}") {
		ids = append(ids, call.key)
	}
	for _, id := range ids {
		if id == "" || id == "." || id == ".." || printable.Clean(id) != id || strings.ContainsAny(id, "/\\?#%") {
			return &Error{
				Kind: KindInvalid, Method: call.route.Method, Route: call.route.Pattern,
				Err: fmt.Errorf("%w %q", errBadID, id),
			}
		}
	}
	return nil
}

// attempt makes one request; nil is success. Only where a token had expired, or a route
// does not take the name of an organization, it is made again at once: it was then
// refused before anything was done. N counts the requests.
func (c *Client) attempt(ctx context.Context, call call, target string, payload []byte, n *int, decode decoder) *failure {
	once := map[class]bool{retryNow: true, retryUnnamed: true}
	for {
		*n++
		fail := c.ask(ctx, call, target, payload, *n, decode)
		if fail == nil || !once[fail.class] {
			return fail
		}
		once[fail.class] = false
	}
}

// ask makes one request when its turn has come; nil is success.
func (c *Client) ask(ctx context.Context, call call, target string, payload []byte, n int, decode decoder) *failure {
	entered := time.Now()
	pass, err := c.limiter.Acquire(ctx)
	if err != nil {
		return stopped(call, err)
	}
	info := RequestInfo{Method: call.route.Method, Route: call.route.Pattern, Attempt: n, InFlight: pass.InFlight, Waited: time.Since(entered)}
	answer := limiter.Answer{Left: -1}
	sent := time.Now()
	fail := c.send(ctx, call, target, payload, decode, &info, &answer)
	info.Duration = time.Since(sent)
	c.limiter.Release(pass, fail.answer(answer))
	c.observe(info)
	if fail != nil {
		fail.err.Attempts = n
	}
	return fail
}

// send makes the request itself and reads its answer.
func (c *Client) send(ctx context.Context, call call, target string, payload []byte, decode decoder, info *RequestInfo, answer *limiter.Answer) *failure {
	header := make(http.Header, 5)
	mark, err := c.auth.apply(ctx, header)
	if err != nil {
		return c.credentialFailure(ctx, call, err)
	}
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, call.route.Method, target, bytes.NewReader(payload))
	if err != nil {
		return &failure{err: c.newError(call, KindInvalid, err), class: retryNever}
	}
	req.Header = header
	if payload == nil {
		req.Body, req.GetBody = http.NoBody, nil
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.agent)
	org, optional := c.organization(call.route)
	if org != "" {
		req.Header.Set(tenantHeader, org)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.brokenConnection(ctx, call, err)
	}
	defer resp.Body.Close()
	info.Status, answer.Left = resp.StatusCode, left(resp.Header)
	c.reached.Store(true)
	if resp.StatusCode/100 != 2 {
		fail := c.refusal(ctx, call, resp, mark)
		if optional && fail.err.Kind == KindPermission && fail.stop == nil {
			c.withoutOrganization(call, fail)
		}
		return fail
	}
	if optional {
		c.orgRoutes.Store(call.route.Pattern, true)
	}
	fail := c.success(ctx, call, resp, decode)
	if fail == nil {
		c.granted.Store(true)
	}
	return fail
}

// withoutOrganization asks a route again without naming the organization, unless it is
// known to take the name: JumpCloud answers 403 where it does not (API v2, multi-tenant
// errors).
func (c *Client) withoutOrganization(call call, fail *failure) {
	if takes, known := c.orgRoutes.Load(call.route.Pattern); known && takes == true {
		return
	}
	c.orgRoutes.Store(call.route.Pattern, false)
	fail.class = retryUnnamed
}

// success reads the answer of a request that was granted.
func (c *Client) success(ctx context.Context, call call, resp *http.Response, decode decoder) *failure {
	body := &cappedReader{r: resp.Body, left: maxBodyBytes}
	// What follows the value, and what a write answers, is read so that the
	// connection can be used again.
	defer func() { _, _ = io.CopyN(io.Discard, body, maxErrorBytes) }()
	if isMarkup(resp.Header) {
		return c.signInPage(call, resp.StatusCode)
	}
	if decode == nil {
		return nil
	}
	first, err := firstByte(body)
	switch {
	case errors.Is(err, io.EOF):
		return &failure{err: c.answerError(call, resp, errors.New("empty response")), class: retryFew}
	case err != nil:
		return c.brokenBody(ctx, call, resp, err)
	case first != '{' && first != '[' && first != 'n':
		return c.signInPage(call, resp.StatusCode)
	}
	err = decode(resp.Header, json.NewDecoder(io.MultiReader(bytes.NewReader([]byte{first}), body)))
	if err == nil {
		return nil
	}
	return c.brokenBody(ctx, call, resp, err)
}

// isMarkup reports whether a header announces a page.
func isMarkup(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (strings.Contains(kind, "html") || strings.HasSuffix(kind, "/xml"))
}

// firstByte reads up to the first byte that is not white space.
func firstByte(r io.Reader) (byte, error) {
	var b [1]byte
	for {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return 0, err
		}
		if !strings.ContainsRune(" \t\r\n", rune(b[0])) {
			return b[0], nil
		}
	}
}

// errTooLarge is a body beyond maxBodyBytes.
var errTooLarge = fmt.Errorf("the response is larger than %d MiB", maxBodyBytes>>20)

// cappedReader fails, rather than ends, where a body grows too large.
type cappedReader struct {
	r    io.Reader
	left int64
}

// Read implements [io.Reader].
func (r *cappedReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errTooLarge
	}
	n, err := r.r.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}

// itoa saves the reader of a query a package name.
func itoa(n int) string { return strconv.Itoa(n) }
