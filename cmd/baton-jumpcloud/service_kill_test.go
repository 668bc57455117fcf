package main

import (
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

// leased is how long ConductorOne waits for a sign of life before it hands a task
// out again, in tests that kill the connector.
func leased() c1sim.Options {
	return c1sim.Options{Lease: 2 * time.Second, NextHeartbeat: time.Second}
}

// stall holds the first call of a method, before it takes effect, for longer than
// any test runs, and tells when it has come.
func (r *rig) stall(method string) (came func() bool) {
	var once sync.Once
	arrived := make(chan struct{})
	r.faults.set(func(c c1sim.Call) c1sim.Fault {
		var f c1sim.Fault
		if c.Method == method {
			once.Do(func() {
				close(arrived)
				f.Delay = time.Hour
			})
		}
		return f
	})
	return func() bool {
		select {
		case <-arrived:
			return true
		default:
			return false
		}
	}
}

// TestServiceKilledInSync kills the connector in the middle of reading. It goes on
// from there, with no page read twice but those that were under way.
func TestServiceKilledInSync(t *testing.T) {
	t.Parallel()
	r := newRig(t, leased())
	const reached = 12
	held, release := make(chan struct{}), make(chan struct{})
	holding := sync.OnceFunc(func() { close(held) })
	r.jc.OnRequest(func(n int, _ string) {
		if n > reached {
			holding()
			<-release
		}
	})
	id := r.sync()
	p := r.start("--workers=2")
	<-held
	p.signal(syscall.SIGKILL)
	r.jc.OnRequest(nil)
	close(release)
	p = r.start("--workers=2")
	r.equalsTenant(r.succeeded(id))
	// Two that were under way, and two starts that asked for the organization twice.
	if got, most := r.jc.Requests().Requests, r.tenant.MinimumRequests()+8; got > most {
		t.Errorf("%d requests, want at most %d: work was not resumed", got, most)
	}
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestServiceKilledInUpload kills the connector while it uploads. The archive is
// uploaded after the restart and JumpCloud is not read again.
func TestServiceKilledInUpload(t *testing.T) {
	t.Parallel()
	r := newRig(t, leased())
	came := r.stall("UploadAsset")
	id := r.sync()
	p := r.start()
	r.until("the upload", came)
	p.signal(syscall.SIGKILL)
	r.faults.set(nil)
	r.forget()
	p = r.start()
	r.equalsTenant(r.succeeded(id))
	if counts := r.jc.Requests(); counts.Requests != 1 {
		t.Errorf("the organization was read again: %v", counts.Routes)
	}
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// changesSent counts the requests that changed the members of groups.
func (r *rig) changesSent() int {
	n := 0
	for route, stats := range r.jc.Requests().Routes {
		if strings.HasPrefix(route, "POST /api/v2/usergroups/") && strings.HasSuffix(route, "/members") {
			n += stats.Requests
		}
	}
	return n
}

// TestServiceKilledInGrant kills the connector while JumpCloud makes a change. What
// ConductorOne hears does not deny that the task changed something.
func TestServiceKilledInGrant(t *testing.T) {
	t.Parallel()
	r := newRig(t, leased())
	group, user := r.outsider()
	held, release := make(chan struct{}), make(chan struct{})
	holding := sync.OnceFunc(func() { close(held) })
	r.jc.OnRequest(func(_ int, route string) {
		if strings.HasPrefix(route, "POST /api/v2/usergroups/") {
			holding()
			<-release
		}
	})
	id := r.grant(group, user)
	p := r.start("--provisioning")
	<-held
	p.signal(syscall.SIGKILL)
	r.jc.OnRequest(nil)
	close(release)
	p = r.start("--provisioning")
	info := r.succeeded(id)
	if !r.isMember(group, user) {
		t.Error("the grant did not change the tenant")
	}
	if len(info.Result.GetSuccess().GetAnnotations()) != 0 {
		t.Errorf("the result denies the change: %v", info.Result)
	}
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestServiceKilledInReport kills the connector after a grant, before ConductorOne
// hears of it. The result is delivered after the restart; nothing is sent again.
func TestServiceKilledInReport(t *testing.T) {
	t.Parallel()
	r := newRig(t, leased())
	group, user := r.outsider()
	came := r.stall("FinishTask")
	id := r.grant(group, user)
	p := r.start("--provisioning")
	r.until("the report", came)
	p.signal(syscall.SIGKILL)
	r.faults.set(nil)
	sent := r.changesSent()
	p = r.start("--provisioning")
	r.succeeded(id)
	if !r.isMember(group, user) || r.changesSent() != sent {
		t.Errorf("%d changes were sent before the restart and %d in all", sent, r.changesSent())
	}
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestServiceDrains tells the connector to stop while it syncs: within the grace it
// finishes and reports.
func TestServiceDrains(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	held, release := make(chan struct{}), make(chan struct{})
	holding := sync.OnceFunc(func() { close(held) })
	r.jc.OnRequest(func(n int, _ string) {
		if n > 10 {
			holding()
			<-release
		}
	})
	id := r.sync()
	p := r.start()
	<-held
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.until(`"stopping"`)
	close(release)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	r.equalsTenant(r.succeeded(id))
}

// TestServiceStopsAtOnce asks twice.
func TestServiceStopsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	held, release := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(release) })
	holding := sync.OnceFunc(func() { close(held) })
	r.jc.OnRequest(func(n int, _ string) {
		if n > 10 {
			holding()
			<-release
		}
	})
	r.sync()
	p := r.start("--shutdown-grace=1h")
	<-held
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.until(`"stopping"`)
	if code := p.signal(os.Interrupt); code != 1 {
		t.Errorf("exit code %d after a second signal", code)
	}
}

// TestServiceChangedInUpload changes access while an archive from before the change
// is uploaded, and cuts the upload off. The archive is not sent after the restart:
// JumpCloud is read again.
func TestServiceChangedInUpload(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"killed", "upload refused"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, leased())
			group, user := r.outsider()
			came := r.stall("UploadAsset")
			synced := r.sync()
			p := r.start("--provisioning")
			r.until("the upload", came)
			granted := r.grant(group, user)
			r.succeeded(granted)
			if mode == "killed" {
				p.signal(syscall.SIGKILL)
				r.faults.set(nil)
			} else {
				// The connector is stopped in the midst of it, and keeps what it has.
				r.faults.set(nil)
				p.signal(syscall.SIGTERM)
			}
			p = r.start("--provisioning")
			r.equalsTenant(r.succeeded(synced))
			if !r.isMember(group, user) {
				t.Error("the grant did not change the tenant")
			}
			if code := p.signal(syscall.SIGTERM); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}
