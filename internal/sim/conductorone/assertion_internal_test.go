package c1sim

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// sign makes an assertion with a JOSE library, so that the verifier is held
// against something that it shares no code with.
func sign(t *testing.T, key any, alg jose.SignatureAlgorithm, header map[jose.HeaderKey]any, claims map[string]any) string {
	t.Helper()
	opts := &jose.SignerOptions{ExtraHeaders: header}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func TestAssertionsAreVerified(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	id := &identity{clientID: "n@127.0.0.1:1/x", audience: "127.0.0.1", verify: public}
	nonce := base64.RawURLEncoding.EncodeToString([]byte("0123456789abcdef"))
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	good := map[string]any{"iss": id.clientID, "sub": id.clientID, "aud": "127.0.0.1", "iat": at(0), "nbf": at(-2 * time.Minute), "exp": at(2 * time.Minute)}
	shifted := func(d time.Duration) map[string]any {
		return map[string]any{"iat": at(d), "nbf": at(d - 2*time.Minute), "exp": at(d + 2*time.Minute)}
	}
	tests := []struct {
		name   string
		key    any
		alg    jose.SignatureAlgorithm
		nonce  string
		header map[jose.HeaderKey]any
		claims map[string]any // instead of those of good
		says   string
	}{
		{name: "good"},
		{name: "clock a little slow", claims: shifted(-2*time.Minute - 4*time.Second)},
		{name: "clock a little fast", claims: shifted(4 * time.Second)},
		{name: "another key", key: stranger, says: "not signed with the client's key"},
		{name: "symmetric", key: []byte(strings.Repeat("k", 32)), alg: jose.HS256, says: "not EdDSA"},
		{name: "no nonce", nonce: "-", says: "no nonce"},
		{name: "short nonce", nonce: "AAAA", says: "no nonce"},
		{name: "key id", header: map[jose.HeaderKey]any{"kid": "k"}, says: `names key "k"`},
		{name: "about another", claims: map[string]any{"sub": "x"}, says: "not by and about the client"},
		{name: "by another", claims: map[string]any{"iss": "x"}, says: "not by and about the client"},
		{name: "audience with a port", claims: map[string]any{"aud": "127.0.0.1:1"}, says: `is for "127.0.0.1:1"`},
		{name: "audience as a list", claims: map[string]any{"aud": []string{"127.0.0.1"}}, says: "claims"},
		{name: "late", claims: shifted(-2*time.Minute - 6*time.Second), says: "is good from"},
		{name: "early", claims: shifted(2*time.Minute + 6*time.Second), says: "is good from"},
		{name: "from the future", claims: shifted(time.Minute), says: "was made at"},
		{name: "long life", claims: map[string]any{"exp": at(time.Hour)}, says: "not 2 minutes"},
		{name: "no past", claims: map[string]any{"nbf": at(0)}, says: "not 2 minutes"},
		{name: "endless", claims: map[string]any{"exp": nil}, says: "lacks iat, nbf or exp"},
		{name: "with an id", claims: map[string]any{"jti": "j"}, says: "has a jti"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.key == nil {
				tt.key, tt.alg = private, jose.EdDSA
			}
			if tt.alg == "" {
				tt.alg = jose.EdDSA
			}
			header := map[jose.HeaderKey]any{"nonce": nonce}
			switch tt.nonce {
			case "":
			case "-":
				delete(header, "nonce")
			default:
				header["nonce"] = tt.nonce
			}
			maps.Copy(header, tt.header)
			claims := maps.Clone(good)
			maps.Copy(claims, tt.claims)
			got, _, err := id.checkAssertion(sign(t, tt.key, tt.alg, header, claims), now)
			switch {
			case tt.says == "" && (err != nil || got != nonce):
				t.Errorf("nonce %q, error %v", got, err)
			case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("error %v does not say %q", err, tt.says)
			}
		})
	}
	for _, broken := range []string{"", "a.b", "a.b.c.d", "!.!.!", sign(t, private, jose.EdDSA, map[jose.HeaderKey]any{"nonce": nonce}, good) + "AA"} {
		if _, _, err := id.checkAssertion(broken, now); err == nil {
			t.Errorf("%q was accepted", broken)
		}
	}
}
