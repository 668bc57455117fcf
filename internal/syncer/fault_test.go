package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/expand"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

// discarded reports whether the next run would start anew.
func discarded(t *testing.T, dir string, db *workdb.DB) bool {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return !openStore(t, dir).Info().Resumed
}

func TestReadErrorNamesTheList(t *testing.T) {
	t.Parallel()
	refused := errors.New("403 forbidden")
	tn := mixed()
	tn.onRead = func(_ context.Context, l syncer.List, token string) error {
		if l.Kind == "members" && l.Owner.ID == "g007" {
			return refused
		}
		return nil
	}
	dir := t.TempDir()
	db := openStore(t, dir)
	_, _, err := runSync(t.Context(), db, tn, syncer.Scope{}, 4)
	if !errors.Is(err, refused) || !strings.Contains(err.Error(), "members (group g007)") {
		t.Errorf("error = %v", err)
	}
	if discarded(t, dir, db) {
		t.Error("what was read before the error is thrown away")
	}
}

// The error of the first list that fails is returned, not that of a list that
// ended because of it.
func TestFirstErrorCancelsTheRest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("403 forbidden")
		tn := mixed()
		tn.onRead = func(ctx context.Context, l syncer.List, _ string) error {
			if l.Kind == "applications" {
				time.Sleep(time.Second) //nolint:forbidigo // the clock is synctest's.
				return refused
			}
			<-ctx.Done()
			return ctx.Err()
		}
		start := time.Now()
		_, _, err := runSync(t.Context(), openStore(t, dir), tn, syncer.Scope{}, 4)
		if !errors.Is(err, refused) || !strings.Contains(err.Error(), "applications") || strings.Contains(err.Error(), "users") {
			t.Errorf("error = %v", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("the error came after %s", took)
		}
	})
}

func TestStopsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, phase := range []string{"reading", "looking up"} {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				stop := errors.New("the user pressed a key")
				ctx, cancel := context.WithCancelCause(t.Context())
				tn := &slowTenant{tenant: mixed()}
				if phase == "reading" {
					tn.onRead = func(ctx context.Context, l syncer.List, _ string) error {
						if l.Kind == "members" {
							<-ctx.Done()
							return ctx.Err()
						}
						return nil
					}
				} else {
					tn.lookup = func(ctx context.Context) error {
						<-ctx.Done()
						return ctx.Err()
					}
				}
				start := time.Now()
				time.AfterFunc(5*time.Second, func() { cancel(stop) })
				db := openStore(t, dir)
				_, _, err := runSync(ctx, db, tn, syncer.Scope{}, 4)
				if !errors.Is(err, stop) {
					t.Errorf("error = %v, want %v", err, stop)
				}
				if took := time.Since(start); took != 5*time.Second {
					t.Errorf("it took %s, want 5s", took)
				}
				if discarded(t, dir, db) {
					t.Error("the checkpoint is gone")
				}
			})
			got, _, err := runSync(t.Context(), openStore(t, dir), mixed(), syncer.Scope{}, 4)
			if err != nil {
				t.Fatal(err)
			}
			if d := diff(mixed().want(), got); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
		})
	}
}

// slowTenant is a tenant whose lookups can be held.
type slowTenant struct {
	*tenant
	lookup func(context.Context) error
	change func(*syncer.Page)
}

func (t *slowTenant) Lookup(ctx context.Context, id *v2.ResourceId) (*syncer.Page, error) {
	if t.lookup != nil {
		if err := t.lookup(ctx); err != nil {
			return nil, err
		}
	}
	return t.tenant.Lookup(ctx, id)
}

func (t *slowTenant) Read(ctx context.Context, l syncer.List, token string) (*syncer.Page, error) {
	p, err := t.tenant.Read(ctx, l, token)
	if t.change != nil && err == nil {
		t.change(p)
	}
	return p, err
}

// A list that changes while it is read is read again until it holds still.
func TestListIsReadAgain(t *testing.T) {
	t.Parallel()
	tn := mixed()
	edits := 0
	tn.onRead = func(_ context.Context, l syncer.List, token string) error {
		tn.mu.Lock()
		defer tn.mu.Unlock()
		if l.Kind == "users" && strings.HasPrefix(token, "9/") && edits < 2 {
			edits++
			delete(tn.users, "u000")
			tn.users["u050"] = "New"
			tn.users[fmt.Sprintf("u05%d", edits)] = "New"
		}
		return nil
	}
	got, _ := mustSync(t, tn, syncer.Scope{}, 1)
	if edits != 2 {
		t.Fatalf("the list was edited %d times", edits)
	}
	// Everybody who was there throughout is there once.
	seen := map[string]int{}
	for _, r := range got.resources {
		seen[r.GetId().GetResource()]++
	}
	for id := range tn.users {
		if seen[id] != 1 {
			t.Errorf("user %s is there %d times", id, seen[id])
		}
	}
}

