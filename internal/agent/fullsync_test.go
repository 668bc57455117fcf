package agent_test

import (
	"context"
	"crypto/sha256"
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
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/conductorone/baton-jumpcloud/internal/agent"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

// endless is a sync that ends only with its context, and tells its cause.
func endless(cause *atomic.Value, after *atomic.Int64) syncFunc {
	return func(ctx context.Context, _ agent.SyncRequest) (agent.Archive, error) {
		begun := time.Now()
		<-ctx.Done()
		cause.Store(context.Cause(ctx).Error())
		after.Store(int64(time.Since(begun)))
		return agent.Archive{}, ctx.Err()
	}
}

func TestHeartbeatsComeAsConductorOneWantsThem(t *testing.T) {
	t.Parallel()
	tests := []struct{ told, want time.Duration }{
		{0, 30 * time.Second},
		{time.Millisecond, time.Second},
		{45 * time.Second, 45 * time.Second},
		{time.Hour, 5 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.told.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c1sim.Options{NextHeartbeat: tt.told, Lease: time.Hour})
				good := r.syncer
				r.syncer = syncFunc(func(ctx context.Context, req agent.SyncRequest) (agent.Archive, error) {
					if n := len(r.sim.Events("Heartbeat")); n != 1 {
						t.Errorf("%d heartbeats before the sync", n)
					}
					<-time.After(tt.want*3 + tt.want/2)
					return good.Sync(ctx, req)
				})
				id := r.sim.Enqueue(syncTask())
				r.start()
				pass(tt.want * 10)
				if diff := cmp.Diff([]time.Duration{tt.want, tt.want, tt.want}, r.gaps("Heartbeat")); diff != "" {
					t.Errorf("gaps (-want +got):\n%s", diff)
				}
				if got := r.sim.Task(id); got.Result.GetSuccess() == nil {
					t.Errorf("result is %v", got.Result)
				}
			})
		})
	}
}

// Nine heartbeats in a row may get lost; the sync ends with the ninth.
func TestLostHeartbeatsEndTheSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{Lease: time.Hour, Faults: func(c c1sim.Call) c1sim.Fault {
			// 1 is the first beat; 2 to 9 are lost, 10 arrives, all others are lost.
			if c.Method == "Heartbeat" && c.Number != 1 && c.Number != 10 {
				return c1sim.Fault{Before: status.Error(codes.Unavailable, "lost")}
			}
			return c1sim.Fault{}
		}})
		var cause atomic.Value
		var after atomic.Int64
		r.syncer = endless(&cause, &after)
		id := r.sim.Enqueue(syncTask())
		r.start()
		pass(20 * time.Minute)
		if got, want := time.Duration(after.Load()), 18*30*time.Second; got != want {
			t.Errorf("sync ended after %v, want %v", got, want)
		}
		if cause.Load() != agent.ErrTaskHeartbeatFailed.Error() {
			t.Errorf("cause is %v", cause.Load())
		}
		got := r.sim.Task(id).Result
		if codes.Code(got.GetStatus().GetCode()) != codes.Canceled || got.GetError().GetNonRetryable() || !strings.Contains(got.GetStatus().GetMessage(), "task failed heartbeat") {
			t.Errorf("result is %v", got)
		}
	})
}

// A silent server counts as a lost heartbeat after 30 seconds.
func TestHeartbeatsDoNotHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{Lease: time.Hour, Faults: func(c c1sim.Call) c1sim.Fault {
			if c.Method == "Heartbeat" && c.Number > 1 {
				return c1sim.Fault{Delay: time.Hour}
			}
			return c1sim.Fault{}
		}})
		var cause atomic.Value
		var after atomic.Int64
		r.syncer = endless(&cause, &after)
		r.sim.Enqueue(syncTask())
		r.start()
		pass(20 * time.Minute)
		if got, want := time.Duration(after.Load()), 9*(30+30)*time.Second; got != want {
			t.Errorf("sync ended after %v, want %v", got, want)
		}
	})
}

