package accounts

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"math/big"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/encryption"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// The bounds of the length of a generated password, in characters.
const (
	minLength = 8
	maxLength = 64
)

// classes are the characters of a password: one of each unless constraints say otherwise.
func classes() []string {
	return []string{
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789",
		"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
	}
}

// credential is the password of an account: given, generated or none.
type credential struct {
	password secret.String
	// generated says that nobody knows the password yet.
	generated bool
	// change makes the account choose another one at the next sign-in.
	change bool
}

// readCredential works out the password that options ask for. key opens one that is given
// encrypted; nil where there is none. A generated one needs somebody to be encrypted for,
// which is tried before anything is made.
func readCredential(ctx context.Context, options *v2.CredentialOptions, configs []*v2.EncryptionConfig, key ed25519.PrivateKey) (credential, error) {
	c := credential{change: options.GetForceChangeAtNextLogin()}
	switch o := options.GetOptions().(type) {
	case nil, *v2.CredentialOptions_NoPassword_:
		c.change = false
		return c, nil
	case *v2.CredentialOptions_RandomPassword_:
		if err := encryption.Check(ctx, configs); err != nil {
			return c, err
		}
		password, err := random(o.RandomPassword)
		c.password, c.generated = password, true
		return c, err
	case *v2.CredentialOptions_EncryptedPassword_:
		if len(configs) > 0 {
			return c, fault.Invalid("encryption configs must be empty where the password is given")
		}
		if key == nil {
			return c, fault.Invalid("an encrypted password can be opened in service mode only: its key is that of --client-secret")
		}
		password, err := encryption.Decrypt(o.EncryptedPassword.GetEncryptedPasswords(), key)
		if err == nil && password.Empty() {
			err = fault.Invalid("the encrypted password is empty")
		}
		c.password = password
		return c, err
	default:
		return c, fault.Invalid("unsupported credential option; use no_password, random_password or encrypted_password")
	}
}

// random makes a password: so many characters of each set as its constraints ask for, and
// the rest of all of them.
func random(o *v2.CredentialOptions_RandomPassword) (secret.String, error) {
	n := int(o.GetLength())
	if n < minLength || n > maxLength {
		return secret.String{}, fault.Invalid("invalid password length %d: it must be from %d to %d", n, minLength, maxLength)
	}
	var picked []byte
	all := ""
	take := func(set string, count uint32) error {
		if set == "" || strings.ContainsFunc(set, func(r rune) bool { return r < ' ' || r > '~' }) {
			return fault.Invalid("invalid password constraint: its character set must be printable ASCII")
		}
		all += set
		for range count {
			if len(picked) == n {
				return fault.Invalid("the password constraints ask for more than %d characters", n)
			}
			picked = append(picked, set[index(len(set))])
		}
		return nil
	}
	for _, c := range o.GetConstraints() {
		if err := take(c.GetCharSet(), c.GetMinCount()); err != nil {
			return secret.String{}, err
		}
	}
	if len(o.GetConstraints()) == 0 {
		for _, set := range classes() {
			if err := take(set, 1); err != nil {
				return secret.String{}, err
			}
		}
	}
	for len(picked) < n {
		picked = append(picked, all[index(len(all))])
	}
	for i := len(picked) - 1; i > 0; i-- {
		j := index(i + 1)
		picked[i], picked[j] = picked[j], picked[i]
	}
	return secret.New(string(picked)), nil
}

// index is a random number below n.
func index(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // crypto/rand does not fail.
	}
	return int(i.Int64())
}

// handOver encrypts a generated password for its recipients.
func (c credential) handOver(ctx context.Context, configs []*v2.EncryptionConfig) ([]*v2.EncryptedData, error) {
	if !c.generated {
		return nil, nil
	}
	return encryption.Encrypt(ctx, []*v2.PlaintextData{{
		Name: "password", Description: "Password of the JumpCloud account", Schema: "string", Bytes: []byte(c.password.Reveal()),
	}}, configs)
}
