package provision_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// boardroom is a tenant of administrators: of one role and of several, of users, and the
// owner of the key.
const boardroom = `{
  "organization": {"displayName": "Borealis"},
  "users": [
    {"username": "ana", "displayname": "Ana Ruiz", "email": "Ana@Example.com", "firstname": "Ana", "lastname": "Ruiz", "totp_enabled": true},
    {"username": "bo", "displayname": "Bo Li", "email": "bo@example.com"},
    {"username": "cy", "displayname": "Cy Ng", "email": "cy@example.com", "state": "SUSPENDED", "totp_enabled": true}
  ],
  "admins": [
    {"email": "owner@example.com", "roleName": "Administrator With Billing", "roleNames": ["Administrator With Billing"]},
    {"email": "second@example.com", "roleName": "Administrator With Billing", "roleNames": ["Administrator With Billing", "Manager"]},
    {"email": "one@example.com", "roleName": "Help Desk"},
    {"email": "many@example.com", "roleName": "Manager", "roleNames": ["Manager", "Read Only"]},
    {"email": "bo@example.com", "roleName": "Manager"}
  ]
}`

func newBoardroom(t *testing.T, settings jcsim.Settings, options provision.Options) *bench {
	t.Helper()
	tenant, err := jcsim.Load(strings.NewReader(boardroom))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{tenant: tenant, audit: new(auditor)}
	b.server = jcsim.New(jcsim.Options{
		Tenant: tenant, Settings: settings, Keys: []jcsim.APIKey{{Key: jcsim.DefaultKey, Admin: "owner@example.com"}},
	})
	options.Types, options.Audit, options.Logger = restype.Changeable(false), b.audit, slog.New(slog.DiscardHandler)
	b.provisioner = provision.New(newClient(t, b.server), options)
	return b
}

// admin is an administrator as the tenant holds it; nil where there is none.
func (b *bench) admin(email string) *jcsim.Admin {
	for _, a := range b.tenant.Admins() {
		if strings.EqualFold(a.Email, email) {
			return a
		}
	}
	return nil
}

// roles are what an administrator holds in the tenant, sorted.
func (b *bench) roles(email string) []string {
	a := b.admin(email)
	if a == nil {
		return nil
	}
	roles := slices.DeleteFunc(append([]string{a.RoleName}, a.RoleNames...), func(s string) bool { return s == "" })
	slices.Sort(roles)
	return slices.Compact(roles)
}

func (b *bench) account(t *testing.T, ref string) *v2.Resource {
	t.Helper()
	if a := b.admin(ref); a != nil {
		return &v2.Resource{Id: target(restype.User, a.ID), DisplayName: ref}
	}
	return &v2.Resource{Id: target(restype.User, must[*jcsim.User](t)(b.tenant.User(ref)).ID), DisplayName: ref}
}

func roleOf(id string) *v2.Entitlement {
	return &v2.Entitlement{Id: "role:" + id, Resource: &v2.Resource{Id: target(restype.Role, id)}}
}

// changesSent counts the requests that could have changed an administrator.
func (b *bench) changesSent() int {
	n := 0
	for route, r := range b.server.Requests().Routes {
		if strings.HasPrefix(route, "POST /api/users") || strings.HasPrefix(route, "PUT ") || strings.HasPrefix(route, "DELETE ") {
			n += r.Requests
		}
	}
	return n
}

