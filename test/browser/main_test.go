package browser_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// key is what the simulator takes for a key; it opens nothing else.
const key = "jca_simulator"

// announcedSimulator finds where a simulator answers.
var announcedSimulator = regexp.MustCompile(`Simulated JumpCloud at (http://\S+)`)

// world is what all tests look at.
var world struct {
	dir     string   // for files, removed in the end
	program string   // the built program
	sim     string   // where the simulator answers
	company *company // the organization after the edits
	before  *company // the same before them
	site    site     // the archive of both syncs
	// open opens a tab that shares nothing with others.
	open func() (context.Context, context.CancelFunc)
}

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, stop := context.WithCancel(context.Background())
	var owned []func()
	defer func() {
		stop()
		for _, wait := range slices.Backward(owned) {
			wait()
		}
	}()
	if err := setUp(ctx, &owned); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// setUp makes the world. What it starts ends with the context, and is waited for by
// the functions that it adds to owned.
func setUp(ctx context.Context, owned *[]func()) error {
	chromium, err := findChromium()
	if err != nil {
		return err
	}
	world.dir, err = os.MkdirTemp("", "browser-test-")
	if err != nil {
		return err
	}
	*owned = append(*owned, func() { _ = os.RemoveAll(world.dir) })
	world.program = filepath.Join(world.dir, "baton-jumpcloud")
	build := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join("..", ".."), "-o", world.program, "./cmd/baton-jumpcloud")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}

	sim, wait, err := start(ctx, announcedSimulator, "simulate", "--size", "small", "--addr", "127.0.0.1:0", "--control")
	if err != nil {
		return err
	}
	*owned = append(*owned, wait)
	world.sim = sim
	archive := filepath.Join(world.dir, "company.c1z")
	if err := sync(ctx, sim, archive); err != nil {
		return err
	}
	if world.before, err = readCompany(ctx, sim); err != nil {
		return err
	}
	if err := edit(ctx, sim, world.before); err != nil {
		return err
	}
	if err := sync(ctx, sim, archive); err != nil {
		return err
	}
	if world.company, err = readCompany(ctx, sim); err != nil {
		return err
	}
	world.site, wait, err = explore(ctx, archive)
	if err != nil {
		return err
	}
	*owned = append(*owned, wait)

	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(filepath.Join(world.dir, "profile")),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en-US"))
	allocator, _ := chromedp.NewExecAllocator(context.WithoutCancel(ctx), options...)
	browser, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(browser); err != nil {
		return fmt.Errorf("start the browser: %w", err)
	}
	*owned = append(*owned, func() { _ = chromedp.Cancel(browser) })
	world.open = func() (context.Context, context.CancelFunc) {
		return chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	}
	return nil
}

// findChromium finds the browser, or says how to get it.
func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("these tests need Chromium; install it and run them again: sudo apt-get install chromium")
}

// site is a served archive: its address, and the address with the token.
type site struct {
	root *url.URL
	door string
}

// explore serves archives.
func explore(ctx context.Context, archives ...string) (site, func(), error) {
	door, wait, err := start(ctx, regexp.MustCompile(`(http://\S+token=\S+)`), append([]string{"explore", "--no-open"}, archives...)...)
	if err != nil {
		return site{}, nil, err
	}
	root, err := url.Parse(door)
	if err != nil {
		return site{}, nil, err
	}
	return site{root: &url.URL{Scheme: root.Scheme, Host: root.Host, Path: "/"}, door: door}, wait, nil
}

// start runs the program until the context ends and returns the part of its output
// that announces where it answers.
func start(ctx context.Context, announced *regexp.Regexp, args ...string) (string, func(), error) {
	cmd := exec.CommandContext(ctx, world.program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Dir = world.dir
	cmd.Env = environment()
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found := announced.FindStringSubmatch(lines.Text()); found != nil {
			drained := make(chan struct{})
			go func() {
				defer close(drained)
				_, _ = io.Copy(io.Discard, out)
			}()
			return found[1], func() { <-drained; _ = cmd.Wait() }, nil
		}
	}
	return "", nil, fmt.Errorf("%s did not say where it answers: %w\n%s", args[0], cmd.Wait(), &problems)
}

// sync reads the simulated organization into an archive.
func sync(ctx context.Context, sim, archive string) error {
	cmd := exec.CommandContext(ctx, world.program, "--file", archive)
	cmd.Dir = world.dir
	cmd.Env = environment("BATON_BASE_URL="+sim, "BATON_API_KEY="+key)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sync: %w\n%s", err, out)
	}
	return nil
}

// environment is that of the tests without settings of the connector.
func environment(more ...string) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "BATON_") {
			env = append(env, v)
		}
	}
	return append(env, more...)
}

// client is an HTTP client which the token has let in.
func client(t testing.TB, s site) *http.Client {
	t.Helper()
	c := newVisitor()
	res := get(t, c, s.door)
	if res.status != http.StatusOK {
		t.Fatalf("the address with the token answers %d", res.status)
	}
	return c
}
