package encryption_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/encryption"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// password is what no error may contain.
const password = "c0rrect-horse-battery!"

// holder is a recipient with what opens what it gets.
type holder struct {
	name     string
	config   *v2.EncryptionConfig
	provider string
	keyID    string
	// open reads the bytes as they travel, with a tool or library of the field.
	open func(t *testing.T, sealed []byte) string
}

func jwkConfig(t *testing.T, key any) *v2.EncryptionConfig {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKey{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return &v2.EncryptionConfig{Config: &v2.EncryptionConfig_JwkPublicKeyConfig{
		JwkPublicKeyConfig: &v2.EncryptionConfig_JWKPublicKeyConfig{PubKey: text},
	}}
}

func ageConfig(text string) *v2.EncryptionConfig {
	return &v2.EncryptionConfig{Config: &v2.EncryptionConfig_AgeRecipientConfig_{
		AgeRecipientConfig: &v2.EncryptionConfig_AgeRecipientConfig{Recipient: text},
	}}
}

func thumbprint(t *testing.T, key any) string {
	t.Helper()
	web := jose.JSONWebKey{Key: key}
	sum, err := web.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sum)
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// decrypt opens an age file, as age itself does with the file of an identity.
func decrypt(t *testing.T, identity age.Identity, file []byte) string {
	t.Helper()
	r := must[io.Reader](t)(age.Decrypt(bytes.NewReader(file), identity))
	return string(must[[]byte](t)(io.ReadAll(r)))
}

// sshIdentity is a key as age takes it from a file of OpenSSH.
func sshIdentity(t *testing.T, key crypto.PrivateKey) age.Identity {
	t.Helper()
	block := must[*pem.Block](t)(ssh.MarshalPrivateKey(key, ""))
	return must[age.Identity](t)(agessh.ParseIdentity(pem.EncodeToMemory(block)))
}

func fromBase64(t *testing.T, text []byte) []byte {
	t.Helper()
	return must[[]byte](t)(base64.StdEncoding.Strict().DecodeString(string(text)))
}

// holders are one of each kind of recipient.
func holders(t *testing.T) []holder {
	t.Helper()
	var list []holder
	add := func(name, text string, identity age.Identity) {
		sum := sha256.Sum256([]byte(text))
		list = append(list, holder{name, ageConfig(text), encryption.ProviderAge, hex.EncodeToString(sum[:]), func(t *testing.T, sealed []byte) string {
			return decrypt(t, identity, sealed)
		}})
	}
	x := must[*age.X25519Identity](t)(age.GenerateX25519Identity())
	add("age X25519", x.Recipient().String(), x)
	h := must[*age.HybridIdentity](t)(age.GenerateHybridIdentity())
	add("age hybrid", h.Recipient().String(), h)

	web := func(name string, private crypto.Signer, open func(t *testing.T, sealed []byte) string) {
		list = append(list, holder{name, jwkConfig(t, private.Public()), encryption.ProviderJWK, thumbprint(t, private.Public()), open})
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	web("JWK Ed25519", ed, func(t *testing.T, sealed []byte) string { return decrypt(t, sshIdentity(t, ed), fromBase64(t, sealed)) })
	r := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	web("JWK RSA", r, func(t *testing.T, sealed []byte) string { return decrypt(t, sshIdentity(t, r), fromBase64(t, sealed)) })
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		ec := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(curve, rand.Reader))
		web("JWK EC "+curve.Params().Name, ec, func(t *testing.T, sealed []byte) string {
			object := must[*jose.JSONWebEncryption](t)(jose.ParseEncryptedCompact(string(fromBase64(t, sealed)),
				[]jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM}))
			return string(must[[]byte](t)(object.Decrypt(ec)))
		})
	}
	return list
}

