package connector

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// answering carries every request to one answer.
type answering string

// RoundTrip implements [http.RoundTripper].
func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("X-Total-Count", "1")
	_, _ = w.WriteString(string(a))
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// FuzzMapping puts one object of any JSON into every list: a page is refused, or
// what it brings can be stored and read by others: ids and names within their
// bounds, valid text, the trait of its type, grants that name what they must.
func FuzzMapping(f *testing.F) {
	for _, seed := range []string{
		`{"_id":"64b000000000000000000001","username":"ada","email":"ada@example.com","state":"ACTIVATED","created":"2024-01-02T03:04:05Z"}`,
		`{"_id":"a","displayname":"\u0000\ud800","attributes":[{"name":"b\u0001dge ","value":[1]},{"name":"","value":"x"}],"manager":"a"}`,
		`{"id":"r","name":"Help Desk","roleName":"HELP DESK","roleNames":["Help Desk","\u0130","  "],"email":"x@y","scopes":["a",1]}`,
		`{"id":"g","name":"Sales","type":"user_group","membershipMethod":"DYNAMIC_AUTOMATED","email":"s@x","attributes":null}`,
		`{"_id":"p","displayLabel":" ","displayName":"","name":"aws","sso":{"url":"%zz","type":"saml","hidden":true},"ssoUrl":"not a url","active":0}`,
		`{"to":{"id":"u","type":"user"}}`, `{"to":{"id":"u","type":"user_group"}}`, `{"to":{"id":"u","type":"device"}}`, `{"to":null}`, `null`, `{}`,
	} {
		f.Add(seed)
	}
	group, app := syncer.Ref{Type: restype.Group, ID: "g1"}, syncer.Ref{Type: restype.App, ID: "a1"}
	lists := []syncer.List{
		kind{collection: users}.of(syncer.Ref{}), kind{collection: admins}.of(syncer.Ref{}), kind{collection: roles}.of(syncer.Ref{}),
		kind{collection: groups}.of(syncer.Ref{}), kind{collection: apps}.of(syncer.Ref{}), kind{collection: members}.of(group),
		kind{collection: dynamicMembers}.of(group), kind{collection: assignments}.of(app),
	}
	f.Fuzz(func(t *testing.T, object string) {
		// What cannot be understood is asked for again after a while.
		synctest.Test(t, func(t *testing.T) { mapObject(t, lists, object) })
	})
}

