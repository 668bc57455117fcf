package provision_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// planUser plans a change of a user of the bench as it is now.
func (b *bench) planUser(t *testing.T, ref string, plan func(*jumpcloud.User) (*provision.Plan, error)) (*provision.Plan, error) {
	t.Helper()
	u, err := b.provisioner.User(t.Context(), b.id(t, "user", ref))
	if err != nil {
		return nil, err
	}
	return plan(u)
}

// TestUserChanges makes each change of a user twice: the second time nothing is sent.
func TestUserChanges(t *testing.T) {
	t.Parallel()
	at := time.Date(2031, 5, 1, 8, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name    string
		prepare func(*jcsim.User)
		plan    func(*provision.Provisioner, *jumpcloud.User) (*provision.Plan, error)
		request string
		effect  string
		shows   func(*jcsim.User) bool
		again   provision.Result
	}{
		{
			"disable", nil,
			func(p *provision.Provisioner, u *jumpcloud.User) (*provision.Plan, error) {
				return p.PlanDisable(u), nil
			},
			`PUT /api/systemusers/ID {"state":"SUSPENDED","suspended":true}`, `state "ACTIVATED" -> "SUSPENDED"`,
			func(u *jcsim.User) bool { return u.Suspended }, provision.ResultAlready,
		},
		{
			"enable", func(u *jcsim.User) { u.State, u.Suspended = jcsim.StateSuspended, true },
			func(p *provision.Provisioner, u *jumpcloud.User) (*provision.Plan, error) {
				return p.PlanEnable(u), nil
			},
			`PUT /api/systemusers/ID {"state":"ACTIVATED","suspended":false}`, `state "SUSPENDED" -> "ACTIVATED"`,
			func(u *jcsim.User) bool { return u.State == jcsim.StateActivated && !u.Suspended }, provision.ResultAlready,
		},
		{
			"enable staged", func(u *jcsim.User) { u.State = jcsim.StateStaged },
			func(p *provision.Provisioner, u *jumpcloud.User) (*provision.Plan, error) {
				return p.PlanEnable(u), nil
			},
			`POST /api/systemusers/ID/state/activate {"email":false}`, `state "STAGED" -> "ACTIVATED"`,
			func(u *jcsim.User) bool { return u.State == jcsim.StateActivated }, provision.ResultAlready,
		},
		{
			"activate", func(u *jcsim.User) { u.State = jcsim.StateStaged },
			func(p *provision.Provisioner, u *jumpcloud.User) (*provision.Plan, error) {
				return p.PlanActivate(u, "home@example.com")
			},
			`POST /api/systemusers/ID/state/activate {"email":"home@example.com"}`, `state "STAGED" -> "ACTIVATED"`,
			func(u *jcsim.User) bool { return u.State == jcsim.StateActivated }, provision.ResultAlready,
		},
		{
			"unlock", func(u *jcsim.User) { u.AccountLocked = true },
			func(p *provision.Provisioner, u *jumpcloud.User) (*provision.Plan, error) {
				return p.PlanUnlock(u), nil
			},
			`POST /api/systemusers/ID/unlock `, "account_locked true -> false",
			func(u *jcsim.User) bool { return !u.AccountLocked }, provision.ResultAlready,
		},
		{
			"expire password", nil, (*provision.Provisioner).PlanExpirePassword,
			`POST /api/systemusers/ID/expire `, "password_expired false -> true",
			func(u *jcsim.User) bool { return u.PasswordExpired }, provision.ResultAlready,
		},
		{
			"reset MFA", func(u *jcsim.User) {
				u.TOTPEnabled, u.MFAEnrollment = true, &jcsim.MFAEnrollment{OverallStatus: "ENROLLED", TOTPStatus: "ENROLLED", PushStatus: "ENROLLED"}
			},
			func(p *provision.Provisioner, u *jumpcloud.User) (*provision.Plan, error) {
				return p.PlanResetMFA(u, time.Time{}), nil
			},
			`POST /api/systemusers/ID/resetmfa `, "totp_enabled true -> false",
			func(u *jcsim.User) bool { return !u.TOTPEnabled && u.MFAEnrollment.PushStatus == "NOT_ENROLLED" }, provision.ResultAlready,
		},
		{
			"update", func(u *jcsim.User) {
				u.Attributes = []jcsim.Attribute{{Name: "badge", Value: "7"}, {Name: "desk", Value: "1"}}
			},
			func(p *provision.Provisioner, u *jumpcloud.User) (*provision.Plan, error) {
				return p.PlanUpdate(u, map[string]any{"department": "IT", "email": "ANA@example.com", "jobTitle": nil}, map[string]any{"desk": nil, "car": "blue"})
			},
			`PUT /api/systemusers/ID {"attributes":[{"name":"badge","value":"7"},{"name":"car","value":"blue"}],"department":"IT"}`,
			`department "Sales" -> "IT", attributes.car null -> "blue", attributes.desk "1" -> null`,
			func(u *jcsim.User) bool {
				return u.Department == "IT" && len(u.Attributes) == 2 && u.Attributes[1].Name == "car" && u.Email == "ana@example.com"
			},
			provision.ResultAlready,
		},
		{
			"resend activation", nil, (*provision.Provisioner).PlanMailActivation,
			`POST /api/systemusers/reactivate {"isSelectAll":false,"models":[{"_id":"ID"}]}`, "resend activation user",
			func(*jcsim.User) bool { return true }, provision.ResultChanged,
		},
		{
			"schedule", nil,
			func(p *provision.Provisioner, u *jumpcloud.User) (*provision.Plan, error) {
				return p.PlanSuspendAt(u, at), nil
			},
			`POST /api/v2/bulk/userstates {"send_activation_emails":false,"start_date":"2031-05-01T08:00:00Z","state":"SUSPENDED","user_ids":["ID"]}`,
			`scheduled_suspension null -> "2031-05-01T08:00:00Z"`,
			func(*jcsim.User) bool { return true }, provision.ResultAlready,
		},
		{
			"password", nil,
			func(p *provision.Provisioner, u *jumpcloud.User) (*provision.Plan, error) {
				return p.PlanPassword(u, secret.New("Pa55word!"))
			},
			`PUT /api/systemusers/ID {"password":"[redacted]"}`, `password null -> "[redacted]"`,
			func(u *jcsim.User) bool { return u.Activated }, provision.ResultChanged,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, jcsim.Settings{Behavior: jcsim.Behavior{LagReads: 2, LagObjects: true}}, jcsim.Rights{})
				if tt.prepare != nil {
					if err := b.tenant.UpdateUser("ana", tt.prepare); err != nil {
						t.Fatal(err)
					}
				}
				id := b.id(t, "user", "ana")
				for i, want := range []provision.Result{provision.ResultChanged, tt.again} {
					plan := must[*provision.Plan](t)(b.planUser(t, "ana", func(u *jumpcloud.User) (*provision.Plan, error) { return tt.plan(b.provisioner, u) }))
					if i == 0 {
						got := strings.ReplaceAll(fmt.Sprintf("%s %s %s", plan.Request.Method, plan.Request.Path, plan.Request.Body), id, "ID")
						if got != tt.request {
							t.Errorf("request %s", got)
						}
						if err := b.provisioner.Inspect(t.Context(), plan); err != nil || plan.State != provision.StateOpen || !strings.Contains(plan.Effect(), tt.effect) {
							t.Errorf("before: %v %s, %v", plan.State, plan.Effect(), err)
						}
						if plan.Undo == "" {
							t.Error("nothing says how it is undone")
						}
					}
					writes := len(b.audit.outcomes)
					outcome, err := b.provisioner.Apply(t.Context(), plan)
					if err != nil || outcome.Result != want || (outcome.Attempts == 0) != (want == provision.ResultAlready) {
						t.Errorf("time %d: %+v, %v", i, outcome, err)
					}
					if len(b.audit.outcomes) != writes+1 || len(b.audit.intents) != writes+1 {
						t.Errorf("the audit was told %d intents and %d outcomes", len(b.audit.intents), len(b.audit.outcomes))
					}
				}
				if u := must[*jcsim.User](t)(b.tenant.User(id)); !tt.shows(u) {
					t.Errorf("afterwards: %+v", u)
				}
				if s := fmt.Sprintf("%+v", b.audit.intents); strings.Contains(s, "Pa55word!") {
					t.Errorf("the audit was told a password: %s", s)
				}
			})
		})
	}
}

