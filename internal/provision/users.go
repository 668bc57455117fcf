package provision

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/segmentio/ksuid"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// userPath is where a user is changed.
const userPath = "/api/systemusers/"

// User reads a user that is about to be changed. One that does not exist is NotFound, an
// administrator's account a FailedPrecondition, and users where the settings leave them
// out Unimplemented.
func (p *Provisioner) User(ctx context.Context, id string) (*jumpcloud.User, error) {
	if err := p.allowed(Named{Type: restype.User, ID: id}); err != nil {
		return nil, err
	}
	return findUser(ctx, p.client, Named{Type: restype.User, ID: id})
}

// userPlan begins the plan of a change of a user.
func (p *Provisioner) userPlan(op Operation, u *jumpcloud.User, submit func(context.Context) error, holds func(*jumpcloud.User) bool) *Plan {
	plan := &Plan{
		Change: Change{ID: ksuid.New().String(), Operation: op, Resource: namedUser(u)},
		policy: policy{look: holds != nil, blind: holds == nil},
	}
	plan.effect = &object{
		exists: func(ctx context.Context) error {
			_, err := findUser(ctx, p.client, plan.Resource)
			return err
		},
		submit: submit,
		holds: func(ctx context.Context) (bool, error) {
			now, err := p.client.User(ctx, u.ID)
			return err == nil && holds != nil && holds(now), err
		},
	}
	return plan
}

func namedUser(u *jumpcloud.User) Named {
	return Named{Type: restype.User, ID: u.ID, Name: connector.UserName(u)}
}

// request is a request of a plan, with its body as it may be shown.
func request(method, path string, body any) Request {
	r := Request{Method: method, Path: path}
	if body != nil {
		// Fields are texts, flags and lists of them, and secrets print as redacted.
		r.Body, _ = json.Marshal(body)
	}
	return r
}

// PlanEnable makes a user able to sign in: one who is suspended is resumed, and one who is
// staged activated without a mail. A lock and an expired password stay.
func (p *Provisioner) PlanEnable(u *jumpcloud.User) *Plan {
	if u.State == jumpcloud.StateStaged {
		plan := p.userPlan(OperationEnable, u, func(ctx context.Context) error {
			return p.client.ActivateUser(ctx, u.ID, jumpcloud.NoMail)
		}, isEnabled)
		plan.Request = request(http.MethodPost, userPath+u.ID+"/state/activate", map[string]any{"email": false})
		plan.Fields = []Field{{"state", u.State, jumpcloud.StateActivated}}
		plan.Undo = undoAction("disable_user", u.ID, nil)
		return plan
	}
	return p.planState(OperationEnable, u, jumpcloud.StateActivated, isEnabled, undoAction("disable_user", u.ID, nil))
}

// PlanDisable suspends a user. One who is staged cannot sign in either, and stays.
func (p *Provisioner) PlanDisable(u *jumpcloud.User) *Plan {
	return p.planState(OperationDisable, u, jumpcloud.StateSuspended, isDisabled, undoAction("enable_user", u.ID, nil))
}

func (p *Provisioner) planState(op Operation, u *jumpcloud.User, state string, holds func(*jumpcloud.User) bool, undo string) *Plan {
	fields := jumpcloud.Fields{"state": state, "suspended": state == jumpcloud.StateSuspended}
	plan := p.userPlan(op, u, func(ctx context.Context) error { return p.client.UpdateUser(ctx, u.ID, fields) }, holds)
	plan.Request = request(http.MethodPut, userPath+u.ID, fields)
	plan.Fields = []Field{{"state", u.State, state}}
	plan.Undo = undo
	return plan
}

func isEnabled(u *jumpcloud.User) bool {
	return (u.State == jumpcloud.StateActivated || u.State == "" && u.Suspended.IsSet()) && !u.Suspended.IsTrue()
}

func isDisabled(u *jumpcloud.User) bool {
	return u.State == jumpcloud.StateSuspended || u.State == jumpcloud.StateStaged || u.State == "" && u.Suspended.IsTrue()
}

// PlanActivate activates a staged user. mail is where the activation mail goes: an
// address, "" for the user's own, or [jumpcloud.NoMail].
func (p *Provisioner) PlanActivate(u *jumpcloud.User, mail string) (*Plan, error) {
	if u.State == jumpcloud.StateSuspended || u.Suspended.IsTrue() {
		return nil, fault.WithCode(codes.FailedPrecondition, "%s is suspended: only staged users can be activated; use enable_user", namedUser(u))
	}
	body := map[string]any{}
	switch mail {
	case "":
	case jumpcloud.NoMail:
		body["email"] = false
	default:
		body["email"] = mail
	}
	plan := p.userPlan(OperationActivate, u, func(ctx context.Context) error { return p.client.ActivateUser(ctx, u.ID, mail) }, isEnabled)
	plan.Request = request(http.MethodPost, userPath+u.ID+"/state/activate", body)
	plan.Fields = []Field{{"state", u.State, jumpcloud.StateActivated}}
	plan.Undo = undoAction("disable_user", u.ID, nil)
	return plan, nil
}

