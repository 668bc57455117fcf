package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/cli/changes"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/cli/reviews"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/tempdir"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

// newRoot builds the program: the root command, which runs the connector, and
// the commands beside it.
func newRoot(a *program.App) *cobra.Command {
	root := &cobra.Command{
		Use:           program.Name,
		Short:         program.Name,
		Long:          rootLong,
		Example:       rootExample,
		Version:       version.Read().String(),
		Args:          program.NoArguments,
		SilenceErrors: true,
		SilenceUsage:  true,
		// Every command removes what killed ones left: it says who has access to what.
		PersistentPreRun: func(*cobra.Command, []string) { tempdir.Sweep("") },
		RunE:             func(cmd *cobra.Command, _ []string) error { return runRoot(a, cmd) },
	}
	config.AddFlags(root.PersistentFlags(), "")
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(func(cmd *cobra.Command) error { return writeUsage(cmd.OutOrStdout(), cmd) })
	addCompletions(root)
	root.AddCommand(
		newAccess(a),
		changes.NewActions(a),
		newCapabilities(a),
		newConfig(a),
		newConvert(a),
		newDemo(a),
		newDiff(a),
		newEvidence(a),
		newExplore(a),
		changes.NewGrant(a),
		changes.NewGroup(a),
		newHealthCheck(a),
		newInspect(a),
		newLambda(a),
		newReport(a),
		reviews.New(a),
		changes.NewRevoke(a),
		changes.NewRole(a),
		newSimulate(a),
		changes.NewUser(a),
		newVersion(a),
		newWatch(a),
		newWho(a),
	)
	return root
}

// runRoot runs the connector. The settings decide in which mode: a client id of
// ConductorOne makes it a service, and whatever else is asked for a single run.
// Whether there is a terminal plays no part.
func runRoot(a *program.App, cmd *cobra.Command) error {
	cfg, err := a.Load(cmd, config.ForRun)
	if err != nil {
		return err
	}
	if cfg.Service.Enabled() {
		return runService(cmd.Context(), a, cfg)
	}
	switch change := cfg.Change; {
	case change.IsAccess():
		return changes.RunAccess(cmd.Context(), a, cfg)
	case change.IsLifecycle():
		return changes.RunLifecycle(cmd.Context(), a, cfg)
	case change.Action != "":
		return changes.RunAction(cmd.Context(), a, cfg)
	case change.ListActions:
		return changes.RunListActions(cmd.Context(), a, cfg)
	case cfg.Events.Read:
		return runEvents(cmd.Context(), a, cfg)
	}
	return runSync(cmd.Context(), a, cfg)
}

// flagError adds to an unknown flag the one that it may have meant.
func flagError(cmd *cobra.Command, err error) error {
	// Whatever was mistyped may be a key.
	shown := redact.Words(err.Error())
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	switch {
	case ok && unknown.GetSpecifiedShortnames() == "" && shown != err.Error():
		return fmt.Errorf("%s\nrun %s --help for the list", shown, program.Name)
	case shown != err.Error():
		return errors.New(shown)
	case !ok || unknown.GetSpecifiedShortnames() != "":
		return err
	}
	if nearest := config.Nearest(unknown.GetSpecifiedName()); nearest != "" && cmd.Flags().Lookup(nearest) != nil {
		return fmt.Errorf("%w\ndid you mean --%s?", err, nearest)
	}
	return fmt.Errorf("%w\nrun %s --help for the list", err, program.Name)
}

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
	values["grant-principal-type"] = []cobra.Completion{restype.User, restype.Group}
	for name, list := range values {
		// The only error is a flag that is not there or has values already.
		_ = root.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp))
	}
	_ = root.MarkPersistentFlagFilename("file", "c1z")
	_ = root.MarkPersistentFlagFilename("audit-file")
	_ = root.MarkPersistentFlagDirname("c1z-temp-dir")
}
