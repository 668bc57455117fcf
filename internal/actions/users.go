package actions

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	configv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/config/v1"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// table is every action, global ones first.
func table() []action {
	dynamic := []v2.ActionType{v2.ActionType_ACTION_TYPE_DYNAMIC}
	message := []*configv1.Field{text("message", "Message", "What was done")}
	user := func(name, display, description string, run func(context.Context, *invocation) (map[string]any, error), args ...*configv1.Field) action {
		return action{
			name: name, display: display, description: description, scope: restype.User, types: dynamic,
			args: append([]*configv1.Field{userArgument(restype.User)}, args...), returns: message, run: run,
		}
	}
	enable := user("enable_user", "Enable User", "Resumes a suspended user, or activates a staged one without an email. Leaves locks and expired passwords as they are.",
		one(func(_ context.Context, in *invocation, u *jumpcloud.User) (*provision.Plan, error) {
			return in.Provisioner.PlanEnable(u), nil
		}))
	enable.types = []v2.ActionType{v2.ActionType_ACTION_TYPE_ACCOUNT, v2.ActionType_ACTION_TYPE_ACCOUNT_ENABLE}
	disable := user("disable_user", "Disable User", "Suspends a user. Memberships and assignments stay.",
		one(func(_ context.Context, in *invocation, u *jumpcloud.User) (*provision.Plan, error) {
			return in.Provisioner.PlanDisable(u), nil
		}))
	disable.types = []v2.ActionType{v2.ActionType_ACTION_TYPE_ACCOUNT, v2.ActionType_ACTION_TYPE_ACCOUNT_DISABLE}
	update := user("update_user", "Update User", "Sets profile attributes of a user. null clears one.", updateUser,
		required(text("user_profile", "User Profile", "JSON object of attributes: "+knownFields()+", "+Manager+", "+Custom)))
	update.types = []v2.ActionType{v2.ActionType_ACTION_TYPE_ACCOUNT, v2.ActionType_ACTION_TYPE_ACCOUNT_UPDATE_PROFILE}
	update.returns = []*configv1.Field{text("updated_fields", "Updated Fields", "The attributes that changed, separated by commas")}
	global := []action{enable, disable, update}
	for i := range global {
		global[i].scope, global[i].args[0] = "", userArgument("")
	}
	profile := user("update_profile", "Update Profile", "Sets profile attributes of a user. An empty text clears one.", updateProfile, profileArguments()...)
	profile.types = []v2.ActionType{v2.ActionType_ACTION_TYPE_ACCOUNT_UPDATE_PROFILE}
	profile.returns = []*configv1.Field{
		resource("updated_user", "Updated User", "The user"), text("updated_fields", "Updated Fields", "The attributes that changed, separated by commas"),
	}
	leaver := user("offboard_user", "Offboard User",
		"Suspends a user, then ends all memberships and direct assignments, reassigns direct reports and expires the password. Invoked again, it goes on.",
		offboard, offboardArguments()...)
	leaver.rules, leaver.returns = offboardRules(), offboardReturns()
	return slices.Concat(global, []action{
		profile,
		user("activate_user", "Activate User", "Activates a staged user and sends the activation email.", one(activate),
			text("email", "Email", "Address for the activation email; the user's own if empty"),
			flag("send_email", "Send Email", "Whether to send the activation email (default true)")),
		user("unlock_user", "Unlock User", "Ends the lock after too many failed sign-ins.",
			one(func(_ context.Context, in *invocation, u *jumpcloud.User) (*provision.Plan, error) {
				return in.Provisioner.PlanUnlock(u), nil
			})),
		user("reset_mfa", "Reset MFA", "Removes the user's MFA factors, so that the user enrolls again.", one(resetMFA),
			number("exemption_days", "Exemption Days", "Days without MFA to enroll again, 0 to 365 (default 0)")),
		user("expire_password", "Expire Password", "Makes the user choose a new password at the next sign-in.",
			one(func(_ context.Context, in *invocation, u *jumpcloud.User) (*provision.Plan, error) {
				return in.Provisioner.PlanExpirePassword(u)
			})),
		user("set_manager", "Set Manager", "Sets the user's manager.", one(setManager),
			text("manager_identifier", "Manager", "ID, username or email address of the manager; empty for none")),
		user("resend_activation", "Resend Activation Email", "Sends the activation email again. Each invocation sends another one.",
			one(func(_ context.Context, in *invocation, u *jumpcloud.User) (*provision.Plan, error) {
				return in.Provisioner.PlanMailActivation(u)
			})),
		user("schedule_suspension", "Schedule Suspension", "Suspends the user at a later time.", one(scheduleSuspension),
			required(text("at", "At", "Time with a zone, such as 2026-01-31T15:04:05Z"))),
		leaver,
	}, groupActions())
}

