package accounts

import (
	"context"
	"fmt"

	"github.com/conductorone/baton-jumpcloud/internal/encryption"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// replace makes a credential of the kind and lifetime of another one, encrypts its secret
// for its recipients, and revokes the other one then. A step that fails leaves the old
// credential as it is and names the new one.
func (m Manager) replace(ctx context.Context, req *v2.RotateCredentialRequest) (*v2.RotateCredentialResponse, error) {
	configs := req.GetEncryptionConfigs()
	if err := encryption.Check(ctx, configs); err != nil {
		return nil, err
	}
	if req.GetCredentialOptions().GetEncryptedPassword() != nil {
		return nil, fault.Invalid("JumpCloud chooses the secret of a credential: leave encrypted_password out")
	}
	old, err := m.Provisioner.Credential(ctx, req.GetResourceId().GetResource())
	if err != nil {
		return nil, err
	}
	add, made := m.Provisioner.PlanAddCredential(old)
	if _, err := m.apply(ctx, add); err != nil {
		return nil, m.tellNew(ctx, old, err)
	}
	if m.Preview != nil {
		_, err := m.apply(ctx, m.Provisioner.PlanRevokeCredential(old))
		return &v2.RotateCredentialResponse{}, err
	}
	// What is made must not be lost because the caller has gone.
	ctx = context.WithoutCancel(ctx)
	encrypted, err := encryption.Encrypt(ctx, []*v2.PlaintextData{{
		Name: "secret", Description: "Secret of the JumpCloud service account credential", Schema: "string", Bytes: []byte(made().Reveal()),
	}}, configs)
	if err != nil {
		return nil, m.tellNew(ctx, old, fmt.Errorf("the new secret was not handed over: %w", err))
	}
	id := old.ID
	if fresh, err := m.Provisioner.NewCredentials(ctx, old); err == nil && len(fresh) == 1 {
		id = fresh[0]
	}
	if _, err := m.apply(ctx, m.Provisioner.PlanRevokeCredential(old)); err != nil {
		return nil, m.tellNew(ctx, old, fmt.Errorf("the old credential was not revoked: %w", err))
	}
	return &v2.RotateCredentialResponse{
		EncryptedData: encrypted, ResourceId: &v2.ResourceId{ResourceType: restype.ServiceCredential, Resource: id},
	}, nil
}

// tellNew adds to an error which credentials are new, and whose secret therefore nobody has.
func (m Manager) tellNew(ctx context.Context, old *provision.ServiceCredential, failed error) error {
	fresh, err := m.Provisioner.NewCredentials(context.WithoutCancel(ctx), old)
	if err == nil && len(fresh) > 0 {
		return fmt.Errorf("%w; nobody has the secret of the new credential of service account %q: delete %s %s, and rotate again",
			failed, old.Account.Name, restype.ServiceCredential, printable.Enumerate(fresh, 3))
	}
	return failed
}
