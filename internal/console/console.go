package console

import (
	"context"
	"path/filepath"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// Console is where a command writes to the person who started it.
type Console struct {
	Log *logs.Log
	// Screen carries the log lines of stderr, around a progress display.
	Screen *Screen
	// Watched says that somebody follows on a terminal, so that progress is shown
	// and the outcome is a text; otherwise both go into the log.
	Watched bool
	// Mask takes from the text of an error what somebody typed that may be a key.
	Mask func(string) string
}

// TellSettings logs what somebody should know of the settings before anything is done.
func (c *Console) TellSettings(ctx context.Context, cfg *config.Config) {
	if len(cfg.FromWorkingDir) > 0 {
		c.Log.InfoContext(ctx, "using settings from the working directory", "file", ".baton.yaml", "settings", cfg.FromWorkingDir)
	}
	for _, warning := range cfg.Warnings {
		c.Log.WarnContext(ctx, "configuration warning", "warning", warning)
	}
}

// Fail logs the error that ends a command, unless it is about to stand on the
// same terminal as text, and returns it.
func (c *Console) Fail(err error) error {
	if err != nil && !(c.Watched && c.Log.OnStderr) {
		c.Log.Error("error running connector", "error", c.Mask(err.Error()))
	}
	return err
}

// Progress shows how far a sync is.
type Progress interface {
	Update(p syncer.Progress)
	// Close takes it down. It may be called again.
	Close()
}

// StartProgress shows progress on the terminal, or in the log where nobody
// watches one.
func (c *Console) StartProgress() Progress {
	if c.Watched {
		return NewBars(c.Screen)
	}
	return NewMilestones(c.Log.Logger)
}

// Nearby is a path as short as it can be written from the working directory.
func Nearby(path string) string {
	base, err := filepath.Abs(".")
	if err != nil || base == filepath.Dir(base) {
		return path
	}
	if rel, err := filepath.Rel(base, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
