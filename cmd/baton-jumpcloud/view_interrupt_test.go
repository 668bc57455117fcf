//go:build unix

package main

import (
	"bytes"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestViewStopped stops commands whose output nobody reads on, as a person does who
// leaves a pager.
func TestViewStopped(t *testing.T) {
	t.Parallel()
	hearHangups()
	archive := syncOnce(t, serve(t, jcsim.New(jcsim.Options{Tenant: jcsim.Generate(1, must(jcsim.ParseSize("small")))})))
	for _, tt := range []struct {
		name    string
		outlive bool // ignore SIGHUP from the start, as nohup has it
		signals []syscall.Signal
		says    string
	}{
		{"keyboard", false, []syscall.Signal{syscall.SIGINT}, "interrupted by SIGINT\n"},
		{"closed terminal", false, []syscall.Signal{syscall.SIGHUP}, "interrupted by SIGHUP\n"},
		{"nohup", true, []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM}, "interrupted by SIGTERM\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := program(t.Context(), t, "inspect", "grants", "-o", "json", "--file", archive)
			if tt.outlive {
				cmd.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
				cmd.Path = "/bin/sh"
			}
			stopView(t, cmd, tt.signals, tt.says)
		})
	}
}

func stopView(t *testing.T, cmd *exec.Cmd, signals []syscall.Signal, says string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It writes, and has more to write than the pipe holds.
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	for _, s := range signals {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	ended, err := cmd.Process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if ended.ExitCode() != 1 {
		t.Errorf("exit code %d, want 1", ended.ExitCode())
	}
	rest, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(string(rest), "]\n") {
		t.Error("it went on to the end")
	}
	_ = cmd.Wait() // Its output is read; the process was waited for.
	if got := stderr.String(); got != says {
		t.Errorf("stderr = %q, want %q", got, says)
	}
	if left, err := filepath.Glob(filepath.Join(cmd.Dir, "baton-jumpcloud-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
