package health

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// Check asks a running connector, which listens on an address and a port of this
// machine, for one of the paths health, ready and live, and returns the body of the
// answer. An answer other than 200 is an error too, no answer is one with the gRPC
// code Unavailable.
func Check(ctx context.Context, bind string, port int, endpoint string, timeout time.Duration) (body string, err error) {
	endpoints := []string{"health", "ready", "live"}
	if !slices.Contains(endpoints, endpoint) {
		return "", fmt.Errorf("invalid endpoint: %s (valid: %s)", endpoint, strings.Join(endpoints, ", "))
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	address := url.URL{Scheme: "http", Host: net.JoinHostPort(reachable(bind), strconv.Itoa(port)), Path: "/" + endpoint}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return "", fmt.Errorf("health check failed: %w", err)
	}
	// It goes to this machine, whatever proxy the environment names.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", noAnswerError{fmt.Errorf("health check failed: %w", err)}
	}
	defer resp.Body.Close()
	answered, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", noAnswerError{fmt.Errorf("health check failed: %w", err)}
	}
	body = strings.TrimSpace(string(answered))
	if resp.StatusCode != http.StatusOK {
		return body, fmt.Errorf("health check returned status %d", resp.StatusCode)
	}
	return body, nil
}

// reachable is the address to reach a server that listens on an address: one that
// stands for every interface is reached on this machine's own.
func reachable(bind string) string {
	bind = strings.Trim(bind, "[]")
	switch ip := net.ParseIP(bind); {
	case bind == "", ip != nil && ip.IsUnspecified() && ip.To4() != nil:
		return "127.0.0.1"
	case ip != nil && ip.IsUnspecified():
		return "::1"
	default:
		return bind
	}
}

// noAnswerError says that nothing answers.
type noAnswerError struct{ error }

// GRPCStatus carries the code that a process ends with.
func (e noAnswerError) GRPCStatus() *status.Status {
	return status.New(codes.Unavailable, e.Error())
}

// Unwrap returns what went wrong.
func (e noAnswerError) Unwrap() error { return e.error }
