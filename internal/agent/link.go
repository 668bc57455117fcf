package agent

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1api"
)

// refusalLimit is how long ConductorOne may refuse the credentials before the
// agent ends. It bridges a moment in which ConductorOne itself is confused.
const refusalLimit = 5 * time.Minute

// silenceLimit is how long ConductorOne may not answer before the connector does not
// count as connected any more. It is longer than the longest pauses between two calls
// (a poll or a heartbeat every 5 minutes, a change that waits for JumpCloud for 15).
const silenceLimit = 20 * time.Minute

// ErrRefused means that ConductorOne does not accept the credentials.
var ErrRefused = errors.New("ConductorOne rejected the credentials; " +
	"if they were rotated or the connector was deleted, set the new client ID and secret and restart")

// link is what is known of the connection to ConductorOne.
type link struct {
	mu           sync.Mutex
	accepted     time.Time // the last call that ConductorOne accepted; zero for none
	refusedSince time.Time // zero while it accepts the credentials
	refusedLast  time.Time
}

// note takes in how a call that only depends on the credentials went. An error
// that says nothing about them changes nothing.
func (l *link) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.accepted, l.refusedSince = time.Now(), time.Time{}
	case c1api.Refused(err):
		now := time.Now()
		// Time in which it could not be reached does not count.
		if l.refusedSince.IsZero() || now.Sub(l.refusedLast) >= refusalLimit {
			l.refusedSince = now
		}
		l.refusedLast = now
	}
}

// refusing reports whether ConductorOne refused the credentials last.
func (l *link) refusing() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.refusedSince.IsZero()
}

// refused reports whether the credentials have been refused for too long.
func (l *link) refused() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.refusedSince.IsZero() && l.refusedLast.Sub(l.refusedSince) >= refusalLimit
}

// ready says why the agent is not ready, if it is not.
func (l *link) ready() error {
	if l.refused() {
		return ErrRefused
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.accepted.IsZero() && time.Since(l.accepted) < silenceLimit:
		return nil
	case !l.refusedSince.IsZero():
		return fmt.Errorf("not connected: %w", ErrRefused)
	case l.accepted.IsZero():
		return errors.New("not connected to ConductorOne yet")
	default:
		return fmt.Errorf("not connected: no response from ConductorOne since %s", l.accepted.UTC().Format(time.RFC3339))
	}
}
