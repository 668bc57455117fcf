// Package ledger keeps on disk what an agent must still know after it was killed:
// which tasks it began that change something, and which results it owes.
//
// # The file
//
// Each task has one file of JSON in the ledger's folder, named by the SHA-256 of
// the task's id, since ids differ by the case of letters and some file systems do
// not. A file is replaced as a whole and synced, folder included, before the
// method that wrote it returns; a crash leaves the old file or the new one.
//
//	{"task_id": "2abc…", "kind": "grant", "begun": "2026-11-23T18:00:00Z", "result": "Chk…"}
//
// Without a result, the task was begun and may have taken effect. With one, the
// result is pending. A task without a pending result has no file.
package ledger

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/conductorone/baton-jumpcloud/internal/atomicfile"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// MaxAge is how old a task may be of which ConductorOne wants to hear no more: one
// that was begun and never came again, or one whose result is never accepted.
// ConductorOne has given it up long before.
const MaxAge = 7 * 24 * time.Hour

// maxFileBytes bounds a file that is read. A result is one message of gRPC.
const maxFileBytes = 64 << 20

// ErrInUse means that another process has the ledger open.
var ErrInUse = errors.New("the state directory is in use by another process")

// A PendingResult is a task result that may not have been delivered.
type PendingResult struct {
	// TaskID is the task that it is of.
	TaskID string
	// Kind is the task's type, for logs and metrics.
	Kind string
	// Begun is when the task was begun.
	Begun time.Time
	// Result is what the agent will send, byte for byte.
	Result []byte
}

// entry is what a file holds.
type entry struct {
	TaskID string    `json:"task_id"`
	Kind   string    `json:"kind"`
	Begun  time.Time `json:"begun"`
	Result []byte    `json:"result,omitempty"`
}

// A Ledger is an open folder, which one process may have open at a time. It is
// safe for concurrent use, but the steps of one task must come one after the other.
type Ledger struct {
	dir    string
	lock   *flock.Flock
	logger *slog.Logger

	// mu is not held while a file is written, so that tasks do not wait for each
	// other's disk.
	mu      sync.Mutex
	entries map[string]entry
}

// Open opens the ledger in dir and makes the folder if need be. Another process
// that has it open is [ErrInUse]. A file that cannot be understood is set aside
// under another name, with an error in the log.
func Open(dir string, logger *slog.Logger) (*Ledger, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the state directory: %w", err)
	}
	lock, err := regularfile.Lock(filepath.Join(dir, "lock"))
	switch {
	case errors.Is(err, regularfile.ErrLocked):
		return nil, fmt.Errorf("%w: %s; stop the other process, or use another --state-dir", ErrInUse, dir)
	case err != nil:
		return nil, fmt.Errorf("lock the state directory: %w", err)
	}
	l := &Ledger{dir: dir, lock: lock, logger: logger, entries: map[string]entry{}}
	if err := l.load(time.Now()); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return l, nil
}

// Close lets another process open the ledger.
func (l *Ledger) Close() error {
	if err := l.lock.Unlock(); err != nil {
		return fmt.Errorf("unlock the state directory: %w", err)
	}
	return nil
}

func (l *Ledger) load(now time.Time) error {
	files, err := os.ReadDir(l.dir)
	if err != nil {
		return fmt.Errorf("read the state directory: %w", err)
	}
	for _, f := range files {
		path := filepath.Join(l.dir, f.Name())
		switch {
		case strings.HasPrefix(f.Name(), atomicfile.Temporary):
			// A process was killed before it renamed the file, so nothing stands on it.
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("clear the state directory: %w", err)
			}
		case filepath.Ext(f.Name()) == extension:
			if err := l.loadFile(path, now); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Ledger) loadFile(path string, now time.Time) error {
	raw, _, err := regularfile.Read(path, maxFileBytes)
	if err != nil {
		return fmt.Errorf("read the state of a task: %w", err)
	}
	var e entry
	if err := json.Unmarshal(raw, &e); err != nil || e.TaskID == "" || filepath.Base(path) != fileName(e.TaskID) {
		l.logger.Error("unreadable task state set aside", "path", path, "error", err)
		if err := os.Rename(path, path+".damaged"); err != nil {
			return fmt.Errorf("set the state of a task aside: %w", err)
		}
		return nil
	}
	if e.Result == nil && now.Sub(e.Begun) > MaxAge {
		l.logger.Warn("dropped a started task that ConductorOne never sent again", "task_id", e.TaskID, "task_type", e.Kind, "begun", e.Begun)
		return l.remove(e.TaskID)
	}
	l.entries[e.TaskID] = e
	return nil
}

// Begin notes that a task is about to change something. It reports whether the
// task was begun before and has no result, in which case the change may have been
// made already.
func (l *Ledger) Begin(taskID, kind string) (again bool, err error) {
	if _, again = l.find(taskID); again {
		return true, nil
	}
	return false, l.put(entry{TaskID: taskID, Kind: kind, Begun: time.Now().UTC()})
}

// Add keeps the result of a task until Settle. The first result stands: adding
// another one of the same task is an error.
func (l *Ledger) Add(taskID, kind string, result []byte) error {
	e, begun := l.find(taskID)
	if e.Result != nil {
		return fmt.Errorf("task %s has a result already", taskID)
	}
	if !begun {
		e = entry{TaskID: taskID, Kind: kind, Begun: time.Now().UTC()}
	}
	e.Result = result
	return l.put(e)
}

// Settle forgets a task: its result has certainly been delivered or is no longer
// wanted. An unknown task is settled already.
func (l *Ledger) Settle(taskID string) error {
	if _, known := l.find(taskID); !known {
		return nil
	}
	l.mu.Lock()
	delete(l.entries, taskID)
	l.mu.Unlock()
	return l.remove(taskID)
}

func (l *Ledger) find(taskID string) (entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, known := l.entries[taskID]
	return e, known
}

// Pending returns the pending results, oldest first.
func (l *Ledger) Pending() []PendingResult {
	l.mu.Lock()
	defer l.mu.Unlock()
	var pendingResults []PendingResult
	for _, e := range l.entries {
		if e.Result != nil {
			pendingResults = append(pendingResults, PendingResult(e))
		}
	}
	slices.SortFunc(pendingResults, func(a, b PendingResult) int {
		return cmp.Or(a.Begun.Compare(b.Begun), cmp.Compare(a.TaskID, b.TaskID))
	})
	return pendingResults
}

// Unfinished counts the tasks that were begun and have no result.
func (l *Ledger) Unfinished() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range l.entries {
		if e.Result == nil {
			n++
		}
	}
	return n
}

// put writes an entry and remembers it once it is safe on disk.
func (l *Ledger) put(e entry) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode the state of a task: %w", err)
	}
	if err := atomicfile.Write(filepath.Join(l.dir, fileName(e.TaskID)), raw); err != nil {
		return fmt.Errorf("keep the state of a task: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries[e.TaskID] = e
	return nil
}

// remove does not sync: a file that comes back after a crash only makes the agent
// send a result once more.
func (l *Ledger) remove(taskID string) error {
	if err := os.Remove(filepath.Join(l.dir, fileName(taskID))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget a task: %w", err)
	}
	return nil
}