func TestListThatNeverHoldsStill(t *testing.T) {
	t.Parallel()
	tn := mixed()
	n := 0
	tn.onRead = func(_ context.Context, l syncer.List, token string) error {
		tn.mu.Lock()
		defer tn.mu.Unlock()
		if l.Kind == "users" && strings.HasPrefix(token, "9/") {
			n++
			tn.users[fmt.Sprintf("u0-%d", n)] = "New"
		}
		return nil
	}
	dir := t.TempDir()
	db := openStore(t, dir)
	_, _, err := runSync(t.Context(), db, tn, syncer.Scope{}, 1)
	if err == nil || !strings.Contains(err.Error(), "read users: the list does not hold still") {
		t.Errorf("error = %v", err)
	}
	// The next run would meet the same receipts again.
	if !discarded(t, dir, db) {
		t.Error("the next run would resume it")
	}
}

func TestVanished(t *testing.T) {
	t.Parallel()
	// vanish deletes groups when their members are asked for.
	vanish := func(tn *tenant, ids ...string) {
		tn.onRead = func(_ context.Context, l syncer.List, _ string) error {
			tn.mu.Lock()
			defer tn.mu.Unlock()
			for _, id := range ids {
				if l.Kind == "members" && l.Owner.ID == id {
					delete(tn.groups, id)
				}
			}
			return nil
		}
	}
	ids := func(n int) (ids []string) {
		for i := range n {
			ids = append(ids, fmt.Sprintf("g%03d", i*3))
		}
		return ids
	}
	t.Run("a few", func(t *testing.T) {
		t.Parallel()
		tn := newTenant(10, 40, 12)
		vanish(tn, ids(10)...)
		got, sum := mustSync(t, tn, syncer.Scope{}, 4)
		want := tn.want() // the tenant without those groups
		if d := diff(want, got); d != "" {
			t.Errorf("rows (-want +got):\n%s", d)
		}
		if len(sum.Vanished) != 10 || sum.Dropped[syncer.DropVanished] == 0 {
			t.Errorf("vanished = %v, dropped = %v", sum.Vanished, sum.Dropped)
		}
		if len(tn.looked) != 0 {
			t.Errorf("looked up %v", tn.looked)
		}
	})
	t.Run("many of few", func(t *testing.T) {
		t.Parallel()
		tn := newTenant(10, 40, 12)
		vanish(tn, ids(11)...)
		dir := t.TempDir()
		db := openStore(t, dir)
		_, _, err := runSync(t.Context(), db, tn, syncer.Scope{}, 4)
		if err == nil || !strings.Contains(err.Error(), "11 of 40 resources of type group") {
			t.Errorf("error = %v", err)
		}
		if !discarded(t, dir, db) {
			t.Error("the next run would resume it")
		}
	})
	t.Run("many of many", func(t *testing.T) {
		t.Parallel()
		tn := newTenant(10, 1100, 1)
		tn.limit = 100
		for id := range tn.groups {
			tn.groups[id] = map[string]bool{"u001": true}
		}
		vanish(tn, ids(11)...)
		_, sum := mustSync(t, tn, syncer.Scope{}, 4)
		if len(sum.Vanished) != 11 {
			t.Errorf("vanished = %v", sum.Vanished)
		}
	})
}

