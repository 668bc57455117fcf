package cli

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

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

// maxHealthBytes bounds what is read of a health answer.
const maxHealthBytes = 64 << 10

// healthCheckOptions are the flags of the health-check command.
type healthCheckOptions struct {
	endpoint string
	timeout  int // seconds
}

func (o *healthCheckOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.endpoint, "endpoint", "health", "What to ask for: health, ready or live")
	flags.IntVar(&o.timeout, "timeout", 5, "Seconds to wait for the answer")
}

func newHealthCheck(a *app) *cobra.Command {
	var o healthCheckOptions
	cmd := &cobra.Command{
		Use:   "health-check",
		Short: "Ask a running connector how it is, for container probes",
		Long: "Ask a running connector how it is, at --health-check-bind-address and --health-check-port.\n" +
			"The exit code is 0 when it is well, 2 when it answers that it is not, and 14 when nothing answers.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd, config.ForCommand)
			if err != nil {
				return err
			}
			return runHealthCheck(cmd.Context(), a, o, cfg.Health)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runHealthCheck(ctx context.Context, a *app, o healthCheckOptions, health config.Health) error {
	endpoints := []string{"health", "ready", "live"}
	if !slices.Contains(endpoints, o.endpoint) {
		return fmt.Errorf("invalid endpoint: %s (valid: %s)", o.endpoint, strings.Join(endpoints, ", "))
	}
	if o.timeout < 1 {
		return fmt.Errorf("field timeout: value must be greater than or equal to 1 but got %d", o.timeout)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(o.timeout)*time.Second)
	defer cancel()
	address := url.URL{Scheme: "http", Host: net.JoinHostPort(dialable(health.BindAddress), strconv.Itoa(health.Port)), Path: "/" + o.endpoint}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("health check failed: %w", err)
	}
	// A probe goes to this machine, whatever proxy the environment names.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return withCode(codes.Unavailable, "health check failed: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxHealthBytes))
	if err != nil {
		return withCode(codes.Unavailable, "health check failed: %w", err)
	}
	if _, err := fmt.Fprintln(a.Stdout, strings.TrimSpace(string(body))); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health check returned status %d", response.StatusCode)
	}
	return nil
}

// dialable is the address to reach a server that listens on an address: one that
// stands for every interface is reached on this machine's own.
func dialable(bind string) string {
	ip := net.ParseIP(strings.Trim(bind, "[]"))
	switch {
	case ip == nil || !ip.IsUnspecified():
		return strings.Trim(bind, "[]")
	case ip.To4() != nil:
		return "127.0.0.1"
	default:
		return "::1"
	}
}
