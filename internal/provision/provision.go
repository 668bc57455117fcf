package provision

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// Options are the settings of a [Provisioner].
type Options struct {
	// Types are the resource types that may be changed.
	Types []string
	// OnDeleteReports is what becomes of the direct reports of a deleted user: one of
	// the Reports constants; "" is [ReportsRefuse].
	OnDeleteReports string
	// DeleteAdmins allows deleting a user who is an administrator too, which deletes
	// both.
	DeleteAdmins bool
	// OnLastRole is what revoking the only role of an administrator does: one of the
	// LastRole constants; "" is [LastRoleRefuse].
	OnLastRole string
	// MergeAdmins says that a sync shows an administrator and the user of the same email
	// address as one account, the user's.
	MergeAdmins bool
	// Audit is told of every change before and after; nil means nobody.
	Audit Audit
	// Command begins the commands that messages propose, such as one that needs
	// another archive than the usual; empty means the program's name alone.
	Command string
	// Logger must not be nil.
	Logger *slog.Logger
}

// Provisioner changes access in JumpCloud: it grants and revokes what the types that
// may be changed have.
//
// A change goes through three steps. A plan checks what is asked for against what
// JumpCloud holds now and says what would be sent. Apply sends it, again where
// that is safe. Then the change is read back, because JumpCloud's graph lags
// behind its writes. Repeating a change is always safe: what is there already is
// a success, and so is what is gone already.
//
// It is safe for concurrent use. Its errors carry gRPC codes.
type Provisioner struct {
	client    *jumpcloud.Client
	options   Options
	maxPauses time.Duration
}

// New makes a provisioner of a client.
func New(client *jumpcloud.Client, options Options) *Provisioner {
	return &Provisioner{client: client, options: options}
}

// LimitPauses bounds how long a change waits in all for further attempts, for a caller who
// repeats it by itself. It must be called before the first change.
func (p *Provisioner) LimitPauses(most time.Duration) { p.maxPauses = most }

// Grant gives a principal an entitlement. The answer carries the grant, and the
// annotation GrantAlreadyExists where nothing had to be changed.
func (p *Provisioner) Grant(ctx context.Context, req *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error) {
	plan, err := p.PlanGrant(ctx, req.GetPrincipal(), req.GetEntitlement())
	if err != nil {
		return nil, connector.Coded(fmt.Errorf("grant failed: %w", err))
	}
	plan.Task = TaskOf(req.GetAnnotations())
	outcome, err := p.Apply(ctx, plan)
	if err != nil {
		return nil, connector.Coded(fmt.Errorf("grant failed: %w", err))
	}
	resp := &v2.GrantManagerServiceGrantResponse{Grants: []*v2.Grant{plan.grant()}}
	if outcome.Result == ResultAlready {
		resp.Annotations = connector.Annotations(&v2.GrantAlreadyExists{})
	} else {
		for _, g := range plan.Replaced {
			resp.Annotations = append(resp.Annotations, connector.Annotations(&v2.GrantReplaced{
				ReplacedGrantId: restype.GrantID(g.Type, g.ID, plan.holder().Type, plan.holder().ID),
			})...)
		}
	}
	return resp, nil
}

// Revoke takes an entitlement from a principal. Which ones is decided by the
// grant's entitlement and principal, never by its id. The answer carries the
// annotation GrantAlreadyRevoked where nothing had to be changed, and a
// GrantMetadata where groups still confer the access.
func (p *Provisioner) Revoke(ctx context.Context, req *v2.GrantManagerServiceRevokeRequest) (*v2.GrantManagerServiceRevokeResponse, error) {
	plan, err := p.PlanRevoke(ctx, req.GetGrant())
	if err != nil {
		return nil, connector.Coded(fmt.Errorf("revoke failed: %w", err))
	}
	plan.Task = TaskOf(req.GetAnnotations())
	outcome, err := p.Apply(ctx, plan)
	if err != nil {
		return nil, connector.Coded(fmt.Errorf("revoke failed: %w", err))
	}
	var notes []*anypb.Any
	if outcome.Result == ResultAlready {
		notes = connector.Annotations(&v2.GrantAlreadyRevoked{})
	}
	if len(outcome.Inherited) > 0 {
		notes = append(notes, connector.Annotations(inheritedMetadata(outcome.Inherited))...)
	}
	return &v2.GrantManagerServiceRevokeResponse{Annotations: notes}, nil
}

