package agent_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/agent"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

// slow makes a grant take some time, with or without regard to its context.
func slow(r *rig, d time.Duration, deaf bool) {
	r.connector.grant = func(ctx context.Context, _ *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error) {
		if deaf {
			ctx = context.WithoutCancel(ctx)
		}
		select {
		case <-time.After(d):
			return &v2.GrantManagerServiceGrantResponse{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	const grace = 25 * time.Second
	tests := []struct {
		name     string
		takes    time.Duration
		deaf     bool
		grace    time.Duration
		ends     time.Duration // after being told to
		finished bool
		says     string
	}{
		{name: "nothing to do", grace: grace, ends: 0},
		{name: "task ends in time", takes: 15 * time.Second, grace: grace, ends: 14 * time.Second, finished: true},
		{name: "task interrupted", takes: time.Hour, grace: grace, ends: 20 * time.Second, says: "task interrupted"},
		{name: "task ends late", takes: 23 * time.Second, deaf: true, grace: grace, ends: 22 * time.Second, finished: true, says: "task interrupted"},
		{name: "task is left behind", takes: time.Minute, deaf: true, grace: grace, ends: grace + time.Second, says: "task did not stop in time"},
		{name: "no grace", takes: time.Hour, grace: 0, ends: 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c1sim.Options{Lease: time.Hour})
				var lines lockedBuilder
				r.logger = slog.New(slog.NewTextHandler(&lines, nil))
				r.change = func(c *agent.Config) { c.ShutdownGrace = tt.grace }
				var id string
				if tt.takes > 0 {
					slow(r, tt.takes, tt.deaf)
					id = r.sim.Enqueue(grantTask("g", "u"))
				}
				p := r.start()
				pass(time.Second)
				begun := time.Now()
				if err := p.end(); err != nil {
					t.Errorf("error is %v", err)
				}
				if d := time.Since(begun); d != tt.ends {
					t.Errorf("ended after %v, want %v", d, tt.ends)
				}
				polls := len(r.sim.Events("GetTask"))
				pass(2 * time.Minute)
				if n := len(r.sim.Events("GetTask")); n != polls {
					t.Errorf("%d polls after the end", n-polls)
				}
				if id != "" && tt.finished != (r.sim.Task(id).Result.GetSuccess() != nil) || !tt.finished && len(r.sim.Events("FinishTask")) > 0 {
					t.Errorf("result is %v", r.sim.Task(id).Result)
				}
				if !strings.Contains(lines.String(), tt.says) {
					t.Errorf("log lacks %q:\n%s", tt.says, lines.String())
				}
			})
		})
	}
}

// What is cut short by a shutdown is carried out by the next process, which
// knows that it was begun.
func TestShutdownAndNextStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{Lease: time.Minute})
		slow(r, time.Hour, false)
		id := r.sim.Enqueue(grantTask("g", "u"))
		p := r.start()
		pass(time.Second)
		if err := p.end(); err != nil {
			t.Fatal(err)
		}
		slow(r, time.Second, false)
		var lines lockedBuilder
		r.logger = slog.New(slog.NewTextHandler(&lines, nil))
		r.start()
		pass(2 * time.Minute)
		if got := r.sim.Task(id); got.Result.GetSuccess() == nil || got.Results != 1 {
			t.Errorf("result is %v", got.Result)
		}
		if !strings.Contains(lines.String(), "interrupted_tasks=1") {
			t.Errorf("log is\n%s", lines.String())
		}
	})
}

// A sync is told to stop when four fifths of the grace are over, and is not
// reported: the next process goes on with it.
func TestShutdownDuringASync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{Lease: time.Minute, NextHeartbeat: 10 * time.Second})
		inner := r.syncer
		r.syncer = syncFunc(func(ctx context.Context, _ agent.SyncRequest) (agent.Archive, error) {
			<-ctx.Done()
			<-time.After(2 * time.Second) // It writes a checkpoint.
			return agent.Archive{}, ctx.Err()
		})
		id := r.sim.Enqueue(syncTask())
		p := r.start()
		pass(time.Second)
		begun := time.Now()
		if err := p.end(); err != nil || time.Since(begun) != 22*time.Second {
			t.Errorf("ended after %v with %v", time.Since(begun), err)
		}
		r.syncer = inner
		r.start()
		pass(2 * time.Minute)
		if got := r.sim.Task(id); got.Result.GetSuccess() == nil || got.Results != 1 {
			t.Errorf("result is %v", got.Result)
		}
	})
}

// What is pending at the end is logged, kept, and sent after the next start.
func TestShutdownWithDebts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var faults []c1sim.Fault
		for range 4 {
			faults = append(faults, before(codes.Unavailable))
		}
		r := newRig(t, c1sim.Options{Lease: time.Hour, Faults: onFinish(faults...)})
		var lines lockedBuilder
		r.logger = slog.New(slog.NewTextHandler(&lines, nil))
		made := granted(t, r)
		id := r.sim.Enqueue(grantTask("g", "u"))
		p := r.start()
		pass(3 * time.Second)
		begun := time.Now()
		if err := p.end(); err != nil || time.Since(begun) > time.Second {
			t.Errorf("ended after %v with %v", time.Since(begun), err)
		}
		if !strings.Contains(lines.String(), "pending task results will be delivered after the next start") || len(pendingResults(t, r.state)) != 1 {
			t.Errorf("%d pending results, log is\n%s", len(pendingResults(t, r.state)), lines.String())
		}
		r.start()
		pass(2 * time.Minute)
		if got := r.sim.Task(id); got.Result.GetSuccess() == nil || got.Results != 1 || made.Load() != 1 {
			t.Errorf("carried out %d times, result is %v", made.Load(), got.Result)
		}
	})
}

// A process that is told to stop while it still introduces itself just stops.
func TestShutdownBeforeTheGreeting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{Faults: func(c1sim.Call) c1sim.Fault { return before(codes.Unavailable) }})
		p := r.start()
		pass(10 * time.Second)
		begun := time.Now()
		if err := p.end(); err != nil || time.Since(begun) != 0 {
			t.Errorf("ended after %v with %v", time.Since(begun), err)
		}
	})
}