// PlanUnlock ends the lock of a user after too many attempts to sign in.
func (p *Provisioner) PlanUnlock(u *jumpcloud.User) *Plan {
	plan := p.userPlan(OperationUnlock, u, func(ctx context.Context) error { return p.client.UnlockUser(ctx, u.ID) },
		func(now *jumpcloud.User) bool { return !now.AccountLocked.IsTrue() })
	plan.Request = request(http.MethodPost, userPath+u.ID+"/unlock", nil)
	plan.Fields = []Field{{"account_locked", u.AccountLocked.IsTrue(), false}}
	plan.Undo = "none: JumpCloud locks accounts after failed sign-ins"
	return plan
}

// PlanExpirePassword makes a user choose a new password.
func (p *Provisioner) PlanExpirePassword(u *jumpcloud.User) (*Plan, error) {
	if source, ok := u.Restricted["password"]; ok {
		return nil, managed(u, "password", source)
	}
	if u.State == jumpcloud.StateStaged {
		return nil, fault.WithCode(codes.FailedPrecondition, "%s is staged: it has no password to expire; use activate_user first", namedUser(u))
	}
	plan := p.userPlan(OperationExpirePassword, u, func(ctx context.Context) error { return p.client.ExpirePassword(ctx, u.ID) },
		func(now *jumpcloud.User) bool { return now.PasswordExpired.IsTrue() })
	plan.Request = request(http.MethodPost, userPath+u.ID+"/expire", nil)
	plan.Fields = []Field{{"password_expired", u.PasswordExpired.IsTrue(), true}}
	plan.Undo = "none: the user sets a new password"
	return plan, nil
}

// PlanResetMFA forgets the second factors of a user, who can enroll without one until
// exempt ends; the zero time exempts nobody.
func (p *Provisioner) PlanResetMFA(u *jumpcloud.User, exempt time.Time) *Plan {
	plan := p.userPlan(OperationResetMFA, u, func(ctx context.Context) error { return p.client.ResetMFA(ctx, u.ID, exempt) },
		func(now *jumpcloud.User) bool {
			return !now.TOTPEnabled.IsTrue() && now.TOTPStatus != "ENROLLED" && now.PushStatus != "ENROLLED" &&
				(exempt.IsZero() || now.MFA != nil && now.MFA.Excluded(exempt.Add(-time.Second)))
		})
	// Where the factors are not told one by one, nobody knows that there are none.
	plan.policy.look = u.TOTPStatus != "" && u.PushStatus != ""
	var body any
	if !exempt.IsZero() {
		body = map[string]any{"exclusion": true, "exclusionUntil": exempt.UTC().Format(time.RFC3339)}
	}
	plan.Request = request(http.MethodPost, userPath+u.ID+"/resetmfa", body)
	plan.Fields = []Field{{"totp_enabled", u.TOTPEnabled.IsTrue(), false}}
	plan.Undo = "none: the user enrolls again"
	return plan
}

// PlanMailActivation sends the activation mail again. Each time it is applied is another
// mail, and an attempt that may have worked is not repeated.
func (p *Provisioner) PlanMailActivation(u *jumpcloud.User) (*Plan, error) {
	switch {
	case u.State == jumpcloud.StateStaged:
		return nil, fault.WithCode(codes.FailedPrecondition, "%s is staged: it gets its mail when it is activated; use activate_user", namedUser(u))
	case !isEnabled(u):
		return nil, fault.WithCode(codes.FailedPrecondition, "%s is suspended; use enable_user first", namedUser(u))
	}
	plan := p.userPlan(OperationMailActivation, u, func(ctx context.Context) error { return p.client.MailActivation(ctx, u.ID) }, nil)
	plan.policy.once = true
	plan.Request = request(http.MethodPost, "/api/systemusers/reactivate",
		map[string]any{"isSelectAll": false, "models": []map[string]string{{"_id": u.ID}}})
	plan.Undo = "none: a mail was sent"
	return plan, nil
}

// PlanSuspendAt schedules the suspension of a user. The same schedule that is there
// already is left alone.
func (p *Provisioner) PlanSuspendAt(u *jumpcloud.User, at time.Time) *Plan {
	at = at.UTC().Truncate(time.Second)
	plan := p.userPlan(OperationSchedule, u, func(ctx context.Context) error {
		return p.client.ScheduleState(ctx, u.ID, jumpcloud.StateSuspended, at)
	}, isDisabled)
	plan.effect.(*object).holds = func(ctx context.Context) (bool, error) { //nolint:forcetypeassert // userPlan makes it.
		found := false
		_, err := paging.ReadAll(ctx, paging.Lister[jumpcloud.Schedule]{
			Name: "scheduled states of user " + u.ID, Limit: 100,
			Fetch: func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Schedule], error) {
				return p.client.Schedules(ctx, u.ID, w)
			},
			ID: func(s jumpcloud.Schedule) string { return s.JobID },
		}, func(s jumpcloud.Schedule) bool {
			found = found || s.State == jumpcloud.StateSuspended && s.At.Truncate(time.Second).Equal(at) && (s.UserID == u.ID || s.UserID == "")
			return !found
		})
		return found, err
	}
	plan.Request = request(http.MethodPost, "/api/v2/bulk/userstates", map[string]any{
		"user_ids": []string{u.ID}, "state": jumpcloud.StateSuspended, "start_date": at.Format(time.RFC3339), "send_activation_emails": false,
	})
	plan.Fields = []Field{{"scheduled_suspension", nil, at.Format(time.RFC3339)}}
	plan.Undo = "delete the scheduled suspension in JumpCloud"
	return plan
}

