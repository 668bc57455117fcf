package gate_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/explorer/gate"
)

// certificate writes a certificate for explorer.test and 127.0.0.1 and its key.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"explorer.test", "*.wild.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	return certFile, keyFile, pool
}

// serve runs a server for the length of a test.
func serve(t *testing.T, place gate.Place) *gate.Server {
	t.Helper()
	s, err := gate.Listen(t.Context(), place, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	finished := make(chan error, 1)
	go func() { finished <- s.Serve(ctx, http.HandlerFunc(keeper)) }()
	t.Cleanup(func() {
		stop()
		if err := <-finished; err != nil {
			t.Errorf("serving ended with %v", err)
		}
	})
	return s
}

// open asks for an address like a browser, which keeps cookies and follows
// redirections.
func open(t *testing.T, address string, pool *x509.CertPool) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Jar: jar}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if strings.Contains(r.Request.URL.String(), "token") {
		t.Errorf("the address is still %s", r.Request.URL)
	}
	return body(t, r)
}

func TestServe(t *testing.T) {
	t.Parallel()
	s := serve(t, gate.Place{Address: "localhost"})
	if !strings.HasPrefix(s.URL, "http://127.0.0.1:") {
		t.Errorf("the address is %s", s.URL)
	}
	if got := open(t, s.Address().Reveal(), nil); got != secretPage {
		t.Errorf("the page is %q", got)
	}
	if got := open(t, s.BrowserAddress().Reveal(), nil); got != secretPage {
		t.Errorf("with a ticket the page is %q", got)
	}
	if got := s.Address().String(); strings.Contains(got, "token") {
		t.Errorf("the address prints as %s", got)
	}
}

func TestServeTLS(t *testing.T) {
	t.Parallel()
	certFile, keyFile, pool := certificate(t)
	s := serve(t, gate.Place{Address: "0.0.0.0", CertFile: certFile, KeyFile: keyFile})
	if !strings.HasPrefix(s.URL, "https://explorer.test:") {
		t.Errorf("the address is %s, want the certificate's first name", s.URL)
	}
	if got := open(t, strings.Replace(s.Address().Reveal(), "explorer.test", "127.0.0.1", 1), pool); got != secretPage {
		t.Errorf("the page is %q", got)
	}
}

func TestListenRefuses(t *testing.T) {
	t.Parallel()
	certFile, keyFile, _ := certificate(t)
	tests := []struct {
		name, want string
		place      gate.Place
	}{
		{"all addresses in the clear", "set --tls-cert and --tls-key", gate.Place{Address: "0.0.0.0"}},
		{"all addresses of version 6 in the clear", "set --tls-cert and --tls-key", gate.Place{Address: "::"}},
		{"another address in the clear", "set --tls-cert and --tls-key", gate.Place{Address: "192.0.2.1"}},
		{"a name", "is not an IP address", gate.Place{Address: "example.com"}},
		{"nothing", "is not an IP address", gate.Place{}},
		{"certificate alone", "set both", gate.Place{Address: "127.0.0.1", CertFile: certFile}},
		{"key alone", "set both", gate.Place{Address: "127.0.0.1", KeyFile: keyFile}},
		{"key for a certificate", "read the certificate", gate.Place{Address: "127.0.0.1", CertFile: keyFile, KeyFile: keyFile}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := gate.Listen(t.Context(), tt.place, slog.New(slog.DiscardHandler))
			if err == nil {
				s.Close()
				t.Fatal("it listens")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want one with %q", err, tt.want)
			}
		})
	}
}
