package encryption

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filippo.io/age/agessh"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// maxSecretBytes bounds a secret that is handed to us.
const maxSecretBytes = 16 << 10

// ErrNoRecipient is that there are secrets and nobody to have them.
var ErrNoRecipient = errors.New("no recipient: the secret would be lost")

// Check tries every recipient without a secret, so that what cannot be handed over is
// known before it is made. Its errors are InvalidArgument and name the recipient by its
// place and, where it is given, its principal.
func Check(ctx context.Context, configs []*v2.EncryptionConfig) error {
	_, err := Encrypt(ctx, []*v2.PlaintextData{{}}, configs)
	return err
}

// Encrypt encrypts each secret for each recipient: all of the first secret, then all of
// the second. It returns all of them or an error, as [Check] does, which never contains a
// secret.
func Encrypt(ctx context.Context, plaintexts []*v2.PlaintextData, configs []*v2.EncryptionConfig) ([]*v2.EncryptedData, error) {
	if len(configs) == 0 && len(plaintexts) > 0 {
		return nil, fault.Invalid("encrypt: %w", ErrNoRecipient)
	}
	recipients := make([]recipient, 0, len(configs))
	for i, config := range configs {
		r, err := newRecipient(config)
		if err != nil {
			return nil, refused(configs, i, err)
		}
		recipients = append(recipients, r)
	}
	encrypted := make([]*v2.EncryptedData, 0, len(plaintexts)*len(recipients))
	for _, plain := range plaintexts {
		for i, r := range recipients {
			if err := ctx.Err(); err != nil {
				return nil, context.Cause(ctx)
			}
			data, err := r.encrypt(plain.GetBytes())
			if err != nil {
				return nil, refused(configs, i, fmt.Errorf("%s: %w", r.provider, err))
			}
			item := &v2.EncryptedData{
				Provider: r.provider, Name: plain.GetName(), Description: plain.GetDescription(), Schema: plain.GetSchema(),
				EncryptedBytes: data, KeyIds: []string{r.keyID},
			}
			if r.provider == ProviderJWK {
				item.KeyId = r.keyID //nolint:staticcheck // Readers of before look for it here.
			}
			encrypted = append(encrypted, item)
		}
	}
	return encrypted, nil
}

// refused names the recipient that cannot be encrypted for.
func refused(configs []*v2.EncryptionConfig, i int, err error) error {
	who := ""
	if id := configs[i].GetPrincipal().GetId(); id.GetResource() != "" {
		who = fmt.Sprintf(" (%s %q)", id.GetResourceType(), id.GetResource())
	}
	return fault.Invalid("encryption config %d of %d%s: %w", i+1, len(configs), who, err)
}

// maxOpened bounds what [Open] returns, in bytes.
const maxOpened = 16 << 20

// Open decrypts an age file that is encrypted for an Ed25519 key, and is at most 16 MiB
// long. Its errors quote nothing of the content.
func Open(file []byte, key ed25519.PrivateKey) ([]byte, error) {
	identity, err := agessh.NewEd25519Identity(key)
	if err != nil {
		return nil, errors.New("the key cannot open it")
	}
	plaintext, err := openAgeFile(file, identity, maxOpened)
	if err != nil {
		return nil, errors.New("it is damaged, too long or encrypted for another key")
	}
	return plaintext, nil
}

// Decrypt opens the first of several secrets that is encrypted for our own key, which is
// that of the client secret. None for it is an InvalidArgument.
func Decrypt(encrypted []*v2.EncryptedData, key ed25519.PrivateKey) (secret.String, error) {
	own, err := thumbprint(key.Public())
	if err != nil {
		return secret.String{}, err
	}
	i := slices.IndexFunc(encrypted, func(e *v2.EncryptedData) bool {
		return slices.ContainsFunc(e.GetKeyIds(), func(id string) bool { return strings.EqualFold(id, own) })
	})
	if i < 0 {
		return secret.String{}, fault.Invalid("none of %d encrypted passwords is for the key of this connector (thumbprint %s)", len(encrypted), own)
	}
	failed := func(why string) (secret.String, error) {
		return secret.String{}, fault.Invalid("encrypted password %d of %d cannot be opened: %s", i+1, len(encrypted), why)
	}
	if provider := strings.ToLower(strings.TrimSpace(encrypted[i].GetProvider())); provider != ProviderJWK && provider != providerJWKPrivate && provider != "" {
		return failed("its provider is not " + ProviderJWK)
	}
	file, err := base64.StdEncoding.DecodeString(string(encrypted[i].GetEncryptedBytes()))
	if err != nil {
		return failed("it is not base64 text")
	}
	identity, err := agessh.NewEd25519Identity(key)
	if err != nil {
		return failed("the key of this connector cannot open it")
	}
	plaintext, err := openAgeFile(file, identity, maxSecretBytes)
	if err != nil {
		return failed("it is damaged, too long or encrypted for another key")
	}
	if len(plaintext) == 0 {
		return failed("it is empty")
	}
	return secret.New(string(plaintext)), nil
}
