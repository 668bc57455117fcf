package network

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/egress"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// The times of a hosted connector's connections. Between two calls its process stands
// still, and connections go stale.
const (
	hostedIdle     = 30 * time.Second
	hostedResponse = time.Minute
	hostedPing     = 15 * time.Second
)

// RootsWith are the trusted roots and those of a PEM file; an empty path names none.
func (n *Network) RootsWith(path string) (*x509.CertPool, error) {
	if path == "" {
		return n.Roots, nil
	}
	certificates, _, err := regularfile.Read(path, maxCertificates)
	if err != nil {
		return nil, err
	}
	roots := n.Roots.Clone()
	if !roots.AppendCertsFromPEM(certificates) {
		return nil, fmt.Errorf("%s contains no PEM-encoded CA certificate", path)
	}
	return roots, nil
}

// HostedTransport is a hosted connector's way to JumpCloud, held to the platform's policy;
// nil permits everything. CloseIdle drops connections that may have gone stale.
func (n *Network) HostedTransport(ctx context.Context, policy *egress.Policy, logger *slog.Logger) (way http.RoundTripper, closeIdle func()) {
	t := jumpcloud.NewTransport(n.Roots, n.Proxies)
	t.IdleConnTimeout, t.ResponseHeaderTimeout = hostedIdle, hostedResponse
	t.HTTP2.SendPingTimeout, t.HTTP2.PingTimeout = hostedPing, hostedPing
	return traced{policy.Transport(t, func(err error) {
		logger.WarnContext(ctx, "egress policy violated", "error", err)
	}), n.Tracer}, t.CloseIdleConnections
}

// KeysTransport is the way to the server of the keys that sign a platform's calls.
func (n *Network) KeysTransport(roots *x509.CertPool) http.RoundTripper {
	return jumpcloud.NewTransport(roots, n.Proxies)
}
