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
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// killAfter is the variable that makes the test binary a sync that kills itself
// when it has written so many checkpoints, none for 0; with a minus, when it has
// said that it has, which is the fault to be found. Its arguments are the
// simulator's host and the folder of the archive.
const killAfter = "E2E_KILL_AFTER"

// mortal runs a sync to its end, or to its checkpoint.
func mortal(after string) int {
	n, err := strconv.Atoi(after)
	if err != nil {
		panic(err)
	}
	m := &mortality{left: max(n, -n), early: n < 0, asked: map[string][]string{}}
	p := pipeline{dir: os.Args[2], workers: 2, transport: &asking{host: os.Args[1]}}
	p.source = func(s syncer.Source) syncer.Source { return &mortalSource{Source: s, m: m} }
	p.store = func(s syncer.Store) syncer.Store { return &mortalStore{Store: s, m: m} }
	if _, err := p.run(context.Background()); err != nil {
		fmt.Println("error", err)
		return 1
	}
	return 0
}

// mortality kills the process as soon as a checkpoint is written. No other one is
// being written then.
type mortality struct {
	mu    sync.Mutex
	left  int
	early bool                // it kills before the checkpoint is written
	asked map[string][]string // requests by what they were made for
}

// write writes a checkpoint, and tells which requests it makes superfluous.
func (m *mortality) write(reason string, checkpoint func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left--; m.left != 0 || !m.early {
		if err := checkpoint(); err != nil {
			return err
		}
	}
	for _, uri := range m.asked[reason] {
		fmt.Println("stored", uri)
	}
	if m.left == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return nil
}

// askedBy is the context's key for what requests are made for.
type askedBy struct{}

// note collects the requests that are made with the context it returns.
func (m *mortality) note(ctx context.Context, reason string) context.Context {
	return context.WithValue(ctx, askedBy{}, func(uri string) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.asked[reason] = append(m.asked[reason], uri)
	})
}

// asking sends requests to a simulator and notes them.
type asking struct {
	host      string
	transport http.Transport
}

// RoundTrip implements [http.RoundTripper].
func (a *asking) RoundTrip(r *http.Request) (*http.Response, error) {
	if note, ok := r.Context().Value(askedBy{}).(func(string)); ok {
		note(r.URL.RequestURI())
	}
	r = r.Clone(r.Context())
	r.URL.Host = a.host
	return a.transport.RoundTrip(r)
}

func pageOf(l syncer.List, token string) string { return l.String() + " " + token }

// mortalSource notes what its requests are made for.
type mortalSource struct {
	syncer.Source
	m *mortality
}

func (s *mortalSource) Read(ctx context.Context, l syncer.List, token string) (*syncer.Page, error) {
	return s.Source.Read(s.m.note(ctx, pageOf(l, token)), l, token)
}

func (s *mortalSource) Lookup(ctx context.Context, id *v2.ResourceId) (*syncer.Page, error) {
	return s.Source.Lookup(s.m.note(ctx, id.GetResource()), id)
}

// mortalStore is a store in which every write is a checkpoint.
type mortalStore struct {
	syncer.Store
	m *mortality
}

func (s *mortalStore) Begin(ctx context.Context, st syncer.State, b *syncer.Batch) error {
	return s.m.write("", func() error { return s.Store.Begin(ctx, st, b) })
}

func (s *mortalStore) Commit(ctx context.Context, b *syncer.Batch) (c syncer.Committed, err error) {
	err = s.m.write(pageOf(b.Token.List, b.Token.Token), func() error {
		c, err = s.Store.Commit(ctx, b)
		return err
	})
	return c, err
}

func (s *mortalStore) Settle(ctx context.Context, l syncer.OpenList, verdict syncer.Verdict) (tokens []syncer.Token, err error) {
	err = s.m.write("", func() error {
		tokens, err = s.Store.Settle(ctx, l, verdict)
		return err
	})
	return tokens, err
}

func (s *mortalStore) Advance(ctx context.Context, from, to syncer.Phase, took time.Duration) error {
	return s.m.write("", func() error { return s.Store.Advance(ctx, from, to, took) })
}

func (s *mortalStore) Found(ctx context.Context, b *syncer.Batch) error {
	return s.m.write(b.Resources[0].Ref.ID, func() error { return s.Store.Found(ctx, b) })
}

