//go:build !race

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/incremental"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/insights"
	"github.com/conductorone/baton-jumpcloud/internal/syncrun"
)

// office is an organization that is synced incrementally beside full syncs.
type office struct {
	tenant *jcsim.Tenant
	sim    *jcsim.Server
	dir    string
	log    bytes.Buffer
	mu     sync.Mutex
	// requests were sent by the last sync, which ended at a time.
	requests int
	ended    time.Time
	undumped bool // dumps of large archives are larger still
	change   func(*config.Config)
	// apart has the previous archive in a file of its own, as service mode does.
	apart bool
	// stop is called with each request of a sync.
	stop func(n int)
}

func newOffice(tenant *jcsim.Tenant, dir string, behavior jcsim.Behavior) *office {
	o := &office{tenant: tenant, dir: dir, sim: jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{Behavior: behavior}})}
	o.sim.OnRequest(func(int, string) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.requests++; o.stop != nil {
			o.stop(o.requests)
		}
	})
	return o
}

// behave makes the server another one.
func (o *office) behave(behavior jcsim.Behavior) {
	_ = o.sim.Update(func(set *jcsim.Settings) { set.Behavior = behavior }) // It is one that there can be.
}

// sync syncs into a file and returns its newest sync with its dump.
func (o *office) sync(ctx context.Context, file string, incrementally bool) (run c1z.SyncRun, dump string, err error) {
	o.log.Reset()
	o.requests = 0
	cfg := &config.Config{
		JumpCloud: config.JumpCloud{
			APIKey: secret.New(jcsim.DefaultKey), AuthMethod: config.GroupAPIKey, BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}, Timeout: time.Minute,
		},
		Sync:   config.Sync{Workers: 4, MaxDepth: 20, KeepOlder: 1, Incremental: incrementally, FullEvery: 24 * time.Hour},
		Output: config.Output{File: filepath.Join(o.dir, file)},
	}
	if o.change != nil {
		o.change(cfg)
	}
	previous := cfg.Output.File
	if o.apart {
		cfg.Output.File = filepath.Join(o.dir, "task-"+file)
	}
	job := &syncrun.Job{
		Config: cfg, Previous: previous,
		Console: &console.Console{Log: &logs.Log{Logger: slog.New(slog.NewTextHandler(&o.log, nil))}},
	}
	job.Traffic.Transport = o.sim.RoundTripper()
	if err := job.Run(ctx); err != nil {
		return run, "", err
	}
	o.ended = time.Now()
	if o.apart {
		if err := os.Rename(cfg.Output.File, previous); err != nil {
			return run, "", err
		}
	}
	r, err := c1z.Open(ctx, previous, c1z.OpenOptions{TempDir: o.dir})
	if err != nil {
		return run, "", err
	}
	defer r.Close()
	if run, err = r.Latest(ctx, c1z.SyncFull); err != nil {
		return run, "", err
	}
	if o.undumped {
		return run, "", nil
	}
	var text bytes.Buffer
	err = r.Dump(ctx, run.ID, &text)
	return run, text.String(), err
}

// differs compares an incremental sync with a full one of the same moment.
func (o *office) differs(ctx context.Context) (string, error) {
	run, got, err := o.sync(ctx, "incremental.c1z", true)
	if err != nil {
		return "", err
	}
	if !run.Basis.Incremental() {
		return "", fmt.Errorf("the sync is a full one: %s", o.log.String())
	}
	_, want, err := o.sync(ctx, "full.c1z", false)
	if err != nil || got == want {
		return "", err
	}
	return difference(got, want), nil
}

// difference are the lines that only one of two dumps has.
func difference(got, want string) string {
	lines := map[string]int{}
	for line := range strings.SplitSeq(got, "\n") {
		lines[line]++
	}
	for line := range strings.SplitSeq(want, "\n") {
		lines[line]--
	}
	var out strings.Builder
	for line, n := range lines {
		if n != 0 {
			fmt.Fprintf(&out, "%+d %.300s\n", n, line)
		}
	}
	return out.String()
}

