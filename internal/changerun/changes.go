package changerun

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/accounts"
	"github.com/conductorone/baton-jumpcloud/internal/actions"
	"github.com/conductorone/baton-jumpcloud/internal/agent/tasks"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/feed"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
)

// ChangesOptions are what [Changes] are made of.
type ChangesOptions struct {
	Config *config.Config
	Client *jumpcloud.Client
	// Enabled says that access may be changed.
	Enabled bool
	// Invocations remembers actions.
	Invocations *actions.Store
	// Key opens passwords that ConductorOne encrypts for this connector; nil where there
	// is none.
	Key    ed25519.PrivateKey
	Tracer trace.Tracer
	Logger *slog.Logger
	// MaxPauses bounds how long a change waits for further attempts; 0 is no bound.
	MaxPauses time.Duration
	// Admit refuses an organization; nil takes any.
	Admit func(connector.Organization) error
	// Around runs what makes a change; nil is the change alone.
	Around func(ctx context.Context, change func(context.Context) error) error
}

// Changes make the changes that ConductorOne asks for, as tasks in service mode and as
// calls where it hosts the connector. What this connector does not do is answered by what
// it embeds. It is safe for concurrent use.
type Changes struct {
	tasks.Unserved
	ChangesOptions

	// making is held by who makes the provisioner, when the organization is known.
	// Whoever waits for it waits no longer than its own context.
	making      chan struct{}
	provisioner *provision.Provisioner
	feeds       *feed.Reader
}

var _ tasks.Connector = (*Changes)(nil)

// NewChanges makes them. Nothing is asked yet.
func NewChanges(o ChangesOptions) *Changes {
	if o.Admit == nil {
		o.Admit = func(connector.Organization) error { return nil }
	}
	if o.Around == nil {
		o.Around = func(ctx context.Context, change func(context.Context) error) error { return change(ctx) }
	}
	c := &Changes{ChangesOptions: o, making: make(chan struct{}, 1)}
	c.feeds = NewFeeds(o.Client, o.Config, c.Validate, o.Logger)
	return c
}

// NewFeeds makes the reader of event feeds that settings describe. Validate is asked once.
func NewFeeds(client *jumpcloud.Client, cfg *config.Config, validate func(context.Context) (connector.Organization, error), logger *slog.Logger) *feed.Reader {
	return feed.New(feed.Options{
		Client: client, Types: cfg.SyncedTypes(), SkipAdmins: cfg.JumpCloud.SkipAdmins, Logger: logger,
		Validate: func(ctx context.Context) error { _, err := validate(ctx); return err },
	})
}

// ListEventFeeds implements [tasks.Connector].
func (c *Changes) ListEventFeeds(ctx context.Context, req *v2.ListEventFeedsRequest) (*v2.ListEventFeedsResponse, error) {
	if !c.Config.JumpCloud.EventFeeds {
		return c.Unserved.ListEventFeeds(ctx, req)
	}
	return &v2.ListEventFeedsResponse{List: feed.Feeds()}, nil
}

// ListEvents implements [tasks.Connector].
func (c *Changes) ListEvents(ctx context.Context, req *v2.ListEventsRequest) (answer *v2.ListEventsResponse, err error) {
	if !c.Config.JumpCloud.EventFeeds {
		return c.Unserved.ListEvents(ctx, req)
	}
	err = network.Span(ctx, c.Tracer, "list_events", []attribute.KeyValue{attribute.String("feed", req.GetEventFeedId())}, func(ctx context.Context) (err error) {
		answer, err = c.feeds.ListEvents(ctx, req)
		return err
	})
	return answer, fault.Advised(err)
}

// Validate tries the credential and finds out which organization it leads to.
func (c *Changes) Validate(ctx context.Context) (connector.Organization, error) {
	org, err := c.source().Validate(ctx)
	if err != nil {
		return org, err
	}
	return org, c.Admit(org)
}

func (c *Changes) source() *connector.Source {
	return connector.NewSource(c.Client, connector.Options{OrgID: c.Config.JumpCloud.OrgID, Logger: c.Logger})
}

// Grant implements [tasks.Connector].
func (c *Changes) Grant(ctx context.Context, req *v2.GrantManagerServiceGrantRequest) (answer *v2.GrantManagerServiceGrantResponse, err error) {
	err = c.changeAccess(ctx, "grant", req.GetEntitlement().GetId(), func(ctx context.Context, p *provision.Provisioner) (err error) {
		answer, err = p.Grant(ctx, req)
		return err
	})
	return answer, err
}

// Revoke implements [tasks.Connector].
func (c *Changes) Revoke(ctx context.Context, req *v2.GrantManagerServiceRevokeRequest) (answer *v2.GrantManagerServiceRevokeResponse, err error) {
	err = c.changeAccess(ctx, "revoke", req.GetGrant().GetEntitlement().GetId(), func(ctx context.Context, p *provision.Provisioner) (err error) {
		answer, err = p.Revoke(ctx, req)
		return err
	})
	return answer, err
}

// CreateAccount implements [tasks.Connector].
func (c *Changes) CreateAccount(ctx context.Context, req *v2.CreateAccountRequest) (answer *v2.CreateAccountResponse, err error) {
	err = c.changeAccount(ctx, "create_account", func(ctx context.Context, m accounts.Manager) (err error) {
		answer, err = m.Create(ctx, req)
		return err
	})
	return answer, err
}

