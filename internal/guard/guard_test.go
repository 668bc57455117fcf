package guard_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/conductorone/baton-jumpcloud/internal/guard"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// world is a sync in short: who is there, and who holds what.
type world struct {
	resources []string // "type:id"
	// holders are "type:id" by the resource whose only entitlement they hold.
	holders map[string][]string
	// broken, when set, ends every list.
	broken error
}

func parse(text string) syncer.Ref {
	resourceType, id, _ := strings.Cut(text, ":")
	return syncer.Ref{Type: resourceType, ID: id}
}

func (w world) list(texts []string) iter.Seq2[syncer.Ref, error] {
	return func(yield func(syncer.Ref, error) bool) {
		for _, text := range texts {
			if !yield(parse(text), nil) {
				return
			}
		}
		if w.broken != nil {
			yield(syncer.Ref{}, w.broken)
		}
	}
}

func (w world) Resources(context.Context) iter.Seq2[syncer.Ref, error] { return w.list(w.resources) }

func (w world) Entitlements(context.Context) iter.Seq2[guard.Entitlement, error] {
	return func(yield func(guard.Entitlement, error) bool) {
		for _, r := range w.resources {
			if !yield(guard.Entitlement{ID: r + ":member", Resource: parse(r)}, nil) {
				return
			}
		}
	}
}

func (w world) Holders(_ context.Context, entitlement string) iter.Seq2[syncer.Ref, error] {
	return w.list(w.holders[strings.TrimSuffix(entitlement, ":member")])
}

func (w world) Name(_ context.Context, r syncer.Ref) (string, error) {
	if r.ID == "nameless" {
		return "", nil
	}
	return strings.ToUpper(r.ID), nil
}

