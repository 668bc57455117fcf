//go:build unix && !race

package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// conductor is a simulated ConductorOne, and the program as its service.
type conductor struct {
	*ordeal
	c1     *c1sim.Server
	state  string
	faults chan c1sim.Faults // holds those in force
	wake   chan struct{}     // something may have happened

	// Of the process that is running, if there is one.
	cmd            *exec.Cmd
	stdout, stderr *bytes.Buffer
	ended          chan struct{}
	result         result
	doomed         atomic.Bool // it is going to be killed, or told to stop
}

// errAway is how ConductorOne answers while it is away.
var errAway = status.Error(codes.Unavailable, "simulated absence")

// dirty are the shares of calls to ConductorOne that go wrong on a bad day.
func dirty() c1sim.Rates {
	return c1sim.Rates{
		Unavailable: 0.02, Slow: 0.1, SlowBy: 50 * time.Millisecond, LostAnswer: 0.02, LostHeartbeat: 0.1,
		FinishRefused: 0.15, UploadCut: 0.4, Cancel: 0.1, Withdraw: 0.02,
	}
}

// serve carries out a plan of tasks for the program as a service, one a day.
func (o *ordeal) serve() {
	o.Helper()
	c := o.conduct()
	for _, d := range o.plan.days {
		c.task(d)
	}
	o.plan.behavior = jcsim.Behavior{}
	// The first one may go on with what an earlier one read, or upload what it made.
	c.complete("without faults")
	c.complete("from the start")
	c.until("the delivery of all results", day{trouble: calm}, func() bool {
		pending, err := filepath.Glob(filepath.Join(c.state, "tasks-*", "*.json"))
		return err == nil && len(pending) == 0
	})
	c.stop()
	c.tidy()
}

// conduct starts ConductorOne.
func (o *ordeal) conduct() *conductor {
	o.Helper()
	c := &conductor{ordeal: o, wake: make(chan struct{}, 1), faults: make(chan c1sim.Faults, 1), state: filepath.Join(o.program.dir, "state")}
	c.faults <- nil
	listener, err := new(net.ListenConfig).Listen(o.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		o.Fatal(err)
	}
	c.c1, err = c1sim.New(c1sim.Options{
		Host: listener.Addr().String(), Dir: o.TempDir(), Seed: o.plan.seed, IdlePoll: 100 * time.Millisecond, BusyPoll: time.Millisecond,
		NextHeartbeat: time.Second, Lease: 1500 * time.Millisecond, TokenLife: time.Duration(1+o.plan.seed%15) * time.Second,
		Faults: func(call c1sim.Call) (f c1sim.Fault) {
			faults := <-c.faults
			if faults != nil {
				f = faults(call)
			}
			if call.Method == "Hello" {
				f.Withdraw = false // refused at its start, a connector has to end
			}
			c.faults <- faults
			c.wakeUp()
			return f
		},
	})
	if err != nil {
		o.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- c.c1.Serve(listener) }()
	o.Cleanup(func() {
		c.kill()
		if err := c.c1.Close(); err != nil {
			o.Error(err)
		}
		if err := <-served; err != nil {
			o.Error(err)
		}
	})
	// What is trusted does not lie where secrets are searched for.
	ca := filepath.Join(o.TempDir(), "ca.pem")
	if err := c.c1.WriteCA(ca); err != nil {
		o.Fatal(err)
	}
	id, secret := c.c1.Credentials()
	o.program.secrets = append(o.program.secrets, secret)
	o.program.with(map[string]string{
		"SSL_CERT_FILE": ca, "BATON_CLIENT_ID": id, "BATON_CLIENT_SECRET": secret, "BATON_STATE_DIR": c.state, "NO_PROXY": "127.0.0.1",
		"BATON_KEEP_PREVIOUS_SYNC_C1Z": "true", "BATON_SHUTDOWN_GRACE": []string{"25s", "1s"}[o.plan.seed%2],
	})
	return c
}

func (c *conductor) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// spoilCalls sets what goes wrong with calls to ConductorOne.
func (c *conductor) spoilCalls(faults c1sim.Faults) {
	<-c.faults
	c.faults <- faults
}

// start starts the service, unless it is running.
func (c *conductor) start(d day) {
	c.Helper()
	if c.cmd != nil {
		return
	}
	if d.trouble == smallFiles {
		c.program.limit = d.bytes
	}
	cmd, stdout, stderr := c.program.command(context.WithoutCancel(c.Context()))
	c.program.limit = 0
	if err := cmd.Start(); err != nil {
		c.Fatal(err)
	}
	ended := make(chan struct{})
	c.cmd, c.stdout, c.stderr, c.ended = cmd, stdout, stderr, ended
	c.doomed.Store(false)
	go func() {
		defer c.wakeUp()
		defer close(ended)
		c.result = c.program.wait(cmd, stdout, stderr)
	}()
}

