package program

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

// NewParent makes a command that only has commands below it.
func NewParent(name, short, long string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Long: long, Args: NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return fault.WithHints(fault.Invalid("%s: a command is missing", name), "run "+cmd.CommandPath()+" --help for the list")
		},
	}
}

// NoArguments refuses arguments where only commands and flags stand.
func NoArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	word := redact.Words(args[0])
	if !cmd.HasSubCommands() {
		return fmt.Errorf("%s takes no arguments, but got %q", cmd.CommandPath(), word)
	}
	err := fmt.Errorf("unknown command %q for %q", word, cmd.CommandPath())
	if strings.EqualFold(filepath.Ext(args[0]), ".c1z") {
		return fault.WithHints(err, "name an archive with --file: "+cmd.CommandPath()+" --file "+console.ShellWord(word))
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fault.WithHints(err, "did you mean "+near[0]+"?")
	}
	return err
}

// Exactly wants the arguments that the names stand for.
func Exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(names) {
			return fault.WithHints(
				errors.New("want "+strings.Join(names, " ")),
				"quote names that contain spaces; run "+cmd.CommandPath()+" --help for examples",
			)
		}
		return nil
	}
}
