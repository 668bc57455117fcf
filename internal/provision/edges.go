package provision

import (
	"context"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// saysAlready is how JumpCloud answers to the change of an edge: 409 to adding one that
// is there, and 404 to removing one that is not.
func (p *Plan) saysAlready(err error) bool {
	if p.Operation == OperationGrant {
		return jumpcloud.IsConflict(err)
	}
	return jumpcloud.IsNotFound(err)
}

// membership is the edge between a group and a user.
type membership struct {
	client *jumpcloud.Client
	*Plan
}

func planMembership(p *Provisioner, plan *Plan) error {
	if plan.Principal.Type != restype.User {
		return fault.Invalid("%s cannot be a member of a group: JumpCloud groups contain users only", plan.Principal)
	}
	plan.Request = edgeRequest(plan.Operation,
		"/api/v2/usergroups/"+plan.Resource.ID+"/members", jumpcloud.TypeUser, plan.Principal.ID)
	plan.effect = membership{p.client, plan}
	return nil
}

func (m membership) check(ctx context.Context) error {
	g, err := m.client.UserGroup(ctx, m.Resource.ID)
	if err != nil {
		return missing(m.Resource, err)
	}
	m.Resource.Name = connector.GroupName(g)
	if connector.IsDynamic(g) {
		return fault.WithCode(codes.FailedPrecondition,
			"%s is dynamic (membership method %s): its rule would undo the change; "+
				"change the rule, the user's attributes, or the rule's exemptions in JumpCloud",
			m.Resource, g.MembershipMethod)
	}
	return checkUser(ctx, m.client, m.Plan)
}

func (m membership) send(ctx context.Context) error {
	if m.Operation == OperationGrant {
		return m.client.AddGroupMember(ctx, m.Resource.ID, m.Principal.ID)
	}
	return m.client.RemoveGroupMember(ctx, m.Resource.ID, m.Principal.ID)
}

// done looks among the groups of the user, who are few, rather than the members of the
// group, who may be all.
func (m membership) done(ctx context.Context) (bool, error) {
	there, err := connector.Contains(ctx, connector.GroupsOf(m.client, m.Principal.ID), m.Resource.ID)
	return there == (m.Operation == OperationGrant), err
}

// binding is the edge between a user or group and what JumpCloud's graph binds them to: an
// application, a directory, a RADIUS server or a device.
type binding struct {
	client *jumpcloud.Client
	*Plan
	target string // JumpCloud's type of the principal
}

func planAssignment(p *Provisioner, plan *Plan) error {
	if plan.Resource.ID == restype.AdministrationAppID {
		return fault.WithCode(codes.FailedPrecondition,
			"the app %q cannot be granted or revoked: it represents the administration of JumpCloud; "+
				"create or delete the administrator in JumpCloud instead", connector.AdministrationAppName)
	}
	return planBinding(p, plan)
}

func planBinding(p *Provisioner, plan *Plan) error {
	b := binding{client: p.client, Plan: plan}
	switch plan.Principal.Type {
	case restype.User:
		b.target = jumpcloud.TypeUser
	case restype.Group:
		b.target = jumpcloud.TypeUserGroup
	default:
		if plan.Resource.Type == restype.App {
			return fault.Invalid("%s cannot be assigned to an application: only users and groups can", plan.Principal)
		}
		return fault.Invalid("%s cannot be bound to %s: only users and groups can", plan.Principal, plan.Resource)
	}
	plan.effect = b
	return nil
}

func (b binding) check(ctx context.Context) error {
	if err := b.find(ctx); err != nil {
		return err
	}
	b.Request = edgeRequest(b.Operation, jumpcloud.BindingsPath(b.graph, b.Resource.ID), b.target, b.Principal.ID)
	if b.target == jumpcloud.TypeUser {
		return checkUser(ctx, b.client, b.Plan)
	}
	g, err := b.client.UserGroup(ctx, b.Principal.ID)
	if err != nil {
		return missing(b.Principal, err)
	}
	b.Principal.Name = connector.GroupName(g)
	return nil
}

// find reads what the principal is bound to: its name, and its kind in the graph.
func (b binding) find(ctx context.Context) error {
	switch b.Resource.Type {
	case restype.App:
		app, err := b.client.Application(ctx, b.Resource.ID)
		if err != nil {
			return missing(b.Resource, err)
		}
		b.Resource.Name, b.graph = connector.AppName(app), jumpcloud.TypeApplication
	case restype.RADIUSServer:
		server, err := b.client.RADIUSServer(ctx, b.Resource.ID)
		if err != nil {
			return missing(b.Resource, err)
		}
		b.Resource.Name, b.graph = connector.RADIUSServerName(server), jumpcloud.TypeRADIUSServer
	case restype.Device:
		device, err := b.client.Device(ctx, b.Resource.ID)
		if err != nil {
			return missing(b.Resource, err)
		}
		b.Resource.Name, b.graph = connector.DeviceName(device), jumpcloud.TypeDevice
	default:
		directory, err := connector.FindDirectory(ctx, b.client, b.Resource.ID)
		if err != nil {
			return missing(b.Resource, err)
		}
		b.Resource.Name, b.graph = connector.DirectoryName(directory), directory.Type
		if jumpcloud.BindingsPath(b.graph, b.Resource.ID) == "" {
			return fault.WithCode(codes.FailedPrecondition, "nobody can be bound to %s: it is of the kind %s, which sends people to JumpCloud only", b.Resource, printable.Clip(b.graph, connector.MaxID))
		}
	}
	return nil
}

func (b binding) send(ctx context.Context) error {
	if b.Operation == OperationGrant {
		return b.client.Bind(ctx, b.graph, b.Resource.ID, b.target, b.Principal.ID)
	}
	return b.client.Unbind(ctx, b.graph, b.Resource.ID, b.target, b.Principal.ID)
}

func (b binding) done(ctx context.Context) (bool, error) {
	there, err := connector.Contains(ctx, connector.BoundTo(b.client, b.graph, b.Resource.ID, b.target), b.Principal.ID)
	return there == (b.Operation == OperationGrant), err
}

// checkUser finds the user of a plan.
func checkUser(ctx context.Context, client *jumpcloud.Client, plan *Plan) error {
	u, err := findUser(ctx, client, plan.Principal)
	if err == nil {
		plan.Principal.Name = connector.UserName(u)
	}
	return err
}

// findUser reads a user, and tells an administrator from one who is not there:
// administrators are accounts too, but JumpCloud changes directory users only.
func findUser(ctx context.Context, client *jumpcloud.Client, who Named) (*jumpcloud.User, error) {
	u, err := client.User(ctx, who.ID)
	if err == nil || !jumpcloud.IsNotFound(err) {
		return u, err
	}
	// Whoever may not see administrators learns only that it is no user.
	if admin, adminErr := client.Admin(ctx, who.ID); adminErr == nil {
		return nil, fault.WithCode(codes.FailedPrecondition,
			"%s is an administrator account: only directory users can be in groups and have applications; "+
				"use the user account with the email address %s, if there is one",
			who, printable.Clip(admin.Email, connector.MaxID))
	}
	return nil, missing(who, err)
}

// missing names what JumpCloud does not find.
func missing(what Named, err error) error {
	if !connector.IsNotFound(err) {
		return err
	}
	return fault.WithCode(codes.NotFound, "%s does not exist in JumpCloud; sync again", what)
}

// conferring names the groups through which a user has what is of a kind of the graph: those
// that are bound to it, with sudo where that is what it is about, and that the user is in.
func conferring(ctx context.Context, client *jumpcloud.Client, graph string, change Change) ([]Named, error) {
	bound := map[string]bool{}
	_, err := paging.ReadAll(ctx, connector.BoundTo(client, graph, change.Resource.ID, jumpcloud.TypeUserGroup), func(row jumpcloud.Connection) bool {
		if row.Sudo || change.slug() != connector.SlugAdmin {
			bound[row.ID] = true
		}
		return true
	})
	if err != nil || len(bound) == 0 {
		return nil, err
	}
	var groups []Named
	_, err = paging.ReadAll(ctx, connector.GroupsOf(client, change.Principal.ID), func(row jumpcloud.Connection) bool {
		if bound[row.ID] {
			bound[row.ID] = false
			groups = append(groups, Named{Type: restype.Group, ID: row.ID})
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	for i := range groups {
		if g, err := client.UserGroup(ctx, groups[i].ID); err == nil {
			groups[i].Name = connector.GroupName(g)
		}
	}
	return groups, nil
}
