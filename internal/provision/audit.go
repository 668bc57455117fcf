package provision

import (
	"context"
	"log/slog"
)

// Audit is told of changes. Its two calls for a change have the same [Change.ID].
// They come from the goroutine that changes.
type Audit interface {
	// Intent is called once before anything is sent. Where it fails, nothing is
	// sent.
	Intent(ctx context.Context, change Change) error
	// Outcome is called once after the last thing was sent, also where the run was
	// canceled: its context never is. An error is logged; the change stands.
	Outcome(ctx context.Context, change Change, outcome Outcome) error
}

// Result is how a change ended.
type Result string

// The results.
const (
	// ResultChanged: JumpCloud made the change, and it was read back.
	ResultChanged Result = "changed"
	// ResultAlready: it was so before, and nothing was changed.
	ResultAlready Result = "already"
	// ResultAccepted: JumpCloud accepted the change, but it could not be read back
	// yet.
	ResultAccepted Result = "accepted"
	// ResultUnknown: it was sent, and whether it took effect is not known.
	ResultUnknown Result = "unknown"
	// ResultFailed: nothing was changed.
	ResultFailed Result = "failed"
)

// Outcome is how a change ended, and why where it did not succeed.
type Outcome struct {
	Result Result
	// Attempts counts the requests sent to change something.
	Attempts int
	// Inherited names the groups that still confer an access that was revoked.
	Inherited []Named
	// Err is why the change did not succeed, nil where it did.
	Err error
}

// intend tells the audit what is about to be sent.
func (p *Provisioner) intend(ctx context.Context, change Change) error {
	if p.options.Audit == nil {
		return nil
	}
	return p.options.Audit.Intent(ctx, change)
}

// record tells the audit how it ended.
func (p *Provisioner) record(ctx context.Context, change Change, outcome Outcome) {
	if p.options.Audit == nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	if err := p.options.Audit.Outcome(ctx, change, outcome); err != nil {
		p.options.Logger.ErrorContext(ctx, "recording the outcome of a change failed",
			slog.String("change", change.ID), slog.String("result", string(outcome.Result)), slog.Any("error", err))
	}
}
