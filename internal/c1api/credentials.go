package c1api

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// The kinds of failure of [ParseCredentials]. The errors themselves name the
// part that is wrong, and never its value.
var (
	// ErrClientID means that the client id is not of the form <name>@<host>/<rest>.
	ErrClientID = errors.New("invalid client ID")
	// ErrClientSecret means that the client secret is not of the form
	// <any>:<any>:v1:<key>, or that its key is not an Ed25519 private key.
	ErrClientSecret = errors.New("invalid client secret")
)

// Credentials are a client id and secret of ConductorOne, taken apart. They are
// safe for concurrent use and print without the key.
type Credentials struct {
	clientID string
	name     string
	host     string
	key      ed25519.PrivateKey
	keyID    string
}

// ParseCredentials takes a client id and a client secret apart. White space
// around either, which a mounted file tends to end with, is left out. The error
// wraps [ErrClientID] or [ErrClientSecret] and says which part is wrong.
func ParseCredentials(clientID string, clientSecret secret.String) (*Credentials, error) {
	c := &Credentials{clientID: strings.TrimSpace(clientID)}
	if err := c.parseID(); err != nil {
		return nil, fmt.Errorf("%w: %w; its form is <name>@<host>/<rest>: copy it again from ConductorOne", ErrClientID, err)
	}
	if err := c.parseSecret(strings.TrimSpace(clientSecret.Reveal())); err != nil {
		return nil, fmt.Errorf("%w: %w; rotate the credentials in ConductorOne and copy the new secret", ErrClientSecret, err)
	}
	return c, nil
}

func (c *Credentials) parseID() error {
	if c.clientID == "" {
		return errors.New("it is empty")
	}
	if strings.ContainsFunc(c.clientID, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		// Its name is sent in a header.
		return errors.New("it contains an invalid character")
	}
	name, rest, found := strings.Cut(c.clientID, "@")
	if !found {
		return errors.New("it has no @")
	}
	host, path, found := strings.Cut(rest, "/")
	switch {
	case !found:
		return errors.New("the host is not followed by /")
	case name == "":
		return errors.New("the name is empty")
	case host == "":
		return errors.New("the host is empty")
	case path == "":
		return errors.New("nothing follows the / after the host")
	case strings.ContainsFunc(host, notInHost):
		return errors.New("the host contains an invalid character")
	}
	c.name, c.host = name, host
	return checkPort(host)
}

// checkPort refuses a host with a port that is none.
func checkPort(host string) error {
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		if strings.Contains(strings.Trim(host, "[]"), ":") && net.ParseIP(strings.Trim(host, "[]")) == nil {
			return errors.New("the host is followed by more than a port")
		}
		return nil
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return errors.New("the port is not from 1 to 65535")
	}
	return nil
}

// notInHost reports the characters that would let a host smuggle something else
// into the address that tokens are asked from.
func notInHost(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune(`@?#\%"<>`, r)
}

// parseSecret wraps no error of a decoder, since those quote what they choke on.
func (c *Credentials) parseSecret(s string) error {
	if s == "" {
		return errors.New("it is empty")
	}
	parts := strings.SplitN(s, ":", 4)
	if len(parts) != 4 {
		return fmt.Errorf("it has %d of 4 colon-separated parts; it is probably truncated", len(parts))
	}
	if parts[2] != "v1" {
		return errors.New("its third part is not v1, which is unsupported")
	}
	encoded, err := base64.RawURLEncoding.DecodeString(parts[3])
	if err != nil {
		return errors.New("its fourth part is not unpadded base64url; it is probably truncated or altered")
	}
	if !json.Valid(encoded) {
		return errors.New("its fourth part is an incomplete JSON Web Key; it is probably truncated")
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(encoded); err != nil {
		return errors.New("the JSON Web Key in its fourth part is malformed")
	}
	switch key := jwk.Key.(type) {
	case ed25519.PrivateKey:
		// A key that was put together from two pairs would sign what nobody can verify.
		if !bytes.Equal(key, ed25519.NewKeyFromSeed(key.Seed())) {
			return errors.New("the public and the private half of the key in its fourth part do not match")
		}
		c.key, c.keyID = key, jwk.KeyID
		return nil
	case ed25519.PublicKey:
		return errors.New("the key in its fourth part is a public key; its private half is missing")
	default:
		return errors.New("the key in its fourth part is not an Ed25519 key")
	}
}

// Key is the private key of the client secret, which opens passwords that are encrypted
// for this connector.
func (c *Credentials) Key() ed25519.PrivateKey { return c.key }

// ClientID is the whole client id, which is not a secret.
func (c *Credentials) ClientID() string { return c.clientID }

// Name is the part of the client id before the @, which the user agent carries.
func (c *Credentials) Name() string { return c.name }

// Host is the host of the client id, with its port if it names one.
func (c *Credentials) Host() string { return c.host }

// withoutPort is a host without its port. It is what a token request is addressed to.
func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// String is the client id.
func (c *Credentials) String() string { return c.clientID }

// GoString keeps the key out of %#v.
func (c *Credentials) GoString() string { return "c1api.Credentials(" + c.clientID + ")" }
