package jumpcloud_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// script answers requests in their order, the last answer for ever.
type script struct {
	answers []func(*http.Request) (*http.Response, error)

	mu       sync.Mutex
	requests int
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	next := s.answers[min(s.requests, len(s.answers)-1)]
	s.requests++
	s.mu.Unlock()
	return next(req)
}

// say makes an answer; header lists names and values in turn.
func say(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		resp := &http.Response{
			StatusCode: status, Request: req, ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		}
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	}
}

// fail makes a request fail below HTTP.
func fail(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// cutBody answers with a body that breaks off with an error; nil is a plain end.
func cutBody(body string, err error) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		resp, _ := say(200, "")(req)
		if err == nil {
			err = io.EOF
		}
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(body), failingReader{err}))
		return resp, nil
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func scripted(t testing.TB, s *script) *jumpcloud.Client {
	t.Helper()
	client, err := jumpcloud.New(jumpcloud.Config{
		BaseURL: &url.URL{Scheme: "https", Host: "console.example"}, APIKey: secret.New(testKey),
		Transport: s, Logger: slog.New(slog.DiscardHandler), Timeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// TestReadsAreRepeated lets every passing fault pass.
func TestReadsAreRepeated(t *testing.T) {
	t.Parallel()
	reset := &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	start := "Sat, 01 Jan 2000 00:00:00 GMT" // When bubbles begin.
	good := say(200, "[]", "X-Total-Count", "0")
	tests := []struct {
		name        string
		fault       func(*http.Request) (*http.Response, error)
		times       int
		least, most time.Duration // until the good answer
	}{
		{name: "429", fault: say(429, `{"message":"slow down"}`), times: 12, least: time.Minute, most: 15 * time.Minute},
		{name: "429 with seconds", fault: say(429, "", "Retry-After", "7"), times: 1, least: 7 * time.Second, most: 8 * time.Second},
		{name: "429 with a date", fault: say(429, "", "Date", start, "Retry-After", "Sat, 01 Jan 2000 00:00:09 GMT"), times: 1, least: 9 * time.Second, most: 10 * time.Second},
		{
			name: "429 with a date of another clock", times: 1, least: 3 * time.Second, most: 4 * time.Second,
			fault: say(429, "", "Date", "Mon, 01 Jan 2035 00:00:00 GMT", "Retry-After", "Mon, 01 Jan 2035 00:00:03 GMT"),
		},
		{name: "429 with a date that has passed", fault: say(429, "", "Retry-After", "Sat, 01 Jan 1994 00:00:00 GMT"), times: 1, most: time.Second},
		{name: "429 with zero", fault: say(429, "", "Retry-After", "0"), times: 1, most: time.Second},
		{name: "429 with an absurd time", fault: say(429, "", "Retry-After", "484289"), times: 1, least: 5 * time.Minute, most: 5*time.Minute + time.Second},
		{name: "429 with nonsense", fault: say(429, "", "Retry-After", "soon"), times: 1, most: time.Second},
		{name: "503 for ten minutes", fault: say(503, "down"), times: 16, least: 5 * time.Minute, most: 15 * time.Minute},
		{name: "503 with seconds", fault: say(503, "", "Retry-After", "20"), times: 2, least: 40 * time.Second, most: 43 * time.Second},
		{name: "502", fault: say(502, "<html>"), times: 5, most: time.Minute},
		{name: "504", fault: say(504, ""), times: 5, most: time.Minute},
		{name: "522 of the edge", fault: say(522, ""), times: 5, most: time.Minute},
		{name: "500 thrice", fault: say(500, `{"message":"oops"}`), times: 3, most: time.Minute},
		{name: "403 of the edge", fault: say(403, "<html>blocked", "Content-Type", "text/html"), times: 5, most: time.Minute},
		{name: "403 of the edge in words", fault: say(403, "error code: 1015", "Content-Type", "text/plain"), times: 5, most: time.Minute},
		{name: "reset", fault: fail(reset), times: 5, most: time.Minute},
		{name: "refused connection", fault: fail(refused), times: 5, most: time.Minute},
		{name: "EOF", fault: fail(io.EOF), times: 5, most: time.Minute},
		{name: "no answer", fault: hang, times: 2, least: 2 * time.Minute, most: 3 * time.Minute},
		{name: "cut body", fault: cutBody(`[{"to":{"id":"a","ty`, io.ErrUnexpectedEOF), times: 5, most: time.Minute},
		{name: "body that ends early", fault: cutBody(`[{"to":{"id":"a","type":"user"}},`, nil), times: 5, most: time.Minute},
		{name: "body that ends before it begins", fault: cutBody(` `, io.ErrUnexpectedEOF), times: 5, most: time.Minute},
		{name: "reset in the body", fault: cutBody(`[`, reset), times: 5, most: time.Minute},
		{name: "nonsense thrice", fault: say(200, `[{"to":}]`), times: 3, most: time.Minute},
		{name: "null for something thrice", fault: say(200, `null`, "X-Total-Count", "5"), times: 3, most: time.Minute},
		{name: "null without a total thrice", fault: say(200, `null`), times: 3, most: time.Minute},
		{name: "empty answer thrice", fault: say(200, ``), times: 3, most: time.Minute},
		{name: "another shape thrice", fault: say(200, `{"error":"later"}`), times: 3, most: time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{}
				for range tt.times {
					s.answers = append(s.answers, tt.fault)
				}
				s.answers = append(s.answers, good)
				began := time.Now()
				page, err := scripted(t, s).GroupMembers(t.Context(), "g", paging.Window{Limit: 100})
				if err != nil || page.Total != 0 || page.Raw != 0 {
					t.Fatalf("after %d requests: %v, %+v", s.requests, err, page)
				}
				if took := time.Since(began); took < tt.least || took > tt.most {
					t.Errorf("it took %s, want %s to %s", took, tt.least, tt.most)
				}
				if s.requests != tt.times+1 {
					t.Errorf("%d requests were made, want %d", s.requests, tt.times+1)
				}
			})
		})
	}
}

