//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// viewer is a command that has unpacked an archive and serves it until it is stopped.
type viewer struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	folder string // for its temporary files
}

// startViewer starts one that keeps its temporary files in temp.
func startViewer(t *testing.T, archive, temp string) *viewer {
	t.Helper()
	known := folders(t, temp)
	v := &viewer{cmd: program(t.Context(), t, "explore", "--no-open", archive)}
	v.cmd.Env = append(v.cmd.Env, "TMPDIR="+temp)
	v.cmd.Stderr = &v.stderr
	out, err := v.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.cmd.Process.Kill() })
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Fatal(err, v.stderr.String())
	}
	for path := range folders(t, temp) {
		if !known[path] {
			v.folder = path
		}
	}
	if left, err := filepath.Glob(filepath.Join(v.folder, "*.db")); err != nil || v.folder == "" || len(left) != 1 {
		t.Fatalf("the unpacked archive is %q, in the folder %q (%v)", left, v.folder, err)
	}
	return v
}

func folders(t *testing.T, temp string) map[string]bool {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(temp, "baton-jumpcloud-*"))
	if err != nil {
		t.Fatal(err)
	}
	set := make(map[string]bool)
	for _, path := range found {
		set[path] = true
	}
	return set
}

// end sends signals and waits for the process to end.
func (v *viewer) end(t *testing.T, signals ...syscall.Signal) *os.ProcessState {
	t.Helper()
	for _, s := range signals {
		if err := v.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	_ = v.cmd.Wait() // How it ended is what the test looks at.
	return v.cmd.ProcessState
}

// TestUnpackedIsRemoved ends commands that have unpacked an archive: when they can, they
// remove it, else the next command does, whichever it is.
func TestUnpackedIsRemoved(t *testing.T) {
	t.Parallel()
	hearHangups()
	archive := syncOnce(t, serve(t, jcsim.New(jcsim.Options{Tenant: jcsim.Generate(1, must(jcsim.ParseSize("small")))})))
	temp := t.TempDir()

	hungUp := startViewer(t, archive, temp)
	if state := hungUp.end(t, syscall.SIGHUP); !state.Success() {
		t.Errorf("hung up: %v, stderr %q", state, hungUp.stderr.String())
	}
	if left := folders(t, temp); len(left) > 0 {
		t.Errorf("hung up: left behind: %v", left)
	}

	alive := startViewer(t, archive, temp)
	killed := startViewer(t, archive, temp)
	killed.end(t, syscall.SIGKILL)
	asked := startViewer(t, archive, temp)
	if state := asked.end(t, syscall.SIGQUIT); state.ExitCode() != 2 || !strings.Contains(asked.stderr.String(), "SIGQUIT: quit") || !strings.Contains(asked.stderr.String(), "goroutine ") {
		t.Errorf("SIGQUIT: %v, stderr %q", state, asked.stderr.String())
	}
	again := program(t.Context(), t, "version")
	again.Env = append(again.Env, "TMPDIR="+temp)
	if out, err := again.CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	if left := folders(t, temp); len(left) != 1 || !left[alive.folder] {
		t.Errorf("left are %v, want the one of the living process, %s", left, alive.folder)
	}
	if state := alive.end(t, syscall.SIGTERM); !state.Success() {
		t.Errorf("the living process: %v", state)
	}
	if left := folders(t, temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