func TestPagesThatBreakTheContract(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1025)
	tests := []struct {
		name   string
		change func(*syncer.Page)
		want   string
	}{
		{
			"trait", func(p *syncer.Page) { p.Resources = append(p.Resources, resource("user", "u", "U", &v2.GroupTrait{})) },
			"user u: resource was missing expected trait UserTrait",
		},
		{
			"hint's trait", func(p *syncer.Page) { p.Hints = append(p.Hints, resource("role", "r", "R", &v2.GroupTrait{})) },
			"resource was missing expected trait RoleTrait",
		},
		{"baton id", func(p *syncer.Page) {
			r := resource("user", "u", "U", &v2.UserTrait{})
			r.Annotations = append(r.Annotations, annotations(&v2.BatonID{})...)
			p.Resources = append(p.Resources, r)
		}, "BatonID"},
		{"no id", func(p *syncer.Page) { p.Resources = append(p.Resources, resource("user", "", "U", &v2.UserTrait{})) }, "resource without an id"},
		{"long id", func(p *syncer.Page) { p.Resources = append(p.Resources, resource("user", long, "U", &v2.UserTrait{})) }, "1025 bytes"},
		{"long entitlement", func(p *syncer.Page) { p.Entitlements = append(p.Entitlements, entitlement("group", long)) }, "bytes"},
		{"grant without an id", func(p *syncer.Page) {
			g := grant("group", "g000", "user", "u000", nil)
			g.Id = ""
			p.Grants = append(p.Grants, g)
		}, "grant without an id"},
		{"grant without a principal", func(p *syncer.Page) { p.Grants = append(p.Grants, grant("group", "g000", "user", "", nil)) }, "principal of a grant without an id"},
		{"undeclared type", func(p *syncer.Page) { p.Resources = append(p.Resources, resource("device", "d", "D", &v2.UserTrait{})) }, `"device" was not declared`},
		{"settled and next", func(p *syncer.Page) { p.Settled, p.Next = true, []string{"x"} }, "names further pages"},
		{"empty next", func(p *syncer.Page) { p.Settled, p.Next = false, []string{""} }, "empty token"},
		{"gone organization", func(p *syncer.Page) { p.Gone = true }, "cannot be gone"},
		{
			"entitlement of nothing", func(p *syncer.Page) { p.Entitlements = append(p.Entitlements, entitlement("group", "nothing")) },
			"entitlement group:nothing is of group nothing, which was not read",
		},
		{
			"grant on nothing", func(p *syncer.Page) { p.Grants = append(p.Grants, grant("group", "nothing", "user", "u000", nil)) },
			"grants name the entitlement group:nothing, which was not read",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := runSync(t.Context(), openStore(t, t.TempDir()), &slowTenant{tenant: mixed(), change: tt.change}, syncer.Scope{}, 4)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("unchanged token", func(t *testing.T) {
		t.Parallel()
		tn := &slowTenant{tenant: mixed(), change: func(p *syncer.Page) {
			if len(p.Next) == 0 {
				p.Settled, p.Next = false, []string{"3/0"}
			}
		}}
		_, _, err := runSync(t.Context(), openStore(t, t.TempDir()), tn, syncer.Scope{}, 4)
		if err == nil || !strings.Contains(err.Error(), "next page token unchanged - likely a connector bug") {
			t.Errorf("error = %v", err)
		}
	})
}

func TestExpansionErrors(t *testing.T) {
	t.Parallel()
	expandable := func(ids ...string) *v2.GrantExpandable { return &v2.GrantExpandable{EntitlementIds: ids} }
	tests := []struct {
		name string
		add  *v2.Grant
		opts expand.Options
		want string
	}{
		{
			"source of another principal", grant("app", "a000", "group", "g001", expandable("group:g002")),
			expand.Options{},
			"source entitlement resource id did not match grant principal id",
		},
		{"cycle", grant("group", "g001", "group", "g001", expandable("group:g001")), expand.Options{FailOnCycle: true}, "cycle"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := &slowTenant{tenant: mixed(), change: func(p *syncer.Page) { p.Grants = append(p.Grants, tt.add) }}
			dir := t.TempDir()
			db := openStore(t, dir)
			if err := syncer.Run(t.Context(), syncer.Config{Source: tn, Store: db, Workers: 4, Logger: quiet}); err != nil {
				t.Fatal(err)
			}
			_, err := syncer.Build(t.Context(), syncer.BuildConfig{Store: db, Archive: &recorder{}, Expand: tt.opts, Logger: quiet})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
			if !discarded(t, dir, db) {
				t.Error("the next run would resume it")
			}
		})
	}
	t.Run("missing source", func(t *testing.T) {
		t.Parallel()
		g := grant("app", "a000", "group", "g001", expandable("group:nothing", "group:g001"))
		_, sum := mustSync(t, &slowTenant{tenant: mixed(), change: func(p *syncer.Page) { p.Grants = append(p.Grants, g) }}, syncer.Scope{}, 4)
		if sum.DroppedEdges != 1 {
			t.Errorf("dropped edges = %d, want 1", sum.DroppedEdges)
		}
	})
}

func TestOtherScope(t *testing.T) {
	t.Parallel()
	db := openStore(t, t.TempDir())
	if err := syncer.Run(t.Context(), syncer.Config{Source: mixed(), Store: db, Workers: 1, Logger: quiet}); err != nil {
		t.Fatal(err)
	}
	err := syncer.Run(t.Context(), syncer.Config{Source: mixed(), Store: db, Workers: 1, Logger: quiet, Scope: syncer.Scope{ResourceTypes: []string{"user"}}})
	if err == nil || !strings.Contains(err.Error(), "another resource selection") {
		t.Errorf("error = %v", err)
	}
}

func TestBuildBeforeTheEnd(t *testing.T) {
	t.Parallel()
	_, err := syncer.Build(t.Context(), syncer.BuildConfig{Store: openStore(t, t.TempDir()), Archive: &recorder{}, Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "not complete") {
		t.Errorf("error = %v", err)
	}
}
