//go:build unix

package main

import (
	"bytes"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestStopped stops a run as a container platform does, and as a terminal that is
// closed: its shell and the system both send SIGHUP.
func TestStopped(t *testing.T) {
	t.Parallel()
	hearHangups()
	for name, signals := range map[string][]syscall.Signal{
		"terminated": {syscall.SIGTERM},
		"hung up":    {syscall.SIGHUP, syscall.SIGHUP},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stopRun(t, signals)
		})
	}
}

// hearHangups has SIGHUP reach the processes that are started from now on, though the
// tests were started by nohup.
func hearHangups() {
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
}

func stopRun(t *testing.T, signals []syscall.Signal) {
	t.Helper()
	sim := jcsim.New(jcsim.Options{})
	url := serve(t, sim)
	reached, released := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(released) })
	sim.OnRequest(func(n int, _ string) {
		if n == 9 {
			close(reached)
		}
		if n >= 9 {
			<-released
		}
	})
	cmd := program(t.Context(), t)
	cmd.Env = append(cmd.Env, "BATON_BASE_URL="+url, "BATON_API_KEY="+jcsim.DefaultKey)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-reached
	for _, s := range signals {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("ended with %v, want exit code 1", err)
	}
	if want := "\ninterrupted; work kept at sync.c1z.work; run again to resume\n"; !strings.HasSuffix(stderr.String(), want) {
		t.Errorf("stderr = %s\nwant at its end %s", stderr.String(), want)
	}
	if left, err := filepath.Glob(filepath.Join(cmd.Dir, "sync.c1z")); err != nil || len(left) > 0 {
		t.Errorf("an archive was left behind: %v, %v", left, err)
	}
}
