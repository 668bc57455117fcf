package c1sim

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// assertionLife is how long before and after its making an assertion is good.
	assertionLife = 2 * time.Minute
	// clockSkew is how far two clocks may be apart.
	clockSkew = 5 * time.Second
	// nonceSize is the least number of bytes that a nonce must have.
	nonceSize = 16
)

type assertionHeader struct {
	Algorithm string `json:"alg"`
	Nonce     string `json:"nonce"`
	KeyID     string `json:"kid"`
}

type assertionClaims struct {
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	Audience  string `json:"aud"` // An array is refused: the original sends a string.
	IssuedAt  *int64 `json:"iat"`
	NotBefore *int64 `json:"nbf"`
	Expiry    *int64 `json:"exp"`
	ID        string `json:"jti"`
}

// checkAssertion verifies a compact JWS by hand, so that a misreading of a JOSE
// library cannot be shared with the client. It returns the nonce and until when
// the nonce must be remembered.
func (id *identity) checkAssertion(jws string, now time.Time) (nonce string, until time.Time, err error) {
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		return "", time.Time{}, fmt.Errorf("assertion has %d parts instead of 3", len(parts))
	}
	var header assertionHeader
	if err := decodePart(parts[0], &header); err != nil {
		return "", time.Time{}, fmt.Errorf("assertion header: %w", err)
	}
	if header.Algorithm != "EdDSA" {
		return "", time.Time{}, fmt.Errorf("assertion algorithm %q is not EdDSA", header.Algorithm)
	}
	if header.KeyID != id.keyID {
		return "", time.Time{}, fmt.Errorf("assertion names key %q, the client's is %q", header.KeyID, id.keyID)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(header.Nonce); err != nil || len(raw) < nonceSize {
		return "", time.Time{}, errors.New("assertion has no nonce of 16 bytes")
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !ed25519.Verify(id.verify, []byte(parts[0]+"."+parts[1]), signature) {
		return "", time.Time{}, errors.New("assertion is not signed with the client's key")
	}
	var claims assertionClaims
	if err := decodePart(parts[1], &claims); err != nil {
		return "", time.Time{}, fmt.Errorf("assertion claims: %w", err)
	}
	until, err = id.checkClaims(claims, now)
	return header.Nonce, until, err
}

func (id *identity) checkClaims(c assertionClaims, now time.Time) (time.Time, error) {
	switch {
	case c.Issuer != id.clientID, c.Subject != id.clientID:
		return time.Time{}, fmt.Errorf("assertion is by %q about %q, not by and about the client", c.Issuer, c.Subject)
	case c.Audience != id.audience:
		return time.Time{}, fmt.Errorf("assertion is for %q, not for %q", c.Audience, id.audience)
	case c.IssuedAt == nil, c.NotBefore == nil, c.Expiry == nil:
		return time.Time{}, errors.New("assertion lacks iat, nbf or exp")
	case c.ID != "":
		return time.Time{}, errors.New("assertion has a jti")
	}
	issued, from, until := time.Unix(*c.IssuedAt, 0), time.Unix(*c.NotBefore, 0), time.Unix(*c.Expiry, 0)
	switch {
	case now.Before(from.Add(-clockSkew)) || now.After(until.Add(clockSkew)):
		return time.Time{}, fmt.Errorf("assertion is good from %v to %v, it is %v now", from, until, now)
	case issued.After(now.Add(clockSkew)):
		return time.Time{}, fmt.Errorf("assertion was made at %v, it is %v now", issued, now)
	case issued.Sub(from) != assertionLife || until.Sub(issued) != assertionLife:
		return time.Time{}, fmt.Errorf("assertion lives %v before and %v after it was made, not 2 minutes", issued.Sub(from), until.Sub(issued))
	}
	return until.Add(clockSkew), nil
}

func decodePart(part string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}
