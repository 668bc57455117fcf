//go:build unix && !race

package e2e_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestInterrupted sends signals while the server keeps the program waiting: it ends
// at once, says where its work is, and the next run goes on with it.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	const kept = "interrupted; work kept at sync.c1z.work; run again to resume"
	tests := []struct {
		name   string
		signal syscall.Signal
		at     int // the request that is not answered
		says   string
	}{
		{"SIGINT before anything was read", syscall.SIGINT, 1, "interrupted; nothing was read"},
		{"SIGINT at the first list", syscall.SIGINT, 2, kept},
		{"SIGINT in the middle", syscall.SIGINT, 20, kept},
		{"SIGTERM in the middle", syscall.SIGTERM, 20, kept},
	}
	whole := newVictim(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, whole)
			cmd, stdout, stderr := v.command(t.Context())
			reached, ended := make(chan struct{}, 100), make(chan struct{})
			v.sim.OnRequest(func(n int, _ string) {
				if n >= tt.at {
					reached <- struct{}{}
					<-ended
				}
			})
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-reached
			signal(t, cmd, tt.signal)
			r := v.program.wait(cmd, stdout, stderr)
			close(ended) // before what it had under way can be waited for
			forget(t, v.clients)
			if r.code != exitInterrupted || r.message() != tt.says {
				t.Errorf("exit code %d: %s", r.code, r.message())
			}
			if !bytes.Equal(v.yesterday, file(t, v.path())) {
				t.Error("the archive of the day before is not what it was")
			}
			v.finish(t, 1)
		})
	}
}

func signal(t *testing.T, cmd *exec.Cmd, s syscall.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// TestSecondSignal lets the program wait for something that no signal can end, a
// reader of its output who does not read: the second signal ends it all the same.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	sim := jcsim.New(jcsim.Options{Tenant: jcsim.Generate(3, jcsim.Size{Users: 2000, Groups: 1, Apps: 1, Admins: 1})})
	p := newProgram(t, serve(t, sim), "inspect", "resources", "-o", "json")
	p.yesterday(sim.Tenant())
	near, far, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	cmd, stdout, stderr := p.command(t.Context())
	cmd.Stdout = far
	if err := errors.Join(cmd.Start(), far.Close()); err != nil {
		t.Fatal(err)
	}
	fills(t, near)
	signal(t, cmd, syscall.SIGINT)
	signal(t, cmd, syscall.SIGTERM) // another one, since two of a kind may become one
	if r := p.wait(cmd, stdout, stderr); r.code != exitInterrupted {
		t.Errorf("exit code %d: %s", r.code, r.message())
	}
}

// fills waits until a pipe takes no more, so that its writer waits.
func fills(t *testing.T, near *os.File) {
	t.Helper()
	for before := -1; ; <-time.After(20 * time.Millisecond) {
		n, err := unix.IoctlGetInt(int(near.Fd()), unix.TIOCINQ)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 && n == before && n%4096 == 0 {
			return
		}
		before = n
	}
}

// TestInterruptedWhileWriting sends the signal when all is read: the next run needs
// no request but the one that tells whose key it is.
func TestInterruptedWhileWriting(t *testing.T) {
	t.Parallel()
	size := jcsim.Size{Users: 600, Groups: 20, Apps: 40, Admins: 8, Expanded: 9_000}
	whole := newVictimOf(t, size, nil)
	for range 20 {
		v := newVictimOf(t, size, whole)
		cmd, stdout, stderr := v.command(t.Context())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			appears(v.dir, "sync.c1z.work/c1z-build/*", ended)
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}()
		r := v.wait(cmd, stdout, stderr)
		close(ended)
		<-done
		if r.code == exitOK {
			continue // it was too fast
		}
		if r.code != exitInterrupted || !strings.Contains(r.message(), "work kept at") {
			t.Errorf("exit code %d: %s", r.code, r.message())
		}
		v.sim.ResetCounts()
		v.asked = 1
		v.finish(t, 0)
		return
	}
	t.Error("it was never interrupted in time")
}
