package egress

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc/credentials"
)

// Advice is what a person can do about an error of connecting, "" where nothing is
// known that the error does not say itself.
func Advice(err error) string {
	var invalid x509.CertificateInvalidError
	switch {
	// A proxy may have a certificate too.
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Sprintf("the certificate is valid from %s to %s, but this machine's clock says %s: correct the clock if it is wrong",
			moment(invalid.Cert.NotBefore), moment(invalid.Cert.NotAfter), moment(time.Now()))
	case IsDenied(err):
		return "permit the host in the connector's settings on the platform"
	case isRefused(err):
		return "allow this host on the proxy, or check HTTPS_PROXY and NO_PROXY"
	case IsProxy(err):
		return "the proxy cannot be used: check its address in HTTPS_PROXY or ALL_PROXY, or list the host in NO_PROXY"
	default:
		return ""
	}
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// IsProxy reports whether there is no connection to a proxy, or none through one. The
// server has seen nothing then.
func IsProxy(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == opProxy || op.Op == "socks connect") || isRefused(err)
}

func isRefused(err error) bool {
	_, ok := errors.AsType[*RefusedError](err)
	return ok
}

// Credentials makes gRPC's credentials tell what to do about a handshake that fails.
func Credentials(next credentials.TransportCredentials) credentials.TransportCredentials {
	return advising{next}
}

type advising struct {
	credentials.TransportCredentials
}

// ClientHandshake implements [credentials.TransportCredentials].
func (a advising) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secured, info, err := a.TransportCredentials.ClientHandshake(ctx, authority, conn)
	if advice := Advice(err); advice != "" {
		err = fmt.Errorf("%w; %s", err, advice)
	}
	return secured, info, err
}

// Clone implements [credentials.TransportCredentials].
func (a advising) Clone() credentials.TransportCredentials {
	return advising{a.TransportCredentials.Clone()}
}
