package actions

import (
	"context"
	"fmt"

	"github.com/segmentio/ksuid"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
)

// Invoker invokes actions. It is safe for concurrent use.
type Invoker struct {
	Provisioner *provision.Provisioner
	// Types are the resource types that may be changed.
	Types []string
	// Task is the id of ConductorOne's task; empty for the command line.
	Task string
	// Preview is given each change instead of making it; nil makes them.
	Preview func(context.Context, *provision.Plan) error
}

// invocation is an action under way.
type invocation struct {
	Invoker
	action
	run  string // KSUID
	args map[string]any
}

// NewRun makes the id of an invocation, a KSUID.
func NewRun() string { return ksuid.New().String() }

// Check refuses an action that does not exist and arguments that it does not take.
func (i Invoker) Check(name, scope string, args *structpb.Struct) error {
	_, err := i.begin(name, scope, "", args)
	return err
}

func (i Invoker) begin(name, scope, run string, args *structpb.Struct) (*invocation, error) {
	a, err := find(i.Types, name, scope)
	if err != nil {
		return nil, err
	}
	in := &invocation{Invoker: i, action: a, run: run, args: args.AsMap()}
	return in, a.checkNames(in.args)
}

// Invoke runs an action to its end and returns its result. Its changes are recorded under
// run, which [NewRun] makes. An error carries a gRPC code; what was done before it stays
// done, and invoking the action again goes on. Where the action tells what it did, the
// result comes beside the error.
func (i Invoker) Invoke(ctx context.Context, name, scope, run string, args *structpb.Struct) (*structpb.Struct, error) {
	in, err := i.begin(name, scope, run, args)
	if err != nil {
		return nil, err
	}
	fields, err := in.action.run(ctx, in)
	if fields == nil {
		fields = map[string]any{}
	}
	fields["success"] = err == nil
	result, encodeErr := structpb.NewStruct(fields)
	if encodeErr != nil {
		return nil, fmt.Errorf("encode the result of %s: %w", name, encodeErr)
	}
	if err != nil {
		return result, connector.Coded(fmt.Errorf("%s failed: %w", name, err))
	}
	return result, nil
}

// apply makes a change, or shows it.
func (in *invocation) apply(ctx context.Context, plan *provision.Plan) (provision.Outcome, error) {
	plan.Action, plan.Run, plan.Task = in.name, in.run, in.Task
	if in.Preview != nil {
		if err := in.Provisioner.Inspect(ctx, plan); err != nil {
			return provision.Outcome{Result: provision.ResultFailed}, err
		}
		return provision.Outcome{}, in.Preview(ctx, plan)
	}
	return in.Provisioner.Apply(ctx, plan)
}

// message tells a person how a change ended.
func (in *invocation) message(plan *provision.Plan, outcome provision.Outcome) string {
	switch {
	case in.Preview != nil:
		return "dry run: nothing was sent"
	case outcome.Result == provision.ResultAlready:
		return "no change needed: " + plan.Resource.String()
	default:
		return "done: " + plan.Resource.String()
	}
}
