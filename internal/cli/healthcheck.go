package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/health"
)

// healthCheckOptions are the flags of the health-check command.
type healthCheckOptions struct {
	endpoint string
	timeout  int // seconds
}

func (o *healthCheckOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.endpoint, "endpoint", "ready", "Endpoint to check: ready, live or health (calls JumpCloud)")
	flags.IntVar(&o.timeout, "timeout", 5, "Timeout in seconds")
}

func newHealthCheck(a *program.App) *cobra.Command {
	var o healthCheckOptions
	cmd := &cobra.Command{
		Use:   "health-check",
		Short: "Check a running connector, for container probes",
		Long: "Check whether a running connector is ready, at --health-check-bind-address and --health-check-port,\n" +
			"as the readiness probe of the manifests does. The exit code is 0 if it is ready, 2 if it\n" +
			"is not, and 14 if nothing answers.",
		Args: program.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.Load(cmd, config.ForCommand)
			if err != nil {
				return err
			}
			return runHealthCheck(cmd.Context(), a, o, cfg.Health)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runHealthCheck(ctx context.Context, a *program.App, o healthCheckOptions, settings config.Health) error {
	if o.timeout < 1 {
		return fmt.Errorf("field timeout: value must be greater than or equal to 1 but got %d", o.timeout)
	}
	body, err := health.Check(ctx, settings.BindAddress, settings.Port, o.endpoint, time.Duration(o.timeout)*time.Second)
	if body != "" {
		if _, printed := fmt.Fprintln(a.Stdout, body); printed != nil {
			return errors.Join(err, printed)
		}
	}
	return err
}
