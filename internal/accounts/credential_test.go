package accounts_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/encryption"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// services is an organization with one service account that has one credential.
func services() (*jcsim.Tenant, string) {
	tenant := jcsim.Generate(5, jcsim.Size{Users: 3, Groups: 1, Apps: 1, Admins: 2, ServiceAccounts: 4})
	for _, a := range tenant.ServiceAccounts() {
		if len(a.Credentials) == 1 {
			return tenant, a.Credentials[0].ID
		}
	}
	panic("no service account has one credential")
}

// credentials are the IDs of all credentials, sorted.
func (b *bench) credentials() []string {
	var ids []string
	for _, a := range b.tenant.ServiceAccounts() {
		for _, c := range a.Credentials {
			ids = append(ids, c.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func credentialID(id string) *v2.ResourceId {
	return &v2.ResourceId{ResourceType: restype.ServiceCredential, Resource: id}
}

// TestRotateServiceCredential makes the new credential, hands its secret over and revokes
// the old one. Where a step is refused, the old one stays and the error names the new one.
func TestRotateServiceCredential(t *testing.T) {
	t.Parallel()
	const route = "/api/v2/service-accounts/{id}/auth-config"
	for _, tt := range []struct {
		name, tells string
		fault       jcsim.Fault
		more        int // credentials after it
	}{
		{name: "rotated"},
		{name: "not made", fault: jcsim.Fault{Route: "POST " + route, Status: 403}, tells: "403"},
		{name: "answer lost", fault: jcsim.Fault{Route: "POST " + route, Effect: jcsim.EffectResetAfter}, tells: "nobody has the secret of the new credential", more: 1},
		{name: "not revoked", fault: jcsim.Fault{Route: "DELETE " + route + "/{key}", Status: 403}, tells: "nobody has the secret of the new credential", more: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, old := services()
			var faults []jcsim.Fault
			if tt.fault.Route != "" {
				tt.fault.Times = 1
				faults = append(faults, tt.fault)
			}
			b := benchOf(t, faults, tenant, restype.ServiceCredential)
			b.tenant = tenant
			before := b.credentials()
			answer, err := b.Rotate(t.Context(), &v2.RotateCredentialRequest{ResourceId: credentialID(old), EncryptionConfigs: []*v2.EncryptionConfig{b.recipient}})
			after := b.credentials()
			if len(after) != len(before)+tt.more {
				t.Errorf("%d credentials before, %d after", len(before), len(after))
			}
			if tt.tells != "" {
				if err == nil || !strings.Contains(err.Error(), tt.tells) || !slices.Contains(after, old) || strings.Contains(err.Error(), jcsim.ServiceSecret) {
					t.Errorf("the error is %v, the old credential is there: %t", err, slices.Contains(after, old))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			id := answer.GetResourceId().GetResource()
			if slices.Contains(after, old) || !slices.Contains(after, id) || id == old {
				t.Errorf("%s took the place of %s: %v", id, old, after)
			}
			told, err := encryption.Decrypt(answer.GetEncryptedData(), b.key)
			if err != nil || told.Reveal() != jcsim.ServiceSecret+id {
				t.Errorf("the secret that was handed over is not the one that was made: %v", err)
			}
		})
	}
}

// TestRevokeServiceCredential ends a credential, once, and only where the settings allow it.
func TestRevokeServiceCredential(t *testing.T) {
	t.Parallel()
	tenant, id := services()
	for _, types := range [][]string{{restype.User}, {restype.ServiceCredential}, {restype.ServiceCredential}} {
		b := benchOf(t, nil, tenant, types...)
		b.tenant = tenant
		_, err := b.Delete(t.Context(), &v2.DeleteResourceRequest{ResourceId: credentialID(id)})
		allowed := types[0] == restype.ServiceCredential
		if allowed != (err == nil) || !allowed && status.Code(err) != codes.Unimplemented || allowed == slices.Contains(b.credentials(), id) {
			t.Errorf("%v: %v, it is there: %t", types, err, slices.Contains(b.credentials(), id))
		}
	}
}

// TestRotateRefuses refuses what would lose the secret, before anything is made.
func TestRotateRefuses(t *testing.T) {
	t.Parallel()
	tenant, id := services()
	b := benchOf(t, nil, tenant, restype.ServiceCredential)
	b.tenant = tenant
	before := b.credentials()
	for _, tt := range []struct {
		req  *v2.RotateCredentialRequest
		code codes.Code
	}{
		{&v2.RotateCredentialRequest{ResourceId: credentialID(id)}, codes.InvalidArgument},
		{&v2.RotateCredentialRequest{ResourceId: credentialID("63b000000000000000000000"), EncryptionConfigs: []*v2.EncryptionConfig{b.recipient}}, codes.NotFound},
	} {
		if _, err := b.Rotate(t.Context(), tt.req); status.Code(err) != tt.code {
			t.Errorf("%v: %v", tt.req.GetResourceId(), err)
		}
	}
	if !slices.Equal(before, b.credentials()) {
		t.Error("credentials changed")
	}
}
