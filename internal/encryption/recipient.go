package encryption

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/ssh"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// The names of the ways to encrypt, as they travel.
const (
	ProviderAge = "baton/age/v1"
	ProviderJWK = "baton/jwk/v1"
	// providerJWKPrivate names the same way by the other half of the key.
	providerJWKPrivate = "baton/jwk/v1/private"
)

// maxKeyBytes bounds the text of a key. go-jose bounds the numbers in it.
const maxKeyBytes = 32 << 10

// recipient is who is to read a secret.
type recipient struct {
	provider string
	// keyID is the thumbprint (SHA-256, in hex) by which the recipient finds its key.
	keyID string
	// encrypt returns what the recipient can open, in the form in which it travels.
	encrypt func(plaintext []byte) ([]byte, error)
}

// newRecipient reads one of the recipients of a task.
func newRecipient(config *v2.EncryptionConfig) (recipient, error) {
	provider, err := providerOf(config)
	if err != nil {
		return recipient{}, err
	}
	var r recipient
	if provider == ProviderAge {
		r, err = ageRecipient(config.GetAgeRecipientConfig().GetRecipient())
	} else {
		r, err = jwkRecipient(config.GetJwkPublicKeyConfig().GetPubKey())
	}
	if err != nil {
		return recipient{}, fmt.Errorf("%s: %w", provider, err)
	}
	r.provider = provider
	return r, nil
}

// providerOf is the way to encrypt that a config names or, where it names none, has the
// key for.
func providerOf(config *v2.EncryptionConfig) (string, error) {
	var key string
	switch config.GetConfig().(type) {
	case *v2.EncryptionConfig_AgeRecipientConfig_:
		key = ProviderAge
	case *v2.EncryptionConfig_JwkPublicKeyConfig:
		key = ProviderJWK
	default:
		return "", errors.New("it has no key")
	}
	switch named := strings.ToLower(strings.TrimSpace(config.GetProvider())); {
	case named == "", named == key, named == providerJWKPrivate && key == ProviderJWK:
		return key, nil
	case named == ProviderAge, named == ProviderJWK, named == providerJWKPrivate:
		return "", fmt.Errorf("provider %s does not take the key it has, which is for %s", named, key)
	default:
		return "", errors.New("unsupported provider: it must be " + ProviderAge + " or " + ProviderJWK)
	}
}

// ageRecipient reads a recipient of the age format. Its text is one recipient and nothing
// else, so that the thumbprint of the text is that of the recipient.
func ageRecipient(text string) (recipient, error) {
	if len(text) > maxKeyBytes || strings.ContainsFunc(text, unicode.IsSpace) {
		return recipient{}, errors.New("it is not exactly one recipient (age1...)")
	}
	if strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-") {
		return recipient{}, errors.New("it is a secret key: send the recipient (age1...) that belongs to it")
	}
	parsed, err := age.ParseRecipients(strings.NewReader(text))
	if err != nil || len(parsed) != 1 {
		return recipient{}, errors.New("malformed recipient: it must be an X25519 or hybrid one (age1...)")
	}
	sum := sha256.Sum256([]byte(text))
	return recipient{keyID: hex.EncodeToString(sum[:]), encrypt: func(plaintext []byte) ([]byte, error) {
		return ageFile(plaintext, parsed[0])
	}}, nil
}

// errUnsupportedJWK takes the place of a decoder's error, which may quote the key.
var errUnsupportedJWK = errors.New("malformed or unsupported JSON Web Key: it must be a public RSA, EC or Ed25519 one")

// jwkRecipient reads a public JSON Web Key. What it gets travels as base64 text.
func jwkRecipient(text []byte) (recipient, error) {
	var key jose.JSONWebKey
	if len(text) > maxKeyBytes || key.UnmarshalJSON(text) != nil {
		return recipient{}, errUnsupportedJWK
	}
	encrypt, err := jwkEncryption(key)
	if err != nil {
		return recipient{}, err
	}
	id, err := thumbprint(key.Key)
	if err != nil {
		return recipient{}, err
	}
	return recipient{keyID: id, encrypt: func(plaintext []byte) ([]byte, error) {
		sealed, err := encrypt(plaintext)
		return []byte(base64.StdEncoding.EncodeToString(sealed)), err
	}}, nil
}

// jwkEncryption is how to encrypt for a key: by age, as the SSH key that it also is, or
// as a JWE where age knows no such keys.
func jwkEncryption(key jose.JSONWebKey) (func([]byte) ([]byte, error), error) {
	var to age.Recipient
	switch public := key.Key.(type) {
	case ed25519.PublicKey:
		sshKey, err := ssh.NewPublicKey(public)
		if err != nil {
			return nil, errors.New("malformed Ed25519 key")
		}
		if to, err = agessh.NewEd25519Recipient(sshKey); err != nil {
			return nil, errors.New("malformed Ed25519 key")
		}
	case *rsa.PublicKey:
		sshKey, err := ssh.NewPublicKey(public)
		if err != nil {
			return nil, errors.New("malformed RSA key")
		}
		if to, err = agessh.NewRSARecipient(sshKey); err != nil {
			return nil, fmt.Errorf("RSA key of %d bits: at least 2048 are required", public.N.BitLen())
		}
	case *ecdsa.PublicKey:
		return func(plaintext []byte) ([]byte, error) { return compactJWE(plaintext, public) }, nil
	case ed25519.PrivateKey, *rsa.PrivateKey, *ecdsa.PrivateKey:
		return nil, errors.New("the JSON Web Key is a private one: send its public half")
	default: // Such as a symmetric key.
		return nil, errUnsupportedJWK
	}
	return func(plaintext []byte) ([]byte, error) { return ageFile(plaintext, to) }, nil
}

// thumbprint is the id of a public JSON Web Key.
func thumbprint(public any) (string, error) {
	key := jose.JSONWebKey{Key: public}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", errors.New("the JSON Web Key has no thumbprint")
	}
	return hex.EncodeToString(sum), nil
}

// ageFile encrypts a secret as an age file for one recipient.
func ageFile(plaintext []byte, to age.Recipient) ([]byte, error) {
	var file bytes.Buffer
	w, err := age.Encrypt(&file, to)
	if err != nil {
		return nil, fmt.Errorf("write an age file: %w", err)
	}
	if _, err := w.Write(plaintext); err != nil {
		return nil, fmt.Errorf("write an age file: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write an age file: %w", err)
	}
	return file.Bytes(), nil
}

// openAgeFile is the inverse, of at most a number of bytes.
func openAgeFile(file []byte, identity age.Identity, limit int64) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(file), identity)
	if err != nil {
		return nil, err
	}
	plaintext, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(plaintext)) > limit {
		err = fmt.Errorf("it is longer than %d bytes", limit)
	}
	return plaintext, err
}

// compactJWE encrypts a secret as a JWE for one elliptic curve key.
func compactJWE(plaintext []byte, public *ecdsa.PublicKey) ([]byte, error) {
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: public}, nil)
	if err != nil {
		return nil, fmt.Errorf("write a JWE: %w", err)
	}
	object, err := encrypter.Encrypt(plaintext)
	if err != nil {
		return nil, fmt.Errorf("write a JWE: %w", err)
	}
	text, err := object.CompactSerialize()
	return []byte(text), err
}
