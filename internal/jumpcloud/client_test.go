package jumpcloud_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

const (
	testKey = "jca_0123456789abcdef"
	testOrg = "64a000000000000000000001"
	// basePath makes requests fail that do not start from the configured address.
	basePath = "/base/path"
)

// newTestClient serves a mux under a base path. Every path outside of it, and
// every route that the mux does not know, fails the test.
func newTestClient(t *testing.T, mux *http.ServeMux, change ...func(*jumpcloud.Config)) *jumpcloud.Client {
	t.Helper()
	mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { t.Errorf("unexpected request %s %s", r.Method, r.URL) })
	root := http.NewServeMux()
	root.Handle(basePath+"/", http.StripPrefix(basePath, mux))
	root.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { t.Errorf("request outside of the base path: %s", r.URL) })
	server := httptest.NewServer(root)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL + basePath)
	if err != nil {
		t.Fatal(err)
	}
	cfg := jumpcloud.Config{
		BaseURL: base, APIKey: secret.New(testKey), OrgID: testOrg, UserAgent: "baton-jumpcloud/test",
		Logger: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&cfg)
	}
	client, err := jumpcloud.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, body) //nolint:errcheck // A test server.
}

func TestNewChecksItsConfiguration(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		cfg  jumpcloud.Config
		base string
		want string // in the error; "" for none
	}{
		{name: "key", base: "https://console.example", cfg: jumpcloud.Config{APIKey: secret.New("k")}},
		{name: "loopback", base: "http://127.0.0.1:8080/x", cfg: jumpcloud.Config{APIKey: secret.New("k")}},
		{name: "loopback v6", base: "http://[::1]:8080", cfg: jumpcloud.Config{APIKey: secret.New("k")}},
		{name: "localhost", base: "http://localhost:8080", cfg: jumpcloud.Config{APIKey: secret.New("k")}},
		{name: "plain http", base: "http://console.example", cfg: jumpcloud.Config{APIKey: secret.New("k")}, want: "https://"},
		{name: "a host like loopback", base: "http://127.0.0.1.example.com", cfg: jumpcloud.Config{APIKey: secret.New("k")}, want: "https://"},
		{name: "other scheme", base: "ftp://console.example", cfg: jumpcloud.Config{APIKey: secret.New("k")}, want: "https://"},
		{name: "no address", cfg: jumpcloud.Config{APIKey: secret.New("k")}, want: "base URL is missing"},
		{name: "user in the address", base: "https://me:pw@console.example", cfg: jumpcloud.Config{APIKey: secret.New("k")}, want: "user name"},
		{name: "query in the address", base: "https://console.example?a=b", cfg: jumpcloud.Config{APIKey: secret.New("k")}, want: "end with its path"},
		{name: "nothing", base: "https://console.example", want: "no credential"},
		{name: "half a pair", base: "https://console.example", cfg: jumpcloud.Config{ClientID: "id"}, want: "both its client id"},
		{name: "other half", base: "https://console.example", cfg: jumpcloud.Config{ClientSecret: secret.New("s")}, want: "both its client id"},
		{
			name: "both", base: "https://console.example", want: "set one of them",
			cfg: jumpcloud.Config{APIKey: secret.New("k"), ClientID: "id", ClientSecret: secret.New("s")},
		},
		{
			name: "pair without endpoint", base: "https://console.example", want: "token URL is missing",
			cfg: jumpcloud.Config{ClientID: "id", ClientSecret: secret.New("s")},
		},
		{
			name: "pair with plain endpoint", base: "https://console.example", want: "https://",
			cfg: jumpcloud.Config{ClientID: "id", ClientSecret: secret.New("s"), TokenURL: &url.URL{Scheme: "http", Host: "oauth.example"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := tt.cfg
			cfg.Logger = slog.New(slog.DiscardHandler)
			if tt.base != "" {
				base, err := url.Parse(tt.base)
				if err != nil {
					t.Fatal(err)
				}
				cfg.BaseURL = base
			}
			_, err := jumpcloud.New(cfg)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("unexpected error: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("the error is %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestRegion(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{
		"us": {"https://console.jumpcloud.com", "https://admin-oauth.id.jumpcloud.com/oauth2/token"},
		"eu": {"https://console.eu.jumpcloud.com", "https://admin-oauth.id.eu.jumpcloud.com/oauth2/token"},
		"IN": {"https://console.in.jumpcloud.com", "https://admin-oauth.id.in.jumpcloud.com/oauth2/token"},
	} {
		base, token, err := jumpcloud.Region(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := [2]string{base.String(), token.String()}; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if _, _, err := jumpcloud.Region("mars"); err == nil {
		t.Error("a region that does not exist was taken")
	}
}

func TestRequestsCarryTheirHeaders(t *testing.T) {
	t.Parallel()
	var seen []jumpcloud.RequestInfo
	var mu sync.Mutex
	mux := http.NewServeMux()
	check := func(org string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			want := map[string]string{"X-Api-Key": testKey, "X-Org-Id": org, "User-Agent": "baton-jumpcloud/test", "Accept": "application/json"}
			for name, value := range want {
				if got := r.Header.Get(name); got != value {
					t.Errorf("%s: %s is %q, want %q", r.URL.Path, name, got, value)
				}
			}
			answer(w, 200, `{"totalCount":0,"results":[]}`)
		}
	}
	mux.Handle("GET /api/organizations", check(""))
	mux.Handle("GET /api/users", check(testOrg))
	client := newTestClient(t, mux, func(cfg *jumpcloud.Config) {
		cfg.Observe = func(i jumpcloud.RequestInfo) {
			mu.Lock()
			defer mu.Unlock()
			i.Duration, i.Waited = 0, 0
			seen = append(seen, i)
		}
	})
	if _, err := client.Organizations(t.Context(), paging.Window{Limit: 100}); err != nil {
		t.Error(err)
	}
	if _, err := client.Admins(t.Context(), paging.Window{Limit: 100}); err != nil {
		t.Error(err)
	}
	want := []jumpcloud.RequestInfo{
		{Method: "GET", Route: "/api/organizations", Status: 200, Attempt: 1, InFlight: 1},
		{Method: "GET", Route: "/api/users", Status: 200, Attempt: 1, InFlight: 1},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("observed requests (-want +got):\n%s", diff)
	}
}

// TestRefusalsAreExplained checks what a person gets to read.
func TestRefusalsAreExplained(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	tests := []struct {
		name   string
		status int
		header http.Header
		body   string
		kind   jumpcloud.Kind
		want   []string
		never  []string
	}{
		{
			name: "bad key", status: 401, body: `{"error":"Unauthorized","message":"Unauthorized: api key user not found"}`,
			kind: jumpcloud.KindUnauthenticated,
			want: []string{"api key user not found", "another region", "My API Key", "GET /api/v2/usergroups/{id}/members", "HTTP 401"},
		},
		{
			name: "no organization", status: 401, body: `{"message":"Unauthorized: no organization selected"}`,
			kind: jumpcloud.KindUnauthenticated, want: []string{"--org-id"}, never: []string{"region"},
		},
		{
			name: "permission", status: 403, body: `{"message":"Forbidden"}`,
			kind: jumpcloud.KindPermission, want: []string{"group members", "users.readonly"},
		},
		{name: "permission in words", status: 403, body: `Forbidden`, kind: jumpcloud.KindPermission, want: []string{"users.readonly"}},
		{name: "permission without words", status: 403, kind: jumpcloud.KindPermission, want: []string{"users.readonly"}},
		{name: "not found", status: 404, body: `{"message":"Not Found"}`, kind: jumpcloud.KindNotFound, want: []string{"id g1"}},
		{name: "no such route", status: 404, body: `Cannot GET /api/v2/whatever`, kind: jumpcloud.KindNotFound, want: []string{"Cannot GET"}},
		{name: "specified form", status: 400, body: `{"code":3,"message":"invalid request","status":"INVALID_ARGUMENT"}`, kind: jumpcloud.KindInvalid, want: []string{"invalid request"}},
		{name: "error only", status: 400, body: `{"error":"bad"}`, kind: jumpcloud.KindInvalid, want: []string{": bad"}},
		{name: "description only", status: 400, body: `{"error_description":"worse"}`, kind: jumpcloud.KindInvalid, want: []string{": worse"}},
		{name: "error and description", status: 400, body: `{"error":"bad","error_description":"worse"}`, kind: jumpcloud.KindInvalid, want: []string{": bad: worse"}},
		{name: "a signature", status: 400, body: `{"message":"bad token eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJhIn0.c2ln"}`, kind: jumpcloud.KindInvalid, want: []string{"bad token [redacted]"}},
		{name: "a page", status: 400, body: `<html><body>nginx</body></html>`, kind: jumpcloud.KindInvalid, never: []string{"nginx"}},
		{name: "a long story", status: 400, body: long, kind: jumpcloud.KindInvalid, want: []string{long[:200] + "…"}, never: []string{long[:201]}},
		{name: "our own key", status: 400, body: `{"message":"key ` + testKey + ` is odd"}`, kind: jumpcloud.KindInvalid, want: []string{"[redacted] is odd"}, never: []string{testKey}},
		{name: "control characters", status: 400, body: "a\x1b[31mb\r\nc", kind: jumpcloud.KindInvalid, want: []string{"a [31mb c"}},
		{name: "redirect", status: 302, header: http.Header{"Location": {"/login"}}, kind: jumpcloud.KindUnauthenticated, want: []string{"redirected", "another region"}},
		{name: "unimplemented", status: 501, body: `{}`, kind: jumpcloud.KindUnimplemented},
		{name: "conflict", status: 409, body: `{"message":"Already Exists"}`, kind: jumpcloud.KindConflict, want: []string{"Already Exists"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			requests := 0
			mux.HandleFunc("GET /api/v2/usergroups/{id}/members", func(w http.ResponseWriter, _ *http.Request) {
				requests++
				maps.Copy(w.Header(), tt.header)
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body) //nolint:errcheck // A test server.
			})
			_, err := newTestClient(t, mux).GroupMembers(t.Context(), "g1", paging.Window{Limit: 100})
			var e *jumpcloud.Error
			if !errors.As(err, &e) {
				t.Fatalf("the error is %v", err)
			}
			if e.Kind != tt.kind || e.Status != tt.status {
				t.Errorf("the error is of kind %q with status %d, want %q with %d", e.Kind, e.Status, tt.kind, tt.status)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			for _, never := range append(tt.never, testKey, "skip=") {
				if strings.Contains(err.Error(), never) {
					t.Errorf("the error says %q: %v", never, err)
				}
			}
			if requests != 1 {
				t.Errorf("%d requests were made", requests)
			}
		})
	}
}

// TestAnswersThatAreNoData must not be taken for an empty list.
func TestAnswersThatAreNoData(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, contentType, body string
		kind                    jumpcloud.Kind // "" for success
	}{
		{name: "sign-in page", contentType: "text/html; charset=utf-8", body: "<!DOCTYPE html><title>Sign in</title>", kind: jumpcloud.KindUnauthenticated},
		{name: "a page that claims to be data", contentType: "application/json", body: "  <html>", kind: jumpcloud.KindUnauthenticated},
		{name: "data that claims to be a page", contentType: "text/html", body: "[]", kind: jumpcloud.KindUnauthenticated},
		{name: "words", contentType: "text/plain", body: "hello", kind: jumpcloud.KindUnauthenticated},
		{name: "another type", contentType: "text/plain", body: "[]"},
		{name: "no type", body: " \n[]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("GET /api/v2/usergroups/{id}/members", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.contentType)
				io.WriteString(w, tt.body) //nolint:errcheck // A test server.
			})
			_, err := newTestClient(t, mux).GroupMembers(t.Context(), "g1", paging.Window{Limit: 100})
			if got := jumpcloud.KindOf(err); got != tt.kind {
				t.Errorf("the error is %v of kind %q, want %q", err, got, tt.kind)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed with the headers %v", r.Header)
	}))
	t.Cleanup(elsewhere.Close)
	mux := http.NewServeMux()
	mux.Handle("GET /api/users", http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	_, err := newTestClient(t, mux).Admins(t.Context(), paging.Window{Limit: 100})
	if !jumpcloud.IsUnauthenticated(err) {
		t.Errorf("the error is %v", err)
	}
}

// TestBodiesAreCapped serves a body without an end.
func TestBodiesAreCapped(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/users", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"results":[],"other":"`) //nolint:errcheck // A test server.
		filler := []byte(strings.Repeat("a", 1<<20))
		for range 100 {
			if _, err := w.Write(filler); err != nil {
				return
			}
		}
	})
	_, err := newTestClient(t, mux).Admins(t.Context(), paging.Window{Limit: 100})
	if err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("the error is %v", err)
	}
}

// TestIDsStayInTheirPlace keeps an id from becoming another route.
func TestIDsStayInTheirPlace(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	var got []string
	mux.HandleFunc("GET /api/systemusers/{id}", func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.PathValue("id"))
		answer(w, 200, `{"id":"x"}`)
	})
	client := newTestClient(t, mux)
	for _, bad := range []string{"", ".", "..", "../users", "a/b", "a?b", "a#b", "a%2fb", `a\b`, "a\x00"} {
		if _, err := client.User(t.Context(), bad); jumpcloud.KindOf(err) != jumpcloud.KindInvalid {
			t.Errorf("the id %q gives the error %v", bad, err)
		}
	}
	for _, good := range []string{"64b0000000000000000000b1", "a b", "é"} {
		if _, err := client.User(t.Context(), good); err != nil {
			t.Errorf("the id %q: %v", good, err)
		}
	}
	if diff := cmp.Diff([]string{"64b0000000000000000000b1", "a b", "é"}, got); diff != "" {
		t.Errorf("ids that were asked for (-want +got):\n%s", diff)
	}
}

// TestWrites checks the bodies of changes and that each is sent once.
func TestWrites(t *testing.T) {
	t.Parallel()
	var bodies []string
	status := http.StatusNoContent
	mux := http.NewServeMux()
	record := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies = append(bodies, r.URL.Path+" "+r.Header.Get("Content-Type")+" "+string(body))
		w.WriteHeader(status)
	}
	mux.HandleFunc("POST /api/v2/usergroups/{id}/members", record)
	mux.HandleFunc("POST /api/v2/applications/{id}/associations", record)
	client := newTestClient(t, mux)
	for _, err := range []error{
		client.AddGroupMember(t.Context(), "g1", "u1"),
		client.RemoveGroupMember(t.Context(), "g1", "u1"),
		client.Bind(t.Context(), jumpcloud.TypeApplication, "a1", jumpcloud.TypeUser, "u1"),
		client.Unbind(t.Context(), jumpcloud.TypeApplication, "a1", jumpcloud.TypeUserGroup, "g1"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if err := client.Bind(t.Context(), jumpcloud.TypeApplication, "a1", "system", "s1"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("binding a system gives %v", err)
	}
	want := []string{
		`/api/v2/usergroups/g1/members application/json {"op":"add","type":"user","id":"u1"}`,
		`/api/v2/usergroups/g1/members application/json {"op":"remove","type":"user","id":"u1"}`,
		`/api/v2/applications/a1/associations application/json {"op":"add","type":"user","id":"u1"}`,
		`/api/v2/applications/a1/associations application/json {"op":"remove","type":"user_group","id":"g1"}`,
	}
	if diff := cmp.Diff(want, bodies); diff != "" {
		t.Errorf("changes that were sent (-want +got):\n%s", diff)
	}
	for _, tt := range []struct {
		status    int
		kind      jumpcloud.Kind
		maybeDone bool
	}{
		{409, jumpcloud.KindConflict, false},
		{404, jumpcloud.KindNotFound, false},
		{403, jumpcloud.KindPermission, false},
		{429, jumpcloud.KindUnavailable, false},
		{500, jumpcloud.KindUnavailable, true},
		{503, jumpcloud.KindUnavailable, true},
		{504, jumpcloud.KindUnavailable, true},
	} {
		bodies, status = nil, tt.status
		err := client.AddGroupMember(t.Context(), "g1", "u1")
		var e *jumpcloud.Error
		if !errors.As(err, &e) || e.Kind != tt.kind || e.MaybeDone != tt.maybeDone {
			t.Errorf("status %d gives %v (%+v)", tt.status, err, e)
		}
		if len(bodies) != 1 {
			t.Errorf("with status %d the change was sent %d times", tt.status, len(bodies))
		}
	}
}

// TestRoutesMatchTheMethods calls every read and checks that routes.go describes
// what is sent.
func TestRoutesMatchTheMethods(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var used []string
	mux := http.NewServeMux()
	for _, route := range jumpcloud.Routes() {
		mux.HandleFunc(route.Method+" "+route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			used = append(used, route.Method+" "+route.Pattern)
			switch {
			case strings.HasPrefix(route.Pattern, "/api/search/"):
				answer(w, http.StatusForbidden, `{}`)
			case strings.HasSuffix(route.Pattern, "/events"):
				answer(w, 200, `[]`)
			case strings.HasPrefix(route.Pattern, "/insights/"):
				answer(w, 200, `{"count":0,"buckets":[]}`)
			case strings.HasSuffix(route.Pattern, "/auth-config"):
				answer(w, 200, `{"authConfig":{"apiKeyConfig":{"apiKey":"x"}}}`)
			case r.Method == http.MethodPost:
				w.WriteHeader(http.StatusNoContent)
			case strings.Contains(route.Pattern, "/v2/") && route.Pattern != "/api/v2/roles" && (!strings.HasSuffix(route.Pattern, "{id}") || strings.Contains(route.Pattern, "/bulk/")):
				answer(w, 200, `[]`)
			case strings.HasSuffix(route.Pattern, "{id}"):
				answer(w, 200, `{"id":"x"}`)
			default:
				answer(w, 200, `{"results":[],"totalCount":0}`)
			}
		})
	}
	client := newTestClient(t, mux)
	ctx, w := t.Context(), paging.Window{Limit: 100}
	both := []string{jumpcloud.TypeUser, jumpcloud.TypeUserGroup}
	calls := []error{
		second(client.Organizations(ctx, w)), second(client.Organization(ctx, "x")),
		second(client.Users(ctx, w)), second(client.User(ctx, "x")), second(client.UserMemberOf(ctx, "x", w)),
		second(client.Admins(ctx, w)), second(client.Admin(ctx, "x")),
		second(client.Events(ctx, jumpcloud.EventQuery{}, nil)),
		second(client.CountEvents(ctx, jumpcloud.EventQuery{})),
		second(client.DistinctEvents(ctx, jumpcloud.EventQuery{}, "initiated_by.id")),
		second(client.Roles(ctx, w)), second(client.Role(ctx, "x")),
		second(client.UserGroups(ctx, w)), second(client.UserGroup(ctx, "x")),
		second(client.GroupMembers(ctx, "x", w)), second(client.UserGroupMembership(ctx, "x", w)),
		second(client.Applications(ctx, w)), second(client.Application(ctx, "x")),
		second(client.Directories(ctx, w)), second(client.RADIUSServers(ctx, w)), second(client.RADIUSServer(ctx, "x")),
		second(client.Devices(ctx, w)), second(client.Device(ctx, "x")), second(client.DeviceGroups(ctx, w)), second(client.DeviceGroup(ctx, "x")), second(client.DeviceGroupMembers(ctx, "x", w)),
		second(client.ServiceAccounts(ctx, w)), second(client.ServiceAccount(ctx, "x")),
		second(client.UserAssociations(ctx, "x", jumpcloud.TypeApplication, w)), second(client.UserGroupAssociations(ctx, "x", jumpcloud.TypeApplication, w)),
		client.AddGroupMember(ctx, "x", "u"),
		client.CreateUser(ctx, jumpcloud.Fields{}), client.UpdateUser(ctx, "x", jumpcloud.Fields{}), client.DeleteUser(ctx, "x", "null"),
		client.ExpirePassword(ctx, "x"), client.UnlockUser(ctx, "x"), client.ResetMFA(ctx, "x", time.Time{}),
		client.ActivateUser(ctx, "x", ""), client.MailActivation(ctx, "x"), client.ScheduleState(ctx, "x", "SUSPENDED", time.Now()),
		second(client.Schedules(ctx, "x", w)), second(client.GroupFields(ctx, "x")),
		client.CreateUserGroup(ctx, jumpcloud.Fields{}), client.UpdateUserGroup(ctx, "x", jumpcloud.Fields{}), client.DeleteUserGroup(ctx, "x"),
		client.CreateAdmin(ctx, jumpcloud.Fields{}), client.UpdateAdmin(ctx, "x", jumpcloud.Fields{}), client.DeleteAdmin(ctx, "x"),
		second(client.AddCredential(ctx, "x", jumpcloud.NewCredential{Type: jumpcloud.AuthAPIKey, Lifetime: "90 Days"})), client.RevokeCredential(ctx, "x", "k"),
	}
	for _, kind := range []string{
		jumpcloud.TypeApplication, jumpcloud.TypeGSuite, jumpcloud.TypeOffice365, jumpcloud.TypeLDAPServer, jumpcloud.TypeActiveDirectory, jumpcloud.TypeRADIUSServer,
		jumpcloud.TypeDevice, jumpcloud.TypeDeviceGroup,
	} {
		calls = append(calls, second(client.Bindings(ctx, kind, "x", both, w)), second(client.BoundUsers(ctx, kind, "x", w)),
			second(client.BoundUserGroups(ctx, kind, "x", w)), client.Bind(ctx, kind, "x", jumpcloud.TypeUser, "u"))
	}
	if err := second(client.Bindings(ctx, "policy", "x", both, w)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("bindings of another kind: %v", err)
	}
	for i, err := range calls {
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	for _, route := range jumpcloud.Routes() {
		name := route.Method + " " + route.Pattern
		if !slices.Contains(used, name) {
			t.Errorf("no method uses %s", name)
		}
		if route.List == "" || route.Purpose == "" || route.Permission == "" {
			t.Errorf("%s is not described", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestErrorsDoNotShowSecrets prints an error in every way.
func TestErrorsDoNotShowSecrets(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/users", func(w http.ResponseWriter, r *http.Request) {
		// A server that repeats what it was told.
		answer(w, http.StatusUnauthorized, `{"message":"no user for `+r.Header.Get("X-Api-Key")+`"}`)
	})
	client := newTestClient(t, mux)
	_, err := client.Admins(t.Context(), paging.Window{Limit: 100})
	encoded, jsonErr := json.Marshal(err)
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	for _, s := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err), string(encoded), fmt.Sprintf("%+v %#v", client, client)} {
		if strings.Contains(s, testKey) {
			t.Errorf("the key is shown: %s", s)
		}
	}
}
