package connector_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// formal is a tenant with administrators who name the same roles in every form.
func formal(t *testing.T) *jcsim.Tenant {
	t.Helper()
	tenant := jcsim.NewTenant(jcsim.Organization{Name: "Borealis"})
	must[string](t)(tenant.AddRole(jcsim.Role{Name: "Night Shift"}))
	must[string](t)(tenant.AddRole(jcsim.Role{Name: "Küchen-Team"}))
	for i, form := range jcsim.RoleForms() {
		for j, roles := range [][]string{
			{},
			{"Help Desk"},
			{"Night Shift"},
			{"Manager", "Küchen-Team"},
			{"Read Only", "Night Shift", "Küchen-Team"},
			{"administrator", "Retired Role"},
			{"Retired Role"},
		} {
			a := jcsim.Admin{Email: fmt.Sprintf("ops%d-%d@example.com", i, j), RoleForm: form}
			if len(roles) > 0 {
				a.RoleName, a.RoleNames = roles[0], roles
			}
			must[string](t)(tenant.AddAdmin(a))
		}
	}
	return tenant
}

// held lists who holds which role by the names of both.
func held(got *reading) map[string][]string {
	roles := map[string][]string{}
	for _, g := range got.grants {
		of := g.GetEntitlement().GetResource().GetId()
		if of.GetResourceType() == "role" {
			name := got.resources[refOf(of)].GetDisplayName()
			who := g.GetPrincipal().GetId().GetResource()
			roles[who] = append(roles[who], name)
		}
	}
	for _, names := range roles {
		slices.Sort(names)
	}
	return roles
}

// TestRoleForms reads administrators who name their roles in every form there is.
func TestRoleForms(t *testing.T) {
	t.Parallel()
	tenant := formal(t)
	server := jcsim.New(jcsim.Options{Tenant: tenant})
	got, err := readAll(t.Context(), newSource(t, server, connector.Options{}), syncer.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	for _, a := range tenant.Admins() {
		for _, name := range must[[]string](t)(tenant.AdminRoles(a.ID)) {
			want[a.ID] = append(want[a.ID], strings.Replace(name, "administrator", "Administrator", 1))
		}
		slices.Sort(want[a.ID])
	}
	if diff := cmp.Diff(want, held(got)); diff != "" {
		t.Errorf("roles by administrator (-want +got):\n%s", diff)
	}
	if len(got.remarks) > 0 {
		t.Errorf("remarks %q", got.remarks)
	}
	if asked := server.Requests().Routes["GET /api/v2/roles"].Requests; asked != 1 {
		t.Errorf("roles were listed %d times, want once", asked)
	}
	// Without the list every role is there all the same, by its name where the record
	// tells it, else by its ID, with a remark that names the administrator.
	for _, status := range []int{http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented} {
		server := jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseRoles: status}}})
		got, err := readAll(t.Context(), newSource(t, server, connector.Options{}), syncer.Scope{})
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]string{}
		for _, r := range tenant.Roles() {
			ids[r.ID] = r.Name
		}
		shown := held(got)
		for who, names := range shown {
			for i, name := range names {
				if told := ids[name]; told != "" {
					names[i] = told
					if !strings.Contains(strings.Join(got.remarks, "\n"), name) {
						t.Errorf("with %d, the role %s of %s is known by its ID, and no remark says so: %q", status, name, who, got.remarks)
					}
				}
			}
			slices.Sort(names)
		}
		if diff := cmp.Diff(want, shown); diff != "" {
			t.Errorf("with %d, roles by administrator (-want +got):\n%s", status, diff)
		}
	}
}

