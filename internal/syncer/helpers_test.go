package syncer_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

var quiet = slog.New(slog.DiscardHandler)

// openStore opens the work database of a folder and closes it with the test.
func openStore(t testing.TB, dir string) *workdb.DB {
	t.Helper()
	db, err := workdb.Open(t.Context(), dir, workdb.Fingerprint{Organization: "o"}, quiet)
	if err != nil {
		t.Fatalf("open work database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close work database: %v", err)
		}
	})
	return db
}

// sync runs a whole sync and returns what the archive got.
func runSync(ctx context.Context, store syncer.Store, source syncer.Source, scope syncer.Scope, workers int) (*recorder, syncer.Summary, error) {
	if err := syncer.Run(ctx, syncer.Config{Source: source, Store: store, Scope: scope, Workers: workers, Logger: quiet}); err != nil {
		return nil, syncer.Summary{}, err
	}
	rec := &recorder{}
	sum, err := syncer.Build(ctx, syncer.BuildConfig{Store: store, Archive: rec, Logger: quiet})
	return rec, sum, err
}

// mustSync is runSync in a fresh folder, without an error.
func mustSync(t testing.TB, source syncer.Source, scope syncer.Scope, workers int) (*recorder, syncer.Summary) {
	t.Helper()
	rec, sum, err := runSync(t.Context(), openStore(t, t.TempDir()), source, scope, workers)
	if err != nil {
		t.Fatalf("sync: %v", err)
	}
	return rec, sum
}

// diff compares what two archives got, rows and order.
func diff(want, got *recorder) string {
	if equal(want.types, got.types) && equal(want.resources, got.resources) &&
		equal(want.entitlements, got.entitlements) && equal(want.grants, got.grants) {
		return ""
	}
	// Slower, but it can tell.
	return "different:" + cmp.Diff(want, got, cmp.AllowUnexported(recorder{}), protocmp.Transform())
}

func equal[M proto.Message](want, got []M) bool {
	return slices.EqualFunc(want, got, func(a, b M) bool { return proto.Equal(a, b) })
}
