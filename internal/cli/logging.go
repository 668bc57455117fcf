package cli

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
	"github.com/conductorone/baton-jumpcloud/internal/report"
)

// console is where a command writes to the person who started it.
type console struct {
	log *logs.Log
	// screen carries the log lines of stderr, around a progress display.
	screen *report.Screen
	// watched says that somebody follows on a terminal, so that progress is shown
	// and the outcome is a text; otherwise both go into the log.
	watched bool
}

// openConsole starts the log as the settings ask for.
func (a *app) openConsole(settings config.Log) (*console, error) {
	format := settings.Format
	if format == "" {
		format = logs.FormatJSON
		if a.isTerminal(a.Stdout) {
			format = logs.FormatConsole
		}
	}
	c := &console{
		screen:  report.NewScreen(a.Stderr),
		watched: format == logs.FormatConsole && a.isTerminal(a.Stdout) && a.isTerminal(a.Stderr),
	}
	log, err := logs.New(logs.Options{
		Level: settings.Level, DebugUntil: settings.DebugUntil, Format: format, Paths: settings.Paths,
		Color:  a.isTerminal(a.Stderr) && a.wantsColor(),
		Stdout: a.Stdout, Stderr: c.screen,
	})
	if err != nil {
		return nil, err
	}
	c.log = log
	return c, nil
}

// tellSettings logs what somebody should know of the settings before anything is done.
func (c *console) tellSettings(ctx context.Context, cfg *config.Config) {
	if len(cfg.FromWorkingDir) > 0 {
		c.log.InfoContext(ctx, "settings of the working directory are in force", "file", ".baton.yaml", "settings", cfg.FromWorkingDir)
	}
	for _, warning := range cfg.Warnings {
		c.log.WarnContext(ctx, "unwise setting", "warning", warning)
	}
}

// fail logs the error that ends a command, unless it is about to stand on the
// same terminal as text, and returns it.
func (c *console) fail(err error) error {
	if err != nil && !(c.watched && c.log.OnStderr) {
		c.log.Error("error running connector", "error", err.Error())
	}
	return err
}