// edit makes changes by dice, of those that are possible.
func (o *office) edit(e *editor, kinds []string) error {
	all := changes()
	all["other method"] = (*editor).otherMethod
	all["other department"] = (*editor).otherDepartment
	for _, kind := range kinds {
		if err := all[kind](e, o.tenant); err != nil && !errors.Is(err, errNothing) && !errors.Is(err, jcsim.ErrExists) &&
			!errors.Is(err, jcsim.ErrNotFound) {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

// otherMethod makes a group dynamic, or no longer so.
func (e *editor) otherMethod(t *jcsim.Tenant) error {
	g, err := pick(e, t.Groups())
	if err != nil {
		return err
	}
	return t.UpdateGroup(g.ID, func(g *jcsim.Group) {
		if g.MembershipMethod = jcsim.MembershipStatic; e.roll(2) == 0 {
			g.MembershipMethod = jcsim.MembershipDynamicAutomated
		}
	})
}

// otherDepartment moves a user, and rules with him.
func (e *editor) otherDepartment(t *jcsim.Tenant) error {
	u, err := pick(e, t.Users())
	if err != nil {
		return err
	}
	other, err := pick(e, t.Users())
	if err != nil {
		return err
	}
	return t.UpdateUser(u.ID, func(u *jcsim.User) { u.Department, u.Location = other.Department, other.Location })
}

// TestIncrementalEqualsFull edits random tenants at random, lets events be seen as late as the
// overlap allows, and syncs incrementally in between. Once every event can be seen, the
// archive is that of a full sync.
func TestIncrementalEqualsFull(t *testing.T) {
	t.Parallel()
	kinds := []string{
		"add user", "delete user", "add group", "delete group", "add application", "delete application", "add member", "add member", "remove member", "remove member",
		"associate", "associate", "dissociate", "dissociate", "other method", "other department",
	}
	requests := map[bool]int{}
	var ran, failed int
	rapid.Check(t, func(rt *rapid.T) {
		if ran++; ran > 12 && failed == 0 && !*sweep {
			return // A failure that is made smaller runs on.
		}
		failed++
		tenant := drawTenant(rt)
		delay := rapid.SampledFrom([]time.Duration{0, 20 * time.Second, incremental.Overlap}).Draw(rt, "delay")
		behavior := jcsim.Behavior{InsightsDelay: delay, RepeatEvents: rapid.Bool().Draw(rt, "twice"), RefuseTargets: rapid.SampledFrom([]int{0, 400}).Draw(rt, "refuse targets")}
		e := &editor{roll: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "dice"), 0)).IntN}
		rounds := rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom(kinds), 0, 8), 1, 3).Draw(rt, "rounds")
		pauses := rapid.SliceOfN(rapid.IntRange(0, 100), len(rounds), len(rounds)).Draw(rt, "minutes")
		apart, engine := rapid.Bool().Draw(rt, "apart"), rapid.SampledFrom([]string{"", "", "pebble"}).Draw(rt, "engine")
		merge, switches := rapid.Bool().Draw(rt, "merge"), rapid.SampledFrom([][]string{nil, {restype.SyncDirectories, restype.SyncDevices}}).Draw(rt, "switches")
		dir := t.TempDir()
		var diff string
		var err error
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(tenant, dir, behavior)
			o.apart, o.change = apart, func(c *config.Config) {
				c.Output.Engine, c.JumpCloud.MergeAdmins, c.JumpCloud.Switches = engine, merge, switches
			}
			if _, _, err = o.sync(t.Context(), "incremental.c1z", true); err != nil {
				return
			}
			for i, kinds := range rounds {
				if err = o.edit(e, kinds); err != nil {
					return
				}
				<-time.After(time.Duration(pauses[i]) * time.Minute)
				if _, _, err = o.sync(t.Context(), "incremental.c1z", true); err != nil {
					return
				}
			}
			<-time.After(delay)
			diff, err = o.differs(t.Context())
			requests[false] += o.requests
			_, _, _ = o.sync(t.Context(), "incremental.c1z", true)
			requests[true] += o.requests
		})
		if err != nil {
			rt.Fatal(err)
		}
		if diff != "" {
			rt.Fatalf("the incremental archive differs:\n%s", diff)
		}
		failed--
	})
	t.Logf("%d requests full, %d incremental", requests[false], requests[true])
	if requests[true] >= requests[false] {
		t.Error("nothing was carried over")
	}
}

