package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
)

func TestHealthCheck(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ready" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte(`{"path":"` + r.URL.Path + "\"}\n"))
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, endpoint string
		bind           string
		timeout        int
		out, wrong     string
		code           int
	}{
		{"well", "health", "127.0.0.1", 5, `{"path":"/health"}`, "", 0},
		{"every interface", "live", "0.0.0.0", 5, `{"path":"/live"}`, "", 0},
		{"not ready", "ready", "127.0.0.1", 5, `{"path":"/ready"}`, "health check returned status 503", 2},
		{"unknown endpoint", "up", "127.0.0.1", 5, "", "invalid endpoint: up (valid: health, ready, live)", 2},
		{"bad timeout", "health", "127.0.0.1", 0, "", "field timeout: value must be greater than or equal to 1 but got 0", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			a := &program.App{Process: program.Process{Stdout: &out}}
			err := runHealthCheck(t.Context(), a, healthCheckOptions{tt.endpoint, tt.timeout}, config.Health{BindAddress: tt.bind, Port: port})
			if got := strings.TrimSpace(out.String()); got != tt.out {
				t.Errorf("output %q, want %q", got, tt.out)
			}
			if fault.ExitCode(err) != tt.code || (err != nil && err.Error() != tt.wrong) {
				t.Errorf("error %v (exit code %d), want %q (%d)", err, fault.ExitCode(err), tt.wrong, tt.code)
			}
		})
	}
}