// pass lets the rows of a sync through a watch, in an order of their own.
func (w world) pass(t testing.TB, watch *guard.Watch) {
	t.Helper()
	message := func(text string) *v2.Resource {
		r := parse(text)
		return &v2.Resource{Id: &v2.ResourceId{ResourceType: r.Type, Resource: r.ID}}
	}
	err := watch.PutResourceTypes(t.Context(), &v2.ResourceType{Id: "user"})
	for _, r := range w.resources {
		err = errors.Join(err, watch.PutResources(t.Context(), message(r)))
	}
	for _, r := range slices.Backward(w.resources) {
		err = errors.Join(err, watch.PutEntitlements(t.Context(), &v2.Entitlement{Id: r + ":member"}))
	}
	for _, r := range slices.Backward(w.resources) {
		var grants []*v2.Grant
		for _, p := range w.holders[r] {
			grants = append(grants, &v2.Grant{Entitlement: &v2.Entitlement{Id: r + ":member", Resource: message(r)}, Principal: message(p)})
		}
		err = errors.Join(err, watch.PutGrants(t.Context(), grants...))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sink counts what arrives.
type sink struct{ rows int }

func (s *sink) PutResourceTypes(_ context.Context, rows ...*v2.ResourceType) error {
	s.rows += len(rows)
	return nil
}

func (s *sink) PutResources(_ context.Context, rows ...*v2.Resource) error {
	s.rows += len(rows)
	return nil
}

func (s *sink) PutEntitlements(_ context.Context, rows ...*v2.Entitlement) error {
	s.rows += len(rows)
	return nil
}

func (s *sink) PutGrants(_ context.Context, rows ...*v2.Grant) error {
	s.rows += len(rows)
	return nil
}

// lost compares two syncs.
func lost(t testing.TB, before, now world, grants bool) guard.Loss {
	t.Helper()
	archive := &sink{}
	watch := guard.NewWatch(archive, before, grants)
	now.pass(t, watch)
	want := 1 + 2*len(now.resources)
	for _, holders := range now.holders {
		want += len(holders)
	}
	if archive.rows != want {
		t.Errorf("%d rows arrived in the archive, of %d", archive.rows, want)
	}
	loss, err := watch.Loss(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return loss
}

// numbered makes users.
func numbered(from, to int) (ids []string) {
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("user:%03d", i))
	}
	return ids
}

func TestLoss(t *testing.T) {
	t.Parallel()
	small := world{
		resources: []string{"user:ana", "user:bo", "user:cy", "group:sales", "group:ops", "app:mail"},
		holders:   map[string][]string{"group:sales": {"user:ana", "user:bo"}, "group:ops": {"user:cy"}, "app:mail": {"group:sales", "user:ana", "user:bo"}},
	}
	tests := []struct {
		name        string
		before, now world
		want        []guard.Kind // those with a loss
	}{
		{"the same", small, small, nil},
		{"nothing was", world{}, small, nil},
		{
			"more", small,
			world{
				resources: append(slices.Clone(small.resources), "user:di", "role:admin"),
				holders:   map[string][]string{"group:sales": {"user:ana", "user:bo", "user:di"}, "group:ops": {"user:cy"}, "app:mail": {"group:sales", "user:ana", "user:bo"}, "role:admin": {"user:di"}},
			},
			nil,
		},
		{
			"a grant", small,
			world{resources: small.resources, holders: map[string][]string{"group:sales": {"user:ana"}, "group:ops": {"user:cy"}, "app:mail": {"group:sales", "user:ana", "user:bo"}}},
			[]guard.Kind{{Type: "group", Grants: true, Had: 3, Lost: 1, Names: []string{`"SALES" to "BO"`}}},
		},
		{
			"a group, with what it granted", small,
			world{
				resources: []string{"user:ana", "user:bo", "user:cy", "group:ops", "app:mail"},
				holders:   map[string][]string{"group:ops": {"user:cy"}, "app:mail": {}},
			},
			[]guard.Kind{
				{Type: "group", Had: 2, Lost: 1, Names: []string{`"SALES"`}},
				{Type: "app", Grants: true, Had: 3, Lost: 3, WithPrincipal: 1, Names: []string{`"MAIL" to "SALES"`, `"MAIL" to "ANA"`, `"MAIL" to "BO"`}},
				{Type: "group", Grants: true, Had: 3, Lost: 2, WithResource: 2, Names: []string{`"SALES" to "ANA"`, `"SALES" to "BO"`}},
			},
		},
		{
			"everything", small,
			world{},
			[]guard.Kind{
				{Type: "app", Had: 1, Lost: 1, Names: []string{`"MAIL"`}},
				{Type: "group", Had: 2, Lost: 2, Names: []string{`"OPS"`, `"SALES"`}},
				{Type: "user", Had: 3, Lost: 3, Names: []string{`"ANA"`, `"BO"`, `"CY"`}},
				{Type: "app", Grants: true, Had: 3, Lost: 3, WithResource: 3, Names: []string{`"MAIL" to "SALES"`, `"MAIL" to "ANA"`, `"MAIL" to "BO"`}},
				{Type: "group", Grants: true, Had: 3, Lost: 3, WithResource: 3, Names: []string{`"OPS" to "CY"`, `"SALES" to "ANA"`, `"SALES" to "BO"`}},
			},
		},
		{
			"all replaced by as many others",
			world{resources: numbered(0, 12)},
			world{resources: numbered(12, 24)},
			[]guard.Kind{{Type: "user", Had: 12, Lost: 12, Names: []string{`"000"`, `"001"`, `"002"`, `"003"`, `"004"`, `"005"`, `"006"`, `"007"`, `"008"`, `"009"`}}},
		},
		{
			"an id moves to another type",
			world{resources: []string{"user:x"}},
			world{resources: []string{"group:x"}},
			[]guard.Kind{{Type: "user", Had: 1, Lost: 1, Names: []string{`"X"`}}},
		},
		{
			"no name",
			world{resources: []string{"user:nameless"}},
			world{},
			[]guard.Kind{{Type: "user", Had: 1, Lost: 1, Names: []string{`"nameless"`}}},
		},
		{
			"held twice before, once now",
			world{resources: small.resources, holders: map[string][]string{"group:ops": {"user:cy", "user:cy", "user:bo", "user:bo"}}},
			world{resources: small.resources, holders: map[string][]string{"group:ops": {"user:cy"}}},
			[]guard.Kind{{Type: "group", Grants: true, Had: 2, Lost: 1, Names: []string{`"OPS" to "BO"`}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []guard.Kind
			for _, k := range lost(t, tt.before, tt.now, true).Kinds {
				if k.Lost > 0 {
					got = append(got, k)
				}
			}
			if diff := gocmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(guard.Kind{})); diff != "" {
				t.Errorf("lost (-want +got):\n%s", diff)
			}
		})
	}
}

// Grants are left out of the comparison where they cannot be compared.
func TestLossWithoutGrants(t *testing.T) {
	t.Parallel()
	before := world{resources: numbered(0, 3), holders: map[string][]string{"user:000": {"user:001"}}}
	got := lost(t, before, world{resources: numbered(0, 2)}, false).Kinds
	want := []guard.Kind{{Type: "user", Had: 3, Lost: 1, Names: []string{`"002"`}}}
	if diff := gocmp.Diff(want, got, cmpopts.IgnoreUnexported(guard.Kind{})); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	usual := guard.Limits{Percent: 50, AtLeast: 20}
	tests := []struct {
		name      string
		limits    guard.Limits
		had, lost int
		want      guard.Verdict
	}{
		{"nothing there", usual, 0, 0, guard.Fine},
		{"nothing lost", usual, 100, 0, guard.Fine},
		{"just below the warning", usual, 1000, 199, guard.Fine},
		{"the warning", usual, 1000, 200, guard.Notable},
		{"just below the limit", usual, 1000, 499, guard.Notable},
		{"the limit", usual, 1000, 500, guard.Sudden},
		{"an odd number", usual, 41, 20, guard.Notable},
		{"an odd number, half and more", usual, 41, 21, guard.Sudden},
		{"nearly all of a few", usual, 20, 19, guard.Notable},
		{"all of a few", usual, 19, 19, guard.Sudden},
		{"all of three", usual, 3, 3, guard.Sudden},
		{"all of two", usual, 2, 2, guard.Notable},
		{"all, and many are to be let go", guard.Limits{Percent: 80, AtLeast: 1000}, 300, 300, guard.Notable},
		{"all, and just enough", usual, 20, 20, guard.Sudden},
		{"one of four", usual, 4, 1, guard.Notable},
		{"a limit below the warning", guard.Limits{Percent: 5, AtLeast: 20}, 1000, 50, guard.Sudden},
		{"too few for a limit below the warning", guard.Limits{Percent: 5, AtLeast: 60}, 1000, 50, guard.Notable},
		{"only if all goes", guard.Limits{Percent: 100, AtLeast: 1}, 1000, 999, guard.Notable},
		{"all goes", guard.Limits{Percent: 100, AtLeast: 1}, 1, 1, guard.Sudden},
		{"none lost of a few, by the lowest limit", guard.Limits{Percent: 1, AtLeast: 1}, 3, 0, guard.Fine},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			loss := lost(t, world{resources: numbered(0, tt.had)}, world{resources: numbered(tt.lost, tt.had)}, true)
			for _, verdict := range []guard.Verdict{guard.Notable, guard.Sudden} {
				if got, want := len(loss.Judge(tt.limits, verdict)) > 0, tt.want >= verdict; got != want {
					t.Errorf("%d of %d lost: at least %d is %v, want %v", tt.lost, tt.had, verdict, got, want)
				}
			}
		})
	}
}

