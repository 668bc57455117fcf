package cli

import (
	"fmt"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/changerun"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/network"
)

// told says to a person what came of a change.
func told(plan *connector.Plan, outcome connector.Outcome) string {
	what := "membership of " + plan.Resource.String()
	if plan.Resource.Type == connector.TypeApp {
		what = "access to " + plan.Resource.String()
	}
	granting, already := plan.Operation == connector.OperationGrant, outcome.Result == connector.ResultAlready
	var text string
	switch {
	case granting && already:
		text = fmt.Sprintf("Nothing was changed: %s had %s already.", plan.Principal, what)
	case granting:
		text = fmt.Sprintf("Granted: %s has %s.", plan.Principal, what)
	case already:
		text = fmt.Sprintf("Nothing was changed: %s did not have %s.", plan.Principal, what)
	default:
		text = fmt.Sprintf("Revoked: %s no longer has %s.", plan.Principal, what)
	}
	if len(outcome.Inherited) == 0 {
		return text
	}
	groups := make([]string, 0, len(outcome.Inherited))
	for _, g := range outcome.Inherited {
		groups = append(groups, g.String())
	}
	return text + "\nAccess remains through " + strings.Join(groups, ", ") + "."
}

// showPreview prints what would be sent, in full, and what would come of it.
func (j *changeJob) showPreview(plan *connector.Plan) error {
	base, _, err := network.Endpoints(j.cfg.JumpCloud)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("Dry run: nothing was sent.\n\n")
	row := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-14s %s\n", label, fmt.Sprintf(format, args...))
	}
	row("Organisation", "%s", named(j.org.ID, j.org.Name))
	row("Effect", "%s", plan.Effect())
	row("Request", "%s %s%s", plan.Request.Method, strings.TrimSuffix(base.String(), "/"), plan.Request.Path)
	if id := j.cfg.JumpCloud.OrgID; id != "" {
		row("", "x-org-id: %s", id)
	}
	row("", "%s", plan.Request.Body)
	row("Credential", "%s", credentialText(j.cfg))
	return say(j.stdout, "%s", b.String())
}

// credentialText tells a credential without telling it.
func credentialText(cfg *config.Config) string {
	c, from := changerun.AuditCredential(cfg.JumpCloud), cfg.CredentialOrigin()
	switch {
	case c.ServiceAccount != "":
		return fmt.Sprintf("service account %s, with the secret from %s", c.ServiceAccount, from)
	case c.KeyPrefix != "":
		return fmt.Sprintf("API key %s..., from %s", c.KeyPrefix, from)
	default:
		return "API key from " + from
	}
}
