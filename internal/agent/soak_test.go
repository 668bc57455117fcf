package agent_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/agent"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

var (
	soakTasks = flag.Int("soak.tasks", 250, "how many tasks TestSoak mixes")
	soakSeed  = flag.Uint64("soak.seed", 1, "what TestSoak's tasks and faults are made from")
)

// tenant is a set of memberships that grants and revokes change.
type tenant struct {
	mu      sync.Mutex
	members map[string]bool
	rng     *rand.Rand
	already *anypb.Any
	gone    *anypb.Any
}

func newTenant(seed uint64) (*tenant, error) {
	already, err := anypb.New(&v2.GrantAlreadyExists{})
	if err != nil {
		return nil, err
	}
	gone, err := anypb.New(&v2.GrantAlreadyRevoked{})
	return &tenant{members: map[string]bool{}, rng: rand.New(rand.NewPCG(seed, 3)), already: already, gone: gone}, err
}

// refuses says which memberships can never be changed, so that each attempt ends
// the same way; one in 16 is refused, one in 64 panics.
func refuses(key string) (refused, panics bool) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	n := h.Sum32() % 64
	return n < 4, n == 63
}

// set changes a membership: before, it takes a while, and after it another.
func (n *tenant) set(ctx context.Context, e *v2.Entitlement, p *v2.Resource, member bool) (news bool, err error) {
	key := e.GetId() + "/" + p.GetId().GetResource()
	if err := n.pause(ctx); err != nil {
		return false, err
	}
	if refused, panics := refuses(key); panics {
		panic("boom")
	} else if refused {
		return false, status.Error(codes.PermissionDenied, "read-only key")
	}
	n.mu.Lock()
	news = n.members[key] != member
	n.members[key] = member
	n.mu.Unlock()
	return news, n.pause(ctx)
}

func (n *tenant) has(key string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.members[key]
}

