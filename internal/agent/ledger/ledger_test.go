package ledger_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/conductorone/baton-jumpcloud/internal/agent/ledger"
)

func open(t *testing.T, dir string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// reopen is what a new process finds after the old one was killed: the files.
func reopen(t *testing.T, dir string) *ledger.Ledger {
	t.Helper()
	killed := t.TempDir()
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return open(t, killed)
}

func pendingResults(t *testing.T, want []ledger.PendingResult, l *ledger.Ledger) {
	t.Helper()
	if diff := cmp.Diff(want, l.Pending(), cmpopts.IgnoreFields(ledger.PendingResult{}, "Begun")); diff != "" {
		t.Errorf("pending results (-want +got):\n%s", diff)
	}
}

func TestEveryStepSurvivesAKill(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	l := open(t, dir)
	again := func(want bool) {
		t.Helper()
		for _, l := range []*ledger.Ledger{l, reopen(t, dir)} {
			if got, err := l.Begin("a", "grant"); err != nil || got != want {
				t.Errorf("begun again is %v, %v, want %v", got, err, want)
			}
		}
	}
	if got, err := l.Begin("a", "grant"); err != nil || got {
		t.Fatalf("first begin: %v, %v", got, err)
	}
	again(true)
	pendingResults(t, nil, reopen(t, dir))
	if n := reopen(t, dir).Unfinished(); n != 1 {
		t.Errorf("%d tasks unfinished", n)
	}

	if err := l.Add("a", "grant", []byte("done")); err != nil {
		t.Fatal(err)
	}
	if err := l.Add("b", "list_events", []byte("other")); err != nil {
		t.Fatal(err)
	}
	want := []ledger.PendingResult{{TaskID: "a", Kind: "grant", Result: []byte("done")}, {TaskID: "b", Kind: "list_events", Result: []byte("other")}}
	pendingResults(t, want, l)
	pendingResults(t, want, reopen(t, dir))
	if err := reopen(t, dir).Add("a", "grant", []byte("something else")); err == nil {
		t.Error("a second result was taken")
	}
	pendingResults(t, want, l)

	if err := l.Settle("a"); err != nil {
		t.Fatal(err)
	}
	if err := l.Settle("unknown"); err != nil {
		t.Error(err)
	}
	pendingResults(t, want[1:], l)
	pendingResults(t, want[1:], reopen(t, dir))
	if got, err := l.Begin("a", "grant"); err != nil || got {
		t.Errorf("begin of a settled task: %v, %v", got, err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	if _, err := ledger.Open(dir, slog.New(slog.DiscardHandler)); !errors.Is(err, ledger.ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("error is %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatAKillOrADiskLeavesBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	if err := l.Add("good", "grant", []byte("x")); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		".writing-123":    string(whole[:10]),
		"half.json":       string(whole[:len(whole)/2]),
		"empty.json":      "",
		"other-name.json": string(whole),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var lines strings.Builder
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, err = ledger.Open(dir, slog.New(slog.NewTextHandler(&lines, nil)))
	if err != nil {
		t.Fatal(err)
	}
	pendingResults(t, []ledger.PendingResult{{TaskID: "good", Kind: "grant", Result: []byte("x")}}, l)
	if n := strings.Count(lines.String(), "set aside"); n != 3 {
		t.Errorf("%d files were set aside:\n%s", n, lines.String())
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 5 { // The good one, three set aside, the lock.
		t.Errorf("files left: %v, %v", left, err)
	}
	for _, f := range left {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", f, info.Mode(), err)
		}
	}
}

func TestATaskThatNeverCameAgainIsForgotten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := open(t, dir)
		if _, err := l.Begin("begun", "grant"); err != nil {
			t.Fatal(err)
		}
		if err := l.Add("owed", "grant", []byte("x")); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			wait time.Duration
			left int
		}{{7 * 24 * time.Hour, 1}, {time.Second, 0}} {
			<-time.After(step.wait)
			l := reopen(t, dir)
			if n := l.Unfinished(); n != step.left {
				t.Errorf("after %v more: %d tasks unfinished, want %d", step.wait, n, step.left)
			}
			pendingResults(t, []ledger.PendingResult{{TaskID: "owed", Kind: "grant", Result: []byte("x")}}, l)
		}
	})
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Begin("a", "grant"); err == nil {
		t.Error("begin: no error")
	}
	if err := l.Add("a", "grant", []byte("x")); err == nil {
		t.Error("add: no error")
	}
	pendingResults(t, nil, l)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Open(file, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("open: no error")
	}
}
