package changes

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/accounts"
	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// randomLength is how long a password is that the command line rotates to, as in other
// Baton connectors.
const randomLength = 20

// RunLifecycle creates an account, deletes a resource or rotates credentials, as the
// settings ask for it. No archive is opened.
func RunLifecycle(ctx context.Context, a *program.App, cfg *config.Config) error {
	change := cfg.Change
	j := &job{cfg: cfg, stdout: a.Stdout}
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
			return j.createAccount(ctx, m, info)
		}
	case change.Delete != "" && change.DeleteType == "", change.Rotate != "" && change.RotateType == "":
		return fault.WithHints(errors.New("unknown provisioning action"),
			"--delete-resource takes --delete-resource-type, and --rotate-credentials takes --rotate-credentials-type")
	case change.Delete != "":
		if change.DeleteType == restype.User || change.DeleteType == restype.ServiceCredential {
			if err := provision.Allowed(change.Types, provision.Named{Type: change.DeleteType, ID: change.Delete}); err != nil {
				return fmt.Errorf("delete resource failed: %w", err)
			}
		}
		request = func(ctx context.Context, m accounts.Manager) error {
			_, err := m.Delete(ctx, &v2.DeleteResourceRequest{ResourceId: &v2.ResourceId{ResourceType: change.DeleteType, Resource: change.Delete}})
			return err
		}
	case change.RotateType == restype.ServiceCredential:
		return fault.WithHints(errors.New("the command line cannot hand a new secret over, and the old one would end"),
			"rotate the credential through ConductorOne, which gets the new secret encrypted",
			"to end the credential, use --delete-resource and --delete-resource-type="+restype.ServiceCredential)
	default:
		request = j.rotate
	}
	return j.start(ctx, a, func(ctx context.Context) error { return j.manage(ctx, request) })
}

// manage carries out a request about an account, or shows the changes that it would make.
func (j *job) manage(ctx context.Context, request func(context.Context, accounts.Manager) error) error {
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
func (j *job) createAccount(ctx context.Context, m accounts.Manager, info *v2.AccountInfo) error {
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
	return program.Say(j.stdout, "%s user %q (%s).\n", text, resource.GetDisplayName(), resource.GetId().GetResource())
}

// rotate gives an account a password that nobody learns: the command line has no
// recipient for it.
func (j *job) rotate(ctx context.Context, m accounts.Manager) error {
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

func newUserCreate(a *program.App) *cobra.Command {
	var login string
	var set []string
	cmd := &cobra.Command{
		Use: "create EMAIL", Short: "Create a user",
		Long: `Create a user without a password: JumpCloud mails the user to choose one. A user of the same email
address or login, regardless of case, is left as it is.`,
		Example: `  baton-jumpcloud user create ana@example.com --login ana --set first_name=Ana --provision-types user`,
		Args:    program.Exactly("EMAIL"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, words []string) error {
			cfg, err := a.Load(cmd, config.ForChange)
			if err != nil {
				return err
			}
			change := cfg.Change
			change.AccountEmail, change.AccountLogin = words[0], login
			if len(set) > 0 {
				profile, err := profileOf(set)
				if err != nil {
					return err
				}
				change.AccountProfile, _ = profile["user_profile"].(string)
			}
			info, err := accountInfo(change)
			if err != nil {
				return err
			}
			j := &job{cfg: cfg, stdout: a.Stdout}
			return j.start(cmd.Context(), a, func(ctx context.Context) error {
				return j.manage(ctx, func(ctx context.Context, m accounts.Manager) error { return j.createAccount(ctx, m, info) })
			})
		},
	}
	cmd.Flags().StringVar(&login, "login", "", "Login of the user (default: the email address up to the @)")
	cmd.Flags().StringArrayVar(&set, "set", nil, "Attribute to set, as NAME=VALUE; can be repeated")
	return cmd
}

func newUserDelete(a *program.App) *cobra.Command {
	var yes confirmation
	cmd := &cobra.Command{
		Use: "delete WHO", Short: "Delete a user",
		Long: "Delete a user. A deleted user is not restored; to take access away and keep the user, see offboard.",
		Args: program.Exactly("WHO"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, words []string) error {
			cfg, err := a.Load(cmd, config.ForChange)
			if err != nil {
				return err
			}
			yes.find(a)
			if !cfg.Change.DryRun {
				if err := yes.possible(fmt.Sprintf("delete user %q", words[0])); err != nil {
					return err
				}
			}
			j := &job{cfg: cfg, stdout: a.Stdout}
			return j.start(cmd.Context(), a, func(ctx context.Context) error {
				return program.UntilStopped(ctx, j.deleteUser(ctx, words[0], &yes))
			})
		},
	}
	yes.addFlag(cmd.Flags())
	return cmd
}

// deleteUser deletes the user that a text names.
func (j *job) deleteUser(ctx context.Context, who string, yes *confirmation) error {
	var user *v2.Resource
	j.find = func(ctx context.Context, found *changeTarget, names *archives.Shown) (err error) {
		user, err = found.accountNamed(ctx, names, who, review.Account)
		return err
	}
	target, err := j.lookUp(ctx)
	if err != nil {
		return err
	}
	p, err := j.connect(ctx, target.archive.Check)
	if err != nil {
		return err
	}
	plan, err := p.PlanDeleteUser(ctx, user.GetId().GetResource())
	if err != nil {
		return fmt.Errorf("delete failed: %w", err)
	}
	if j.cfg.Change.DryRun {
		return j.preview(ctx, p, plan)
	}
	if yes.asks() {
		if err := yes.ask(ctx, j.Screen, plan.Effect()); err != nil {
			return err
		}
	}
	outcome, err := p.Apply(ctx, plan)
	if err != nil {
		return fmt.Errorf("delete failed: %w", err)
	}
	return program.Say(j.stdout, "%s\n", strings.TrimSpace(outcomeText(plan, outcome)))
}