// The grants are judged by the type of what they are of, so that those of a few
// applications do not drown in those of many groups, and together where no type by
// itself has enough of them.
func TestJudgeGrants(t *testing.T) {
	t.Parallel()
	users := numbered(0, 30)
	before := world{
		resources: append([]string{"app:a", "group:g", "role:r"}, users...),
		holders:   map[string][]string{"app:a": users[:15], "group:g": users, "role:r": users[:15]},
	}
	after := func(app, group, role int) world {
		return world{
			resources: before.resources,
			holders:   map[string][]string{"app:a": users[app:15], "group:g": users[group:], "role:r": users[role:15]},
		}
	}
	usual := guard.Limits{Percent: 50, AtLeast: 10}
	for _, tt := range []struct {
		app, group, role int
		want             string
	}{
		{0, 0, 0, ""},
		{10, 0, 0, "app"},
		{8, 14, 8, "all"}, // 30 of 60
		{8, 14, 7, ""},
		{0, 20, 12, "group role"},
	} {
		var got []string
		for _, k := range lost(t, before, after(tt.app, tt.group, tt.role), true).Judge(usual, guard.Sudden) {
			got = append(got, cmp.Or(k.Type, "all"))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("lost %d, %d and %d: sudden is %q, want %q", tt.app, tt.group, tt.role, got, tt.want)
		}
	}
}

