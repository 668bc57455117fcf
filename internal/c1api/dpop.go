package c1api

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

// How long a proof is good, before and after its making.
const (
	proofBefore = 30 * time.Second
	proofAfter  = 5 * time.Minute
)

// ProofKey is a key that proves, with each request, that whoever sends a token is who it
// was given to (DPoP, RFC 9449). It is safe for concurrent use.
type ProofKey struct {
	key    ed25519.PrivateKey
	signer jose.Signer
}

// NewProofKey makes a new key.
func NewProofKey() (*ProofKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a DPoP key: %w", err)
	}
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: jose.EdDSA,
		Key:       jose.JSONWebKey{Key: key, KeyID: "key", Use: "sig", Algorithm: string(jose.EdDSA)},
	}, options)
	if err != nil {
		return nil, fmt.Errorf("make a DPoP key: %w", err)
	}
	return &ProofKey{key, signer}, nil
}

// Key is the private key, for which ConductorOne encrypts what only this process may
// read.
func (k *ProofKey) Key() ed25519.PrivateKey { return k.key }

// proof signs the proof of one POST request to a URL. Nonce is the server's, empty
// without one; token is the one that the request carries, empty where it asks for one.
func (k *ProofKey) proof(url, nonce, token string, now time.Time) (string, error) {
	claims := struct {
		ID        string           `json:"jti"`
		IssuedAt  *jwt.NumericDate `json:"iat"`
		NotBefore *jwt.NumericDate `json:"nbf"`
		Expiry    *jwt.NumericDate `json:"exp"`
		Method    string           `json:"htm"`
		URL       string           `json:"htu"`
		Nonce     string           `json:"nonce,omitempty"`
		TokenHash string           `json:"ath,omitempty"`
	}{
		ID: uuid.NewString(), IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now.Add(-proofBefore)),
		Expiry: jwt.NewNumericDate(now.Add(proofAfter)), Method: "POST", URL: url, Nonce: nonce,
	}
	if token != "" {
		hash := sha256.Sum256([]byte(token))
		claims.TokenHash = base64.RawURLEncoding.EncodeToString(hash[:])
	}
	return jwt.Signed(k.signer).Claims(claims).Serialize()
}
