package auth_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/conductorone/baton-jumpcloud/internal/hosted/auth"
)

// answers is a server of keys without a network.
type answers struct {
	fetched atomic.Int64
	answer  func(n int64) (status int, cacheControl string, body any)
	accept  string
}

// RoundTrip implements [http.RoundTripper].
func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.accept = r.Header.Get("Accept")
	code, cacheControl, body := a.answer(a.fetched.Add(1))
	text, ok := body.(string)
	if !ok {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		text = string(encoded)
	}
	header := http.Header{}
	header.Set("Cache-Control", cacheControl)
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Header: header, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

func fetch(t *testing.T, a *answers) (*auth.Keys, error) {
	t.Helper()
	return auth.FetchKeys(t.Context(), auth.KeysOptions{URL: "https://keys.example/set", Transport: a, Logger: slog.New(slog.DiscardHandler)})
}

func ids(keys *auth.Keys) string {
	var all []string
	for _, k := range keys.Current() {
		all = append(all, k.KeyID)
	}
	return strings.Join(all, ",")
}

// The set is fetched again as its server says, within bounds, and stays where it cannot
// be.
func TestKeysAreRefreshed(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	set := func(id string) jose.JSONWebKeySet {
		return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: id}, {Key: key, KeyID: "private"}}}
	}
	synctest.Test(t, func(t *testing.T) {
		a := &answers{answer: func(n int64) (int, string, any) {
			switch n {
			case 1:
				return http.StatusOK, "public, max-age=1", set("one") // No less than five minutes.
			case 2:
				return http.StatusOK, "max-age=3600", set("two")
			case 3:
				return http.StatusBadGateway, "max-age=86400", "trouble"
			case 4:
				return http.StatusOK, "", `{"keys":[]}`
			case 5:
				return http.StatusOK, "max-age=99999999999", set("five") // No more than twelve hours.
			default:
				return http.StatusOK, "no-store", set("six")
			}
		}}
		keys, err := fetch(t, a)
		if err != nil {
			t.Fatal(err)
		}
		defer keys.Close()
		if a.accept != "application/json" {
			t.Errorf("Accept: %s", a.accept)
		}
		if got := ids(keys); got != "one" {
			t.Errorf("keys %s, want one: private keys are left out", got)
		}
		for _, step := range []struct {
			after time.Duration
			want  string
			n     int64
		}{
			{5*time.Minute - time.Second, "one", 1},
			{time.Second, "two", 2},
			{time.Hour - time.Second, "two", 2},
			{time.Second, "two", 3},
			{5 * time.Minute, "two", 4},
			{5 * time.Minute, "five", 5},
			{12*time.Hour - time.Second, "five", 5},
			{time.Second, "six", 6},
			{5 * time.Minute, "six", 7},
		} {
			<-time.After(step.after)
			synctest.Wait()
			if got, n := ids(keys), a.fetched.Load(); got != step.want || n != step.n {
				t.Errorf("after %v more: keys %s, fetched %d times; want %s, %d", step.after, got, n, step.want, step.n)
			}
		}
	})
}

func TestKeysThatCannotBeFetched(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"no JSON": "hidden", "no set": `{}`, "no keys": `{"keys":[]}`, "null": "null", "too long": strings.Repeat(" ", 1<<20+1)} {
		_, err := fetch(t, &answers{answer: func(int64) (int, string, any) { return http.StatusOK, "", body }})
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := fetch(t, &answers{answer: func(int64) (int, string, any) { return http.StatusNotFound, "", "" }}); err == nil || !strings.Contains(err.Error(), "Not Found") {
		t.Errorf("error %v", err)
	}
	for _, address := range []string{"http://keys.example/set", "", "://", "ftp://127.0.0.1/x", "keys.example"} {
		if _, err := auth.FetchKeys(t.Context(), auth.KeysOptions{URL: address}); err == nil || !strings.Contains(err.Error(), "https://") {
			t.Errorf("%s: error %v", address, err)
		}
	}
}

func TestKeysOverHTTP(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k"}}})
	}))
	defer server.Close()
	keys, err := auth.FetchKeys(t.Context(), auth.KeysOptions{URL: server.URL, Transport: server.Client().Transport, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	v := auth.NewVerifier(expected(), keys.Current)
	if err := authenticate(t, v, "Bearer "+sign(t, jose.EdDSA, key, "k", claims(nil))); err != nil {
		t.Error(err)
	}
}