func TestFirstHeartbeatDecides(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault c1sim.Fault
	}{
		{"lost", c1sim.Fault{Before: status.Error(codes.Unavailable, "lost")}},
		{"cancelled", c1sim.Fault{Cancel: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c1sim.Options{Lease: time.Hour, Faults: func(c c1sim.Call) c1sim.Fault {
					if c.Method == "Heartbeat" {
						return tt.fault
					}
					return c1sim.Fault{}
				}})
				r.syncer = syncFunc(func(context.Context, agent.SyncRequest) (agent.Archive, error) {
					t.Error("the sync was begun")
					return agent.Archive{}, errors.New("no")
				})
				r.sim.Enqueue(syncTask())
				r.start()
				pass(10 * time.Minute)
				if n := len(r.sim.Events("FinishTask")); n != 0 {
					t.Errorf("%d results were sent", n)
				}
				if n := len(r.sim.Events("Heartbeat")); n != 1 {
					t.Errorf("%d heartbeats", n)
				}
			})
		})
	}
}

// A cancelled sync ends at once; its result is sent once and not insisted on.
func TestCancelledSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{NextHeartbeat: 10 * time.Second, Faults: func(c c1sim.Call) c1sim.Fault {
			if c.Method == "FinishTask" {
				return c1sim.Fault{Before: status.Error(codes.Unavailable, "down")}
			}
			return c1sim.Fault{}
		}})
		var cause atomic.Value
		var after atomic.Int64
		r.syncer = endless(&cause, &after)
		id := r.sim.Enqueue(syncTask())
		r.start()
		pass(25 * time.Second)
		r.sim.Cancel(id)
		pass(10 * time.Minute)
		if cause.Load() != agent.ErrTaskCancelled.Error() || time.Duration(after.Load()) != 30*time.Second {
			t.Errorf("sync ended after %v because %v", time.Duration(after.Load()), cause.Load())
		}
		finishes := r.sim.Events("FinishTask")
		if len(finishes) != 1 {
			t.Fatalf("%d results were sent", len(finishes))
		}
		got := finishes[0].Request.(*pb.BatonServiceFinishTaskRequest)
		if codes.Code(got.GetStatus().GetCode()) != codes.Canceled || !strings.Contains(got.GetStatus().GetMessage(), "task was cancelled") {
			t.Errorf("result is %v", got)
		}
	})
}

func TestSyncRequestSaysWhatTheTaskSays(t *testing.T) {
	t.Parallel()
	targets := []*v2.Resource{{Id: &v2.ResourceId{ResourceType: "user", Resource: "u"}}}
	tests := []struct {
		name   string
		task   *pb.Task_SyncFullTask
		change func(*agent.Config)
		want   agent.SyncRequest
		warns  bool
	}{
		{name: "plain", task: &pb.Task_SyncFullTask{StorageEngine: "sqlite"}, want: agent.SyncRequest{StorageEngine: "sqlite"}},
		{name: "unknown engine", task: &pb.Task_SyncFullTask{StorageEngine: "rocks"}, warns: true},
		{
			name: "everything",
			task: &pb.Task_SyncFullTask{
				SkipExpandGrants: true, SkipEntitlementsAndGrants: true, TargetedSyncResources: targets,
				SyncResourceTypeIds: []string{"user"}, SkipGrants: true, StorageEngine: "pebble",
			},
			change: func(c *agent.Config) { c.ResourceTypes = []string{"group"} },
			want: agent.SyncRequest{
				SkipExpandGrants: true, SkipEntitlementsAndGrants: true, Targets: targets, ResourceTypes: []string{"user"}, SkipGrants: true,
				StorageEngine: "pebble",
			},
		},
		{
			name: "own types", task: &pb.Task_SyncFullTask{},
			change: func(c *agent.Config) { c.ResourceTypes = []string{"group"} },
			want:   agent.SyncRequest{ResourceTypes: []string{"group"}},
		},
		{
			name: "skip", task: &pb.Task_SyncFullTask{},
			change: func(c *agent.Config) { c.SkipFullSync = true },
			want:   agent.SyncRequest{Empty: true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c1sim.Options{})
				var lines lockedBuilder
				r.logger, r.change = slog.New(slog.NewTextHandler(&lines, nil)), tt.change
				good := r.syncer
				r.syncer = syncFunc(func(ctx context.Context, got agent.SyncRequest) (agent.Archive, error) {
					if diff := cmp.Diff(tt.want, got, protocmp.Transform(), cmpopts.IgnoreFields(agent.SyncRequest{}, "TaskID", "Logger")); diff != "" {
						t.Errorf("request (-want +got):\n%s", diff)
					}
					if got.Logger == nil {
						t.Error("request has no logger")
					}
					return good.Sync(ctx, got)
				})
				id := r.sim.Enqueue(&pb.Task{TaskType: &pb.Task_SyncFull{SyncFull: tt.task}})
				p := r.start()
				pass(time.Minute)
				want := &pb.BatonServiceFinishTaskRequest{
					HostId: "test-host", TaskId: id,
					FinalState: &pb.BatonServiceFinishTaskRequest_Success_{Success: &pb.BatonServiceFinishTaskRequest_Success{}},
				}
				if diff := cmp.Diff(want, r.sim.Task(id).Result, protocmp.Transform()); diff != "" {
					t.Errorf("result (-want +got):\n%s", diff)
				}
				if err := p.end(); err != nil {
					t.Error(err)
				}
				if got := strings.Contains(lines.String(), "storage_engine=rocks"); got != tt.warns {
					t.Errorf("warned: %v\n%s", got, lines.String())
				}
			})
		})
	}
}