// TestUserRefusals are the changes that JumpCloud would not make, or not keep.
func TestUserRefusals(t *testing.T) {
	t.Parallel()
	managedBy := func(field string) func(*jcsim.User) {
		return func(u *jcsim.User) {
			u.RestrictedFields = []jcsim.RestrictedField{{Field: field, Type: "active_directory"}}
		}
	}
	staged := func(u *jcsim.User) { u.State = jcsim.StateStaged }
	suspended := func(u *jcsim.User) { u.State, u.Suspended = jcsim.StateSuspended, true }
	for _, tt := range []struct {
		name    string
		who     string
		prepare func(*jcsim.User)
		plan    func(*provision.Provisioner, *jumpcloud.User) (*provision.Plan, error)
		code    codes.Code
		says    string
	}{
		{"managed field", "ana", managedBy("department"), func(p *provision.Provisioner, u *jumpcloud.User) (*provision.Plan, error) {
			return p.PlanUpdate(u, map[string]any{"department": "IT"}, nil)
		}, codes.FailedPrecondition, "department of user \"Ana Ruiz\""},
		{"managed password", "ana", managedBy("password"), func(p *provision.Provisioner, u *jumpcloud.User) (*provision.Plan, error) {
			return p.PlanPassword(u, secret.New("x"))
		}, codes.FailedPrecondition, "managed by active_directory"},
		{"managed expiry", "ana", managedBy("password"), (*provision.Provisioner).PlanExpirePassword, codes.FailedPrecondition, "managed by active_directory"},
		{"staged password", "ana", staged, (*provision.Provisioner).PlanExpirePassword, codes.FailedPrecondition, "activate_user"},
		{"staged mail", "ana", staged, (*provision.Provisioner).PlanMailActivation, codes.FailedPrecondition, "activate_user"},
		{"suspended mail", "ana", suspended, (*provision.Provisioner).PlanMailActivation, codes.FailedPrecondition, "enable_user"},
		{"suspended activation", "ana", suspended, func(p *provision.Provisioner, u *jumpcloud.User) (*provision.Plan, error) {
			return p.PlanActivate(u, "")
		}, codes.FailedPrecondition, "enable_user"},
		{"administrator", "ops@example.com", nil, nil, codes.FailedPrecondition, "administrator account"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
			if tt.prepare != nil {
				if err := b.tenant.UpdateUser(tt.who, tt.prepare); err != nil {
					t.Fatal(err)
				}
			}
			_, err := b.planUser(t, tt.who, func(u *jumpcloud.User) (*provision.Plan, error) { return tt.plan(b.provisioner, u) })
			if status.Code(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v: %v", status.Code(err), err)
			}
			if b.writes() != 0 {
				t.Error("something was sent")
			}
		})
	}
}

