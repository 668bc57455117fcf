// Package health serves what a supervisor asks of a connector that runs as a
// service, and asks it, for supervisors that can only run a command.
//
//	/live     200 as long as the process answers at all
//	/ready    200 while the connector is connected to ConductorOne, else 503
//	/health   200 if the connector can use its key, else 503, within 5 s; it makes
//	          requests, so it is for people, not for probes
//	/metrics  Prometheus metrics, if there are any
//
// Bodies are JSON: {"status":"not_ready","timestamp":"…","details":{"error":"…"}}.
package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

const (
	// validateTimeout leaves half a second for the answer, so that whoever waits 5 s,
	// as Check does unless told otherwise, gets it.
	validateTimeout   = 4500 * time.Millisecond
	readHeaderTimeout = 10 * time.Second
	writeTimeout      = time.Minute
	shutdownTimeout   = 5 * time.Second
)

// Options are what the answers are made from.
type Options struct {
	// Validate tries the connector's key. It is asked once at a time, and given 4.5 s.
	Validate func(context.Context) error
	// Ready says why the connector is not ready; nil means that it is.
	Ready func() error
	// Metrics serves /metrics; nil for none.
	Metrics http.Handler
}

// answer is the body of a probe.
type answer struct {
	Status    string            `json:"status"`
	Timestamp time.Time         `json:"timestamp"`
	Details   map[string]string `json:"details,omitempty"`
}

// errStopping is why a validation ends that was under way when the context ended.
var errStopping = errors.New("stopping")

// NewHandler answers the four paths, whatever the method. Where the context ends,
// nothing is validated any more.
func NewHandler(ctx context.Context, o Options) http.Handler {
	var validations singleflight.Group
	mux := http.NewServeMux()
	mux.HandleFunc("/live", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, "alive", nil)
	})
	mux.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) {
		if err := o.Ready(); err != nil {
			write(w, http.StatusServiceUnavailable, "not_ready", map[string]string{"error": err.Error()})
			return
		}
		write(w, http.StatusOK, "ready", nil)
	})
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		// The answer may be for several requests, so none of them ends it.
		_, err, _ := validations.Do("", func() (any, error) {
			limited, cancel := context.WithTimeout(ctx, validateTimeout)
			defer cancel()
			err := o.Validate(limited)
			if err != nil && ctx.Err() != nil {
				err = errStopping
			}
			return nil, err
		})
		if err != nil {
			write(w, http.StatusServiceUnavailable, "unhealthy", map[string]string{
				"error":            "connector validation failed",
				"validation_error": err.Error(),
			})
			return
		}
		write(w, http.StatusOK, "healthy", nil)
	})
	if o.Metrics != nil {
		mux.Handle("/metrics", o.Metrics)
	}
	return mux
}

func write(w http.ResponseWriter, code int, status string, details map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	for name, text := range details {
		details[name] = redact.Text(text)
	}
	// Whoever asked and went away does not need the answer.
	_ = json.NewEncoder(w).Encode(answer{Status: status, Timestamp: time.Now().UTC(), Details: details})
}

// Serve answers on l until ctx ends, and then lets requests under way take up to
// five seconds more. One that takes longer is cut off, which is no error: whoever
// is slow to read its answer does not make an orderly end a failure.
func Serve(ctx context.Context, l net.Listener, h http.Handler, logger *slog.Logger) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		WriteTimeout:      writeTimeout,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve health checks: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		logger.DebugContext(ctx, "health check requests were aborted")
		err = server.Close()
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	if err != nil {
		return fmt.Errorf("stop serving health checks: %w", err)
	}
	return nil
}
