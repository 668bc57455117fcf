package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

func newVersion(a *program.App) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print version and build information",
		Args:  program.NoArguments,
		RunE:  func(*cobra.Command, []string) error { return runVersion(a, version.Read()) },
	}
}

func runVersion(a *program.App, b version.Build) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s version %s\n", program.Name, b.Version)
	for _, line := range []struct{ key, value string }{
		{"commit", b.Commit},
		{"date", b.Date},
		{"go", runtime.Version()},
		{"platform", runtime.GOOS + "/" + runtime.GOARCH},
	} {
		if line.value != "" {
			fmt.Fprintf(&text, "%-9s %s\n", line.key+":", line.value)
		}
	}
	return program.Say(a.Stdout, "%s", text.String())
}

func newCapabilities(a *program.App) *cobra.Command {
	return &cobra.Command{
		Use:   "capabilities",
		Short: "Print the connector's capabilities as JSON",
		Args:  program.NoArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return runCapabilities(a, cmd) },
	}
}

// runCapabilities needs neither a credential nor an organization. What is wrong
// with settings other than the one that matters is for the run that uses them to
// say.
func runCapabilities(a *program.App, cmd *cobra.Command) error {
	cfg, err := a.Load(cmd, config.ForCommand)
	if cfg == nil {
		return err
	}
	if problems, ok := errors.AsType[config.Problems](err); ok {
		if about := problems.About(restype.ProvisionTypes); len(about) > 0 {
			return about
		}
	}
	text, err := connector.CapabilitiesJSON(connector.CapabilityOptions{ProvisionTypes: cfg.Change.Types, Switches: cfg.JumpCloud.Switches, EventFeeds: cfg.JumpCloud.EventFeeds})
	if err != nil {
		return err
	}
	_, err = a.Stdout.Write(text)
	return err
}

func newConfig(a *program.App) *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print the configuration schema as JSON, for platforms that host the connector",
		Args:  program.NoArguments,
		RunE:  func(*cobra.Command, []string) error { return runConfig(a) },
	}
}

// runConfig prints the schema of the settings. It reads none of them, so that it
// works where nothing is set up yet.
func runConfig(a *program.App) error {
	raw, err := protojson.Marshal(config.Schema())
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	// protojson varies its white space on purpose; this text is compared.
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return fmt.Errorf("indent settings: %w", err)
	}
	_, err = a.Stdout.Write(out.Bytes())
	return err
}
