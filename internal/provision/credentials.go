package provision

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/segmentio/ksuid"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// servicePath is where a service account is changed.
const servicePath = "/api/v2/service-accounts/"

// ServiceCredential is a credential of a service account.
type ServiceCredential struct {
	jumpcloud.Credential
	Account jumpcloud.ServiceAccount
}

// Credential finds a credential of a service account, which no route reads by itself. One
// that does not exist is NotFound, and credentials where the settings leave them out
// Unimplemented.
func (p *Provisioner) Credential(ctx context.Context, id string) (*ServiceCredential, error) {
	who := Named{Type: restype.ServiceCredential, ID: id}
	if err := p.allowed(who); err != nil {
		return nil, err
	}
	var found *ServiceCredential
	_, err := paging.ReadAll(ctx, connector.ServiceAccounts(p.client), func(a jumpcloud.ServiceAccount) bool {
		if i := slices.IndexFunc(a.Credentials, func(c jumpcloud.Credential) bool { return c.ID == id }); i >= 0 {
			found = &ServiceCredential{a.Credentials[i], a}
		}
		return found == nil
	})
	if err == nil && found == nil {
		err = fault.WithCode(codes.NotFound, "no %s exists; sync again", who)
	}
	return found, connector.Coded(err)
}

// lifetime is the next of JumpCloud's lifetimes that is as long as that of the credential;
// 90 days where it is not known.
func (c *ServiceCredential) lifetime() string {
	all := jumpcloud.CredentialLifetimes()
	days := 90
	if !c.Created.IsZero() && !c.Expires.IsZero() {
		days = all[len(all)-1]
		for _, d := range slices.Backward(all) {
			if c.Expires.Sub(c.Created) <= time.Duration(d)*24*time.Hour+time.Hour {
				days = d
			}
		}
	}
	return fmt.Sprintf("%d Days", days)
}

func (c *ServiceCredential) named() Named {
	return Named{Type: restype.ServiceCredential, ID: c.ID, Name: c.Account.Name + " " + c.Type}
}

// PlanAddCredential makes a credential of the same kind and lifetime for the same service
// account. made returns its secret when the plan has been carried out.
func (p *Provisioner) PlanAddCredential(c *ServiceCredential) (plan *Plan, made func() secret.String) {
	n := jumpcloud.NewCredential{Type: c.Type, Lifetime: c.lifetime()}
	var told secret.String
	plan = &Plan{
		Change: Change{ID: ksuid.New().String(), Operation: OperationCreate, Resource: Named{Type: restype.ServiceCredential, Name: c.named().Name}},
		policy: policy{once: true, blind: true},
	}
	plan.Request = request(http.MethodPost, servicePath+c.Account.ID+"/auth-config", n.Body())
	plan.Fields = []Field{{"authType", nil, n.Type}, {"lifetime", nil, n.Lifetime}}
	plan.Undo = "revoke the new credential"
	plan.effect = &object{
		exists: func(ctx context.Context) error {
			_, err := p.client.ServiceAccount(ctx, c.Account.ID)
			return missing(Named{Type: restype.ServiceAccount, ID: c.Account.ID, Name: c.Account.Name}, err)
		},
		submit: func(ctx context.Context) (err error) {
			told, err = p.client.AddCredential(ctx, c.Account.ID, n)
			return err
		},
		holds: func(context.Context) (bool, error) { return false, nil },
	}
	return plan, func() secret.String { return told }
}

// PlanRevokeCredential ends a credential of a service account.
func (p *Provisioner) PlanRevokeCredential(c *ServiceCredential) *Plan {
	plan := &Plan{
		Change: Change{ID: ksuid.New().String(), Operation: OperationDelete, Resource: c.named()},
		policy: policy{look: true},
	}
	plan.Request = request(http.MethodDelete, servicePath+c.Account.ID+"/auth-config/"+c.ID, nil)
	plan.Undo = "none: a revoked credential is not restored"
	plan.effect = &object{
		exists:  func(context.Context) error { return nil },
		submit:  func(ctx context.Context) error { return p.client.RevokeCredential(ctx, c.Account.ID, c.ID) },
		already: jumpcloud.IsNotFound,
		holds: func(ctx context.Context) (bool, error) {
			now, err := p.credentialsOf(ctx, c.Account.ID)
			return !slices.Contains(now, c.ID), err
		},
	}
	return plan
}

// credentialsOf lists the IDs of the credentials of a service account; none where there is
// no such account.
func (p *Provisioner) credentialsOf(ctx context.Context, account string) ([]string, error) {
	a, err := p.client.ServiceAccount(ctx, account)
	switch {
	case jumpcloud.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, connector.Coded(err)
	}
	return a.CredentialIDs(), nil
}

// NewCredentials lists the IDs of the credentials that the account of a credential has got
// since the credential was read.
func (p *Provisioner) NewCredentials(ctx context.Context, c *ServiceCredential) ([]string, error) {
	now, err := p.credentialsOf(ctx, c.Account.ID)
	before := c.Account.CredentialIDs()
	return slices.DeleteFunc(now, func(id string) bool { return slices.Contains(before, id) }), err
}
