package provision

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

// effect is what a plan changes: an edge of JumpCloud's graph, attributes of an object,
// or whether an object exists.
type effect interface {
	// check names what the change is about and does not exist.
	check(ctx context.Context) error
	// send makes the change, in one request.
	send(ctx context.Context) error
	// done reads whether JumpCloud is as the plan makes it.
	done(ctx context.Context) (bool, error)
	// saysAlready reports whether a refusal can mean that nothing had to be done.
	saysAlready(err error) bool
}

// policy is how a plan is sent and proven. The zero policy is that of edges.
type policy struct {
	// look reads before sending: JumpCloud's answer does not tell that it was so
	// already.
	look bool
	// once never repeats an attempt that may have worked: it would take effect twice.
	once bool
	// blind says that no read shows what came of it.
	blind bool
	// verify says that a refusal which can mean "already" is not believed before a read
	// shows it, and is the reason of the failure where none does.
	verify bool
}

// object is the change of one object: of its attributes, or of its existence.
type object struct {
	exists func(context.Context) error
	submit func(context.Context) error
	holds  func(context.Context) (bool, error)
	// already is nil where no refusal means that.
	already func(error) bool
}

func (o *object) check(ctx context.Context) error        { return o.exists(ctx) }
func (o *object) send(ctx context.Context) error         { return o.submit(ctx) }
func (o *object) done(ctx context.Context) (bool, error) { return o.holds(ctx) }
func (o *object) saysAlready(err error) bool             { return o.already != nil && o.already(err) }

// gone reports whether a read of an object says that there is none.
func gone(err error) (bool, error) {
	if jumpcloud.IsNotFound(err) {
		return true, nil
	}
	return false, err
}
