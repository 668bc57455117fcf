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

// assignment is the edge between an application and a user or group.
type assignment struct {
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
	a := assignment{client: p.client, Plan: plan}
	switch plan.Principal.Type {
	case restype.User:
		a.target = jumpcloud.TypeUser
	case restype.Group:
		a.target = jumpcloud.TypeUserGroup
	default:
		return fault.Invalid("%s cannot be assigned to an application: only users and groups can", plan.Principal)
	}
	plan.Request = edgeRequest(plan.Operation,
		"/api/v2/applications/"+plan.Resource.ID+"/associations", a.target, plan.Principal.ID)
	plan.effect = a
	return nil
}

func (a assignment) check(ctx context.Context) error {
	app, err := a.client.Application(ctx, a.Resource.ID)
	if err != nil {
		return missing(a.Resource, err)
	}
	a.Resource.Name = connector.AppName(app)
	if a.target == jumpcloud.TypeUser {
		return checkUser(ctx, a.client, a.Plan)
	}
	g, err := a.client.UserGroup(ctx, a.Principal.ID)
	if err != nil {
		return missing(a.Principal, err)
	}
	a.Principal.Name = connector.GroupName(g)
	return nil
}

func (a assignment) send(ctx context.Context) error {
	if a.Operation == OperationGrant {
		return a.client.Bind(ctx, jumpcloud.TypeApplication, a.Resource.ID, a.target, a.Principal.ID)
	}
	return a.client.Unbind(ctx, jumpcloud.TypeApplication, a.Resource.ID, a.target, a.Principal.ID)
}

func (a assignment) done(ctx context.Context) (bool, error) {
	there, err := connector.Contains(ctx, connector.BoundTo(a.client, jumpcloud.TypeApplication, a.Resource.ID, a.target), a.Principal.ID)
	return there == (a.Operation == OperationGrant), err
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
	if !jumpcloud.IsNotFound(err) {
		return err
	}
	return fault.WithCode(codes.NotFound, "%s does not exist in JumpCloud; sync again", what)
}

// conferring names the groups through which a user has an application: those of
// the application that the user is in.
func conferring(ctx context.Context, client *jumpcloud.Client, appID, userID string) ([]Named, error) {
	bound := map[string]bool{}
	_, err := paging.ReadAll(ctx, connector.BoundTo(client, jumpcloud.TypeApplication, appID, jumpcloud.TypeUserGroup), func(row jumpcloud.Connection) bool {
		bound[row.ID] = true
		return true
	})
	if err != nil || len(bound) == 0 {
		return nil, err
	}
	var groups []Named
	_, err = paging.ReadAll(ctx, connector.GroupsOf(client, userID), func(row jumpcloud.Connection) bool {
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
