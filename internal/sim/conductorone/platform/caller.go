package platform

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Caller is who calls a hosted connector: the key that signs the tokens of calls, and
// what they claim. It is safe for concurrent use.
type Caller struct {
	Issuer, Subject, Audience string
	// KeyID names the key; empty for none.
	KeyID string
	key   ed25519.PrivateKey
}

// NewCaller makes a caller with a new key.
func NewCaller() (*Caller, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	return &Caller{Issuer: "https://conductor.example", Subject: "lambda-invoker", Audience: "connector", KeyID: "signer", key: key}, nil
}

// PublicKey is the public JSON Web Key, as --lambda-auth-jwt-signer takes it.
func (c *Caller) PublicKey() string {
	text, err := json.Marshal(jose.JSONWebKey{Key: c.key.Public(), KeyID: c.KeyID, Algorithm: string(jose.EdDSA), Use: "sig"})
	if err != nil {
		panic(err) // A public key can always be encoded.
	}
	return string(text)
}

// Token is a token that ends after life.
func (c *Caller) Token(life time.Duration) (string, error) {
	now := time.Now()
	return c.Sign(jwt.Claims{
		Issuer: c.Issuer, Subject: c.Subject, Audience: jwt.Audience{c.Audience},
		NotBefore: jwt.NewNumericDate(now.Add(-time.Minute)), Expiry: jwt.NewNumericDate(now.Add(life)),
	})
}

// Sign signs any claims.
func (c *Caller) Sign(claims any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: c.key, KeyID: c.KeyID}}, nil)
	if err != nil {
		return "", fmt.Errorf("sign a call: %w", err)
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}
