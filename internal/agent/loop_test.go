package agent_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/agent"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

// gaps are the times between the calls of a method.
func (r *rig) gaps(method string) []time.Duration {
	events := r.sim.Events(method)
	var gaps []time.Duration
	for i := 1; i < len(events); i++ {
		gaps = append(gaps, events[i].At.Sub(events[i-1].At))
	}
	return gaps
}

func seconds(list ...int) []time.Duration {
	var ds []time.Duration
	for _, s := range list {
		ds = append(ds, time.Duration(s)*time.Second)
	}
	return ds
}

// failing answers the calls of one method with an error while on is true.
func failing(method string, code codes.Code, on *atomic.Bool) c1sim.Faults {
	return func(c c1sim.Call) c1sim.Fault {
		if c.Method == method && on.Load() {
			return c1sim.Fault{Before: status.Error(code, "simulated")}
		}
		return c1sim.Fault{}
	}
}

func TestBackoffAfterFailedPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var on atomic.Bool
		on.Store(true)
		r := newRig(t, c1sim.Options{Faults: failing("GetTask", codes.Unavailable, &on)})
		p := r.start()
		pass(400 * time.Second)
		want := seconds(1, 4, 9, 16, 25, 36, 49, 60, 60, 60, 60)
		if diff := cmp.Diff(want, r.gaps("GetTask")); diff != "" {
			t.Errorf("pauses (-want +got):\n%s", diff)
		}
		// A poll that succeeds begins anew.
		on.Store(false)
		pass(time.Minute)
		on.Store(true)
		n := len(r.sim.Events("GetTask"))
		pass(20 * time.Second)
		if got := r.gaps("GetTask")[n:]; len(got) < 2 || got[0] != time.Second || got[1] != 4*time.Second {
			t.Errorf("pauses after a success: %v", got)
		}
		if err := p.end(); err != nil {
			t.Error(err)
		}
	})
}

