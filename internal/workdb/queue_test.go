package workdb_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/testing/protocmp"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

// fresh makes a database with a sync of two lists.
func fresh(t *testing.T) *workdb.DB {
	t.Helper()
	db := open(t, t.TempDir(), fingerprint, slog.New(slog.DiscardHandler))
	err := db.Begin(t.Context(), syncer.State{}, &syncer.Batch{Lists: []syncer.List{{Kind: "users"}, {Kind: "groups"}}})
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	return db
}

// openTokens lists the open tokens.
func openTokens(t *testing.T, db *workdb.DB) []syncer.Token {
	t.Helper()
	tokens, _, err := db.OpenTokens(t.Context(), 100)
	if err != nil {
		t.Fatalf("OpenTokens: %v", err)
	}
	return tokens
}

func commit(t *testing.T, db *workdb.DB, b *syncer.Batch) syncer.Committed {
	t.Helper()
	c, err := db.Commit(t.Context(), b)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return c
}

func userRef(id string) syncer.Ref { return syncer.Ref{Type: "user", ID: id} }

// all gathers what an iterator yields.
func all[T any](t *testing.T, seq func(func(T, error) bool)) []T {
	t.Helper()
	var got []T
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, v)
	}
	return got
}

func TestState(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir(), fingerprint, slog.New(slog.DiscardHandler))
	want := syncer.State{
		Phase: syncer.PhaseReading,
		Scope: syncer.Scope{
			ResourceTypes: []string{"user"}, Targets: []*v2.ResourceId{{ResourceType: "user", Resource: "u"}},
			SkipEntitlementsAndGrants: true, SkipGrants: true,
		},
		ResourceTypes: []*v2.ResourceType{{Id: "user", DisplayName: "User"}},
		LeftOut:       []string{"group"},
	}
	if err := db.Begin(t.Context(), want, &syncer.Batch{}); err != nil {
		t.Fatal(err)
	}
	got, err := db.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
		t.Errorf("state (-want +got):\n%s", d)
	}
	if err := db.Begin(t.Context(), want, &syncer.Batch{}); err == nil {
		t.Error("the sync began twice")
	}
	for _, took := range []time.Duration{time.Second, 2 * time.Second} {
		if err := db.Advance(t.Context(), syncer.PhaseReading, syncer.PhaseLookup, took); err != nil {
			t.Fatal(err)
		}
	}
	durations, err := db.Durations(t.Context())
	if err != nil || durations[syncer.PhaseReading] != 3*time.Second {
		t.Errorf("durations = %v, %v", durations, err)
	}
}

// A page that is stored twice changes nothing the second time, whatever it says.
func TestCommitTwice(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	tok := openTokens(t, db)[0]
	batch := &syncer.Batch{
		Token: tok, Next: []string{"2", "3"}, Receipt: []byte("n"), Rows: 2, Total: 6,
		Resources: []syncer.ResourceRow{{Ref: userRef("u1"), Name: "One", Data: []byte("1")}},
		Grants:    []syncer.GrantBlock{{Entitlement: "e", Count: 1, Data: []byte("g")}},
		Lists:     []syncer.List{{Kind: "more", Owner: userRef("u1")}},
		Counts:    map[string]int64{"c": 1},
	}
	first := commit(t, db, batch)
	if len(first.Tokens) != 3 || first.Idle || first.Complete {
		t.Errorf("the first commit leaves %+v", first)
	}
	before := openTokens(t, db)
	if again := commit(t, db, batch); len(again.Tokens) != 0 || again.Idle || again.Complete {
		t.Errorf("the second commit leaves %+v", again)
	}
	if d := cmp.Diff(before, openTokens(t, db)); d != "" {
		t.Errorf("open tokens after the second commit (-before +after):\n%s", d)
	}
	receipts, err := db.Receipts(t.Context(), tok.ListID)
	if err != nil || len(receipts) != 1 {
		t.Errorf("receipts = %q, %v", receipts, err)
	}
	blocks, err := db.Blocks(t.Context(), "e")
	if err != nil || len(blocks) != 1 {
		t.Errorf("blocks = %v, %v", blocks, err)
	}
	counters, err := db.Counters(t.Context())
	if err != nil || counters["c"] != 1 {
		t.Errorf("counters = %v, %v", counters, err)
	}
	kinds, err := db.Kinds(t.Context())
	if err != nil || kinds[0] != (syncer.KindProgress{Kind: "users", Lists: 1, Rows: 2, Total: 6, PagesDone: 1, PagesOpen: 2}) {
		t.Errorf("kinds = %+v, %v", kinds, err)
	}
}

