package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"
)

const (
	// connectTimeout bounds connecting, and each step of getting through a proxy.
	connectTimeout = 30 * time.Second
	// maxConnectAnswer bounds the header of what a proxy answers, in bytes.
	maxConnectAnswer = 64 << 10
)

// RefusedError is a proxy that refuses to connect to a server. Nothing was sent to that.
type RefusedError struct {
	Proxy  string // host and port
	Status int
}

// Error implements error.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the proxy %s refused to connect: %d %s", e.Proxy, e.Status, http.StatusText(e.Status))
}

// CheckConnect is for [http.Transport.OnProxyConnectResponse]: it tells a proxy that
// refuses to connect, which lasts, from a network that fails.
func CheckConnect(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode/100 == 4 && resp.StatusCode != http.StatusRequestTimeout && resp.StatusCode != http.StatusTooManyRequests {
		return &RefusedError{Proxy: proxy.Host, Status: resp.StatusCode}
	}
	return nil
}

// Dialer connects to hosts that speak TLS, through their proxies, for libraries that
// know nothing of proxies or not all kinds. It is safe for concurrent use.
type Dialer struct {
	Proxies *Proxies
	// RootCAs are trusted where the proxy itself speaks TLS; nil means the system's.
	RootCAs *x509.CertPool
}

// Target is the name under which gRPC is to dial host:port: where a proxy is used, that
// one resolves the host, because here it may be unknown.
func (d *Dialer) Target(address string) string {
	if u, err := d.Proxies.For(&url.URL{Scheme: "https", Host: address}); err != nil || u != nil {
		return "passthrough:///" + address
	}
	return "dns:///" + address
}

// DialContext connects to host:port. The end of the context ends it at any point.
func (d *Dialer) DialContext(ctx context.Context, address string) (net.Conn, error) {
	direct := &net.Dialer{Timeout: connectTimeout}
	u, err := d.Proxies.For(&url.URL{Scheme: "https", Host: address})
	if err != nil {
		return nil, err
	}
	if u == nil {
		return direct.DialContext(ctx, "tcp", address)
	}
	conn, err := direct.DialContext(ctx, "tcp", proxyAddress(u))
	if err != nil {
		return nil, &net.OpError{Op: opProxy, Net: "tcp", Err: err}
	}
	through, err := d.through(ctx, conn, u, address)
	if err != nil {
		_ = conn.Close() // Nothing was sent through it.
		return nil, err
	}
	return through, nil
}

// opProxy is how errors of connecting to a proxy are known, here and in net/http.
const opProxy = "proxyconnect"

// proxyAddress is host:port of a proxy.
func proxyAddress(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// through has a proxy connect to an address.
func (d *Dialer) through(ctx context.Context, conn net.Conn, u *url.URL, address string) (net.Conn, error) {
	if err := conn.SetDeadline(time.Now().Add(connectTimeout)); err != nil {
		return nil, err
	}
	// A deadline in the past ends what is being read or written.
	toProxy := conn // conn becomes what leads through the proxy, while the function below may run.
	stop := context.AfterFunc(ctx, func() { _ = toProxy.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var err error
	switch u.Scheme {
	case "socks5", "socks5h":
		conn, err = socks(ctx, conn, u, address)
	case "https":
		secured := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: d.RootCAs, ServerName: u.Hostname()})
		if err = secured.HandshakeContext(ctx); err == nil {
			conn, err = connect(secured, u, address)
		}
	default:
		conn, err = connect(conn, u, address)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil && !IsProxy(err) {
		err = &net.OpError{Op: opProxy, Net: "tcp", Err: err}
	}
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Time{})
}

// connect asks an HTTP proxy for a tunnel (RFC 9110, section 9.3.6).
func connect(conn net.Conn, u *url.URL, address string) (net.Conn, error) {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: make(http.Header)}
	if u.User != nil {
		password, _ := u.User.Password()
		request.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)))
	}
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	reader := bufio.NewReaderSize(conn, maxConnectAnswer)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, errors.New("the proxy's response is not HTTP")
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, &RefusedError{Proxy: u.Host, Status: response.StatusCode}
	}
	return &buffered{conn, reader}, nil
}

// buffered is a connection of which a reader may hold a part: the server may speak as
// soon as the proxy has answered.
type buffered struct {
	net.Conn
	reader *bufio.Reader
}

// Read reads what the reader holds, and then the connection.
func (b *buffered) Read(p []byte) (int, error) { return b.reader.Read(p) }

// socks asks a SOCKS5 proxy for a tunnel (RFC 1928). It resolves the host.
func socks(ctx context.Context, conn net.Conn, u *url.URL, address string) (net.Conn, error) {
	var auth *proxy.Auth
	if u.User != nil {
		password, _ := u.User.Password()
		auth = &proxy.Auth{User: u.User.Username(), Password: password}
	}
	dialer, err := proxy.SOCKS5("tcp", proxyAddress(u), auth, connected{conn})
	if err != nil {
		return nil, err
	}
	return dialer.(proxy.ContextDialer).DialContext(ctx, "tcp", address)
}

// connected gives a connection that is there.
type connected struct{ net.Conn }

// Dial implements [proxy.Dialer].
func (c connected) Dial(string, string) (net.Conn, error) { return c.Conn, nil }

// DialContext implements [proxy.ContextDialer].
func (c connected) DialContext(context.Context, string, string) (net.Conn, error) { return c.Conn, nil }