func TestFailedSync(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		err   error
		panic any
		code  codes.Code
		final bool
	}{
		{name: "status", err: status.Error(codes.PermissionDenied, "no"), code: codes.PermissionDenied},
		{name: "plain", err: errors.New("no"), code: codes.Unknown},
		{name: "invariant", err: errors.Join(agent.ErrInvariant, errors.New("two users with one id")), code: codes.Unknown, final: true},
		{name: "panic", panic: "boom", code: codes.Internal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c1sim.Options{})
				r.syncer = syncFunc(func(context.Context, agent.SyncRequest) (agent.Archive, error) {
					if tt.panic != nil {
						panic(tt.panic)
					}
					return agent.Archive{}, tt.err
				})
				id := r.sim.Enqueue(syncTask())
				r.start()
				pass(time.Minute)
				got := r.sim.Task(id)
				if codes.Code(got.Result.GetStatus().GetCode()) != tt.code || got.Result.GetError().GetNonRetryable() != tt.final || len(got.Assets) != 0 {
					t.Errorf("result is %v with %d assets", got.Result, len(got.Assets))
				}
			})
		})
	}
}

// Files of every length around the borders of chunks arrive whole.
func TestUploadedFilesArriveWhole(t *testing.T) {
	t.Parallel()
	const chunk = 512 << 10
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 3*chunk + 17} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, c1sim.Options{Dir: t.TempDir()})
			content := strings.Repeat("C1ZF\x00 0123456789", size/16+1)[:size]
			r.syncer = archiveOf(t, content)
			id := r.sim.Enqueue(syncTask())
			r.start()
			pass(time.Minute)
			got := r.sim.Task(id)
			if got.Result.GetSuccess() == nil || len(got.Assets) != 1 || got.Assets[0].SHA256 != sha256.Sum256([]byte(content)) {
				t.Errorf("%d bytes: %v, %v", size, got.Result, got.Assets)
			}
		})
	}
}

// An upload may be cut anywhere, twice: the third attempt comes a second after
// the second.
func TestUploadIsCutOff(t *testing.T) {
	t.Parallel()
	const chunks = 3
	content := strings.Repeat("C1ZF\x00 0123456789", chunks*(512<<10)/16)
	for cut := 1; cut <= chunks+2; cut++ { // Metadata, three chunks, checksum.
		for _, times := range []int{1, 2, 3} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c1sim.Options{Faults: func(c c1sim.Call) c1sim.Fault {
					if c.Method == "UploadAsset" && c.Number <= times {
						return c1sim.Fault{Cut: cut}
					}
					return c1sim.Fault{}
				}})
				r.syncer = archiveOf(t, content)
				uploaded := make(chan bool, 1)
				inner := r.syncer
				r.syncer = syncFunc(func(ctx context.Context, req agent.SyncRequest) (agent.Archive, error) {
					a, err := inner.Sync(ctx, req)
					a.Done = func(ok bool) error { uploaded <- ok; return nil }
					return a, err
				})
				id := r.sim.Enqueue(syncTask())
				r.start()
				pass(time.Minute)
				got := r.sim.Task(id)
				if times < 3 {
					if got.Result.GetSuccess() == nil || len(got.Assets) != 1 || got.Assets[0].SHA256 != sha256.Sum256([]byte(content)) {
						t.Errorf("cut at %d, %d times: %v", cut, times, got.Result)
					}
				} else if codes.Code(got.Result.GetStatus().GetCode()) != codes.Unavailable || got.Result.GetError().GetNonRetryable() {
					t.Errorf("cut at %d, %d times: %v", cut, times, got.Result)
				}
				if ok := <-uploaded; ok != (times < 3) {
					t.Errorf("the syncer was told that the file is uploaded: %v", ok)
				}
				if want := seconds(0, 1)[:min(times, 2)]; cmp.Diff(want, r.gaps("UploadAsset")) != "" {
					t.Errorf("gaps %v, want %v", r.gaps("UploadAsset"), want)
				}
			})
		}
	}
}