// one is an action that makes one change of a user.
func one(plan func(context.Context, *invocation, *jumpcloud.User) (*provision.Plan, error)) func(context.Context, *invocation) (map[string]any, error) {
	return func(ctx context.Context, in *invocation) (map[string]any, error) {
		u, err := in.user(ctx)
		if err != nil {
			return nil, err
		}
		change, err := plan(ctx, in, u)
		if err != nil {
			return nil, err
		}
		outcome, err := in.apply(ctx, change)
		if err != nil {
			return nil, err
		}
		return map[string]any{"message": in.message(change, outcome)}, nil
	}
}

// user reads the user that the arguments name.
func (in *invocation) user(ctx context.Context) (*jumpcloud.User, error) {
	id, err := in.id(argUserID, restype.User)
	if err != nil {
		return nil, err
	}
	return in.Provisioner.User(ctx, id)
}

func activate(_ context.Context, in *invocation, u *jumpcloud.User) (*provision.Plan, error) {
	address, err := in.text("email")
	if err != nil {
		return nil, err
	}
	send, err := Flag("argument send_email", in.args["send_email"], true)
	switch {
	case err != nil:
		return nil, err
	case !send:
		return in.Provisioner.PlanActivate(u, jumpcloud.NoMail)
	case address != nil && *address != "" && !strings.Contains(*address, "@"):
		return nil, fault.Invalid("argument email must be an email address")
	case address != nil:
		return in.Provisioner.PlanActivate(u, *address)
	default:
		return in.Provisioner.PlanActivate(u, "")
	}
}

func resetMFA(_ context.Context, in *invocation, u *jumpcloud.User) (*provision.Plan, error) {
	days, err := in.whole("exemption_days", 365)
	if err != nil {
		return nil, err
	}
	var until time.Time
	if days > 0 {
		until = time.Now().AddDate(0, 0, days)
	}
	return in.Provisioner.PlanResetMFA(u, until), nil
}

func scheduleSuspension(_ context.Context, in *invocation, u *jumpcloud.User) (*provision.Plan, error) {
	at, err := in.moment("at")
	if err != nil {
		return nil, err
	}
	return in.Provisioner.PlanSuspendAt(u, at), nil
}

func setManager(ctx context.Context, in *invocation, u *jumpcloud.User) (*provision.Plan, error) {
	who, err := in.text("manager_identifier")
	if err != nil {
		return nil, err
	}
	if who == nil {
		return nil, fault.Invalid("missing argument manager_identifier of action set_manager; an empty one removes the manager")
	}
	id, err := ManagerID(ctx, in.Provisioner, u.ID, *who)
	if err != nil {
		return nil, err
	}
	return in.Provisioner.PlanUpdate(u, map[string]any{"manager": id}, nil)
}

// objectID is the form of JumpCloud's ids.
var objectID = regexp.MustCompile(`^[0-9a-f]{24}$`)

