package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exploring is a program that shows archives.
type exploring struct {
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr bytes.Buffer
	// address is the one that it printed, with the token.
	address string
}

// startExploring starts a program that prints the address of an explorer.
func startExploring(t *testing.T, cmd *exec.Cmd) *exploring {
	t.Helper()
	e := &exploring{cmd: cmd}
	cmd.Stderr = &e.stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	e.stdout = bufio.NewReader(stdout)
	for e.address == "" {
		line, err := e.stdout.ReadString('\n')
		if err != nil {
			t.Fatalf("it ended without an address: %v\n%s", err, e.stderr.String())
		}
		if m := regexp.MustCompile(`^Open (http://127\.0\.0\.1:\d+/\?token=\w+) in a browser; press Ctrl-C to stop\.\n$`).FindStringSubmatch(line); m != nil {
			e.address = m[1]
		}
	}
	return e
}

// stop ends the program as Ctrl-C does, and returns what it printed after the
// address.
func (e *exploring) stop(t *testing.T) string {
	t.Helper()
	if err := e.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(e.stdout)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v, want exit code 0", err)
	}
	return string(rest)
}

// browse returns a function that asks for pages, with the cookie for the token.
func (e *exploring) browse(t *testing.T) func(path string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Jar: jar, Transport: transport}
	ask := func(address string) string {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		// A page that waits for the sync to be in memory asks again by itself.
		for {
			answer, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if answer.Header.Get("Refresh") == "" {
				return string(text)
			}
		}
	}
	ask(e.address)
	base, _, _ := strings.Cut(e.address, "/?")
	return func(path string) string { return ask(base + path) }
}

// TestDemoEndsInTheExplorer syncs a simulated organization and looks at it.
func TestDemoEndsInTheExplorer(t *testing.T) {
	t.Parallel()
	e := startExploring(t, program(t.Context(), t, "demo", "--size=small", "--latency=0s", "--explore"))
	page := e.browse(t)
	if text := page("/"); !strings.Contains(text, `<dt>Accounts</dt><dd><a href="/accounts">68</a>`) {
		t.Errorf("the overview does not have the 68 accounts:\n%s", text)
	}
	if text := page("/accounts?q=root"); !strings.Contains(text, "of 68 accounts") {
		t.Errorf("the search does not tell of how many:\n%s", text)
	}
	if rest := e.stop(t); rest != "" || e.stderr.Len() > 0 {
		t.Errorf("it also printed %q and %q", rest, e.stderr.String())
	}
}

// TestExploreShowsSeveralArchives opens the same archive under two names, and keeps
// the token to itself.
func TestExploreShowsSeveralArchives(t *testing.T) {
	t.Parallel()
	demo := program(t.Context(), t, "demo", "--size=small", "--latency=0s")
	if output, err := demo.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	archive := filepath.Join(demo.Dir, "demo.c1z")
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.c1z")
	if err := os.WriteFile(other, content, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := program(t.Context(), t, "explore", "-f", archive, other, "--log-level=debug")
	e := startExploring(t, cmd)
	page := e.browse(t)
	for _, want := range []string{"demo.c1z", "other.c1z"} {
		if text := page("/accounts"); !strings.Contains(text, want) {
			t.Errorf("%s cannot be chosen:\n%s", want, text)
		}
	}
	_, token, _ := strings.Cut(e.address, "token=")
	page("/accounts?token=" + token)
	e.stop(t)
	if log := e.stderr.String(); strings.Contains(log, token) {
		t.Errorf("the token is in the log:\n%s", log)
	}
	left, err := filepath.Glob(filepath.Join(cmd.Dir, "*.db"))
	if err != nil || len(left) > 0 {
		t.Errorf("what was unpacked is still there: %v, %v", left, err)
	}
}
