package cli

import (
	"github.com/conductorone/baton-jumpcloud/internal/report"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// display shows how far a sync is.
type display interface {
	Update(p syncer.Progress)
	// Close takes it down. It may be called again.
	Close()
}

// startProgress shows progress on the terminal, or in the log where nobody
// watches one.
func (c *console) startProgress() display {
	if c.watched {
		return report.NewBars(c.screen)
	}
	return report.NewMilestones(c.log.Logger)
}