func TestRolesOfAdministrators(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		revoke   bool
		who      string
		role     string
		options  provision.Options
		want     []string // afterwards
		replaced string
		sent     int
	}{
		{name: "a second role", who: "many@example.com", role: "role_help_desk", want: []string{"Help Desk", "Manager", "Read Only"}, sent: 1},
		{name: "one that is held", who: "many@example.com", role: "role_manager", want: []string{"Manager", "Read Only"}},
		{name: "a role in place of the only one", who: "one@example.com", role: "role_read_only", want: []string{"Read Only"}, replaced: "role_help_desk", sent: 1},
		{name: "by the user", who: "bo", role: "role_read_only", want: []string{"Read Only"}, replaced: "role_manager", sent: 1},
		{name: "one of several", revoke: true, who: "many@example.com", role: "role_manager", want: []string{"Read Only"}, sent: 1},
		{name: "one that is not held", revoke: true, who: "many@example.com", role: "role_help_desk", want: []string{"Manager", "Read Only"}},
		{name: "of nobody's", revoke: true, who: "ana", role: "role_help_desk"},
		{name: "billing, where another has it", revoke: true, who: "second@example.com", role: "role_administrator_with_billing", want: []string{"Manager"}, sent: 1},
		{name: "the only one", revoke: true, who: "one@example.com", role: "role_help_desk", options: provision.Options{OnLastRole: provision.LastRoleDelete}, sent: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBoardroom(t, jcsim.Settings{}, tt.options)
				who := b.account(t, tt.who)
				email := tt.who
				if !strings.Contains(email, "@") {
					email += "@example.com"
				}
				change := b.grant
				if tt.revoke {
					change = b.revoke
				}
				for again := range 2 {
					notes, err := change(t.Context(), who, roleOf(tt.role))
					if err != nil {
						t.Fatal(err)
					}
					settled := has(notes, &v2.GrantAlreadyExists{}) || has(notes, &v2.GrantAlreadyRevoked{})
					if want := again == 1 || tt.sent == 0; settled != want {
						t.Errorf("round %d: settled %v, want %v", again, settled, want)
					}
					var replaced v2.GrantReplaced
					for _, note := range notes {
						if note.MessageIs(&replaced) {
							if err := note.UnmarshalTo(&replaced); err != nil {
								t.Fatal(err)
							}
						}
					}
					want := ""
					if tt.replaced != "" && again == 0 {
						want = restype.GrantID(restype.Role, tt.replaced, restype.User, b.admin(email).ID)
					}
					if replaced.GetReplacedGrantId() != want {
						t.Errorf("round %d: replaced %q, want %q", again, replaced.GetReplacedGrantId(), want)
					}
					if got := b.roles(email); !slices.Equal(got, tt.want) {
						t.Errorf("round %d: roles %q, want %q", again, got, tt.want)
					}
				}
				if n := b.changesSent(); n != tt.sent {
					t.Errorf("%d requests changed something, want %d", n, tt.sent)
				}
				if n := len(b.audit.intents); n != 2 || b.audit.intents[0].Resource.Type != restype.Role {
					t.Errorf("the audit was told of %d changes: %+v", n, b.audit.intents)
				}
			})
		})
	}
}

// A user who is granted a role becomes an administrator, who holds the grant unless both
// are one account.
func TestRoleOfAUser(t *testing.T) {
	t.Parallel()
	for name, merged := range map[string]bool{"apart": false, "merged": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBoardroom(t, jcsim.Settings{}, provision.Options{MergeAdmins: merged})
				ana := b.account(t, "ana")
				resp, err := b.provisioner.Grant(t.Context(), &v2.GrantManagerServiceGrantRequest{Principal: ana, Entitlement: roleOf("role_read_only")})
				if err != nil {
					t.Fatal(err)
				}
				made := b.admin("ana@example.com")
				if made == nil || made.RoleName != "Read Only" || made.FirstName != "Ana" || made.LastName != "Ruiz" {
					t.Fatalf("the administrator is %+v", made)
				}
				want := made.ID
				if merged {
					want = ana.GetId().GetResource()
				}
				if got := resp.GetGrants()[0]; got.GetPrincipal().GetId().GetResource() != want || got.GetId() != restype.GrantID(restype.Role, "role_read_only", restype.User, want) {
					t.Errorf("the grant is %v, want one of %s", got, want)
				}
				notes, err := b.grant(t.Context(), ana, roleOf("role_read_only"))
				if err != nil || !has(notes, &v2.GrantAlreadyExists{}) || b.changesSent() != 1 {
					t.Errorf("again: %v, %v, %d requests", notes, err, b.changesSent())
				}
			})
		})
	}
}