// TestRolesThatCannotBeResolved names the administrators whose records name a role
// that nobody knows, and fails where a record could hide one.
func TestRolesThatCannotBeResolved(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fields map[string]string
		shown  []string
		unread string // a field that is remarked on
		fails  bool
	}{
		"an id that is not listed":     {fields: map[string]string{"roles": `["6e00000000000000000000ff"]`}, shown: []string{"6e00000000000000000000ff"}},
		"a number":                     {fields: map[string]string{"role": `7`}, shown: []string{"7"}},
		"an object with an id only":    {fields: map[string]string{"roles": `[{"id":"6e00000000000000000000ff"}]`}, shown: []string{"6e00000000000000000000ff"}},
		"one that is listed, and not":  {fields: map[string]string{"roleName": `"Manager"`, "roles": `["6e00000000000000000000ff","6e00000000000000000000fe"]`}, shown: []string{"6e00000000000000000000fe", "6e00000000000000000000ff", "Manager"}},
		"an opaque id":                 {fields: map[string]string{"roles": `["role_abcXYZ"]`}, shown: []string{"role_abcXYZ"}},
		"an id beside a listed name":   {fields: map[string]string{"roleName": `"Manager"`, "role": `"6e00000000000000000000ff"`}, shown: []string{"6e00000000000000000000ff", "Manager"}},
		"ids beside listed names":      {fields: map[string]string{"roleNames": `["Manager","Help Desk"]`, "roles": `["6e00000000000000000000fe","6e00000000000000000000ff"]`}, shown: []string{"6e00000000000000000000fe", "6e00000000000000000000ff", "Help Desk", "Manager"}},
		"an unknown field":             {fields: map[string]string{"roleName": `"Manager"`, "adminRole": `{"name":"Help Desk"}`}, shown: []string{"Manager"}, unread: "adminRole"},
		"true":                         {fields: map[string]string{"role": `true`}, fails: true},
		"an object that tells nothing": {fields: map[string]string{"roles": `[{"level":3}]`}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := jcsim.NewTenant(jcsim.Organization{Name: "Borealis"})
			admin := must[string](t)(tenant.AddAdmin(jcsim.Admin{Email: "ops@example.com", Wire: as(tt.fields)}))
			got, err := readAll(t.Context(), newSource(t, jcsim.New(jcsim.Options{Tenant: tenant}), connector.Options{}), syncer.Scope{})
			if tt.fails {
				if err == nil || !strings.Contains(err.Error(), admin) || !strings.Contains(err.Error(), "--skip-admins") {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.shown, held(got)[admin]); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
			remarks := strings.Join(got.remarks, "\n")
			if tt.unread != "" && !strings.Contains(remarks, tt.unread+" ("+admin+")") {
				t.Errorf("no remark on the field %s: %q", tt.unread, remarks)
			}
			for _, name := range tt.shown {
				if name != "Manager" && name != "Help Desk" && !strings.Contains(remarks, name+" ("+admin+")") {
					t.Errorf("no remark on %s: %q", name, remarks)
				}
			}
		})
	}
}

// TestTextsOfSeveralRoles parts a text that names several roles, and only where the
// whole is no role and each part is one.
func TestTextsOfSeveralRoles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"Manager, Help Desk":       {"Help Desk", "Manager"},
		"manager;Night Shift":      {"Manager", "Night Shift"},
		"Sales, North":             {"Sales, North"},
		"Manager, Somebody Else":   {"Manager, Somebody Else"},
		" Manager ":                {"Manager"},
		"Manager,":                 {"Manager,"},
		"Manager, Sales, North":    {"Manager, Sales, North"},
		"Help Desk|Night Shift|\n": {"Help Desk", "Night Shift"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			tenant := jcsim.NewTenant(jcsim.Organization{Name: "Borealis"})
			for _, name := range []string{"Night Shift", "Sales, North"} {
				must[string](t)(tenant.AddRole(jcsim.Role{Name: name}))
			}
			raw := string(must[[]byte](t)(json.Marshal(text)))
			admin := must[string](t)(tenant.AddAdmin(jcsim.Admin{Email: "ops@example.com", Wire: as(map[string]string{"roleNames": raw})}))
			got, err := readAll(t.Context(), newSource(t, jcsim.New(jcsim.Options{Tenant: tenant}), connector.Options{}), syncer.Scope{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, held(got)[admin]); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
		})
	}
}
