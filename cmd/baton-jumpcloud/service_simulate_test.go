package main

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestSimulateConductorOne follows what simulate --conductorone prints, until it
// tells of three archives that equal the organization.
func TestSimulateConductorOne(t *testing.T) {
	t.Parallel()
	cmd := program(t.Context(), t, "simulate", "--size=small", "--addr=127.0.0.1:0", "--conductorone", "--conductorone-addr=127.0.0.1:0", "--sync-every=1ms")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	lines := bufio.NewScanner(stdout)
	r := &rig{T: t}
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Press Ctrl-C") {
		if m := regexp.MustCompile(`^  export (SSL_CERT_FILE=\S+|BATON_\w+=\S+)$`).FindStringSubmatch(lines.Text()); m != nil {
			r.env = append(r.env, m[1])
		}
	}
	p := r.start()
	for equal := 0; equal < 3 && lines.Scan(); {
		if line := lines.Text(); strings.Contains(line, "received an archive") {
			if !strings.Contains(line, "equal to the organization, ") {
				t.Fatal(line)
			}
			equal++
		}
	}
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		t.Log(lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("simulate ended with %v", err)
	}
}

// TestSimulateHosted follows what simulate --hosted prints, until it tells of two
// archives that equal the organization, and compares the last one with a sync.
func TestSimulateHosted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := program(t.Context(), t, "simulate", "--size=small", "--addr=127.0.0.1:0", "--hosted", "--sync-every=1ms", "--conductorone-dir="+dir)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	var env []string
	var archive string
	lines := bufio.NewScanner(stdout)
	for equal := 0; equal < 2 && lines.Scan(); {
		line := lines.Text()
		if m := regexp.MustCompile(`^  export (BATON_BASE_URL=\S+|BATON_API_KEY=\S+)$`).FindStringSubmatch(line); m != nil {
			env = append(env, m[1])
		}
		if m := regexp.MustCompile(`^\d\d:\d\d:\d\d  function ready in .*, synced in .* by \d+ calls, (\S+\.c1z): (.*)$`).FindStringSubmatch(line); m != nil {
			if !strings.HasPrefix(m[2], "equal to the organization, ") {
				t.Fatal(line)
			}
			archive = filepath.Join(dir, m[1])
			equal++
		}
	}
	local := filepath.Join(t.TempDir(), "local.c1z")
	for _, args := range [][]string{{"--file", local}, {"diff", "--check", archive, local}} {
		run := program(t.Context(), t, args...)
		run.Env = append(run.Environ(), env...)
		if out, err := run.CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		t.Log(lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("simulate ended with %v", err)
	}
}
