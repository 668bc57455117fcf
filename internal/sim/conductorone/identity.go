package c1sim

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/endpoint"
)

// identity is who a client is, and the key that its assertions are signed with.
type identity struct {
	clientID     string
	clientSecret string // empty where only the public key is known
	audience     string // the client id's host without its port
	keyID        string
	verify       ed25519.PublicKey
}

// newIdentity makes a key pair for a client of a server at host, which may name a port.
func newIdentity(name, host, keyID string) (*identity, error) {
	id := &identity{clientID: name + "@" + host + "/simulated", audience: endpoint.Host(host), keyID: keyID}
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
	return id, nil
}