func TestPollsComeWhenConductorOneWantsThem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		told, want time.Duration
	}{
		{"as told", 7 * time.Second, 7 * time.Second},
		{"at most five minutes", time.Hour, 5 * time.Minute},
	}
	for _, tt := range tests {
		for _, batch := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, c1sim.Options{IdlePoll: tt.told})
					r.change = func(c *agent.Config) { c.Batch = batch }
					method := map[bool]string{false: "GetTask", true: "GetTasks"}[batch]
					r.start()
					pass(tt.want*3 + time.Second)
					if diff := cmp.Diff([]time.Duration{tt.want, tt.want, tt.want}, r.gaps(method)); diff != "" {
						t.Errorf("pauses (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// blockedGrants makes grants wait until the returned function is called; it lets
// one of them end.
func blockedGrants(r *rig) (one func(), running func() int) {
	gate := make(chan struct{})
	count := make(chan int, 1)
	count <- 0
	add := func(d int) int {
		n := <-count + d
		count <- n
		return n
	}
	r.connector.grant = func(ctx context.Context, _ *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error) {
		add(1)
		defer add(-1)
		select {
		case <-gate:
			return &v2.GrantManagerServiceGrantResponse{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return func() { gate <- struct{}{}; synctest.Wait() }, func() int { return add(0) }
}

// Nothing is asked for while all slots are taken.
func TestNoPollWithoutASlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{Lease: time.Hour})
		r.change = func(c *agent.Config) { c.Concurrency = 2 }
		one, running := blockedGrants(r)
		for range 5 {
			r.sim.Enqueue(grantTask("g", "u"))
		}
		r.start()
		pass(time.Minute)
		if n := running(); n != 2 {
			t.Errorf("%d tasks run", n)
		}
		if n := len(r.sim.Events("GetTask")); n != 2 {
			t.Errorf("%d polls for 2 slots", n)
		}
		for left := 4; left >= 0; left-- {
			one()
			if n := running(); n != min(left, 2) {
				t.Errorf("%d tasks run, %d are left", n, left)
			}
		}
	})
}

func TestBatchKeepsItsWaterMarks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{Lease: time.Hour, IdlePoll: 10 * time.Second, BusyPoll: 2 * time.Second})
		r.change = func(c *agent.Config) { c.Concurrency, c.Batch = 3, true }
		one, running := blockedGrants(r)
		for range 20 {
			r.sim.Enqueue(grantTask("g", "u"))
		}
		r.start()
		type fetch struct{ Page, Known int }
		fetches := func() []fetch {
			var got []fetch
			for _, e := range r.sim.Events("GetTasks") {
				req := e.Request.(*pb.BatonServiceGetTasksRequest)
				got = append(got, fetch{int(req.GetPageSize()), len(req.GetKnownTaskIds())})
			}
			return got
		}
		synctest.Wait()
		// Twice as many as there are slots are fetched; three run, three wait.
		if diff := cmp.Diff([]fetch{{6, 0}}, fetches()); diff != "" || running() != 3 {
			t.Errorf("%d run, fetches (-want +got):\n%s", running(), diff)
		}
		pass(time.Minute)
		for range 3 { // 3 run and 2, 1, 0 wait: not below the low mark of 3.
			one()
		}
		if diff := cmp.Diff([]fetch{{6, 0}}, fetches()); diff != "" || running() != 3 {
			t.Errorf("%d run, fetches (-want +got):\n%s", running(), diff)
		}
		one() // 2 run, none waits: 4 more are wanted.
		if diff := cmp.Diff([]fetch{{6, 0}, {4, 2}}, fetches()); diff != "" || running() != 3 {
			t.Errorf("%d run, fetches (-want +got):\n%s", running(), diff)
		}
		// Within the 2 s that ConductorOne asked for, nothing is fetched.
		for range 4 {
			one()
		}
		if diff := cmp.Diff([]fetch{{6, 0}, {4, 2}}, fetches()); diff != "" || running() != 2 {
			t.Errorf("%d run, fetches (-want +got):\n%s", running(), diff)
		}
		pass(2 * time.Second)
		if diff := cmp.Diff([]fetch{{6, 0}, {4, 2}, {4, 2}}, fetches()); diff != "" || running() != 3 {
			t.Errorf("%d run, fetches (-want +got):\n%s", running(), diff)
		}
		for running() > 0 {
			one()
			pass(3 * time.Second)
		}
		for _, task := range r.sim.Tasks() {
			if task.State != c1sim.Finished || task.HandedOut != 1 {
				t.Errorf("task was handed out %d times and is %s", task.HandedOut, task.State)
			}
		}
	})
}

// A fetch that fails is no reason to stop while tasks wait in the queue.
func TestBatchGoesOnWithItsQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var on atomic.Bool
		r := newRig(t, c1sim.Options{Lease: time.Hour, BusyPoll: time.Second, Faults: failing("GetTasks", codes.Unavailable, &on)})
		r.change = func(c *agent.Config) { c.Concurrency, c.Batch = 2, true }
		one, running := blockedGrants(r)
		for range 4 {
			r.sim.Enqueue(grantTask("g", "u"))
		}
		r.start()
		pass(2 * time.Second)
		on.Store(true)
		for left := 3; left > 0; left-- {
			one()
			if n := running(); n != min(left, 2) {
				t.Errorf("%d tasks run, %d are left", n, left)
			}
			pass(10 * time.Millisecond)
		}
	})
}

func TestHelloTaskIsAnsweredByAGreetingOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{})
		id := r.sim.Enqueue(&pb.Task{TaskType: &pb.Task_Hello{Hello: &pb.Task_HelloTask{}}})
		r.start()
		pass(time.Minute)
		var ids []string
		for _, e := range r.sim.Events("Hello") {
			ids = append(ids, e.TaskID)
		}
		if diff := cmp.Diff([]string{"", id}, ids); diff != "" {
			t.Errorf("greetings (-want +got):\n%s", diff)
		}
		if n := len(r.sim.Events("FinishTask")); n != 0 {
			t.Errorf("%d results were sent", n)
		}
	})
}

func TestStartupIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code codes.Code
		hint bool
	}{{codes.PermissionDenied, true}, {codes.Unauthenticated, true}, {codes.InvalidArgument, false}, {codes.FailedPrecondition, false}}
	for _, tt := range tests {
		t.Run(tt.code.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var on atomic.Bool
				on.Store(true)
				r := newRig(t, c1sim.Options{Faults: failing("Hello", tt.code, &on)})
				p := r.start()
				<-p.done
				err := p.end()
				if status.Code(err) != tt.code || !strings.HasPrefix(err.Error(), "runner: startup Hello failed: ") {
					t.Errorf("error is %v", err)
				}
				if errors.Is(err, agent.ErrRefused) != tt.hint || p.Ready() == nil {
					t.Errorf("error is %v, ready is %v", err, p.Ready())
				}
				// The ledger was given back.
				on.Store(false)
				r.start()
				synctest.Wait()
				if n := len(r.sim.Events("GetTask")); n != 1 {
					t.Errorf("%d polls after the next start", n)
				}
			})
		})
	}
}

func TestReadyWhenConnected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var on atomic.Bool
		on.Store(true)
		r := newRig(t, c1sim.Options{Faults: failing("Hello", codes.Unavailable, &on)})
		p := r.start()
		pass(2 * time.Second)
		if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "not connected") {
			t.Errorf("before the greeting: %v", err)
		}
		on.Store(false)
		pass(10 * time.Second)
		if err := p.Ready(); err != nil {
			t.Errorf("after the greeting: %v", err)
		}
		if err := p.end(); err != nil {
			t.Error(err)
		}
	})
}

// A connector that has not heard of ConductorOne for long is not connected, whether
// it is idle or busy; heartbeats of a long sync count.
func TestReadyEndsWithSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var polls, beats atomic.Bool
		both := func(c c1sim.Call) c1sim.Fault {
			if f := failing("GetTask", codes.Unavailable, &polls)(c); f.Before != nil {
				return f
			}
			return failing("Heartbeat", codes.Unavailable, &beats)(c)
		}
		r := newRig(t, c1sim.Options{Faults: both})
		r.change = func(c *agent.Config) { c.Concurrency = agent.MinConcurrency }
		end := make(chan struct{})
		r.syncer = syncFunc(func(ctx context.Context, _ agent.SyncRequest) (agent.Archive, error) {
			select {
			case <-end:
			case <-ctx.Done():
			}
			return agent.Archive{}, errors.New("no archive")
		})
		p := r.start()
		pass(time.Minute)
		polls.Store(true)
		pass(19 * time.Minute)
		if err := p.Ready(); err != nil {
			t.Errorf("within the limit: %v", err)
		}
		pass(2 * time.Minute)
		if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "no response from ConductorOne since") {
			t.Errorf("after 21 minutes of silence: %v", err)
		}
		pass(24 * time.Hour)
		if p.Ready() == nil {
			t.Error("ready after a day of silence")
		}
		polls.Store(false)
		pass(2 * time.Minute)
		if err := p.Ready(); err != nil {
			t.Errorf("after ConductorOne came back: %v", err)
		}
		r.sim.Enqueue(syncTask())
		pass(3 * time.Hour)
		if err := p.Ready(); err != nil {
			t.Errorf("in a long sync: %v", err)
		}
		beats.Store(true)
		polls.Store(true)
		pass(22 * time.Minute)
		if p.Ready() == nil {
			t.Error("ready without heartbeats")
		}
		close(end)
		if err := p.end(); err != nil {
			t.Error(err)
		}
	})
}

