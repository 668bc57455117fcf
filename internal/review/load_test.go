package review_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

func TestResource(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	created := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	login := created.Add(time.Hour)
	b.User("u1", "Zoë", func(r *v2.Resource, u *v2.UserTrait) {
		r.Profile = reviewtest.Profile(t, map[string]any{
			"department": "R&D", "job_title": "Engineer", "manager_id": "m1", "manager": "boss@example.com",
			"n": 1.5, "big": 12345678901, "list": []any{"a", "<b>"}, "none": nil, "yes": true,
		})
		r.CreatedAt = timestamppb.New(created)
		r.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_DISABLED, Details: "locked"}
		r.Description = "Somebody"
		u.Emails = []*v2.UserTrait_Email{{Address: "second@example.com"}, {Address: "first@example.com", IsPrimary: true}}
		u.MfaStatus = &v2.UserTrait_MFAStatus{}
		u.LastLogin = timestamppb.New(login)
		u.EmployeeIds = []string{"7"}
	})
	// As older connectors write them: all on the trait, and the kind only there.
	b.Type("thing", "Thing")
	old := b.Resource("thing", "t1", "Old account")
	old.Annotations = []*anypb.Any{reviewtest.Annotation(t, &v2.UserTrait{
		Status:    &v2.UserTrait_Status{Status: v2.UserTrait_Status_STATUS_ENABLED, Details: "fine"}, //nolint:staticcheck // As older connectors write it.
		Profile:   reviewtest.Profile(t, map[string]any{"Department": "Sales"}),                      //nolint:staticcheck // As older connectors write it.
		CreatedAt: timestamppb.New(created), AccountType: v2.UserTrait_ACCOUNT_TYPE_SERVICE,          //nolint:staticcheck // As older connectors write it.
	})}
	app := b.Resource("app", "a1", "")
	app.ParentResourceId = &v2.ResourceId{ResourceType: "group", Resource: "g1"}
	app.Annotations = []*anypb.Any{reviewtest.Annotation(t, &v2.AppTrait{
		HelpUrl: "https://example.com/help", Logo: &v2.AssetRef{Id: "logo"},
		Flags: []v2.AppTrait_AppFlag{v2.AppTrait_APP_FLAG_HIDDEN, v2.AppTrait_APP_FLAG_SAML},
	})}
	s := b.Load()

	want := map[string]review.Resource{
		"user:u1": {
			Brief:       review.Brief{Type: "user", ID: "u1", Name: "Zoë", Kind: review.Account},
			Description: "Somebody",
			Account: &review.AccountInfo{
				Status: review.Disabled, Details: "locked", Email: "first@example.com",
				Emails: []string{"first@example.com", "second@example.com"}, Login: "u1-login", Type: "human", MFA: review.No,
				Created: created, LastLogin: login, EmployeeIDs: []string{"7"},
				Manager: "boss@example.com", Department: "R&D", Title: "Engineer",
			},
			Profile: []review.Field{
				{"big", "12345678901"},
				{"department", "R&D"},
				{"job_title", "Engineer"},
				{"list", `["a","<b>"]`},
				{"manager", "boss@example.com"},
				{"manager_id", "m1"},
				{"n", "1.5"},
				{"none", ""},
				{"yes", "true"},
			},
		},
		"thing:t1": {
			Brief: review.Brief{Type: "thing", ID: "t1", Name: "Old account", Kind: review.Account},
			Account: &review.AccountInfo{
				Status: review.Enabled, Details: "fine", Type: "service", Created: created, Department: "Sales",
			},
			Profile: []review.Field{{"Department", "Sales"}},
		},
		"app:a1": {
			Brief:   review.Brief{Type: "app", ID: "a1", Name: "a1", Kind: review.Application},
			HelpURL: "https://example.com/help", Icon: "logo", ParentType: "group", ParentID: "g1", Facts: []string{"hidden", "saml"},
		},
	}
	for key, want := range want {
		typ, id, _ := strings.Cut(key, ":")
		want.Ref = reviewtest.Ref(t, s, typ, id)
		if d := cmp.Diff(want, s.Resource(want.Ref)); d != "" {
			t.Errorf("%s: %s", key, d)
		}
	}
}

