package provision

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/segmentio/ksuid"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// Account is a user to be created.
type Account struct {
	Username, Email string
	// Derived says that nobody gave the username: it was made of the email address.
	Derived bool
	// Fields are the other attributes, under the names of JumpCloud's API.
	Fields jumpcloud.Fields
	// Password is set with the account; empty for none.
	Password secret.String
}

// FindAccount finds the user that has a username or an email address, without regard to
// case; nil where there is none. Where they are those of two users, or a derived username
// is that of somebody with another address, there is no telling who is meant.
func (p *Provisioner) FindAccount(ctx context.Context, a Account) (*jumpcloud.User, error) {
	byEmail, err := p.findUser(ctx, a.Email, func(u *jumpcloud.User) bool {
		return a.Email != "" && identity.FoldEmail(u.Email) == identity.FoldEmail(a.Email)
	})
	if err != nil {
		return nil, err
	}
	byName, err := p.findUser(ctx, a.Username, func(u *jumpcloud.User) bool {
		return a.Username != "" && identity.Equal(u.Username, a.Username)
	})
	switch {
	case err != nil:
		return nil, err
	case byName == nil:
		return byEmail, nil
	case byEmail == nil && a.Derived:
		return nil, fault.WithCode(codes.AlreadyExists, "the username %q is that of %s, who has the email address %s; give another username",
			printable.Clip(a.Username, connector.MaxID), namedUser(byName), printable.Clip(byName.Email, connector.MaxID))
	case byEmail != nil && byEmail.ID != byName.ID:
		return nil, fault.WithCode(codes.AlreadyExists, "the username %q is that of %s and the email address %s that of %s",
			printable.Clip(a.Username, connector.MaxID), namedUser(byName), printable.Clip(a.Email, connector.MaxID), namedUser(byEmail))
	default:
		return byName, nil
	}
}

// findUser finds the one user that matches, by a text that is part of its username or
// email address. Where the tenant cannot search for parts, everybody is read.
func (p *Provisioner) findUser(ctx context.Context, text string, matches func(*jumpcloud.User) bool) (*jumpcloud.User, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nobody
	}
	found, err := firstUser(ctx, 100, func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.User], error) {
		return p.client.FindUsers(ctx, searchTerm(text), w)
	}, matches)
	switch jumpcloud.KindOf(err) {
	case jumpcloud.KindInvalid, jumpcloud.KindPermission, jumpcloud.KindNotFound, jumpcloud.KindUnimplemented:
		p.options.Logger.DebugContext(ctx, "searching users is refused: reading all of them", slog.Any("error", err))
		return firstUser(ctx, 1000, p.client.Users, matches)
	default:
		return found, err
	}
}

func firstUser(ctx context.Context, limit int, fetch func(context.Context, paging.Window) (paging.Page[jumpcloud.User], error),
	matches func(*jumpcloud.User) bool,
) (found *jumpcloud.User, err error) {
	_, err = paging.ReadAll(ctx, paging.Lister[jumpcloud.User]{
		Name: "users", Limit: limit, Sorted: true, Fetch: fetch, ID: func(u jumpcloud.User) string { return u.ID },
	}, func(u jumpcloud.User) bool {
		if matches(&u) {
			found = &u
		}
		return found == nil
	})
	return found, err
}

