package program

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

// Say writes lines to a person.
func Say(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, args...)
	return err
}

// LoggedError is an error that the log has said already, where nothing but the log may
// be printed.
type LoggedError struct{ Err error }

// Error is the text.
func (e LoggedError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e LoggedError) Unwrap() error { return e.Err }

// UntilStopped says of a command that was stopped that it was, whatever broke then.
func UntilStopped(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// OpenConsole starts the log as the settings ask for.
func (a *App) OpenConsole(settings config.Log) (*console.Console, error) {
	format := settings.Format
	if format == "" {
		format = logs.FormatJSON
		if a.IsTerminal(a.Stdout) {
			format = logs.FormatConsole
		}
	}
	c := &console.Console{
		Mask:    a.Typed.Replace,
		Screen:  console.NewScreen(a.Stderr),
		Watched: format == logs.FormatConsole && a.IsTerminal(a.Stdout) && a.IsTerminal(a.Stderr),
	}
	log, err := logs.New(logs.Options{
		Level: settings.Level, DebugUntil: settings.DebugUntil, Format: format, Paths: settings.Paths,
		Color:  a.IsTerminal(a.Stderr) && a.wantsColor(),
		Stdout: a.Stdout, Stderr: c.Screen,
	})
	if err != nil {
		return nil, err
	}
	c.Log = log
	return c, nil
}

// IsTerminal reports whether somebody watches what is written there and can see
// it drawn again in place.
func (a *App) IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	kind, _ := a.Lookup("TERM")
	return kind != "dumb"
}

// wantsColor reports whether color may be used on a terminal, by the convention
// of https://no-color.org.
func (a *App) wantsColor() bool {
	no, _ := a.Lookup("NO_COLOR")
	return no == ""
}