// over reports whether the service has ended, and judges how.
func (c *conductor) over(d day) bool {
	select {
	case <-c.ended:
	default:
		return false
	}
	r, doomed := c.result, c.doomed.Load()
	c.cmd = nil
	c.note("the service ended with %d: %s", r.code, r.message())
	switch {
	case r.code < 0, r.code == exitOK:
		if !doomed {
			c.blame("the service ended by itself, with %d", r.code)
		}
	default:
		if why := c.excuse(d, r.code, r.message()); why != "" {
			c.blame("%s: the service ended with %d: %s", why, r.code, r.message())
		}
		// It would end again.
		c.sim.ClearFaults()
	}
	if strings.Contains(r.stderr, "panic") || strings.Contains(r.stderr, "goroutine ") {
		c.blame("a panic in the log: %s", tail(r.stderr))
	}
	return true
}

// kill ends the service at once, if it is running.
func (c *conductor) kill() {
	if c.cmd == nil {
		return
	}
	c.doomed.Store(true)
	_ = c.cmd.Process.Kill() // it may have ended
	<-c.ended
}

// until waits for something to become true of ConductorOne, and keeps the service
// running meanwhile.
func (c *conductor) until(what string, d day, is func() bool) {
	c.Helper()
	deadline := time.NewTimer(c.limit)
	defer deadline.Stop()
	for !is() {
		if c.over(d) {
			d.trouble = calm
			c.start(d)
		}
		select {
		case <-c.wake:
		case <-deadline.C:
			c.blame("%s did not come within %s", what, c.limit)
			_ = c.cmd.Process.Signal(syscall.SIGQUIT)
			<-c.ended
			c.note("%s", tail(c.result.stderr))
			c.cmd = nil
			return
		}
	}
}

// task lets ConductorOne ask for a full sync on a day, and judges what comes of it.
func (c *conductor) task(d day) *pb.BatonServiceFinishTaskRequest {
	c.Helper()
	if d.trouble == smallFiles {
		c.stop()
	}
	kept, uploads := c.kept()
	reached, start, edits := c.begin(d, nil), time.Now(), c.history.count()
	if d.dirty {
		c.spoilCalls(c1sim.Random(d.dice, dirty()))
	}
	c.start(d)
	full := &pb.Task_SyncFullTask{}
	if d.target {
		full.SyncResourceTypeIds = []string{"group", "user"}
	}
	id := c.c1.Enqueue(&pb.Task{TaskType: &pb.Task_SyncFull{SyncFull: full}})
	done, disturbed, cmd := make(chan struct{}), make(chan struct{}), c.cmd
	go func() {
		defer close(disturbed)
		c.trouble(d, id, cmd, reached, done)
	}()
	ended := func() bool {
		state := c.c1.Task(id).State
		return state == c1sim.Finished || state == c1sim.Cancelled
	}
	c.until("the end of a task", d, ended)
	close(done)
	<-disturbed
	info := c.c1.Task(id)
	c.edits += c.history.count() - edits
	c.note("%s; faults %v; after %.1f s the task is %s: %v", d.trouble, c.sim.Requests().Faults, time.Since(start).Seconds(), info.State, info.Result.GetStatus())
	c.judgeTask(d, info)
	c.judgeKept(kept, uploads)
	c.spoilCalls(nil)
	if d.trouble == smallFiles && c.cmd != nil {
		c.stop()
	}
	return info.Result
}

// trouble does to the service what the day has in store for it.
func (c *conductor) trouble(d day, task string, cmd *exec.Cmd, reached, done <-chan struct{}) {
	var now <-chan time.Time
	if d.trouble == killedLater {
		reached, now = nil, time.After(d.after)
	}
	select {
	case <-reached:
	case <-now:
	case <-done:
		return
	}
	switch d.trouble {
	case killed, killedLater:
		c.doomed.Store(true)
		_ = cmd.Process.Kill()
	case stopped:
		c.doomed.Store(true)
		_ = cmd.Process.Signal(syscall.SIGTERM)
	case cancelled:
		c.c1.Cancel(task)
	case outage:
		c.spoilCalls(func(c1sim.Call) c1sim.Fault { return c1sim.Fault{Cut: 1, Before: errAway} })
		select {
		case <-time.After(d.after):
		case <-done:
		}
		c.spoilCalls(nil)
	}
	c.wakeUp()
}