func TestListsSettle(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	tokens := openTokens(t, db)
	if c := commit(t, db, &syncer.Batch{Token: tokens[0], Settled: true}); !c.Complete || c.Idle {
		t.Errorf("a page that settles its list leaves %+v", c)
	}
	if c := commit(t, db, &syncer.Batch{Token: tokens[1]}); c.Complete || !c.Idle {
		t.Errorf("the last page of a list leaves %+v", c)
	}
	idle, err := db.IdleLists(t.Context())
	if err != nil || len(idle) != 1 || idle[0].List.Kind != "groups" {
		t.Fatalf("idle lists = %v, %v", idle, err)
	}
	again, err := db.Settle(t.Context(), idle[0], syncer.Verdict{Next: []string{"", "again"}})
	if err != nil || len(again) != 1 || again[0].Token != "again" || again[0].List.Kind != "groups" {
		t.Fatalf("Settle = %+v, %v, want the token that is new", again, err)
	}
	if c := commit(t, db, &syncer.Batch{Token: again[0]}); !c.Idle {
		t.Errorf("the page that was read again leaves %+v", c)
	}
	if _, err := db.Settle(t.Context(), idle[0], syncer.Verdict{}); err != nil {
		t.Fatal(err)
	}
	if idle, err := db.IdleLists(t.Context()); err != nil || len(idle) != 0 {
		t.Errorf("idle lists = %v, %v", idle, err)
	}
	if left := openTokens(t, db); len(left) != 0 {
		t.Errorf("open tokens = %v", left)
	}
}

func TestHintsGiveWay(t *testing.T) {
	t.Parallel()
	row := func(data string) []syncer.ResourceRow {
		return []syncer.ResourceRow{{Ref: syncer.Ref{Type: "role", ID: "r"}, Name: data, Data: []byte(data)}}
	}
	for _, tt := range []struct {
		name  string
		pages []*syncer.Batch
		want  string
	}{
		{"hint first", []*syncer.Batch{{Hints: row("hint")}, {Resources: row("real")}}, "real"},
		{"hint last", []*syncer.Batch{{Resources: row("real")}, {Hints: row("hint")}}, "real"},
		{"two hints", []*syncer.Batch{{Hints: row("b")}, {Hints: row("a")}}, "a"},
		{"two hints in the other order", []*syncer.Batch{{Hints: row("a")}, {Hints: row("b")}}, "a"},
		{"last observation", []*syncer.Batch{{Resources: row("old")}, {Resources: row("new")}}, "new"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			for i, tok := range openTokens(t, db) {
				tt.pages[i].Token = tok
				commit(t, db, tt.pages[i])
			}
			got := all(t, db.Resources(t.Context(), false))
			if len(got) != 1 || string(got[0].Data) != tt.want || got[0].Name != tt.want {
				t.Errorf("resources = %+v, want %q", got, tt.want)
			}
		})
	}
}

