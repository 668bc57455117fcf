package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

const (
	// maxAttempts bounds how often one change is sent.
	maxAttempts = 8
	// firstPause is between the first two attempts; it doubles up to maxPause.
	firstPause = 500 * time.Millisecond
	maxPause   = 30 * time.Second
	// proofTime is how long a change may take to show, and firstLook when it is
	// looked for first; the distance doubles up to maxLook.
	proofTime = 60 * time.Second
	firstLook = 250 * time.Millisecond
	maxLook   = 10 * time.Second
)

// Apply sends a plan's change and waits until it shows. Its outcome is told to the
// audit too; where the audit cannot take the intent, nothing is sent.
//
// The result [ResultAlready] is given only where JumpCloud says that it is so, and
// no attempt before may have made it so. A change that was accepted and does not
// show within a minute is a DeadlineExceeded; repeating it is safe. When the
// context ends, the error says whether the change had been sent.
func (p *Provisioner) Apply(ctx context.Context, plan *Plan) (Outcome, error) {
	if ctx.Err() != nil {
		err := fmt.Errorf("%w: nothing was sent", ended(ctx))
		return Outcome{Result: ResultFailed, Err: err}, err
	}
	if err := p.intend(ctx, plan.Change); err != nil {
		err = fmt.Errorf("nothing was sent, because the change could not be recorded first: %w", err)
		return Outcome{Result: ResultFailed, Err: err}, err
	}
	w := write{Plan: plan, logger: p.options.Logger}
	outcome := w.run(ctx)
	if outcome.Err == nil && plan.Operation == OperationRevoke {
		outcome.Inherited = p.remaining(ctx, plan.Change)
	}
	p.record(ctx, plan.Change, outcome)
	return outcome, coded(outcome.Err)
}

// Inspect reads what JumpCloud holds now of a plan's change, for a preview.
func (p *Provisioner) Inspect(ctx context.Context, plan *Plan) error {
	there, err := plan.edge.present(ctx)
	if err != nil {
		return coded(fmt.Errorf("read the present state: %w", err))
	}
	plan.State = StateAbsent
	if there {
		plan.State = StatePresent
	}
	if plan.Operation == OperationRevoke {
		plan.Inherited = p.remaining(ctx, plan.Change)
	}
	return nil
}

