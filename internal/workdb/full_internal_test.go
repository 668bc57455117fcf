package workdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// A full disk ends a write with an error that names the database and says what to
// do; what was stored before is there, and more can be stored once there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	logger := slog.New(slog.DiscardHandler)
	dir := t.TempDir()
	db, err := Open(t.Context(), dir, Fingerprint{}, logger)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Begin(t.Context(), syncer.State{}, &syncer.Batch{Lists: []syncer.List{{Kind: "users"}}}); err != nil {
		t.Fatal(err)
	}
	limit := func(pages int) {
		err := db.do(t.Context(), "limit", func(ctx context.Context, t *tx) error {
			return t.row(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages)).Scan(new(int))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(60)
	stored := 0
	put := func() error {
		return db.Found(t.Context(), &syncer.Batch{Resources: []syncer.ResourceRow{{
			Ref: syncer.Ref{Type: "user", ID: strconv.Itoa(stored)}, Data: make([]byte, 3000),
		}}})
	}
	for ; ; stored++ {
		if err = put(); err != nil {
			break
		}
	}
	if e := new(Error); !errors.As(err, &e) || e.Path != db.Path() || !strings.Contains(err.Error(), "free disk space and run again to resume") {
		t.Errorf("error = %v", err)
	}
	count := func(db *DB) (n int) {
		for _, err := range db.Resources(t.Context(), false) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	if stored == 0 || count(db) != stored {
		t.Errorf("%d resources are there, %d were stored", count(db), stored)
	}
	limit(1 << 20)
	if err := put(); err != nil {
		t.Errorf("once there is room: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err = Open(t.Context(), dir, Fingerprint{}, logger)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if !db.Info().Resumed || count(db) != stored+1 {
		t.Errorf("after opening again: %+v with %d resources", db.Info(), count(db))
	}
}

// One write of a group that fails does not take the others with it.
func TestGroupWithAFailure(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), t.TempDir(), Fingerprint{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	refused := errors.New("refused")
	jobs := make([]*job, 3)
	for i := range jobs {
		jobs[i] = &job{op: "test", done: make(chan error, 1), run: func(ctx context.Context, t *tx) error {
			if err := t.count(ctx, "n", 1); err != nil || i != 1 {
				return err
			}
			return refused
		}}
	}
	held := make(chan struct{})
	release := make(chan struct{})
	go func() {
		_ = db.do(t.Context(), "hold", func(context.Context, *tx) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	for _, j := range jobs {
		go func() { db.jobs <- j }()
	}
	close(release)
	for i, j := range jobs {
		if err := <-j.done; (err != nil) != (i == 1) || i == 1 && !errors.Is(err, refused) {
			t.Errorf("job %d = %v", i, err)
		}
	}
	if c, err := db.Counters(t.Context()); err != nil || c["n"] != 2 {
		t.Errorf("counters = %v, %v", c, err)
	}
}
