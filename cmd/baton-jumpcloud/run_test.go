package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// serve starts a simulated JumpCloud for one test and returns its address.
func serve(t testing.TB, sim *jcsim.Server) string {
	t.Helper()
	return serveClients(t, sim).URL
}

// serveClients is serve for programs that are killed: what they had under way can be
// told from what the next one asks for.
func serveClients(t testing.TB, sim *jcsim.Server) *jcsim.Clients {
	t.Helper()
	clients, err := jcsim.Serve(t.Context(), sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := clients.Close(); err != nil {
			t.Error(err)
		}
	})
	return clients
}

// program is the command to run the program in an empty environment.
func program(ctx context.Context, t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("baton-jumpcloud")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"HOME=" + cmd.Dir, "TMPDIR=" + cmd.Dir, "HTTPS_PROXY=http://127.0.0.1:1"}
	return cmd
}

// syncOnce runs the program to its end and returns the archive.
func syncOnce(t testing.TB, url string, args ...string) string {
	t.Helper()
	cmd := program(t.Context(), t, args...)
	cmd.Env = append(cmd.Env, "BATON_BASE_URL="+url, "BATON_API_KEY="+jcsim.DefaultKey)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return filepath.Join(cmd.Dir, "sync.c1z")
}

// openArchive opens an archive for one test and returns its newest sync too.
func openArchive(t *testing.T, path string) (*c1z.Reader, c1z.SyncRun) {
	t.Helper()
	reader, err := c1z.Open(t.Context(), path, c1z.OpenOptions{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	run, err := reader.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return reader, run
}

// dump is the canonical text of an archive's newest sync.
func dump(t *testing.T, path string) string {
	t.Helper()
	reader, run := openArchive(t, path)
	var text strings.Builder
	if err := reader.Dump(t.Context(), run.ID, &text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// must unwraps a value that a test cannot do without.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("test data: %v", err))
	}
	return v
}