// PlanGrant checks a grant and works out what would be sent. It only reads.
func (p *Provisioner) PlanGrant(ctx context.Context, principal *v2.Resource, entitlement *v2.Entitlement) (*Plan, error) {
	change, err := newChange(OperationGrant, principal, entitlement)
	if err != nil {
		return nil, err
	}
	return p.plan(ctx, change)
}

// PlanRevoke checks a revoke and works out what would be sent. It only reads.
func (p *Provisioner) PlanRevoke(ctx context.Context, grant *v2.Grant) (*Plan, error) {
	change, err := newChange(OperationRevoke, grant.GetPrincipal(), grant.GetEntitlement())
	if err != nil {
		return nil, err
	}
	if err := p.refuseExpanded(ctx, change, grant); err != nil {
		return nil, err
	}
	return p.plan(ctx, change)
}

// plan works out how a change is made and checks that it can be.
func (p *Provisioner) plan(ctx context.Context, change Change) (*Plan, error) {
	plan := &Plan{Change: change}
	planEdge := planners()[change.Resource.Type]
	if planEdge == nil {
		return nil, fault.WithCode(codes.Unimplemented,
			"resource type %s does not have provisioner configured: %s cannot be granted or revoked, only %s can",
			change.Resource.Type, change.Resource, changeable())
	}
	if err := planEdge(p, plan); err != nil {
		return nil, err
	}
	if err := p.allowed(change.Resource); err != nil {
		return nil, err
	}
	if err := plan.effect.check(ctx); err != nil {
		return nil, connector.Coded(err)
	}
	return plan, nil
}

// allowed refuses to change a resource of a type that the settings leave out.
func (p *Provisioner) allowed(resource Named) error { return Allowed(p.options.Types, resource) }

// Allowed refuses to change a resource of a type that is not among those that may be
// changed.
func Allowed(types []string, resource Named) error {
	if slices.Contains(types, resource.Type) {
		return nil
	}
	types = slices.DeleteFunc(restype.Changeable(false), func(id string) bool {
		return id != resource.Type && !slices.Contains(types, id)
	})
	return fault.WithCode(codes.Unimplemented,
		"resource type %s does not have provisioner configured: changing %s requires --%s=%s",
		resource.Type, resource, restype.ProvisionTypes, strings.Join(types, ","))
}

// planners plan the changes of the types that are changeable.
func planners() map[string]func(*Provisioner, *Plan) error {
	return map[string]func(*Provisioner, *Plan) error{
		restype.Group:        planMembership,
		restype.App:          planAssignment,
		restype.Role:         planRole,
		restype.Directory:    planBinding,
		restype.RADIUSServer: planBinding,
		restype.Device:       planDevice,
	}
}

// changeable lists the types that can be changed.
func changeable() string {
	var plurals []string
	for _, t := range restype.All() {
		if t.Grantable() {
			plurals = append(plurals, t.Plural)
		}
	}
	return strings.Join(plurals[:len(plurals)-1], ", ") + " and " + plurals[len(plurals)-1]
}

// isExternal reports whether a resource came from another connector's archive.
func isExternal(r *v2.Resource) bool {
	for _, a := range r.GetAnnotations() {
		if a.MessageIs((*v2.BatonID)(nil)) {
			return true
		}
	}
	return false
}

// TaskOf returns the id of the task that a request is for, as its RequestId
// annotation tells.
func TaskOf(list []*anypb.Any) string {
	for _, a := range list {
		id := new(v2.RequestId)
		if a.MessageIs(id) && a.UnmarshalTo(id) == nil {
			return id.GetRequestId()
		}
	}
	return ""
}