// TestReadsGiveUp ends what does not pass, and not before its time.
func TestReadsGiveUp(t *testing.T) {
	t.Parallel()
	dns := &net.DNSError{Err: "no such host", Name: "console.example", IsNotFound: true}
	tests := []struct {
		name        string
		fault       func(*http.Request) (*http.Response, error)
		kind        jumpcloud.Kind
		requests    int // exactly, 0 for at least ten
		least, most time.Duration
		want        string
	}{
		{name: "503", fault: say(503, `{"message":"down for good"}`), kind: jumpcloud.KindUnavailable, least: 15 * time.Minute, most: 17 * time.Minute, want: "down for good"},
		{name: "429", fault: say(429, ""), kind: jumpcloud.KindUnavailable, least: 15 * time.Minute, most: 17 * time.Minute, want: "429"},
		{name: "429 with five minutes", fault: say(429, "", "Retry-After", "300"), kind: jumpcloud.KindUnavailable, requests: 10, least: 45 * time.Minute, most: 46 * time.Minute},
		{name: "403 of the edge", fault: say(403, "<html>"), kind: jumpcloud.KindUnavailable, least: 15 * time.Minute, most: 17 * time.Minute, want: "edge"},
		{name: "403 of a proxy", fault: say(403, "<html>blocked", "Content-Type", "text/html", "Via", "1.1 gate.example"), kind: jumpcloud.KindUnavailable, requests: 4, most: time.Minute, want: "NO_PROXY"},
		{name: "407", fault: say(407, "", "Proxy-Authenticate", "Basic"), kind: jumpcloud.KindUnavailable, requests: 4, most: time.Minute, want: "proxy"},
		{name: "403 of the edge that names itself", fault: say(403, "<html>", "Via", "1.1 edge.example", "Cf-Ray", "1"), kind: jumpcloud.KindUnavailable, least: 15 * time.Minute, most: 17 * time.Minute, want: "edge"},
		{name: "no answer", fault: hang, kind: jumpcloud.KindTimeout, least: 15 * time.Minute, most: 20 * time.Minute, want: "no answer"},
		{name: "500", fault: say(500, ""), kind: jumpcloud.KindUnavailable, requests: 4, most: time.Minute},
		{name: "nonsense", fault: say(200, `[{]`), kind: jumpcloud.KindProtocol, requests: 4, most: time.Minute},
		{name: "400", fault: say(400, `{"message":"Bad Request: request parameter \"limit\" exceeds maximum value of 100"}`), kind: jumpcloud.KindInvalid, requests: 1},
		{name: "404", fault: say(404, ""), kind: jumpcloud.KindNotFound, requests: 1},
		{name: "no such host", fault: fail(dns), kind: jumpcloud.KindInvalid, requests: 1, want: "--region"},
		{name: "unknown authority", fault: fail(x509.UnknownAuthorityError{}), kind: jumpcloud.KindInvalid, requests: 1, want: "CA certificates"},
		{name: "object without an id", fault: say(200, `[{"to":{"type":"user"}}]`), kind: jumpcloud.KindProtocol, requests: 1, want: "object 1 of this page of group members: missing ID"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []func(*http.Request) (*http.Response, error){tt.fault}}
				began := time.Now()
				_, err := scripted(t, s).GroupMembers(t.Context(), "g", paging.Window{Limit: 100})
				var e *jumpcloud.Error
				if !errors.As(err, &e) || e.Kind != tt.kind {
					t.Fatalf("the error is %v, want one of kind %q", err, tt.kind)
				}
				if took := time.Since(began); took < tt.least || took > tt.most {
					t.Errorf("it took %s, want %s to %s", took, tt.least, tt.most)
				}
				switch {
				case tt.requests > 0 && s.requests != tt.requests:
					t.Errorf("%d requests were made, want %d", s.requests, tt.requests)
				case tt.requests == 0 && s.requests < 10:
					t.Errorf("%d requests were made, want at least 10", s.requests)
				}
				if e.Attempts != s.requests {
					t.Errorf("the error tells of %d attempts, want %d", e.Attempts, s.requests)
				}
				for _, want := range []string{tt.want, "/api/v2/usergroups/{id}/members"} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("the error does not say %q: %v", want, err)
					}
				}
				if strings.Contains(err.Error(), "console.example/") {
					t.Errorf("the error shows an address: %v", err)
				}
			})
		})
	}
}

