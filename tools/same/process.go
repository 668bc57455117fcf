package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// output is what a command wrote and how it ended.
type output struct {
	code     int
	out, err string
}

// execute runs a command to its end in a folder, with the variables beside the few
// that a process needs.
func execute(ctx context.Context, dir string, env []string, binary string, args ...string) output {
	cmd := command(ctx, dir, env, binary, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	o := output{out: out.String(), err: errs.String()}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		o.code = exit.ExitCode()
	} else if err != nil {
		o.code, o.err = -1, err.Error()
	}
	return o
}

func command(ctx context.Context, dir string, env []string, binary string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, args...) //nolint:gosec // The binaries are what is compared.
	cmd.Dir = dir
	cmd.Env = append([]string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH"), "COLUMNS=100"}, env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// server is a command that answers at an address until it is stopped.
type server struct {
	address string
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

var address = regexp.MustCompile(`https?://[0-9.]+:[0-9]+\S*`)

// start runs a command until it has printed its address.
func start(ctx context.Context, dir, binary string, args ...string) (*server, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := command(ctx, dir, nil, binary, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	s := &server{cancel: cancel}
	lines := bufio.NewReader(out)
	for s.address == "" {
		text, err := lines.ReadString('\n')
		if s.address = address.FindString(text); s.address == "" && err != nil {
			cancel()
			return nil, fmt.Errorf("%s printed no address: %w", args[0], errors.Join(err, cmd.Wait()))
		}
	}
	s.done.Go(func() {
		_, _ = io.Copy(io.Discard, lines)
		_ = cmd.Wait()
	})
	return s, nil
}

func (s *server) stop() {
	s.cancel()
	s.done.Wait()
}

// masks are what differs between two runs of one build.
var masks = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`127\.0\.0\.1:[0-9]+`), "ADDRESS"},
	{regexp.MustCompile(`"ts":[0-9.]+`), `"ts":0`},
	{regexp.MustCompile(`"(took\w*|waited|requests_took)":[0-9.e-]+`), `"$1":0`},
	{regexp.MustCompile(`\b[0-9.]+(µs|ms|s)\b`), "DURATION"},
	{regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(\.[0-9]+)?`), "TIME"},
	{regexp.MustCompile(`"caller":"[^"]*"`), `"caller":""`},
	{regexp.MustCompile(`[0-9]+ (seconds?|minutes?) ago`), "AGO"},
}

// masked leaves out what two runs of one build may differ in.
func masked(text string, names ...string) string {
	for _, name := range names {
		text = strings.ReplaceAll(text, name, "NAME")
	}
	for _, m := range masks {
		text = m.pattern.ReplaceAllString(text, m.with)
	}
	return text
}
