package cli

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/accounts"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// randomLength is how long a password is that the command line rotates to, as in other
// Baton connectors.
const randomLength = 20

// runLifecycle creates an account, deletes a resource or rotates credentials, as the
// settings ask for it. No archive is opened.
func runLifecycle(ctx context.Context, a *app, cfg *config.Config) error {
	change := cfg.Change
	job := &changeJob{cfg: cfg, stdout: a.Stdout}
	var request func(context.Context, accounts.Manager) error
	switch {
	case change.CreatesAccount():
		info, err := accountInfo(change)
		if err == nil {
			err = provision.Allowed(change.Types, provision.Named{Type: restype.User, Name: info.GetLogin()})
			if err != nil {
				err = fmt.Errorf("create account failed: %w", err)
			}
		}
		if err != nil {
			return err
		}
		request = func(ctx context.Context, m accounts.Manager) error {
			return job.createAccount(ctx, m, info)
		}
	case change.Delete != "" && change.DeleteType == "", change.Rotate != "" && change.RotateType == "":
		return fault.WithHints(errors.New("unknown provisioning action"),
			"--delete-resource takes --delete-resource-type, and --rotate-credentials takes --rotate-credentials-type")
	case change.Delete != "":
		if change.DeleteType == restype.User {
			if err := provision.Allowed(change.Types, provision.Named{Type: restype.User, ID: change.Delete}); err != nil {
				return fmt.Errorf("delete resource failed: %w", err)
			}
		}
		request = func(ctx context.Context, m accounts.Manager) error {
			_, err := m.Delete(ctx, &v2.DeleteResourceRequest{ResourceId: &v2.ResourceId{ResourceType: change.DeleteType, Resource: change.Delete}})
			return err
		}
	default:
		request = job.rotate
	}
	return job.start(ctx, a, func(ctx context.Context) error { return job.manage(ctx, request) })
}

// manage carries out a request about an account, or shows the changes that it would make.
func (j *changeJob) manage(ctx context.Context, request func(context.Context, accounts.Manager) error) error {
	p, err := j.connect(ctx, anyOrganization)
	if err != nil {
		return err
	}
	return request(ctx, accounts.Manager{Provisioner: p, Source: j.source, Preview: j.previewer()})
}

// accountInfo is the account that the settings name. Login and email complete a profile
// that lacks them.
func accountInfo(change config.Change) (*v2.AccountInfo, error) {
	profile := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	if change.AccountProfile != "" {
		var err error
		if profile, err = parseObject("create-account-profile", change.AccountProfile); err != nil {
			return nil, err
		}
	}
	for name, v := range map[string]string{"login": change.AccountLogin, "email": change.AccountEmail} {
		if _, has := profile.GetFields()[name]; !has && v != "" {
			profile.Fields[name] = structpb.NewStringValue(v)
		}
	}
	info := &v2.AccountInfo{Profile: profile, Login: profile.GetFields()["login"].GetStringValue()}
	if email := profile.GetFields()["email"].GetStringValue(); email != "" {
		info.Emails = []*v2.AccountInfo_Email{{Address: email, IsPrimary: true}}
	}
	if info.GetLogin() == "" && len(info.GetEmails()) == 0 && profile.GetFields()["username"].GetStringValue() == "" {
		return nil, fault.WithHints(errors.New("unknown provisioning action"), "the profile of a new account names its login or email")
	}
	return info, nil
}

// createAccount creates an account without a password: JumpCloud mails its user to
// choose one.
func (j *changeJob) createAccount(ctx context.Context, m accounts.Manager, info *v2.AccountInfo) error {
	answer, err := m.Create(ctx, &v2.CreateAccountRequest{
		AccountInfo: info, ResourceTypeId: j.cfg.Change.AccountType,
		CredentialOptions: &v2.CredentialOptions{Options: &v2.CredentialOptions_NoPassword_{NoPassword: &v2.CredentialOptions_NoPassword{}}},
	})
	if err != nil || j.cfg.Change.DryRun {
		return err
	}
	text, resource := "Created", answer.GetSuccess().GetResource()
	if already := answer.GetAlreadyExists(); already != nil {
		text, resource = "No change needed: there is", already.GetResource()
	}
	j.Log.InfoContext(ctx, "CreateAccount response", "resource_type", restype.User, "resource", resource.GetId().GetResource(), "already_exists", answer.GetAlreadyExists() != nil)
	if !j.Watched && !j.cfg.Change.Command {
		return nil
	}
	return say(j.stdout, "%s user %q (%s).\n", text, resource.GetDisplayName(), resource.GetId().GetResource())
}

// rotate gives an account a password that nobody learns: the command line has no
// recipient for it.
func (j *changeJob) rotate(ctx context.Context, m accounts.Manager) error {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	key, err := jose.JSONWebKey{Key: public}.MarshalJSON()
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	_, err = m.Rotate(ctx, &v2.RotateCredentialRequest{
		ResourceId: &v2.ResourceId{ResourceType: j.cfg.Change.RotateType, Resource: j.cfg.Change.Rotate},
		CredentialOptions: &v2.CredentialOptions{Options: &v2.CredentialOptions_RandomPassword_{
			RandomPassword: &v2.CredentialOptions_RandomPassword{Length: randomLength},
		}},
		EncryptionConfigs: []*v2.EncryptionConfig{{
			Config: &v2.EncryptionConfig_JwkPublicKeyConfig{JwkPublicKeyConfig: &v2.EncryptionConfig_JWKPublicKeyConfig{PubKey: key}},
		}},
	})
	if err == nil && !j.cfg.Change.DryRun {
		j.Log.WarnContext(ctx, "the new password was discarded: nobody knows it, and the user has to reset it")
	}
	return err
}
