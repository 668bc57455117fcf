package config

import (
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// chooseCredential settles which credential is used: the one that --auth-method
// names, else the one that is set.
func (c *Config) chooseCredential() Problems {
	v := c.values
	key := v.present(nameAPIKey) && !c.JumpCloud.APIKey.Empty()
	account := v.present(nameJCClientID) || v.present(nameJCSecret)
	method := strings.ToLower(v.str(nameAuthMethod))
	switch {
	case method == "" && key && account:
		return Problems{{
			Text: fmt.Sprintf("if any flags in the group [%s %s] are set none of the others can be; both credentials were set", nameAPIKey, nameJCClientID),
			Hint: "remove one, or choose one with --auth-method",
		}}
	case method == "" && account:
		method = GroupServiceAccount
	case method == "":
		method = GroupAPIKey
	}
	c.JumpCloud.AuthMethod = method
	switch {
	case method == GroupAPIKey && !key:
		return Problems{missing(nameAPIKey)}
	case method == GroupServiceAccount && !account:
		return Problems{missing(nameJCClientID + `", "` + nameJCSecret)}
	}
	return nil
}

// missing is the problem of a credential that was not given.
func missing(names string) Problem {
	return Problem{
		Text: fmt.Sprintf(`required flag(s) "%s" not set`, names),
		Hint: `set BATON_API_KEY (or BATON_API_KEY_FILE) to an API key (JumpCloud Admin Portal: your initials at the top right, My API Key)
for a service account, set BATON_JUMPCLOUD_CLIENT_ID and BATON_JUMPCLOUD_CLIENT_SECRET instead
to try the connector without an account, run: baton-jumpcloud demo`,
		Code: codes.Unauthenticated,
	}
}

// Secrets are the values that nothing may show.
func (c *Config) Secrets() []secret.String {
	return []secret.String{c.JumpCloud.APIKey, c.JumpCloud.ClientSecret, c.Service.ClientSecret, c.Hosted.ClientSecret, c.Output.WebhookSecret}
}

// checkSecrets refuses secrets that cannot be what they should be: no header carries
// them, or they were copied with what stood around them. Nothing is asked with them.
func (c *Config) checkSecrets() Problems {
	var problems Problems
	for _, o := range Options() {
		if !o.Secret {
			continue
		}
		if err := checkToken(c.values.hidden(o.Name).Reveal()); err != nil {
			p := fieldProblem(o.Name, err)
			p.Hint = "it comes from " + c.Origin(o.Name).Name
			problems = append(problems, p)
		}
	}
	return problems
}
