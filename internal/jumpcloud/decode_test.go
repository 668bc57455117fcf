package jumpcloud_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// only answers every request with one body.
func only(t testing.TB, body string) *jumpcloud.Client {
	t.Helper()
	return scripted(t, &script{answers: []func(*http.Request) (*http.Response, error){say(200, body)}})
}

const wholeUser = `{"account_locked":false,"account_locked_date":null,"activated":true,"addresses":[],"allow_public_key":true,
 "alternateEmail":"ana@home.example","attributes":[{"name":"badge","value":"771"},{"name":"floor","value":3},{"value":"nameless"},null],
 "company":"Borealis","costCenter":"CC-9","department":"Sales","displayname":"Ana Ruiz","email":"ana@example.com","employeeIdentifier":"E-100",
 "employeeType":"FTE","external_source_type":"","firstname":"Ana","jobTitle":"AE","lastname":"Ruiz","ldap_binding_user":false,"location":"Lisbon",
 "manager":"64b0000000000000000000b2","mfa":{"exclusion":true,"exclusionUntil":"2026-12-01T10:00:00.000Z","configured":true},
 "mfaEnrollment":{"overallStatus":"ENROLLED","totpStatus":"ENROLLED"},"admin":{"id":"64c1","roleName":"Manager","roleNames":["Manager","Read Only"]},
 "middlename":"M","organization":"64a000000000000000000001","samba_service_user":true,"ssh_keys":[{"_id":"6a01","name":"laptop","public_key":"ssh-rsa AAAA","create_date":"2026-02-03T10:00:00Z"}],
 "state":"ACTIVATED","suspended":false,"username":"ana.ruiz","created":"2026-02-03T10:00:00.123Z","password_expired":false,"totp_enabled":true,
 "brandNew":{"deep":[1,2,{"x":null}]},"_id":"64b0000000000000000000b1","id":"64b0000000000000000000b1"}`

func TestUserIsDecoded(t *testing.T) {
	t.Parallel()
	want := jumpcloud.User{
		ID: "64b0000000000000000000b1", Username: "ana.ruiz", Email: "ana@example.com", AlternateEmail: "ana@home.example",
		FirstName: "Ana", MiddleName: "M", LastName: "Ruiz", DisplayName: "Ana Ruiz", State: "ACTIVATED",
		Suspended: jumpcloud.False, AccountLocked: jumpcloud.False, PasswordExpired: jumpcloud.False, TOTPEnabled: jumpcloud.True,
		MFA: &jumpcloud.MFA{
			Configured: jumpcloud.True, Exclusion: jumpcloud.True, ExclusionUntil: time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC),
		},
		Activated: jumpcloud.True, MFAEnrollment: "ENROLLED", TOTPStatus: "ENROLLED",
		Admin:   &jumpcloud.AdminLink{ID: "64c1", RoleName: "Manager", RoleNames: []string{"Manager", "Read Only"}},
		Company: "Borealis", CostCenter: "CC-9", Department: "Sales", EmployeeID: "E-100", EmployeeType: "FTE", JobTitle: "AE",
		Location: "Lisbon", ManagerID: "64b0000000000000000000b2",
		Attributes:      []jumpcloud.Attribute{{Name: "badge", Value: "771"}, {Name: "floor", Value: "3"}},
		LDAPBindingUser: jumpcloud.False, SambaServiceUser: jumpcloud.True,
		SSHKeys:      []jumpcloud.SSHKey{{ID: "6a01", Name: "laptop", Created: time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)}},
		Organization: "64a000000000000000000001", Created: time.Date(2026, 2, 3, 10, 0, 0, 123e6, time.UTC),
	}
	got, err := only(t, wholeUser).User(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
}

