package cli

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
)

// TestWatchTells tells of the first sync, of one that changed something, and of one that did not, and
// runs the command only where something changed.
func TestWatchTells(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	archive, seen := filepath.Join(dir, "sync.c1z"), filepath.Join(dir, "seen")
	var out bytes.Buffer
	w := &watcher{
		app: &program.App{Process: program.Process{Stdout: &out}}, cfg: &config.Config{Output: config.Output{File: archive, TempDir: dir}},
		console: &console.Console{Log: &logs.Log{Logger: slog.New(slog.DiscardHandler)}},
		options: watchOptions{output: "json", onChange: `cat >> "` + seen + `"`},
	}
	synced := func(b *reviewtest.Builder, at time.Time) (m message) {
		t.Helper()
		out.Reset()
		b.WriteTo(archive, at)
		if err := w.synced(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.options.output == "json" {
			if err := json.Unmarshal(out.Bytes(), &m); err != nil {
				t.Fatalf("%v: %s", err, &out)
			}
		}
		return m
	}
	first := synced(reviewtest.Company(t), reviewtest.Begin)
	if first.Event != "sync" || first.SyncID == "" || first.PreviousSync != "" || first.Changes != 0 {
		t.Errorf("the first sync is told as %+v", first)
	}
	second := synced(reviewtest.Later(t), reviewtest.Begin.Add(time.Hour))
	if second.Changes == 0 || second.PreviousSync != first.SyncID || !bytes.Contains(second.Tables, []byte(`"change"`)) {
		t.Errorf("the second sync is told as %+v", second)
	}
	told, err := os.ReadFile(seen)
	if err != nil || string(told)+"\n" != out.String() {
		t.Errorf("the command saw %s (%v)", told, err)
	}
	if third := synced(reviewtest.Later(t), reviewtest.Begin.Add(2*time.Hour)); third.Changes != 0 {
		t.Errorf("a sync without changes is told as %+v", third)
	}
	if again, err := os.ReadFile(seen); err != nil || !bytes.Equal(again, told) {
		t.Errorf("without changes the command saw %s (%v)", again, err)
	}
	w.options.output = "text"
	synced(reviewtest.Company(t), reviewtest.Begin.Add(3*time.Hour))
	if text := out.String(); !strings.Contains(text, " changes since sync ") || !strings.Contains(text, "removed") {
		t.Errorf("to people: %s", text)
	}
}
