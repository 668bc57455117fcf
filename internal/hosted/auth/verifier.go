package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// maxLife is how far ahead the end of a token may be.
const maxLife = 24 * time.Hour

// Expected are the exact values of a token's claims.
type Expected struct {
	Issuer, Subject, Audience string
}

// Verifier checks the tokens of calls. It is safe for concurrent use.
type Verifier struct {
	expected Expected
	// keys returns the keys that count at present.
	keys func() []jose.JSONWebKey
}

// NewVerifier makes a verifier of tokens that one of the keys signed. Keys may return
// others over time; see [ParseKey] and [Keys].
func NewVerifier(expected Expected, keys func() []jose.JSONWebKey) *Verifier {
	return &Verifier{expected, keys}
}

// Authenticate checks the authorization among the metadata of a call. Its errors are
// Unauthenticated and quote nothing of the token.
func (v *Verifier) Authenticate(_ context.Context, md metadata.MD) error {
	values := md.Get("authorization")
	if len(values) == 0 {
		return status.Error(codes.Unauthenticated, "missing authorization header")
	}
	token, found := strings.CutPrefix(values[0], "Bearer ")
	if !found || token == "" {
		return status.Error(codes.Unauthenticated, "invalid authorization header")
	}
	if err := v.verify(token, time.Now()); err != nil {
		return status.Errorf(codes.Unauthenticated, "invalid token: token is invalid: %v", err)
	}
	return nil
}

// algorithms are those with a public key.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512, jose.PS256, jose.PS384, jose.PS512, jose.EdDSA,
	}
}

// verify checks signature and claims at a time.
func (v *Verifier) verify(text string, now time.Time) error {
	token, err := jwt.ParseSigned(text, algorithms())
	if err != nil {
		return errors.New("it is not a signed JSON Web Token, or its algorithm is not supported")
	}
	claims, err := v.claims(token)
	if err != nil {
		return err
	}
	var end, start time.Time
	if claims.Expiry != nil {
		end = claims.Expiry.Time()
	}
	if claims.NotBefore != nil {
		start = claims.NotBefore.Time()
	}
	switch {
	case claims.Issuer != v.expected.Issuer:
		return errors.New("unexpected issuer (iss)")
	case claims.Subject != v.expected.Subject:
		return errors.New("unexpected subject (sub)")
	case !slices.Contains(claims.Audience, v.expected.Audience):
		return errors.New("unexpected audience (aud)")
	case claims.Expiry == nil:
		return errors.New("it has no end (exp)")
	case !now.Before(end):
		return errors.New("it has expired (exp)")
	case end.After(now.Add(maxLife)):
		return fmt.Errorf("its end (exp) is more than %v away", maxLife)
	case start.After(now):
		return errors.New("it is not valid yet (nbf)")
	}
	return nil
}

// claims are the claims of a token that one of the keys signed. One that names a key is
// verified with keys of that name only.
func (v *Verifier) claims(token *jwt.JSONWebToken) (claims jwt.Claims, err error) {
	kid := ""
	if len(token.Headers) > 0 {
		kid = token.Headers[0].KeyID
	}
	named := false
	for _, key := range v.keys() {
		if kid != "" && key.KeyID != kid {
			continue
		}
		named = true
		// A key that is not public would let everybody sign who may verify.
		if !key.IsPublic() {
			continue
		}
		var found jwt.Claims
		if token.Claims(key.Key, &found) == nil {
			return found, nil
		}
	}
	if !named {
		return claims, errors.New("its key (kid) is unknown")
	}
	return claims, errors.New("its signature does not match, or its claims are malformed")
}
