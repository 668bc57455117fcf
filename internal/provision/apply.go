package provision

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
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
		err = fmt.Errorf("nothing was sent: record the change: %w", err)
		return Outcome{Result: ResultFailed, Err: err}, err
	}
	w := write{Plan: plan, logger: p.options.Logger, maxPauses: p.maxPauses}
	outcome := w.run(ctx)
	if outcome.Err == nil && plan.Operation == OperationRevoke {
		outcome.Inherited = p.remaining(ctx, plan.Change, plan.graph)
	}
	p.record(ctx, plan.Change, outcome)
	return outcome, connector.Coded(outcome.Err)
}

// Inspect reads what JumpCloud holds now of a plan's change, for a preview.
func (p *Provisioner) Inspect(ctx context.Context, plan *Plan) error {
	if plan.policy.blind && !plan.policy.look {
		plan.State = StateOpen
		return nil
	}
	done, err := plan.effect.done(ctx)
	if err != nil {
		return connector.Coded(fmt.Errorf("read the current state: %w", err))
	}
	plan.State = StateOpen
	if done {
		plan.State = StateMade
	}
	if plan.Operation == OperationRevoke {
		plan.Inherited = p.remaining(ctx, plan.Change, plan.graph)
	}
	return nil
}

// remaining names the groups that confer what is bound to a user besides. Not
// knowing them does not undo a revoke, so that they are looked for as long as a
// change is and no longer.
func (p *Provisioner) remaining(ctx context.Context, change Change, graph string) []Named {
	if graph == "" || change.Principal.Type != restype.User {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	groups, err := conferring(ctx, p.client, graph, change)
	if err != nil {
		p.options.Logger.WarnContext(ctx, "could not determine which groups still grant the access",
			slog.String("change", change.ID), slog.Any("error", err))
	}
	return groups
}