func TestGone(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	group := syncer.Ref{Type: "group", ID: "g"}
	tokens := openTokens(t, db)
	opened := commit(t, db, &syncer.Batch{
		Token:     tokens[1],
		Resources: []syncer.ResourceRow{{Ref: group, Data: []byte("g")}, {Ref: syncer.Ref{Type: "group", ID: "h"}, Data: []byte("h")}},
		Entitlements: []syncer.EntitlementRow{
			{ID: "group:g", Resource: group, Data: []byte("e")},
			{ID: "group:h", Resource: syncer.Ref{Type: "group", ID: "h"}, Data: []byte("e")},
		},
		Lists: []syncer.List{{Kind: "members", Owner: group}, {Kind: "owners", Owner: group}},
	})
	members := opened.Tokens[0]
	next := commit(t, db, &syncer.Batch{Token: members, Next: []string{"2", "3"}, Grants: []syncer.GrantBlock{{Entitlement: "group:g", Count: 7}}})
	if c := commit(t, db, &syncer.Batch{Token: next.Tokens[0], Gone: true, Remarks: []string{"group g is gone"}}); !c.Complete || len(c.Tokens) > 0 {
		t.Errorf("the page leaves %+v", c)
	}
	// A page that was under way changes nothing any more.
	commit(t, db, &syncer.Batch{Token: next.Tokens[1], Grants: []syncer.GrantBlock{{Entitlement: "group:g", Count: 7}}})
	for _, tok := range openTokens(t, db) {
		if tok.List.Owner == group {
			t.Errorf("token %+v is still open", tok)
		}
	}
	if got := all(t, db.Resources(t.Context(), true)); len(got) != 1 || got[0].Ref.ID != "h" {
		t.Errorf("resources = %+v", got)
	}
	if got := all(t, db.Entitlements(t.Context())); len(got) != 1 || got[0].ID != "group:h" {
		t.Errorf("entitlements = %+v", got)
	}
	if got := all(t, db.AllBlocks(t.Context())); len(got) != 0 {
		t.Errorf("blocks = %+v", got)
	}
	if n, err := db.VanishedGrants(t.Context()); err != nil || n != 7 {
		t.Errorf("VanishedGrants = %d, %v, want 7", n, err)
	}
	if v, err := db.Vanished(t.Context()); err != nil || !slices.Equal(v, []syncer.Ref{group}) {
		t.Errorf("Vanished = %v, %v", v, err)
	}
	if r, err := db.Remarks(t.Context()); err != nil || !slices.Equal(r, []string{"group g is gone"}) {
		t.Errorf("Remarks = %q, %v", r, err)
	}
}

