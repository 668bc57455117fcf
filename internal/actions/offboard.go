package actions

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	configv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/config/v1"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// What becomes of the direct reports of a leaver.
const (
	reportsManager = "manager"
	reportsClear   = "clear"
	reportsKeep    = "keep"
)

func offboardArguments() []*configv1.Field {
	return []*configv1.Field{
		text("reports", "Direct Reports", "What becomes of the user's direct reports: manager (the user's own manager takes over, default), clear, or keep"),
		text("new_manager", "New Manager", "ID, username or email address of who takes over the direct reports"),
	}
}

func offboardRules() []*configv1.Constraint {
	return []*configv1.Constraint{{
		Kind: configv1.ConstraintKind_CONSTRAINT_KIND_MUTUALLY_EXCLUSIVE, FieldNames: []string{"reports", "new_manager"},
	}}
}

func offboardReturns() []*configv1.Field {
	return []*configv1.Field{
		text("message", "Message", "What was done"),
		mapping("steps", "Steps", "Each change with its target and result"),
		mapping("left", "Left", "What the user still holds, and why"),
	}
}

// offboarding is the leave of one user.
type offboarding struct {
	*invocation
	user  *jumpcloud.User
	steps []any
	left  []any
	errs  []error
}

// offboard takes a leaver's access away: first the sign-in, then all that is held directly,
// the direct reports and the password. What fails does not stop the rest; invoked again it
// goes on, because what is done is found to be so. What cannot be taken away is named.
func offboard(ctx context.Context, in *invocation) (map[string]any, error) {
	u, err := in.user(ctx)
	if err != nil {
		return nil, err
	}
	heir, err := in.heir(ctx, u)
	if err != nil {
		return nil, err
	}
	o := &offboarding{invocation: in, user: u}
	if o.step(ctx, "suspend", in.Provisioner.PlanDisable(u)) != nil {
		return o.result()
	}
	for _, part := range []func(context.Context) error{
		o.leave,
		func(ctx context.Context) error { return o.handOver(ctx, heir) },
		o.expire,
	} {
		if err := part(ctx); err != nil {
			o.errs = append(o.errs, err)
		}
		if ctx.Err() != nil {
			return o.result()
		}
	}
	if u.Admin != nil {
		o.remains("administrator "+u.Admin.ID, "the administrator account of the user stays; delete it, or revoke its roles")
	}
	o.unseen()
	return o.result()
}

// unseen notes the types whose bindings are not ended, and so not looked for either.
func (o *offboarding) unseen() {
	for _, t := range restype.All() {
		if t.Switch != "" && t.Grantable() && !slices.Contains(o.Types, t.ID) {
			o.remains(t.Plural, fmt.Sprintf("bindings to %s were not ended: --%s does not include %s", t.Plural, restype.ProvisionTypes, t.ID))
		}
	}
	o.remains("device groups", "bindings to device groups are not changed by this connector")
}

// heir is who takes over the direct reports: nil keeps them as they are.
func (in *invocation) heir(ctx context.Context, u *jumpcloud.User) (*string, error) {
	who, err := in.text("new_manager")
	if err != nil {
		return nil, err
	}
	if who != nil && *who != "" {
		id, err := ManagerID(ctx, in.Provisioner, u.ID, *who)
		return &id, err
	}
	how, err := in.text("reports")
	if err != nil {
		return nil, err
	}
	none := ""
	switch {
	case how == nil || *how == "" || *how == reportsManager:
		if u.ManagerID == u.ID {
			return &none, nil
		}
		return &u.ManagerID, nil
	case *how == reportsClear:
		return &none, nil
	case *how == reportsKeep:
		return nil, nil //nolint:nilnil // nobody
	default:
		return nil, fault.Invalid("argument reports must be %s, %s or %s", reportsManager, reportsClear, reportsKeep)
	}
}

// step makes one change and notes how it ended.
func (o *offboarding) step(ctx context.Context, name string, plan *provision.Plan) error {
	outcome, err := o.apply(ctx, plan)
	target := plan.Resource
	note := map[string]any{"step": name, "target": target.String(), "result": string(outcome.Result), "change": plan.ID}
	if o.Preview != nil {
		note["result"] = "dry run"
	}
	if err != nil {
		note["error"] = err.Error()
		o.errs = append(o.errs, fmt.Errorf("%s %s: %w", name, target, err))
	}
	o.steps = append(o.steps, note)
	return err
}

// remains notes what the user keeps.
func (o *offboarding) remains(what, why string) {
	o.left = append(o.left, map[string]any{"what": what, "why": why})
}

// leave ends memberships and direct assignments.
func (o *offboarding) leave(ctx context.Context) error {
	held, err := o.Provisioner.Holdings(ctx, o.user.ID)
	if err != nil {
		return err
	}
	for _, resource := range held {
		plan, err := o.Provisioner.PlanEdge(ctx, provision.OperationRevoke, resource, provision.Named{Type: restype.User, ID: o.user.ID})
		switch {
		case err == nil:
			name := "leave group"
			switch resource.Type {
			case restype.App:
				name = "unassign application"
			case restype.Directory:
				name = "unbind directory"
			case restype.RADIUSServer:
				name = "unbind RADIUS server"
			case restype.Device:
				name = "unbind device"
			}
			_ = o.step(ctx, name, plan) // noted
		case fault.Code(err) == codes.FailedPrecondition && resource.Type == restype.Group:
			why := err.Error()
			if rule := o.Provisioner.Rule(ctx, resource.ID); rule != "" {
				why += "; rule: " + rule
			}
			o.remains(resource.String(), why)
		case fault.Code(err) == codes.FailedPrecondition || fault.Code(err) == codes.Unimplemented:
			o.remains(resource.String(), err.Error())
		case fault.Code(err) == codes.NotFound: // gone since
		default:
			o.errs = append(o.errs, fmt.Errorf("%s: %w", resource, err))
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// handOver gives the direct reports another manager, or none.
func (o *offboarding) handOver(ctx context.Context, heir *string) error {
	reports, err := o.Provisioner.Reports(ctx, o.user.ID)
	if err != nil {
		return err
	}
	for _, u := range reports {
		if heir == nil {
			o.remains("direct report "+u.ID, "kept, as reports=keep asks for")
			continue
		}
		manager := *heir
		if manager == u.ID {
			manager = "" // Nobody manages themselves.
		}
		// The list has no restrictions; a read of the user has.
		whole, err := o.Provisioner.User(ctx, u.ID)
		if fault.Code(err) == codes.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		plan, err := o.Provisioner.PlanUpdate(whole, map[string]any{"manager": manager}, nil)
		if err != nil {
			return err
		}
		_ = o.step(ctx, "reassign direct report", plan) // noted
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// expire ends the password.
func (o *offboarding) expire(ctx context.Context) error {
	plan, err := o.Provisioner.PlanExpirePassword(o.user)
	if fault.Code(err) == codes.FailedPrecondition {
		o.remains("password", err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	_ = o.step(ctx, "expire password", plan) // noted
	return nil
}

// result is the report, and an error where something failed.
func (o *offboarding) result() (map[string]any, error) {
	fields := map[string]any{
		"message": fmt.Sprintf("%d steps, %d left, %d failed", len(o.steps), len(o.left), len(o.errs)),
		"steps":   o.steps, "left": o.left,
	}
	if len(o.errs) == 0 {
		return fields, nil
	}
	return fields, fmt.Errorf("%d of the steps failed; invoke it again to go on: %w", len(o.errs), errors.Join(o.errs...))
}
