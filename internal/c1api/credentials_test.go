package c1api_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/c1api"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

const goodID = "eager-otter-1@acme.conductor.one/abc"

// key is a fixed key pair; a JSON Web Key of it is made with the fields of extra
// replaced.
func jwk(extra map[string]string) string {
	private := ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
	fields := map[string]string{
		"kty": "OKP", "crv": "Ed25519",
		"x": base64.RawURLEncoding.EncodeToString(private[ed25519.SeedSize:]),
		"d": base64.RawURLEncoding.EncodeToString(private.Seed()),
	}
	maps.Copy(fields, extra)
	var members []string
	for k, v := range fields {
		if v != "" {
			members = append(members, fmt.Sprintf("%q:%q", k, v))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func secretOf(key string) string {
	return "secret-token:conductorone.com:v1:" + base64.RawURLEncoding.EncodeToString([]byte(key))
}

func TestParseCredentials(t *testing.T) {
	t.Parallel()
	good := secretOf(jwk(nil))
	tests := []struct {
		name, id, secret string
		kind             error
		says             string
	}{
		{name: "good", id: goodID, secret: good},
		{name: "good with a key id and white space", id: " " + goodID + "\n", secret: secretOf(jwk(map[string]string{"kid": "k"})) + "\n"},
		{name: "good with a port and a long path", id: "n@127.0.0.1:8443/a/b@c", secret: good},
		{"empty id", "", good, c1api.ErrClientID, "it is empty"},
		{"id without @", "eager-otter-1", good, c1api.ErrClientID, "no @"},
		{"id cut behind the host", "eager-otter-1@acme.conductor.one", good, c1api.ErrClientID, "the host is not followed by /"},
		{"id without a name", "@acme.conductor.one/x", good, c1api.ErrClientID, "name is empty"},
		{"id without a host", "a@/x", good, c1api.ErrClientID, "the host is empty"},
		{"id without a path", "a@acme.conductor.one/", good, c1api.ErrClientID, "nothing follows"},
		{"id with a second host", "a@b@c/x", good, c1api.ErrClientID, "contains an invalid character"},
		{"id with a line break", "eager-otter-1\n@acme.conductor.one/x", good, c1api.ErrClientID, "an invalid character"},
		{"id with a character of another script", "eager-ötter-1@acme.conductor.one/x", good, c1api.ErrClientID, "an invalid character"},
		{"id with a port that is none", "a@acme.conductor.one:https/x", good, c1api.ErrClientID, "the port is not"},
		{"id with a port too high", "a@acme.conductor.one:99999/x", good, c1api.ErrClientID, "the port is not"},
		{"id with two ports", "a@acme.conductor.one:1:2/x", good, c1api.ErrClientID, "more than a port"},
		{"empty secret", goodID, "", c1api.ErrClientSecret, "it is empty"},
		{"secret of three parts", goodID, "secret-token:conductorone.com:v1", c1api.ErrClientSecret, "3 of 4 colon-separated parts"},
		{"secret of another version", goodID, strings.Replace(good, ":v1:", ":v2:", 1), c1api.ErrClientSecret, "third part is not v1"},
		{"secret cut in a base64 group", goodID, good[:len(good)-len(good)%4-3], c1api.ErrClientSecret, "fourth part"},
		{"secret cut anywhere", goodID, good[:len(good)-40], c1api.ErrClientSecret, "fourth part"},
		{"secret with padding", goodID, good + "==", c1api.ErrClientSecret, "fourth part is not unpadded base64url"},
		{"not a key", goodID, secretOf(`{"a":1}`), c1api.ErrClientSecret, "malformed"},
		{"public key", goodID, secretOf(jwk(map[string]string{"d": ""})), c1api.ErrClientSecret, "private half is missing"},
		{"symmetric key", goodID, secretOf(`{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAA"}`), c1api.ErrClientSecret, "not an Ed25519 key"},
		{"other curve", goodID, secretOf(jwk(map[string]string{"crv": "X25519"})), c1api.ErrClientSecret, "fourth part"},
		{"halves of two keys", goodID, secretOf(jwk(map[string]string{"d": strings.Repeat("A", 43)})), c1api.ErrClientSecret, "fourth part"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := c1api.ParseCredentials(tt.id, secret.New(tt.secret))
			if !errors.Is(err, tt.kind) {
				t.Fatalf("error is %v, want %v", err, tt.kind)
			}
			if tt.kind == nil {
				if c.ClientID() != strings.TrimSpace(tt.id) {
					t.Errorf("client id is %q", c.ClientID())
				}
				return
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %q does not say %q", err, tt.says)
			}
			if parts := strings.SplitN(tt.secret, ":", 4); len(parts) == 4 && len(parts[3]) > 8 && strings.Contains(err.Error(), parts[3][:8]) {
				t.Errorf("error %q holds a part of the key", err)
			}
		})
	}
}

// Every way to cut a pair short is noticed, and no message holds what was cut.
func TestParseCredentialsNoticesEveryCut(t *testing.T) {
	t.Parallel()
	good := secretOf(jwk(nil))
	for n := range len(good) {
		_, err := c1api.ParseCredentials(goodID, secret.New(good[:n]))
		if !errors.Is(err, c1api.ErrClientSecret) {
			t.Errorf("secret cut to %d of %d characters: error is %v", n, len(good), err)
		}
	}
	for n := range len("eager-otter-1@acme.conductor.one/") {
		if _, err := c1api.ParseCredentials(goodID[:n], secret.New(good)); !errors.Is(err, c1api.ErrClientID) {
			t.Errorf("id cut to %d characters: error is %v", n, err)
		}
	}
}

func TestCredentialsPrintWithoutTheKey(t *testing.T) {
	t.Parallel()
	c, err := c1api.ParseCredentials(goodID, secret.New(secretOf(jwk(nil))))
	if err != nil {
		t.Fatal(err)
	}
	if c.Name() != "eager-otter-1" || c.Host() != "acme.conductor.one" {
		t.Errorf("name and host are %q and %q", c.Name(), c.Host())
	}
	for _, verb := range []string{"%v", "%+v", "%s", "%#v", "%q"} {
		if got := fmt.Sprintf(verb, c); strings.Contains(got, "key") || strings.Contains(got, "48") || !strings.Contains(got, goodID) {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}
