package incremental

import (
	"fmt"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

// Wanted is what the new sync is to be of, and what the previous one must have been of to be
// carried over.
type Wanted struct {
	// Organization is its id, Host that of the API, and Settings are those that decide what
	// a sync holds.
	Organization, Host, Settings string
	// Mapping is the version of what is made of JumpCloud's answers.
	Mapping int
	// FullEvery is how old the last full sync may be.
	FullEvery time.Duration
	Now       time.Time
}

// Refusal says why nothing of a sync can be carried over; empty where it can.
func (w Wanted) Refusal(previous c1z.SyncRun) string {
	basis := previous.Basis
	switch {
	case previous.ID == "":
		return "there is no previous full sync; in service mode --keep-previous-sync-c1z keeps it"
	case previous.Type != c1z.SyncFull || !previous.Finished():
		return "the previous sync is not whole"
	case previous.Organization.ID != w.Organization || previous.Organization.Host != w.Host:
		return "the previous archive is of another organization or host"
	case previous.Organization.Settings != w.Settings:
		return fmt.Sprintf("the settings differ: %q now, %q before", w.Settings, previous.Organization.Settings)
	case basis == nil:
		return "the previous archive does not say what it stands on: it was made without --incremental"
	case basis.Mapping != w.Mapping:
		return "the previous archive was made by a version that maps differently"
	}
	return w.tooOld(previous.StartedAt, basis.FullStartedAt)
}

// tooOld says why times of a previous sync forbid to stand on it.
func (w Wanted) tooOld(started, full time.Time) string {
	switch {
	case started.After(w.Now) || full.After(started):
		return "the previous sync began in the future: a clock was put back"
	case w.Now.Sub(full) >= w.FullEvery:
		return fmt.Sprintf("the last full sync began %s ago, and --full-every is %s", w.Now.Sub(full).Round(time.Second), w.FullEvery)
	case w.Now.Sub(started)+Overlap >= jumpcloud.EventRetention:
		return "the previous sync is older than the events that JumpCloud keeps"
	default:
		return ""
	}
}
