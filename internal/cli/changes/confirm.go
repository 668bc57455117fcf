package changes

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// confirmation is the consent to a change that takes something away: given beforehand
// with --yes, or asked for on a terminal.
type confirmation struct {
	given bool
	input io.Reader // of the terminal; nil where nobody can be asked
}

func (c *confirmation) addFlag(flags *pflag.FlagSet) {
	flags.BoolVarP(&c.given, "yes", "y", false, "Do not ask for confirmation")
}

// find looks for a terminal to ask on.
func (c *confirmation) find(a *program.App) {
	if in, ok := a.Stdin.(*os.File); ok && term.IsTerminal(int(in.Fd())) && a.IsTerminal(a.Stderr) {
		c.input = in
	}
}

// possible refuses what nobody has consented to and nobody can be asked about.
func (c *confirmation) possible(what string) error {
	if c.given || c.input != nil {
		return nil
	}
	return fault.WithHints(
		fault.Invalid("%s: confirmation required, and there is no terminal to ask on", what),
		"add --yes, or --dry-run to see what would be sent",
	)
}

// asks reports whether a question is to be asked.
func (c *confirmation) asks() bool { return !c.given }

// ask shows what is about to happen and waits for a yes. Anything else is a refusal.
func (c *confirmation) ask(ctx context.Context, screen io.Writer, effect string) error {
	if _, err := fmt.Fprintf(screen, "About to change: %s\nContinue? [y/N] ", printable.Visible(effect)); err != nil {
		return err
	}
	answers := make(chan string, 1)
	// A read of a terminal does not end with a context. Where the process is asked to
	// stop, it ends and takes the read with it.
	go func() {
		line, _ := bufio.NewReader(c.input).ReadString('\n')
		answers <- line
	}()
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w; nothing was sent", context.Cause(ctx))
	case line := <-answers:
		if slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(line))) {
			return nil
		}
	}
	return fault.WithCode(codes.Canceled, "not confirmed; nothing was sent")
}
