package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSimulate follows what the simulate command prints, over HTTP and over TLS.
func TestSimulate(t *testing.T) {
	t.Parallel()
	t.Run("HTTP", func(t *testing.T) {
		t.Parallel()
		followSimulate(t, nil)
	})
	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		followSimulate(t, []string{"SSL_CERT_FILE"}, "--tls-ca", filepath.Join(t.TempDir(), "ca.pem"), "--compress")
	})
}

// followSimulate starts the command, runs the commands that it names with all the
// variables that it names for them, and stops it.
func followSimulate(t *testing.T, variables []string, flags ...string) {
	t.Helper()
	cmd := program(t.Context(), t, append([]string{"simulate", "--size=small", "--addr=127.0.0.1:0", "--organizations=2", "--control"}, flags...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()

	var told strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		told.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "Press Ctrl-C") {
			break
		}
	}
	env := make(map[string]string)
	for _, m := range regexp.MustCompile(`(BATON_\w+|SSL_CERT_FILE)=(\S+)`).FindAllStringSubmatch(told.String(), -1) {
		env[m[1]] = m[2]
	}
	for _, want := range []string{
		"60 users, 8 administrators, 14 groups, 10 applications and", "jca_simulator_read_only", "jca_simulator_no_admins",
		"has access to 2 organizations", "/_sim/",
	} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("simulate does not tell %q:\n%s", want, told.String())
		}
	}

	for _, names := range [][]string{{"BATON_API_KEY"}, {"BATON_JUMPCLOUD_CLIENT_ID", "BATON_JUMPCLOUD_CLIENT_SECRET"}} {
		sync := program(t.Context(), t)
		for _, name := range slices.Concat(names, variables, []string{"BATON_BASE_URL"}) {
			if env[name] == "" {
				t.Fatalf("simulate does not tell %s:\n%s", name, told.String())
			}
			sync.Env = append(sync.Env, name+"="+env[name])
		}
		if output, err := sync.CombinedOutput(); err != nil {
			t.Errorf("sync with %v: %v\n%s", names, err, output)
		}
	}

	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("simulate ended with %v", err)
	}
	if !regexp.MustCompile(`Stopped after \d+ requests\.`).Match(rest) {
		t.Errorf("simulate ends with %q", rest)
	}
}