// ManagerID finds the user who becomes a manager, by id, username or email address; ""
// stays "". Nobody manages themselves.
func ManagerID(ctx context.Context, p *provision.Provisioner, of, who string) (string, error) {
	who = strings.TrimSpace(who)
	if who == "" {
		return "", nil
	}
	var manager *jumpcloud.User
	var err error
	switch {
	case objectID.MatchString(who):
		manager, err = p.User(ctx, who)
	case strings.Contains(who, "@"):
		if manager, err = p.FindAccount(ctx, provision.Account{Email: who}); err == nil && manager == nil {
			manager, err = p.FindAccount(ctx, provision.Account{Username: who})
		}
	default:
		manager, err = p.FindAccount(ctx, provision.Account{Username: who})
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("find the manager: %w", err)
	case manager == nil:
		return "", fault.WithCode(codes.NotFound, "no user has the username or email address %q", who)
	case manager.ID == of:
		return "", fault.Invalid("a user cannot be their own manager")
	}
	return manager.ID, nil
}

// updateUser takes the profile as an object, or as the JSON of one.
func updateUser(ctx context.Context, in *invocation) (map[string]any, error) {
	var raw map[string]any
	switch v := in.args["user_profile"].(type) {
	case map[string]any:
		raw = v
	case string:
		if err := json.Unmarshal([]byte(v), &raw); err != nil {
			return nil, fault.Invalid("argument user_profile must be a JSON object: %w", err)
		}
	default:
		return nil, fault.Invalid("argument user_profile must be a JSON object")
	}
	fields, _, err := in.update(ctx, raw)
	return fields, err
}

func updateProfile(ctx context.Context, in *invocation) (map[string]any, error) {
	raw := map[string]any{}
	for name, v := range in.args {
		if name != argUserID && name != aliasUserID && v != nil {
			raw[name] = v
		}
	}
	fields, u, err := in.update(ctx, raw)
	if err != nil {
		return nil, err
	}
	fields["updated_user"] = resourceValue(restype.User, u.ID, u.Name)
	return fields, nil
}

// update sets what a profile says.
func (in *invocation) update(ctx context.Context, raw map[string]any) (map[string]any, provision.Named, error) {
	profile, err := ReadProfile(raw)
	if err != nil {
		return nil, provision.Named{}, err
	}
	if len(profile.Fields) == 0 && len(profile.Custom) == 0 && profile.Manager == nil {
		return nil, provision.Named{}, fault.Invalid("nothing to update: the profile names no attribute; known are %s, %s and %s", knownFields(), Manager, Custom)
	}
	for _, name := range []string{"username", "email"} {
		if v, ok := profile.Fields[name]; ok && (v == nil || v == "") {
			return nil, provision.Named{}, fault.Invalid("%s cannot be empty", name)
		}
	}
	u, err := in.user(ctx)
	if err != nil {
		return nil, provision.Named{}, err
	}
	if profile.Manager != nil {
		id, err := ManagerID(ctx, in.Provisioner, u.ID, *profile.Manager)
		if err != nil {
			return nil, provision.Named{}, err
		}
		profile.Fields["manager"] = id
	}
	plan, err := in.Provisioner.PlanUpdate(u, profile.Fields, profile.Custom)
	if err != nil {
		return nil, provision.Named{}, err
	}
	outcome, err := in.apply(ctx, plan)
	if err != nil {
		return nil, provision.Named{}, err
	}
	var names []string
	for _, f := range plan.Fields {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if outcome.Result == provision.ResultAlready {
		names = nil
	}
	return map[string]any{"updated_fields": strings.Join(names, ",")}, plan.Resource, nil
}

func profileArguments() []*configv1.Field {
	var list []*configv1.Field
	for _, f := range ProfileFields() {
		list = append(list, text(f.Name, f.Display, "JumpCloud's "+f.API))
	}
	return append(list, text(Manager, "Manager", "ID, username or email address of the manager; empty for none"),
		mapping(Custom, "Additional Attributes", "Custom attributes by name; null removes one"))
}

// resourceValue is a resource as results carry it.
func resourceValue(kind, id, name string) map[string]any {
	return map[string]any{"resourceId": map[string]any{"resourceTypeId": kind, "resourceId": id}, "displayName": name}
}
