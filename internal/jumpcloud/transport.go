package jumpcloud

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/egress"
)

// NewTransport makes a transport for one host that is asked often: HTTP/2 where
// offered, connections kept, and dead connections noticed. A proxy that refuses to
// connect is told from a network that fails. It trusts the given roots; nil means the
// system's. Proxies are those given and no others; nil means none. Several clients may
// share it.
func NewTransport(roots *x509.CertPool, proxies *egress.Proxies) *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 proxies.Request,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:   15 * time.Second,
		MaxIdleConns:          64,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},

		OnProxyConnectResponse: egress.CheckConnect,
	}
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