// What must not be is refused before anything is sent.
func TestRoleRefusals(t *testing.T) {
	t.Parallel()
	suspend := func(email string) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			t.Helper()
			if err := b.tenant.UpdateAdmin(email, func(a *jcsim.Admin) { a.Suspended = true }); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name      string
		revoke    bool
		who, role string
		prepare   func(*testing.T, *bench)
		options   provision.Options
		code      codes.Code
		want      string
	}{
		{"the key's own, revoke", true, "owner@example.com", "role_administrator_with_billing", nil, provision.Options{}, codes.FailedPrecondition, "is the administrator whose API key is used"},
		{"the key's own, grant", false, "owner@example.com", "role_manager", nil, provision.Options{}, codes.FailedPrecondition, "is the administrator whose API key is used"},
		{"the last billing, revoke", true, "second@example.com", "role_administrator_with_billing", suspend("owner@example.com"), provision.Options{}, codes.FailedPrecondition, "is the last enabled administrator with the role"},
		{"the last billing, replace", false, "second@example.com", "role_read_only", func(t *testing.T, b *bench) {
			t.Helper()
			suspend("owner@example.com")(t, b)
			if err := b.tenant.UpdateAdmin("second@example.com", func(a *jcsim.Admin) { a.RoleNames = nil }); err != nil {
				t.Fatal(err)
			}
		}, provision.Options{}, codes.FailedPrecondition, "is the last enabled administrator with the role"},
		{"the last billing, delete", true, "second@example.com", "role_administrator_with_billing", func(t *testing.T, b *bench) {
			t.Helper()
			suspend("owner@example.com")(t, b)
			if err := b.tenant.UpdateAdmin("second@example.com", func(a *jcsim.Admin) { a.RoleNames = nil }); err != nil {
				t.Fatal(err)
			}
		}, provision.Options{OnLastRole: provision.LastRoleDelete}, codes.FailedPrecondition, "is the last enabled administrator with the role"},
		{"a key that may be anybody's", true, "many@example.com", "role_manager", func(t *testing.T, b *bench) {
			t.Helper()
			for email, set := range map[string]bool{"owner@example.com": false, "many@example.com": true} {
				if err := b.tenant.UpdateAdmin(email, func(a *jcsim.Admin) { a.APIKeySet, a.APIKeyPrefix = set, "" }); err != nil {
					t.Fatal(err)
				}
			}
		}, provision.Options{}, codes.FailedPrecondition, "may be the administrator whose API key is used"},
		{"the only role", true, "one@example.com", "role_help_desk", nil, provision.Options{}, codes.FailedPrecondition, `role "Help Desk" (role_help_desk) is the only role of`},
		{"a suspended user", false, "cy", "role_help_desk", nil, provision.Options{}, codes.FailedPrecondition, `"Cy Ng"`},
		{"a user without a second factor", false, "dee", "role_help_desk", func(t *testing.T, b *bench) {
			t.Helper()
			if _, err := b.tenant.AddUser(jcsim.User{Username: "dee", Email: "dee@example.com", TOTPEnabled: false}); err != nil {
				t.Fatal(err)
			}
		}, provision.Options{}, codes.FailedPrecondition, "has no second factor"},
		{"no such role", false, "many@example.com", "role_nobody", nil, provision.Options{}, codes.NotFound, "role role_nobody does not exist in JumpCloud"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBoardroom(t, jcsim.Settings{}, tt.options)
			if tt.prepare != nil {
				tt.prepare(t, b)
			}
			admins := len(b.tenant.Admins())
			change := b.grant
			if tt.revoke {
				change = b.revoke
			}
			_, err := change(t.Context(), b.account(t, tt.who), roleOf(tt.role))
			if status.Code(err) != tt.code || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want code %v and %q", err, tt.code, tt.want)
			}
			if n := b.changesSent(); n != 0 || len(b.audit.intents) != 0 || len(b.tenant.Admins()) != admins {
				t.Errorf("%d requests changed something, the audit was told of %d", n, len(b.audit.intents))
			}
			if strings.Contains(err.Error(), jcsim.DefaultKey) {
				t.Error("the error holds the key")
			}
		})
	}
}

