package provision

import (
	"context"
	"net/http"
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// The answers to whether an administrator may lose the last role, which JumpCloud can
// only do by deleting the administrator.
const (
	LastRoleRefuse = "refuse"
	LastRoleDelete = "delete" // a user who was one stays
)

// adminPath is where an administrator is changed.
const adminPath = "/api/users"

// roleChange is the change of a role of an administrator.
type roleChange struct {
	p *Provisioner
	*Plan

	roles  *connector.RoleNames
	role   string // the name of the role
	admin  *jumpcloud.Admin
	email  string   // by which the administrator is found, where there is none yet
	before []string // names of the roles when the plan was made
	// method and fields are what is sent; empty for nothing.
	method  string
	fields  jumpcloud.Fields
	planned bool // and not only begun
}

func planRole(p *Provisioner, plan *Plan) error {
	if plan.Principal.Type != restype.User {
		return fault.Invalid("%s cannot have a role: only administrators and users can", plan.Principal)
	}
	plan.effect = &roleChange{p: p, Plan: plan}
	// JumpCloud's answer to a write of roles does not tell what they were before.
	plan.policy = policy{look: true, verify: true}
	return nil
}

// check reads the role, the account and all administrators, refuses what must not be and
// works out the request. It is about what exists only, once the plan is made.
func (r *roleChange) check(ctx context.Context) error {
	if r.planned {
		return r.exists(ctx)
	}
	r.planned = true
	if err := r.findRole(ctx); err != nil {
		return err
	}
	admins, err := r.p.admins(ctx)
	if err != nil {
		return err
	}
	user, err := r.findAccount(ctx, admins)
	if err != nil {
		return err
	}
	if r.admin == nil {
		return r.planNew(user)
	}
	var known bool
	r.before, known = r.roles.Of(r.admin)
	if r.holdsIn(r.before) == (r.Operation == OperationGrant) {
		return nil // Nothing is to be sent, as done will find.
	}
	if err := r.p.refuseOwn(admins, r.admin); err != nil {
		return err
	}
	if !known {
		return fault.WithCode(codes.FailedPrecondition,
			"the record of %s names roles in a form that is not understood: a change could take them away; change the roles in JumpCloud", r.holder())
	}
	after := r.planRoles()
	if slices.ContainsFunc(r.before, isBilling) && !slices.ContainsFunc(after, isBilling) {
		if err := r.p.refuseLastBilling(r.roles, admins, r.admin); err != nil {
			return err
		}
	}
	if len(after) == 0 {
		return r.planDelete()
	}
	return nil
}

// findRole finds the role that the resource ID of the plan stands for.
func (r *roleChange) findRole(ctx context.Context) (err error) {
	if r.roles, err = connector.ReadRoleNames(ctx, r.p.client, r.p.options.Logger); err != nil {
		return err
	}
	switch names := r.roles.Find(r.Resource.ID); len(names) {
	case 0:
		return fault.WithCode(codes.NotFound, "%s does not exist in JumpCloud; sync again", r.Resource)
	case 1:
		r.role = names[0]
		r.Resource.Name = printable.Clip(names[0], connector.MaxDisplayName)
		return nil
	default:
		return fault.WithCode(codes.FailedPrecondition, "%s cannot be granted or revoked: JumpCloud has %d roles of this name; rename all but one", r.Resource, len(names))
	}
}

// admins reads all administrators.
func (p *Provisioner) admins(ctx context.Context) (admins []jumpcloud.Admin, err error) {
	_, err = paging.ReadAll(ctx, paging.Lister[jumpcloud.Admin]{
		Name: "administrators", Limit: 100, Sorted: true, Fetch: p.client.Admins, ID: func(a jumpcloud.Admin) string { return a.ID },
	}, func(a jumpcloud.Admin) bool {
		admins = append(admins, a)
		return true
	})
	return admins, err
}

// findAccount finds the administrator that the principal is, or that the user of this ID
// is by the email address.
func (r *roleChange) findAccount(ctx context.Context, admins []jumpcloud.Admin) (*jumpcloud.User, error) {
	if i := slices.IndexFunc(admins, func(a jumpcloud.Admin) bool { return a.ID == r.Principal.ID }); i >= 0 {
		r.admin = &admins[i]
		r.Principal.Name = connector.AdminName(r.admin)
		return nil, nil //nolint:nilnil // no user is needed
	}
	user, err := r.p.client.User(ctx, r.Principal.ID)
	switch {
	case jumpcloud.IsNotFound(err) && r.Operation == OperationRevoke:
		return &jumpcloud.User{ID: r.Principal.ID}, nil // Nobody holds nothing.
	case err != nil:
		return nil, missing(r.Principal, err)
	}
	r.Principal.Name, r.email = connector.UserName(user), user.Email
	if r.email == "" {
		return nil, fault.WithCode(codes.FailedPrecondition, "%s has no email address, by which a user is an administrator", r.Principal)
	}
	if i := slices.IndexFunc(admins, r.isSought); i >= 0 {
		r.found(&admins[i])
	}
	return user, nil
}

func (r *roleChange) isSought(a jumpcloud.Admin) bool { return sameEmail(a.Email, r.email) }

func sameEmail(a, b string) bool {
	return a != "" && identity.FoldEmail(a) == identity.FoldEmail(b)
}

// found notes the administrator of a user.
func (r *roleChange) found(a *jumpcloud.Admin) {
	r.admin = a
	if !r.p.options.MergeAdmins {
		r.account = namedAdmin(a)
	}
}

// planNew makes a user an administrator.
func (r *roleChange) planNew(u *jumpcloud.User) error {
	if r.Operation == OperationRevoke {
		return nil // There is nothing to take away, as done will find.
	}
	r.method, r.fields = http.MethodPost, jumpcloud.Fields{"email": u.Email, "roleName": r.role}
	for name, value := range map[string]string{"firstname": u.FirstName, "lastname": u.LastName} {
		if value != "" {
			r.fields[name] = value
		}
	}
	r.Request = request(http.MethodPost, adminPath, r.fields)
	r.Fields, r.Undo = newFields(r.fields), "delete the administrator; the user stays"
	var why string
	switch mfa := connector.UserMFA(u); {
	case !isEnabled(u):
		why = "is not activated"
	case u.AccountLocked.IsTrue():
		why = "is locked"
	case u.PasswordExpired.IsTrue():
		why = "has an expired password"
	case mfa.IsSet() && !mfa.IsTrue():
		why = "has no second factor"
	default:
		return nil
	}
	return fault.WithCode(codes.FailedPrecondition, "%s %s: JumpCloud makes only active users with a second factor administrators", r.Principal, why)
}

// planRoles works out the request, and returns the roles of the administrator after it.
func (r *roleChange) planRoles() (after []string) {
	after = slices.Clone(r.before)
	switch granting := r.Operation == OperationGrant; {
	case granting && (r.admin.Several || len(r.before) == 0):
		after = append(after, r.role)
	case granting:
		for _, name := range r.before {
			r.Replaced = append(r.Replaced, namedRole(name))
		}
		after = []string{r.role}
	default:
		after = slices.DeleteFunc(after, func(name string) bool { return connector.SameRole(name, r.role) })
	}
	r.method = http.MethodPut
	if len(after) > 0 {
		r.fields = jumpcloud.Fields{"roleName": after[0]}
		if r.admin.Several {
			r.fields = jumpcloud.Fields{"roleNames": after}
		}
		r.Request = request(http.MethodPut, adminPath+"/"+r.admin.ID, r.fields)
		r.Fields = []Field{{"roleNames", r.before, after}}
	}
	return after
}

// planDelete is the revoke of the only role.
func (r *roleChange) planDelete() error {
	if r.p.options.OnLastRole != LastRoleDelete {
		return fault.WithHints(
			fault.WithCode(codes.FailedPrecondition, "%s is the only role of %s, and JumpCloud has no administrators without one", r.Resource, r.holder()),
			"grant another role first, or delete the administrator with the role: --on-last-role="+LastRoleDelete,
		)
	}
	r.method, r.fields = http.MethodDelete, nil
	r.Request = request(http.MethodDelete, adminPath+"/"+r.admin.ID, nil)
	r.Fields = []Field{{"roleNames", r.before, nil}}
	r.Undo = "none: a deleted administrator is not restored"
	return nil
}

func namedRole(name string) Named {
	return Named{Type: restype.Role, ID: connector.RoleResourceID(name), Name: printable.Clip(name, connector.MaxDisplayName)}
}

// refuseOwn refuses to change the administrator, one of all, whose API key this is: the
// change could not be taken back with it.
func (p *Provisioner) refuseOwn(admins []jumpcloud.Admin, a *jumpcloud.Admin) error {
	var certain bool
	for i := range admins {
		certain = certain || p.client.Owns(&admins[i]).IsTrue()
	}
	switch own := p.client.Owns(a); {
	case own.IsTrue():
		return fault.WithHints(
			fault.WithCode(codes.FailedPrecondition, "%s is the administrator whose API key is used, and is never changed with it", namedAdmin(a)),
			"use the API key of another administrator, or a service account",
		)
	case !own.IsSet() && !certain:
		return fault.WithHints(
			fault.WithCode(codes.FailedPrecondition, "%s may be the administrator whose API key is used: JumpCloud does not tell how the key begins", namedAdmin(a)),
			"use a service account, or generate the API key anew so that JumpCloud shows its prefix",
		)
	}
	return nil
}

// guardAdminOf refuses to delete a user whose administrator account, which goes too, must
// stay.
func (p *Provisioner) guardAdminOf(ctx context.Context, u *jumpcloud.User) error {
	admins, err := p.admins(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(admins, func(a jumpcloud.Admin) bool {
		return u.Admin != nil && a.ID == u.Admin.ID || sameEmail(a.Email, u.Email)
	})
	if i < 0 {
		return nil
	}
	if err := p.refuseOwn(admins, &admins[i]); err != nil {
		return err
	}
	roles, err := connector.ReadRoleNames(ctx, p.client, p.options.Logger)
	if err != nil {
		return err
	}
	if names, _ := roles.Of(&admins[i]); !slices.ContainsFunc(names, isBilling) {
		return nil
	}
	return p.refuseLastBilling(roles, admins, &admins[i])
}

func isBilling(role string) bool { return connector.SameRole(role, connector.BillingRole) }

func namedAdmin(a *jumpcloud.Admin) Named {
	return Named{Type: restype.User, ID: a.ID, Name: connector.AdminName(a)}
}

// refuseLastBilling refuses to take the role that changes administrators from the last of
// them who can sign in with it.
func (p *Provisioner) refuseLastBilling(roles *connector.RoleNames, admins []jumpcloud.Admin, a *jumpcloud.Admin) error {
	if a.Suspended.IsTrue() {
		return nil
	}
	for i := range admins {
		other := &admins[i]
		names, _ := roles.Of(other)
		if other.ID != a.ID && !other.Suspended.IsTrue() && slices.ContainsFunc(names, isBilling) {
			return nil
		}
	}
	return fault.WithHints(
		fault.WithCode(codes.FailedPrecondition, "%s is the last enabled administrator with the role %q: nobody could change administrators any more", namedAdmin(a), connector.BillingRole),
		"grant the role to another administrator first",
	)
}

// exists names what has gone since the plan was made. Who has gone holds no role any more.
func (r *roleChange) exists(ctx context.Context) (err error) {
	if r.admin == nil {
		_, err = r.p.client.User(ctx, r.Principal.ID)
	} else {
		_, err = r.p.client.Admin(ctx, r.admin.ID)
	}
	if jumpcloud.IsNotFound(err) && r.Operation == OperationRevoke {
		return nil
	}
	return missing(r.holder(), err)
}

// send sends the request of the plan, unless the roles are others by now: a list of roles
// replaces all of them.
func (r *roleChange) send(ctx context.Context) error {
	switch r.method {
	case http.MethodPost:
		return r.p.client.CreateAdmin(ctx, r.fields)
	case http.MethodDelete, http.MethodPut:
	default:
		return nil
	}
	now, err := r.p.client.Admin(ctx, r.admin.ID)
	if err != nil {
		return err
	}
	if r.holds(now) == (r.Operation == OperationGrant) {
		return nil // By an attempt before, which did not show yet.
	}
	if names, known := r.roles.Of(now); !known || !slices.Equal(names, r.before) {
		return fault.WithCode(codes.Aborted, "the roles of %s have changed since they were read; nothing was sent; repeating is safe", r.holder())
	}
	if r.method == http.MethodDelete {
		return r.p.client.DeleteAdmin(ctx, r.admin.ID)
	}
	return r.p.client.UpdateAdmin(ctx, r.admin.ID, r.fields)
}

// done reads the roles of the administrator.
func (r *roleChange) done(ctx context.Context) (bool, error) {
	granting := r.Operation == OperationGrant
	if r.admin == nil {
		admins, err := r.p.admins(ctx)
		if err != nil {
			return false, err
		}
		i := slices.IndexFunc(admins, r.isSought)
		if i < 0 {
			return !granting, nil
		}
		holds := r.holds(&admins[i])
		if holds && granting {
			r.found(&admins[i])
		}
		return holds == granting, nil
	}
	now, err := r.p.client.Admin(ctx, r.admin.ID)
	if jumpcloud.IsNotFound(err) && !granting {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return r.holds(now) == granting, nil
}

func (r *roleChange) holds(a *jumpcloud.Admin) bool {
	names, _ := r.roles.Of(a)
	return r.holdsIn(names)
}

func (r *roleChange) holdsIn(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return connector.SameRole(name, r.role) })
}

// saysAlready: an administrator of the email address is there, or the one to delete is not.
func (r *roleChange) saysAlready(err error) bool {
	return r.method == http.MethodPost && (jumpcloud.IsConflict(err) || jumpcloud.KindOf(err) == jumpcloud.KindInvalid) || r.method == http.MethodDelete && jumpcloud.IsNotFound(err)
}
