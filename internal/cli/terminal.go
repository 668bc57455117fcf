package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
)

// say writes lines to a person.
func say(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, args...)
	return err
}

// untilStopped says of a command that was stopped that it was, whatever broke then.
func untilStopped(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// openConsole starts the log as the settings ask for.
func (a *app) openConsole(settings config.Log) (*console.Console, error) {
	format := settings.Format
	if format == "" {
		format = logs.FormatJSON
		if a.isTerminal(a.Stdout) {
			format = logs.FormatConsole
		}
	}
	c := &console.Console{
		Mask:    a.typed.Replace,
		Screen:  console.NewScreen(a.Stderr),
		Watched: format == logs.FormatConsole && a.isTerminal(a.Stdout) && a.isTerminal(a.Stderr),
	}
	log, err := logs.New(logs.Options{
		Level: settings.Level, DebugUntil: settings.DebugUntil, Format: format, Paths: settings.Paths,
		Color:  a.isTerminal(a.Stderr) && a.wantsColor(),
		Stdout: a.Stdout, Stderr: c.Screen,
	})
	if err != nil {
		return nil, err
	}
	c.Log = log
	return c, nil
}

// isTerminal reports whether somebody watches what is written there and can see
// it drawn again in place.
func (a *app) isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	kind, _ := a.Lookup("TERM")
	return kind != "dumb"
}

// wantsColor reports whether color may be used on a terminal, by the convention
// of https://no-color.org.
func (a *app) wantsColor() bool {
	no, _ := a.Lookup("NO_COLOR")
	return no == ""
}