// TestIdleTimeIsNoOutage gives each request its full retries, however long nothing
// was asked before, and however the last request before that ended: idle time is not
// time of trying.
func TestIdleTimeIsNoOutage(t *testing.T) {
	t.Parallel()
	good := say(200, "[]", "X-Total-Count", "0")
	down := say(502, "")
	ask := func(ctx context.Context, client *jumpcloud.Client) error {
		_, err := client.GroupMembers(ctx, "g", paging.Window{Limit: 100})
		return err
	}
	// left is a caller who does not wait for the second attempt.
	left := func(ctx context.Context, client *jumpcloud.Client) error {
		ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		return ask(ctx, client)
	}
	for name, tt := range map[string]struct {
		before func(context.Context, *jumpcloud.Client) error
		times  int
	}{
		"after an outage":                     {before: ask, times: 1},
		"after many callers who left":         {before: left, times: 20},
		"after callers of whom one came back": {before: left, times: 9},
	} {
		for _, idle := range []time.Duration{time.Second, 20 * time.Minute, 2 * time.Hour} {
			t.Run(name+", "+idle.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &script{answers: []func(*http.Request) (*http.Response, error){down}}
					client := scripted(t, s)
					for range tt.times {
						if err := tt.before(t.Context(), client); err == nil {
							t.Fatal("the server was not down")
						}
					}
					if err := pause(t.Context(), idle); err != nil {
						t.Fatal(err)
					}
					s.answers, s.requests = []func(*http.Request) (*http.Response, error){down, good}, 0
					if err := ask(t.Context(), client); err != nil || s.requests != 2 {
						t.Errorf("one 502 after %s: %v after %d requests, want a second one", idle, err, s.requests)
					}
					// The retry policy is the same as ever.
					s.answers, s.requests = []func(*http.Request) (*http.Response, error){down}, 0
					began := time.Now()
					err := ask(t.Context(), client)
					if took := time.Since(began); err == nil || took < 15*time.Minute || took > 17*time.Minute || s.requests < 10 {
						t.Errorf("an outage: %v after %s and %d requests, want 15 minutes and at least 10", err, took, s.requests)
					}
				})
			})
		}
	}
}

