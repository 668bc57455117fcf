package logs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/logs"
)

func TestJSONHasTheKeysOfBatonConnectors(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, err := logs.New(logs.Options{Format: logs.FormatJSON, Stderr: &out})
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	log.Warn("read page", "error", errors.New("reset"), "took", 1500*time.Millisecond, "count", 3)

	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in %q", err, out.String())
	}
	ts, _ := got["ts"].(float64)
	if age := ts - float64(before.UnixNano())/1e9; age < -0.001 || age > 60 {
		t.Errorf("ts = %v, want seconds since 1970, about now", got["ts"])
	}
	caller, _ := got["caller"].(string)
	if !strings.HasPrefix(caller, "logs/logs_test.go:") {
		t.Errorf("caller = %q, want logs/logs_test.go:<line>", caller)
	}
	delete(got, "ts")
	delete(got, "caller")
	want := map[string]any{"level": "warn", "msg": "read page", "error": "reset", "took": 1.5, "count": 3.0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record differs (-want +got):\n%s", diff)
	}
}

func TestConsoleWithoutColorHasNoEscapes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, err := logs.New(logs.Options{Format: logs.FormatConsole, Stderr: &out})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("read users", "count", 3)
	if got := out.String(); !strings.Contains(got, "INF read users count=3") || strings.Contains(got, "\x1b") {
		t.Errorf("line = %q", got)
	}
}

func TestSeveralOutputs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "baton.log")
	var stdout, stderr bytes.Buffer
	log, err := logs.New(logs.Options{Format: logs.FormatJSON, Paths: []string{path, "stdout"}, Stdout: &stdout, Stderr: &stderr})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("hello")
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(file) != stdout.String() || !strings.Contains(stdout.String(), "hello") {
		t.Errorf("file %q, stdout %q: want the same line in both", file, stdout.String())
	}
	if stderr.Len() > 0 || log.OnStderr {
		t.Errorf("stderr = %q, OnStderr = %v; want nothing there", stderr.String(), log.OnStderr)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want 0600", info.Mode())
	}
}

func TestUnwritablePath(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "missing", "baton.log")
	if _, err := logs.New(logs.Options{Paths: []string{path}}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error = %v, want one that names %s", err, path)
	}
}

func TestLevelChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		level := new(logs.Level)
		log, err := logs.New(logs.Options{Level: slog.LevelError, Changing: level, Format: logs.FormatJSON, Stderr: &out})
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("1")
		log.Info("2")
		level.Set(slog.LevelDebug, time.Now().Add(time.Hour))
		log.With("a", 1).Debug("3")
		<-time.After(time.Hour)
		log.Debug("4")
		log.Info("5")
		level.Set(slog.LevelError, time.Time{})
		log.Warn("6")
		for text, want := range map[string]bool{"1": false, "2": true, "3": true, "4": false, "5": true, "6": false} {
			if got := strings.Contains(out.String(), `"msg":"`+text+`"`); got != want {
				t.Errorf("line %s is there: %v", text, got)
			}
		}
	})
}

func TestDebugExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log, err := logs.New(logs.Options{Level: slog.LevelDebug, DebugUntil: time.Now().Add(time.Hour), Format: logs.FormatJSON, Stderr: &out})
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("first")
		<-time.After(time.Hour)
		log.Debug("second")
		log.Info("third")
		for text, want := range map[string]bool{"first": true, "second": false, "third": true} {
			if got := strings.Contains(out.String(), text); got != want {
				t.Errorf("log has %q: %v, want %v", text, got, want)
			}
		}
	})
}
