package jumpcloud_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// oauthServer is JumpCloud with its token endpoint, inside a bubble.
type oauthServer struct {
	mu     sync.Mutex
	life   time.Duration
	issued int
	valid  map[string]time.Time
	asked  int
	// token answers the token endpoint instead, when it is set.
	token func(*http.Request) (*http.Response, error)
	// revoke makes tokens invalid before their time.
	revoke func(asked int) bool
}

const clientSecret = "cs_very_private"

func (s *oauthServer) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if req.URL.Host == "oauth.example" {
		if s.token != nil {
			return s.token(req)
		}
		return s.issue(req)
	}
	s.asked++
	name := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	if s.revoke != nil && s.revoke(s.asked) {
		delete(s.valid, name)
	}
	if end, ok := s.valid[name]; !ok || !time.Now().Before(end) || req.Header.Get("X-Api-Key") != "" {
		return say(401, `{"message":"Unauthorized: no `+name+`"}`)(req)
	}
	return say(200, `[]`, "X-Total-Count", "0")(req)
}

func (s *oauthServer) issue(req *http.Request) (*http.Response, error) {
	id, password, ok := req.BasicAuth()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if !ok || id != "cid" || password != clientSecret || form.Get("grant_type") != "client_credentials" || form.Get("scope") != "api" ||
		form.Has("client_secret") || req.Method != http.MethodPost {
		return say(401, `{"error":"invalid_client","error_description":"Client authentication failed for `+password+`"}`)(req)
	}
	s.issued++
	name := fmt.Sprintf("token%d", s.issued)
	s.valid[name] = time.Now().Add(s.life)
	return say(200, fmt.Sprintf(`{"access_token":%q,"token_type":"bearer","expires_in":%d,"scope":"api"}`, name, int(s.life.Seconds())))(req)
}

func (s *oauthServer) client(t *testing.T, password string) *jumpcloud.Client {
	t.Helper()
	s.valid = make(map[string]time.Time)
	if s.life == 0 {
		s.life = time.Hour
	}
	client, err := jumpcloud.New(jumpcloud.Config{
		BaseURL:  &url.URL{Scheme: "https", Host: "console.example"},
		TokenURL: &url.URL{Scheme: "https", Host: "oauth.example", Path: "/oauth2/token"},
		ClientID: "cid", ClientSecret: secret.New(password), Transport: s, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func ask(ctx context.Context, client *jumpcloud.Client) error {
	_, err := client.GroupMembers(ctx, "g", paging.Window{Limit: 100})
	return err
}

// TestTokensAreRenewed runs for a day on tokens of an hour, and asks for no more
// of them than it needs.
func TestTokensAreRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &oauthServer{}
		client := s.client(t, clientSecret)
		for range 24 * 6 {
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					if err := ask(t.Context(), client); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if err := pause(t.Context(), 10*time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if s.issued > 25 {
			t.Errorf("%d tokens were asked for in a day", s.issued)
		}
		if s.asked != 8*24*6 {
			t.Errorf("%d requests were made, want %d: some were refused", s.asked, 8*24*6)
		}
	})
}

// TestShortTokens uses tokens whose life is shorter than the usual reserve.
func TestShortTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &oauthServer{life: 20 * time.Second}
		client := s.client(t, clientSecret)
		for range 100 {
			if err := ask(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			if err := pause(t.Context(), time.Second); err != nil {
				t.Fatal(err)
			}
		}
		if s.issued > 7 {
			t.Errorf("%d tokens were asked for in 100 s", s.issued)
		}
	})
}

// TestTokensThatEndEarly are renewed once for a request, for reads and writes.
func TestTokensThatEndEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &oauthServer{revoke: func(asked int) bool { return asked == 2 || asked == 5 }}
		client := s.client(t, clientSecret)
		for range 3 {
			if err := ask(t.Context(), client); err != nil {
				t.Fatal(err)
			}
		}
		if err := client.AddGroupMember(t.Context(), "g", "u"); err != nil {
			t.Fatal(err)
		}
		if s.issued != 3 {
			t.Errorf("%d tokens were asked for, want 3", s.issued)
		}

		s.revoke = func(int) bool { return true }
		s.asked = 0
		err := ask(t.Context(), client)
		if !jumpcloud.IsUnauthenticated(err) {
			t.Errorf("the error is %v", err)
		}
		if s.asked != 2 {
			t.Errorf("a request that is always refused was made %d times", s.asked)
		}
		if strings.Contains(err.Error(), "token3") || strings.Contains(err.Error(), "token4") {
			t.Errorf("the error shows a token: %v", err)
		}
	})
}

func TestTokenFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		secret string
		token  func(*http.Request) (*http.Response, error)
		kind   jumpcloud.Kind
		want   string
		soon   bool
	}{
		{name: "wrong secret", secret: "cs_wrong_and_private", kind: jumpcloud.KindUnauthenticated, want: "401 Unauthorized: invalid_client: Client authentication failed for [redacted]", soon: true},
		{name: "bad request", token: say(400, `{"error_description":"no such client"}`), kind: jumpcloud.KindUnauthenticated, want: "no such client", soon: true},
		{name: "header sent back", token: say(400, `{"error":"invalid_request","error_description":"cannot read Authorization: Basic c2VydmljZS1hY2NvdW50OmNzXw=="}`), kind: jumpcloud.KindUnauthenticated, want: "invalid_request: cannot read Authorization: Basic [redacted]", soon: true},
		{name: "words within the error", token: say(403, `{"error":{"code":7,"message":"the account is disabled"}}`), kind: jumpcloud.KindUnauthenticated, want: "403 Forbidden: the account is disabled", soon: true},
		{name: "redirect", token: say(302, "", "Location", "https://elsewhere.example/"), kind: jumpcloud.KindUnauthenticated, want: "302", soon: true},
		{name: "page", token: say(200, "<html>", "Content-Type", "text/html"), kind: jumpcloud.KindUnauthenticated, want: "did not return a token", soon: true},
		{name: "no token", token: say(200, `{"token_type":"bearer"}`), kind: jumpcloud.KindUnauthenticated, want: "did not return a token", soon: true},
		{name: "down", token: say(503, "down"), kind: jumpcloud.KindUnavailable, want: "503"},
		{name: "reset", token: fail(io.ErrUnexpectedEOF), kind: jumpcloud.KindUnavailable, want: "unexpected EOF"},
		{name: "body that breaks off", token: cutBody(`{"access_token":"se`, io.ErrUnexpectedEOF), kind: jumpcloud.KindUnavailable, want: "unexpected EOF"},
		{name: "body that breaks off with a text of its own", token: cutBody(`{`, errors.New("stream error: INTERNAL")), kind: jumpcloud.KindUnavailable, want: "stream error"},
		{name: "no answer", token: hang, kind: jumpcloud.KindTimeout, want: "no answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &oauthServer{token: tt.token}
				password := clientSecret
				if tt.secret != "" {
					password = tt.secret
				}
				client := s.client(t, password)
				began := time.Now()
				err := ask(t.Context(), client)
				var e *jumpcloud.Error
				if !errors.As(err, &e) || e.Kind != tt.kind {
					t.Fatalf("the error is %v, want one of kind %q", err, tt.kind)
				}
				for _, want := range []string{tt.want, "/oauth2/token"} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("the error does not say %q: %v", want, err)
					}
				}
				if strings.Contains(err.Error(), password) {
					t.Errorf("the error shows the secret: %v", err)
				}
				if jumpcloud.IsUnserved(err) {
					t.Error("it reads as a list that this tenant does not have")
				}
				if took := time.Since(began); tt.soon && took > 0 || !tt.soon && took < 15*time.Minute {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// TestTokenFaultsPass waits for a token endpoint that is down for a while, and
// lets those go who do not want to wait.
func TestTokenFaultsPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &oauthServer{}
		client := s.client(t, clientSecret)
		down := true
		s.token = func(req *http.Request) (*http.Response, error) {
			if down {
				return say(503, "", "Retry-After", "30")(req)
			}
			return s.issue(req)
		}
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				ctx := t.Context()
				if i == 0 {
					limited, cancel := context.WithTimeout(ctx, time.Minute)
					defer cancel()
					if err := ask(limited, client); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("who did not want to wait got %v", err)
					}
					return
				}
				if err := ask(ctx, client); err != nil {
					t.Error(err)
				}
			})
		}
		if err := pause(t.Context(), 7*time.Minute); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		down = false
		s.mu.Unlock()
		group.Wait()
		if s.issued != 1 {
			t.Errorf("%d tokens were asked for, want 1", s.issued)
		}
	})
}

// TestTokenRequestsArePaced refuses a token twice: nobody asks again before the time
// that the endpoint wants to be left alone, and each attempt is told of.
func TestTokenRequestsArePaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &oauthServer{valid: make(map[string]time.Time), life: time.Hour}
		var asked []time.Time
		s.token = func(r *http.Request) (*http.Response, error) {
			asked = append(asked, time.Now())
			if len(asked) <= 2 {
				return say(429, "", "Retry-After", "7")(r)
			}
			return s.issue(r)
		}
		var mu sync.Mutex
		var seen []jumpcloud.RequestInfo
		client, err := jumpcloud.New(jumpcloud.Config{
			BaseURL:  &url.URL{Scheme: "https", Host: "console.example"},
			TokenURL: &url.URL{Scheme: "https", Host: "oauth.example", Path: "/oauth2/token"},
			ClientID: "cid", ClientSecret: secret.New(clientSecret), Transport: s, Logger: slog.New(slog.DiscardHandler),
			Observe: func(i jumpcloud.RequestInfo) {
				mu.Lock()
				defer mu.Unlock()
				if i.Method == http.MethodPost {
					i.Duration, i.Waited = 0, i.Waited.Truncate(time.Second)
					seen = append(seen, i)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if err := ask(t.Context(), client); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if len(asked) != 3 || asked[1].Sub(asked[0]) < 7*time.Second || asked[2].Sub(asked[1]) < 7*time.Second {
			t.Errorf("tokens were asked for at %v", asked)
		}
		want := []jumpcloud.RequestInfo{
			{Method: "POST", Route: "/oauth2/token", Status: 429, Attempt: 1, InFlight: 1},
			{Method: "POST", Route: "/oauth2/token", Status: 429, Attempt: 2, InFlight: 1},
			{Method: "POST", Route: "/oauth2/token", Status: 200, Attempt: 3, InFlight: 1},
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("observed (-want +got):\n%s", diff)
		}
	})
}
