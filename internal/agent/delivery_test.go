package agent_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/agent"
	"github.com/conductorone/baton-jumpcloud/internal/agent/ledger"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

// granted counts grants, each of which takes a second and is made after half of
// it. One that is there already is reported as such.
func granted(t *testing.T, r *rig) (made *atomic.Int64) {
	t.Helper()
	made = new(atomic.Int64)
	already, err := anypb.New(&v2.GrantAlreadyExists{})
	if err != nil {
		t.Fatal(err)
	}
	r.connector.grant = func(ctx context.Context, _ *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error) {
		select {
		case <-time.After(time.Second / 2):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		answer := &v2.GrantManagerServiceGrantResponse{}
		if made.Add(1) > 1 {
			answer.Annotations = []*anypb.Any{already}
		}
		select {
		case <-time.After(time.Second / 2):
			return answer, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return made
}

// onFinish makes one fault for each FinishTask; those behind them go through.
func onFinish(faults ...c1sim.Fault) c1sim.Faults {
	return func(c c1sim.Call) c1sim.Fault {
		if c.Method == "FinishTask" && c.Number <= len(faults) {
			return faults[c.Number-1]
		}
		return c1sim.Fault{}
	}
}

func before(code codes.Code) c1sim.Fault {
	return c1sim.Fault{Before: status.Error(code, "simulated")}
}

func TestResultsAreSentUntilTheyArrive(t *testing.T) {
	t.Parallel()
	lost := c1sim.Fault{After: status.Error(codes.Unavailable, "simulated")}
	tests := []struct {
		name   string
		faults []c1sim.Fault
		sent   int
	}{
		{"at once", nil, 1},
		{"after an outage", []c1sim.Fault{before(codes.Unavailable), before(codes.Unavailable), before(codes.DeadlineExceeded)}, 4},
		{"after refusals", []c1sim.Fault{before(codes.PermissionDenied), before(codes.Internal), before(codes.InvalidArgument), before(codes.ResourceExhausted), before(codes.Unauthenticated)}, 6},
		{"its answer lost", []c1sim.Fault{lost}, 2},
		{"unknown there", []c1sim.Fault{before(codes.NotFound)}, 1},
		{"known there", []c1sim.Fault{before(codes.AlreadyExists)}, 1},
		{"not wanted there", []c1sim.Fault{before(codes.FailedPrecondition)}, 1},
		{"no answer", []c1sim.Fault{{Delay: time.Hour}}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c1sim.Options{Lease: 24 * time.Hour, Faults: onFinish(tt.faults...)})
				granted(t, r)
				r.sim.Enqueue(grantTask("g", "u"))
				p := r.start()
				pass(2 * time.Hour)
				events := r.sim.Events("FinishTask")
				if len(events) != tt.sent {
					t.Errorf("sent %d times, want %d", len(events), tt.sent)
				}
				for _, e := range events {
					if diff := cmp.Diff(events[0].Request, e.Request, protocmp.Transform()); diff != "" {
						t.Errorf("a result differs from the first one:\n%s", diff)
					}
				}
				// The pauses double, with a quarter of jitter on top.
				if tt.name == "after refusals" {
					for i, gap := range r.gaps("FinishTask") {
						if least := time.Second << i; gap < least || gap > least*5/4 {
							t.Errorf("pause %d is %v", i, gap)
						}
					}
				}
				if err := p.end(); err != nil {
					t.Error(err)
				}
				if n := len(pendingResults(t, r.state)); n != 0 {
					t.Errorf("%d results are still pending", n)
				}
			})
		})
	}
}

// pendingResults are the pending results in a copy of a state directory.
func pendingResults(t *testing.T, state string) []ledger.PendingResult {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(state)); err != nil {
		t.Fatal(err)
	}
	dirs, err := filepath.Glob(filepath.Join(copied, "tasks-*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("folders %v, %v", dirs, err)
	}
	l, err := ledger.Open(dirs[0], slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Pending()
}

// When a result arrives at ConductorOne, it is on disk.
func TestResultsAreWrittenDownBeforeTheyAreSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var state string
		found := make(chan int, 1)
		r := newRig(t, c1sim.Options{Faults: func(c c1sim.Call) c1sim.Fault {
			if c.Method == "FinishTask" {
				found <- len(pendingResults(t, state))
			}
			return c1sim.Fault{}
		}})
		state = r.state
		granted(t, r)
		r.sim.Enqueue(grantTask("g", "u"))
		r.start()
		if n := <-found; n != 1 {
			t.Errorf("%d results were on disk", n)
		}
	})
}