// TestNamedOnlyByGrants loads an archive whose grants name what it has no rows for.
func TestNamedOnlyByGrants(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	group := b.Resource("group", "g1", "Staff")
	member := b.Entitlement(group, "member")
	ghost := &v2.Resource{Id: &v2.ResourceId{ResourceType: "user", Resource: "gone"}}
	alien := &v2.Resource{Id: &v2.ResourceId{ResourceType: "robot", Resource: "r2"}}
	b.Grant(member, ghost)
	b.Grant(member, alien)
	lost := &v2.Entitlement{Id: "app:lost:use", Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: "app", Resource: "lost"}}}
	b.Grant(lost, ghost, "somewhere:else")
	s := b.Load()

	r := reviewtest.Ref(t, s, "user", "gone")
	want := review.Brief{Ref: r, Type: "user", ID: "gone", Name: "gone", Kind: review.Account, Missing: true}
	if d := cmp.Diff(want, s.Brief(r)); d != "" {
		t.Error(d)
	}
	if got := s.Brief(reviewtest.Ref(t, s, "robot", "r2")); got.Kind != review.Other || !got.Missing {
		t.Errorf("a robot is %+v", got)
	}
	accounts, err := s.Resources(review.Account, search.Query{})
	if err != nil || accounts.Total != 0 || s.Overview().Counts[review.Account] != 0 {
		t.Errorf("what has no row is listed: %+v, %v", accounts, err)
	}
	principals, err := s.Principals(search.Query{})
	if err != nil || principals.Total != 2 {
		t.Errorf("%d principals, %v; want 2", principals.Total, err)
	}
	page, err := s.Access(r, search.Query{Search: "lost"})
	if err != nil || len(page.Rows) != 1 {
		t.Fatal(page, err)
	}
	h := page.Rows[0]
	if !h.Entitlement.Missing || h.Direct || h.Entitlement.Resource.ID != "lost" || len(h.Paths) != 1 ||
		s.EntitlementAt(h.Paths[0][0]).ID != "somewhere:else" {
		t.Errorf("holding %+v", h)
	}
	if h.GrantID != "app:lost:use:user:gone" {
		t.Errorf("grant id %q", h.GrantID)
	}
	grants, err := s.Grants(search.Query{Filter: map[string]string{"entitlement": "group:g1:member"}})
	if err != nil || grants.Total != 2 {
		t.Errorf("%d members, %v", grants.Total, err)
	}
}

func TestGrantIDs(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	ada, bo := b.User("u1", "Ada"), b.User("u2", "Bo")
	group := b.Resource("group", "g1", "Staff")
	member, owner := b.Entitlement(group, "member"), b.Entitlement(group, "owner")
	b.Grant(member, ada)
	b.Grant(member, bo).Id = "group-grant:g1:user:u2:g1"
	b.Grant(owner, ada).Id = "anything at all"
	// A second grant of the same thing, which is direct.
	b.Grant(owner, bo, "elsewhere").Id = "one"
	b.Grant(owner, bo).Id = "another"
	s := b.Load()
	for id, holder := range map[string]string{
		"group:g1:member:user:u1": "Ada", "group-grant:g1:user:u2:g1": "Bo", "anything at all": "Ada", "one": "Bo", "another": "Bo",
	} {
		page, err := s.Grants(search.Query{Search: id})
		if err != nil || page.Total != 1 || page.Rows[0].ID != id || page.Rows[0].Principal.Name != holder {
			t.Errorf("%s: %+v, %v", id, page, err)
		}
	}
	who, err := s.Who(reviewtest.EntRef(t, s, "group:g1:owner"), search.Query{})
	if err != nil || who.Total != 2 || !who.Rows[1].Direct || who.Rows[1].GrantID != "another" {
		t.Errorf("owners: %+v, %v", who, err)
	}
	if got := s.EntitlementAt(reviewtest.EntRef(t, s, "group:g1:owner")).Holders; got != (review.Count{All: 2, Direct: 2}) {
		t.Errorf("owners: %+v", got)
	}
	// Two entitlements of the group, and still two members.
	if row := s.Row(reviewtest.Ref(t, s, "group", "g1")); row.Members != (review.Count{All: 2, Direct: 2}) || row.Entitlements != 2 {
		t.Errorf("group: %+v", row)
	}
	if row := s.Row(reviewtest.Ref(t, s, "user", "u2")); row.Holdings != (review.Count{All: 2, Direct: 2}) {
		t.Errorf("user: %+v", row)
	}
}

