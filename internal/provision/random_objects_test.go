package provision_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// 500 changes of users and groups in random order, interrupted by everything that can
// happen to a request and by ends of the caller. The model is told what was asked for and
// what was answered, and nothing else; in the end the tenant must be what the model is,
// with nothing made twice.
func TestRandomLifecycleUnderFaults(t *testing.T) {
	t.Parallel()
	changes := 500
	if testing.Short() {
		changes = 120
	}
	synctest.Test(t, func(t *testing.T) { randomLifecycle(t, changes) })
}

// life is what the model knows of a user or group; the zero value does not exist.
type life struct {
	exists, suspended, locked bool
	department, description   string
}

// lifecycle is a tenant and the model of it.
type lifecycle struct {
	*bench
	users, groups map[string]life
}

// wish is one change: what is asked for of an object, and what that makes of it.
type wish struct {
	object string
	plan   func(context.Context) (*provision.Plan, error)
	after  life
}

func randomLifecycle(t *testing.T, changes int) {
	settings := jcsim.Settings{Behavior: jcsim.Behavior{LagReads: 3, LagTime: 2 * time.Second, LagObjects: true}}
	for _, route := range []string{"POST /api/systemusers", "PUT *", "DELETE *", "POST /api/v2/usergroups", "POST /api/systemusers/{id}/unlock"} {
		settings.Faults = append(settings.Faults,
			jcsim.Fault{Route: route, Probability: 0.06, Status: http.StatusTooManyRequests, RetryAfter: "2"},
			jcsim.Fault{Route: route, Probability: 0.06, Status: http.StatusServiceUnavailable},
			jcsim.Fault{Route: route, Probability: 0.08, Status: http.StatusServiceUnavailable, Effect: jcsim.EffectStatusAfter},
			jcsim.Fault{Route: route, Probability: 0.08, Effect: jcsim.EffectReset},
			jcsim.Fault{Route: route, Probability: 0.12, Effect: jcsim.EffectResetAfter},
		)
	}
	settings.Faults = append(settings.Faults, jcsim.Fault{Route: "GET *", Probability: 0.05, Status: http.StatusBadGateway})
	l := &lifecycle{bench: newBench(t, settings, jcsim.Rights{}), users: map[string]life{}, groups: map[string]life{}}
	chance := rand.New(rand.NewPCG(14, 1))
	results := map[provision.Result]int{}
	for range changes {
		user := fmt.Sprintf("user%d", chance.IntN(6))
		group := fmt.Sprintf("Group %d", chance.IntN(3))
		isUser := chance.IntN(3) > 0
		w := l.groupWish(t, chance, group)
		if isUser {
			w = l.userWish(t, chance, user)
		}
		for try := 0; ; try++ {
			if try == 40 {
				t.Fatalf("%s never settled", w.object)
			}
			result := l.make(t, chance, w)
			results[result]++
			if result != provision.ResultChanged && result != provision.ResultAlready {
				continue
			}
			if isUser {
				l.users[user] = w.after
			} else {
				l.groups[group] = w.after
			}
			break
		}
	}
	for name, want := range l.users {
		if got := l.user(name); got != want {
			t.Errorf("%s: JumpCloud has %+v, the model %+v", name, got, want)
		}
	}
	for name, want := range l.groups {
		if got := l.group(name); got != want {
			t.Errorf("%s: JumpCloud has %+v, the model %+v", name, got, want)
		}
	}
	existing := 0
	for _, want := range l.users {
		if want.exists {
			existing++
		}
	}
	if n := len(l.tenant.Users()); n != existing+2 {
		t.Errorf("%d users, the model has %d and two of the tenant", n, existing)
	}
	if results[provision.ResultAlready] == 0 || results[provision.ResultUnknown]+results[provision.ResultAccepted] == 0 || len(l.audit.intents) != len(l.audit.outcomes) {
		t.Errorf("results %v, %d intents, %d outcomes", results, len(l.audit.intents), len(l.audit.outcomes))
	}
	t.Logf("results %v; faults %v", results, l.server.Requests().Faults)
}