// judgeTask holds the result of a task, and what was uploaded for it, against the
// history of the tenant.
func (c *conductor) judgeTask(d day, info c1sim.TaskInfo) {
	c.Helper()
	if info.Results > 1 {
		c.blame("one task has %d different results", info.Results)
	}
	// Whatever arrived whole is believed, also where the task did not end well.
	for _, asset := range info.Assets {
		switch {
		case !strings.HasSuffix(asset.Path, ".c1z"):
		case d.target:
			c.judgeClosure(asset.Path)
		default:
			c.judgeArchive(asset.Path)
		}
	}
	switch {
	case info.State == c1sim.Cancelled:
		c.ends = append(c.ends, "cancelled")
	case info.Result.GetSuccess() != nil:
		c.ends = append(c.ends, "complete")
		if c.hit(d) && len(c.sim.Settings().Faults) > 0 && !(d.fatal.code == exitNotFound && c.history.count() > 0) {
			c.blame("the task ended well in spite of %q", d.fatal.name)
		}
		if len(info.Assets) == 0 {
			c.blame("the task succeeded and nothing was uploaded")
		}
		if !d.target {
			c.history = watch(c.plan.tenant)
		}
	case info.Result != nil:
		code := codes.Code(info.Result.GetStatus().GetCode())
		c.ends = append(c.ends, fmt.Sprintf("failed with %d", code))
		if why := c.excuseTask(d, code, info.Result.GetStatus().GetMessage()); why != "" {
			c.blame("%s: the task ended with %v", why, info.Result.GetStatus())
		}
	}
}

// excuseTask is excuse for the result of a task.
func (c *conductor) excuseTask(d day, code codes.Code, message string) string {
	contains := func(text string) bool { return strings.Contains(message, text) }
	switch {
	case !d.dirty && d.trouble != outage:
	case code == codes.Unavailable && contains("upload "):
		return ""
	case code == codes.Unauthenticated && contains("upload ") && contains("ConductorOne gave no token (HTTP 503"):
		return "" // the code of every answer without a token
	}
	if code == codes.Canceled && (contains("task was cancelled") || contains("failed heartbeat") || contains("shutting down")) {
		return ""
	}
	return c.excuse(d, int(code), message)
}

// judgeClosure checks an archive of some types only against itself.
func (c *conductor) judgeClosure(path string) {
	c.Helper()
	for _, wrong := range closure(read(c.T, path), nil) {
		c.blame("%s", wrong)
	}
}

// kept is the archive that the service keeps, and how many have been uploaded.
func (c *conductor) kept() (archive []byte, uploads int) {
	c.Helper()
	for _, info := range c.c1.Tasks() {
		uploads += len(info.Assets)
	}
	paths, err := filepath.Glob(filepath.Join(c.state, "baton-previous-sync-*.c1z"))
	if err != nil || len(paths) > 1 {
		c.Fatal(paths, err)
	}
	for _, path := range paths {
		archive = file(c.T, path)
	}
	return archive, uploads
}

// judgeKept expects the archive that the service keeps to be what it was before, or
// what was uploaded since.
func (c *conductor) judgeKept(before []byte, uploads int) {
	c.Helper()
	archive, now := c.kept()
	if now == uploads && !bytes.Equal(before, archive) {
		c.blame("the archive that the service keeps is not what it was, and nothing was uploaded")
	}
	if len(archive) > 0 {
		path := filepath.Join(c.TempDir(), "kept.c1z")
		writeFile(c.T, path, archive)
		open(c.T, path)
	}
}

// complete is ordeal.complete with tasks.
func (c *conductor) complete(how string) {
	c.Helper()
	r := c.task(day{trouble: calm})
	if inMotion(r.GetStatus().GetMessage()) {
		r = c.task(day{trouble: calm})
	}
	if code := lossCode(r.GetStatus().GetMessage()); code != "" {
		c.stop()
		c.program.with(map[string]string{"BATON_ALLOW_DROP": code})
		r = c.task(day{trouble: calm})
	}
	if r.GetSuccess() == nil {
		c.blame("%s, the task ended with %v", how, r.GetStatus())
	}
}

// stop tells the service to stop, and expects it to.
func (c *conductor) stop() {
	c.Helper()
	if c.cmd == nil {
		return
	}
	c.doomed.Store(true)
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-c.ended:
	case <-time.After(c.limit):
		c.blame("the service does not end")
		c.kill()
	}
	if c.result.code != exitOK {
		c.blame("told to stop, the service ended with %d: %s", c.result.code, c.result.message())
	}
	c.cmd = nil
}

// tidy expects that a service whose last task succeeded leaves nothing but locks and
// what it keeps on purpose.
func (c *conductor) tidy() {
	c.Helper()
	left, err := filepath.Glob(filepath.Join(c.state, "*", "*"))
	if err != nil {
		c.Fatal(err)
	}
	for _, path := range left {
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() && !strings.HasSuffix(path, "lock") {
			c.blame("%s was left behind", path)
		}
	}
}