// searchTerm is the longest part of a text that means itself, however the tenant
// searches.
func searchTerm(text string) string {
	longest := ""
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool {
		return r > '~' || !strings.ContainsRune("@.-_", r) && (r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z')
	}) {
		if len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}

// PlanCreate creates a user. Where one of the username or email address exists, the plan
// is done already and [Plan.Resource] names that one; [Provisioner.FindAccount] says who
// it is. Its password is sent and never shown.
func (p *Provisioner) PlanCreate(ctx context.Context, a Account) (*Plan, error) {
	who := Named{Type: restype.User, Name: a.Username}
	if err := p.allowed(who); err != nil {
		return nil, err
	}
	fields := jumpcloud.Fields{"username": a.Username, "email": a.Email}
	maps.Copy(fields, a.Fields)
	if !a.Password.Empty() {
		fields["password"] = a.Password
	}
	plan := &Plan{
		Change: Change{ID: ksuid.New().String(), Operation: OperationCreate, Resource: who},
		policy: policy{look: true, verify: true},
	}
	plan.Request = request(http.MethodPost, "/api/systemusers", fields)
	plan.Fields = newFields(fields)
	plan.Undo = "delete the account"
	find := func(ctx context.Context) (bool, error) {
		u, err := p.FindAccount(ctx, a)
		if u != nil {
			plan.Resource = namedUser(u)
		}
		return u != nil, err
	}
	if _, err := find(ctx); err != nil {
		return nil, connector.Coded(err)
	}
	plan.effect = &object{
		exists: func(context.Context) error { return nil },
		submit: func(ctx context.Context) error { return p.client.CreateUser(ctx, fields) },
		holds:  find,
		already: func(err error) bool {
			return jumpcloud.IsConflict(err) || jumpcloud.KindOf(err) == jumpcloud.KindInvalid
		},
	}
	return plan, nil
}

// newFields are the fields of an object that is created.
func newFields(fields jumpcloud.Fields) []Field {
	var list []Field
	for _, name := range sortedKeys(fields) {
		list = append(list, Field{name, nil, fields[name]})
	}
	return list
}

// PlanPassword sets the password of a user. No read shows it.
func (p *Provisioner) PlanPassword(u *jumpcloud.User, password secret.String) (*Plan, error) {
	if source, ok := u.Restricted["password"]; ok {
		return nil, managed(u, "password", source)
	}
	fields := jumpcloud.Fields{"password": password}
	plan := p.userPlan(OperationSetPassword, u, func(ctx context.Context) error { return p.client.UpdateUser(ctx, u.ID, fields) }, nil)
	plan.Request = request(http.MethodPut, userPath+u.ID, fields)
	plan.Fields = []Field{{"password", nil, password}}
	plan.Undo = "none: the password before is not known"
	return plan, nil
}

// The answers to whether the direct reports of a deleted user stand in its way.
const (
	ReportsRefuse  = "refuse"  // a manager is not deleted
	ReportsClear   = "clear"   // they are left without a manager
	ReportsManager = "manager" // they get the manager of their manager
)

// PlanDeleteUser deletes a user. One that does not exist is deleted already.
func (p *Provisioner) PlanDeleteUser(ctx context.Context, id string) (*Plan, error) {
	who := Named{Type: restype.User, ID: id}
	if err := p.allowed(who); err != nil {
		return nil, err
	}
	u, err := findUser(ctx, p.client, who)
	switch {
	case fault.Code(err) == codes.NotFound:
		u = &jumpcloud.User{ID: id}
	case err != nil:
		return nil, connector.Coded(err)
	default:
		if err := p.refuseAdmin(ctx, u); err != nil {
			return nil, connector.Coded(err)
		}
	}
	heir, err := p.heir(ctx, u)
	if err != nil {
		return nil, connector.Coded(err)
	}
	plan := p.userPlan(OperationDelete, u, func(ctx context.Context) error {
		err := p.client.DeleteUser(ctx, id, heir)
		if jumpcloud.IsConflict(err) {
			return fault.WithCode(codes.FailedPrecondition, "%s manages other users; let --on-delete-reports=%s leave them without a manager, "+
				"or --on-delete-reports=%s give them the next one: %w", namedUser(u), ReportsClear, ReportsManager, err)
		}
		return err
	}, nil)
	plan.policy = policy{look: true}
	plan.effect = &object{
		exists:  func(context.Context) error { return nil },
		submit:  plan.effect.send,
		already: jumpcloud.IsNotFound,
		holds: func(ctx context.Context) (bool, error) {
			_, err := p.client.User(ctx, id)
			return gone(err)
		},
	}
	path := userPath + id
	if heir != "" {
		path += "?cascade_manager=" + heir
	}
	plan.Request = request(http.MethodDelete, path, nil)
	plan.Undo = "none: a deleted account is not restored"
	return plan, nil
}

// heir is who becomes the manager of a deleted user's direct reports, as JumpCloud's
// cascade_manager says it.
func (p *Provisioner) heir(ctx context.Context, u *jumpcloud.User) (string, error) {
	switch p.options.OnDeleteReports {
	case ReportsClear:
		return "null", nil
	case ReportsManager:
		if u.ManagerID == "" || u.ManagerID == u.ID {
			return "null", nil
		}
		_, err := p.client.User(ctx, u.ManagerID)
		if jumpcloud.IsNotFound(err) {
			return "null", nil
		}
		return u.ManagerID, err
	default:
		return "", nil
	}
}

// refuseAdmin refuses to delete a user who is an administrator too, because JumpCloud
// deletes the administrator with it.
func (p *Provisioner) refuseAdmin(ctx context.Context, u *jumpcloud.User) error {
	if p.options.DeleteAdmins {
		return p.guardAdminOf(ctx, u)
	}
	var id string
	switch {
	case u.Admin != nil:
		id = u.Admin.ID
	case u.Email == "":
		return nil
	default:
		admins, err := p.admins(ctx)
		if err != nil && !jumpcloud.IsPermission(err) {
			return err
		}
		i := slices.IndexFunc(admins, func(a jumpcloud.Admin) bool { return sameEmail(a.Email, u.Email) })
		if i < 0 {
			return nil
		}
		id = admins[i].ID
	}
	return fault.WithCode(codes.FailedPrecondition, "%s is an administrator too (%s): JumpCloud deletes both; allow that with --on-delete-admin=delete",
		namedUser(u), id)
}