func TestCode(t *testing.T) {
	t.Parallel()
	usual := guard.Limits{Percent: 50, AtLeast: 2}
	users := numbered(0, 10)
	before := world{resources: append([]string{"group:g", "group:h"}, users...), holders: map[string][]string{"group:g": users, "group:h": users}}
	code := func(since string, now world) string {
		kinds := lost(t, before, now, true).Judge(usual, guard.Sudden)
		if len(kinds) == 0 {
			t.Fatal("nothing is lost suddenly")
		}
		return guard.Code(since, kinds)
	}
	now := func(g, h []string) world {
		return world{resources: before.resources, holders: map[string][]string{"group:g": g, "group:h": h}}
	}
	first := code("sync-1", now(nil, users))
	if len(first) != 8 || strings.Trim(first, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		t.Errorf("code %q, want eight small letters and digits", first)
	}
	// What came, and the order in which things pass, are not part of the loss.
	shuffled := now(nil, users)
	shuffled.resources = append([]string{"user:new"}, before.resources...)
	slices.Reverse(shuffled.resources)
	if again := code("sync-1", shuffled); again != first {
		t.Errorf("the same loss has the codes %s and %s", first, again)
	}
	codes := map[string]string{first: "the first"}
	for name, other := range map[string]string{
		"since another sync":            code("sync-2", now(nil, users)),
		"the same of another group":     code("sync-1", now(users, nil)),
		"one more":                      code("sync-1", now(nil, users[1:])),
		"another one more":              code("sync-1", now(nil, users[:9])),
		"as many of both":               code("sync-1", now(users[5:], users[5:])),
		"as many, others of them":       code("sync-1", now(users[:5], users[5:])),
		"the groups instead of members": code("sync-1", world{resources: users}),
	} {
		if same, ok := codes[other]; ok {
			t.Errorf("%s has the code of %s", name, same)
		}
		codes[other] = name
	}
}

func TestKindString(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind guard.Kind
		want string
	}{
		{
			guard.Kind{Type: "group", Had: 50, Lost: 30, Names: []string{`"Sales"`, `"Support"`}},
			`30 of 50 groups are gone (60%): "Sales", "Support" and 28 more`,
		},
		{guard.Kind{Type: "user", Had: 3, Lost: 2, Names: []string{`"Ana"`, `"Bo"`}}, `2 of 3 accounts are gone (66%): "Ana", "Bo"`},
		{
			guard.Kind{Type: "app", Grants: true, Had: 2000, Lost: 1500, WithResource: 1000, WithPrincipal: 200},
			`1,500 of 2,000 grants of applications are gone (75%), 1,000 along with the applications, 200 along with who had them`,
		},
		{guard.Kind{Grants: true, Had: 60, Lost: 30, WithResource: 2}, `30 of 60 grants are gone (50%), 2 along with the resources`},
		{guard.Kind{Type: "x\n", Had: 1, Lost: 1}, `1 of 1 resources of type "x\n" are gone (100%)`},
	} {
		if got := tt.kind.String(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

// Names are quoted, so that none of them can write a line of its own.
func TestNamesAreQuoted(t *testing.T) {
	t.Parallel()
	k := lost(t, world{resources: []string{"user:a\nb\x1b[2J\""}}, world{}, true).Kinds[0]
	if got, want := strings.Join(k.Names, ""), `"A\nB\x1b[2J\""`; got != want {
		t.Errorf("name %s, want %s", got, want)
	}
}

// What cannot be read ends the comparison and nothing else.
func TestUnreadableBaseline(t *testing.T) {
	t.Parallel()
	broken := errors.New("damaged")
	for _, grants := range []bool{false, true} {
		archive := &sink{}
		watch := guard.NewWatch(archive, world{resources: numbered(0, 3), broken: broken}, grants)
		now := world{resources: []string{"group:g", "user:001"}, holders: map[string][]string{"group:g": {"user:001"}}}
		now.pass(t, watch)
		if archive.rows != 6 {
			t.Errorf("%d rows arrived in the archive, want 6", archive.rows)
		}
		if _, err := watch.Loss(t.Context()); !errors.Is(err, broken) {
			t.Errorf("err = %v, want %v", err, broken)
		}
	}
}
