package egress_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/egress"
)

// sent is a transport that sends nothing.
type sent []string

// RoundTrip implements [http.RoundTripper].
func (s *sent) RoundTrip(r *http.Request) (*http.Response, error) {
	*s = append(*s, r.URL.String())
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
}

func ask(t *testing.T, transport http.RoundTripper, address string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return err
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	const denied, plain = "does not permit", "permits https only"
	for _, tt := range []struct {
		name, address string
		policy        *egress.Policy
		want          string // empty for permitted
	}{
		{"none", "http://anywhere.example/x", nil, ""},
		{"permitted", "https://a.example/x", &egress.Policy{Hosts: []string{"a.example"}, HTTPSOnly: true, Enforce: true}, ""},
		{"with a port", "https://a.example:8443/x", &egress.Policy{Hosts: []string{"a.example"}, HTTPSOnly: true, Enforce: true}, ""},
		{"another spelling", "https://A.Example./x", &egress.Policy{Hosts: []string{"a.example"}, Enforce: true}, ""},
		{"another host", "https://b.example/x", &egress.Policy{Hosts: []string{"a.example"}, Enforce: true}, denied},
		{"below", "https://x.a.example/x", &egress.Policy{Hosts: []string{"a.example"}, Enforce: true}, denied},
		{"plain", "http://a.example/x", &egress.Policy{Hosts: []string{"a.example"}, HTTPSOnly: true, Enforce: true}, plain},
		{"plain permitted", "http://a.example/x", &egress.Policy{Hosts: []string{"a.example"}, Enforce: true}, ""},
		{"nothing permitted", "https://a.example/x", &egress.Policy{HTTPSOnly: true, Enforce: true}, denied},
		{"address of a number", "https://127.0.0.1/x", &egress.Policy{Hosts: []string{"a.example"}, Enforce: true}, denied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s sent
			err := ask(t, tt.policy.Transport(&s, func(err error) { t.Errorf("told %v", err) }), tt.address)
			if tt.want == "" {
				if err != nil || len(s) != 1 {
					t.Errorf("error %v, sent %v", err, s)
				}
				return
			}
			if !egress.IsDenied(err) || !strings.Contains(err.Error(), tt.want) || len(s) > 0 {
				t.Errorf("error %v, sent %v; want %q", err, s, tt.want)
			}
			if u, ok := errors.AsType[*url.Error](err); !ok || egress.Advice(u.Err) == "" {
				t.Errorf("no advice about %v", err)
			}
		})
	}
}

func TestPolicyThatObserves(t *testing.T) {
	t.Parallel()
	var s sent
	var told []string
	p := &egress.Policy{Hosts: []string{"a.example"}, HTTPSOnly: true}
	transport := p.Transport(&s, func(err error) { told = append(told, err.Error()) })
	for _, address := range []string{"https://a.example/1", "https://b.example/2", "https://b.example/3", "http://a.example/4"} {
		if err := ask(t, transport, address); err != nil {
			t.Error(err)
		}
	}
	want := []string{"the platform's egress policy does not permit b.example", "the platform's egress policy permits https only, for a.example too"}
	if len(s) != 4 || !slices.Equal(told, want) {
		t.Errorf("sent %v, told %q", s, told)
	}
}
