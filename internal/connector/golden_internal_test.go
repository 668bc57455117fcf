package connector

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testNow is the present of all mapping tests.
func testNow() time.Time { return time.Date(2026, time.August, 1, 12, 0, 0, 0, time.UTC) }

// fullUser has a value in every field.
func fullUser() *jumpcloud.User {
	return &jumpcloud.User{
		ID: "64b0000000000000000000b1", Username: "ana.ruiz", Email: "Ana@example.com", AlternateEmail: "ana@home.example",
		FirstName: "Ana", MiddleName: "María", LastName: "Ruiz", DisplayName: "Ana Ruiz",
		State: "ACTIVATED", Suspended: jumpcloud.False, AccountLocked: jumpcloud.False,
		PasswordExpired: jumpcloud.False, TOTPEnabled: jumpcloud.True,
		MFA: &jumpcloud.MFA{Configured: jumpcloud.True, Exclusion: jumpcloud.False}, MFAEnrollment: "ENROLLED",
		Admin:   &jumpcloud.AdminLink{ID: "64c000000000000000000001", RoleName: "Manager"},
		Company: "Borealis", CostCenter: "CC-9", Department: "Sales", EmployeeID: "E-100", EmployeeType: "FTE",
		JobTitle: "AE", Location: "Lisbon", ManagerID: "64b0000000000000000000b2",
		Attributes:         []jumpcloud.Attribute{{Name: "badge", Value: "771"}, {Name: "empty", Value: ""}},
		ExternalSourceType: "active_directory", Organization: "64a000000000000000000001",
		Created: time.Date(2026, time.February, 3, 10, 0, 0, 0, time.UTC),
	}
}

func fullAdmin() *jumpcloud.Admin {
	return &jumpcloud.Admin{
		ID: "64c000000000000000000001", Email: "ops@example.com", FirstName: "Olu", LastName: "Ops",
		Roles:     []jumpcloud.RoleRef{{Name: "Administrator with billing"}, {Name: "Administrator With Billing"}, {Name: "Küchen-Team"}},
		Suspended: jumpcloud.False, TOTPEnrolled: jumpcloud.True, Organization: "64a000000000000000000001",
		Created: time.Date(2025, time.January, 2, 0, 0, 0, 0, time.UTC),
	}
}

func dynamicGroup() *jumpcloud.UserGroup {
	return &jumpcloud.UserGroup{
		ID: "65a000000000000000000010", Name: "Sales EU", Type: "user_group", Email: "sales@example.com",
		Description: "Sells in Europe", MembershipMethod: "DYNAMIC_AUTOMATED",
	}
}

func fullApp() *jumpcloud.Application {
	return &jumpcloud.Application{
		ID: "66a000000000000000000021", Name: "aws-sso", DisplayName: "AWS SSO", DisplayLabel: "AWS Prod",
		Active: jumpcloud.False, Hidden: jumpcloud.True, SSOType: "saml",
		SSOURL: "https://sso.jumpcloud.com/saml2/aws-sso", LogoURL: "https://static.example/logo.png",
		LearnMore: "https://help.example/aws", Organization: "64a000000000000000000001",
	}
}