// plain is a tenant of which nothing is odd, with a group of 150 members and 59 small ones.
func plain(t testing.TB) (tenant *jcsim.Tenant, large string, small []string) {
	t.Helper()
	tenant = jcsim.NewTenant(jcsim.Organization{ID: "64b000000000000000000001", Name: "Plain"})
	add := func(id string, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	var users []string
	for i := range 160 {
		users = append(users, add(tenant.AddUser(jcsim.User{Username: fmt.Sprintf("u%03d", i), Email: fmt.Sprintf("u%03d@example.com", i)})))
	}
	if _, err := tenant.AddAdmin(jcsim.Admin{Email: "ops@example.com", RoleName: "Help Desk"}); err != nil {
		t.Fatal(err)
	}
	large = add(tenant.AddGroup(jcsim.Group{Name: "Large"}))
	for _, u := range users[:150] {
		add("", tenant.AddMember(large, u))
	}
	for i := range 59 {
		g := add(tenant.AddGroup(jcsim.Group{Name: fmt.Sprintf("g%02d", i)}))
		add("", tenant.AddMember(g, users[i]))
		small = append(small, g)
	}
	return tenant, large, small
}

// lose makes a change of which no event is kept.
func (o *office) lose(t testing.TB, change func() error) {
	t.Helper()
	before := o.tenant.Insights().Len()
	if err := change(); err != nil {
		t.Fatal(err)
	}
	n := 0
	if o.tenant.Insights().Lose(func(insights.Event) bool { n++; return n > before }) == 0 {
		t.Fatal("no event was lost")
	}
}

// TestLostEvents makes changes of which JumpCloud keeps no event. The comparison with a full
// sync shows them; a check of the list finds what moves the total of a long list and all that
// happens to a short one, when it is the list's turn, and the next full sync finds the rest.
func TestLostEvents(t *testing.T) {
	t.Parallel()
	const turns = 6 // 60 lists, 10 checks a sync
	for name, tt := range map[string]struct {
		change func(tenant *jcsim.Tenant, large string, small []string, users []jcsim.User) error
		found  bool // by a check
	}{
		"a member more in a long list": {func(tn *jcsim.Tenant, large string, _ []string, users []jcsim.User) error {
			return tn.AddMember(large, users[155].ID)
		}, true},
		"a member less in a long list": {func(tn *jcsim.Tenant, large string, _ []string, users []jcsim.User) error {
			return tn.RemoveMember(large, users[3].ID)
		}, true},
		"one for another in a short list": {func(tn *jcsim.Tenant, _ string, small []string, users []jcsim.User) error {
			return errors.Join(tn.RemoveMember(small[7], users[7].ID), tn.AddMember(small[7], users[100].ID))
		}, true},
		"one for another in a long list": {func(tn *jcsim.Tenant, large string, _ []string, users []jcsim.User) error {
			return errors.Join(tn.RemoveMember(large, users[3].ID), tn.AddMember(large, users[155].ID))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				tenant, large, small := plain(t)
				o := newOffice(tenant, dir, jcsim.Behavior{})
				sync := func(incrementally bool) {
					run, _, err := o.sync(t.Context(), "incremental.c1z", true)
					if err != nil || run.Basis.Incremental() != incrementally {
						t.Fatalf("sync: %v, basis %+v, %s", err, run.Basis, o.log.String())
					}
				}
				sync(false)
				<-time.After(time.Minute)
				users := tenant.Users()
				slices.SortFunc(users, func(a, b *jcsim.User) int { return strings.Compare(a.Username, b.Username) })
				byName := make([]jcsim.User, 0, len(users))
				for _, u := range users {
					byName = append(byName, *u)
				}
				o.lose(t, func() error { return tt.change(tenant, large, small, byName) })
				_, want, err := o.sync(t.Context(), "full.c1z", false)
				if err != nil {
					t.Fatal(err)
				}
				missed := 0
				for range turns {
					run, got, err := o.sync(t.Context(), "incremental.c1z", true)
					if err != nil || !run.Basis.Incremental() {
						t.Fatal(err, o.log.String())
					}
					if got != want {
						missed++
					}
				}
				t.Logf("%d of %d incremental syncs missed the change", missed, turns)
				if tt.found == (missed == turns) {
					t.Errorf("%d of %d incremental syncs missed the change", missed, turns)
				}
				<-time.After(24 * time.Hour)
				sync(false)
				if diff, err := o.differs(t.Context()); err != nil || diff != "" {
					t.Errorf("after a full sync: %v\n%s", err, diff)
				}
			})
		})
	}
}

