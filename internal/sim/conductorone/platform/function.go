package platform

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	// startTimeout is how long a function may take until it is ready.
	startTimeout = 30 * time.Second
	// callTimeout is how long one call of it may take.
	callTimeout = 10 * time.Minute
	// stopTimeout is how long it may take to end.
	stopTimeout = 5 * time.Second
)

// Function is a connector that is run as a platform runs it.
type Function struct {
	// Program is the path of the connector's program.
	Program string
	// Dir is an existing folder for what the function needs while it runs.
	Dir string
	// Settings are its configuration, by the names of flags.
	Settings map[string]any
	// Log is given each line of the function's log, as a person reads it, by one goroutine.
	Log func(string)
}

// Run starts the function, has work call it, and ends it. Log is not called afterwards.
func (f Function) Run(ctx context.Context, work func(context.Context, *Conn) error) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server, err := Start(ctx, Options{TokenLife: -1, Config: func(string) (Config, error) {
		return Config{Version: "1", Settings: f.Settings}, nil
	}})
	if err != nil {
		return err
	}
	runtime := NewRuntime()
	runtime.Timeout = callTimeout
	address, err := runtime.Listen(ctx)
	if err != nil {
		return err
	}
	caller, err := NewCaller()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(f.Dir, "function-")
	if err != nil {
		return fmt.Errorf("start the function: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ca := filepath.Join(dir, "platform.pem")
	if err := os.WriteFile(ca, server.CA(), 0o600); err != nil {
		return fmt.Errorf("start the function: %w", err)
	}
	running, halt := context.WithCancel(ctx) // It ends before what it calls does.
	defer halt()
	cmd := exec.CommandContext(running, f.Program, "lambda") //nolint:gosec // The program is chosen by whoever runs the stand-in.
	cmd.Dir = dir
	cmd.Env = functionEnvironment(server, caller, address, ca)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopTimeout
	said, says := io.Pipe()
	cmd.Stderr = says
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the function: %w", err)
	}
	var last string // what the log said last
	var reading sync.WaitGroup
	reading.Go(func() { last = follow(said, f.Log) })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // What it has to say, its log says.
		_ = says.Close()
	}()
	defer func() {
		halt()
		<-ended
		reading.Wait()
	}()
	select {
	case <-runtime.Started():
	case <-ended:
		reading.Wait()
		return &startError{last}
	case <-time.After(startTimeout):
		return &startError{"it is not ready after " + startTimeout.String()}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return work(ctx, &Conn{Invoked: runtime.Invoke, Caller: caller})
}

// startError is why a function did not start.
type startError struct{ said string }

func (e *startError) Error() string { return e.said }

// functionEnvironment is what a platform gives a function. Nothing of this program's
// own settings goes with it.
func functionEnvironment(server *Server, caller *Caller, address, ca string) []string {
	id, secret := server.Credentials()
	env := []string{
		"NO_PROXY=127.0.0.1,localhost", "AWS_LAMBDA_RUNTIME_API=" + address, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=simulated", "AWS_SECRET_ACCESS_KEY=simulated", "AWS_SESSION_TOKEN=simulated",
		"BATON_LAMBDA_CLIENT_ID=" + id, "BATON_LAMBDA_CLIENT_SECRET=" + secret, "BATON_LAMBDA_CA_CERT_PATH=" + ca,
		"BATON_LAMBDA_AUTH_JWT_SIGNER=" + caller.PublicKey(), "BATON_LAMBDA_AUTH_JWT_EXPECTED_ISSUER=" + caller.Issuer,
		"BATON_LAMBDA_AUTH_JWT_EXPECTED_SUBJECT=" + caller.Subject, "BATON_LAMBDA_AUTH_JWT_EXPECTED_AUDIENCE=" + caller.Audience,
	}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "SystemRoot", "TEMP", "TMP", "SSL_CERT_FILE"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// follow gives the lines of a function's log to log, as a person reads them, and
// returns the last one.
func follow(said io.Reader, log func(string)) (last string) {
	lines := bufio.NewScanner(said)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text := strings.TrimSpace(lines.Text())
		var record struct{ Level, Msg, Error string }
		if json.Unmarshal([]byte(text), &record) == nil && record.Msg != "" {
			text = record.Msg
			if record.Error != "" {
				text += ": " + record.Error
			}
			if record.Level == "debug" {
				continue
			}
		}
		if text == "" {
			continue
		}
		last = text
		log(text)
	}
	_, _ = io.Copy(io.Discard, said) // A line that is too long is none of the log's.
	return last
}