func TestLoadChooses(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	b.User("u1", "Ada")
	r := b.Write()
	if _, err := review.Load(t.Context(), r, "no such sync", nil); !errors.Is(err, c1z.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	s := reviewtest.Load(t, r, "")
	if !s.Run.Finished() || s.Overview().Duration != 90*time.Second {
		t.Errorf("sync %+v", s.Run)
	}
	if _, err := review.Previous(t.Context(), r, s.Run); !errors.Is(err, c1z.ErrNotFound) {
		t.Errorf("a sync before the only one: %v", err)
	}
}

func TestPrevious(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sync.c1z")
	b := reviewtest.New(t)
	b.User("u1", "Ada")
	first := reviewtest.Load(t, b.WriteTo(path, reviewtest.Begin), "")
	b.User("u2", "Bo")
	r := b.WriteTo(path, reviewtest.Begin.Add(time.Hour))
	second := reviewtest.Load(t, r, "")
	if second.Len() != 2 {
		t.Fatalf("%d resources are shown, want the newest sync's 2", second.Len())
	}
	run, err := review.Previous(t.Context(), r, second.Run)
	if err != nil || run.ID != first.Run.ID {
		t.Fatalf("%s is before %s, %v; want %s", run.ID, second.Run.ID, err, first.Run.ID)
	}
	if _, err := review.Previous(t.Context(), r, run); !errors.Is(err, c1z.ErrNotFound) {
		t.Errorf("a sync before the first: %v", err)
	}
	d, err := diff.Compare(t.Context(), reviewtest.Load(t, r, run.ID), second)
	if err != nil || d.Resources[review.Account].Added != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestHostileTexts loads names that are made to do harm and wants them back as they
// are.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	names := []string{
		`<script>alert(1)</script>`, "=cmd|' /C calc'!A0", "\u202Egnp.exe", "a\x1b[31mred", "tab\there", "line\nbreak", "\x00zero",
		strings.Repeat("long ", 200), "  ", "👩‍👩‍👧‍👦", "İstanbul", "ﬁne", "Ł", "e\u0301",
	}
	b := reviewtest.New(t)
	group := b.Resource("group", "g1", "Staff")
	member := b.Entitlement(group, "member")
	for i, name := range names {
		b.Grant(member, b.User("u:"+strings.Repeat("x", i), name))
	}
	s := b.Load()
	for i, name := range names {
		r := reviewtest.Ref(t, s, "user", "u:"+strings.Repeat("x", i))
		if got := s.Brief(r).Name; got != name {
			t.Errorf("name %q, want %q", got, name)
		}
		if found, err := s.FindResource("user:u:" + strings.Repeat("x", i)); err != nil || found != r {
			t.Errorf("%q: %v", name, err)
		}
		if strings.TrimSpace(name) != "" {
			if found, err := s.FindResource(name); err != nil || found != r {
				t.Errorf("%.40q is not found by its name: %v", name, err)
			}
			page, err := s.Resources(review.Account, search.Query{Search: name})
			if err != nil || page.Total == 0 {
				t.Errorf("%.40q is not found by a search: %v", name, err)
			}
		}
	}
	for words, want := range map[string]string{"fine": "ﬁne", "istanbul": "İstanbul", "l": "Ł", "É": "e\u0301"} {
		page, err := s.Resources(review.Account, search.Query{Search: words})
		found := false
		for _, row := range page.Rows {
			found = found || row.Name == want
		}
		if err != nil || !found {
			t.Errorf("%q does not find %q: %v", words, want, err)
		}
	}
}
