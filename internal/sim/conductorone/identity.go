package c1sim

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"time"

	simcert "github.com/conductorone/baton-jumpcloud/internal/sim/cert"
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
	if id.ca, id.server, err = simcert.New("c1sim", id.audience, now); err != nil {
		return nil, fmt.Errorf("make the server's certificate: %w", err)
	}
	return id, nil
}
