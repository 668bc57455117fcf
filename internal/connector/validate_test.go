package connector_test

import (
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/jcsim"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	first := jcsim.NewTenant(jcsim.Organization{ID: "64a000000000000000000001", Name: "Borealis"})
	second := jcsim.NewTenant(jcsim.Organization{ID: "64a000000000000000000002", Name: "Australis"})
	both := []string{"Borealis", "Australis"}
	const list = "GET /api/organizations"
	tests := []struct {
		name     string
		sees     []string
		orgID    string
		settings jcsim.Settings
		want     connector.Organization
		code     codes.Code
		says     []string
	}{
		{name: "one", sees: both[:1], want: connector.Organization{ID: "64a000000000000000000001", Name: "Borealis"}},
		{name: "one, named", sees: both[:1], orgID: "64A000000000000000000001", want: connector.Organization{ID: "64a000000000000000000001", Name: "Borealis"}},
		{name: "several, named", sees: both, orgID: "64a000000000000000000002", want: connector.Organization{ID: "64a000000000000000000002", Name: "Australis"}},
		{
			name: "several", sees: both, code: codes.FailedPrecondition,
			says: []string{"--org-id", "64a000000000000000000001  Borealis", "64a000000000000000000002  Australis"},
		},
		{
			name: "another one", sees: both, orgID: "64a000000000000000000009", code: codes.InvalidArgument,
			says: []string{"64a000000000000000000009", "--org-id", "Borealis", "Australis"},
		},
		{
			name: "refused, named", sees: both[:1], orgID: "64a000000000000000000001", settings: refuse(list, http.StatusForbidden),
			want: connector.Organization{ID: "64a000000000000000000001"},
		},
		{
			name: "not served, named", sees: both[:1], orgID: "64a000000000000000000001", settings: refuse(list, http.StatusNotImplemented),
			want: connector.Organization{ID: "64a000000000000000000001"},
		},
		{name: "refused", sees: both[:1], settings: refuse(list, http.StatusForbidden), code: codes.PermissionDenied, says: []string{"--org-id"}},
		{name: "wrong key", sees: both[:1], settings: refuse(list, http.StatusUnauthorized), orgID: "64a000000000000000000001", code: codes.Unauthenticated, says: []string{"region"}},
		{
			name: "empty list", sees: both[:1], settings: jcsim.Settings{Faults: []jcsim.Fault{{
				Route: list, Effect: jcsim.EffectBody, Status: http.StatusOK, Body: `{"totalCount":0,"results":[]}`,
			}}}, code: codes.FailedPrecondition, says: []string{"--org-id"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := jcsim.New(jcsim.Options{
				Tenant: first, Others: []*jcsim.Tenant{second}, Settings: tt.settings,
				Keys: []jcsim.APIKey{{Key: jcsim.DefaultKey, Organizations: tt.sees}},
			})
			got, err := newSource(t, server, connector.Options{OrgID: tt.orgID}).Validate(t.Context())
			if code := status.Code(err); code != tt.code {
				t.Fatalf("code %v, want %v: %v", code, tt.code, err)
			}
			if got != tt.want {
				t.Errorf("organisation %v, want %v", got, tt.want)
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q is not in: %v", s, err)
				}
			}
			if n := server.Requests().Requests; n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}
