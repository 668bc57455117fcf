package syncer_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

var errCut = errors.New("cut")

// cutStore is a Store that fails from its n-th write on, as if the process had
// ended there. It remembers the pages that it stored.
type cutStore struct {
	syncer.Store
	mu     sync.Mutex
	left   int // writes until the cut
	writes int
	stored map[string]bool
	looked map[syncer.Ref]bool
}

func (s *cutStore) write() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left == 0 {
		return errCut
	}
	s.left--
	s.writes++
	return nil
}

func (s *cutStore) Begin(ctx context.Context, st syncer.State, b *syncer.Batch) error {
	if err := s.write(); err != nil {
		return err
	}
	return s.Store.Begin(ctx, st, b)
}

func (s *cutStore) Commit(ctx context.Context, b *syncer.Batch) (syncer.Committed, error) {
	if err := s.write(); err != nil {
		return syncer.Committed{}, err
	}
	c, err := s.Store.Commit(ctx, b)
	if err == nil {
		s.mu.Lock()
		s.stored[b.Token.List.String()+" "+b.Token.Token] = true
		s.mu.Unlock()
	}
	return c, err
}

func (s *cutStore) Settle(ctx context.Context, l syncer.OpenList, verdict syncer.Verdict) ([]syncer.Token, error) {
	if err := s.write(); err != nil {
		return nil, err
	}
	return s.Store.Settle(ctx, l, verdict)
}

func (s *cutStore) Advance(ctx context.Context, from, to syncer.Phase, took time.Duration) error {
	if err := s.write(); err != nil {
		return err
	}
	return s.Store.Advance(ctx, from, to, took)
}

func (s *cutStore) Found(ctx context.Context, b *syncer.Batch) error {
	if err := s.write(); err != nil {
		return err
	}
	err := s.Store.Found(ctx, b)
	if err == nil {
		s.mu.Lock()
		s.looked[b.Resources[0].Ref] = true
		s.mu.Unlock()
	}
	return err
}

func (s *cutStore) Absent(ctx context.Context, r syncer.Ref, facts ...syncer.Fact) error {
	if err := s.write(); err != nil {
		return err
	}
	err := s.Store.Absent(ctx, r, facts...)
	if err == nil {
		s.mu.Lock()
		s.looked[r] = true
		s.mu.Unlock()
	}
	return err
}

// Join fails after the source's work, where a crash would lose the transaction.
func (s *cutStore) Join(ctx context.Context, join func(syncer.JoinStore) error) error {
	cut := s.write()
	return s.Store.Join(ctx, func(tx syncer.JoinStore) error {
		if err := join(tx); err != nil {
			return err
		}
		return cut
	})
}

// TestCutAfterEveryWrite stops a sync after its first, second, ... write, finishes
// it with another Run over the same files, and compares.
func TestCutAfterEveryWrite(t *testing.T) {
	t.Parallel()
	tenants := map[string]func() *tenant{
		"small": small,
		"chains": func() *tenant {
			tn := small()
			tn.chains, tn.limit = true, 2
			return tn
		},
	}
	for name, newTenant := range tenants {
		for _, workers := range []int{1, 5} {
			t.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(t *testing.T) {
				t.Parallel()
				want, _ := mustSync(t, newTenant(), syncer.Scope{}, workers)
				for n := 0; ; n++ {
					if finished := cutAfter(t, n, newTenant, workers, want); finished {
						if n < 20 {
							t.Errorf("a sync has %d writes only", n)
						}
						break
					}
				}
			})
		}
	}
}