// ConductorOne that takes nothing, or does not answer, does not hold an upload up
// for ever.
func TestUploadStalls(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"midway": 8 << 20, "behind the end": 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c1sim.Options{Lease: time.Hour, Faults: func(c c1sim.Call) c1sim.Fault {
					if c.Method == "UploadAsset" {
						return c1sim.Fault{Delay: time.Hour}
					}
					return c1sim.Fault{}
				}})
				r.syncer = archiveOf(t, strings.Repeat("x", size))
				id := r.sim.Enqueue(syncTask())
				r.start()
				pass(15*time.Minute + 2*time.Second)
				got := r.sim.Task(id).Result
				if codes.Code(got.GetStatus().GetCode()) != codes.DeadlineExceeded || got.GetError().GetNonRetryable() {
					t.Errorf("result is %v", got)
				}
			})
		})
	}
}

// What is logged while a debugged task runs is uploaded behind the archive.
func TestDebugLogIsUploaded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := t.TempDir()
		r := newRig(t, c1sim.Options{Dir: kept})
		var shown lockedBuilder
		tee := agent.NewDebugLog(slog.NewTextHandler(&shown, nil))
		r.logger = slog.New(tee)
		r.change = func(c *agent.Config) { c.DebugLog = tee }
		inner := r.syncer
		elsewhere := r.logger.With("where", "another package").WithGroup("deep")
		r.syncer = syncFunc(func(ctx context.Context, req agent.SyncRequest) (agent.Archive, error) {
			elsewhere.Debug("a detail", "n", 1)
			return inner.Sync(ctx, req)
		})
		task := syncTask()
		task.Debug = true
		id := r.sim.Enqueue(task)
		r.start()
		pass(time.Minute)
		got := r.sim.Task(id)
		if got.Result.GetSuccess() == nil || len(got.Assets) != 2 {
			t.Fatalf("result is %v with %d assets", got.Result, len(got.Assets))
		}
		log, err := os.ReadFile(filepath.Join(kept, id+".log"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"msg":"task begun"`, `"msg":"a detail","where":"another package","deep":{"n":1}}`, `"grpc.method":"Heartbeat"`} {
			if !strings.Contains(string(log), want) {
				t.Errorf("log lacks %s:\n%s", want, log)
			}
		}
		if strings.Contains(shown.String(), "a detail") || !strings.Contains(shown.String(), "task done") {
			t.Errorf("the other log is\n%s", shown.String())
		}
		if left, _ := os.ReadDir(r.temp); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
		// The next sync has nothing to show.
		id = r.sim.Enqueue(syncTask())
		pass(time.Minute)
		if got := r.sim.Task(id); len(got.Assets) != 1 {
			t.Errorf("%d assets", len(got.Assets))
		}
	})
}

// The log of a debugged task of another type waits for the next sync.
func TestDebugLogOfAnotherTask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, c1sim.Options{Dir: t.TempDir()})
		task := listTask()
		task.Debug = true
		r.sim.Enqueue(task)
		r.start()
		pass(time.Minute)
		id := r.sim.Enqueue(syncTask())
		pass(time.Minute)
		if got := r.sim.Task(id); got.Result.GetSuccess() == nil || len(got.Assets) != 2 || !strings.HasSuffix(got.Assets[1].Path, ".log") {
			t.Errorf("result is %v with %v", got.Result, got.Assets)
		}
		// The task was not to be debugged itself, so the log stays.
		if left, _ := os.ReadDir(r.temp); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
	})
}