func (n *tenant) pause(ctx context.Context) error {
	n.mu.Lock()
	d := time.Duration(n.rng.Int64N(int64(3 * time.Second)))
	n.mu.Unlock()
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// serve makes the rig's connector change the tenant.
func (n *tenant) serve(c *connector) {
	c.grant = func(ctx context.Context, r *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error) {
		news, err := n.set(ctx, r.GetEntitlement(), r.GetPrincipal(), true)
		if err != nil {
			return nil, err
		}
		answer := &v2.GrantManagerServiceGrantResponse{}
		if !news {
			answer.Annotations = []*anypb.Any{n.already}
		}
		return answer, nil
	}
	c.revoke = func(ctx context.Context, r *v2.GrantManagerServiceRevokeRequest) (*v2.GrantManagerServiceRevokeResponse, error) {
		news, err := n.set(ctx, r.GetGrant().GetEntitlement(), r.GetGrant().GetPrincipal(), false)
		if err != nil {
			return nil, err
		}
		answer := &v2.GrantManagerServiceRevokeResponse{}
		if !news {
			answer.Annotations = []*anypb.Any{n.gone}
		}
		return answer, nil
	}
}

// mixedTask makes the i-th task. No membership is changed by two of them.
func mixedTask(rng *rand.Rand, n *tenant, i int) *pb.Task {
	group, user := fmt.Sprintf("g%d", i%7), fmt.Sprintf("u%d", i)
	task := grantTask(group, user)
	switch rng.IntN(10) {
	case 0, 1, 2, 3:
	case 4, 5:
		n.members["group:"+group+"/"+user] = true
		g := task.GetGrant()
		task = &pb.Task{TaskType: &pb.Task_Revoke{Revoke: &pb.Task_RevokeTask{Grant: &v2.Grant{Entitlement: g.GetEntitlement(), Principal: g.GetPrincipal()}}}}
	case 6:
		task = syncTask()
	case 7:
		task = &pb.Task{TaskType: &pb.Task_ListEvents{ListEvents: &pb.Task_ListEventsTask{EventFeedId: "none"}}}
	case 8:
		task = &pb.Task{TaskType: &pb.Task_CreateAccount{CreateAccount: &pb.Task_CreateAccountTask{AccountInfo: &v2.AccountInfo{}}}}
	case 9:
		task = listTask()
	}
	task.Debug = rng.IntN(50) == 0
	return task
}

// TestSoak mixes tasks under all faults, with processes that are killed or told to
// stop now and then. In the end every task has one result, and that is the result
// of one execution.
//
// For a long one: go test ./internal/agent -run TestSoak -timeout 1h -args -soak.tasks 10000.
func TestSoak(t *testing.T) { //nolint:paralleltest // It counts open files and memory.
	before := resources(t)
	wall := time.Now()
	tasks := *soakTasks
	if testing.Short() {
		tasks = min(tasks, 100)
	}
	var stats soakStats
	synctest.Test(t, func(t *testing.T) { stats = soak(t, tasks, *soakSeed) })
	after := resources(t)
	t.Logf("%s; %v virtual, %v real", stats.text, stats.virtual.Round(time.Second), time.Since(wall).Round(time.Millisecond))
	t.Logf("before: %v; after: %v", before, after)
	if after.goroutines > before.goroutines || after.files > before.files {
		t.Errorf("left behind: before %v, after %v", before, after)
	}
	if grown := int64(after.heap) - int64(before.heap); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

type soakStats struct {
	text    string
	virtual time.Duration
}

func soak(t *testing.T, tasks int, seed uint64) soakStats {
	begun := time.Now()
	calm := new(atomic.Bool)
	spoil := c1sim.Random(seed, c1sim.Rates{
		Unavailable: 0.05, Slow: 0.1, SlowBy: 40 * time.Second, LostAnswer: 0.05, LostHeartbeat: 0.2,
		FinishRefused: 0.2, UploadCut: 0.3, Cancel: 0.02, Withdraw: 0.01,
	})
	r := newRig(t, c1sim.Options{
		Seed: seed, Lease: 2 * time.Minute, IdlePoll: 2 * time.Second, NextHeartbeat: 5 * time.Second, TokenLife: 10 * time.Minute,
		Faults: func(c c1sim.Call) c1sim.Fault {
			if calm.Load() {
				return c1sim.Fault{}
			}
			return spoil(c)
		},
	})
	n, err := newTenant(seed)
	if err != nil {
		t.Fatal(err)
	}
	n.serve(r.connector)
	archive := strings.Repeat("C1ZF\x00 soak", 150_000)
	upload := archiveOf(t, archive)
	r.syncer = syncFunc(func(ctx context.Context, req agent.SyncRequest) (agent.Archive, error) {
		for range 5 {
			if err := n.pause(ctx); err != nil {
				return agent.Archive{}, err
			}
		}
		return upload(ctx, req)
	})
	rng := rand.New(rand.NewPCG(seed, 4))
	for i := range tasks {
		r.sim.Enqueue(mixedTask(rng, n, i))
	}
	kills, stops := 0, 0
	for deadline := time.Now().Add(100 * 24 * time.Hour); ; {
		r.change = func(c *agent.Config) { c.Concurrency, c.Batch = 1+rng.IntN(20), rng.IntN(2) == 0 }
		p := r.start()
		pass(time.Duration(rng.Int64N(int64(100 * time.Second))))
		calm.Store(open(r.sim.Tasks()) < tasks/50+5)
		if rng.IntN(2) == 0 {
			kills++
			p.kill()
			_ = p.end() // What is left of it can reach nobody.
		} else {
			stops++
			if err := p.end(); err != nil && !errors.Is(err, agent.ErrRefused) {
				t.Fatal(err)
			}
		}
		if open(r.sim.Tasks()) == 0 && len(pendingResults(t, r.state)) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d tasks have no end", open(r.sim.Tasks()))
		}
	}
	text := judge(t, r.sim.Tasks(), n, sha256.Sum256([]byte(archive)))
	text += fmt.Sprintf(", %d kills, %d stops, %d calls of which %d failed", kills, stops, len(r.sim.Events("")), failed(r.sim.Events("")))
	return soakStats{text: text, virtual: time.Since(begun)}
}

// open counts the tasks that have not ended.
func open(infos []c1sim.TaskInfo) int {
	n := 0
	for _, info := range infos {
		if info.State != c1sim.Finished && info.State != c1sim.Cancelled {
			n++
		}
	}
	return n
}

func failed(events []c1sim.Event) int {
	n := 0
	for _, e := range events {
		if e.Err != nil {
			n++
		}
	}
	return n
}

// judge holds each task against what the tenant and the record say.
func judge(t *testing.T, infos []c1sim.TaskInfo, n *tenant, archive [sha256.Size]byte) string {
	t.Helper()
	finished, cancelled, again := 0, 0, 0
	for _, info := range infos {
		id := info.Task.GetId()
		if info.HandedOut > 1 {
			again++
		}
		if info.Results > 1 {
			t.Errorf("task %s had %d different results", id, info.Results)
		}
		if info.State == c1sim.Cancelled {
			cancelled++
			continue
		}
		finished++
		if info.Results != 1 {
			t.Errorf("task %s is finished with %d results", id, info.Results)
		}
		switch result := info.Result; {
		case info.Task.GetGrant() != nil:
			g := info.Task.GetGrant()
			judgeChange(t, id, g.GetEntitlement(), g.GetPrincipal(), n, true, result)
		case info.Task.GetRevoke() != nil:
			g := info.Task.GetRevoke().GetGrant()
			judgeChange(t, id, g.GetEntitlement(), g.GetPrincipal(), n, false, result)
		case info.Task.GetSyncFull() != nil && result.GetSuccess() != nil:
			if len(info.Assets) == 0 || info.Assets[0].SHA256 != archive {
				t.Errorf("sync %s succeeded with assets %v", id, info.Assets)
			}
		}
	}
	return fmt.Sprintf("%d tasks: %d finished, %d cancelled; %d were handed out more than once", len(infos), finished, cancelled, again)
}

func judgeChange(t *testing.T, id string, e *v2.Entitlement, p *v2.Resource, n *tenant, member bool, result *pb.BatonServiceFinishTaskRequest) {
	t.Helper()
	key := e.GetId() + "/" + p.GetId().GetResource()
	refused, panics := refuses(key)
	success := result.GetSuccess()
	if (success == nil) != (refused || panics) || n.has(key) == (member != (success != nil)) {
		t.Errorf("change %s of %s: member %v, result %v", id, key, n.has(key), result)
	}
	if len(success.GetAnnotations()) != 0 {
		t.Errorf("change %s of %s was reported as made before: %v", id, key, success)
	}
}

// usage is what a process holds.
type usage struct {
	goroutines, files int
	heap              uint64
}

func (u usage) String() string {
	return fmt.Sprintf("%d goroutines, %d files, %d KiB of heap", u.goroutines, u.files, u.heap>>10)
}

func resources(t *testing.T) usage {
	t.Helper()
	runtime.GC()
	runtime.GC() // What the first one finalized.
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u := usage{goroutines: runtime.NumGoroutine(), heap: m.HeapAlloc}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil { // Linux only.
		u.files = len(files)
	}
	return u
}