// cutAfter stops a sync after n writes and finishes it, and reports whether it
// finished without being stopped.
func cutAfter(t *testing.T, n int, newTenant func() *tenant, workers int, want *recorder) (finished bool) {
	t.Helper()
	dir := t.TempDir()
	db := openStore(t, dir)
	store := &cutStore{Store: db, left: n, stored: map[string]bool{}, looked: map[syncer.Ref]bool{}}
	first := newTenant()
	_, _, err := runSync(t.Context(), store, first, syncer.Scope{}, workers)
	if err == nil {
		return true
	}
	if !errors.Is(err, errCut) {
		t.Fatalf("after %d writes: %v", n, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	second := newTenant()
	got, _, err := runSync(t.Context(), openStore(t, dir), second, syncer.Scope{}, workers)
	if err != nil {
		t.Fatalf("resumed after %d writes: %v", n, err)
	}
	if d := diff(want, got); d != "" {
		t.Fatalf("rows after a cut after %d writes (-uncut +cut):\n%s", n, d)
	}
	for page := range second.reads {
		if store.stored[page] {
			t.Errorf("after %d writes, %q was read again", n, page)
		}
	}
	for ref := range second.looked {
		if store.looked[ref] {
			t.Errorf("after %d writes, %s was looked up again", n, ref)
		}
	}
	if n > 0 && second.starts > 0 {
		t.Errorf("after %d writes, the source was started again", n)
	}
	return false
}

// A build that dies is repeated without a request, and gives the same rows.
func TestBuildAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := openStore(t, dir)
	tn := mixed()
	if err := syncer.Run(t.Context(), syncer.Config{Source: tn, Store: db, Workers: 4, Logger: quiet}); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	if _, err := syncer.Build(t.Context(), syncer.BuildConfig{Store: db, Archive: &recorder{fail: full}, Logger: quiet}); !errors.Is(err, full) {
		t.Fatalf("Build = %v, want %v", err, full)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again := mixed()
	got, _, err := runSync(t.Context(), openStore(t, dir), again, syncer.Scope{}, 4)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(mixed().want(), got); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	if again.starts+len(again.reads)+len(again.looked)+again.joins > 0 {
		t.Errorf("the second build asked the source")
	}
}

// childDir is the variable that makes the test binary a sync to be killed.
const childDir = "SYNCER_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

// child runs a sync and tells on stdout what it does, one line each, and waits for
// its parent to have read it.
func child(dir string) int {
	ctx := context.Background()
	db, err := workdb.Open(ctx, dir, workdb.Fingerprint{Organization: "o"}, quiet)
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	var mu sync.Mutex
	answers := bufio.NewReader(os.Stdin)
	tell := func(what, page string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(what, page)
		_, _ = answers.ReadByte() // the end of the parent is the end of the child
	}
	tn := mixed()
	tn.onRead = func(_ context.Context, l syncer.List, token string) error {
		tell("read", l.String()+" "+token)
		return nil
	}
	_, _, err = runSync(ctx, &tellingStore{db, tell}, tn, syncer.Scope{}, 4)
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("finished")
	return 0
}

// tellingStore tells which pages are stored.
type tellingStore struct {
	syncer.Store
	tell func(what, page string)
}

func (s *tellingStore) Commit(ctx context.Context, b *syncer.Batch) (syncer.Committed, error) {
	c, err := s.Store.Commit(ctx, b)
	if err == nil {
		s.tell("stored", b.Token.List.String()+" "+b.Token.Token)
	}
	return c, err
}

// TestKill kills a sync in another process, again and again after some more of its
// pages, until it gets through. No page that was stored is read again.
func TestKill(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "work")
	stored := map[string]bool{}
	kills := 0
	for round := 1; ; round++ {
		cmd := exec.CommandContext(t.Context(), exe)
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		finished, events := false, 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			what, page, _ := strings.Cut(lines.Text(), " ")
			switch what {
			case "read":
				if stored[page] {
					t.Errorf("%q was read again", page)
				}
			case "stored":
				stored[page] = true
			case "finished":
				finished = true
			default:
				t.Fatalf("child: %s", lines.Text())
			}
			// The child goes on with its other pages while it dies.
			if events++; events == 5+round {
				if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Fatal(err)
				}
			}
			_, _ = in.Write([]byte{'\n'}) // fails once the child is dead
		}
		err = cmd.Wait()
		if finished {
			break
		}
		if err == nil {
			t.Fatal("the child ended without an error and without finishing")
		}
		kills++
	}
	if kills < 5 {
		t.Errorf("the sync was killed %d times only", kills)
	}
	db := openStore(t, dir)
	if !db.Info().Resumed {
		t.Error("the work of the killed processes is gone")
	}
	got, _, err := runSync(t.Context(), db, mixed(), syncer.Scope{}, 4)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(mixed().want(), got); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
}