// TestNamesThatVanish asks again for a host that has answered before.
func TestNamesThatVanish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good := say(200, "[]", "X-Total-Count", "0")
		dns := fail(&net.DNSError{Err: "no such host", Name: "console.example", IsNotFound: true})
		s := &script{answers: []func(*http.Request) (*http.Response, error){good, dns, dns, good}}
		client := scripted(t, s)
		for range 2 {
			if _, err := client.GroupMembers(t.Context(), "g", paging.Window{Limit: 100}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestWritesAreSentOnce checks when a change may have been made.
func TestWritesAreSentOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault     func(*http.Request) (*http.Response, error)
		maybeDone bool
	}{
		"never connected": {fail(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}), false},
		"no such host":    {fail(&net.DNSError{IsNotFound: true}), false},
		"reset":           {fail(&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}), true},
		"no answer":       {hang, true},
		"429":             {say(429, "", "Retry-After", "1"), false},
		"502":             {say(502, ""), true},
		"edge":            {say(403, "<html>"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []func(*http.Request) (*http.Response, error){tt.fault}}
				err := scripted(t, s).AddGroupMember(t.Context(), "g", "u")
				var e *jumpcloud.Error
				if !errors.As(err, &e) || e.MaybeDone != tt.maybeDone {
					t.Errorf("the error is %v (%+v)", err, e)
				}
				if s.requests != 1 {
					t.Errorf("the change was sent %d times", s.requests)
				}
			})
		})
	}
}

// TestWritesThatAreLeft tells that a change may have been made when the caller
// left before the answer came.
func TestWritesThatAreLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := scripted(t, &script{answers: []func(*http.Request) (*http.Response, error){hang}}).AddGroupMember(ctx, "g", "u")
		var e *jumpcloud.Error
		if !errors.As(err, &e) || !e.MaybeDone || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
	})
}

// TestReadsInLittleTime says what took the time that there was.
func TestReadsInLittleTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := scripted(t, &script{answers: []func(*http.Request) (*http.Response, error){fail(syscall.ECONNREFUSED)}})
		ctx, cancel := context.WithTimeout(t.Context(), 4500*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := client.Organizations(ctx, paging.Window{Limit: 10})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "context deadline exceeded (previous attempt: GET /api/organizations for organizations: no answer: ") || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("the error is %v", err)
		}
		if took := time.Since(began); took != 4500*time.Millisecond {
			t.Errorf("it took %s", took)
		}
	})
}

// TestCancelledReads end at once, whatever they wait for.
func TestCancelledReads(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*http.Request) (*http.Response, error){
		"between attempts": say(503, ""),
		"in an attempt":    hang,
		"by Retry-After":   say(429, "", "Retry-After", "300"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				s := &script{answers: []func(*http.Request) (*http.Response, error){fault}}
				client := scripted(t, s)
				began := time.Now()
				_, err := client.GroupMembers(ctx, "g", paging.Window{Limit: 100})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the error is %v", err)
				}
				if took := time.Since(began); took != 30*time.Second {
					t.Errorf("it took %s", took)
				}
				if err := client.AddGroupMember(ctx, "g", "u"); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a change after the end gives %v", err)
				}
			})
		})
	}
}
