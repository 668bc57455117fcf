package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/accounts"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

func newUserCreate(a *app) *cobra.Command {
	var login string
	var set []string
	cmd := &cobra.Command{
		Use: "create EMAIL", Short: "Create a user",
		Long: `Create a user without a password: JumpCloud mails the user to choose one. A user of the same email
address or login, regardless of case, is left as it is.`,
		Example: `  baton-jumpcloud user create ana@example.com --login ana --set first_name=Ana --provision-types user`,
		Args:    exactly("EMAIL"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, words []string) error {
			cfg, err := a.load(cmd, config.ForChange)
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
			job := &changeJob{cfg: cfg, stdout: a.Stdout}
			return job.start(cmd.Context(), a, func(ctx context.Context) error {
				return job.manage(ctx, func(ctx context.Context, m accounts.Manager) error { return job.createAccount(ctx, m, info) })
			})
		},
	}
	cmd.Flags().StringVar(&login, "login", "", "Login of the user (default: the email address up to the @)")
	cmd.Flags().StringArrayVar(&set, "set", nil, "Attribute to set, as NAME=VALUE; can be repeated")
	return cmd
}

func newUserDelete(a *app) *cobra.Command {
	var yes confirmation
	cmd := &cobra.Command{
		Use: "delete WHO", Short: "Delete a user",
		Long: "Delete a user. A deleted user is not restored; to take access away and keep the user, see offboard.",
		Args: exactly("WHO"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, words []string) error {
			cfg, err := a.load(cmd, config.ForChange)
			if err != nil {
				return err
			}
			yes.find(a)
			if !cfg.Change.DryRun {
				if err := yes.possible(fmt.Sprintf("delete user %q", words[0])); err != nil {
					return err
				}
			}
			job := &changeJob{cfg: cfg, stdout: a.Stdout}
			return job.start(cmd.Context(), a, func(ctx context.Context) error {
				return untilStopped(ctx, job.deleteUser(ctx, words[0], &yes))
			})
		},
	}
	yes.addFlag(cmd.Flags())
	return cmd
}

// deleteUser deletes the user that a text names.
func (j *changeJob) deleteUser(ctx context.Context, who string, yes *confirmation) error {
	var user *v2.Resource
	j.find = func(ctx context.Context, found *changeTarget, names *shownSync) (err error) {
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
	return say(j.stdout, "%s\n", strings.TrimSpace(outcomeText(plan, outcome)))
}