// userWish draws a change of a user.
func (l *lifecycle) userWish(t *testing.T, chance *rand.Rand, name string) wish {
	t.Helper()
	w := wish{object: name, after: l.users[name]}
	p, id := l.provisioner, ""
	if u, err := l.tenant.User(name); err == nil {
		id = u.ID
	}
	with := func(plan func(*jumpcloud.User) (*provision.Plan, error)) func(context.Context) (*provision.Plan, error) {
		return func(ctx context.Context) (*provision.Plan, error) {
			u, err := p.User(ctx, id)
			if err != nil {
				return nil, err
			}
			return plan(u)
		}
	}
	kind := chance.IntN(6)
	switch {
	case !w.after.exists || kind == 0:
		if !w.after.exists {
			w.after = life{exists: true, department: "New"}
		}
		w.plan = func(ctx context.Context) (*provision.Plan, error) {
			return p.PlanCreate(ctx, provision.Account{Username: name, Email: strings.ToUpper(name) + "@example.com", Fields: jumpcloud.Fields{"department": "New"}})
		}
	case kind == 1:
		w.after = life{}
		w.plan = func(ctx context.Context) (*provision.Plan, error) { return p.PlanDeleteUser(ctx, id) }
	case kind == 2:
		w.after.suspended = true
		w.plan = with(func(u *jumpcloud.User) (*provision.Plan, error) { return p.PlanDisable(u), nil })
	case kind == 3:
		w.after.suspended = false
		w.plan = with(func(u *jumpcloud.User) (*provision.Plan, error) { return p.PlanEnable(u), nil })
	case kind == 4:
		w.after.locked = false
		w.plan = with(func(u *jumpcloud.User) (*provision.Plan, error) { return p.PlanUnlock(u), nil })
	default:
		w.after.department = fmt.Sprintf("Department %d", chance.IntN(3))
		w.plan = with(func(u *jumpcloud.User) (*provision.Plan, error) {
			return p.PlanUpdate(u, map[string]any{"department": w.after.department}, nil)
		})
	}
	return w
}

// groupWish draws a change of a group.
func (l *lifecycle) groupWish(t *testing.T, chance *rand.Rand, name string) wish {
	t.Helper()
	w := wish{object: name, after: l.groups[name]}
	p, id := l.provisioner, ""
	for _, g := range l.tenant.Groups() {
		if g.Name == name {
			id = g.ID
		}
	}
	kind := chance.IntN(3)
	switch {
	case !w.after.exists || kind == 0:
		w.after.exists = true
		w.plan = func(ctx context.Context) (*provision.Plan, error) { return p.PlanCreateGroup(ctx, name, "") }
	case kind == 1:
		w.after = life{}
		w.plan = func(ctx context.Context) (*provision.Plan, error) { return p.PlanDeleteGroup(ctx, id) }
	default:
		w.after.description = fmt.Sprintf("about %d", chance.IntN(3))
		w.plan = func(ctx context.Context) (*provision.Plan, error) {
			return p.PlanModifyGroup(ctx, id, nil, &w.after.description)
		}
	}
	return w
}

// user and group read the tenant itself.
func (l *lifecycle) user(name string) life {
	u, err := l.tenant.User(name)
	if err != nil {
		return life{}
	}
	return life{exists: true, suspended: u.Suspended, locked: u.AccountLocked, department: u.Department}
}

func (l *lifecycle) group(name string) life {
	for _, g := range l.tenant.Groups() {
		if g.Name == name {
			return life{exists: true, description: g.Description}
		}
	}
	return life{}
}

func (l *lifecycle) object(name string) life {
	if strings.HasPrefix(name, "user") {
		return l.user(name)
	}
	return l.group(name)
}

// make makes one change, at times for a caller who leaves, and holds the answer against
// the tenant.
func (l *lifecycle) make(t *testing.T, chance *rand.Rand, w wish) provision.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	if chance.IntN(5) == 0 {
		cancel()
		ctx, cancel = context.WithTimeout(t.Context(), time.Duration(chance.IntN(3000))*time.Millisecond)
	}
	defer cancel()
	before := l.object(w.object)
	plan, err := w.plan(ctx)
	if err != nil {
		if l.object(w.object) != before {
			t.Errorf("%s: planning changed it: %v", w.object, err)
		}
		return provision.ResultFailed
	}
	outcome, err := l.provisioner.Apply(ctx, plan)
	now := l.object(w.object)
	good := outcome.Result == provision.ResultChanged || outcome.Result == provision.ResultAlready
	switch {
	case good != (err == nil):
		t.Errorf("%s: %+v, %v", w.object, outcome, err)
	case good && now != w.after:
		t.Errorf("%s %s: %s, but JumpCloud holds %+v instead of %+v", plan.Operation, w.object, outcome.Result, now, w.after)
	case outcome.Result == provision.ResultAlready && before != w.after:
		t.Errorf("%s %s: answered that it was so already, which it was not", plan.Operation, w.object)
	case outcome.Result == provision.ResultFailed && now != before:
		t.Errorf("%s %s: answered that nothing was changed, but it was: %v", plan.Operation, w.object, err)
	}
	return outcome.Result
}
