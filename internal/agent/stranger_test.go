package agent_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/conductorone/baton-jumpcloud/internal/agent"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// stranger is a ConductorOne that does what the messages allow and the simulator
// does not do. Functions that are nil answer with an empty message. The first poll
// has the number 1.
type stranger struct {
	pb.UnimplementedBatonServiceServer
	getTask   func(poll int) (*pb.BatonServiceGetTaskResponse, error)
	getTasks  func(poll int, req *pb.BatonServiceGetTasksRequest) (*pb.BatonServiceGetTasksResponse, error)
	heartbeat func() *pb.BatonServiceHeartbeatResponse
	upload    func(grpc.ClientStreamingServer[pb.BatonServiceUploadAssetRequest, pb.BatonServiceUploadAssetResponse]) error

	mu       sync.Mutex
	polls    []time.Time
	beats    []time.Time
	uploads  int
	finished []*pb.BatonServiceFinishTaskRequest
}

func (s *stranger) Hello(context.Context, *pb.BatonServiceHelloRequest) (*pb.BatonServiceHelloResponse, error) {
	return &pb.BatonServiceHelloResponse{}, nil
}

func (s *stranger) polled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls = append(s.polls, time.Now())
	return len(s.polls)
}

func (s *stranger) GetTask(context.Context, *pb.BatonServiceGetTaskRequest) (*pb.BatonServiceGetTaskResponse, error) {
	if n := s.polled(); s.getTask != nil {
		return s.getTask(n)
	}
	return &pb.BatonServiceGetTaskResponse{}, nil
}

func (s *stranger) GetTasks(_ context.Context, req *pb.BatonServiceGetTasksRequest) (*pb.BatonServiceGetTasksResponse, error) {
	if n := s.polled(); s.getTasks != nil {
		return s.getTasks(n, req)
	}
	return &pb.BatonServiceGetTasksResponse{}, nil
}

func (s *stranger) Heartbeat(context.Context, *pb.BatonServiceHeartbeatRequest) (*pb.BatonServiceHeartbeatResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beats = append(s.beats, time.Now())
	if s.heartbeat == nil {
		return &pb.BatonServiceHeartbeatResponse{}, nil
	}
	return s.heartbeat(), nil
}

func (s *stranger) UploadAsset(stream grpc.ClientStreamingServer[pb.BatonServiceUploadAssetRequest, pb.BatonServiceUploadAssetResponse]) error {
	s.mu.Lock()
	s.uploads++
	s.mu.Unlock()
	return s.upload(stream)
}

func (s *stranger) FinishTask(_ context.Context, req *pb.BatonServiceFinishTaskRequest) (*pb.BatonServiceFinishTaskResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finished = append(s.finished, req)
	return &pb.BatonServiceFinishTaskResponse{}, nil
}

// pauses are those between polls.
func (s *stranger) pauses() []time.Duration { return between(s.polls) }

func between(times []time.Time) (pauses []time.Duration) {
	for i := 1; i < len(times); i++ {
		pauses = append(pauses, times[i].Sub(times[i-1]))
	}
	return pauses
}

// strangerClient is a connection that is never closed under the agent.
type strangerClient struct{ pb.BatonServiceClient }

func (strangerClient) Closed() bool { return false }

// meet runs an agent against the stranger until the test ends. The means to end it
// sooner is returned.
func (s *stranger) meet(t *testing.T, change func(*agent.Config)) (end func()) {
	t.Helper()
	wire := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	pb.RegisterBatonServiceServer(server, s)
	go func() { _ = server.Serve(wire) }()
	conn, err := grpc.NewClient("passthrough:///stranger", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return wire.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	cfg := agent.Config{
		Client: strangerClient{pb.NewBatonServiceClient(conn)}, ClientID: "x@y/z", HostID: "test-host", Facts: facts, Connector: &connector{},
		Syncer: archiveOf(t, strings.Repeat("C1ZF\x00", 300_000)), StateDir: t.TempDir(), TempDir: t.TempDir(),
		Concurrency: 1, Provisioning: true, ShutdownGrace: 25 * time.Second, Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	a, err := agent.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the agent ended with %v", err)
		}
		_ = conn.Close()
		server.Stop()
	})
	t.Cleanup(end)
	return end
}

// once answers the first poll with a task and says when to come again.
func once(task *pb.Task) func(int) (*pb.BatonServiceGetTaskResponse, error) {
	return func(poll int) (*pb.BatonServiceGetTaskResponse, error) {
		resp := &pb.BatonServiceGetTaskResponse{NextPoll: durationpb.New(time.Minute)}
		if poll == 1 {
			resp.Task = task
		}
		return resp, nil
	}
}