func (s *mortalStore) Absent(ctx context.Context, r syncer.Ref, facts ...syncer.Fact) error {
	return s.m.write(r.ID, func() error { return s.Store.Absent(ctx, r, facts...) })
}

func (s *mortalStore) Join(ctx context.Context, join func(syncer.JoinStore) error) error {
	return s.m.write("", func() error { return s.Store.Join(ctx, join) })
}

// mortalRun is where such syncs run.
type mortalRun struct {
	t    *testing.T
	sim  *jcsim.Server
	host string
	*jcsim.Clients
	pipeline
}

func newMortalRun(t *testing.T, tenant *jcsim.Tenant, yesterday []byte) *mortalRun {
	t.Helper()
	sim := jcsim.New(jcsim.Options{Tenant: tenant, Record: true})
	clients := serveClients(t, sim)
	r := &mortalRun{t, sim, strings.TrimPrefix(clients.URL, "http://"), clients, pipeline{dir: t.TempDir()}}
	writeFile(t, r.path(), yesterday)
	return r
}

// run runs one, and returns which requests its checkpoints make superfluous, and
// its exit code, which is -1 when it was killed.
func (r *mortalRun) run(checkpoints int) (stored map[string]bool, code int) {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.CommandContext(r.t.Context(), self, r.host, r.dir)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", killAfter, checkpoints))
	out, err := cmd.Output()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	stored = map[string]bool{}
	for line := range strings.Lines(string(out)) {
		uri, ok := strings.CutPrefix(strings.TrimSpace(line), "stored ")
		if !ok {
			r.t.Fatal(line)
		}
		stored[uri] = true
	}
	return stored, cmd.ProcessState.ExitCode()
}

// goOn runs the next sync, and returns which of the superfluous requests it makes.
func (r *mortalRun) goOn(stored map[string]bool) (again []string) {
	r.t.Helper()
	forget(r.t, r.Clients)
	r.sim.ResetCounts()
	if _, code := r.run(0); code != exitOK {
		r.t.Fatalf("the next sync ended with %d", code)
	}
	for _, asked := range r.sim.Log() {
		// Whoever reads administrators resolves their roles by the list of all.
		if stored[asked.URI] && !strings.HasPrefix(asked.URI, "/api/v2/roles?") {
			again = append(again, asked.URI)
		}
	}
	return again
}

// TestKilledAfterEachCheckpoint kills a sync as soon as its first checkpoint is on
// the disk, another one after its second, and so on. Whoever goes on asks for
// nothing that was stored, and makes the archive of an undisturbed sync; until then,
// the old archive can be read.
func TestKilledAfterEachCheckpoint(t *testing.T) {
	t.Parallel()
	tenant := jcsim.Generate(3, jcsim.Size{Users: 30, Groups: 5, Apps: 4, Admins: 3, Ghosts: 1, Hidden: 2})
	yesterday := oldArchive(t)
	whole := newPipeline(jcsim.New(jcsim.Options{Tenant: tenant}), t.TempDir())
	if _, err := whole.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := dump(t, whole.path())
	step := 1
	if testing.Short() {
		step = 7
	}
	checkpoints := 0
	for n := 1; ; n += step {
		v := newMortalRun(t, tenant, yesterday)
		stored, code := v.run(n)
		if code == exitOK {
			break
		}
		checkpoints++
		if !bytes.Equal(yesterday, file(t, v.path())) {
			t.Fatalf("after %d checkpoints, the old archive is not what it was", n)
		}
		for _, uri := range v.goOn(stored) {
			t.Errorf("after %d checkpoints, %s was asked for again", n, uri)
		}
		if dump(t, v.path()) != want {
			t.Errorf("after %d checkpoints, the archive is another one", n)
		}
	}
	t.Logf("%d syncs were killed", checkpoints)
	if checkpoints*step < 20 {
		t.Errorf("a sync has %d checkpoints only", checkpoints*step)
	}
}

// TestPlantedEarlyCheckpoint takes pages for stored that are not yet.
func TestPlantedEarlyCheckpoint(t *testing.T) {
	t.Parallel()
	v := newMortalRun(t, jcsim.Generate(3, jcsim.Size{Users: 30, Groups: 5, Apps: 4, Admins: 3}), oldArchive(t))
	stored, code := v.run(-8)
	if code == exitOK {
		t.Fatal("it was not killed")
	}
	if again := v.goOn(stored); len(again) != 1 {
		t.Errorf("one page was lost, and %q were asked for again", again)
	}
}