// Each secret is there once for each recipient, the first secret first, and what the
// recipients' own tools read is the secret.
func TestRecipientsOpenWhatTheyGet(t *testing.T) {
	t.Parallel()
	all := holders(t)
	var configs []*v2.EncryptionConfig
	for _, h := range all {
		configs = append(configs, h.config)
	}
	secrets := []*v2.PlaintextData{
		{Name: "password", Description: "the first password", Schema: "string", Bytes: []byte(password)},
		{Name: "other", Bytes: []byte("päss\x00\n")},
	}
	encrypted, err := encryption.Encrypt(t.Context(), secrets, configs)
	if err != nil || len(encrypted) != len(secrets)*len(all) {
		t.Fatalf("%d results, %v", len(encrypted), err)
	}
	for i, got := range encrypted {
		plain, h := secrets[i/len(all)], all[i%len(all)]
		if got.GetProvider() != h.provider || got.GetName() != plain.GetName() || got.GetDescription() != plain.GetDescription() || got.GetSchema() != plain.GetSchema() {
			t.Errorf("%s: %v", h.name, got)
		}
		if ids := got.GetKeyIds(); len(ids) != 1 || ids[0] != h.keyID {
			t.Errorf("%s: key ids %q, want %q", h.name, ids, h.keyID)
		}
		deprecated := got.GetKeyId() //nolint:staticcheck // Readers of before look for it here.
		if want := map[string]string{encryption.ProviderJWK: h.keyID}[h.provider]; deprecated != want {
			t.Errorf("%s: key id %q, want %q", h.name, deprecated, want)
		}
		if bytes.Contains(got.GetEncryptedBytes(), plain.GetBytes()) {
			t.Errorf("%s holds the secret in the clear", h.name)
		}
		if opened := h.open(t, got.GetEncryptedBytes()); opened != string(plain.GetBytes()) {
			t.Errorf("%s opens %q, want %q", h.name, opened, plain.GetBytes())
		}
	}
}

// The provider may be spelled out, in any case, or left to the key.
func TestProviders(t *testing.T) {
	t.Parallel()
	x := must[*age.X25519Identity](t)(age.GenerateX25519Identity())
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		config   *v2.EncryptionConfig
		provider string
		want     string // part of the error
	}{
		{ageConfig(x.Recipient().String()), " Baton/AGE/v1 ", ""},
		{jwkConfig(t, public), "BATON/jwk/v1", ""},
		{jwkConfig(t, public), "baton/jwk/v1/private", ""},
		{jwkConfig(t, public), "baton/age/v1", "provider baton/age/v1 does not take the key it has, which is for baton/jwk/v1"},
		{ageConfig(x.Recipient().String()), "baton/jwk/v1", "which is for baton/age/v1"},
		{jwkConfig(t, public), "baton/rot13/v1", "unsupported provider: it must be baton/age/v1 or baton/jwk/v1"},
		{&v2.EncryptionConfig{}, "baton/jwk/v1", "it has no key"},
	} {
		tt.config.Provider = tt.provider
		err := encryption.Check(t.Context(), []*v2.EncryptionConfig{tt.config})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("provider %q: %v", tt.provider, err)
		}
	}
}

