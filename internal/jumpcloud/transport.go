package jumpcloud

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// NewTransport makes a transport for one host that is asked often: HTTP/2 where
// offered, connections kept, a proxy from the environment honoured, and dead
// connections noticed. A proxy that refuses to connect is told from a network that
// fails. It trusts the given roots; nil means the system's.
// Several clients may share it.
func NewTransport(roots *x509.CertPool) *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:   15 * time.Second,
		MaxIdleConns:          64,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},

		OnProxyConnectResponse: func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode/100 == 4 && resp.StatusCode != http.StatusRequestTimeout && resp.StatusCode != http.StatusTooManyRequests {
				return &proxyError{host: proxy.Host, status: resp.StatusCode}
			}
			return nil
		},
	}
}

// proxyError is a proxy that refuses to connect to the server. The request was not
// sent.
type proxyError struct {
	host   string
	status int
}

// Error implements error.
func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy %s refused to connect: %d %s", e.host, e.status, http.StatusText(e.status))
}

// isProxy reports whether a refusal is that of a proxy on the way to JumpCloud's own
// edge: one that says so, as all must that pass a message on.
func isProxy(h http.Header) bool {
	return h.Get("X-Squid-Error") != "" || h.Get("Proxy-Authenticate") != "" || h.Get("Via") != "" && h.Get("Cf-Ray") == ""
}

// newHTTPClient never follows a redirect, which would carry the key elsewhere.
func newHTTPClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
