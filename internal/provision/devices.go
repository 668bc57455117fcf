package provision

import (
	"context"
	"encoding/json"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// planDevice plans that a user or group can sign in to a device, or is its administrator: the
// binding, and the sudo of the binding. Ending the binding ends both.
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
	case slug != connector.SlugUser:
		return fault.Invalid("entitlement %q is not one of %s; sync again", plan.Entitlement, plan.Resource)
	}
	return nil
}

// sudo is whether a binding to a device makes an administrator.
type sudo struct{ binding }

func (s sudo) check(ctx context.Context) error {
	if err := s.binding.check(ctx); err != nil {
		return err
	}
	bound, _, err := s.read(ctx)
	if err != nil {
		return err
	}
	op := jumpcloud.SudoOn
	switch {
	case s.Operation == OperationRevoke:
		op = jumpcloud.SudoOff
	case !bound:
		op = jumpcloud.BindWithSudo
	}
	s.Request.Body, err = json.Marshal(op.Body(s.target, s.Principal.ID))
	return err
}

// send adds the binding, or changes the one that is there.
func (s sudo) send(ctx context.Context) error {
	change := func(op jumpcloud.SudoChange) error {
		return s.client.ChangeSudo(ctx, s.Resource.ID, s.target, s.Principal.ID, op)
	}
	if s.Operation == OperationRevoke {
		return change(jumpcloud.SudoOff)
	}
	bound, _, err := s.read(ctx)
	switch {
	case err != nil:
		return err
	case bound:
		return change(jumpcloud.SudoOn)
	}
	if err = change(jumpcloud.BindWithSudo); jumpcloud.IsConflict(err) {
		return change(jumpcloud.SudoOn) // Somebody else bound it meanwhile.
	}
	return err
}

func (s sudo) done(ctx context.Context) (bool, error) {
	_, on, err := s.read(ctx)
	return on == (s.Operation == OperationGrant), err
}

// saysAlready: only a binding that is not there has no sudo to take away.
func (s sudo) saysAlready(err error) bool {
	return s.Operation == OperationRevoke && jumpcloud.IsNotFound(err)
}

// read finds the binding, and whether it makes an administrator.
func (s sudo) read(ctx context.Context) (bound, on bool, err error) {
	_, err = paging.ReadAll(ctx, connector.BoundTo(s.client, s.graph, s.Resource.ID, s.target), func(row jumpcloud.Connection) bool {
		if row.ID == s.Principal.ID {
			bound, on = true, row.Sudo
		}
		return !bound
	})
	return bound, on, err
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
