//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/jcsim"
)

// TestViewStopped stops a command whose output nobody reads on, as a person does who
// leaves a pager.
func TestViewStopped(t *testing.T) {
	t.Parallel()
	archive := syncOnce(t, serve(t, jcsim.New(jcsim.Options{Tenant: jcsim.Generate(1, must(jcsim.ParseSize("small")))})))
	cmd := program(t.Context(), t, "inspect", "grants", "-o", "json", "--file", archive)
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
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
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
	if got := stderr.String(); got != "interrupted by SIGINT\n" {
		t.Errorf("stderr = %q", got)
	}
	if left, err := filepath.Glob(filepath.Join(cmd.Dir, "*.db")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