// TestMailIsSentOnce cuts the answer to a mail: it is not sent again.
func TestMailIsSentOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, jcsim.Settings{Faults: []jcsim.Fault{
			{Route: "POST /api/systemusers/reactivate", Status: http.StatusTooManyRequests, Times: 1},
			{Route: "POST /api/systemusers/reactivate", Effect: jcsim.EffectResetAfter},
		}}, jcsim.Rights{})
		plan := must[*provision.Plan](t)(b.planUser(t, "ana", b.provisioner.PlanMailActivation))
		outcome, err := b.provisioner.Apply(t.Context(), plan)
		if outcome.Result != provision.ResultUnknown || !strings.Contains(err.Error(), "may take effect twice") {
			t.Errorf("%+v, %v", outcome, err)
		}
		if n := len(b.tenant.Mails()); n != 1 {
			t.Errorf("%d mails", n)
		}
	})
}

// TestCreateAndDelete makes an account under faults and takes it away again.
func TestCreateAndDelete(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]jcsim.Fault{
		"none":        {Route: "POST /nothing", Status: 500},
		"cut before":  {Route: "POST /api/systemusers", Effect: jcsim.EffectReset, Times: 1},
		"cut after":   {Route: "POST /api/systemusers", Effect: jcsim.EffectResetAfter, Times: 1},
		"error after": {Route: "POST /api/systemusers", Effect: jcsim.EffectStatusAfter, Status: 503, Times: 1},
		"refusal":     {Route: "POST /api/systemusers", Status: 429, Times: 2},
		"no search":   {Route: "POST /api/search/systemusers", Path: "*", Status: 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, jcsim.Settings{Behavior: jcsim.Behavior{LagReads: 2, LagTime: time.Second, LagObjects: true}, Faults: []jcsim.Fault{fault}}, jcsim.Rights{})
				account := provision.Account{
					Username: "new.user", Email: "New.User+x@example.com", Fields: jumpcloud.Fields{"firstname": "New"}, Password: secret.New("Pa55word!"),
				}
				plan := must[*provision.Plan](t)(b.provisioner.PlanCreate(t.Context(), account))
				outcome, err := b.provisioner.Apply(t.Context(), plan)
				if err != nil || outcome.Result != provision.ResultChanged {
					t.Fatalf("%+v, %v", outcome, err)
				}
				u := must[*jcsim.User](t)(b.tenant.User("new.user"))
				if plan.Resource.ID != u.ID || u.FirstName != "New" || !b.tenant.HasPassword(u.ID, "Pa55word!") {
					t.Errorf("made %+v, told %+v", u, plan.Resource)
				}
				account.Username, account.Email = "NEW.user", "new.user+X@EXAMPLE.com"
				plan = must[*provision.Plan](t)(b.provisioner.PlanCreate(t.Context(), account))
				if outcome, err = b.provisioner.Apply(t.Context(), plan); err != nil || outcome.Result != provision.ResultAlready || plan.Resource.ID != u.ID {
					t.Errorf("again: %+v, %v, %+v", outcome, err, plan.Resource)
				}
				if n := len(b.tenant.Users()); n != 3 {
					t.Errorf("%d users", n)
				}
				for i, want := range []provision.Result{provision.ResultChanged, provision.ResultAlready} {
					plan = must[*provision.Plan](t)(b.provisioner.PlanDeleteUser(t.Context(), u.ID))
					if outcome, err = b.provisioner.Apply(t.Context(), plan); err != nil || outcome.Result != want {
						t.Errorf("delete %d: %+v, %v", i, outcome, err)
					}
				}
				if s := fmt.Sprintf("%+v", b.audit.intents); strings.Contains(s, "Pa55word!") {
					t.Errorf("the audit was told a password: %s", s)
				}
			})
		})
	}
}