// remaining names the groups that confer an application to a user besides. Not
// knowing them does not undo a revoke, so that they are looked for as long as a
// change is and no longer.
func (p *Provisioner) remaining(ctx context.Context, change Change) []Named {
	if change.Resource.Type != TypeApp || change.Principal.Type != TypeUser {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	groups, err := conferring(ctx, p.client, change.Resource.ID, change.Principal.ID)
	if err != nil {
		p.options.Logger.WarnContext(ctx, "could not find out which groups still confer the access",
			slog.String("change", change.ID), slog.Any("error", err))
	}
	return groups
}

// write is one change on its way.
type write struct {
	*Plan
	logger   *slog.Logger
	attempts int
	// maybe says that an attempt whose fate is not known may have made the change.
	maybe bool
}

// run sends the change until JumpCloud has taken it, refuses it, or patience ends.
func (w *write) run(ctx context.Context) Outcome {
	for {
		w.attempts++
		err := w.edge.send(ctx)
		switch {
		case err == nil:
			return w.prove(ctx, ResultChanged)
		case w.saysAlready(err):
			// The ends exist, so that this is about the edge; see saysAlready.
			return w.already(ctx, err)
		}
		w.maybe = w.maybe || mayHaveWorked(err)
		if ctx.Err() != nil {
			return w.canceled(ctx)
		}
		if jumpcloud.IsNotFound(err) {
			// An end that went away since the plan was made has a name to tell.
			if gone := w.edge.check(ctx); gone != nil {
				return w.failed(gone)
			}
			return w.failed(withCode(codes.Unavailable, "JumpCloud contradicts itself: %w; but %s and %s both exist",
				err, w.Resource, w.Principal))
		}
		if !repeatable(err) || w.attempts == maxAttempts {
			return w.failed(err)
		}
		w.logger.WarnContext(ctx, "a change is sent again", slog.String("change", w.ID),
			slog.Int("attempt", w.attempts), slog.Any("error", err))
		if !pause(ctx, backoff(w.attempts, firstPause, maxPause)) {
			return w.canceled(ctx)
		}
	}
}

// saysAlready reports whether an answer can mean that nothing had to be done:
// JumpCloud answers 409 to adding an edge that is there, and 404 to removing one
// that is not.
func (w *write) saysAlready(err error) bool {
	if w.Operation == OperationGrant {
		return jumpcloud.IsConflict(err)
	}
	return jumpcloud.IsNotFound(err)
}

// already proves that an answer means what it seems to: a 404 may also be that of
// a group or user that does not exist. Where an earlier attempt may have made the
// change, it was ours.
func (w *write) already(ctx context.Context, answer error) Outcome {
	if w.Operation == OperationRevoke {
		if err := w.edge.check(ctx); err != nil {
			if ctx.Err() != nil {
				return w.canceled(ctx)
			}
			return w.failed(err)
		}
	}
	result := ResultAlready
	if w.maybe {
		result = ResultChanged
	}
	outcome := w.prove(ctx, result)
	if outcome.Result == ResultAccepted && !w.maybe {
		outcome.Result = ResultFailed
		outcome.Err = withCode(codes.Unavailable,
			"JumpCloud contradicts itself: it answers %q, but reading %s does not agree within %s; repeating is safe",
			answer.Error(), w.Resource, proofTime)
		if ctx.Err() != nil {
			outcome.Err = fmt.Errorf("%w while it was checked that JumpCloud's answer %q is true; nothing was changed by this run", ended(ctx), answer.Error())
		}
	}
	return outcome
}

// prove reads until the change shows.
func (w *write) prove(ctx context.Context, result Result) Outcome {
	limited, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	want := w.Operation == OperationGrant
	var last error
	for look := 1; ; look++ {
		there, err := w.edge.present(limited)
		switch {
		case err == nil && there == want:
			return Outcome{Result: result, Attempts: w.attempts}
		case limited.Err() != nil:
			return w.unproven(ctx, last)
		case jumpcloud.IsNotFound(err):
			if gone := w.edge.check(ctx); isRefusal(gone) {
				return Outcome{Result: ResultAccepted, Attempts: w.attempts, Err: gone}
			}
		case err != nil && !repeatable(err):
			return w.unproven(ctx, err)
		}
		last = err
		if !pause(limited, backoff(look, firstLook, maxLook)) {
			return w.unproven(ctx, last)
		}
	}
}

// unproven is a change that was accepted and not seen. last is why reading
// failed, nil where it only did not show.
func (w *write) unproven(ctx context.Context, last error) Outcome {
	outcome := Outcome{Result: ResultAccepted, Attempts: w.attempts}
	if ctx.Err() != nil {
		outcome.Err = fmt.Errorf("%w after the change was sent and JumpCloud accepted it; repeating is safe", ended(ctx))
		return outcome
	}
	if gone := w.edge.check(ctx); isRefusal(gone) {
		outcome.Err = gone
		return outcome
	}
	outcome.Err = withCode(codes.DeadlineExceeded, "accepted by JumpCloud, not yet visible; repeating is safe")
	if last != nil {
		outcome.Err = fmt.Errorf("accepted by JumpCloud, but it could not be read back; repeating is safe: %w", last)
	}
	return outcome
}

// isRefusal reports whether a check said that the change cannot be, rather than
// that it could not find out.
func isRefusal(err error) bool {
	var coded *codedError
	return errors.As(err, &coded)
}

// failed is a change that JumpCloud did not make, as far as is known.
func (w *write) failed(err error) Outcome {
	outcome := Outcome{Result: ResultFailed, Attempts: w.attempts, Err: err}
	if w.maybe {
		outcome.Result = ResultUnknown
		outcome.Err = fmt.Errorf("%w; an earlier attempt may have made the change: repeating is safe, or sync to see", err)
	}
	return outcome
}

func (w *write) canceled(ctx context.Context) Outcome {
	outcome := Outcome{Result: ResultFailed, Attempts: w.attempts}
	if w.maybe {
		outcome.Result = ResultUnknown
		outcome.Err = fmt.Errorf("%w after the change was sent: it may have been made; repeating is safe, or sync to see", ended(ctx))
		return outcome
	}
	outcome.Err = fmt.Errorf("%w before the change was made: nothing was changed", ended(ctx))
	return outcome
}

// ended says why a context ended: in the words of whoever ended it, where there
// are any.
func ended(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, ctx.Err()) {
		return cause
	}
	return fmt.Errorf("%w (%w)", cause, ctx.Err())
}

// mayHaveWorked reports whether a write that failed may have taken effect.
func mayHaveWorked(err error) bool {
	var e *jumpcloud.Error
	return errors.As(err, &e) && e.MaybeDone
}

// repeatable reports whether sending again can help. Adding and removing an edge
// may be repeated whatever became of the attempt before.
func repeatable(err error) bool {
	switch jumpcloud.KindOf(err) {
	case jumpcloud.KindUnavailable, jumpcloud.KindTimeout:
		return true
	default:
		return false
	}
}

// backoff doubles from first to most, less a random part of up to a half.
func backoff(n int, first, most time.Duration) time.Duration {
	d := most
	if n < 20 && first<<(n-1) < most {
		d = first << (n - 1)
	}
	return d - rand.N(d/2+1) //nolint:gosec // Chance that spreads load needs no secrecy.
}

// pause waits, and reports false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
