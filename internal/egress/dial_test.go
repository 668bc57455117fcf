package egress_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/egress"
	"github.com/conductorone/baton-jumpcloud/internal/proxysim"
	simcert "github.com/conductorone/baton-jumpcloud/internal/sim/cert"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// greeter says hello to whoever connects.
func greeter(t *testing.T) string {
	t.Helper()
	l := listen(t)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "hello\n")
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

func dialer(t *testing.T, proxy string, roots *x509.CertPool) *egress.Dialer {
	t.Helper()
	proxies, err := egress.ProxiesFrom(lookup(map[string]string{"HTTPS_PROXY": proxy}))
	if err != nil {
		t.Fatal(err)
	}
	return &egress.Dialer{Proxies: proxies, RootCAs: roots}
}

// TestDialThroughProxies reaches a host that exists only behind a proxy, through each
// kind of proxy, with and without a password.
func TestDialThroughProxies(t *testing.T) {
	t.Parallel()
	ca, certificate, err := simcert.New("a proxy", "127.0.0.1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	const host = "behind.example:8443"
	for scheme, secure := range map[string]bool{"http": false, "https": true, "socks5": false, "socks5h": false} {
		for _, user := range []string{"", "svc"} {
			t.Run(scheme+" "+user, func(t *testing.T) {
				t.Parallel()
				o := proxysim.Options{SOCKS: strings.HasPrefix(scheme, "socks"), User: user, Hosts: map[string]string{host: greeter(t)}}
				login := ""
				if user != "" {
					o.Password, login = "S3cr%t#/Pw", user+":S3cr%25t%23%2FPw@"
				}
				l := listen(t)
				if secure {
					l = tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}})
				}
				proxy := proxysim.Serve(l, o)
				defer proxy.Close()
				d := dialer(t, scheme+"://"+login+proxy.Addr(), roots)
				if target := d.Target(host); target != "passthrough:///"+host {
					t.Errorf("the target is %s", target)
				}
				conn, err := d.DialContext(t.Context(), host)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if line, err := bufio.NewReader(conn).ReadString('\n'); line != "hello\n" || err != nil {
					t.Errorf("%q, %v", line, err)
				}
				_, err = d.DialContext(t.Context(), "other.example:443")
				if !egress.IsProxy(err) || egress.Advice(err) == "" || strings.Contains(err.Error(), "S3cr") {
					t.Errorf("a host that the proxy refuses: %v, advice %q", err, egress.Advice(err))
				}
				if user == "" {
					return
				}
				for _, wrong := range []string{"", "svc:guess@"} {
					if _, err := dialer(t, scheme+"://"+wrong+proxy.Addr(), roots).DialContext(t.Context(), host); !egress.IsProxy(err) {
						t.Errorf("as %q: %v", wrong, err)
					}
				}
			})
		}
	}
	direct := dialer(t, "http://127.0.0.1:1", nil)
	address := greeter(t)
	if target := direct.Target(address); target != "dns:///"+address {
		t.Errorf("the target is %s", target)
	}
	conn, err := direct.DialContext(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if _, err := direct.DialContext(t.Context(), host); !egress.IsProxy(err) || !strings.Contains(egress.Advice(err), "HTTPS_PROXY") {
		t.Errorf("a proxy that is away: %v", err)
	}
}

// TestProxiesThatAnswerNonsense is what becomes of answers that are none.
func TestProxiesThatAnswerNonsense(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"nothing": "", "text": "220 mail ready\r\n", "half": "HTTP/1.1 200", "SOCKS": "\x05\x00", "a refusal": "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
	} {
		for _, scheme := range []string{"http", "socks5"} {
			l := listen(t)
			go func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = bufio.NewReader(conn).ReadByte()
				_, _ = io.WriteString(conn, answer)
				_ = conn.Close()
			}()
			if _, err := dialer(t, scheme+"://"+l.Addr().String(), nil).DialContext(t.Context(), "behind.example:443"); !egress.IsProxy(err) {
				t.Errorf("%s of %s: %v", name, scheme, err)
			}
			_ = l.Close()
		}
	}
}

// A proxy that takes the connection and says nothing keeps nobody whose context ends.
func TestSilentProxy(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https", "socks5"} {
		l := listen(t)
		defer l.Close()
		accepted := make(chan net.Conn, 1)
		go func() {
			if conn, err := l.Accept(); err == nil {
				accepted <- conn
			}
		}()
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped")
		go func() {
			conn := <-accepted
			_, _ = bufio.NewReader(conn).ReadByte()
			cancel(stopped)
		}()
		if _, err := dialer(t, scheme+"://"+l.Addr().String(), nil).DialContext(ctx, "behind.example:443"); !errors.Is(err, stopped) {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	serve := func(born time.Time) *http.Client {
		ca, certificate, err := simcert.New("a clock", "127.0.0.1", born)
		if err != nil {
			t.Fatal(err)
		}
		l := tls.NewListener(listen(t), &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}})
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_ = conn.(*tls.Conn).HandshakeContext(context.Background())
				_ = conn.Close()
			}
		}()
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(ca)
		return &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
			},
		}}
	}
	for name, tt := range map[string]struct {
		born time.Time
		want string
	}{
		"behind": {time.Now().AddDate(1, 0, 0), "but this machine's clock says " + time.Now().UTC().Format("2006-01-02")},
		"ahead":  {time.Now().AddDate(-30, 0, 0), "correct the clock if it is wrong"},
		"right":  {time.Now(), ""},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := serve(tt.born).Do(request)
		if err == nil {
			_ = response.Body.Close()
			t.Fatal("there is an answer")
		}
		if got := egress.Advice(err); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s: advice %q on %v", name, got, err)
		}
		// The certificate may be that of a proxy.
		proxy := &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err}
		if got := egress.Advice(proxy); tt.want != "" && !strings.Contains(got, tt.want) || !egress.IsProxy(proxy) {
			t.Errorf("%s, of a proxy: advice %q", name, got)
		}
	}
	if egress.Advice(nil) != "" || egress.Advice(errors.New("else")) != "" {
		t.Error("there is advice for nothing")
	}
}
