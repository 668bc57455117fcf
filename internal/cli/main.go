package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

// Process is the process as the program sees it.
type Process = program.Process

// Main runs the program and returns its exit code. The context ends when the
// process is asked to stop; its cause should be [fault.Interrupted] then.
func Main(ctx context.Context, process Process) int {
	// Wherever a variable was filled from a file, what ends the file is no part of it.
	process.Lookup = config.CleanLookup(process.Lookup)
	a := &program.App{Process: process, Typed: maskKeys(process)}
	root := newRoot(a)
	root.SetArgs(process.Args[1:])
	root.SetIn(process.Stdin)
	root.SetOut(process.Stdout)
	root.SetErr(process.Stderr)
	err := root.ExecuteContext(ctx)
	if _, logged := fault.As[program.LoggedError](err); err != nil && !logged {
		w := process.Stderr
		if _, taken := fault.As[program.StderrTakenError](err); taken {
			w = process.Stdout
		}
		printError(a, w, err)
	}
	return fault.ExitCode(err)
}

// printError writes an error's text, bare as other Baton connectors do, and then
// what can be done about it: names from outside without what a terminal would act on,
// and without any credential that somebody typed or a server sent back. Nobody is left
// to tell when stderr cannot be written.
func printError(a *program.App, w io.Writer, err error) {
	_, _ = fmt.Fprintln(w, a.Typed.Replace(visible(strings.TrimRight(err.Error(), "\n"))))
	if h, ok := fault.As[fault.Hinter](err); ok {
		for _, hint := range h.Hints() {
			_, _ = fmt.Fprintln(w, "hint: "+a.Typed.Replace(visible(hint)))
		}
	}
}

// visible is a text as a person may see it.
func visible(text string) string { return printable.VisibleLines(redact.Text(text)) }

// maskKeys masks what may be a key among the arguments and the settings of the
// environment: one that was given in place of a name, an id or a file would be repeated
// by the error about it. What has the form of a path is a path.
func maskKeys(p program.Process) *strings.Replacer {
	given := slices.Clone(p.Args[1:])
	for _, o := range config.Options() {
		if value, ok := p.Lookup(o.Env()); ok {
			given = append(given, value)
		}
	}
	var pairs []string
	for _, text := range given {
		if _, value, ok := strings.Cut(text, "="); ok && strings.HasPrefix(text, "-") {
			text = value
		}
		if masked := redact.Words(text); masked != text && !strings.ContainsAny(text, "./\\") {
			pairs = append(pairs, text, masked)
		}
	}
	return strings.NewReplacer(pairs...)
}