// mapObject reads every list from a server that answers with one object.
func mapObject(t *testing.T, lists []syncer.List, object string) {
	t.Helper()
	client, err := jumpcloud.New(jumpcloud.Config{
		BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}, APIKey: secret.New("k"), UserAgent: "test",
		Transport: answering("[" + object + "]"), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	source := NewSource(client, Options{MergeAdmins: true, Logger: slog.New(slog.DiscardHandler)})
	for _, list := range lists {
		page, err := source.Read(t.Context(), list, "")
		if err != nil {
			continue
		}
		checkPage(t, list, page)
	}
}

// checkPage looks at a page as the engine and the readers of the archive do.
func checkPage(t *testing.T, list syncer.List, page *syncer.Page) {
	t.Helper()
	traits := map[string]proto.Message{
		restype.User: &v2.UserTrait{}, restype.Group: &v2.GroupTrait{}, restype.App: &v2.AppTrait{}, restype.Role: &v2.RoleTrait{},
	}
	for _, r := range append(page.Resources, page.Hints...) {
		id := r.GetId()
		sound(t, list, r)
		if id.GetResource() == "" || len(id.GetResource()) > MaxID || len(r.GetDisplayName()) > MaxDisplayName || len(r.GetDescription()) > maxDescription {
			t.Errorf("%s: resource %v", list, r)
		}
		has := false
		for _, a := range r.GetAnnotations() {
			has = has || a.MessageIs(traits[id.GetResourceType()])
		}
		if !has {
			t.Errorf("%s: resource %v lacks its trait", list, id)
		}
	}
	for _, e := range page.Entitlements {
		sound(t, list, e)
		if e.GetId() != restype.EntitlementID(e.GetResource().GetId().GetResourceType(), e.GetResource().GetId().GetResource()) {
			t.Errorf("%s: entitlement %q of %v", list, e.GetId(), e.GetResource().GetId())
		}
	}
	for _, g := range page.Grants {
		sound(t, list, g)
		of, who := g.GetEntitlement().GetResource().GetId(), g.GetPrincipal().GetId()
		if who.GetResource() == "" || g.GetId() != restype.GrantID(of.GetResourceType(), of.GetResource(), who.GetResourceType(), who.GetResource()) {
			t.Errorf("%s: grant %q of %v to %v", list, g.GetId(), of, who)
		}
	}
}

// sound fails for a message that cannot be serialized, such as one with a text that
// is not UTF-8, and for texts that nobody should be handed.
func sound(t *testing.T, list syncer.List, m proto.Message) {
	t.Helper()
	if _, err := proto.Marshal(m); err != nil {
		t.Errorf("%s: %v", list, err)
	}
	for _, text := range unclean(m) {
		t.Errorf("%s: text %q", list, text)
	}
}

// FuzzRoleID forms ids of roles: the same for two names only where JumpCloud would
// take them for one, and always ones that can stand in a grant's id.
func FuzzRoleID(f *testing.F) {
	for _, seed := range [][2]string{
		{"Help Desk", "HELP DESK"},
		{"Help Desk", "Help De\u017fk"},
		{"Auditor", "auditor"},
		{"", " "},
		{"!!!", "???"},
		{"Ku\u0308che", "Küche"},
		{"a_b", "a b"},
		{"role_a", "a"},
		{"\xff", "\ufffd"},
		{strings.Repeat("ü", 300), strings.Repeat("ü", 301)},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		idA, idB := roleID(a), roleID(b)
		for name, id := range map[string]string{a: idA, b: idB} {
			if !utf8.ValidString(id) || !strings.HasPrefix(id, "role_") || len(id) > maxRoleWords+len("role__12345678") || strings.ContainsAny(id, ": /") {
				t.Errorf("roleID(%q) = %q", name, id)
			}
		}
		canonicalA, _ := roleName(a)
		canonicalB, _ := roleName(b)
		if same := canonicalA == canonicalB; same != (idA == idB) {
			t.Errorf("roleID(%q) = %q, roleID(%q) = %q", a, idA, b, idB)
		}
	})
}

// FuzzGrantIDs forms ids of grants from JumpCloud's ids: two grants have the same
// id only where they are the same, as long as ids hold no colon. JumpCloud's are
// hexadecimal, and those of roles have words and underscores.
func FuzzGrantIDs(f *testing.F) {
	f.Add("64b000000000000000000001", "64b000000000000000000002", "64b000000000000000000002", "64b000000000000000000001")
	f.Add("role_help_desk", "a", "role_help", "desk_a")
	f.Add("a", "a", "a", "b")
	f.Fuzz(func(t *testing.T, resourceA, principalA, resourceB, principalB string) {
		if strings.Contains(resourceA+principalA+resourceB+principalB, ":") {
			t.Skip("no id of JumpCloud has a colon")
		}
		for _, typeA := range []string{restype.Group, restype.App, restype.Role} {
			for _, typeB := range []string{restype.Group, restype.App, restype.Role} {
				same := typeA == typeB && resourceA == resourceB && principalA == principalB
				a, b := restype.GrantID(typeA, resourceA, restype.User, principalA), restype.GrantID(typeB, resourceB, restype.User, principalB)
				if same != (a == b) {
					t.Errorf("%q and %q", a, b)
				}
				if a == restype.GrantID(typeB, resourceB, restype.Group, principalB) {
					t.Errorf("%q is of a user and of a group", a)
				}
			}
		}
	})
}