// DeleteResource implements [tasks.Connector].
func (c *Changes) DeleteResource(ctx context.Context, req *v2.DeleteResourceRequest) (answer *v2.DeleteResourceResponse, err error) {
	err = c.changeAccount(ctx, "delete_resource", func(ctx context.Context, m accounts.Manager) (err error) {
		answer, err = m.Delete(ctx, req)
		return err
	})
	return answer, err
}

// RotateCredential implements [tasks.Connector].
func (c *Changes) RotateCredential(ctx context.Context, req *v2.RotateCredentialRequest) (answer *v2.RotateCredentialResponse, err error) {
	err = c.changeAccount(ctx, "rotate_credential", func(ctx context.Context, m accounts.Manager) (err error) {
		answer, err = m.Rotate(ctx, req)
		return err
	})
	return answer, err
}

// ListActionSchemas implements [tasks.Connector].
func (c *Changes) ListActionSchemas(_ context.Context, req *v2.ListActionSchemasRequest) (*v2.ListActionSchemasResponse, error) {
	return &v2.ListActionSchemasResponse{Schemas: actions.Schemas(c.Config.Change.Types, req.GetResourceTypeId())}, nil
}

// GetActionSchema implements [tasks.Connector].
func (c *Changes) GetActionSchema(_ context.Context, req *v2.GetActionSchemaRequest) (*v2.GetActionSchemaResponse, error) {
	schema, err := actions.Schema(c.Config.Change.Types, req.GetName(), "")
	if err != nil {
		return nil, fault.Advised(err)
	}
	return &v2.GetActionSchemaResponse{Schema: schema}, nil
}

// InvokeAction implements [tasks.Connector]. The action has ended when it returns, unless
// the process ends before: [actions.Store] knows of it then.
func (c *Changes) InvokeAction(ctx context.Context, req *v2.InvokeActionRequest) (answer *v2.InvokeActionResponse, err error) {
	if !c.Enabled {
		return nil, fault.WithCode(codes.FailedPrecondition, "provisioning is not enabled")
	}
	invoker := actions.Invoker{Types: c.Config.Change.Types}
	if err := invoker.Check(req.GetName(), req.GetResourceTypeId(), req.GetArgs()); err != nil {
		return nil, fault.Advised(err)
	}
	attributes := []attribute.KeyValue{attribute.String("action", req.GetName())}
	err = network.Span(ctx, c.Tracer, "invoke_action", attributes, func(ctx context.Context) error {
		return c.change(ctx, func(ctx context.Context, p *provision.Provisioner) error {
			id := actions.NewRun()
			if err := c.Invocations.Begin(id, req.GetName()); err != nil {
				return err
			}
			invoker.Provisioner, invoker.Task = p, provision.TaskOf(req.GetAnnotations())
			result, failed := invoker.Invoke(ctx, req.GetName(), req.GetResourceTypeId(), id, req.GetArgs())
			answer, err = c.Invocations.End(id, req.GetName(), result, failed)
			return err
		})
	})
	return answer, err
}

// GetActionStatus implements [tasks.Connector].
func (c *Changes) GetActionStatus(_ context.Context, req *v2.GetActionStatusRequest) (*v2.GetActionStatusResponse, error) {
	answer, err := c.Invocations.Status(req.GetId())
	if err != nil {
		return nil, fault.Advised(err)
	}
	return answer, nil
}

// changeAccess makes one grant or revoke.
func (c *Changes) changeAccess(ctx context.Context, operation, entitlement string, f func(context.Context, *provision.Provisioner) error) error {
	return network.Span(ctx, c.Tracer, operation, []attribute.KeyValue{attribute.String("entitlement", entitlement)},
		func(ctx context.Context) error { return c.change(ctx, f) })
}

// changeAccount makes one change of an account or group.
func (c *Changes) changeAccount(ctx context.Context, operation string, f func(context.Context, accounts.Manager) error) error {
	return network.Span(ctx, c.Tracer, operation, []attribute.KeyValue{}, func(ctx context.Context) error {
		return c.change(ctx, func(ctx context.Context, p *provision.Provisioner) error {
			return f(ctx, accounts.Manager{Provisioner: p, Source: c.source(), Key: c.Key, Task: tasks.TaskID(ctx)})
		})
	})
}

func (c *Changes) change(ctx context.Context, f func(context.Context, *provision.Provisioner) error) error {
	p, err := c.Ready(ctx)
	if err != nil {
		return fault.Advised(err)
	}
	return fault.Advised(c.Around(ctx, func(ctx context.Context) error { return f(ctx, p) }))
}

// Ready is what changes access, once the organization is known to be the right one
// and the trail of changes is open.
func (c *Changes) Ready(ctx context.Context) (*provision.Provisioner, error) {
	select {
	case c.making <- struct{}{}:
		defer func() { <-c.making }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if c.provisioner != nil {
		return c.provisioner, nil
	}
	org, err := c.Validate(ctx)
	if err != nil {
		return nil, err
	}
	trail, err := StartTrail(context.WithoutCancel(ctx), c.Config, org, c.Logger)
	if err != nil {
		return nil, err
	}
	c.provisioner = NewProvisioner(c.Client, c.Config, trail, c.Logger)
	c.provisioner.LimitPauses(c.MaxPauses)
	return c.provisioner, nil
}
