package main

import (
	"bufio"
	"os"
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
