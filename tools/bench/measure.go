package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// measurer runs cells with one binary.
type measurer struct {
	binary, dir string
	commit      string
	seed        uint64
	machine     Machine
}

// prepare builds the binary once.
func prepare(ctx context.Context, o options, commit string) (*measurer, error) {
	dir, err := os.MkdirTemp("", "bench-sync-")
	if err != nil {
		return nil, err
	}
	m := &measurer{binary: filepath.Join(dir, "baton-jumpcloud"), dir: dir, commit: commit, seed: o.seed}
	if m.machine, err = describeMachine(ctx); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", m.binary, "./cmd/baton-jumpcloud") //nolint:gosec // A path of our own making.
	build.Dir = o.source
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("build the binary: %w\n%s", err, out), m.Close())
	}
	return m, nil
}

// Close removes what was built.
func (m *measurer) Close() error { return os.RemoveAll(m.dir) }

// measure runs one sync in a fresh folder, with a fresh simulator.
func (m *measurer) measure(ctx context.Context, c Cell) (_ Result, err error) {
	dir, err := os.MkdirTemp(m.dir, "cell-")
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	sim, err := m.simulate(ctx, c, dir)
	if err != nil {
		return Result{}, fmt.Errorf("simulate: %w", err)
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	r := Result{Cell: c.Name, Commit: m.commit, Host: m.machine, Time: time.Now().UTC().Truncate(time.Second), Load: load()}
	if err := m.sync(ctx, c, sim, dir, &r); err != nil {
		return Result{}, fmt.Errorf("sync: %w", err)
	}
	var counted struct{ Requests, Refused, MaxInFlight int64 }
	var held struct{ MinimumRequests int64 }
	if err := errors.Join(sim.ask(ctx, "requests", &counted), sim.ask(ctx, "counts", &held)); err != nil {
		return Result{}, fmt.Errorf("ask the simulator: %w", err)
	}
	if counted.Requests != r.Requests {
		return Result{}, fmt.Errorf("the connector speaks of %d requests, the server of %d", r.Requests, counted.Requests)
	}
	r.Minimum, r.Refused, r.Served = held.MinimumRequests, counted.Refused, counted.MaxInFlight
	return r, nil
}

// sync runs the connector and takes down what it tells and what the system knows of
// its process.
func (m *measurer) sync(ctx context.Context, c Cell, sim *simulator, dir string, r *Result) error {
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, m.binary, "--file", "sync.c1z", "--log-format", "json", "--workers", strconv.Itoa(c.Workers)) //nolint:gosec // What was built before.
	cmd.Dir, cmd.Stderr = dir, &log
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "BATON_BASE_URL=" + sim.url, "BATON_API_KEY=" + sim.key}
	if sim.ca != "" {
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+sim.ca)
	}
	began := time.Now()
	err := cmd.Run()
	r.Wall = time.Since(began).Seconds()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, lastLines(log.Bytes(), 5))
	}
	r.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.Peak = peak(usage)
	}
	return readFinished(&log, r)
}

// peak is the most memory that a process held. A process begins its life with the
// memory of the one that started it, so that less than ours tells nothing.
func peak(usage *syscall.Rusage) int64 {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil || usage.Maxrss <= own.Maxrss {
		return 0
	}
	if runtime.GOOS == "linux" {
		return usage.Maxrss << 10
	}
	return usage.Maxrss
}

// readFinished reads the last word of a sync from its log.
func readFinished(log io.Reader, r *Result) error {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Message   string `json:"msg"`
			Requests  int64  `json:"requests"`
			InFlight  int64  `json:"requests_in_flight"`
			Grants    int64  `json:"grants"`
			Inherited int64  `json:"grants_inherited"`
			Archive   int64  `json:"compressed_bytes"`
			Decoded   int64  `json:"decompressed_bytes"`

			Underway  float64 `json:"requests_took"`
			Reading   float64 `json:"took_reading"`
			LookingUp float64 `json:"took_looking_up"`
			Joining   float64 `json:"took_joining"`
			Writing   float64 `json:"took_writing"`
			Packing   float64 `json:"took_packing"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Message != "Sync complete." {
			continue
		}
		r.Requests, r.Grants, r.Inherited = line.Requests, line.Grants, line.Inherited
		r.Archive, r.Decoded, r.InFlight = line.Archive, line.Decoded, line.InFlight
		r.Reading, r.LookingUp, r.Joining, r.Writing, r.Packing = line.Reading, line.LookingUp, line.Joining, line.Writing, line.Packing
		r.Underway = line.Underway / max(1e-9, line.Reading)
		return nil
	}
	return errors.Join(lines.Err(), errors.New("the log does not say how the sync ended"))
}

func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// simulator is a simulated JumpCloud in a process of its own.
type simulator struct {
	cmd     *exec.Cmd
	url     string
	key     string
	ca      string // path; empty without TLS
	drained chan struct{}
	http    http.Client
}

// simulate starts a simulator and waits until it serves.
func (m *measurer) simulate(ctx context.Context, c Cell, dir string) (*simulator, error) {
	args := []string{
		"simulate", "--addr", "127.0.0.1:0", "--control", "--seed", strconv.FormatUint(m.seed, 10), "--size", c.size(),
		"--latency", c.Latency.String(),
	}
	if c.Rate > 0 {
		args = append(args, "--rate", strconv.FormatFloat(c.Rate, 'g', -1, 64))
		if c.RetryAfter {
			args = append(args, "--retry-after", "seconds")
		}
	}
	if c.Compress {
		args = append(args, "--compress")
	}
	s := &simulator{cmd: exec.CommandContext(ctx, m.binary, args...), drained: make(chan struct{})} //nolint:gosec // What was built before.
	if c.TLS {
		s.ca = filepath.Join(dir, "ca.pem")
		s.cmd.Args = append(s.cmd.Args, "--tls-ca", s.ca)
	}
	s.cmd.Dir, s.cmd.Stderr = dir, os.Stderr
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(os.Interrupt) }
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	address, key := regexp.MustCompile(`(?:answers|JumpCloud) at (http\S+)`), regexp.MustCompile(`BATON_API_KEY=(\S+)`)
	for lines.Scan() {
		if found := address.FindStringSubmatch(lines.Text()); found != nil {
			s.url = found[1]
		}
		if found := key.FindStringSubmatch(lines.Text()); found != nil {
			s.key = found[1]
		}
		if strings.Contains(lines.Text(), "Ctrl-C") {
			break
		}
	}
	go func() {
		defer close(s.drained)
		_, _ = io.Copy(io.Discard, out) // so that it never waits for a reader
	}()
	if s.url == "" || s.key == "" {
		return nil, errors.Join(errors.New("it does not say how to reach it"), s.Close())
	}
	s.http.Transport, err = trusting(s.ca)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// ask reads what a control route tells.
func (s *simulator) ask(ctx context.Context, what string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/_sim/"+what, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", what, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}

// Close ends the simulator.
func (s *simulator) Close() error {
	s.http.CloseIdleConnections()
	_ = s.cmd.Process.Signal(os.Interrupt) // it may have ended by itself
	<-s.drained
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	return nil
}
