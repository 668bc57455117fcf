package cli

import (
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
)

func newCapabilities(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "capabilities",
		Short: "Print as JSON what the connector can read and change",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return runCapabilities(a, cmd) },
	}
}

// runCapabilities needs neither a credential nor an organisation. What is wrong
// with settings other than the one that matters is for the run that uses them to
// say.
func runCapabilities(a *app, cmd *cobra.Command) error {
	cfg, err := a.load(cmd, config.ForCommand)
	if cfg == nil {
		return err
	}
	text, err := connector.CapabilitiesJSON(connector.CapabilityOptions{ProvisionApplications: cfg.Change.Applications})
	if err != nil {
		return err
	}
	_, err = a.Stdout.Write(text)
	return err
}
