package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/hosted"
	"github.com/conductorone/baton-jumpcloud/internal/hosted/services"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
	"github.com/conductorone/baton-jumpcloud/internal/network"
)

func newLambda(a *program.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   config.CommandLambda,
		Short: "Run as an AWS Lambda function of a platform that hosts the connector",
		Long: "Serve the connector to a platform that hosts it as an AWS Lambda function: each invocation is\n" +
			"one gRPC call, and the platform runs the sync. The connector's own settings come from the\n" +
			"platform. The log goes to stderr as JSON.",
		Args: program.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.Load(cmd, config.ForHosted)
			if err != nil {
				return err
			}
			return runLambda(cmd.Context(), a, cfg)
		},
	}
	config.AddFlags(cmd.Flags(), config.CommandLambda)
	return cmd
}

// runLambda serves until the context ends. Whatever it prints is a line of the log: the
// platform shows people anything else as an error.
func runLambda(ctx context.Context, a *program.App, cfg *config.Config) error {
	level := new(logs.Level)
	level.Set(cfg.Log.Level, cfg.Log.DebugUntil)
	c := &console.Console{Mask: a.Typed.Replace, Screen: console.NewScreen(a.Stderr)}
	log, err := logs.New(logs.Options{Changing: level, Format: logs.FormatJSON, Stderr: c.Screen})
	if err != nil {
		return err
	}
	c.Log = log
	log.Logger = log.With(hosted.Fields(a.Lookup)...)
	if err := serveLambda(ctx, a, cfg, c, level); err != nil {
		fields := []any{"error", c.Mask(visible(err.Error()))}
		if h, ok := fault.As[fault.Hinter](err); ok {
			fields = append(fields, "hint", c.Mask(visible(strings.Join(h.Hints(), "; "))))
		}
		log.ErrorContext(ctx, "the function cannot start", fields...)
		return program.LoggedError{Err: err}
	}
	return nil
}

func serveLambda(ctx context.Context, a *program.App, cfg *config.Config, c *console.Console, level *logs.Level) error {
	n, err := network.Open(ctx, a.Lookup, c, cfg)
	if err != nil {
		return err
	}
	defer n.CloseLogged(ctx, c.Log.Logger)
	c.TellSettings(ctx, cfg)
	return hosted.Run(ctx, hosted.Options{
		Config: cfg, Network: n, Logger: c.Log.Logger, Level: level, Lookup: a.Lookup,
		Build: func(ctx context.Context, settings hosted.Settings) (hosted.Connector, error) {
			if host := network.ForeignHost(settings.Config.JumpCloud); host != "" {
				settings.Logger.WarnContext(ctx, "the credential goes to a host that is not a JumpCloud region", "host", host)
			}
			return services.Open(services.Settings{
				Config: settings.Config, Transport: settings.Transport, Key: settings.Key, Tracer: n.Tracer, Logger: settings.Logger,
			})
		},
	})
}
