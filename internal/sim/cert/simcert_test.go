package simcert_test

import (
	"crypto/x509"
	"testing"
	"time"

	simcert "github.com/conductorone/baton-jumpcloud/internal/sim/cert"
)

func TestNew(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 30, 12, 0, 0, 0, time.UTC)
	ca, server, err := simcert.New("a simulator", "127.0.0.9", now)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(server.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("the authority is not PEM")
	}
	for _, host := range []string{"127.0.0.9", "127.0.0.1", "::1", "localhost"} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, CurrentTime: now}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: "console.jumpcloud.com", Roots: roots, CurrentTime: now}); err == nil {
		t.Error("it is good for a host that it was not made for")
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: x509.NewCertPool(), CurrentTime: now}); err == nil {
		t.Error("it is good for somebody who does not trust the authority")
	}
}
