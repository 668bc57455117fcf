package cli

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

func newConfig(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print the settings as JSON for platforms that host the connector",
		Args:  noArguments,
		RunE:  func(*cobra.Command, []string) error { return runConfig(a) },
	}
}

// runConfig prints the schema of the settings. It reads none of them, so that it
// works where nothing is set up yet.
func runConfig(a *app) error {
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
