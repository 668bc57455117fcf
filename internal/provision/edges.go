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

// edge is the one edge of JumpCloud's graph that a plan is about.
type edge interface {
	// check refuses what cannot be changed, and names an end that does not exist.
	check(ctx context.Context) error
	// send makes the change, in one request.
	send(ctx context.Context) error
	// present reads whether the edge is there.
	present(ctx context.Context) (bool, error)
}

// membership is the edge between a group and a user.
type membership struct {
	client *jumpcloud.Client
	plan   *Plan
}

func planMembership(p *Provisioner, plan *Plan) error {
	if plan.Principal.Type != restype.User {
		return fault.Invalid("%s cannot be a member of a group: JumpCloud groups contain users only", plan.Principal)
	}
	plan.Request = edgeRequest(plan.Operation,
		"/api/v2/usergroups/"+plan.Resource.ID+"/members", jumpcloud.TypeUser, plan.Principal.ID)
	plan.edge = membership{p.client, plan}
	return nil
}

func (m membership) check(ctx context.Context) error {
	g, err := m.client.UserGroup(ctx, m.plan.Resource.ID)
	if err != nil {
		return missing(m.plan.Resource, err)
	}
	m.plan.Resource.Name = connector.GroupName(g)
	if connector.IsDynamic(g) {
		return fault.WithCode(codes.FailedPrecondition,
			"%s is dynamic (membership method %s): its rule would undo the change; "+
				"change the rule, the user's attributes, or the rule's exemptions in JumpCloud",
			m.plan.Resource, g.MembershipMethod)
	}
	return checkUser(ctx, m.client, m.plan)
}

func (m membership) send(ctx context.Context) error {
	if m.plan.Operation == OperationGrant {
		return m.client.AddGroupMember(ctx, m.plan.Resource.ID, m.plan.Principal.ID)
	}
	return m.client.RemoveGroupMember(ctx, m.plan.Resource.ID, m.plan.Principal.ID)
}

// present looks among the groups of the user, who are few, rather than the members
// of the group, who may be all.
func (m membership) present(ctx context.Context) (bool, error) {
	return connector.Contains(ctx, connector.GroupsOf(m.client, m.plan.Principal.ID), m.plan.Resource.ID)
}

// assignment is the edge between an application and a user or group.
type assignment struct {
	client *jumpcloud.Client
	plan   *Plan
	target string // JumpCloud's type of the principal
}

func planAssignment(p *Provisioner, plan *Plan) error {
	if plan.Resource.ID == restype.AdministrationAppID {
		return fault.WithCode(codes.FailedPrecondition,
			"the app %q cannot be granted or revoked: it represents the administration of JumpCloud; "+
				"create or delete the administrator in JumpCloud instead", connector.AdministrationAppName)
	}
	a := assignment{client: p.client, plan: plan}
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
	plan.edge = a
	return nil
}

func (a assignment) check(ctx context.Context) error {
	app, err := a.client.Application(ctx, a.plan.Resource.ID)
	if err != nil {
		return missing(a.plan.Resource, err)
	}
	a.plan.Resource.Name = connector.AppName(app)
	if a.target == jumpcloud.TypeUser {
		return checkUser(ctx, a.client, a.plan)
	}
	g, err := a.client.UserGroup(ctx, a.plan.Principal.ID)
	if err != nil {
		return missing(a.plan.Principal, err)
	}
	a.plan.Principal.Name = connector.GroupName(g)
	return nil
}

func (a assignment) send(ctx context.Context) error {
	if a.plan.Operation == OperationGrant {
		return a.client.AddAssociation(ctx, a.plan.Resource.ID, a.target, a.plan.Principal.ID)
	}
	return a.client.RemoveAssociation(ctx, a.plan.Resource.ID, a.target, a.plan.Principal.ID)
}

func (a assignment) present(ctx context.Context) (bool, error) {
	return connector.Contains(ctx, connector.BoundTo(a.client, a.plan.Resource.ID, a.target), a.plan.Principal.ID)
}

// checkUser finds the user of a plan, and tells an administrator from one who is
// not there: administrators are accounts too, but JumpCloud gives access to
// directory users only.
func checkUser(ctx context.Context, client *jumpcloud.Client, plan *Plan) error {
	u, err := client.User(ctx, plan.Principal.ID)
	if err == nil {
		plan.Principal.Name = connector.UserName(u)
		return nil
	}
	if !jumpcloud.IsNotFound(err) {
		return err
	}
	// Whoever may not see administrators learns only that it is no user.
	if admin, adminErr := client.Admin(ctx, plan.Principal.ID); adminErr == nil {
		return fault.WithCode(codes.FailedPrecondition,
			"%s is an administrator account: only directory users can be in groups and have applications; "+
				"use the user account with the email address %s, if there is one",
			plan.Principal, printable.Clip(admin.Email, connector.MaxID))
	}
	return missing(plan.Principal, err)
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
	_, err := paging.ReadAll(ctx, connector.BoundTo(client, appID, jumpcloud.TypeUserGroup), func(row jumpcloud.Connection) bool {
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
