package auth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/hosted/auth"
)

func expected() auth.Expected { return auth.Expected{Issuer: "i", Subject: "s", Audience: "a"} }

// claims are good ones, with changes; nil takes a claim out.
func claims(changes map[string]any) map[string]any {
	all := map[string]any{"iss": "i", "sub": "s", "aud": "a", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, claims any) string {
	t.Helper()
	if kid != "" {
		key = jose.JSONWebKey{Key: key, KeyID: kid}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func verifier(keys ...jose.JSONWebKey) *auth.Verifier {
	return auth.NewVerifier(expected(), func() []jose.JSONWebKey { return keys })
}

func authenticate(t *testing.T, v *auth.Verifier, header ...string) error {
	t.Helper()
	md := metadata.MD{}
	if len(header) > 0 {
		md["authorization"] = header
	}
	err := v.Authenticate(t.Context(), md)
	if err != nil && status.Code(err) != codes.Unauthenticated {
		t.Errorf("code %v, want Unauthenticated", status.Code(err))
	}
	return err
}

func TestClaims(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	v := verifier(jose.JSONWebKey{Key: key.Public()})
	now := time.Now()
	for _, tt := range []struct {
		name    string
		changes map[string]any
		problem string // empty for a good token
	}{
		{"good", nil, ""},
		{"list of audiences", map[string]any{"aud": []string{"x", "a"}}, ""},
		{"began", map[string]any{"nbf": now.Add(-time.Minute).Unix()}, ""},
		{"almost 24 hours", map[string]any{"exp": now.Add(24*time.Hour - time.Minute).Unix()}, ""},
		{"issuer", map[string]any{"iss": "I"}, "iss"},
		{"no issuer", map[string]any{"iss": nil}, "iss"},
		{"subject", map[string]any{"sub": "s2"}, "sub"},
		{"no subject", map[string]any{"sub": nil}, "sub"},
		{"audience", map[string]any{"aud": []string{"ab"}}, "aud"},
		{"no audience", map[string]any{"aud": nil}, "aud"},
		{"no end", map[string]any{"exp": nil}, "exp"},
		{"expired", map[string]any{"exp": now.Add(-time.Second).Unix()}, "exp"},
		{"more than 24 hours", map[string]any{"exp": now.Add(24*time.Hour + time.Minute).Unix()}, "exp"},
		{"end beyond all numbers", map[string]any{"exp": json.Number("1e300")}, "malformed"},
		{"end beyond all dates", map[string]any{"exp": int64(9e18)}, "malformed"},
		{"end is a text", map[string]any{"exp": "soon"}, "malformed"},
		{"not yet", map[string]any{"nbf": now.Add(time.Minute).Unix()}, "nbf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := authenticate(t, v, "Bearer "+sign(t, jose.EdDSA, key, "", claims(tt.changes)))
			if tt.problem == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			text := status.Convert(err).Message()
			if !strings.HasPrefix(text, "invalid token: token is invalid: ") || !strings.Contains(text, tt.problem) {
				t.Errorf("error %q, want one about %s", text, tt.problem)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	v := verifier(jose.JSONWebKey{Key: key.Public()})
	token := sign(t, jose.EdDSA, key, "", claims(nil))
	parts := strings.Split(token, ".")
	for _, tt := range []struct {
		name   string
		header []string
		want   string
	}{
		{"none", nil, "missing authorization header"},
		{"lower case", []string{"bearer " + token}, "invalid authorization header"},
		{"no scheme", []string{token}, "invalid authorization header"},
		{"DPoP", []string{"DPoP " + token}, "invalid authorization header"},
		{"no token", []string{"Bearer "}, "invalid authorization header"},
		{"no JWT", []string{"Bearer hidden"}, "invalid token: token is invalid: "},
		{"signature cut off", []string{"Bearer " + parts[0] + "." + parts[1] + "."}, "invalid token: token is invalid: "},
		{"signature of another", []string{"Bearer " + parts[0] + "." + parts[1] + "." + strings.Split(sign(t, jose.EdDSA, newKey(t), "", claims(nil)), ".")[2]}, "invalid token: token is invalid: "},
		{"no algorithm", []string{"Bearer eyJhbGciOiJub25lIn0." + parts[1] + "."}, "invalid token: token is invalid: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := authenticate(t, v, tt.header...)
			text := status.Convert(err).Message()
			if err == nil || !strings.HasPrefix(text, tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if strings.Contains(text, "hidden") || strings.Contains(text, parts[1]) {
				t.Errorf("the error quotes the token: %s", text)
			}
		})
	}
}

func TestKeyIsChosenByItsID(t *testing.T) {
	t.Parallel()
	one, two := newKey(t), newKey(t)
	v := verifier(jose.JSONWebKey{Key: one.Public(), KeyID: "one"}, jose.JSONWebKey{Key: two.Public(), KeyID: "two"})
	for _, tt := range []struct {
		name string
		key  ed25519.PrivateKey
		kid  string
		good bool
	}{
		{"its own", two, "two", true},
		{"none", two, "", true},
		{"another's", two, "one", false},
		{"unknown", two, "three", false},
	} {
		err := authenticate(t, v, "Bearer "+sign(t, jose.EdDSA, tt.key, tt.kid, claims(nil)))
		if (err == nil) != tt.good {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestAlgorithms(t *testing.T) {
	t.Parallel()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curves := map[jose.SignatureAlgorithm]elliptic.Curve{jose.ES256: elliptic.P256(), jose.ES384: elliptic.P384(), jose.ES512: elliptic.P521()}
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512} {
		var key any = r
		var public any = r.Public()
		if curve, ok := curves[alg]; ok {
			e, err := ecdsa.GenerateKey(curve, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			key, public = e, e.Public()
		}
		if err := authenticate(t, verifier(jose.JSONWebKey{Key: public}), "Bearer "+sign(t, alg, key, "", claims(nil))); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
	// The public key, taken for a shared secret, verifies nothing.
	shared, err := json.Marshal(r.Public())
	if err != nil {
		t.Fatal(err)
	}
	if err := authenticate(t, verifier(jose.JSONWebKey{Key: shared}), "Bearer "+sign(t, jose.HS256, shared, "", claims(nil))); err == nil {
		t.Error("a token with a shared secret is accepted")
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	encode := func(k any) string {
		text, err := json.Marshal(jose.JSONWebKey{Key: k})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if _, err := auth.ParseKey(encode(key.Public())); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"private": encode(key), "symmetric": encode([]byte("0123456789abcdef")), "empty": "", "no key": `{"kty":"hidden"}`, "no JSON": "hidden", "set": `{"keys":[` + encode(key.Public()) + `]}`,
	} {
		_, err := auth.ParseKey(text)
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	// A private key that reaches the verifier all the same verifies nothing.
	if err := authenticate(t, verifier(jose.JSONWebKey{Key: key}), "Bearer "+sign(t, jose.EdDSA, key, "", claims(nil))); err == nil {
		t.Error("a private key verifies")
	}
}