// TestWhoIsMeant are accounts whose names are those of others.
func TestWhoIsMeant(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		account provision.Account
		who     string
		code    codes.Code
	}{
		{provision.Account{Username: "ANA", Email: "ana@EXAMPLE.com"}, "ana", codes.OK},
		{provision.Account{Username: "other", Email: "ana@example.com"}, "ana", codes.OK},
		{provision.Account{Username: "ana", Email: "other@example.com"}, "ana", codes.OK},
		{provision.Account{Username: "ana", Email: "other@example.com", Derived: true}, "", codes.AlreadyExists},
		{provision.Account{Username: "bo", Email: "ana@example.com"}, "", codes.AlreadyExists},
		{provision.Account{Username: "an", Email: "na@example.com"}, "", codes.OK},
	} {
		b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
		u, err := b.provisioner.FindAccount(t.Context(), tt.account)
		if status.Code(err) != tt.code || (u != nil) != (tt.who != "") || u != nil && u.Username != tt.who {
			t.Errorf("%+v: %+v, %v", tt.account, u, err)
		}
	}
}

// TestDeletionGuards are users whose deletion would take something with it.
func TestDeletionGuards(t *testing.T) {
	t.Parallel()
	b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
	must[string](t)(b.tenant.AddUser(jcsim.User{Username: "chief", Email: "chief@example.com"}))
	must[string](t)(b.tenant.AddUser(jcsim.User{Username: "ops", Email: "OPS@example.com"}))
	ana, bo, chief, ops := b.id(t, "user", "ana"), b.id(t, "user", "bo"), b.id(t, "user", "chief"), b.id(t, "user", "ops")
	for who, manager := range map[string]string{"bo": ana, "ana": chief} {
		if err := b.tenant.UpdateUser(who, func(u *jcsim.User) { u.Manager = manager }); err != nil {
			t.Fatal(err)
		}
	}
	with := func(reports string, admins bool) *provision.Provisioner {
		return provision.New(newClient(t, b.server), provision.Options{
			Types: []string{"user"}, OnDeleteReports: reports, DeleteAdmins: admins, Logger: discard,
		})
	}
	if _, err := with("", false).PlanDeleteUser(t.Context(), ops); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "--on-delete-admin") {
		t.Errorf("deleting an administrator: %v", err)
	}
	p := with("", false)
	plan := must[*provision.Plan](t)(p.PlanDeleteUser(t.Context(), ana))
	if _, err := p.Apply(t.Context(), plan); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "--on-delete-reports") {
		t.Errorf("deleting a manager: %v", err)
	}
	p = with(provision.ReportsManager, true)
	plan = must[*provision.Plan](t)(p.PlanDeleteUser(t.Context(), ana))
	if !strings.HasSuffix(plan.Request.Path, "?cascade_manager="+chief) {
		t.Errorf("request %s", plan.Request.Path)
	}
	if _, err := p.Apply(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	if u := must[*jcsim.User](t)(b.tenant.User(bo)); u.Manager != chief {
		t.Errorf("the manager is %s", u.Manager)
	}
	plan = must[*provision.Plan](t)(p.PlanDeleteUser(t.Context(), ops))
	if _, err := p.Apply(t.Context(), plan); err != nil {
		t.Error(err)
	}
	p = with(provision.ReportsClear, false)
	plan = must[*provision.Plan](t)(p.PlanDeleteUser(t.Context(), chief))
	if _, err := p.Apply(t.Context(), plan); err != nil {
		t.Error(err)
	}
	if u := must[*jcsim.User](t)(b.tenant.User(bo)); u.Manager != "" {
		t.Errorf("the manager is %s", u.Manager)
	}
}

