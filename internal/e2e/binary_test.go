//go:build unix && !race

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// fileLimit is the variable that makes the test binary a program whose files cannot
// grow beyond so many bytes; the rest of the command line is started with it.
const fileLimit = "E2E_FILE_LIMIT"

// measureTo is the variable that makes the test binary a program that starts another
// and writes to this file what memory that took.
const measureTo = "E2E_MEASURE_TO"

func TestMain(m *testing.M) {
	if limit := os.Getenv(fileLimit); limit != "" {
		os.Exit(limited(limit))
	}
	if report := os.Getenv(measureTo); report != "" {
		os.Exit(measure(report))
	}
	if after := os.Getenv(killAfter); after != "" {
		os.Exit(mortal(after))
	}
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		panic(err)
	}
	built.dir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// limited becomes another program under a limit.
func limited(limit string) int {
	var n uint64
	if _, err := fmt.Sscan(limit, &n); err != nil {
		panic(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
		panic(err)
	}
	err := syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
	panic(err)
}

// built is the program, once it is.
//
//nolint:gochecknoglobals // what is built is shared by all tests
var built struct {
	once sync.Once
	dir  string
	err  error
}

// executable builds the program at its first use and returns where it is.
func executable(t testing.TB) string {
	t.Helper()
	path := filepath.Join(built.dir, "baton-jumpcloud")
	built.once.Do(func() {
		// Other users start it too.
		if built.err = os.Chmod(built.dir, 0o755); built.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", path, "github.com/conductorone/baton-jumpcloud/cmd/baton-jumpcloud")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return path
}

// program is a run of the program in a folder of its own, which is also where it
// puts the archive.
type program struct {
	t    testing.TB
	exe  string // another build; "" is the program as it is
	dir  string
	args []string
	env  map[string]string
	// secrets must not stand in anything that the program writes.
	secrets []string
	// limit is the most bytes that a file may have; 0 for any number.
	limit int
	// user is who runs it; 0 is the one who runs the test.
	user uint32
}

// newProgram makes a program that asks a simulator with its key.
func newProgram(t testing.TB, url string, args ...string) *program {
	t.Helper()
	dir := t.TempDir()
	return &program{
		t: t, dir: dir, args: args, secrets: []string{jcsim.DefaultKey, jcsim.ConfigSecret, jcsim.RADIUSSecret, jcsim.SSHKeyMaterial, jcsim.ServiceSecret, jcsim.APIKeyHash},
		env: map[string]string{
			"HOME": dir, "TMPDIR": dir, "HTTPS_PROXY": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1",
			"BATON_BASE_URL": url, "BATON_API_KEY": jcsim.DefaultKey, "BATON_LOG_LEVEL": "debug",
		},
	}
}

// with sets variables; an empty value takes one away.
func (p *program) with(env map[string]string) *program {
	for name, value := range env {
		if p.env[name] = value; value == "" {
			delete(p.env, name)
		}
	}
	return p
}

// path is where the archive is.
func (p *program) path() string { return filepath.Join(p.dir, "sync.c1z") }

// command prepares a run.
func (p *program) command(ctx context.Context) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	p.t.Helper()
	exe := p.exe
	if exe == "" {
		exe = executable(p.t)
	}
	cmd = exec.CommandContext(ctx, exe, p.args...)
	if p.limit > 0 {
		self, err := os.Executable()
		if err != nil {
			p.t.Fatal(err)
		}
		cmd = exec.CommandContext(ctx, self, append([]string{exe}, p.args...)...)
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", fileLimit, p.limit))
	}
	cmd.Dir = p.dir
	for name, value := range p.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if p.user != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: p.user, Gid: p.user}}
	}
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// result is how a run ended.
type result struct {
	code           int // -1 when it was killed
	stdout, stderr string
}

// run runs the program to its end, and looks for its secrets in what it wrote.
func (p *program) run() result {
	p.t.Helper()
	cmd, stdout, stderr := p.command(p.t.Context())
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	return p.wait(cmd, stdout, stderr)
}

// wait waits for the end of a run.
func (p *program) wait(cmd *exec.Cmd, stdout, stderr *bytes.Buffer) result {
	p.t.Helper()
	err := cmd.Wait()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	r := result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	for _, leak := range p.leaks(r) {
		p.t.Error(leak)
	}
	return r
}

// measured runs the program to its end and returns the most memory that it took, in
// bytes. What the kernel tells of a process counts the memory of the one that started
// it, so a small one stands in between.
func (p *program) measured() (result, int64) {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd, stdout, stderr := p.command(p.t.Context())
	report := filepath.Join(p.t.TempDir(), "memory")
	cmd.Env = append(cmd.Env, measureTo+"="+report)
	cmd.Path, cmd.Args = self, append([]string{self, cmd.Path}, cmd.Args[1:]...)
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	r := p.wait(cmd, stdout, stderr)
	var memory int64
	if _, err := fmt.Sscan(string(file(p.t, report)), &memory); err != nil {
		p.t.Fatal(err)
	}
	return r, memory
}

// measure runs another program and writes down what memory it took.
func measure(report string) int {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		panic(err)
	}
	memory := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS != "darwin" { // There it is in bytes.
		memory <<= 10
	}
	if err := os.WriteFile(report, fmt.Append(nil, memory), 0o600); err != nil {
		panic(err)
	}
	return cmd.ProcessState.ExitCode()
}

// message is what the program says at its end, without the log and without the
// warning about the host.
func (r result) message() string {
	var lines []string
	for line := range strings.Lines(r.stderr) {
		if !strings.HasPrefix(line, "{") && !strings.HasPrefix(line, "warning: the credential goes to ") {
			lines = append(lines, line)
		}
	}
	return strings.TrimSpace(strings.Join(lines, ""))
}

// serve starts a simulator on loopback and returns its address.
func serve(t testing.TB, sim http.Handler) string {
	t.Helper()
	return serveClients(t, sim).URL
}

// serveClients is serve for programs that are killed or interrupted: what they had
// under way can be told from what the next one asks for.
func serveClients(t testing.TB, sim http.Handler) *jcsim.Clients {
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

// forget drops what programs that have ended still had under way.
func forget(t testing.TB, clients *jcsim.Clients) {
	t.Helper()
	if err := clients.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// yesterday puts an archive of the tenant as it is now where the program will put
// its own, and returns it.
func (p *program) yesterday(tenant *jcsim.Tenant) []byte {
	p.t.Helper()
	line := newPipeline(jcsim.New(jcsim.Options{Tenant: tenant}), p.dir)
	if _, err := line.run(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	return file(p.t, p.path())
}
