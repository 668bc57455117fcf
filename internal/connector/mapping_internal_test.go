package connector

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

func TestUserStatus(t *testing.T) {
	t.Parallel()
	const yes, no = jumpcloud.True, jumpcloud.False
	tests := []struct {
		name string
		user jumpcloud.User
		want string // details; "" is enabled
	}{
		{"activated", jumpcloud.User{State: "ACTIVATED"}, ""},
		{"suspended", jumpcloud.User{State: "SUSPENDED", Suspended: yes}, "suspended"},
		{"staged", jumpcloud.User{State: "STAGED"}, "staged"},
		{"locked", jumpcloud.User{State: "ACTIVATED", AccountLocked: yes}, "locked"},
		{"suspended before locked", jumpcloud.User{State: "SUSPENDED", AccountLocked: yes}, "suspended"},
		{"locked before staged", jumpcloud.User{State: "STAGED", AccountLocked: yes}, "locked"},
		{"no state, suspended", jumpcloud.User{Suspended: yes}, "suspended"},
		{"no state, not suspended", jumpcloud.User{Suspended: no}, ""},
		{"nothing known", jumpcloud.User{}, ""},
		{"activated, suspended", jumpcloud.User{State: "ACTIVATED", Suspended: yes}, "suspended"},
		{"staged, suspended", jumpcloud.User{State: "STAGED", Suspended: yes}, "suspended"},
		{"suspended, not suspended", jumpcloud.User{State: "SUSPENDED", Suspended: no}, "suspended"},
		{"other case", jumpcloud.User{State: "suspended"}, "suspended"},
		{"other case of activated", jumpcloud.User{State: " Activated "}, ""},
		{"unknown state", jumpcloud.User{State: "ARCHIVED"}, "ARCHIVED"},
		{"unknown state, not suspended", jumpcloud.User{State: "INACTIVE", Suspended: no}, "INACTIVE"},
		{"unknown state, suspended", jumpcloud.User{State: "DISABLED", Suspended: yes}, "suspended (state DISABLED)"},
		{"unknown state, locked", jumpcloud.User{State: "LOCKED", AccountLocked: yes}, "locked (state LOCKED)"},
		{"a state that only looks like one", jumpcloud.User{State: "\u017fUSPENDED"}, "\u017fUSPENDED"},
		{"a state that is an object", jumpcloud.User{State: `{"a":1}`}, `{"a":1}`},
		{"a flag that is neither", jumpcloud.User{State: "ACTIVATED", Suspended: jumpcloud.Odd}, "suspended is unclear"},
		{"a lock that is neither", jumpcloud.User{State: "ACTIVATED", AccountLocked: jumpcloud.Odd}, "account_locked is unclear"},
		{"suspended and a lock that is neither", jumpcloud.User{State: "ACTIVATED", Suspended: yes, AccountLocked: jumpcloud.Odd}, "suspended"},
		{"staged and a flag that is neither", jumpcloud.User{State: "STAGED", Suspended: jumpcloud.Odd}, "staged"},
		{"unknown state and a flag that is neither", jumpcloud.User{State: "GONE", Suspended: jumpcloud.Odd}, "GONE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.user.ID = "u1"
			r := mustUser(t, &tt.user)
			want := &v2.Status{Status: v2.Status_RESOURCE_STATUS_ENABLED, Details: tt.want}
			if tt.want != "" {
				want.Status = v2.Status_RESOURCE_STATUS_DISABLED
			}
			if diff := cmp.Diff(want, r.GetStatus(), protocmp.Transform()); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUserMFA(t *testing.T) {
	t.Parallel()
	const yes, no, unset = jumpcloud.True, jumpcloud.False, jumpcloud.Unset
	past, future := testNow().Add(-time.Hour), testNow().Add(time.Hour)
	tests := []struct {
		name string
		user jumpcloud.User
		want jumpcloud.Flag
	}{
		{"enrolled", jumpcloud.User{MFAEnrollment: "ENROLLED", TOTPEnabled: no}, yes},
		{"not enrolled, whatever the others say", jumpcloud.User{MFAEnrollment: "NOT_ENROLLED", MFA: &jumpcloud.MFA{Configured: yes}, TOTPEnabled: yes}, no},
		{"expired enrollment", jumpcloud.User{MFAEnrollment: "ENROLLMENT_EXPIRED"}, no},
		{"configured", jumpcloud.User{MFA: &jumpcloud.MFA{Configured: yes, Exclusion: no}}, yes},
		{"live exclusion", jumpcloud.User{MFA: &jumpcloud.MFA{Configured: yes, Exclusion: yes, ExclusionUntil: future}, TOTPEnabled: yes}, no},
		{"exclusion without end", jumpcloud.User{MFA: &jumpcloud.MFA{Configured: yes, Exclusion: yes}}, no},
		{"expired exclusion", jumpcloud.User{MFA: &jumpcloud.MFA{Configured: yes, Exclusion: yes, ExclusionUntil: past}}, yes},
		{"not configured", jumpcloud.User{MFA: &jumpcloud.MFA{Configured: no}, TOTPEnabled: yes}, no},
		{"empty object", jumpcloud.User{MFA: &jumpcloud.MFA{}, TOTPEnabled: yes}, yes},
		{"totp only", jumpcloud.User{TOTPEnabled: yes}, yes},
		{"no totp", jumpcloud.User{TOTPEnabled: no}, no},
		{"nothing known", jumpcloud.User{}, unset},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.user.ID = "u1"
			got := traitOf(t, mustUser(t, &tt.user), new(v2.UserTrait)).GetMfaStatus()
			if (got != nil) != tt.want.IsSet() || got.GetMfaEnabled() != tt.want.IsTrue() {
				t.Errorf("mfa status %v, want %v", got, tt.want)
			}
		})
	}
}

func TestUserDisplayName(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		user jumpcloud.User
		want string
	}{
		{"display name", jumpcloud.User{DisplayName: "Ana R.", FirstName: "Ana", LastName: "Ruiz", Username: "ana"}, "Ana R."},
		{"first and last", jumpcloud.User{FirstName: "Ana", LastName: "Ruiz", Username: "ana"}, "Ana Ruiz"},
		{"first only", jumpcloud.User{FirstName: "Ana", Username: "ana"}, "Ana"},
		{"last only", jumpcloud.User{LastName: "Ruiz", Username: "ana"}, "Ruiz"},
		{"blank display name", jumpcloud.User{DisplayName: " \t", Username: "ana"}, "ana"},
		{"email", jumpcloud.User{Email: "ana@example.com"}, "ana@example.com"},
		{"nothing", jumpcloud.User{}, "u1"},
		{"quotes and letters of other scripts", jumpcloud.User{DisplayName: `安娜 "Ana" O'Ruiz`}, `安娜 "Ana" O'Ruiz`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.user.ID = "u1"
			if got := mustUser(t, &tt.user).GetDisplayName(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The profile of a full user has exactly the keys of the mapping, an empty one
// only those that always have a value.
func TestUserProfileKeys(t *testing.T) {
	t.Parallel()
	full := mustUser(t, fullUser())
	if err := setManager(full, "boss@example.com"); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(`company cost_center custom_badge department display_name employee_id employee_type
		external_source_type first_name id job_title last_name location manager manager_id mfa_enrollment
		organization password_expired state user_id username`)
	got := slices.Sorted(maps.Keys(full.GetProfile().AsMap()))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys of a full profile (-want +got):\n%s", diff)
	}
	empty := mustUser(t, &jumpcloud.User{ID: "u1"})
	if diff := cmp.Diff(map[string]any{"id": "u1", "user_id": "u1"}, empty.GetProfile().AsMap()); diff != "" {
		t.Errorf("empty profile (-want +got):\n%s", diff)
	}
}

func TestCustomAttributes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		attributes []jumpcloud.Attribute
		want       map[string]any
	}{
		{"none", nil, map[string]any{}},
		{"one", []jumpcloud.Attribute{{Name: "badge", Value: "7"}}, map[string]any{"custom_badge": "7"}},
		{"empty name or value", []jumpcloud.Attribute{{Name: "", Value: "7"}, {Name: "x", Value: ""}}, map[string]any{}},
		{"case is kept", []jumpcloud.Attribute{{Name: "A", Value: "1"}, {Name: "a", Value: "2"}}, map[string]any{"custom_A": "1", "custom_a": "2"}},
		{"one name twice, one value", []jumpcloud.Attribute{{Name: "a", Value: "1"}, {Name: "a", Value: "1"}}, map[string]any{"custom_a": "1"}},
		{"one name twice", []jumpcloud.Attribute{{Name: "a", Value: "2"}, {Name: "a", Value: "1"}}, map[string]any{"custom_a": "1", "custom_a_2": "2"}},
		{
			"another is called like the second",
			[]jumpcloud.Attribute{{Name: "a", Value: "2"}, {Name: "a_2", Value: "x"}, {Name: "a", Value: "1"}},
			map[string]any{"custom_a": "1", "custom_a_3": "2", "custom_a_2": "x"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := profile{}
			p.custom(tt.attributes)
			got := map[string]any{}
			for k, v := range p {
				got[k] = v.AsInterface()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestUserTrait(t *testing.T) {
	t.Parallel()
	trait := traitOf(t, mustUser(t, &jumpcloud.User{
		ID: "u1", Username: "svc", Email: " A@x.example", AlternateEmail: "a@X.example", LDAPBindingUser: jumpcloud.True,
	}), new(v2.UserTrait))
	if trait.GetAccountType() != v2.UserTrait_ACCOUNT_TYPE_SERVICE {
		t.Errorf("account type %v", trait.GetAccountType())
	}
	want := []*v2.UserTrait_Email{{Address: "A@x.example", IsPrimary: true}}
	if diff := cmp.Diff(want, trait.GetEmails(), protocmp.Transform()); diff != "" {
		t.Errorf("emails (-want +got):\n%s", diff)
	}
	if trait.GetStructuredName() != nil || trait.GetEmployeeIds() != nil {
		t.Errorf("made up a name or employee id: %v", trait)
	}
	samba := traitOf(t, mustUser(t, &jumpcloud.User{ID: "u1", SambaServiceUser: jumpcloud.True}), new(v2.UserTrait))
	if samba.GetAccountType() != v2.UserTrait_ACCOUNT_TYPE_SERVICE || samba.GetEmails() != nil {
		t.Errorf("samba user: %v", samba)
	}
}

// What newer readers find on the resource, older ones find on the trait.
func TestTraitMirrorsResource(t *testing.T) {
	t.Parallel()
	user := mustUser(t, fullUser())
	trait := traitOf(t, user, new(v2.UserTrait))
	status := trait.GetStatus() //nolint:staticcheck // What older readers look at.
	for _, pair := range [][2]proto.Message{
		{user.GetProfile(), trait.GetProfile()},     //nolint:staticcheck // What older readers look at.
		{user.GetCreatedAt(), trait.GetCreatedAt()}, //nolint:staticcheck // What older readers look at.
		{user.GetStatus(), &v2.Status{
			Status:  v2.Status_ResourceStatus(status.GetStatus()),
			Details: status.GetDetails(),
		}},
	} {
		if diff := cmp.Diff(pair[0], pair[1], protocmp.Transform()); diff != "" {
			t.Errorf("resource and trait differ:\n%s", diff)
		}
	}
}

func TestMappingIsDeterministic(t *testing.T) {
	t.Parallel()
	marshal := func() string {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(mustUser(t, fullUser()))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first := marshal()
	for range 50 {
		if marshal() != first {
			t.Fatal("the same user gave different bytes")
		}
	}
}

func TestAdminHasNothingOfTheDirectory(t *testing.T) {
	t.Parallel()
	admin, err := adminResource(fullAdmin())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"id": "64c000000000000000000001", "user_id": "64c000000000000000000001", "organization": "64a000000000000000000001"}
	if diff := cmp.Diff(want, admin.GetProfile().AsMap()); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
	trait := traitOf(t, admin, new(v2.UserTrait))
	if trait.GetLogin() != "ops@example.com" || !trait.GetMfaStatus().GetMfaEnabled() || admin.GetDisplayName() != "Olu Ops" {
		t.Errorf("trait %v of %q", trait, admin.GetDisplayName())
	}
}

func TestAdminStatus(t *testing.T) {
	t.Parallel()
	admin, err := adminResource(&jumpcloud.Admin{ID: "a1", Email: "a@example.com", Suspended: jumpcloud.True})
	if err != nil {
		t.Fatal(err)
	}
	if s := admin.GetStatus(); s.GetStatus() != v2.Status_RESOURCE_STATUS_DISABLED || s.GetDetails() != "suspended" {
		t.Errorf("status %v", s)
	}
	if m := traitOf(t, admin, new(v2.UserTrait)).GetMfaStatus(); m != nil {
		t.Errorf("made up a second factor: %v", m)
	}
}

func TestAdminRoles(t *testing.T) {
	t.Parallel()
	const managerID, deskID, cooksID, goneID = "6e0000000000000000000001", "6e0000000000000000000002", "6e0000000000000000000003", "6e00000000000000000000ff"
	listed := &listedRoles{byID: map[string]string{}}
	listed.take([]jumpcloud.Role{{ID: managerID, Name: "Manager"}, {ID: deskID, Name: "Help Desk"}, {ID: cooksID, Name: "Küchen-Team"}})
	type refs = []jumpcloud.RoleRef
	const cooks, gone = "role_küchen_team_b77c826a", "role_6e00000000000000000000ff_9a015e35"
	tests := []struct {
		name       string
		roles      refs
		refused    bool // the list of roles
		learned    map[string]string
		want       []string
		unresolved []string
	}{
		{name: "none"},
		{name: "blank", roles: refs{{Name: " "}}},
		{name: "a name", roles: refs{{Name: "Manager"}}, want: []string{"role_manager"}},
		{name: "one name twice, and another", roles: refs{{Name: "Manager"}, {Name: "manager"}, {Name: "Help Desk"}}, want: []string{"role_manager", "role_help_desk"}},
		{name: "upper case", roles: refs{{Name: "READ ONLY"}}, want: []string{"role_read_only"}},
		{name: "composed and decomposed", roles: refs{{Name: "Küchen-Team"}, {Name: "Ku\u0308chen-Team"}}, want: []string{cooks}},
		{name: "an id", roles: refs{{ID: cooksID}}, want: []string{cooks}},
		{name: "an id and its name", roles: refs{{ID: cooksID, Name: "Küchen-Team"}}, want: []string{cooks}},
		{name: "an id and its name in another case", roles: refs{{ID: cooksID, Name: "KüCHEN-TEAM"}}, want: []string{cooks}},
		{name: "an id and another name", roles: refs{{ID: cooksID, Name: "Manager"}}, want: []string{cooks, "role_manager"}},
		{name: "a name that is an id", roles: refs{{Name: cooksID}}, want: []string{cooks}},
		{name: "an id that is a name", roles: refs{{ID: "help desk"}, {ID: "Küchen-Team"}}, want: []string{"role_help_desk", cooks}},
		{name: "an id that is a name nobody lists", roles: refs{{ID: "Night Shift"}}, want: []string{roleID("Night Shift")}},
		{name: "an id that is not listed", roles: refs{{ID: goneID}}, want: []string{roleID(goneID)}, unresolved: []string{goneID}},
		{name: "an id that is not listed, with a name", roles: refs{{ID: goneID, Name: "Old Role"}}, want: []string{roleID("Old Role")}},
		{name: "an id that is not listed, of as many names", roles: refs{{Name: "Old Role"}, {Name: "Manager"}, {ID: goneID, Named: true}, {ID: managerID, Named: true}}, want: []string{"role_manager", roleID("Old Role")}},
		{name: "an id that another record names", roles: refs{{ID: goneID}}, learned: map[string]string{goneID: "Old Role"}, want: []string{roleID("Old Role")}},
		{name: "a number", roles: refs{{ID: "7"}}, want: []string{roleID("7")}, unresolved: []string{"7"}},
		{name: "a UUID", roles: refs{{ID: "0b9e3b1a-7f0e-4a3e-9a0d-1f6f6f1c2d3e"}}, want: []string{roleID("0b9e3b1a-7f0e-4a3e-9a0d-1f6f6f1c2d3e")}, unresolved: []string{"0b9e3b1a-7f0e-4a3e-9a0d-1f6f6f1c2d3e"}},
		{name: "no list, an id", refused: true, roles: refs{{ID: managerID}}, want: []string{roleID(managerID)}, unresolved: []string{managerID}},
		{name: "no list, an id and its name", refused: true, roles: refs{{ID: managerID, Name: "Manager"}}, want: []string{"role_manager"}},
		{name: "no list, a built-in name for an id", refused: true, roles: refs{{ID: "Help Desk"}}, want: []string{"role_help_desk"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			known := listed
			if tt.refused {
				known = new(listedRoles)
			}
			names, unresolved := known.resolve(tt.roles, tt.learned)
			var got []string
			for _, g := range adminGrants(&jumpcloud.Admin{ID: "a1"}, names)[1:] {
				id := g.GetEntitlement().GetResource().GetId().GetResource()
				got = append(got, id)
				if want := "role-grant:" + id + ":user:a1:" + id; g.GetId() != want {
					t.Errorf("grant id %q, want %q", g.GetId(), want)
				}
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.unresolved, unresolved); diff != "" {
				t.Errorf("unresolved (-want +got):\n%s", diff)
			}
		})
	}
	if got := roleID(goneID); got != gone {
		t.Errorf("the id of a role that is known by its ID is %s, want %s", got, gone)
	}
}

// A role looks the same wherever its name was met.
func TestRoleOfOneName(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"Help Desk", "HELP desk"}, {"Küchen-Team", "Ku\u0308chen-Team"}} {
		a, b := roleEntitlement(pair[0]), roleEntitlement(pair[1])
		if diff := cmp.Diff(a, b, protocmp.Transform()); diff != "" {
			t.Errorf("entitlements of %q and %q differ:\n%s", pair[0], pair[1], diff)
		}
		ra, rb := roleResource(&jumpcloud.Role{Name: pair[0]}), roleResource(&jumpcloud.Role{Name: pair[1]})
		if diff := cmp.Diff(ra, rb, protocmp.Transform()); diff != "" {
			t.Errorf("resources of %q and %q differ:\n%s", pair[0], pair[1], diff)
		}
	}
}

func TestGroupMethods(t *testing.T) {
	t.Parallel()
	for method, dynamic := range map[string]bool{
		"": false, "NOTSET": false, "STATIC": false, "DYNAMIC_REVIEW_REQUIRED": true, "DYNAMIC_AUTOMATED": true,
	} {
		e := groupEntitlement(made(t, new(Source).groupResource, &jumpcloud.UserGroup{ID: "g1", Name: "G", MembershipMethod: method}))
		if got := len(e.GetAnnotations()) == 1; got != dynamic {
			t.Errorf("%q: immutable entitlement %v, want %v", method, got, dynamic)
		}
		grants, _ := memberGrants(kind{collection: map[bool]collection{true: dynamicMembers, false: members}[dynamic]}, syncer.Ref{Type: restype.Group, ID: "g1"}, []jumpcloud.Connection{{Type: "user", ID: "u1"}})
		if got := len(grants[0].GetAnnotations()) == 1; got != dynamic {
			t.Errorf("%q: immutable grant %v, want %v", method, got, dynamic)
		}
	}
}

func TestUnknownEdgesAreTold(t *testing.T) {
	t.Parallel()
	edges := []jumpcloud.Connection{{Type: "user", ID: "u1"}, {Type: "system", ID: "s1"}, {Type: "user_group", ID: "g1"}}
	if grants, others := memberGrants(kind{collection: members}, syncer.Ref{Type: restype.Group, ID: "g9"}, edges); len(grants) != 1 || !slices.Equal(others, []string{"system", "user_group"}) {
		t.Errorf("members: %d grants, others %v", len(grants), others)
	}
	if grants, others := bindingGrants(syncer.Ref{Type: restype.App, ID: "a9"}, edges); len(grants) != 2 || !slices.Equal(others, []string{"system"}) {
		t.Errorf("assignments: %d grants, others %v", len(grants), others)
	}
}

func TestAppFlagsAndAddresses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		app      jumpcloud.Application
		flags    []v2.AppTrait_AppFlag
		helpURL  string
		wantLogo string
	}{
		{name: "nothing known", app: jumpcloud.Application{}},
		{name: "active", app: jumpcloud.Application{Active: jumpcloud.True, Hidden: jumpcloud.False, SSOType: "other"}},
		{
			name: "inactive oidc", app: jumpcloud.Application{Active: jumpcloud.False, SSOType: "OIDC"},
			flags: []v2.AppTrait_AppFlag{v2.AppTrait_APP_FLAG_INACTIVE, v2.AppTrait_APP_FLAG_OIDC},
		},
		{
			name: "hidden bookmark", app: jumpcloud.Application{Hidden: jumpcloud.True, SSOType: "bookmark"},
			flags: []v2.AppTrait_AppFlag{v2.AppTrait_APP_FLAG_HIDDEN, v2.AppTrait_APP_FLAG_BOOKMARK},
		},
		{name: "help", app: jumpcloud.Application{LearnMore: "https://x.example/a"}, helpURL: "https://x.example/a"},
		{name: "help in clear", app: jumpcloud.Application{LearnMore: "http://x.example/a"}},
		{name: "help nowhere", app: jumpcloud.Application{LearnMore: "https://"}},
		{name: "huge help", app: jumpcloud.Application{LearnMore: "https://x.example/" + strings.Repeat("a", 1024)}},
		{name: "logo", app: jumpcloud.Application{LogoURL: "https://x.example/l.png"}, wantLogo: "https://x.example/l.png"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.app.ID = "a1"
			r, err := appResource(&tt.app)
			if err != nil {
				t.Fatal(err)
			}
			trait := traitOf(t, r, new(v2.AppTrait))
			if diff := cmp.Diff(tt.flags, trait.GetFlags()); diff != "" {
				t.Errorf("flags (-want +got):\n%s", diff)
			}
			if trait.GetHelpUrl() != tt.helpURL || trait.GetLogo().GetId() != tt.wantLogo || r.GetIcon().GetId() != tt.wantLogo {
				t.Errorf("help %q, logo %q, icon %q", trait.GetHelpUrl(), trait.GetLogo().GetId(), r.GetIcon().GetId())
			}
		})
	}
}

func TestAppDisplayName(t *testing.T) {
	t.Parallel()
	tests := []struct {
		app  jumpcloud.Application
		want string
	}{
		{jumpcloud.Application{DisplayLabel: "Label", DisplayName: "Title", Name: "slug"}, "Label"},
		{jumpcloud.Application{DisplayLabel: " ", DisplayName: "Title", Name: "slug"}, "Title"},
		{jumpcloud.Application{Name: "slug"}, "slug"},
		{jumpcloud.Application{}, "a1"},
	}
	for _, tt := range tests {
		tt.app.ID = "a1"
		r, err := appResource(&tt.app)
		if err != nil {
			t.Fatal(err)
		}
		if r.GetDisplayName() != tt.want {
			t.Errorf("got %q, want %q", r.GetDisplayName(), tt.want)
		}
	}
}

func TestObjectsWithoutID(t *testing.T) {
	t.Parallel()
	_, userErr := userResource(&jumpcloud.User{Username: "ana"}, testNow())
	_, adminErr := adminResource(&jumpcloud.Admin{Email: "a@example.com"})
	_, groupErr := new(Source).groupResource(&jumpcloud.UserGroup{Name: "G"})
	_, appErr := appResource(&jumpcloud.Application{Name: "x", ID: strings.Repeat("9", 2000)})
	for _, err := range []error{userErr, adminErr, groupErr, appErr} {
		if err == nil {
			t.Error("an object without a usable id was taken")
		}
	}
}

// Texts of any size stay within what readers accept, cut between two characters.
func TestHugeNames(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("ä", 3000)
	user := mustUser(t, &jumpcloud.User{ID: "u1", DisplayName: huge, Username: huge, Email: huge, EmployeeID: huge, FirstName: huge})
	group := &jumpcloud.UserGroup{ID: "g1", Name: huge, Description: huge}
	groupRes, err := new(Source).groupResource(group)
	if err != nil {
		t.Fatal(err)
	}
	app := &jumpcloud.Application{ID: "a1", DisplayLabel: huge}
	appRes, err := appResource(app)
	if err != nil {
		t.Fatal(err)
	}
	role := roleResource(&jumpcloud.Role{Name: huge, Description: huge})
	for _, r := range []*v2.Resource{user, groupRes, appRes, role} {
		checkText(t, r.GetDisplayName(), MaxDisplayName)
		checkText(t, r.GetDescription(), maxDescription)
	}
	for _, e := range []*v2.Entitlement{groupEntitlement(groupRes), appEntitlement(appRes), roleEntitlement(huge)} {
		checkText(t, e.GetDisplayName(), MaxDisplayName)
		checkText(t, e.GetDescription(), maxDescription)
		checkText(t, e.GetId(), MaxID)
	}
}

func checkText(t *testing.T, s string, limit int) {
	t.Helper()
	if len(s) > limit || !utf8.ValidString(s) {
		t.Errorf("text of %d bytes, limit %d, valid %v", len(s), limit, utf8.ValidString(s))
	}
}

func mustUser(t *testing.T, u *jumpcloud.User) *v2.Resource {
	t.Helper()
	r, err := userResource(u, testNow())
	if err != nil {
		t.Fatal(err)
	}
	return r
}
