package jumpcloud_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	simcert "github.com/conductorone/baton-jumpcloud/internal/sim/cert"
)

// tlsServer answers over TLS, compressed where the client takes that.
func tlsServer(t *testing.T, change func(*httptest.Server)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Protocol", r.Proto)
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("the client takes no compressed answer")
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		io.WriteString(z, `{"totalCount":1,"results":[{"id":"`+strings.ReplaceAll(r.Proto, "/", "-")+`"}]}`) //nolint:errcheck // A test server.
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	change(server)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func tlsClient(t *testing.T, server *httptest.Server, roots *x509.CertPool) *jumpcloud.Client {
	t.Helper()
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client, err := jumpcloud.New(jumpcloud.Config{
		BaseURL: base, APIKey: secret.New(testKey), Logger: slog.New(slog.DiscardHandler), Transport: jumpcloud.NewTransport(roots, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestTransportSpeaksHTTP2AndGzip(t *testing.T) {
	t.Parallel()
	server := tlsServer(t, func(s *httptest.Server) { s.EnableHTTP2 = true })
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	page, err := tlsClient(t, server, roots).Admins(t.Context(), paging.Window{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Items) != 1 || page.Items[0].ID != "HTTP-2.0" {
		t.Errorf("the answer is %+v", page)
	}
}

// TestTransportTrustsNobodyElse ends at once where a certificate is not trusted or
// TLS is too old: no later attempt would be better.
func TestTransportTrustsNobodyElse(t *testing.T) {
	t.Parallel()
	server := tlsServer(t, func(*httptest.Server) {})
	_, err := tlsClient(t, server, x509.NewCertPool()).Admins(t.Context(), paging.Window{Limit: 100})
	if jumpcloud.KindOf(err) != jumpcloud.KindInvalid || !strings.Contains(err.Error(), "signed by unknown authority") {
		t.Errorf("an unknown certificate gives %v", err)
	}

	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	plain.URL = strings.Replace(plain.URL, "http:", "https:", 1)
	if _, err := tlsClient(t, plain, nil).Admins(t.Context(), paging.Window{Limit: 100}); jumpcloud.KindOf(err) != jumpcloud.KindInvalid {
		t.Errorf("a server without TLS gives %v", err)
	}

	old := tlsServer(t, func(s *httptest.Server) {
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	})
	roots := x509.NewCertPool()
	roots.AddCert(old.Certificate())
	if _, err := tlsClient(t, old, roots).Admins(t.Context(), paging.Window{Limit: 100}); jumpcloud.KindOf(err) != jumpcloud.KindInvalid {
		t.Errorf("TLS 1.1 gives %v", err)
	}
}

// TestClockThatIsWrong names the clock where a certificate is not good by it.
func TestClockThatIsWrong(t *testing.T) {
	t.Parallel()
	ca, certificate, err := simcert.New("a clock", "127.0.0.1", time.Now().AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	server := tlsServer(t, func(s *httptest.Server) {
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	_, err = tlsClient(t, server, roots).Admins(t.Context(), paging.Window{Limit: 100})
	if jumpcloud.KindOf(err) != jumpcloud.KindInvalid || !strings.Contains(err.Error(), "; the certificate is valid from ") ||
		!strings.Contains(err.Error(), "but this machine's clock says "+time.Now().UTC().Format("2006-01-02")) || strings.Contains(err.Error(), "--base-url") {
		t.Errorf("the error is %v", err)
	}
}

// TestProxyThatIsAway ends soon, names the proxy and not the region, and knows of a
// change that it was not sent.
func TestProxyThatIsAway(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{
		"refuses connections": syscall.ECONNREFUSED,
		"unknown":             &net.DNSError{Err: "no such host", Name: "gate.example", IsNotFound: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			transport := jumpcloud.NewTransport(nil, nil)
			defer transport.CloseIdleConnections()
			transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", User: url.UserPassword("me", "very private"), Host: "gate.example:3128"})
			transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: cause}
			}
			client, err := jumpcloud.New(jumpcloud.Config{
				BaseURL: &url.URL{Scheme: "https", Host: "console.example"}, APIKey: secret.New(testKey), Logger: slog.New(slog.DiscardHandler), Transport: transport,
			})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			_, err = client.Admins(t.Context(), paging.Window{Limit: 100})
			if jumpcloud.KindOf(err) != jumpcloud.KindUnavailable || !strings.Contains(err.Error(), "the proxy cannot be used: check its address in HTTPS_PROXY") ||
				strings.Contains(err.Error(), "region") || strings.Contains(err.Error(), "private") {
				t.Errorf("%s: the error is %v", name, err)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("%s: it took %s", name, took)
			}
			err = client.AddGroupMember(t.Context(), "64b000000000000000000001", "64b000000000000000000002")
			var e *jumpcloud.Error
			if !errors.As(err, &e) || e.MaybeDone {
				t.Errorf("%s: of a change it is %v", name, err)
			}
		})
	}
}

// TestProxyThatRefuses ends soon, and says who refused.
func TestProxyThatRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		transport := jumpcloud.NewTransport(nil, nil)
		defer transport.CloseIdleConnections()
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", User: url.UserPassword("me", "very private"), Host: "gate.example:3128"})
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			asked++
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				if _, err := http.ReadRequest(bufio.NewReader(far)); err == nil {
					_, _ = io.WriteString(far, "HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nblocked")
				}
			}()
			return near, nil
		}
		client, err := jumpcloud.New(jumpcloud.Config{
			BaseURL: &url.URL{Scheme: "https", Host: "console.example"}, APIKey: secret.New(testKey), Logger: slog.New(slog.DiscardHandler), Transport: transport,
		})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = client.Admins(t.Context(), paging.Window{Limit: 100})
		if jumpcloud.KindOf(err) != jumpcloud.KindUnavailable || !strings.Contains(err.Error(), "the proxy gate.example:3128 refused to connect: 403 Forbidden") {
			t.Errorf("the error is %v", err)
		}
		if strings.Contains(err.Error(), "private") {
			t.Errorf("the error shows the proxy's password: %v", err)
		}
		if took := time.Since(began); asked != 4 || took > time.Minute {
			t.Errorf("the proxy was asked %d times in %s", asked, took)
		}
	})
}