// TestOddUsersAreDecoded takes what differs from the specification.
func TestOddUsersAreDecoded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body string
		want jumpcloud.User
	}{
		"id only":            {`{"id":"a"}`, jumpcloud.User{ID: "a"}},
		"_id only":           {`{"_id":"a"}`, jumpcloud.User{ID: "a"}},
		"_id before id":      {`{"id":"b","_id":"a"}`, jumpcloud.User{ID: "a"}},
		"empty _id":          {`{"id":"b","_id":""}`, jumpcloud.User{ID: "b"}},
		"id as a number":     {`{"id":17}`, jumpcloud.User{ID: "17"}},
		"nulls":              {`{"id":"a","email":null,"admin":null,"manager":null,"mfa":null,"attributes":null,"suspended":null,"created":null,"mfaEnrollment":null}`, jumpcloud.User{ID: "a"}},
		"numbers":            {`{"id":"a","employeeIdentifier":100,"costCenter":-1.5e3,"suspended":1,"totp_enabled":0}`, jumpcloud.User{ID: "a", EmployeeID: "100", CostCenter: "-1.5e3", Suspended: jumpcloud.True, TOTPEnabled: jumpcloud.False}},
		"texts for booleans": {`{"id":"a","suspended":"TRUE","account_locked":"false","totp_enabled":"","password_expired":"perhaps"}`, jumpcloud.User{ID: "a", Suspended: jumpcloud.True, AccountLocked: jumpcloud.False, PasswordExpired: jumpcloud.Odd}},
		"letters for booleans": {`{"id":"a","suspended":" Y ","account_locked":"f","totp_enabled":"Off","password_expired":"1"}`, jumpcloud.User{
			ID: "a", Suspended: jumpcloud.True, AccountLocked: jumpcloud.False, TOTPEnabled: jumpcloud.False, PasswordExpired: jumpcloud.True,
		}},
		"neither true nor false": {`{"id":"a","suspended":{"at":"2026-01-01"},"account_locked":[],"totp_enabled":"NaN","password_expired":"2026-01-01T00:00:00Z"}`, jumpcloud.User{
			ID: "a", Suspended: jumpcloud.Odd, AccountLocked: jumpcloud.Odd, TOTPEnabled: jumpcloud.Odd, PasswordExpired: jumpcloud.Odd,
		}},
		"states of any kind": {`{"id":"a","state":{"name":"SUSPENDED"}}`, jumpcloud.User{ID: "a", State: `{"name":"SUSPENDED"}`}},
		"no state":           {`{"id":"a","state":null}`, jumpcloud.User{ID: "a"}},
		"booleans for texts": {`{"id":"a","department":false,"location":true}`, jumpcloud.User{ID: "a", Department: "false", Location: "true"}},
		"objects for texts":  {`{"id":"a","department":{"a":1},"manager":["x"]}`, jumpcloud.User{ID: "a"}},
		"texts for objects":  {`{"id":"a","mfa":"yes","admin":"64c1","mfaEnrollment":true,"attributes":"x"}`, jumpcloud.User{ID: "a"}},
		"empty objects":      {`{"id":"a","mfa":{},"admin":{}}`, jumpcloud.User{ID: "a", MFA: &jumpcloud.MFA{}, Admin: &jumpcloud.AdminLink{}}},
		"a bare date":        {`{"id":"a","created":"2021-10-24"}`, jumpcloud.User{ID: "a", Created: time.Date(2021, 10, 24, 0, 0, 0, 0, time.UTC)}},
		"no zone":            {`{"id":"a","created":"2021-10-24T01:02:03"}`, jumpcloud.User{ID: "a", Created: time.Date(2021, 10, 24, 1, 2, 3, 0, time.UTC)}},
		"another zone":       {`{"id":"a","created":"2021-10-24T01:02:03+02:00"}`, jumpcloud.User{ID: "a", Created: time.Date(2021, 10, 23, 23, 2, 3, 0, time.UTC)}},
		"milliseconds":       {`{"id":"a","created":1785574800000}`, jumpcloud.User{ID: "a", Created: time.UnixMilli(1785574800000).UTC()}},
		"no date":            {`{"id":"a","created":"yesterday"}`, jumpcloud.User{ID: "a"}},
		"not plain text":     {`{"id":"a","lastname":"O'Brîen \"☃\" \u0000"}`, jumpcloud.User{ID: "a", LastName: "O'Brîen \"☃\" \x00"}},
		"roles in the admin": {`{"id":"a","admin":{"_id":"b","roleNames":["x",null,7,""]}}`, jumpcloud.User{ID: "a", Admin: &jumpcloud.AdminLink{ID: "b", RoleNames: []string{"x", "7"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := only(t, tt.body).User(t.Context(), "x")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMFAExclusions(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		mfa  jumpcloud.MFA
		want bool
	}{
		"none":    {jumpcloud.MFA{Configured: jumpcloud.True}, false},
		"for now": {jumpcloud.MFA{Exclusion: jumpcloud.True, ExclusionUntil: now.Add(time.Hour)}, true},
		"over":    {jumpcloud.MFA{Exclusion: jumpcloud.True, ExclusionUntil: now.Add(-time.Hour)}, false},
		"for ever": {
			jumpcloud.MFA{Exclusion: jumpcloud.True}, true,
		},
	} {
		if got := tt.mfa.Excluded(now); got != tt.want {
			t.Errorf("%s: Excluded() is %v", name, got)
		}
	}
}

// TestPagesAreDecoded reads each list in the form of its API.
func TestPagesAreDecoded(t *testing.T) {
	t.Parallel()
	window := paging.Window{Limit: 100}
	both := []string{jumpcloud.TypeUser, jumpcloud.TypeUserGroup}
	for name, tt := range map[string]struct {
		body, total string
		read        func(context.Context, *jumpcloud.Client) (any, error)
		want        any
	}{
		"organizations": {
			body: `{"totalCount":1,"results":[{"_id":"o1","id":"o1","displayName":null,"logoUrl":null,"created":"2025-01-01T00:00:00.000Z"}]}`,
			read: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.Organizations(ctx, window) },
			want: paging.Page[jumpcloud.Organization]{
				Items: []jumpcloud.Organization{{ID: "o1", Created: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}}, Total: 1, Raw: 1,
			},
		},
		"administrators": {
			body: `{"results":[{"_id":"a1","email":"ops@example.com","firstname":"Olu","lastname":"Ops","role":"6e0000000000000000000001","roleName":"Manager","roleNames":["Manager"],
				"totpEnrolled":true,"suspended":false,"sessionCount":42,"organization":null,"provider":null,"created":"2025-01-02T00:00:00Z"},{"id":"a2"}],"totalCount":"2"}`,
			read: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.Admins(ctx, window) },
			want: paging.Page[jumpcloud.Admin]{
				Items: []jumpcloud.Admin{{
					ID: "a1", Email: "ops@example.com", FirstName: "Olu", LastName: "Ops", Roles: []jumpcloud.RoleRef{{ID: "6e0000000000000000000001", Name: "Manager", Named: true}, {Name: "Manager"}}, Several: true,
					TOTPEnrolled: jumpcloud.True, Suspended: jumpcloud.False, Created: time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC),
				}, {ID: "a2"}}, Total: 2, Raw: 2,
			},
		},
		"roles": {
			body: `{"results":[{"id":"r1","name":"Auditor","description":"","scopes":["users.readonly"]}],"totalCount":1}`,
			read: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.Roles(ctx, window) },
			want: paging.Page[jumpcloud.Role]{
				Items: []jumpcloud.Role{{ID: "r1", Name: "Auditor", Scopes: []string{"users.readonly"}}}, Total: 1, Raw: 1,
			},
		},
		"groups": {
			total: "150",
			body: `[{"id":"g1","name":"Sales EU","type":"user_group","email":"","description":"d","attributes":null,"membershipMethod":"DYNAMIC_AUTOMATED"},
				{"id":"g2","name":"Old","attributes":{"sudo":{"enabled":true},"ldapGroups":[{"name":"sales"}],"posixGroups":[{"id":6001,"name":"s"}],"sambaEnabled":false,
					"radius":{"reply":[{"name":"Tunnel-Type","value":"VLAN"}]},"Hello":"World"}},
				{"id":"g3","name":"Odd","attributes":{"sudo":"yes","ldapGroups":7,"radius":[]}}]`,
			read: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.UserGroups(ctx, window) },
			want: paging.Page[jumpcloud.UserGroup]{
				Items: []jumpcloud.UserGroup{
					{ID: "g1", Name: "Sales EU", Type: "user_group", Description: "d", MembershipMethod: "DYNAMIC_AUTOMATED"}, {ID: "g2", Name: "Old", Confers: jumpcloud.GroupAttributes{
						Sudo: jumpcloud.True, LDAPGroups: []string{"sales"}, POSIXGroups: []string{"s"}, Samba: jumpcloud.False,
						RADIUSReply: []jumpcloud.Attribute{{Name: "Tunnel-Type", Value: "VLAN"}},
					}}, {ID: "g3", Name: "Odd"},
				}, Total: 150, Raw: 3,
			},
		},
		"members with holes": {
			total: "4",
			body:  `[{"attributes":null,"to":{"attributes":null,"id":"u1","type":"user"}},null,{"to":null},{"attributes":null,"to":{"id":"u2","type":"user"},"from":{"id":"g1"}}]`,
			read:  func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.GroupMembers(ctx, "g", window) },
			want: paging.Page[jumpcloud.Connection]{
				Items: []jumpcloud.Connection{{Type: "user", ID: "u1"}, {Type: "user", ID: "u2"}}, Total: 4, Raw: 4, Nulls: 1,
			},
		},
		"members without a total": {
			body: `[]`,
			read: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.GroupMembers(ctx, "g", window) },
			want: paging.Page[jumpcloud.Connection]{Total: -1},
		},
		"applications": {
			body: `{"name":"applications","totalCount":1,"results":[{"_id":"p1","active":true,"name":"aws-sso","displayName":"AWS SSO","displayLabel":"AWS Prod",
				"logo":{"url":"https://static.example/logo.png","color":""},"ssoUrl":"https://sso.example/aws","learnMore":"https://help.example",
				"organization":"o1","config":{"idpPrivateKey":{"value":"PRIVATE"}},"sso":{"type":"saml","hidden":true}}]}`,
			read: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.Applications(ctx, window) },
			want: paging.Page[jumpcloud.Application]{
				Items: []jumpcloud.Application{{
					ID: "p1", Active: jumpcloud.True, Name: "aws-sso", DisplayName: "AWS SSO", DisplayLabel: "AWS Prod", LogoURL: "https://static.example/logo.png",
					SSOURL: "https://sso.example/aws", LearnMore: "https://help.example", Organization: "o1", SSOType: "saml", Hidden: jumpcloud.True,
				}}, Total: 1, Raw: 1,
			},
		},
		"associations": {
			total: "2", body: `[{"to":{"id":"u1","type":"user"}},{"to":{"id":"g1","type":"user_group"}}]`,
			read: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
				return c.Bindings(ctx, jumpcloud.TypeApplication, "p", both, window)
			},
			want: paging.Page[jumpcloud.Connection]{
				Items: []jumpcloud.Connection{{Type: "user", ID: "u1"}, {Type: "user_group", ID: "g1"}}, Total: 2, Raw: 2,
			},
		},
		"traversal": {
			total: "1",
			body: `[{"id":"u1","type":"user","compiledAttributes":{"ldapGroups":[{"name":"x"}]},
				"paths":[[{"to":{"id":"g1","type":"user_group"}},{"to":{"id":"u1","type":"user"}}],[{"to":{"id":"u1","type":"user"}}]]}]`,
			read: func(ctx context.Context, c *jumpcloud.Client) (any, error) {
				return c.BoundUsers(ctx, jumpcloud.TypeApplication, "p", window)
			},
			want: paging.Page[jumpcloud.Traversal]{
				Items: []jumpcloud.Traversal{{
					ID: "u1", Type: "user",
					Paths: [][]jumpcloud.Connection{{{Type: "user_group", ID: "g1"}, {Type: "user", ID: "u1"}}, {{Type: "user", ID: "u1"}}},
				}}, Total: 1, Raw: 1,
			},
		},
		"no results": {
			body: `{"totalCount":0,"results":null}`,
			read: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.Admins(ctx, window) },
			want: paging.Page[jumpcloud.Admin]{},
		},
		"null for an empty list": {
			total: "0", body: `null`,
			read: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.UserGroups(ctx, window) },
			want: paging.Page[jumpcloud.UserGroup]{},
		},
		"another form": {
			total: "1", body: `[{"id":"a1"}]`,
			read: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.Admins(ctx, window) },
			want: paging.Page[jumpcloud.Admin]{Items: []jumpcloud.Admin{{ID: "a1"}}, Total: 1, Raw: 1},
		},
		"an odd total": {
			total: "many", body: `[]`,
			read: func(ctx context.Context, c *jumpcloud.Client) (any, error) { return c.UserGroups(ctx, window) },
			want: paging.Page[jumpcloud.UserGroup]{Total: -1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: []func(*http.Request) (*http.Response, error){say(200, tt.body)}}
			if tt.total != "" {
				s.answers[0] = say(200, tt.body, "X-Total-Count", tt.total)
			}
			got, err := tt.read(t.Context(), scripted(t, s))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("page (-want +got):\n%s", diff)
			}
		})
	}
}