// A type that came up after this version is answered, not left to wait.
func TestTaskOfALaterVersion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		later := &pb.Task{Id: strings.Repeat("a", 27)}
		later.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 9999, protowire.BytesType), []byte{8, 1}))
		s := &stranger{getTask: once(later)}
		s.meet(t, nil)
		pass(10 * time.Minute)
		want := []*pb.BatonServiceFinishTaskRequest{{
			HostId: "test-host", TaskId: later.GetId(),
			Status:     status.New(codes.Unknown, "unsupported task type").Proto(),
			FinalState: &pb.BatonServiceFinishTaskRequest_Error_{Error: &pb.BatonServiceFinishTaskRequest_Error{}},
		}}
		if diff := cmp.Diff(want, s.finished, protocmp.Transform()); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
	})
}

// A ConductorOne that has no task and does not say when to ask again is asked every
// second, and one that says something senseless within the bounds.
func TestPollsWithoutAWord(t *testing.T) {
	t.Parallel()
	none := &pb.Task_None{None: &pb.Task_NoneTask{}}
	tests := []struct {
		name string
		resp *pb.BatonServiceGetTaskResponse
		want time.Duration
	}{
		{"nothing at all", &pb.BatonServiceGetTaskResponse{}, time.Second},
		{"zero", &pb.BatonServiceGetTaskResponse{NextPoll: &durationpb.Duration{}}, time.Second},
		{"in the past", &pb.BatonServiceGetTaskResponse{NextPoll: durationpb.New(-time.Hour)}, time.Second},
		{"soon", &pb.BatonServiceGetTaskResponse{NextPoll: durationpb.New(time.Millisecond)}, time.Millisecond},
		{"in an age", &pb.BatonServiceGetTaskResponse{NextPoll: &durationpb.Duration{Seconds: math.MaxInt64, Nanos: -5}}, 5 * time.Minute},
		{"no task, spelled out", &pb.BatonServiceGetTaskResponse{Task: &pb.Task{Id: "x", TaskType: none}}, time.Second},
		{"a task without an id", &pb.BatonServiceGetTaskResponse{Task: listTask()}, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &stranger{getTask: func(int) (*pb.BatonServiceGetTaskResponse, error) { return tt.resp, nil }}
				end := s.meet(t, nil)
				pass(3 * tt.want)
				end()
				if diff := cmp.Diff([]time.Duration{tt.want, tt.want, tt.want}, s.pauses()); diff != "" {
					t.Errorf("pauses (-want +got):\n%s", diff)
				}
				if len(s.finished) != 0 {
					t.Errorf("results %v", s.finished)
				}
			})
		})
	}
}

// A task that several answers bring, or one answer brings twice, is carried out
// once.
func TestSameTaskInABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		made := 0
		task := grantTask("g", "u")
		task.Id = strings.Repeat("b", 27)
		s := &stranger{getTasks: func(poll int, _ *pb.BatonServiceGetTasksRequest) (*pb.BatonServiceGetTasksResponse, error) {
			if poll > 3 {
				return &pb.BatonServiceGetTasksResponse{NextPoll: durationpb.New(time.Hour)}, nil
			}
			return &pb.BatonServiceGetTasksResponse{Tasks: []*pb.Task{task, nil, task, {}, task}}, nil
		}}
		s.meet(t, func(c *agent.Config) {
			c.Batch, c.Concurrency = true, 3
			c.Connector = &connector{grant: func(ctx context.Context, _ *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error) {
				made++
				<-time.After(time.Minute)
				return &v2.GrantManagerServiceGrantResponse{}, nil
			}}
		})
		pass(time.Hour)
		if made != 1 || len(s.finished) != 1 || s.finished[0].GetSuccess() == nil {
			t.Errorf("carried out %d times, results %v", made, s.finished)
		}
	})
}

// An id is what ConductorOne says it is, and no path.
func TestOddTaskIDs(t *testing.T) {
	t.Parallel()
	ids := []string{"../../escape", "/etc/passwd", "a b\n\x00c", "CON", "☃️", ".", strings.Repeat("long", 5000), "{\"task_id\":1}"}
	for _, batch := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			task := func(poll int) *pb.Task {
				if poll > len(ids) {
					return nil
				}
				task := grantTask("g", "u")
				task.Id = ids[poll-1]
				return task
			}
			s := &stranger{
				getTask: func(poll int) (*pb.BatonServiceGetTaskResponse, error) {
					return &pb.BatonServiceGetTaskResponse{Task: task(poll), NextPoll: durationpb.New(time.Second)}, nil
				},
				getTasks: func(poll int, req *pb.BatonServiceGetTasksRequest) (*pb.BatonServiceGetTasksResponse, error) {
					if len(req.GetKnownTaskIds()) != 0 {
						t.Errorf("ids that ConductorOne does not take are told it: %q", req.GetKnownTaskIds())
					}
					return &pb.BatonServiceGetTasksResponse{Tasks: []*pb.Task{task(poll)}, NextPoll: durationpb.New(time.Second)}, nil
				},
			}
			root := t.TempDir()
			end := s.meet(t, func(c *agent.Config) {
				c.Batch, c.StateDir = batch, filepath.Join(root, "state")
				c.Connector = &connector{grant: func(context.Context, *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error) {
					return &v2.GrantManagerServiceGrantResponse{}, nil
				}}
			})
			pass(time.Minute)
			end()
			var got []string
			for _, req := range s.finished {
				got = append(got, req.GetTaskId())
			}
			if diff := cmp.Diff(ids, got); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			var files []string
			if err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
				if err == nil && !e.IsDir() {
					files = append(files, path)
				}
				return err
			}); err != nil || len(files) != 1 || filepath.Base(files[0]) != "lock" {
				t.Errorf("files left behind: %q, %v", files, err)
			}
		})
	}
}

