package connector_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// as makes an object look so to a client.
func as(fields map[string]string) jcsim.Wire {
	wire := jcsim.Wire{Extra: map[string]json.RawMessage{}}
	for name, raw := range fields {
		wire.Extra[name] = json.RawMessage(raw)
	}
	return wire
}

// TestUnknownValuesAreRemarked sends values that JumpCloud is not known to send. The
// summary names the objects, and nobody who may be disabled is shown as enabled.
func TestUnknownValuesAreRemarked(t *testing.T) {
	t.Parallel()
	tenant := jcsim.NewTenant(jcsim.Organization{Name: "Borealis"})
	user := func(name string, fields map[string]string) string {
		return must[string](t)(tenant.AddUser(jcsim.User{Username: name, Email: name + "@example.com", Wire: as(fields)}))
	}
	want := map[string]string{ // details by id, "" for enabled
		user("locked", map[string]string{"state": `"LOCKED"`}):                                "LOCKED",
		user("inactive", map[string]string{"state": `"INACTIVE"`, "suspended": "false"}):      "INACTIVE",
		user("disabled", map[string]string{"state": `"DISABLED"`, "suspended": "true"}):       "suspended (state DISABLED)",
		user("both", map[string]string{"state": `"ACTIVATED"`, "suspended": `"TRUE"`}):        "suspended",
		user("other", map[string]string{"state": `"SUSPENDED"`, "suspended": "0"}):            "suspended",
		user("object", map[string]string{"state": `{"name":"GONE"}`}):                         `{"name":"GONE"}`,
		user("odd", map[string]string{"suspended": `"since Friday"`, "account_locked": `{}`}): "suspended is unclear",
		user("fine", map[string]string{"state": `"activated"`, "suspended": `"No"`}):          "",
	}
	admin := must[string](t)(tenant.AddAdmin(jcsim.Admin{Email: "ops@example.com", Wire: as(map[string]string{"suspended": `"maybe"`})}))
	suspended := must[string](t)(tenant.AddAdmin(jcsim.Admin{Email: "old@example.com", Wire: as(map[string]string{"suspended": `"yes"`})}))
	group := must[string](t)(tenant.AddGroup(jcsim.Group{Name: "Sales", Wire: as(map[string]string{"membershipMethod": `"BY_MAGIC"`})}))
	app := must[string](t)(tenant.AddApplication(jcsim.Application{Name: "wiki", Wire: as(map[string]string{"active": `"partly"`})}))
	want[admin], want[suspended] = "suspended is unclear", "suspended"

	got, err := readAll(t.Context(), newSource(t, jcsim.New(jcsim.Options{Tenant: tenant}), connector.Options{}), syncer.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	for id, details := range want {
		status := got.resources[syncer.Ref{Type: "user", ID: id}].GetStatus()
		if status.GetDetails() != details || (status.GetStatus().String() == "RESOURCE_STATUS_ENABLED") != (details == "") {
			t.Errorf("%s is %v, want %q", id, status, details)
		}
	}
	id := func(name string) string { return must[*jcsim.User](t)(tenant.User(name)).ID }
	remarks := []string{
		"users in an unknown state, shown as disabled: DISABLED (" + id("disabled") + "), INACTIVE (" + id("inactive") + "), LOCKED (" + id("locked") + "), " +
			`{"name":"GONE"} (` + id("object") + ")",
		"users with contradictory state and suspended flag, shown as disabled: ACTIVATED (" + id("both") + "), SUSPENDED (" + id("other") + ")",
		"boolean fields with another value, treated as unset: application.active (" + app + ")",
		"accounts with an unclear suspended or locked flag, shown as disabled: administrator.suspended (" + admin + "), " +
			"user.account_locked (" + id("odd") + "), user.suspended (" + id("odd") + ")",
		"groups with an unknown membership method, treated as static: BY_MAGIC (" + group + ")",
	}
	slices.Sort(got.remarks)
	slices.Sort(remarks)
	if diff := cmp.Diff(remarks, got.remarks); diff != "" {
		t.Errorf("remarks (-want +got):\n%s", diff)
	}
	// The same is told of one who is synced alone.
	alone, err := readAll(t.Context(), newSource(t, jcsim.New(jcsim.Options{Tenant: tenant}), connector.Options{}), syncer.Scope{Targets: []*v2.ResourceId{target("user", id("locked"))}})
	if err != nil || len(alone.remarks) != 1 || !strings.Contains(alone.remarks[0], "LOCKED ("+id("locked")+")") {
		t.Errorf("remarks on one: %q, %v", alone.remarks, err)
	}
}

// TestNullRowsAreRemarked passes over rows that name nothing in each list, and says so.
func TestNullRowsAreRemarked(t *testing.T) {
	t.Parallel()
	tenant := jcsim.NewTenant(jcsim.Organization{Name: "Borealis"})
	must[string](t)(tenant.AddAdmin(jcsim.Admin{Email: "ops@example.com", RoleName: "Manager"}))
	for _, name := range []string{"one", "two"} {
		must[string](t)(tenant.AddUser(jcsim.User{Username: name}))
		must[string](t)(tenant.AddGroup(jcsim.Group{Name: name}))
	}
	server := jcsim.New(jcsim.Options{Tenant: tenant})
	for route, body := range map[string]string{
		"GET /api/v2/usergroups":       `[null,{"id":"` + tenant.Groups()[0].ID + `","name":"one"}]`,
		"POST /api/search/systemusers": `{"totalCount":2,"results":[{"_id":"` + tenant.Users()[0].ID + `","username":"one"},null]}`,
		"GET /api/v2/roles":            `{"totalCount":3,"results":[null,null,{"id":"6e0000000000000000000001","name":"Night Shift"}]}`,
	} {
		if err := server.AddFault(jcsim.Fault{Route: route, Effect: jcsim.EffectBody, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readAll(t.Context(), newSource(t, server, connector.Options{}), syncer.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"null rows in JumpCloud's lists, ignored: groups (1), roles (2), users (1)"}
	if diff := cmp.Diff(want, got.remarks); diff != "" {
		t.Errorf("remarks (-want +got):\n%s", diff)
	}
	if len(got.ids("group")) != 1 || len(got.ids("user")) != 2 { // one of them the administrator
		t.Errorf("%d groups and %d users", len(got.ids("group")), len(got.ids("user")))
	}
}
