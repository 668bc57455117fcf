package jcsim_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

const unknownKey = `{"error":"Unauthorized","message":"Unauthorized: api key user not found"}`

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	one, two, three := jcsim.NewTenant(jcsim.Organization{Name: "One"}), jcsim.NewTenant(jcsim.Organization{Name: "Two"}), jcsim.NewTenant(jcsim.Organization{Name: "Three"})
	must[string](t)(two.AddUser(jcsim.User{Username: "in.two"}))
	s := jcsim.New(jcsim.Options{
		Tenant: one, Others: []*jcsim.Tenant{two, three},
		Keys: []jcsim.APIKey{
			{Key: "single"},
			{Key: "multi", Organizations: []string{"One", two.Organization().ID}},
			{Key: "reader", Rights: jcsim.Rights{ReadOnly: true}},
			{Key: "no-admins", Rights: jcsim.Rights{NoAdmins: true}},
			{Key: "no-apps", Rights: jcsim.Rights{Deny: jcsim.Routes{"GET /api/applications*"}}},
		},
	})
	base := newClient(t, s)
	first, second, third := one.Organization().ID, two.Organization().ID, three.Organization().ID
	for _, test := range []struct {
		name, key, org, method, path string
		status                       int
		want                         string // part of the body
	}{
		{"no key", "", "", "GET", "/api/systemusers", 302, ""},
		{"unknown key", "other-region", "", "GET", "/api/systemusers", 401, unknownKey},
		{"unknown key on v2", "other-region", "", "GET", "/api/v2/usergroups", 401, unknownKey},
		{"single", "single", "", "GET", "/api/systemusers", 200, `"totalCount":0`},
		{"single names it", "single", first, "GET", "/api/systemusers", 200, ""},
		{"single, organizations", "single", "", "GET", "/api/organizations", 200, `"totalCount":1`},
		{"single, organizations with the header", "single", first, "GET", "/api/organizations", 200, ""},
		{"single, another's", "single", second, "GET", "/api/systemusers", 404, ""},
		{"malformed", "single", "17", "GET", "/api/systemusers", 400, ""},
		{"multi without", "multi", "", "GET", "/api/systemusers", 401, `{"message":"Unauthorized: no organization selected"}`},
		{"multi without on v2", "multi", "", "GET", "/api/v2/usergroups", 401, `{"message":"Unauthorized: no organization selected"}`},
		{"multi chooses", "multi", second, "GET", "/api/systemusers", 200, `"totalCount":1`},
		{"multi, unknown", "multi", "ffffffffffffffffffffffff", "GET", "/api/systemusers", 404, ""},
		{"multi, not its own", "multi", third, "GET", "/api/systemusers", 404, ""},
		{"multi, organizations", "multi", "", "GET", "/api/organizations", 200, `"totalCount":2`},
		{"multi, organizations with the header", "multi", first, "GET", "/api/organizations", 403, ""},
		{"multi, one organization", "multi", "", "GET", "/api/organizations/" + second, 200, "Two"},
		{"multi, one organization, other header", "multi", first, "GET", "/api/organizations/" + second, 400, ""},
		{"reader reads", "reader", "", "GET", "/api/users", 200, ""},
		{"reader searches", "reader", "", "POST", "/api/search/systemusers", 200, ""},
		{"reader writes", "reader", "", "POST", "/api/v2/usergroups", 403, "message"},
		{"no admins", "no-admins", "", "GET", "/api/users", 403, "message"},
		{"no admins, users", "no-admins", "", "GET", "/api/systemusers", 200, ""},
		{"denied route", "no-apps", "", "GET", "/api/applications", 403, ""},
	} {
		headers := map[string]string{"x-org-id": test.org}
		if test.key != "" {
			headers["x-api-key"] = test.key
		}
		res := base.with(headers).do(test.method, test.path, "")
		if res.status != test.status || !strings.Contains(res.body, test.want) {
			t.Errorf("%s: %d %s", test.name, res.status, res.body)
		}
		if test.name == "no key" && res.header.Get("Location") != "/login" {
			t.Errorf("no key: location %q", res.header.Get("Location"))
		}
	}
	login := base.with(nil).get("/login")
	if login.status != 200 || !strings.HasPrefix(login.header.Get("Content-Type"), "text/html") {
		t.Errorf("login page: %d %s", login.status, login.header.Get("Content-Type"))
	}
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

func TestServiceAccounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := jcsim.New(jcsim.Options{
			Tenant: borealis(t),
			ServiceAccounts: []jcsim.ServiceAccount{
				{ClientID: "sa", ClientSecret: "s+e/c r:et", Lifetime: 90 * time.Second},
				{ClientID: "liar", ClientSecret: "x", Lifetime: time.Second, Announced: time.Hour, Rights: jcsim.Rights{NoAdmins: true}},
			},
		})
		base := newClient(t, s)
		form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
		for _, test := range []struct {
			name, authorization, body string
			status                    int
			want                      string
		}{
			{"form credentials", "", "grant_type=client_credentials&client_id=sa&client_secret=s", 401, `"error":"invalid_client"`},
			{"wrong secret", basic("sa", "guess"), "grant_type=client_credentials", 401, `"error":"invalid_client"`},
			{"unknown id", basic("as", "guess"), "grant_type=client_credentials", 401, `"error":"invalid_client"`},
			{"wrong grant", basic("sa", "s%2Be%2Fc+r%3Aet"), "grant_type=password", 400, `"error":"unsupported_grant_type"`},
			{"wrong scope", basic("sa", "s%2Be%2Fc+r%3Aet"), "grant_type=client_credentials&scope=admin", 400, `"error":"invalid_scope"`},
			{"right", basic("sa", "s%2Be%2Fc+r%3Aet"), "grant_type=client_credentials&scope=api", 200, `"token_type":"bearer","expires_in":90,"scope":"api"`},
		} {
			headers := map[string]string{"Content-Type": form["Content-Type"]}
			if test.authorization != "" {
				headers["Authorization"] = test.authorization
			}
			res := base.with(headers).do("POST", "/oauth2/token", test.body)
			if res.status != test.status || !strings.Contains(res.body, test.want) {
				t.Errorf("%s: %d %s", test.name, res.status, res.body)
			}
		}
		bearer := func(id, secret string) *client {
			res := base.with(map[string]string{"Authorization": basic(id, secret)}).do("POST", "/oauth2/token", "grant_type=client_credentials&scope=api")
			var body struct {
				AccessToken string `json:"access_token"`
				ExpiresIn   int    `json:"expires_in"`
			}
			if err := json.Unmarshal([]byte(res.body), &body); err != nil || body.AccessToken == "" {
				t.Fatalf("token: %s", res.body)
			}
			return base.with(map[string]string{"Authorization": "Bearer " + body.AccessToken})
		}
		status := func(c *client, path string, want int) {
			t.Helper()
			if res := c.get(path); res.status != want {
				t.Errorf("%s: %d, want %d: %s", path, res.status, want, res.body)
			}
		}
		c := bearer("sa", "s%2Be%2Fc+r%3Aet")
		status(c, "/api/systemusers", 200)
		status(c, "/api/v2/usergroups", 200)
		<-time.After(89 * time.Second)
		status(c, "/api/systemusers", 200)
		<-time.After(time.Second)
		status(c, "/api/systemusers", 401)
		c = bearer("sa", "s%2Be%2Fc+r%3Aet")
		s.RevokeTokens()
		status(c, "/api/systemusers", 401)

		c = bearer("liar", "x")
		status(c, "/api/users", 403)
		<-time.After(2 * time.Second)
		status(c, "/api/systemusers", 401)
		status(base.with(map[string]string{"Authorization": "Bearer made-up"}), "/api/systemusers", 401)
		status(base.with(map[string]string{"x-api-key": jcsim.DefaultKey}), "/api/systemusers", 401) // no such key here
	})
}

func TestCredentialsAreChecked(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]jcsim.Options{
		"empty key":       {Keys: []jcsim.APIKey{{}}},
		"twice":           {Keys: []jcsim.APIKey{{Key: "a"}, {Key: "a"}}},
		"unknown org":     {Keys: []jcsim.APIKey{{Key: "a", Organizations: []string{"Nowhere"}}}},
		"no secret":       {ServiceAccounts: []jcsim.ServiceAccount{{ClientID: "a"}}},
		"account's org":   {ServiceAccounts: []jcsim.ServiceAccount{{ClientID: "a", ClientSecret: "b", Organization: "Nowhere"}}},
		"bad settings":    {Settings: jcsim.Settings{Faults: []jcsim.Fault{{Effect: "explode"}}}},
		"negative rate":   {Settings: jcsim.Settings{Rate: jcsim.Rate{PerSecond: -1}}},
		"bad probability": {Settings: jcsim.Settings{Faults: []jcsim.Fault{{Effect: jcsim.EffectReset, Probability: 2}}}},
	} {
		if err := o.Check(); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// TestHeadersNeverEcho holds that a refusal does not repeat a credential.
func TestHeadersNeverEcho(t *testing.T) {
	t.Parallel()
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: borealis(t)})).with(map[string]string{"x-api-key": "sekret"})
	res := c.get("/api/systemusers")
	all, err := json.Marshal(res.header)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(false, strings.Contains(res.body+string(all), "sekret")); diff != "" {
		t.Error("the key is in the answer")
	}
}
