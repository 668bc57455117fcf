package accounts_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/accounts"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/encryption"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// bench is an organization, who changes its accounts, and a recipient of secrets.
type bench struct {
	accounts.Manager

	tenant    *jcsim.Tenant
	key       ed25519.PrivateKey
	recipient *v2.EncryptionConfig
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return benchOf(t, nil, nil, "user")
}

// benchOf changes types of an organization that generate makes, the small one of this file
// where it is nil, with faults.
func benchOf(t *testing.T, faults []jcsim.Fault, generated *jcsim.Tenant, types ...string) *bench {
	t.Helper()
	tenant, err := jcsim.Load(strings.NewReader(`{"organization": {"displayName": "Borealis"}, "users": [
		{"username": "ana", "email": "Ana@example.com", "displayname": "Ana Ruiz"}, {"username": "bo", "email": "bo@example.com"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if generated != nil {
		tenant = generated
	}
	options := jcsim.Options{Tenant: tenant}
	options.Settings.Faults = faults
	logger := slog.New(slog.DiscardHandler)
	client, err := jumpcloud.New(jumpcloud.Config{
		BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}, APIKey: secret.New(jcsim.DefaultKey), UserAgent: "test",
		Transport: jcsim.New(options).RoundTripper(), Logger: logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{tenant: tenant}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := jose.JSONWebKey{Key: public}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	b.key = key
	b.recipient = &v2.EncryptionConfig{Config: &v2.EncryptionConfig_JwkPublicKeyConfig{JwkPublicKeyConfig: &v2.EncryptionConfig_JWKPublicKeyConfig{PubKey: jwk}}}
	b.Manager = accounts.Manager{
		Provisioner: provision.New(client, provision.Options{Types: types, Logger: logger}),
		Source:      connector.NewSource(client, connector.Options{Logger: logger}), Key: key,
	}
	return b
}

func profile(t *testing.T, fields map[string]any) *v2.AccountInfo {
	t.Helper()
	p, err := structpb.NewStruct(fields)
	if err != nil {
		t.Fatal(err)
	}
	return &v2.AccountInfo{Profile: p}
}

func randomPassword(length int64, constraints ...*v2.PasswordConstraint) *v2.CredentialOptions {
	return &v2.CredentialOptions{Options: &v2.CredentialOptions_RandomPassword_{RandomPassword: &v2.CredentialOptions_RandomPassword{Length: length, Constraints: constraints}}}
}

// TestPasswordsReachTheirRecipientOnly creates an account with each kind of password and
// rotates it.
func TestPasswordsReachTheirRecipientOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	answer, err := b.Create(ctx, &v2.CreateAccountRequest{
		AccountInfo:       &v2.AccountInfo{Login: "new", Emails: []*v2.AccountInfo_Email{{Address: "x@example.com"}, {Address: "new@example.com", IsPrimary: true}}},
		CredentialOptions: randomPassword(20), EncryptionConfigs: []*v2.EncryptionConfig{b.recipient, b.recipient},
	})
	if err != nil {
		t.Fatal(err)
	}
	made := answer.GetSuccess().GetResource()
	password, err := encryption.Decrypt(answer.GetEncryptedData(), b.key)
	if err != nil || len(answer.GetEncryptedData()) != 2 || !b.tenant.HasPassword(made.GetId().GetResource(), password.Reveal()) || len(password.Reveal()) != 20 {
		t.Errorf("%d results, %v", len(answer.GetEncryptedData()), err)
	}
	if strings.Contains(fmt.Sprint(answer), password.Reveal()) || !answer.GetSuccess().GetIsCreateAccountResult() || made.GetDisplayName() != "new" {
		t.Errorf("answer %v", answer)
	}
	if n := len(b.tenant.Mails()); n != 0 {
		t.Errorf("%d mails to an account with a password", n)
	}
	// The account that exists is answered, unchanged and without a password.
	answer, err = b.Create(ctx, &v2.CreateAccountRequest{
		AccountInfo: profile(t, map[string]any{"email": "ANA@example.com", "department": "IT"}), CredentialOptions: randomPassword(20),
		EncryptionConfigs: []*v2.EncryptionConfig{b.recipient},
	})
	if err != nil || answer.GetAlreadyExists().GetResource().GetDisplayName() != "Ana Ruiz" || len(answer.GetEncryptedData()) != 0 {
		t.Errorf("existing: %v, %v", answer, err)
	}
	// A password that is given for our key, to be changed at once.
	given, err := encryption.Encrypt(ctx, []*v2.PlaintextData{{Name: "password", Bytes: []byte("Given-Pa55word")}}, []*v2.EncryptionConfig{b.recipient})
	if err != nil {
		t.Fatal(err)
	}
	options := &v2.CredentialOptions{ForceChangeAtNextLogin: true, Options: &v2.CredentialOptions_EncryptedPassword_{
		EncryptedPassword: &v2.CredentialOptions_EncryptedPassword{EncryptedPasswords: given},
	}}
	if _, err := b.Create(ctx, &v2.CreateAccountRequest{AccountInfo: profile(t, map[string]any{"email": "given@example.com"}), CredentialOptions: options}); err != nil {
		t.Fatal(err)
	}
	if u, err := b.tenant.User("given"); err != nil || !b.tenant.HasPassword("given", "Given-Pa55word") || !u.PasswordExpired {
		t.Errorf("%+v, %v", u, err)
	}
	ana, err := b.tenant.User("ana")
	if err != nil {
		t.Fatal(err)
	}
	id := &v2.ResourceId{ResourceType: "user", Resource: ana.ID}
	rotated, err := b.Rotate(ctx, &v2.RotateCredentialRequest{ResourceId: id, CredentialOptions: randomPassword(64, &v2.PasswordConstraint{CharSet: "abc", MinCount: 6}, &v2.PasswordConstraint{CharSet: "ABC123!", MinCount: 4}), EncryptionConfigs: []*v2.EncryptionConfig{b.recipient}})
	if err != nil {
		t.Fatal(err)
	}
	password, err = encryption.Decrypt(rotated.GetEncryptedData(), b.key)
	if err != nil || !b.tenant.HasPassword("ana", password.Reveal()) {
		t.Errorf("rotated: %v", err)
	}
}

// TestRefusals are requests that change nothing.
func TestRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, tt := range []struct {
		fields  map[string]any
		options *v2.CredentialOptions
		code    codes.Code
		says    string
	}{
		{map[string]any{}, nil, codes.InvalidArgument, "missing email in account info"},
		{map[string]any{"email": "nobody"}, nil, codes.InvalidArgument, "invalid email address"},
		{map[string]any{"email": 7.0}, nil, codes.InvalidArgument, "profile field email must be a string"},
		{map[string]any{"email": "x@example.com", "username": "a b"}, nil, codes.InvalidArgument, "white space"},
		{map[string]any{"email": "x@example.com", "state": "ON"}, nil, codes.InvalidArgument, "profile field state"},
		{map[string]any{"email": "x@example.com", "state": "ACTIVATED", "create_staged": "true"}, nil, codes.InvalidArgument, "contradict"},
		{map[string]any{"email": "x@example.com", "additionalAttributes": map[string]any{"email": "y"}}, nil, codes.InvalidArgument, "not a custom one"},
		{map[string]any{"email": "x@example.com", "manager": "nobody"}, nil, codes.NotFound, "no user has"},
		{map[string]any{"email": "ana@other.example"}, nil, codes.AlreadyExists, "give another username"},
		{map[string]any{"email": "x@example.com"}, randomPassword(20), codes.InvalidArgument, "no recipient"},
		{map[string]any{"email": "x@example.com"}, &v2.CredentialOptions{Options: &v2.CredentialOptions_Sso{}}, codes.InvalidArgument, "unsupported credential option"},
		{map[string]any{"email": "x@example.com"}, &v2.CredentialOptions{Options: &v2.CredentialOptions_EncryptedPassword_{}}, codes.InvalidArgument, "encrypted passwords"},
	} {
		_, err := b.Create(t.Context(), &v2.CreateAccountRequest{AccountInfo: profile(t, tt.fields), CredentialOptions: tt.options})
		if status.Code(err) != tt.code || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "create account failed: ") {
			t.Errorf("%v: %v: %v", tt.fields, status.Code(err), err)
		}
	}
	for _, length := range []int64{7, 65} {
		_, err := b.Create(t.Context(), &v2.CreateAccountRequest{
			AccountInfo: profile(t, map[string]any{"email": "x@example.com"}), CredentialOptions: randomPassword(length), EncryptionConfigs: []*v2.EncryptionConfig{b.recipient},
		})
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "invalid password length") {
			t.Errorf("%d: %v", length, err)
		}
	}
	if n := len(b.tenant.Users()); n != 2 {
		t.Errorf("%d users", n)
	}
	ctx, id := t.Context(), &v2.ResourceId{ResourceType: "user", Resource: b.tenant.Users()[0].ID}
	for _, f := range []func(context.Context) error{
		func(ctx context.Context) error {
			_, err := b.Rotate(ctx, &v2.RotateCredentialRequest{ResourceId: id})
			return err
		},
		func(ctx context.Context) error {
			_, err := b.Delete(ctx, &v2.DeleteResourceRequest{ResourceId: &v2.ResourceId{ResourceType: "user"}})
			return err
		},
	} {
		if err := f(ctx); status.Code(err) != codes.InvalidArgument {
			t.Error(err)
		}
	}
	if _, err := b.Delete(ctx, &v2.DeleteResourceRequest{ResourceId: &v2.ResourceId{ResourceType: "role", Resource: "r"}}); status.Code(err) != codes.Unimplemented {
		t.Error(err)
	}
}