// TestGroupObjects creates, changes and deletes groups, each twice.
func TestGroupObjects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, jcsim.Settings{
			Behavior: jcsim.Behavior{LagReads: 2, LagObjects: true},
			Faults:   []jcsim.Fault{{Route: "POST /api/v2/usergroups", Effect: jcsim.EffectResetAfter, Times: 1}},
		}, jcsim.Rights{})
		p, ctx := b.provisioner, t.Context()
		twice := func(planned func() (*provision.Plan, error)) *provision.Plan {
			t.Helper()
			var plan *provision.Plan
			for i, want := range []provision.Result{provision.ResultChanged, provision.ResultAlready} {
				plan = must[*provision.Plan](t)(planned())
				if outcome, err := p.Apply(ctx, plan); err != nil || outcome.Result != want {
					t.Errorf("time %d: %+v, %v", i, outcome, err)
				}
			}
			return plan
		}
		made := twice(func() (*provision.Plan, error) { return p.PlanCreateGroup(ctx, "New", "about") })
		if made.Resource.ID != b.id(t, "group", "New") {
			t.Errorf("told %+v", made.Resource)
		}
		// What is not changed of a dynamic group stays.
		auto, name, text := b.id(t, "group", "Auto"), "Automatic", "by rule"
		twice(func() (*provision.Plan, error) { return p.PlanModifyGroup(ctx, auto, &name, &text) })
		for _, g := range b.tenant.Groups() {
			if g.ID == auto && (g.Name != name || g.Description != text || len(g.Rule) != 1 || g.MembershipMethod != jcsim.MembershipDynamicAutomated) {
				t.Errorf("afterwards: %+v", g)
			}
		}
		twice(func() (*provision.Plan, error) { return p.PlanDeleteGroup(ctx, made.Resource.ID) })
		taken := "Sales"
		plan := must[*provision.Plan](t)(p.PlanModifyGroup(ctx, auto, &taken, nil))
		if _, err := p.Apply(ctx, plan); status.Code(err) != codes.AlreadyExists {
			t.Errorf("a name that is taken: %v", err)
		}
		if _, err := p.PlanModifyGroup(ctx, made.Resource.ID, &name, nil); status.Code(err) != codes.NotFound {
			t.Errorf("a group that is gone: %v", err)
		}
		only := provision.New(newClient(t, b.server), provision.Options{Types: []string{"group"}, Logger: discard})
		if _, err := only.PlanCreateGroup(ctx, "X", ""); status.Code(err) != codes.Unimplemented {
			t.Errorf("members only: %v", err)
		}
	})
}
