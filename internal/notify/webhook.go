package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/backoff"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

const (
	// HeaderSignature is "t=UNIX,v1=HEX": when the request was signed, and the HMAC-SHA256 of
	// that number, a period and the body, with the secret that both sides know.
	HeaderSignature = "X-Baton-Signature"
	// HeaderDelivery is the same for each attempt to deliver one message.
	HeaderDelivery = "X-Baton-Delivery"

	queued         = 16 // messages that wait
	attempts       = 10
	firstPause     = time.Second
	longestPause   = 2 * time.Minute
	attemptTimeout = 30 * time.Second
)

// Webhook posts messages to an address, one after the other, and again where that fails.
// Its methods are safe for concurrent use.
type Webhook struct {
	address *url.URL
	key     secret.String
	client  *http.Client
	logger  *slog.Logger
	queue   chan message
}

// message is what is posted.
type message struct {
	id   string
	body []byte
}

// NewWebhook makes one of an address: of HTTPS, or of this machine. Redirects are not followed, as
// the message is for that address.
func NewWebhook(address string, key secret.String, transport http.RoundTripper, logger *slog.Logger) (*Webhook, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the webhook must be an https address")
	case u.User != nil:
		return nil, errors.New("the address of the webhook must not have a password: messages are signed")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, errors.New("the webhook must be an https address: what changed would be read on the way")
	case key.Empty():
		return nil, errors.New("the webhook needs a secret to sign messages with")
	}
	return &Webhook{
		address: u, key: key, logger: logger, queue: make(chan message, queued),
		client: &http.Client{Transport: transport, Timeout: attemptTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Post has a message posted, and does not wait. The id tells the receiver one that comes twice.
func (w *Webhook) Post(ctx context.Context, id string, body []byte) {
	select {
	case w.queue <- message{id, body}:
	default:
		w.logger.ErrorContext(ctx, "a message is not posted: too many wait for the webhook", "delivery", id)
	}
}

// Run posts messages until the context ends.
func (w *Webhook) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			if n := len(w.queue); n > 0 {
				w.logger.WarnContext(ctx, "messages were not posted before the end", "messages", n)
			}
			return
		case m := <-w.queue:
			w.deliver(ctx, m)
		}
	}
}

// deliver posts a message until it is taken, refused, or was tried often enough.
func (w *Webhook) deliver(ctx context.Context, m message) {
	for n := 1; ; n++ {
		again, err := w.attempt(ctx, m)
		switch {
		case err == nil:
			w.logger.InfoContext(ctx, "posted to the webhook", "delivery", m.id, "attempts", n)
			return
		case !again || n == attempts || ctx.Err() != nil:
			w.logger.ErrorContext(ctx, "a message could not be posted", "delivery", m.id, "attempts", n, "error", err)
			return
		}
		pause := backoff.Doubling(n, firstPause, longestPause)
		w.logger.WarnContext(ctx, "posting to the webhook failed", "delivery", m.id, "error", err, "again_in", pause)
		if !backoff.Sleep(ctx, pause) {
			w.logger.ErrorContext(ctx, "a message could not be posted", "delivery", m.id, "attempts", n, "error", context.Cause(ctx))
			return
		}
	}
}

// attempt posts a message once; again says that another attempt may help.
func (w *Webhook) attempt(ctx context.Context, m message) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.address.String(), bytes.NewReader(m.body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "baton-jumpcloud")
	req.Header.Set(HeaderDelivery, m.id)
	req.Header.Set(HeaderSignature, Sign(w.key, time.Now(), m.body))
	res, err := w.client.Do(req)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok { // The address may hold a token.
			err = failed.Err
		}
		return true, err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // So that the connection is used again.
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return false, nil
	default:
		return code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout, fmt.Errorf("the webhook answered HTTP %d", code)
	}
}

// Sign is the signature of a body at a time.
func Sign(key secret.String, at time.Time, body []byte) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	_, _ = mac.Write([]byte(stamp + ".")) // It cannot fail.
	_, _ = mac.Write(body)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
