package cli

import (
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
)

// addCompletions tells the shell what values flags take. The table of options is
// where they come from, so that a flag which does not exist cannot be named.
func addCompletions(root *cobra.Command) {
	values := make(map[string][]cobra.Completion)
	for _, o := range config.Options() {
		for _, v := range o.OneOf {
			if v != "" {
				values[o.Name] = append(values[o.Name], v)
			}
		}
		if o.Kind == config.String && !o.EnvOnly && len(o.OneOf) == 0 {
			values[o.Name] = nil
		}
	}
	values["grant-principal-type"] = []cobra.Completion{connector.TypeUser, connector.TypeGroup}
	for name, list := range values {
		// The only error is a flag that is not there or has values already.
		_ = root.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp))
	}
	_ = root.MarkPersistentFlagFilename("file", "c1z")
	_ = root.MarkPersistentFlagFilename("audit-file")
	_ = root.MarkPersistentFlagDirname("c1z-temp-dir")
}