// Whatever code a poll is refused with, the next one comes, later and later.
func TestPollsAreRefusedWithAnyCode(t *testing.T) {
	t.Parallel()
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		for _, batch := range []bool{false, true} {
			t.Run(fmt.Sprint(code, batch), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					refusal := status.Error(code, "simulated")
					s := &stranger{
						getTask: func(int) (*pb.BatonServiceGetTaskResponse, error) { return nil, refusal },
						getTasks: func(int, *pb.BatonServiceGetTasksRequest) (*pb.BatonServiceGetTasksResponse, error) {
							return nil, refusal
						},
					}
					end := s.meet(t, func(c *agent.Config) { c.Batch = batch })
					pass(14 * time.Second)
					end()
					if diff := cmp.Diff(seconds(1, 4, 9), s.pauses()); diff != "" {
						t.Errorf("pauses (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// The stream of an upload may be ended by its other side at any time, with any
// status. Success before the end is none.
func TestUploadIsEndedByConductorOne(t *testing.T) {
	t.Parallel()
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		for _, messages := range []int{0, 1, 3} {
			t.Run(fmt.Sprint(code, " after ", messages), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					task := syncTask()
					task.Id = strings.Repeat("c", 27)
					s := &stranger{getTask: once(task)}
					s.upload = func(stream grpc.ClientStreamingServer[pb.BatonServiceUploadAssetRequest, pb.BatonServiceUploadAssetResponse]) error {
						for range messages {
							if _, err := stream.Recv(); err != nil {
								return err
							}
						}
						if code == codes.OK {
							return stream.SendAndClose(&pb.BatonServiceUploadAssetResponse{})
						}
						return status.Error(code, "simulated")
					}
					kept := false
					s.meet(t, func(c *agent.Config) {
						inner := c.Syncer
						if code == codes.OK {
							// More than the connection buffers: whoever has sent everything must take
							// success for success.
							inner = archiveOf(t, strings.Repeat("C1ZF\x00", 1<<20))
						}
						c.Syncer = syncFunc(func(ctx context.Context, req agent.SyncRequest) (agent.Archive, error) {
							archive, err := inner.Sync(ctx, req)
							archive.Done = func(uploaded bool) error { kept = !uploaded; return nil }
							return archive, err
						})
					})
					pass(10 * time.Second)
					want := code
					if code == codes.OK {
						want = codes.Unknown
					}
					if len(s.finished) != 1 || codes.Code(s.finished[0].GetStatus().GetCode()) != want || s.finished[0].GetError().GetNonRetryable() {
						t.Errorf("results %v, want code %v", s.finished, want)
					}
					if s.uploads != 3 || !kept {
						t.Errorf("%d uploads; the archive is kept: %v", s.uploads, kept)
					}
				})
			})
		}
	}
}

// Heartbeats come every 30 seconds where nothing is said of them, and are kept
// within bounds where nonsense is.
func TestHeartbeatsWithoutAWord(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		next *durationpb.Duration
		want time.Duration
	}{
		{"nothing", nil, 30 * time.Second},
		{"in the past", durationpb.New(-time.Hour), time.Second},
		{"in an age", &durationpb.Duration{Seconds: math.MaxInt64}, 5 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				task := syncTask()
				task.Id = strings.Repeat("d", 27)
				s := &stranger{getTask: once(task), heartbeat: func() *pb.BatonServiceHeartbeatResponse {
					return &pb.BatonServiceHeartbeatResponse{NextHeartbeat: tt.next}
				}}
				s.meet(t, func(c *agent.Config) {
					c.Syncer = syncFunc(func(ctx context.Context, _ agent.SyncRequest) (agent.Archive, error) {
						select {
						case <-time.After(3*tt.want + tt.want/2):
							return agent.Archive{}, errors.New("no archive")
						case <-ctx.Done():
							return agent.Archive{}, ctx.Err()
						}
					})
				})
				pass(4 * tt.want)
				if diff := cmp.Diff([]time.Duration{tt.want, tt.want, tt.want}, between(s.beats)); diff != "" {
					t.Errorf("pauses (-want +got):\n%s", diff)
				}
			})
		})
	}
}
