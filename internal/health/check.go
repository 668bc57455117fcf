package health

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Check asks a running connector at bind:port for one of the paths health, ready
// and live. An answer other than 200 is an error, no answer is one with the gRPC
// code Unavailable.
func Check(ctx context.Context, bind string, port int, endpoint string, timeout time.Duration) error {
	endpoints := []string{"health", "ready", "live"}
	if !slices.Contains(endpoints, endpoint) {
		return fmt.Errorf("invalid endpoint: %s (valid: %s)", endpoint, strings.Join(endpoints, ", "))
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	url := "http://" + net.JoinHostPort(reachable(bind), strconv.Itoa(port)) + "/" + endpoint
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("make the health check: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // No proxy: it is this machine.
	resp, err := client.Do(req)
	if err != nil {
		return status.Errorf(codes.Unavailable, "health check failed: %v", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // The status alone says it too.
		return fmt.Errorf("health check returned status %d: %s", resp.StatusCode, strings.TrimSpace(string(body)))
	}
	return nil
}

// reachable turns an address that a server binds to into one that reaches it.
func reachable(bind string) string {
	switch bind {
	case "", "0.0.0.0":
		return "127.0.0.1"
	case "::", "[::]":
		return "::1"
	default:
		return bind
	}
}
