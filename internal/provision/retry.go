package provision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/backoff"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

const (
	// maxAttempts bounds how often one change is sent.
	maxAttempts = 8
	// firstPause is between the first two attempts; it doubles up to maxPause.
	firstPause = 500 * time.Millisecond
	maxPause   = 30 * time.Second
)

// write is one change on its way.
type write struct {
	*Plan
	logger   *slog.Logger
	attempts int
	// maxPauses bounds the pauses between attempts, of which there were so many, where it
	// is not 0.
	maxPauses, paused time.Duration
	// maybe says that an attempt whose fate is not known may have made the change.
	maybe bool
}

// run sends the change until JumpCloud has taken it, refuses it, or the retry policy ends.
func (w *write) run(ctx context.Context) Outcome {
	if outcome, ended := w.lookFirst(ctx); ended {
		return outcome
	}
	for {
		w.attempts++
		err := w.effect.send(ctx)
		switch {
		case err == nil && w.policy.blind:
			return Outcome{Result: ResultChanged, Attempts: w.attempts}
		case err == nil:
			return w.prove(ctx, ResultChanged)
		case w.effect.saysAlready(err):
			return w.already(ctx, err)
		}
		w.maybe = w.maybe || mayHaveWorked(err)
		if ctx.Err() != nil {
			return w.canceled(ctx)
		}
		if jumpcloud.IsNotFound(err) {
			if w.Operation == OperationCreate {
				return w.failed(err)
			}
			// An end that went away since the plan was made has a name to tell.
			if gone := w.effect.check(ctx); gone != nil {
				return w.failed(gone)
			}
			return w.failed(fault.WithCode(codes.Unavailable, "JumpCloud is inconsistent: %w; but %s", err, w.existing()))
		}
		if !repeatable(err) || w.attempts == maxAttempts || w.policy.once && w.maybe {
			return w.failed(err)
		}
		pause := backoff.Delay(w.attempts, firstPause, maxPause)
		if w.paused += max(pause, restOf(err)); w.maxPauses > 0 && w.paused > w.maxPauses {
			return w.failed(err)
		}
		w.logger.WarnContext(ctx, "retrying change", slog.String("change", w.ID),
			slog.Int("attempt", w.attempts), slog.Any("error", err))
		if !backoff.Sleep(ctx, pause) {
			return w.canceled(ctx)
		}
		if w.maybe && w.policy.look {
			if done, err := w.effect.done(ctx); err == nil && done {
				return Outcome{Result: ResultChanged, Attempts: w.attempts}
			}
		}
	}
}

// lookFirst reads whether there is anything to do, where the answer to a write would
// not tell. It reports whether the change ended with that.
func (w *write) lookFirst(ctx context.Context) (Outcome, bool) {
	if !w.policy.look {
		return Outcome{}, false
	}
	done, err := w.effect.done(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return w.canceled(ctx), true
	case err != nil:
		return w.failed(err), true
	case done:
		return Outcome{Result: ResultAlready}, true
	default:
		return Outcome{}, false
	}
}

// existing says what a change needs to exist.
func (w *write) existing() string {
	if w.Principal == (Named{}) {
		return w.Resource.String() + " exists"
	}
	return fmt.Sprintf("%s and %s both exist", w.Resource, w.Principal)
}

// failed is a change that JumpCloud did not make, as far as is known.
func (w *write) failed(err error) Outcome {
	outcome := Outcome{Result: ResultFailed, Attempts: w.attempts, Err: err}
	if w.maybe {
		outcome.Result = ResultUnknown
		outcome.Err = fmt.Errorf("%w; an earlier attempt may have made the change; %s", err, w.repeating())
	}
	return outcome
}

// repeating says what repeating a change of unknown fate does.
func (w *write) repeating() string {
	if w.policy.once {
		return "repeating it may take effect twice"
	}
	return "repeating is safe"
}

func (w *write) canceled(ctx context.Context) Outcome {
	outcome := Outcome{Result: ResultFailed, Attempts: w.attempts}
	if w.maybe {
		outcome.Result = ResultUnknown
		outcome.Err = fmt.Errorf("%w after the change was sent: it may have been made; %s", ended(ctx), w.repeating())
		return outcome
	}
	outcome.Err = fmt.Errorf("%w before the change was sent; nothing was changed", ended(ctx))
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

// restOf is how long the server wants to be left alone.
func restOf(err error) time.Duration {
	if e, ok := errors.AsType[*jumpcloud.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// repeatable reports whether sending again can help. Unless its policy says so, a change
// may be repeated whatever became of the attempt before.
func repeatable(err error) bool {
	switch jumpcloud.KindOf(err) {
	case jumpcloud.KindUnavailable, jumpcloud.KindTimeout:
		return true
	default:
		return false
	}
}
