package service

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// watched is an organization that is watched.
type watched struct {
	sim  *jcsim.Server
	dir  string
	said strings.Builder
	// key is what JumpCloud is asked with.
	key string
	// began are when syncs began that were told of, from the beginning.
	began []time.Duration
}

// run watches for a time, and says what came of it.
func (w *watched) run(t *testing.T, every, long time.Duration) error {
	t.Helper()
	cfg := &config.Config{
		JumpCloud: config.JumpCloud{APIKey: secret.New(w.key), BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}, Timeout: time.Minute},
		Sync:      config.Sync{Workers: 4, MaxDepth: 20},
		Output:    config.Output{File: filepath.Join(w.dir, "sync.c1z")},
	}
	ctx, stop := context.WithTimeout(t.Context(), long)
	defer stop()
	start := time.Now()
	o := Options{
		Config: cfg, Console: &console.Console{Log: &logs.Log{Logger: slog.New(slog.NewTextHandler(&w.said, nil))}}, Network: &network.Network{Transport: w.sim.RoundTripper()},
	}
	return Watch(ctx, o, every, func(ctx context.Context) error {
		w.began = append(w.began, time.Since(start).Truncate(time.Minute))
		r, err := c1z.Open(ctx, cfg.Output.File, c1z.OpenOptions{TempDir: w.dir})
		if err != nil {
			return err
		}
		run, err := r.Shown(ctx)
		if err == nil && time.Since(run.StartedAt) > time.Minute {
			err = errors.New("the archive is not that of the sync")
		}
		return errors.Join(err, r.Close())
	})
}

// TestWatch syncs by the clock, goes on after syncs that fail, and ends without an error.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &watched{sim: jcsim.New(jcsim.Options{Tenant: jcsim.Generate(1, jcsim.Small())}), dir: t.TempDir(), key: jcsim.DefaultKey}
		ended := make(chan error, 1)
		go func() { ended <- w.run(t, time.Hour, 7*time.Hour+30*time.Minute) }()
		// In the third hour, JumpCloud refuses the key for a while.
		<-time.After(2*time.Hour - time.Minute)
		refuse := func(faults ...jcsim.Fault) {
			if err := w.sim.Update(func(s *jcsim.Settings) { s.Faults = faults }); err != nil {
				t.Fatal(err)
			}
		}
		refuse(jcsim.Fault{Status: http.StatusUnauthorized})
		<-time.After(5 * time.Minute)
		refuse()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		// At 2h, 2h1m and 2h3m it fails, at 2h7m no more.
		want := []time.Duration{0, time.Hour, 2*time.Hour + 7*time.Minute, 3*time.Hour + 7*time.Minute, 4*time.Hour + 7*time.Minute, 5*time.Hour + 7*time.Minute, 6*time.Hour + 7*time.Minute, 7*time.Hour + 7*time.Minute}
		if len(w.began) != len(want) {
			t.Fatalf("synced at %v, want %v\n%s", w.began, want, &w.said)
		}
		for n, at := range w.began {
			if at != want[n] {
				t.Errorf("sync %d was at %s, want %s", n, at, want[n])
			}
		}
		if n := strings.Count(w.said.String(), `msg="sync failed"`); n != 3 || strings.Contains(w.said.String(), "could not be told") {
			t.Errorf("%d syncs failed\n%s", n, &w.said)
		}
	})
}

// TestWatchRefuses ends at once where the first sync would fail again, and goes on where JumpCloud is away.
func TestWatchRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &watched{sim: jcsim.New(jcsim.Options{Tenant: jcsim.Generate(1, jcsim.Small())}), dir: t.TempDir(), key: "jca_wrong"}
		if err := w.run(t, time.Hour, 24*time.Hour); err == nil || len(w.began) > 0 {
			t.Errorf("with a wrong key: %v", err)
		}
		w.key = jcsim.DefaultKey
		if err := w.sim.Update(func(s *jcsim.Settings) { s.Faults = []jcsim.Fault{{Status: http.StatusServiceUnavailable}} }); err != nil {
			t.Fatal(err)
		}
		if err := w.run(t, time.Hour, 5*time.Hour); err != nil || len(w.began) > 0 || !strings.Contains(w.said.String(), `msg="sync failed"`) {
			t.Errorf("while JumpCloud is away: %v", err)
		}
	})
}

// TestWatchTellsProbes is not ready before the first sync, nor after one that failed.
func TestWatchTellsProbes(t *testing.T) {
	t.Parallel()
	w := &watch{metrics: newMetrics()}
	if w.ready() == nil {
		t.Error("it is ready before the first sync")
	}
	w.told(nil)
	if err := w.ready(); err != nil {
		t.Error(err)
	}
	w.told(io.ErrUnexpectedEOF)
	if err := w.ready(); !errors.Is(err, io.ErrUnexpectedEOF) || !w.synced() {
		t.Errorf("after one that failed: %v", err)
	}
}
