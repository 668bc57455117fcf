package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/conductorone/baton-jumpcloud/internal/redact"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// maxDebugLog bounds the file of a debug log. Debugging must not fill the volume
// that the work of syncs is kept on.
const maxDebugLog = 64 << 20

// DebugLog is a [slog.Handler] that passes records on to another one and, while a
// task that ConductorOne wants debugged is running, writes all of them to a file
// too: JSON, from level debug. Make the process's logger with it, so that the file
// holds what every package has to say. It is safe for concurrent use.
type DebugLog struct {
	next slog.Handler
	file *debugFile
	// with repeats WithAttrs and WithGroup for the file's handler, which comes and
	// goes.
	with []func(slog.Handler) slog.Handler
}

// NewDebugLog makes a handler in front of next.
func NewDebugLog(next slog.Handler) *DebugLog {
	f := &debugFile{}
	f.handler = redact.Handler(slog.NewJSONHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return &DebugLog{next: next, file: f}
}

// Enabled reports whether either side takes the level.
func (d *DebugLog) Enabled(ctx context.Context, level slog.Level) bool {
	return d.file.on.Load() && level >= slog.LevelDebug || d.next.Enabled(ctx, level)
}

// Handle gives the record to each side that takes its level.
func (d *DebugLog) Handle(ctx context.Context, r slog.Record) error {
	var errs []error
	if d.next.Enabled(ctx, r.Level) {
		errs = append(errs, d.next.Handle(ctx, r.Clone()))
	}
	if d.file.on.Load() {
		h := d.file.handler
		for _, with := range d.with {
			h = with(h)
		}
		errs = append(errs, h.Handle(ctx, r))
	}
	return errors.Join(errs...)
}

// WithAttrs adds attributes on both sides.
func (d *DebugLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return d.and(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup opens a group on both sides.
func (d *DebugLog) WithGroup(name string) slog.Handler {
	return d.and(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (d *DebugLog) and(with func(slog.Handler) slog.Handler) *DebugLog {
	return &DebugLog{next: with(d.next), file: d.file, with: append(slices.Clip(d.with), with)}
}

// debugFile is the file that all debugged tasks share.
type debugFile struct {
	handler slog.Handler
	on      atomic.Bool

	mu      sync.Mutex
	file    *os.File // nil while nothing is debugged
	users   int
	written int64
}

// start begins to write to path, from the start of the file unless another task
// is being debugged already.
func (f *debugFile) start(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users == 0 {
		file, err := regularfile.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|regularfile.NoFollow, 0o600)
		if err != nil {
			return fmt.Errorf("open the debug log: %w", err)
		}
		f.file, f.written = file, 0
		f.on.Store(true)
	}
	f.users++
	return nil
}

// stop ends what start began.
func (f *debugFile) stop() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users--; f.users > 0 {
		return nil
	}
	f.on.Store(false)
	file := f.file
	f.file = nil
	if err := file.Close(); err != nil {
		return fmt.Errorf("close the debug log: %w", err)
	}
	return nil
}

// Write is for the JSON handler. It never fails: the log that people read is the
// other one.
func (f *debugFile) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil || f.written+int64(len(line)) > maxDebugLog {
		return len(line), nil
	}
	n, _ := f.file.Write(line) // A full disk is reported where it matters.
	f.written += int64(n)
	return len(line), nil
}