// One file a message shows what the archive holds of each kind of object.
func TestGolden(t *testing.T) {
	t.Parallel()
	user, err := userResource(fullUser(), testNow())
	if err != nil {
		t.Fatal(err)
	}
	if err := setManager(user, "boss@example.com"); err != nil {
		t.Fatal(err)
	}
	admin, err := adminResource(fullAdmin())
	if err != nil {
		t.Fatal(err)
	}
	group, err := new(Source).groupResource(dynamicGroup())
	if err != nil {
		t.Fatal(err)
	}
	app, err := appResource(fullApp())
	if err != nil {
		t.Fatal(err)
	}
	memberships, _ := memberGrants(kind{collection: dynamicMembers}, syncer.Ref{Type: restype.Group, ID: "65a000000000000000000010"},
		[]jumpcloud.Connection{{Type: "user", ID: "64b0000000000000000000b1"}})
	assigned, _ := bindingGrants(syncer.Ref{Type: restype.App, ID: "66a000000000000000000021"}, []jumpcloud.Connection{
		{Type: "user", ID: "64b0000000000000000000b1"}, {Type: "user_group", ID: "65a000000000000000000010"},
	})
	names, _ := new(listedRoles).resolve(fullAdmin().Roles, nil)
	held := adminGrants(fullAdmin(), names)
	custom := &jumpcloud.Role{Name: "Küchen-Team", Description: "Cooks", Scopes: []string{"users.readonly", "groups", "groups"}}

	files := map[string]proto.Message{
		"user":                       user,
		"admin":                      admin,
		"group":                      group,
		"group_entitlement":          groupEntitlement(made(t, new(Source).groupResource, dynamicGroup())),
		"group_grant":                memberships[0],
		"app":                        app,
		"app_entitlement":            appEntitlement(made(t, appResource, fullApp())),
		"app_grant_user":             assigned[0],
		"app_grant_group":            assigned[1],
		"administration_app":         AdministrationApp(),
		"administration_entitlement": administrationEntitlement(),
		"administration_grant":       held[0],
		"role_builtin":               roleResource(&jumpcloud.Role{Name: "help desk"}),
		"role_custom":                roleResource(custom),
		"role_entitlement":           roleEntitlement(custom.Name),
		"role_grant":                 held[2],
	}
	directory := fullDirectories()[0]
	files["directory"] = made(t, directoryResource, &directory)
	files["directory_entitlement"] = directoryEntitlements(made(t, directoryResource, &directory))[0]
	files["radius_server"] = made(t, radiusResource, fullRADIUSServer())
	account := fullServiceAccount()
	owner := secretOwner{id: resourceID(restype.ServiceAccount, account.ID), name: account.Name}
	files["service_account"] = made(t, func(a *jumpcloud.ServiceAccount) (*v2.Resource, error) { return serviceAccountResource(a, testNow()) }, account)
	files["service_account_credential"] = made(t, func(c *jumpcloud.Credential) (*v2.Resource, error) {
		return credentialResource(account, c, owner, map[string]int{})
	}, &account.Credentials[0])
	files["admin_api_key"] = made(t, func(a *jumpcloud.Admin) (*v2.Resource, error) { return apiKeyResource(a, false) }, fullKey())
	files["ssh_key"] = made(t, func(u *jumpcloud.User) (*v2.Resource, error) {
		return sshKeyResource(u, &u.SSHKeys[0], false, map[string]int{})
	}, userWithKey())
	files["radius_server_entitlement"] = radiusEntitlement(made(t, radiusResource, fullRADIUSServer()))
	bound, _ := bindingGrants(syncer.Ref{Type: restype.RADIUSServer, ID: "69a000000000000000000051"}, []jumpcloud.Connection{
		{Type: "user", ID: "64b0000000000000000000b1"}, {Type: "user_group", ID: "65a000000000000000000010"},
	})
	files["radius_server_grant_user"], files["radius_server_grant_group"] = bound[0], bound[1]
	device, deviceGroup := made(t, deviceResource, fullDevice()), made(t, deviceGroupResource, &jumpcloud.DeviceGroup{ID: "6ba000000000000000000071", Name: "Servers", Description: "In the rack", MembershipMethod: "STATIC"})
	files["device"], files["device_group"] = device, deviceGroup
	for _, e := range slices.Concat(deviceEntitlements(device), deviceGroupEntitlements(deviceGroup)) {
		files[e.GetResource().GetId().GetResourceType()+"_entitlement_"+e.GetSlug()] = e
	}
	used, _ := deviceGrants(kind{}, refOf(device.GetId()), []jumpcloud.Connection{
		{Type: "user", ID: "64b0000000000000000000b1"}, {Type: "user_group", ID: "65a000000000000000000010", Sudo: true},
	})
	files["device_grant_user"], files["device_grant_group"], files["device_grant_group_admin"] = used[0], used[1], used[2]
	within, _ := deviceMemberGrants(kind{}, refOf(deviceGroup.GetId()), []jumpcloud.Connection{{Type: "system", ID: device.GetId().GetResource()}})
	files["device_group_grant_member"], files["device_grant_device_group"], files["device_grant_device_group_admin"] = within[0], within[1], within[2]
	for _, rt := range ResourceTypes(allSwitches()) {
		files["type_"+rt.GetId()] = rt
	}
	for name, m := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := protojson.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", raw)
		})
	}
}

func TestGoldenCapabilities(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]CapabilityOptions{
		"capabilities.json":              {ProvisionTypes: restype.Changeable(true)},
		"capabilities_applications.json": {ProvisionTypes: []string{restype.Group, restype.App}},
		"capabilities_everything.json":   {ProvisionTypes: restype.Changeable(false), Switches: allSwitches()},
	} {
		raw, err := CapabilitiesJSON(o)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasSuffix(raw, []byte("\n")) || !bytes.HasPrefix(raw, []byte("{\n  \"@type\": ")) {
			t.Errorf("%s is not in the form that baton prints", name)
		}
		golden(t, name, raw)
	}
}

// golden compares JSON with a file of testdata; -update writes it.
func golden(t *testing.T, name string, raw []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, pretty.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// traitOf unpacks the only trait of a resource.
func traitOf[T proto.Message](t *testing.T, r *v2.Resource, trait T) T {
	t.Helper()
	if len(r.GetAnnotations()) != 1 {
		t.Fatalf("%d annotations", len(r.GetAnnotations()))
	}
	if err := r.GetAnnotations()[0].UnmarshalTo(trait); err != nil {
		t.Fatal(err)
	}
	return trait
}
