package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// serviceWait bounds waiting for the program; a test that reaches it has failed.
const serviceWait = 30 * time.Second

// rig is a simulated JumpCloud and a simulated ConductorOne, with a connector
// between them.
type rig struct {
	*testing.T
	tenant    *jcsim.Tenant
	jc        *jcsim.Server
	jcURL     string
	jcClients *jcsim.Clients
	c1        *c1sim.Server
	c1Addr    string // where c1 listens, whatever host it is known by
	dir       string // state, certificates and archives
	env       []string
	faults    *switchboard
}

// switchboard lets a test decide about calls while the simulator runs, and wakes
// those who wait for one.
type switchboard struct {
	mu     sync.Mutex
	decide func(c1sim.Call) c1sim.Fault
	wake   chan struct{}
}

func (s *switchboard) fault(c c1sim.Call) c1sim.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.wake)
	s.wake = make(chan struct{})
	if s.decide == nil {
		return c1sim.Fault{}
	}
	return s.decide(c)
}

func (s *switchboard) set(decide func(c1sim.Call) c1sim.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decide = decide
}

// newRig starts both simulators.
func newRig(t *testing.T, options c1sim.Options) *rig {
	t.Helper()
	r := &rig{T: t, dir: t.TempDir(), tenant: jcsim.Generate(3, jcsim.Small()), faults: &switchboard{wake: make(chan struct{})}}
	r.jc = jcsim.New(jcsim.Options{Tenant: r.tenant})
	r.jcClients = serveClients(t, r.jc)
	r.jcURL = r.jcClients.URL
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.c1Addr = listener.Addr().String()
	if options.Host == "" {
		options.Host = r.c1Addr
	}
	options.Dir, options.Faults = t.TempDir(), r.faults.fault
	options.IdlePoll, options.BusyPoll = 20*time.Millisecond, time.Millisecond
	if r.c1, err = c1sim.New(options); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- r.c1.Serve(listener) }()
	t.Cleanup(func() {
		if err := r.c1.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	ca := filepath.Join(r.dir, "ca.pem")
	if err := r.c1.WriteCA(ca); err != nil {
		t.Fatal(err)
	}
	id, secret := r.c1.Credentials()
	r.env = []string{
		"SSL_CERT_FILE=" + ca, "BATON_CLIENT_ID=" + id, "BATON_CLIENT_SECRET=" + secret, "BATON_BASE_URL=" + r.jcURL,
		"BATON_API_KEY=" + jcsim.DefaultKey, "BATON_STATE_DIR=" + filepath.Join(r.dir, "state"), "NO_PROXY=127.0.0.1",
	}
	return r
}

// forget drops what programs that have ended still had under way at JumpCloud, and
// counts requests from zero.
func (r *rig) forget() {
	r.Helper()
	if err := r.jcClients.Forget(r.Context()); err != nil {
		r.Fatal(err)
	}
	r.jc.ResetCounts()
}

// running is the program as a service.
type running struct {
	*exec.Cmd
	t    *testing.T
	log  *logBuffer
	ends chan error
}

// logBuffer takes the log and wakes those who wait for a line.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
	wake chan struct{}
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.wake)
	b.wake = make(chan struct{})
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start runs the program against the rig.
func (r *rig) start(args ...string) *running {
	r.Helper()
	cmd := program(context.WithoutCancel(r.Context()), r.T, args...)
	cmd.Env = append(cmd.Env, r.env...)
	p := &running{Cmd: cmd, t: r.T, log: &logBuffer{wake: make(chan struct{})}, ends: make(chan error, 1)}
	cmd.Stderr = p.log
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	go func() { p.ends <- cmd.Wait() }()
	r.Cleanup(func() {
		_ = cmd.Process.Kill()
		if r.Failed() {
			r.Log(p.log.String())
		}
	})
	return p
}

// signal sends a signal and waits for the end; it returns the exit code.
func (p *running) signal(s os.Signal) int {
	p.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	return p.exit()
}

// exit waits for the end and returns the exit code, -1 for a kill.
func (p *running) exit() int {
	p.t.Helper()
	select {
	case <-p.ends: //nolint:errcheck // The exit code says it all.
		return p.ProcessState.ExitCode()
	case <-time.After(serviceWait):
		p.t.Fatalf("the program does not end:\n%s", p.log)
		return 0
	}
}

// until waits for something to become true of the simulators, which are looked at
// whenever the program calls.
func (r *rig) until(what string, is func() bool) {
	r.Helper()
	deadline := time.After(serviceWait)
	for {
		r.faults.mu.Lock()
		wake := r.faults.wake
		r.faults.mu.Unlock()
		if is() {
			return
		}
		select {
		case <-wake:
		case <-deadline:
			r.Fatalf("%s did not happen", what)
		}
	}
}

// until waits for a text in the log.
func (p *running) until(text string) {
	p.t.Helper()
	deadline := time.After(serviceWait)
	for {
		p.log.mu.Lock()
		wake, found := p.log.wake, strings.Contains(p.log.text.String(), text)
		p.log.mu.Unlock()
		if found {
			return
		}
		select {
		case <-wake:
		case <-deadline:
			p.t.Fatalf("the log does not tell %q:\n%s", text, p.log)
		}
	}
}