// PlanUpdate changes attributes of a user: those of changes that differ. A nil value
// clears one. Custom attributes are merged by name; nil takes one away. Nothing that
// differs is a plan that is done already.
func (p *Provisioner) PlanUpdate(u *jumpcloud.User, changes map[string]any, custom map[string]any) (*Plan, error) {
	fields, before := jumpcloud.Fields{}, map[string]any{}
	var list []Field
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		was := userField(u, name)
		want, _ := changes[name].(string)
		if sameField(name, was, want) {
			continue
		}
		if source, ok := u.Restricted[name]; ok {
			return nil, managed(u, name, source)
		}
		fields[name], before[name] = cleared(name, want), was
		list = append(list, Field{name, was, want})
	}
	merged, differs := mergeCustom(u.Attributes, custom)
	if differs {
		fields["attributes"] = merged
		for _, name := range slices.Sorted(maps.Keys(custom)) {
			was, want := customValue(u.Attributes, name), custom[name]
			if was != want {
				list = append(list, Field{"attributes." + name, was, want})
			}
		}
	}
	plan := p.userPlan(OperationUpdate, u, func(ctx context.Context) error { return p.client.UpdateUser(ctx, u.ID, fields) },
		func(now *jumpcloud.User) bool {
			for name := range changes {
				want, _ := changes[name].(string)
				if !sameField(name, userField(now, name), want) {
					return false
				}
			}
			for name, want := range custom {
				if customValue(now.Attributes, name) != want {
					return false
				}
			}
			return true
		})
	plan.Request = request(http.MethodPut, userPath+u.ID, fields)
	plan.Fields = list
	if len(before) > 0 {
		profile, _ := json.Marshal(before) // texts
		plan.Undo = undoAction("update_user", u.ID, map[string]any{"user_profile": string(profile)})
	}
	return plan, nil
}

// managed is the refusal to change what another directory owns.
func managed(u *jumpcloud.User, field, source string) error {
	return fault.WithCode(codes.FailedPrecondition, "%s of %s is managed by %s and cannot be changed in JumpCloud; change it there",
		field, namedUser(u), printable.Clip(source, connector.MaxID))
}

// cleared is the value that takes a field away where JumpCloud has null for that.
func cleared(name, value string) any {
	if value == "" && (name == "manager" || name == "employeeIdentifier") {
		return nil
	}
	return value
}

// sameField compares as JumpCloud does: email addresses without regard to case.
func sameField(name, a, b string) bool {
	if name == "email" || name == "alternateEmail" {
		return identity.FoldEmail(a) == identity.FoldEmail(b)
	}
	return a == b
}

// userField is a field under the name of JumpCloud's API.
func userField(u *jumpcloud.User, name string) string {
	switch name {
	case "username":
		return u.Username
	case "email":
		return u.Email
	case "alternateEmail":
		return u.AlternateEmail
	case "firstname":
		return u.FirstName
	case "middlename":
		return u.MiddleName
	case "lastname":
		return u.LastName
	case "displayname":
		return u.DisplayName
	case "company":
		return u.Company
	case "costCenter":
		return u.CostCenter
	case "department":
		return u.Department
	case "description":
		return u.Description
	case "employeeIdentifier":
		return u.EmployeeID
	case "employeeType":
		return u.EmployeeType
	case "jobTitle":
		return u.JobTitle
	case "location":
		return u.Location
	case "manager":
		return u.ManagerID
	default:
		return ""
	}
}

// customValue is a custom attribute, nil where there is none of the name.
func customValue(list []jumpcloud.Attribute, name string) any {
	for _, a := range list {
		if a.Name == name {
			return a.Value
		}
	}
	return nil
}

// mergeCustom is the list of custom attributes with changes, which JumpCloud replaces as
// a whole, and whether it differs.
func mergeCustom(list []jumpcloud.Attribute, changes map[string]any) ([]map[string]string, bool) {
	merged, differs := []map[string]string{}, false
	for _, a := range list {
		want, changed := changes[a.Name]
		if !changed {
			want = a.Value
		}
		differs = differs || want != a.Value
		if text, ok := want.(string); ok {
			merged = append(merged, map[string]string{"name": a.Name, "value": text})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		text, ok := changes[name].(string)
		if ok && customValue(list, name) == nil {
			merged, differs = append(merged, map[string]string{"name": name, "value": text}), true
		}
	}
	return merged, differs
}

// undoAction is the command that takes a change of a user back.
func undoAction(action, userID string, args map[string]any) string {
	all := map[string]any{"user_id": userID}
	maps.Copy(all, args)
	text, _ := json.Marshal(all) // texts
	return fmt.Sprintf("--invoke-action %s --invoke-action-args '%s'", action, text)
}