// TestObjectsWithoutAnID fail, and say where they are.
func TestObjectsWithoutAnID(t *testing.T) {
	t.Parallel()
	window := paging.Window{Limit: 100}
	for body, want := range map[string]string{
		`{"results":[{"id":"a"},{"email":"x@example.com"}],"totalCount":2}`: "object 2 of this page of administrators",
		`{"results":[{"id":"a"},{}],"totalCount":2}`:                        "object 2 of this page of administrators",
		`{"results":[{"id":{"$oid":"x"}}]}`:                                 "object 1 of this page of administrators",
	} {
		_, err := only(t, body).Admins(t.Context(), window)
		if jumpcloud.KindOf(err) != jumpcloud.KindProtocol || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v", body, err)
		}
		if err != nil && strings.Contains(err.Error(), "example.com") {
			t.Errorf("the error shows the object: %v", err)
		}
	}
}

// BenchmarkDecodeUsers decodes a page of 1,000 users with all their fields.
func BenchmarkDecodeUsers(b *testing.B) {
	var page strings.Builder
	page.WriteString(`{"totalCount":1000,"results":[`)
	for i := range 1000 {
		if i > 0 {
			page.WriteByte(',')
		}
		page.WriteString(wholeUser)
	}
	page.WriteString(`]}`)
	body := page.String()
	s := &script{answers: []func(*http.Request) (*http.Response, error){say(200, body)}}
	client := scripted(b, s)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		got, err := client.Users(b.Context(), paging.Window{Limit: 1000})
		if err != nil || len(got.Items) != 1000 {
			b.Fatal(err)
		}
	}
}
