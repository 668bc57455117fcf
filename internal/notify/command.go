package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

const (
	// commandTimeout is how long a command may take.
	commandTimeout = 5 * time.Minute
	// keptOutput is how much of what a command says its error repeats, in bytes.
	keptOutput = 2 << 10
)

// Run has the shell run a command with a text as its input. What it starts ends with it, with
// the context, and after five minutes. Its environment is ours without our settings, in which
// there are secrets.
func Run(ctx context.Context, command string, input []byte) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	name, args := "sh", []string{"-c", command}
	if runtime.GOOS == "windows" {
		name, args = "cmd", []string{"/C", command}
	}
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // Who runs the program chooses the command.
	cmd.Stdin, cmd.Env = bytes.NewReader(input), environment(os.Environ())
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	ownGroup(cmd)
	cmd.WaitDelay = 5 * time.Second // for what keeps its output open
	err := cmd.Run()
	endGroup(cmd) // What it left behind ends too.
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // The command itself ended well.
	}
	if err != nil {
		return fmt.Errorf("run the command: %w: %s", err, strings.TrimSpace(string(said.end)))
	}
	return nil
}

// environment leaves the settings of the connector out.
func environment(all []string) []string {
	kept := make([]string, 0, len(all))
	for _, v := range all {
		if !strings.HasPrefix(strings.ToUpper(v), "BATON_") {
			kept = append(kept, v)
		}
	}
	return kept
}

// tail keeps the end of what is written to it.
type tail struct{ end []byte }

// Write implements [io.Writer].
func (t *tail) Write(p []byte) (int, error) {
	t.end = append(t.end, p...)
	t.end = t.end[max(0, len(t.end)-keptOutput):]
	return len(p), nil
}
