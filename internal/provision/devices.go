package provision

import (
	"context"
	"encoding/json"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// planDevice plans that a user or group can sign in to a device, or is its administrator: the
// binding, and the sudo of the binding. Ending the binding ends both, and sudo on makes a
// binding where there is none.
func planDevice(p *Provisioner, plan *Plan) error {
	if err := planBinding(p, plan); err != nil {
		return err
	}
	b, ok := plan.effect.(binding)
	switch slug := plan.slug(); {
	case !ok:
		return fault.Invalid("%s cannot be changed", plan.Resource)
	case slug == connector.SlugAdmin:
		plan.effect, plan.policy = sudo{b}, policy{look: true}
	case slug == connector.SlugUser:
		plan.effect = use{b}
	default:
		return fault.Invalid("entitlement %q is not one of %s; sync again", plan.Entitlement, plan.Resource)
	}
	return nil
}

// use is a binding to a device.
type use struct{ binding }

func (u use) check(ctx context.Context) error {
	if err := u.binding.check(ctx); err != nil || u.Operation == OperationGrant {
		return err
	}
	row, bound, err := u.read(ctx)
	u.along(bound && row.Sudo, connector.SlugAdmin)
	return err
}

// sudo is whether a binding to a device makes an administrator.
type sudo struct{ binding }

func (s sudo) check(ctx context.Context) error {
	if err := s.binding.check(ctx); err != nil {
		return err
	}
	row, bound, err := s.read(ctx)
	if err != nil {
		return err
	}
	if s.Operation == OperationRevoke && s.target == jumpcloud.TypeUser {
		user, err := s.client.User(ctx, s.Principal.ID)
		switch {
		case err != nil:
			return missing(s.Principal, err)
		case user.Sudo.IsTrue():
			return ownSudo(s.Plan)
		}
	}
	op := jumpcloud.SudoOn
	switch {
	case s.Operation == OperationRevoke && row.GroupSudo:
		return fault.WithCode(codes.FailedPrecondition,
			"%s is administrator of every device that it is bound to, by a setting of the group and not of this binding; "+
				"turn sudo off in the group's settings in JumpCloud, or end the binding: revoke the entitlement %s of %s",
			s.Principal, connector.SlugUser, s.Resource)
	case s.Operation == OperationRevoke:
		op = jumpcloud.SudoOff
	case !bound:
		op = jumpcloud.BindWithSudo
	}
	s.along(op == jumpcloud.BindWithSudo, connector.SlugUser)
	s.Request.Body, err = json.Marshal(op.Body(s.target, s.Principal.ID))
	return err
}

// ownSudo refuses to take away what the user has by a setting of their own.
func ownSudo(p *Plan) error {
	return fault.WithCode(codes.FailedPrecondition,
		"%s is administrator of every device that they can sign in to, by a setting of their own and not of this binding; "+
			"turn \"sudo\" off in the user's settings in JumpCloud, or end the access: revoke the entitlement %s of %s",
		p.Principal, connector.SlugUser, p.Resource)
}

// send adds the binding, or changes the one that is there. Reads lag behind writes, so that
// the answer decides which of the two it is.
func (s sudo) send(ctx context.Context) error {
	change := func(op jumpcloud.SudoChange) error {
		return s.client.ChangeSudo(ctx, s.Resource.ID, s.target, s.Principal.ID, op)
	}
	if s.Operation == OperationRevoke {
		return change(jumpcloud.SudoOff)
	}
	_, bound, err := s.read(ctx)
	switch {
	case err != nil:
		return err
	case bound:
		if err = change(jumpcloud.SudoOn); jumpcloud.IsNotFound(err) {
			return change(jumpcloud.BindWithSudo)
		}
	default:
		if err = change(jumpcloud.BindWithSudo); jumpcloud.IsConflict(err) {
			return change(jumpcloud.SudoOn)
		}
	}
	return err
}

func (s sudo) done(ctx context.Context) (bool, error) {
	row, _, err := s.read(ctx)
	return row.Sudo == (s.Operation == OperationGrant), err
}

// saysAlready: only a binding that is not there has no sudo to take away.
func (s sudo) saysAlready(err error) bool {
	return s.Operation == OperationRevoke && jumpcloud.IsNotFound(err)
}

// read finds the binding of the principal.
func (b binding) read(ctx context.Context) (row jumpcloud.Connection, bound bool, err error) {
	_, err = paging.ReadAll(ctx, connector.BoundTo(b.client, b.graph, b.Resource.ID, b.target), func(r jumpcloud.Connection) bool {
		if bound = r.ID == b.Principal.ID; bound {
			row = r
		}
		return !bound
	})
	return row, bound, err
}

// along notes whether another entitlement of a device comes or goes with the change.
func (p *Plan) along(with bool, slug string) {
	p.Along = ""
	if with {
		p.Along = restype.SlugEntitlementID(p.Resource.Type, p.Resource.ID, slug)
	}
}

// slug tells the entitlements of a device apart; empty for a resource with only one.
func (c Change) slug() string {
	for _, slug := range []string{connector.SlugUser, connector.SlugAdmin} {
		if c.Resource.Type == restype.Device && c.Entitlement == restype.SlugEntitlementID(c.Resource.Type, c.Resource.ID, slug) {
			return slug
		}
	}
	return ""
}
