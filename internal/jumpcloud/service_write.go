package jumpcloud

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// CredentialLifetimes are how long a credential of a service account may last, in days.
func CredentialLifetimes() []int { return []int{30, 60, 90, 365} }

// NewCredential is a credential that a service account is to get.
type NewCredential struct {
	Type     string // [AuthAPIKey] or [AuthClientSecret]
	Lifetime string // such as "90 Days"
}

// Body is what is sent for it, without any wrapping (as JumpCloud's own client does).
func (n NewCredential) Body() map[string]any {
	name := "apiKeyConfig"
	if n.Type == AuthClientSecret {
		name = "clientSecretConfig"
	}
	return map[string]any{"authType": n.Type, name: map[string]string{"lifetime": n.Lifetime}}
}

// AddCredential makes a credential of a service account and returns its secret, which
// nothing tells again. It is sent once: see [Error.MaybeDone]. The answer does not tell the
// ID of the credential.
//
// JumpCloud API v2, POST /service-accounts/{id}/auth-config.
func (c *Client) AddCredential(ctx context.Context, account string, n NewCredential) (made secret.String, err error) {
	type answer struct {
		ClientSecret struct {
			Secret string `json:"clientSecret"`
		} `json:"clientSecretConfig"`
		APIKey struct {
			Key string `json:"apiKey"`
		} `json:"apiKeyConfig"`
	}
	err = c.writeAndRead(ctx, call{route: routeAddCredential, id: account, body: n.Body()}, func(_ http.Header, dec *json.Decoder) error {
		var body struct {
			Wrapped answer `json:"authConfig"`
			answer
		}
		if err := dec.Decode(&body); err != nil {
			return errNoSecret // What could not be read may hold it.
		}
		for _, text := range []string{body.Wrapped.ClientSecret.Secret, body.Wrapped.APIKey.Key, body.ClientSecret.Secret, body.APIKey.Key} {
			if made.Empty() {
				made = secret.New(text)
			}
		}
		if made.Empty() {
			return errNoSecret
		}
		return nil
	})
	return made, err
}

var errNoSecret = errors.New("the answer has no secret")

// RevokeCredential ends a credential of a service account. [IsNotFound] tells that there is
// none.
//
// JumpCloud API v2, DELETE /service-accounts/{id}/auth-config/{authConfigId}.
func (c *Client) RevokeCredential(ctx context.Context, account, id string) error {
	return c.write(ctx, call{route: routeRevokeCredential, id: account, key: id})
}
