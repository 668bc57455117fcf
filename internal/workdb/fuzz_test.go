package workdb_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

// FuzzResume resumes a work database of which some bytes are others. It is
// discarded, or it fails, or it answers; and it does not take long over it. The
// input is the change: where, and what stands there instead.
func FuzzResume(f *testing.F) {
	whole := filled(f)
	f.Add(uint32(0), []byte{})
	f.Add(uint32(0), []byte("SQLite format 4"))
	f.Add(uint32(18), []byte{9, 9})             // The versions of the file format.
	f.Add(uint32(28), []byte{0, 0, 0, 1})       // How many pages the file has.
	f.Add(uint32(60), []byte{0, 0, 0, 9})       // The version of the schema.
	f.Add(uint32(100), []byte{0x0d})            // The kind of the schema's root page.
	f.Add(uint32(103), []byte{0xff, 0xff})      // How many cells it has.
	f.Add(uint32(4096), []byte{0x02, 0, 0, 0})  // The kind of a page.
	f.Add(uint32(2*4096-40), []byte("2030-01")) // The end of a page, where its rows are.
	f.Add(uint32(len(whole)-1), []byte{0})
	f.Fuzz(func(t *testing.T, at uint32, change []byte) {
		if int64(at)+int64(len(change)) > int64(len(whole)) {
			t.Skip("the change does not fit")
		}
		changed := bytes.Clone(whole)
		copy(changed[at:], change)
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "work.db"), changed, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := workdb.Open(t.Context(), dir, fingerprint, slog.New(slog.DiscardHandler))
		if err != nil {
			return
		}
		defer func() {
			if err := db.Remove(); err != nil {
				t.Error(err)
			}
		}()
		use(t, db)
	})
}

// filled is the file of a work database with rows of every kind.
func filled(f *testing.F) []byte {
	f.Helper()
	dir := f.TempDir()
	db, err := workdb.Open(f.Context(), dir, fingerprint, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	users := syncer.List{Kind: "users"}
	err = db.Begin(f.Context(), syncer.State{Phase: syncer.PhaseReading}, &syncer.Batch{Lists: []syncer.List{users, {Kind: "groups"}}})
	if err != nil {
		f.Fatal(err)
	}
	tokens, _, err := db.OpenTokens(f.Context(), 10)
	if err != nil || len(tokens) != 2 {
		f.Fatal(tokens, err)
	}
	_, err = db.Commit(f.Context(), &syncer.Batch{
		Token: tokens[0], Next: []string{"p0.100.100", "p0.200.100"}, Receipt: []byte(`{"k":83}`), Rows: 2, Total: 300,
		Resources: []syncer.ResourceRow{
			{Ref: syncer.Ref{Type: "user", ID: "u1"}, Name: "Ada", Data: []byte("\x0a\x04user")},
			{Ref: syncer.Ref{Type: "user", ID: "u2"}, Name: "Bo", Data: bytes.Repeat([]byte("long"), 3000)},
		},
		Hints:        []syncer.ResourceRow{{Ref: syncer.Ref{Type: "role", ID: "r1"}, Name: "Role"}},
		Entitlements: []syncer.EntitlementRow{{ID: "group:g1", Resource: syncer.Ref{Type: "group", ID: "g1"}, Data: []byte("x")}},
		Grants:       []syncer.GrantBlock{{Entitlement: "group:g1", Count: 3, Expandable: 1, Data: []byte{1, 2, 3}}},
		Facts:        []syncer.Fact{{Kind: "name", Key: "u1", Value: "Ada"}},
		Lists:        []syncer.List{{Kind: "group members", Owner: syncer.Ref{Type: "group", ID: "g1"}}},
		Remarks:      []string{"this is a test"}, Counts: map[string]int64{syncer.CounterLeftOut: 4},
	})
	if err != nil {
		f.Fatal(err)
	}
	if err := db.Absent(f.Context(), syncer.Ref{Type: "user", ID: "u9"}); err != nil {
		f.Fatal(err)
	}
	if err := db.Save(f.Context(), "set", []byte("spilled")); err != nil {
		f.Fatal(err)
	}
	if err := db.Close(); err != nil {
		f.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "work.db"))
	if err != nil {
		f.Fatal(err)
	}
	return content
}

// use asks a database for everything that a sync would, and writes a page. What it
// answers is of no interest; that it answers is.
func use(t *testing.T, db *workdb.DB) {
	t.Helper()
	ctx := t.Context()
	_, _ = db.State(ctx)
	_, _ = db.Kinds(ctx)
	_, _ = db.Counts(ctx)
	_, _ = db.Blocks(ctx, "group:g1")
	_, _ = db.Expandable(ctx)
	_, _, _ = db.UnknownEntitlement(ctx)
	_, _ = db.Aliases(ctx)
	_, _ = db.Vanished(ctx)
	_, _ = db.VanishedGrants(ctx)
	_, _ = db.Remarks(ctx)
	_, _ = db.Durations(ctx)
	_, _ = db.Load(ctx, "set")
	for _, names := range []bool{false, true} {
		for _, err := range db.Resources(ctx, names) {
			_ = err
		}
	}
	for _, err := range db.Entitlements(ctx) {
		_ = err
	}
	for _, err := range db.AllBlocks(ctx) {
		_ = err
	}
	lists, err := db.IdleLists(ctx)
	if err == nil {
		for _, l := range lists {
			_, _ = db.Receipts(ctx, l.ID)
			_, _ = db.Settle(ctx, l, syncer.Verdict{Next: []string{"p1.0.100"}, Moved: true})
		}
	}
	tokens, _, err := db.OpenTokens(ctx, 100)
	if err != nil {
		return
	}
	for _, token := range tokens {
		_, _ = db.Commit(ctx, &syncer.Batch{
			Token: token, Settled: true, Resources: []syncer.ResourceRow{{Ref: syncer.Ref{Type: "user", ID: "u3"}, Name: "Cem"}},
		})
	}
}
