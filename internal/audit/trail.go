package audit

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

// Options are the settings of a [Trail].
type Options struct {
	// Path is the file; empty for a trail that is only logged.
	Path         string
	Organization Organization
	Actor        Actor // its Task is taken from each change
	Credential   Credential
	// Logger must not be nil.
	Logger *slog.Logger
}

// Trail records changes. It is safe for concurrent use, by several processes too,
// and holds nothing open between two records.
type Trail struct {
	options Options
}

var _ provision.Audit = (*Trail)(nil)

// Start begins a trail. It makes the file if there is none, refuses one that
// should not be written, and reports the changes in it whose outcome is missing.
func Start(ctx context.Context, o Options) (*Trail, error) {
	t := &Trail{options: o}
	if o.Path == "" {
		return t, nil
	}
	if err := t.reportOpen(ctx); err != nil {
		return nil, fmt.Errorf("start audit file %s: %w", o.Path, err)
	}
	return t, nil
}

// Intent implements [provision.Audit]. When it returns without an error, the
// record is on the disk.
func (t *Trail) Intent(ctx context.Context, change provision.Change) error {
	r := t.record(EventIntent, change)
	r.Request, r.Fields, r.Undo = &change.Request, change.Fields, printable.Shorten(change.Undo, maxErrorBytes)
	if err := t.keep(ctx, r); err != nil {
		return err
	}
	t.options.Logger.LogAttrs(ctx, slog.LevelInfo, "applying change", r.attrs()...)
	return nil
}

// Outcome implements [provision.Audit].
func (t *Trail) Outcome(ctx context.Context, change provision.Change, outcome provision.Outcome) error {
	r := t.record(EventOutcome, change)
	r.Result, r.Attempts = outcome.Result, outcome.Attempts
	shown := min(len(outcome.Inherited), maxInherited)
	for _, n := range outcome.Inherited[:shown] {
		r.Inherited = append(r.Inherited, clipNamed(n))
	}
	r.InheritedMore = len(outcome.Inherited) - shown
	if outcome.Err != nil {
		r.Error = printable.Shorten(redact.Text(outcome.Err.Error()), maxErrorBytes)
	}
	level, message := slog.LevelWarn, "change failed or outcome unknown"
	switch outcome.Result {
	case provision.ResultChanged:
		level, message = slog.LevelInfo, "change applied"
	case provision.ResultAlready:
		level, message = slog.LevelInfo, "no change needed"
	case provision.ResultAccepted, provision.ResultUnknown, provision.ResultFailed:
	}
	t.options.Logger.LogAttrs(ctx, level, message, r.attrs()...)
	return t.keep(ctx, r)
}

// keep writes a record to the file, if there is one.
func (t *Trail) keep(ctx context.Context, r Record) error {
	if t.options.Path == "" {
		return nil
	}
	line, err := r.line()
	if err != nil {
		return err
	}
	if err := appendTo(ctx, t.options.Path, line); err != nil {
		return fmt.Errorf("write audit file %s: %w", t.options.Path, err)
	}
	return nil
}
