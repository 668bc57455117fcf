package provision

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/backoff"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

const (
	// proofTime is how long a change may take to show, and firstLook when it is
	// looked for first; the distance doubles up to maxLook.
	proofTime = 60 * time.Second
	firstLook = 250 * time.Millisecond
	maxLook   = 10 * time.Second
)

// prove reads until the change shows.
func (w *write) prove(ctx context.Context, result Result) Outcome {
	limited, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	var last error
	for look := 1; ; look++ {
		done, err := w.effect.done(limited)
		switch {
		case err == nil && done:
			return Outcome{Result: result, Attempts: w.attempts}
		case limited.Err() != nil:
			return w.unproven(ctx, last)
		case jumpcloud.IsNotFound(err):
			if gone := w.effect.check(ctx); isRefusal(gone) {
				return Outcome{Result: ResultAccepted, Attempts: w.attempts, Err: gone}
			}
		case err != nil && !repeatable(err):
			return w.unproven(ctx, err)
		}
		last = err
		if !backoff.Sleep(limited, backoff.Delay(look, firstLook, maxLook)) {
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
	if gone := w.effect.check(ctx); isRefusal(gone) {
		outcome.Err = gone
		return outcome
	}
	outcome.Err = fault.WithCode(codes.DeadlineExceeded, "accepted by JumpCloud, not yet visible; repeating is safe")
	if last != nil {
		outcome.Err = fmt.Errorf("accepted by JumpCloud, but not read back; repeating is safe: %w", last)
	}
	return outcome
}

// already proves that an answer means what it seems to: a 404 may also be that of
// a group or user that does not exist. Where an earlier attempt may have made the
// change, it was ours.
func (w *write) already(ctx context.Context, answer error) Outcome {
	if w.policy.verify && !w.maybe {
		done, err := w.effect.done(ctx)
		switch {
		case ctx.Err() != nil:
			return w.canceled(ctx)
		case err == nil && done:
			return Outcome{Result: ResultAlready, Attempts: w.attempts}
		default:
			return w.failed(answer)
		}
	}
	if w.Operation == OperationRevoke {
		if err := w.effect.check(ctx); err != nil {
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
		outcome.Err = fault.WithCode(codes.Unavailable,
			"JumpCloud is inconsistent: it responded %q, but reading %s did not agree within %s; repeating is safe",
			answer.Error(), w.Resource, proofTime)
		if ctx.Err() != nil {
			outcome.Err = fmt.Errorf("%w while verifying JumpCloud's response %q; this run changed nothing", ended(ctx), answer.Error())
		}
	}
	return outcome
}

// isRefusal reports whether a check said that the change cannot be, rather than
// that it could not find out.
func isRefusal(err error) bool {
	_, ok := fault.As[fault.Coded](err)
	return ok
}