// A task that comes again while its result is pending is answered with that result.
func TestOwedTaskIsNotCarriedOutAgain(t *testing.T) {
	t.Parallel()
	for _, batch := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var faults []c1sim.Fault
			for range 40 {
				faults = append(faults, before(codes.Unavailable))
			}
			r := newRig(t, c1sim.Options{Lease: 20 * time.Second, IdlePoll: 5 * time.Second, Faults: onFinish(faults...)})
			r.change = func(c *agent.Config) { c.Batch = batch }
			made := granted(t, r)
			id := r.sim.Enqueue(grantTask("g", "u"))
			r.start()
			pass(2 * time.Hour)
			got := r.sim.Task(id)
			if made.Load() != 1 || got.Results != 1 || got.State != c1sim.Finished {
				t.Errorf("carried out %d times, %d results, %s", made.Load(), got.Results, got.State)
			}
			// One task at a time, ConductorOne cannot be told what is known.
			if (got.HandedOut > 1) == batch {
				t.Errorf("handed out %d times", got.HandedOut)
			}
		})
	}
}

// A task that comes again while it runs is not begun again.
func TestRunningTaskIsNotBegunAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{Lease: 10 * time.Second, IdlePoll: time.Second})
		one, running := blockedGrants(r)
		id := r.sim.Enqueue(grantTask("g", "u"))
		r.start()
		pass(time.Minute)
		if n := running(); n != 1 || r.sim.Task(id).HandedOut < 3 {
			t.Errorf("%d run, handed out %d times", n, r.sim.Task(id).HandedOut)
		}
		one()
		if got := r.sim.Task(id); got.State != c1sim.Finished || got.Results != 1 {
			t.Errorf("%d results, %s", got.Results, got.State)
		}
	})
}

// The answer of a poll that was given before the result arrived, and comes after
// it, brings the task once more.
func TestStalePollBringsNothingNew(t *testing.T) {
	t.Parallel()
	for _, batch := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, c1sim.Options{Lease: time.Second, IdlePoll: 3 * time.Second, BusyPoll: 1500 * time.Millisecond, Faults: func(c c1sim.Call) c1sim.Fault {
				// The first poll hands the task out at 0 s, the second one, with the lease over,
				// again at 1.5 s; its answer arrives after the task has ended at 2 s.
				if strings.HasPrefix(c.Method, "GetTask") && c.Number == 2 {
					return c1sim.Fault{Late: 5 * time.Second}
				}
				return c1sim.Fault{}
			}})
			r.change = func(c *agent.Config) { c.Batch = batch }
			made := new(atomic.Int64)
			r.connector.grant = func(context.Context, *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error) {
				<-time.After(2 * time.Second)
				made.Add(1)
				return &v2.GrantManagerServiceGrantResponse{}, nil
			}
			r.sim.Enqueue(grantTask("g", "u"))
			r.start()
			pass(time.Minute)
			if made.Load() != 1 {
				t.Errorf("carried out %d times", made.Load())
			}
		})
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{})
		made := granted(t, r)
		r.start()
		pass(time.Second)
		if err := os.RemoveAll(r.state); err != nil {
			t.Fatal(err)
		}
		change, list := r.sim.Enqueue(grantTask("g", "u")), r.sim.Enqueue(listTask())
		pass(time.Minute)
		got := r.sim.Task(change)
		if made.Load() != 0 || got.Result.GetError() == nil || got.Result.GetError().GetNonRetryable() || !strings.Contains(got.Result.GetStatus().GetMessage(), "no change was made") {
			t.Errorf("carried out %d times, result %v", made.Load(), got.Result)
		}
		// What changes nothing goes on.
		if got := r.sim.Task(list); got.Result.GetSuccess() == nil {
			t.Errorf("result %v", got.Result)
		}
	})
}

func TestStateFolderIsForOneAgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{})
		r.start()
		pass(time.Second)
		second := r.start()
		<-second.done
		if err := second.end(); !errors.Is(err, ledger.ErrInUse) {
			t.Errorf("error is %v", err)
		}
		// Another client's agent has a folder of its own.
		r.change = func(c *agent.Config) { c.ClientID = "another@" + c.ClientID }
		third := r.start()
		pass(time.Second)
		if err := third.Ready(); err != nil {
			t.Error(err)
		}
	})
}

func TestKillWhileAResultIsOwed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var faults []c1sim.Fault
		for range 3 {
			faults = append(faults, before(codes.Unavailable))
		}
		r := newRig(t, c1sim.Options{Lease: time.Hour, Faults: onFinish(faults...)})
		made := granted(t, r)
		id := r.sim.Enqueue(grantTask("g", "u"))
		p := r.start()
		pass(2 * time.Second)
		if r.sim.Task(id).State != c1sim.Leased {
			t.Fatal("the task has ended")
		}
		p.kill()
		r.change = func(c *agent.Config) { c.HostID = "the next host" }
		r.start()
		pass(time.Minute)
		got := r.sim.Task(id)
		if made.Load() != 1 || got.Results != 1 || got.State != c1sim.Finished || got.Result.GetHostId() != "test-host" {
			t.Errorf("carried out %d times, %d results, %v", made.Load(), got.Results, got.Result)
		}
		if n := len(pendingResults(t, r.state)); n != 0 {
			t.Errorf("%d results are pending", n)
		}
	})
}

