package connector_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
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
				t.Errorf("organization %v, want %v", got, tt.want)
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

// TestOrganizationsEnd reads the organizations from servers that never end their list.
func TestOrganizationsEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		next func(request int) string // an id
		want string                   // of the organization; empty for none
		says string
		most int // requests
	}{
		{name: "the same page for ever", next: func(int) string { return "64a000000000000000000001" }, want: "64a000000000000000000001", most: 2},
		{name: "another row for ever", next: func(n int) string { return fmt.Sprintf("%024x", n) }, says: "does not end within", most: 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.Header().Set("Content-Type", "application/json")
				_, _ = fmt.Fprintf(w, `{"results":[{"_id":%q}]}`, tt.next(asked))
			})
			got, err := newSource(t, endless, connector.Options{}).Validate(t.Context())
			if got.ID != tt.want || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("organization %v, error %v", got, err)
			}
			if asked > tt.most {
				t.Errorf("%d requests, want at most %d", asked, tt.most)
			}
		})
	}
}