// finished waits until a task has a result and returns what became of it.
func (r *rig) finished(id string) c1sim.TaskInfo {
	r.Helper()
	r.until("the end of task "+id, func() bool { return r.c1.Task(id).State == c1sim.Finished })
	info := r.c1.Task(id)
	if info.Results != 1 {
		r.Errorf("task %s has %d different results", id, info.Results)
	}
	return info
}

// succeeded is finished, with success.
func (r *rig) succeeded(id string) c1sim.TaskInfo {
	r.Helper()
	info := r.finished(id)
	if info.Result.GetSuccess() == nil {
		r.Fatalf("task %s ended with %v", id, info.Result)
	}
	return info
}

// equalsTenant compares an uploaded archive with the tenant.
func (r *rig) equalsTenant(info c1sim.TaskInfo) {
	r.Helper()
	if len(info.Assets) == 0 {
		r.Fatalf("nothing was uploaded for %v", info.Task)
	}
	want, got := expect(r.tenant), read(r.T, info.Assets[len(info.Assets)-1].Path)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(content{}, grant{})); diff != "" {
		r.Errorf("the archive differs from the tenant (-tenant +archive):\n%s", diff)
	}
}

// sync queues a full sync.
func (r *rig) sync() string {
	return r.c1.Enqueue(&pb.Task{TaskType: &pb.Task_SyncFull{SyncFull: &pb.Task_SyncFullTask{}}})
}

// outsider picks a group and a user who is not in it.
func (r *rig) outsider() (group, user string) {
	r.Helper()
	for _, g := range r.tenant.Groups() {
		members := must(r.tenant.Members(g.ID))
		for _, u := range r.tenant.Users() {
			if !strings.HasPrefix(g.MembershipMethod, "DYNAMIC") && !slices.Contains(members, u.ID) {
				return g.ID, u.ID
			}
		}
	}
	r.Fatal("the tenant has no group that somebody is not in")
	return "", ""
}

// membership is the entitlement and the principal of a change.
func membership(group, user string) (*v2.Entitlement, *v2.Resource) {
	return &v2.Entitlement{
			Id: "group:" + group, Slug: "member", DisplayName: "member",
			Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: "group", Resource: group}},
		},
		&v2.Resource{Id: &v2.ResourceId{ResourceType: "user", Resource: user}}
}

func (r *rig) grant(group, user string) string {
	e, p := membership(group, user)
	return r.c1.Enqueue(&pb.Task{TaskType: &pb.Task_Grant{Grant: &pb.Task_GrantTask{Entitlement: e, Principal: p}}})
}

func (r *rig) revoke(group, user string) string {
	e, p := membership(group, user)
	return r.c1.Enqueue(&pb.Task{TaskType: &pb.Task_Revoke{Revoke: &pb.Task_RevokeTask{Grant: &v2.Grant{
		Id: fmt.Sprintf("group-grant:%s:user:%s:%s", group, user, group), Entitlement: e, Principal: p,
	}}}})
}

func (r *rig) isMember(group, user string) bool {
	return slices.Contains(must(r.tenant.Members(group)), user)
}

// TestService lets ConductorOne schedule syncs and change access.
func TestService(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{SyncEvery: 50 * time.Millisecond})
	p := r.start("--provisioning")
	done := func() (ids []string) {
		for _, info := range r.c1.Tasks() {
			if info.Task.GetSyncFull() != nil && info.State == c1sim.Finished {
				ids = append(ids, info.Task.GetId())
			}
		}
		return ids
	}
	r.until("three scheduled syncs", func() bool { return len(done()) >= 3 })
	for _, id := range done()[:3] {
		r.equalsTenant(r.succeeded(id))
	}

	group, user := r.outsider()
	r.succeeded(r.grant(group, user))
	if !r.isMember(group, user) {
		t.Error("the grant did not change the tenant")
	}
	if info := r.succeeded(r.grant(group, user)); !says(info, &v2.GrantAlreadyExists{}) {
		t.Errorf("a second grant is answered with %v", info.Result)
	}
	r.equalsTenant(r.succeeded(r.sync()))
	r.succeeded(r.revoke(group, user))
	if r.isMember(group, user) {
		t.Error("the revoke did not change the tenant")
	}
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	left, err := filepath.Glob(filepath.Join(r.dir, "state", "*", "*"))
	if err != nil || slices.ContainsFunc(left, func(s string) bool { return !strings.HasSuffix(s, "lock") }) {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// says reports whether a result has an annotation.
func says(info c1sim.TaskInfo, annotation proto.Message) bool {
	return slices.ContainsFunc(info.Result.GetSuccess().GetAnnotations(), func(a *anypb.Any) bool { return a.MessageIs(annotation) })
}

// TestServiceRefusesChanges has provisioning off.
func TestServiceRefusesChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	p := r.start()
	group, user := r.outsider()
	for _, id := range []string{r.grant(group, user), r.revoke(group, user)} {
		info := r.finished(id)
		if got := info.Result.GetStatus(); codes.Code(got.GetCode()) != codes.FailedPrecondition || got.GetMessage() != "provisioning is not enabled" || !info.Result.GetError().GetNonRetryable() {
			t.Errorf("task ends with %v", info.Result)
		}
	}
	if r.isMember(group, user) {
		t.Error("the tenant was changed")
	}
	if code := p.signal(os.Interrupt); code != 0 {
		t.Errorf("exit code %d after SIGINT", code)
	}
}

// get asks the health server.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