// Wherever the process is killed within a grant, the state and the reported result
// are those of one execution.
func TestKillWithinAGrant(t *testing.T) {
	t.Parallel()
	for _, moment := range []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, 700 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, c1sim.Options{Lease: 20 * time.Second})
			made := granted(t, r)
			id := r.sim.Enqueue(grantTask("g", "u"))
			p := r.start()
			pass(moment)
			p.kill()
			if n := made.Load(); (n == 1) != (moment > time.Second/2) {
				t.Fatalf("killed at %v, the grant was made %d times", moment, n)
			}
			r.start()
			pass(2 * time.Minute)
			got := r.sim.Task(id)
			if got.Results != 1 || got.Result.GetSuccess() == nil || len(got.Result.GetSuccess().GetAnnotations()) != 0 {
				t.Errorf("killed at %v: %d results, %v", moment, got.Results, got.Result)
			}
		})
	}
}

// What must not be done twice is not.
func TestKillWithinAnAction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{Lease: 20 * time.Second})
		id := r.sim.Enqueue(&pb.Task{TaskType: &pb.Task_ActionInvoke{ActionInvoke: &pb.Task_ActionInvokeTask{Name: "n"}}})
		invoked := new(atomic.Int64)
		r.change = func(c *agent.Config) { c.Connector = &invoker{connector: r.connector, invoked: invoked} }
		p := r.start()
		pass(time.Second)
		p.kill()
		r.start()
		pass(2 * time.Minute)
		got := r.sim.Task(id)
		if invoked.Load() != 1 || codes.Code(got.Result.GetStatus().GetCode()) != codes.Aborted || !got.Result.GetError().GetNonRetryable() {
			t.Errorf("invoked %d times, result %v", invoked.Load(), got.Result)
		}
	})
}

// invoker has an action that takes a minute.
type invoker struct {
	*connector
	invoked *atomic.Int64
}

func (i *invoker) InvokeAction(ctx context.Context, _ *v2.InvokeActionRequest) (*v2.InvokeActionResponse, error) {
	i.invoked.Add(1)
	select {
	case <-time.After(time.Minute):
		return &v2.InvokeActionResponse{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A sync that was killed, during the sync or during the upload, is asked for
// again by the next process and arrives once.
func TestKillWithinASync(t *testing.T) {
	t.Parallel()
	for _, moment := range []time.Duration{5 * time.Second, 15 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, c1sim.Options{Lease: time.Minute, NextHeartbeat: 10 * time.Second, Faults: func(c c1sim.Call) c1sim.Fault {
				if c.Method == "UploadAsset" {
					return c1sim.Fault{Delay: 10 * time.Second}
				}
				return c1sim.Fault{}
			}})
			inner := r.syncer
			syncs := new(atomic.Int64)
			r.syncer = syncFunc(func(ctx context.Context, req agent.SyncRequest) (agent.Archive, error) {
				syncs.Add(1)
				select {
				case <-time.After(10 * time.Second):
					return inner.Sync(ctx, req)
				case <-ctx.Done():
					return agent.Archive{}, ctx.Err()
				}
			})
			id := r.sim.Enqueue(syncTask())
			p := r.start()
			pass(moment)
			p.kill()
			r.start()
			pass(5 * time.Minute)
			got := r.sim.Task(id)
			if syncs.Load() != 2 || got.Results != 1 || got.Result.GetSuccess() == nil || len(got.Assets) != 1 {
				t.Errorf("killed at %v: %d syncs, %d results, %d assets, %v", moment, syncs.Load(), got.Results, len(got.Assets), got.Result)
			}
		})
	}
}

// A result that is never accepted is offered for a week and then forgotten: it must
// not be pending for ever.
func TestResultThatIsNeverAccepted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var refuse atomic.Bool
		refuse.Store(true)
		r := newRig(t, c1sim.Options{Lease: time.Hour, IdlePoll: 5 * time.Minute, Faults: failing("FinishTask", codes.InvalidArgument, &refuse)})
		made := granted(t, r)
		r.sim.Enqueue(grantTask("g", "u"))
		p := r.start()
		pass(time.Minute)
		if err := p.end(); err != nil {
			t.Error(err)
		}
		for _, tt := range []struct {
			later   time.Duration
			pending int
		}{{ledger.MaxAge - time.Hour, 1}, {2 * time.Hour, 0}} {
			pass(tt.later)
			sent := len(r.sim.Events("FinishTask"))
			p := r.start()
			pass(time.Minute)
			if err := p.end(); err != nil {
				t.Error(err)
			}
			if n := len(pendingResults(t, r.state)); n != tt.pending || len(r.sim.Events("FinishTask")) == sent {
				t.Errorf("%d results are pending, want %d", n, tt.pending)
			}
		}
		if made.Load() > 2 {
			t.Errorf("the grant was made %d times", made.Load())
		}
	})
}