// Credentials that stop being accepted end the agent after five minutes, and not
// if they are accepted again before.
func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var on atomic.Bool
		r := newRig(t, c1sim.Options{Faults: failing("GetTask", codes.Unauthenticated, &on)})
		p := r.start()
		pass(time.Minute)
		on.Store(true)
		pass(4 * time.Minute)
		if err := p.Ready(); err != nil {
			t.Errorf("after four minutes: %v", err)
		}
		on.Store(false)
		pass(2 * time.Minute)
		on.Store(true)
		pass(4*time.Minute + 50*time.Second)
		select {
		case <-p.done:
			t.Error("ended before five minutes were over")
		default:
		}
		pass(75 * time.Second)
		select {
		case <-p.done:
		default:
			t.Fatal("still runs")
		}
		err := p.end()
		if !errors.Is(err, agent.ErrRefused) || status.Code(err) != codes.Unauthenticated || !strings.Contains(err.Error(), "rotated") {
			t.Errorf("error is %v", err)
		}
		if err := p.Ready(); !errors.Is(err, agent.ErrRefused) {
			t.Errorf("ready is %v", err)
		}
	})
}

// An outage is no refusal, however long it is, even where it is the token
// endpoint that is down.
func TestOutageIsSatOut(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GetTask", "token"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var on atomic.Bool
				r := newRig(t, c1sim.Options{TokenLife: time.Minute, Faults: failing(method, codes.Unavailable, &on)})
				p := r.start()
				pass(time.Minute)
				on.Store(true)
				pass(30 * time.Minute)
				on.Store(false)
				id := r.sim.Enqueue(listTask())
				pass(2 * time.Minute)
				if got := r.sim.Task(id); got.State != c1sim.Finished {
					t.Errorf("task is %s", got.State)
				}
				if err := p.end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// The connection of the process was closed under the agent: it cannot go on.
func TestClosedConnectionEndsTheAgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{})
		one, _ := blockedGrants(r)
		r.sim.Enqueue(grantTask("g", "u"))
		p := r.start()
		pass(time.Second)
		if err := p.conn.Close(); err != nil {
			t.Fatal(err)
		}
		one()
		<-p.done
		if err := p.end(); err == nil || !strings.Contains(err.Error(), "unable to communicate with gRPC server") {
			t.Errorf("error is %v", err)
		}
	})
}

// Time in which ConductorOne cannot be reached is no time of refusal: a refusal
// before and one after do not end the agent.
func TestRefusalsAroundAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var refuse, down atomic.Bool
		unauthenticated, unavailable := failing("GetTask", codes.Unauthenticated, &refuse), failing("GetTask", codes.Unavailable, &down)
		r := newRig(t, c1sim.Options{Faults: func(c c1sim.Call) c1sim.Fault {
			if down.Load() {
				return unavailable(c)
			}
			return unauthenticated(c)
		}})
		p := r.start()
		pass(time.Minute)
		refuse.Store(true)
		pass(time.Minute)
		down.Store(true)
		pass(2 * time.Hour)
		down.Store(false)
		pass(4 * time.Minute)
		select {
		case <-p.done:
			t.Fatalf("ended: %v", p.end())
		default:
		}
		refuse.Store(false)
		pass(2 * time.Minute)
		if err := errors.Join(p.Ready(), p.end()); err != nil {
			t.Error(err)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{})
		good := agent.Config{
			Client: r.dial(), ClientID: "c", HostID: "h", Connector: r.connector, Syncer: r.syncer, StateDir: r.state, Concurrency: 1, Logger: r.logger,
		}
		if _, err := agent.New(good); err != nil {
			t.Errorf("good configuration: %v", err)
		}
		for name, spoil := range map[string]func(*agent.Config){
			"no client":    func(c *agent.Config) { c.Client = nil },
			"no state":     func(c *agent.Config) { c.StateDir = "" },
			"no host":      func(c *agent.Config) { c.HostID = "" },
			"no slot":      func(c *agent.Config) { c.Concurrency = 0 },
			"many slots":   func(c *agent.Config) { c.Concurrency = 101 },
			"no connector": func(c *agent.Config) { c.Connector = nil },
		} {
			bad := good
			spoil(&bad)
			if _, err := agent.New(bad); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}
