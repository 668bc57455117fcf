//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// openTerminal makes a terminal: what is written to its far end can be read from
// the near one.
func openTerminal(t *testing.T) (near, far *os.File) {
	t.Helper()
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	fd := int(near.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 100}); err != nil {
		t.Fatal(err)
	}
	far, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return near, far
}

// onTerminal runs the program on a terminal and returns what a person sees.
func onTerminal(t *testing.T, url string, env ...string) string {
	t.Helper()
	near, far := openTerminal(t)
	cmd := program(t.Context(), t)
	cmd.Env = append(cmd.Env, append(env, "BATON_BASE_URL="+url, "BATON_API_KEY="+jcsim.DefaultKey)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = far, far, far
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	// The end of the program is an error of reading.
	seen, _ := io.ReadAll(near)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, seen)
	}
	return string(seen)
}

// ctrlC is the answer that a terminal makes a signal of.
const ctrlC = "\x03"

// answeredOnTerminal runs the program on a terminal, types an answer once a question shows, and returns what a person sees and the exit code.
func answeredOnTerminal(t *testing.T, url, question, answer string, args []string, env ...string) (seen string, code int) {
	t.Helper()
	near, far := openTerminal(t)
	cmd := program(t.Context(), t, args...)
	cmd.Env = append(cmd.Env, append(env, "BATON_BASE_URL="+url, "BATON_API_KEY="+jcsim.DefaultKey)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = far, far, far
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for part := make([]byte, 4096); ; {
		n, err := near.Read(part)
		shown.Write(part[:n])
		if answer != "" && strings.Contains(shown.String(), question) {
			var err error
			if answer == ctrlC {
				err = cmd.Process.Signal(os.Interrupt)
			} else {
				_, err = io.WriteString(near, answer)
			}
			if err != nil {
				t.Fatal(err)
			}
			answer = ""
		}
		if err != nil {
			break // The end of the program is an error of reading.
		}
	}
	if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() < 0 {
		t.Fatalf("%v\n%s", err, shown.String())
	}
	return shown.String(), cmd.ProcessState.ExitCode()
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	url := serve(t, jcsim.New(jcsim.Options{Settings: jcsim.Settings{Latency: 30 * time.Millisecond}}))

	seen := onTerminal(t, url, "TERM=xterm")
	for _, want := range []string{
		"\x1b[", "group members", "pages ", "60 of 60", // the display
		"\x1b[JSynced ", "  60 users, 8 administrators", "  Requests", "sync.c1z (", // the summary
	} {
		if !strings.Contains(seen, want) {
			t.Errorf("the terminal lacks %q:\n%s", want, seen)
		}
	}
	if strings.Contains(seen, "{\"") || strings.Contains(seen, "Sync complete.") {
		t.Errorf("the terminal shows the log as well:\n%s", seen)
	}

	// A terminal that cannot draw again gets lines.
	seen = onTerminal(t, url, "TERM=dumb")
	if strings.Contains(seen, "\x1b[") || !strings.Contains(seen, "Sync complete.") {
		t.Errorf("a dumb terminal shows:\n%s", seen)
	}
}