func TestJoinIsOneTransaction(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	var rows []syncer.ResourceRow
	var facts []syncer.Fact
	for i := range 1200 { // more than a join reads at once
		id := fmt.Sprintf("u%04d", i)
		rows = append(rows, syncer.ResourceRow{Ref: userRef(id), Data: []byte("old")})
		facts = append(facts, syncer.Fact{Kind: "k", Key: id, Value: id}, syncer.Fact{Kind: "k", Key: id, Value: "v" + id})
	}
	commit(t, db, &syncer.Batch{Token: openTokens(t, db)[0], Resources: rows, Facts: facts})

	crash := errors.New("crash")
	join := func(end error) error {
		return db.Join(t.Context(), func(tx syncer.JoinStore) error {
			n := 0
			for f, err := range tx.Facts(t.Context(), "k") {
				if err != nil {
					return err
				}
				if f.Key != fmt.Sprintf("u%04d", n) || f.Value != "v"+f.Key {
					return fmt.Errorf("fact %d is %+v", n, f)
				}
				n++
			}
			for r, err := range tx.Resources(t.Context(), "user") {
				if err != nil {
					return err
				}
				if string(r.Data) != "old" {
					return fmt.Errorf("%s is %q already", r.Ref, r.Data)
				}
				r.Data = []byte("new")
				if err := tx.Put(t.Context(), r); err != nil {
					return err
				}
				n++
			}
			if n != 2400 {
				return fmt.Errorf("%d facts and resources", n)
			}
			// What was written is read.
			if err := tx.Alias(t.Context(), userRef("u0001"), userRef("u0002")); err != nil {
				return err
			}
			for id, want := range map[string]bool{"u0001": false, "u0002": true, "nobody": false} {
				if has, err := tx.Has(t.Context(), userRef(id)); err != nil || has != want {
					return fmt.Errorf("Has(%s) = %t, %w", id, has, err)
				}
			}
			if err := tx.Remark(t.Context(), "joined"); err != nil {
				return err
			}
			return end
		})
	}
	if err := join(crash); !errors.Is(err, crash) {
		t.Fatalf("Join = %v, want %v", err, crash)
	}
	if st, err := db.State(t.Context()); err != nil || st.Phase != syncer.PhaseReading {
		t.Errorf("State = %+v, %v", st, err)
	}
	if a, err := db.Aliases(t.Context()); err != nil || len(a) != 0 {
		t.Errorf("Aliases = %v, %v", a, err)
	}
	if err := join(nil); err != nil {
		t.Fatalf("Join: %v", err)
	}
	if st, err := db.State(t.Context()); err != nil || st.Phase != syncer.PhaseWriting {
		t.Errorf("State = %+v, %v", st, err)
	}
	if a, err := db.Aliases(t.Context()); err != nil || a[userRef("u0001")] != userRef("u0002") {
		t.Errorf("Aliases = %v, %v", a, err)
	}
	got := all(t, db.Resources(t.Context(), false))
	if len(got) != 1199 || string(got[0].Data) != "new" {
		t.Errorf("%d resources, the first is %+v", len(got), got[0])
	}
	// A join whose context has ended stores nothing.
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Join(ctx, func(tx syncer.JoinStore) error {
		cancel()
		return tx.Remark(ctx, "too late")
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Join = %v, want %v", err, context.Canceled)
	}
	if r, err := db.Remarks(t.Context()); err != nil || !slices.Equal(r, []string{"joined"}) {
		t.Errorf("Remarks = %q, %v", r, err)
	}
}

func TestSpill(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for _, v := range []string{"old", "", "new"} {
		if err := db.Save(t.Context(), "k", []byte(v)); err != nil {
			t.Fatal(err)
		}
		if got, err := db.Load(t.Context(), "k"); err != nil || string(got) != v {
			t.Errorf("Load = %q, %v, want %q", got, err, v)
		}
	}
	if err := db.ClearSpill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Load(t.Context(), "k"); err == nil {
		t.Error("Load found a value that was cleared")
	}
}

func TestPrincipalsAreCounted(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for _, id := range []string{"b", "a"} {
		if err := db.Absent(t.Context(), userRef(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Found(t.Context(), &syncer.Batch{Resources: []syncer.ResourceRow{{Ref: userRef("c")}}}); err != nil {
		t.Fatal(err)
	}
	absent, err := db.AbsentPrincipals(t.Context())
	if err != nil || !slices.Equal(absent, []syncer.Ref{userRef("a"), userRef("b")}) {
		t.Errorf("AbsentPrincipals = %v, %v", absent, err)
	}
	if c, err := db.Counters(t.Context()); err != nil || c[syncer.CounterLookedUp] != 1 {
		t.Errorf("Counters = %v, %v", c, err)
	}
	if got := all(t, db.Resources(t.Context(), false)); len(got) != 1 {
		t.Errorf("resources = %+v", got)
	}
}

func TestCommitsSideBySide(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	names := make([]string, 200)
	for i := range names {
		names[i] = fmt.Sprintf("page-%d", i)
	}
	tokens := commit(t, db, &syncer.Batch{Token: openTokens(t, db)[0], Next: names}).Tokens
	g, ctx := errgroup.WithContext(t.Context())
	idle := make(chan bool, len(tokens))
	for i, tok := range tokens {
		g.Go(func() error {
			c, err := db.Commit(ctx, &syncer.Batch{
				Token: tok, Receipt: []byte(tok.Token),
				Resources: []syncer.ResourceRow{{Ref: userRef(fmt.Sprintf("u%d", i)), Data: []byte("x")}},
			})
			idle <- c.Idle
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	close(idle)
	n := 0
	for i := range idle {
		if i {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d commits were the last of their list", n)
	}
	if got := all(t, db.Resources(t.Context(), true)); len(got) != len(tokens) {
		t.Errorf("%d resources", len(got))
	}
	if receipts, err := db.Receipts(t.Context(), tokens[0].ListID); err != nil || len(receipts) != len(tokens) {
		t.Errorf("%d receipts, %v", len(receipts), err)
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.State(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("State = %v, want %v", err, context.Canceled)
	}
	for _, err := range db.Resources(ctx, true) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Resources = %v, want %v", err, context.Canceled)
		}
	}
	if err := db.Absent(ctx, userRef("u")); !errors.Is(err, context.Canceled) {
		t.Errorf("Absent = %v, want %v", err, context.Canceled)
	}
}

// What complete lists counted and showed is summed up by kind, without lists of what
// vanished.
func TestCounts(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	owner := func(i int) syncer.Ref { return syncer.Ref{Type: "group", ID: fmt.Sprintf("g%d", i)} }
	lists := []syncer.List{}
	for i := range 9 {
		lists = append(lists, syncer.List{Kind: "members", Owner: owner(i)})
	}
	tokens := openTokens(t, db)
	commit(t, db, &syncer.Batch{Token: tokens[0], Settled: true, Counted: 7, Shown: 7, Lists: lists})
	commit(t, db, &syncer.Batch{Token: tokens[1], Settled: true})
	for _, tok := range openTokens(t, db) {
		n := int(tok.List.Owner.ID[1] - '0')
		switch {
		case n == 8:
			commit(t, db, &syncer.Batch{Token: tok, Gone: true, Counted: 500})
		case n < 3: // by their pages
			commit(t, db, &syncer.Batch{Token: tok, Settled: true, Counted: 10, Shown: 9 + n})
		default: // by their verdicts
			commit(t, db, &syncer.Batch{Token: tok})
			if _, err := db.Settle(t.Context(), syncer.OpenList{ID: tok.ListID, List: tok.List}, syncer.Verdict{Counted: n}); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := db.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []syncer.KindCounts{
		{
			Kind: "members", Lists: 8, Empty: 5, Counted: 55, Shown: 29, EmptyCounted: 25,
			Examples: []syncer.CountedList{{Owner: owner(7), Counted: 7}, {Owner: owner(6), Counted: 6}, {Owner: owner(5), Counted: 5}, {Owner: owner(4), Counted: 4}, {Owner: owner(3), Counted: 3}},
		},
		{Kind: "users", Lists: 1, Counted: 7, Shown: 7},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("counts (-want +got):\n%s", d)
	}
}

// A list that waits is still to be settled, and that a list moved is counted.
func TestListsWait(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for _, tok := range openTokens(t, db) {
		commit(t, db, &syncer.Batch{Token: tok})
	}
	idle, err := db.IdleLists(t.Context())
	if err != nil || len(idle) != 2 {
		t.Fatalf("idle lists = %v, %v", idle, err)
	}
	for i, verdict := range []syncer.Verdict{{Wait: true}, {Moved: true}} {
		if tokens, err := db.Settle(t.Context(), idle[i], verdict); err != nil || len(tokens) != 0 {
			t.Errorf("Settle = %v, %v", tokens, err)
		}
	}
	left, err := db.IdleLists(t.Context())
	if d := cmp.Diff(idle[:1], left); d != "" || err != nil {
		t.Errorf("idle lists (-want +got), %v:\n%s", err, d)
	}
	counters, err := db.Counters(t.Context())
	if err != nil || counters[syncer.CounterMoved] != 1 {
		t.Errorf("counters = %v, %v", counters, err)
	}
}