// TestFullSyncInstead asks for incremental syncs that cannot be: each is a full one, says why
// and has all changes in it.
func TestFullSyncInstead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before func(*testing.T, *office)
		reason string
	}{
		"no Insights": {func(_ *testing.T, o *office) { o.behave(jcsim.Behavior{RefuseInsights: http.StatusForbidden}) }, "Directory Insights is not served"},
		"Insights fail": {func(t *testing.T, o *office) {
			if err := o.sim.AddFault(jcsim.Fault{Route: "POST /insights/directory/v1/events", Effect: jcsim.EffectBody, Body: "{}"}); err != nil {
				t.Fatal(err)
			}
		}, "could not be read to their end"},
		"Insights refuse": {func(_ *testing.T, o *office) { o.behave(jcsim.Behavior{RefuseInsights: http.StatusBadRequest}) }, "Directory Insights is not served"},
		"too old":         {func(*testing.T, *office) { <-time.After(24 * time.Hour) }, "--full-every is 24h"},
		"other settings":  {func(_ *testing.T, o *office) { o.change = func(c *config.Config) { c.JumpCloud.SkipAdmins = true } }, "the settings differ"},
		"no groups": {func(_ *testing.T, o *office) {
			o.change = func(c *config.Config) { c.Sync.ResourceTypes = []string{"user", "app"} }
		}, "users or groups are not synced"},
		"always": {func(_ *testing.T, o *office) { o.change = func(c *config.Config) { c.Sync.FullEvery = 0 } }, "--full-every is 0s"},
		"previous without": {func(t *testing.T, o *office) {
			if _, _, err := o.sync(t.Context(), "incremental.c1z", false); err != nil {
				t.Fatal(err)
			}
		}, "made without --incremental"},
		"unknown event": {func(_ *testing.T, o *office) {
			o.tenant.Insights().Add(insights.Event{ID: "x", Type: "group_of_groups_imported_v2", Service: "directory", Time: time.Now()})
		}, "does not say what it is about"},
		"strange event": {func(_ *testing.T, o *office) {
			o.tenant.Insights().Add(insights.Event{ID: "x", Type: "organization_merged", Service: "directory", Time: time.Now()})
		}, "it is not known what an event"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				tenant, large, _ := plain(t)
				o := newOffice(tenant, dir, jcsim.Behavior{})
				if run, _, err := o.sync(t.Context(), "incremental.c1z", true); err != nil || run.Basis == nil || run.Basis.Incremental() {
					t.Fatal(err, run.Basis)
				}
				<-time.After(time.Minute)
				if err := tenant.RemoveMember(large, tenant.Users()[0].ID); err != nil {
					t.Fatal(err)
				}
				tt.before(t, o)
				run, got, err := o.sync(t.Context(), "incremental.c1z", true)
				if err != nil || run.Basis.Incremental() || run.Basis.FullSync != run.ID {
					t.Fatal(err, run.Basis)
				}
				if text := o.log.String(); !strings.Contains(text, "full sync instead of an incremental one") || !strings.Contains(text, tt.reason) {
					t.Errorf("the log does not say %q: %s", tt.reason, text)
				}
				if _, want, err := o.sync(t.Context(), "full.c1z", false); err != nil || got != want {
					t.Error(err, difference(got, want))
				}
			})
		})
	}
}

// TestIncrementalIsResumed ends an incremental sync in its middle. The next one goes on with it,
// and what happened in between is in the one after that at the latest.
func TestIncrementalIsResumed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		tenant, large, small := plain(t)
		o := newOffice(tenant, dir, jcsim.Behavior{})
		if _, _, err := o.sync(t.Context(), "incremental.c1z", true); err != nil {
			t.Fatal(err)
		}
		for at := 0; at < 20; at += 6 {
			<-time.After(time.Minute)
			user := tenant.Users()[at]
			for _, g := range []string{large, small[at]} {
				if err := errors.Join(tenant.RemoveMember(g, user.ID), tenant.AddMember(small[at+20], user.ID)); err != nil && !errors.Is(err, jcsim.ErrNotFound) && !errors.Is(err, jcsim.ErrExists) {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			o.stop = func(n int) {
				if n == at+2 {
					cancel(errors.New("stopped"))
				}
			}
			_, _, err := o.sync(ctx, "incremental.c1z", true)
			cancel(nil)
			o.stop = nil
			if err == nil {
				break
			}
			if at%2 == 0 { // What is not read yet changes before the sync goes on.
				if err := tenant.RemoveMember(large, tenant.Users()[100+at].ID); err != nil {
					t.Fatal(err)
				}
			}
			if _, _, err := o.sync(t.Context(), "incremental.c1z", true); err != nil {
				t.Fatal(err)
			}
			diff, err := o.differs(t.Context())
			if err != nil || diff != "" {
				t.Fatal(at, err, diff)
			}
		}
	})
}
