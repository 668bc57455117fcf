package cli

import (
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
)

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
