package cli

import (
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
)

func newCapabilities(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "capabilities",
		Short: "Print as JSON what the connector can read and change",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return runCapabilities(a) },
	}
}

// runCapabilities needs no settings: what the connector can do does not depend
// on the organisation.
func runCapabilities(a *app) error {
	text, err := connector.CapabilitiesJSON(connector.CapabilityOptions{})
	if err != nil {
		return err
	}
	_, err = a.Stdout.Write(text)
	return err
}