// Deleting a user deletes the administrator too, who is guarded in the same way.
func TestDeletedUsersAreGuardedAsAdministrators(t *testing.T) {
	t.Parallel()
	b := newBoardroom(t, jcsim.Settings{}, provision.Options{DeleteAdmins: true})
	for username, want := range map[string]string{
		"owner":  "is the administrator whose API key is used",
		"second": "is the last enabled administrator with the role",
		"bo":     "",
	} {
		user, err := b.tenant.User(username)
		if err != nil {
			if _, err := b.tenant.AddUser(jcsim.User{Username: username, Email: username + "@example.com"}); err != nil {
				t.Fatal(err)
			}
			user = must[*jcsim.User](t)(b.tenant.User(username))
		}
		// Only the guard of the second depends on the first being out of the way.
		if err := b.tenant.UpdateAdmin("owner@example.com", func(a *jcsim.Admin) { a.Suspended = username == "second" }); err != nil {
			t.Fatal(err)
		}
		_, err = b.provisioner.PlanDeleteUser(t.Context(), user.ID)
		if want == "" && err != nil || want != "" && (status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", username, err, want)
		}
	}
}

// Faults before and after a write took effect leave the administrator as it should be, made
// once.
func TestRolesUnderFaults(t *testing.T) {
	t.Parallel()
	for _, route := range []string{"POST /api/users", "PUT /api/users/{id}", "DELETE /api/users/{id}"} {
		for effect, fault := range map[string]jcsim.Fault{
			"429": {Status: http.StatusTooManyRequests}, "503 before": {Status: http.StatusServiceUnavailable},
			"503 after":    {Effect: jcsim.EffectStatusAfter, Status: http.StatusServiceUnavailable},
			"reset before": {Effect: jcsim.EffectReset}, "reset after": {Effect: jcsim.EffectResetAfter},
		} {
			fault.Route, fault.Times = route, 1
			t.Run(route+" "+effect, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := newBoardroom(t, jcsim.Settings{Faults: []jcsim.Fault{fault}, Behavior: jcsim.Behavior{LagObjects: true, LagReads: 1}}, provision.Options{OnLastRole: provision.LastRoleDelete})
					change, who, role, email, want := b.grant, "ana", "role_read_only", "ana@example.com", []string{"Read Only"}
					switch route {
					case "PUT /api/users/{id}":
						who, email, want = "many@example.com", "many@example.com", []string{"Help Desk", "Manager", "Read Only"}
						role = "role_help_desk"
					case "DELETE /api/users/{id}":
						change, who, role, email, want = b.revoke, "one@example.com", "role_help_desk", "one@example.com", nil
					}
					before := len(b.tenant.Admins())
					if _, err := change(context.WithoutCancel(t.Context()), b.account(t, who), roleOf(role)); err != nil {
						t.Fatal(err)
					}
					if got := b.roles(email); !slices.Equal(got, want) {
						t.Errorf("roles %q, want %q", got, want)
					}
					if n := len(b.tenant.Admins()) - before; n < -1 || n > 1 {
						t.Errorf("%d administrators more", n)
					}
					if o := b.audit.outcomes; len(o) != 1 || o[0].Result != provision.ResultChanged {
						t.Errorf("outcomes %+v", o)
					}
				})
			})
		}
	}
}