// A wrong recipient is named by its place and principal, before anything is encrypted, and
// neither its key nor a secret is repeated.
func TestWrongRecipients(t *testing.T) {
	t.Parallel()
	x := must[*age.X25519Identity](t)(age.GenerateX25519Identity())
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 1024))
	ec := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	private := func(key any) *v2.EncryptionConfig { return jwkConfig(t, key) }
	text := func(jwk string) *v2.EncryptionConfig {
		return &v2.EncryptionConfig{Config: &v2.EncryptionConfig_JwkPublicKeyConfig{
			JwkPublicKeyConfig: &v2.EncryptionConfig_JWKPublicKeyConfig{PubKey: []byte(jwk)},
		}}
	}
	const malformed = "malformed or unsupported JSON Web Key"
	huge := base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 1100))
	for name, tt := range map[string]struct {
		config *v2.EncryptionConfig
		want   string
	}{
		"no text":                 {ageConfig(""), "baton/age/v1: malformed recipient"},
		"another text":            {ageConfig("ana@example.com"), "malformed recipient"},
		"a damaged one":           {ageConfig(x.Recipient().String()[:40]), "malformed recipient"},
		"a comment":               {ageConfig("#" + x.Recipient().String()), "malformed recipient"},
		"two":                     {ageConfig(x.Recipient().String() + "\n" + x.Recipient().String()), "not exactly one recipient"},
		"one with a line end":     {ageConfig(x.Recipient().String() + "\n"), "not exactly one recipient"},
		"a secret key of age":     {ageConfig(x.String()), "it is a secret key"},
		"an SSH key":              {ageConfig("ssh-ed25519-AAAA"), "malformed recipient"},
		"a huge text":             {ageConfig(strings.Repeat("age1", 10_000)), "not exactly one recipient"},
		"no JWK":                  {text(""), malformed},
		"no JSON":                 {text(password), malformed},
		"a list":                  {text("[]"), malformed},
		"a key set":               {text(`{"keys":[]}`), malformed},
		"an X25519 JWK":           {text(`{"kty":"OKP","crv":"X25519","x":"` + strings.Repeat("A", 43) + `"}`), malformed},
		"a point off the curve":   {text(`{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`), malformed},
		"a huge JWK":              {text(strings.Repeat(" ", 64<<10) + "{}"), malformed},
		"an RSA key out of range": {text(`{"kty":"RSA","n":"` + huge + `","e":"AQAB"}`), malformed},
		"a small RSA key":         {jwkConfig(t, small.Public()), "RSA key of 1024 bits: at least 2048 are required"},
		"a private Ed25519 key":   {private(ed), "the JSON Web Key is a private one: send its public half"},
		"a private EC key":        {private(ec), "the JSON Web Key is a private one: send its public half"},
		"a symmetric key":         {private([]byte(password + password)), malformed},
		"a key without strength":  {text(`{"kty":"OKP","crv":"Ed25519","x":"` + base64.RawURLEncoding.EncodeToString(append([]byte{1}, make([]byte, 31)...)) + `"}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.config.Principal = &v2.Resource{Id: &v2.ResourceId{ResourceType: "user", Resource: "vault-1"}}
			configs := []*v2.EncryptionConfig{ageConfig(x.Recipient().String()), tt.config}
			for _, err := range []error{
				encryption.Check(t.Context(), configs),
				func() error {
					got, err := encryption.Encrypt(t.Context(), []*v2.PlaintextData{{Bytes: []byte(password)}}, configs)
					if got != nil {
						t.Errorf("there are %d results", len(got))
					}
					return err
				}(),
			} {
				if status.Code(err) != codes.InvalidArgument || !strings.HasPrefix(err.Error(), `encryption config 2 of 2 (user "vault-1"): `) || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got %v, want %q", err, tt.want)
				}
				if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), x.String()) || len(err.Error()) > 300 {
					t.Errorf("the error says too much: %v", err)
				}
			}
		})
	}
}

func TestNobodyToEncryptFor(t *testing.T) {
	t.Parallel()
	if _, err := encryption.Encrypt(t.Context(), []*v2.PlaintextData{{Bytes: []byte(password)}}, nil); !errors.Is(err, encryption.ErrNoRecipient) || status.Code(err) != codes.InvalidArgument {
		t.Errorf("without a recipient: %v", err)
	}
	if got, err := encryption.Encrypt(t.Context(), nil, nil); len(got) != 0 || err != nil {
		t.Errorf("without a secret: %v, %v", got, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(io.ErrUnexpectedEOF)
	x := must[*age.X25519Identity](t)(age.GenerateX25519Identity())
	if err := encryption.Check(ctx, []*v2.EncryptionConfig{ageConfig(x.Recipient().String())}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a context that ended: %v", err)
	}
}

// What ConductorOne encrypts for the client secret is opened, whichever place it has, and
// what is not for it is refused without a word of its content.
func TestDecrypt(t *testing.T) {
	t.Parallel()
	_, own, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	seal := func(text string, keys ...ed25519.PrivateKey) []*v2.EncryptedData {
		var configs []*v2.EncryptionConfig
		for _, key := range keys {
			configs = append(configs, jwkConfig(t, key.Public()))
		}
		return must[[]*v2.EncryptedData](t)(encryption.Encrypt(t.Context(), []*v2.PlaintextData{{Bytes: []byte(text)}}, configs))
	}
	for _, list := range [][]*v2.EncryptedData{seal(password, own), seal(password, other, own)} {
		got, err := encryption.Decrypt(list, own)
		if err != nil || got.Reveal() != password {
			t.Errorf("%d entries: %v", len(list), err)
		}
		if strings.Contains(fmt.Sprintf("%+v", got), password) {
			t.Error("the password prints")
		}
	}
	change := func(f func(e *v2.EncryptedData)) []*v2.EncryptedData {
		list := seal(password, own)
		f(list[0])
		return list
	}
	for name, tt := range map[string]struct {
		list []*v2.EncryptedData
		want string
	}{
		"none":           {nil, "none of 0 encrypted passwords is for the key of this connector"},
		"for another":    {seal(password, other), "none of 1 encrypted passwords"},
		"empty":          {seal("", own), "it is empty"},
		"too long":       {seal(strings.Repeat(password, 1000), own), "damaged, too long or encrypted for another key"},
		"another's":      {change(func(e *v2.EncryptedData) { e.EncryptedBytes = seal(password, other)[0].GetEncryptedBytes() }), "encrypted for another key"},
		"no base64":      {change(func(e *v2.EncryptedData) { e.EncryptedBytes = []byte("!") }), "not base64"},
		"cut":            {change(func(e *v2.EncryptedData) { e.EncryptedBytes = e.GetEncryptedBytes()[:120] }), "damaged"},
		"other provider": {change(func(e *v2.EncryptedData) { e.Provider = encryption.ProviderAge }), "its provider is not baton/jwk/v1"},
	} {
		got, err := encryption.Decrypt(tt.list, own)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), tt.want) || !got.Empty() || strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
