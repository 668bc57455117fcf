package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/conductorone/baton-jumpcloud/internal/health"
)

func options(valid, ready error) health.Options {
	return health.Options{
		Validate: func(context.Context) error { return valid },
		Ready:    func() error { return ready },
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	tests := []struct {
		name, path   string
		valid, ready error
		code         int
		status       string
		details      map[string]any
	}{
		{name: "live", path: "/live", valid: refused, ready: refused, code: 200, status: "alive"},
		{name: "ready", path: "/ready", valid: refused, code: 200, status: "ready"},
		{name: "not ready", path: "/ready", ready: refused, code: 503, status: "not_ready", details: map[string]any{"error": "refused"}},
		{name: "healthy", path: "/health", ready: refused, code: 200, status: "healthy"},
		{
			name: "unhealthy", path: "/health", valid: refused, code: 503, status: "unhealthy",
			details: map[string]any{"error": "connector validation failed", "validation_error": "refused"},
		},
	}
	for _, tt := range tests {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			t.Run(tt.name+" "+method, func(t *testing.T) {
				t.Parallel()
				w := httptest.NewRecorder()
				health.NewHandler(t.Context(), options(tt.valid, tt.ready)).ServeHTTP(w, httptest.NewRequest(method, tt.path, nil))
				if w.Code != tt.code || w.Header().Get("Content-Type") != "application/json" || !strings.HasSuffix(w.Body.String(), "}\n") {
					t.Errorf("answer is %d %q %q", w.Code, w.Header(), w.Body)
				}
				var got map[string]any
				if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
					t.Fatal(err)
				}
				stamp, err := time.Parse(time.RFC3339, got["timestamp"].(string))
				if err != nil || stamp.Location() != time.UTC {
					t.Errorf("timestamp is %v, %v", got["timestamp"], err)
				}
				delete(got, "timestamp")
				want := map[string]any{"status": tt.status}
				if tt.details != nil {
					want["details"] = tt.details
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("body (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestMetricsAreMountedIfThereAreAny(t *testing.T) {
	t.Parallel()
	o := options(nil, nil)
	get := func() int {
		w := httptest.NewRecorder()
		health.NewHandler(t.Context(), o).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return w.Code
	}
	if code := get(); code != http.StatusNotFound {
		t.Errorf("without metrics: %d", code)
	}
	o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	if code := get(); code != http.StatusTeapot {
		t.Errorf("with metrics: %d", code)
	}
}

// Many questions at once make one validation, which ends in time for those who wait 5 seconds.
func TestValidationIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		h := health.NewHandler(t.Context(), health.Options{Validate: func(ctx context.Context) error {
			calls++
			<-ctx.Done()
			return ctx.Err()
		}})
		begun := time.Now()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health", nil))
				if w.Code != http.StatusServiceUnavailable {
					t.Errorf("code is %d", w.Code)
				}
			})
		}
		all.Wait()
		if calls != 1 || time.Since(begun) != 4500*time.Millisecond {
			t.Errorf("%d validations in %v", calls, time.Since(begun))
		}
	})
}

// A stop ends the validation that is under way, with the answer that says so, and
// the ones after it.
func TestStopEndsValidations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		h := health.NewHandler(ctx, health.Options{Validate: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		begun := time.Now()
		ask := func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health", nil))
			if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"validation_error":"stopping"`) {
				t.Errorf("answer is %d %s", w.Code, w.Body)
			}
		}
		time.AfterFunc(time.Second, stop)
		ask()
		ask()
		if took := time.Since(begun); took != time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// serve runs a server on a real port until the test ends.
func serve(t *testing.T, o health.Options) (port int, stop func() error) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- health.Serve(ctx, l, health.NewHandler(t.Context(), o), slog.New(slog.DiscardHandler)) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = stop() })
	return l.Addr().(*net.TCPAddr).Port, stop
}

func TestCheck(t *testing.T) {
	t.Parallel()
	port, stop := serve(t, options(nil, errors.New("not yet")))
	tests := []struct {
		bind, endpoint, says string
		code                 codes.Code
	}{
		{"127.0.0.1", "live", "", codes.OK},
		{"", "health", "", codes.OK},
		{"0.0.0.0", "health", "", codes.OK},
		{"127.0.0.1", "ready", "health check returned status 503", codes.Unknown},
		{"127.0.0.1", "metrics", "invalid endpoint: metrics (valid: health, ready, live)", codes.Unknown},
	}
	check := func(bind, endpoint string) error {
		body, err := health.Check(t.Context(), bind, port, endpoint, 5*time.Second)
		if answered := status.Code(err) != codes.Unavailable && endpoint != "metrics"; strings.HasPrefix(body, `{"status":"`) != answered {
			t.Errorf("%s at %q: body %q", endpoint, bind, body)
		}
		return err
	}
	for _, tt := range tests {
		err := check(tt.bind, tt.endpoint)
		if status.Code(err) != tt.code || err != nil && !strings.HasPrefix(err.Error(), tt.says) {
			t.Errorf("%s at %q: %v", tt.endpoint, tt.bind, err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := check("127.0.0.1", "live"); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "health check failed: ") {
		t.Errorf("after the end: %v", err)
	}
}

// A request that takes too long does not keep the process.
func TestServeEndsWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan struct{}), make(chan struct{})
		o := options(nil, nil)
		o.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(entered)
			<-leave
		})
		l := bufconn.Listen(1 << 10)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- health.Serve(ctx, l, health.NewHandler(t.Context(), o), slog.New(slog.DiscardHandler)) }()
		conn, err := l.DialContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		<-entered
		begun := time.Now()
		stop()
		err = <-done
		close(leave)
		if err != nil || time.Since(begun) != 5*time.Second {
			t.Errorf("ended after %v with %v", time.Since(begun), err)
		}
	})
}
