package portal

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/atomicfile"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

const (
	stateFile    = "portal.json"
	stateVersion = 1
	maxState     = 16 << 20 // bytes
	// maxLog bounds the lines that are kept of a connector's log.
	maxLog = 200
)

// state is what survives a restart.
type state struct {
	Version    int          `json:"version"`
	Serial     int          `json:"serial"` // the last number that was given to anything
	Apps       []*app       `json:"applications"`
	Discovered []string     `json:"unmanaged_applications,omitempty"`
	Connectors []*connector `json:"connectors"`
}

// app is a managed application.
type app struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// connector is a connector that somebody added.
type connector struct {
	ID     int      `json:"id"`
	Kind   string   `json:"kind"` // of the catalog
	App    int      `json:"application"`
	Owners []string `json:"owners"`
	// Every is how often it is asked to sync.
	Every    time.Duration `json:"sync_every"`
	Disabled bool          `json:"disabled,omitempty"`
	// ClientID and Key are set when credentials were made. The secret is not kept.
	ClientID string            `json:"client_id,omitempty"`
	Key      ed25519.PublicKey `json:"public_key,omitempty"`
	// Settings are those of a cloud-hosted connector, secrets among them; nil before they
	// were saved.
	Settings map[string]any `json:"settings,omitempty"`
	due      time.Time      // when a cloud-hosted connector syncs next
	// Archive is the file of what it uploaded last, SyncedAt when that arrived.
	Archive  string    `json:"archive,omitempty"`
	SyncedAt time.Time `json:"synced_at,omitzero"`
	// Failure is why the last sync failed; empty if it did not.
	Failure string `json:"failure,omitempty"`
	Log     []line `json:"log,omitempty"`
}

// line is a line of a connector's log.
type line struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// log adds a line.
func (c *connector) log(format string, args ...any) {
	c.Log = append(c.Log, line{time.Now(), fmt.Sprintf(format, args...)})
	if len(c.Log) > maxLog {
		c.Log = slices.Delete(c.Log, 0, len(c.Log)-maxLog)
	}
}

// newState is that of an organization that has just begun: it manages ConductorOne.
func newState() *state {
	return &state{Version: stateVersion, Serial: 1, Apps: []*app{{ID: 1, Name: "ConductorOne"}}}
}

// loadState reads the state of an earlier run, or begins.
func loadState(dir string) (*state, error) {
	path := filepath.Join(dir, stateFile)
	text, _, err := regularfile.Read(path, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return newState(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the state of the pages: %w", err)
	}
	s := new(state)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read the state of the pages: %s: %w", path, err)
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("read the state of the pages: %s has version %d, want %d", path, s.Version, stateVersion)
	}
	return s, nil
}

// save keeps the state.
func (s *state) save(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = atomicfile.Write(filepath.Join(dir, stateFile), append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("save the state of the pages: %w", err)
	}
	return nil
}

// next is a number that nothing else has.
func (s *state) next() int {
	s.Serial++
	return s.Serial
}

func (s *state) app(id int) *app {
	i := slices.IndexFunc(s.Apps, func(a *app) bool { return a.ID == id })
	if i < 0 {
		return nil
	}
	return s.Apps[i]
}

func (s *state) connector(id int) *connector {
	i := slices.IndexFunc(s.Connectors, func(c *connector) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return s.Connectors[i]
}

// connectorOf is the connector of an application that has data: the one that synced
// last; nil if none has.
func (s *state) connectorOf(app int) *connector {
	var newest *connector
	for _, c := range s.Connectors {
		if c.App == app && c.Archive != "" && (newest == nil || c.SyncedAt.After(newest.SyncedAt)) {
			newest = c
		}
	}
	return newest
}

// unmanaged are the applications that were discovered and are not managed.
func (s *state) unmanaged() []string {
	return slices.DeleteFunc(slices.Clone(s.Discovered), func(name string) bool {
		return slices.ContainsFunc(s.Apps, func(a *app) bool { return a.Name == name })
	})
}
