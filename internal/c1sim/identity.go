package c1sim

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// identity is the key pair of the client and the certificates of the server.
type identity struct {
	clientID     string
	clientSecret string
	audience     string // the client id's host without its port
	keyID        string
	verify       ed25519.PublicKey
	ca           []byte // PEM
	server       tls.Certificate
}

// newIdentity makes everything afresh for a server at host, which may name a port.
func newIdentity(name, host, keyID string, now time.Time) (*identity, error) {
	id := &identity{clientID: name + "@" + host + "/simulated", audience: host, keyID: keyID}
	if bare, _, err := net.SplitHostPort(host); err == nil {
		id.audience = bare
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the client's key: %w", err)
	}
	id.verify = public
	jwk := map[string]string{
		"kty": "OKP",
		"crv": "Ed25519",
		"x":   base64.RawURLEncoding.EncodeToString(public),
		"d":   base64.RawURLEncoding.EncodeToString(private.Seed()),
	}
	if keyID != "" {
		jwk["kid"] = keyID
	}
	encoded, err := json.Marshal(jwk)
	if err != nil {
		return nil, fmt.Errorf("encode the client's key: %w", err)
	}
	id.clientSecret = "simulated:c1sim:v1:" + base64.RawURLEncoding.EncodeToString(encoded)
	if err := id.certify(now); err != nil {
		return nil, fmt.Errorf("make the server's certificate: %w", err)
	}
	return id, nil
}

// certify makes a certificate authority that nothing else trusts and the server's
// certificate, for the host itself and for this machine's own addresses.
func (id *identity) certify(now time.Time) error {
	const life = 10 * 365 * 24 * time.Hour
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	ca := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "c1sim"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(life),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: id.audience},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(life),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(id.audience); ip != nil {
		leaf.IPAddresses = append(leaf.IPAddresses, ip)
	} else {
		leaf.DNSNames = append(leaf.DNSNames, id.audience)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return err
	}
	id.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	id.server = tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: key}
	return nil
}
