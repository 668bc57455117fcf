package incremental

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

// TestChanges says of events which lists they concern. What an event leaves open is a doubt.
func TestChanges(t *testing.T) {
	t.Parallel()
	edge := func(fromType, from, toType, to string) jumpcloud.Event {
		return jumpcloud.Event{Type: "association_change", Association: &jumpcloud.EventAssociation{
			Op: "add", From: jumpcloud.EventObject{Type: fromType, ID: from}, To: jumpcloud.EventObject{Type: toType, ID: to},
		}}
	}
	about := func(eventType, kind, id string) jumpcloud.Event {
		return jumpcloud.Event{Type: eventType, Resource: jumpcloud.EventObject{Type: kind, ID: id}}
	}
	for name, tt := range map[string]struct {
		event   jumpcloud.Event
		touched []string
		doubt   bool
	}{
		"member of a group":           {edge("user_group", "g", "user", "u"), []string{"g"}, false},
		"the same the other way":      {edge("user", "u", "user_group", "g"), []string{"g"}, false},
		"as documents call users":     {edge("user_group", "g", "systemuser", "u"), []string{"g"}, false},
		"application of a group":      {edge("application", "a", "user_group", "g"), []string{"a"}, false},
		"application of a user":       {edge("user", "u", "application", "a"), []string{"a"}, false},
		"device of a user":            {edge("system", "d", "user", "u"), nil, false},
		"a group in a group":          {edge("user_group", "g", "user_group", "h"), []string{"g", "h"}, false},
		"an end of an unknown kind":   {edge("user_group", "g", "robot", "r"), []string{"g", "r"}, false},
		"ends without a kind":         {edge("", "g", "", "u"), []string{"g", "u"}, false},
		"an end without an id":        {edge("user_group", "g", "user", ""), nil, true},
		"the other without an id":     {edge("user_group", "", "user", "u"), nil, true},
		"an edge of another event":    {jumpcloud.Event{Type: "new", Association: edge("user_group", "g", "user", "u").Association}, []string{"g"}, false},
		"an edge without ends":        {jumpcloud.Event{Type: "association_change"}, nil, true},
		"an access request":           {jumpcloud.Event{Type: "access_management_association_change"}, nil, true},
		"a group":                     {about("group_update", "user_group", "g"), []string{"g"}, false},
		"a device group":              {about("group_update", "system_group", "s"), []string{"s"}, false},
		"a group without an id":       {about("group_update", "user_group", ""), nil, true},
		"an administrator's group":    {about("user_group_admin_grant", "user_group", "g"), []string{"g"}, false},
		"an application":              {about("application_delete", "", "a"), []string{"a"}, false},
		"something about a group":     {about("bulk_import", "user_group", "g"), []string{"g"}, false},
		"something":                   {about("bulk_import", "user", "u"), nil, true},
		"a user":                      {about("user_update", "user", "u"), nil, false},
		"a command":                   {about("command_run", "command", "c"), nil, false},
		"an access request is made":   {about("access_management_access_request", "", ""), nil, false},
		"a sign-in":                   {about("user_login_attempt", "user", "u"), nil, false},
		"an event without a type":     {about("", "user", "u"), nil, true},
		"a type that begins like one": {about("user_updated_groups", "user", "u"), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &Changes{touched: map[string]bool{}, seen: map[string]bool{}}
			c.take(tt.event)
			c.take(tt.event) // Events come twice now and then.
			if diff := cmp.Diff(tt.touched, slices.Sorted(maps.Keys(c.touched))); diff != "" {
				t.Error(diff)
			}
			if (c.Doubt != "") != tt.doubt || c.Events != 1 {
				t.Errorf("doubt %q, %d events", c.Doubt, c.Events)
			}
		})
	}
}

// TestRefusal says of previous syncs why nothing is carried over.
func TestRefusal(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		edit func(*c1z.SyncRun, *Wanted)
		want string // part of the reason; empty for none
	}{
		"the same":             {func(*c1z.SyncRun, *Wanted) {}, ""},
		"nothing":              {func(r *c1z.SyncRun, _ *Wanted) { *r = c1z.SyncRun{} }, "no previous full sync"},
		"partial":              {func(r *c1z.SyncRun, _ *Wanted) { r.Type = c1z.SyncPartial }, "not whole"},
		"unfinished":           {func(r *c1z.SyncRun, _ *Wanted) { r.EndedAt = time.Time{} }, "not whole"},
		"another organization": {func(r *c1z.SyncRun, _ *Wanted) { r.Organization.ID = "p" }, "another organization"},
		"another host":         {func(r *c1z.SyncRun, _ *Wanted) { r.Organization.Host = "i" }, "another organization or host"},
		"other settings":       {func(r *c1z.SyncRun, _ *Wanted) { r.Organization.Settings = "skip-admins" }, "settings differ"},
		"no basis":             {func(r *c1z.SyncRun, _ *Wanted) { r.Basis = nil }, "without --incremental"},
		"another mapping":      {func(r *c1z.SyncRun, _ *Wanted) { r.Basis.Mapping++ }, "maps differently"},
		"clock put back":       {func(_ *c1z.SyncRun, w *Wanted) { w.Now = now.Add(-5 * time.Hour) }, "clock was put back"},
		"full after previous":  {func(r *c1z.SyncRun, _ *Wanted) { r.Basis.FullStartedAt = now }, "clock was put back"},
		"full too old":         {func(_ *c1z.SyncRun, w *Wanted) { w.FullEvery = 3 * time.Hour }, "--full-every is 3h"},
		"full nearly too old":  {func(_ *c1z.SyncRun, w *Wanted) { w.FullEvery = 3*time.Hour + 1 }, ""},
		"events are gone":      {func(_ *c1z.SyncRun, w *Wanted) { w.Now, w.FullEvery = now.Add(90*24*time.Hour), 1000*24*time.Hour }, "older than the events"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := c1z.SyncRun{
				ID: "a", Type: c1z.SyncFull, StartedAt: now.Add(-time.Hour), EndedAt: now.Add(-time.Hour + time.Minute),
				Organization: c1z.Organization{ID: "o", Host: "h"}, Basis: &c1z.Basis{Mapping: 1, FullSync: "b", FullStartedAt: now.Add(-3 * time.Hour)},
			}
			w := Wanted{Organization: "o", Host: "h", Mapping: 1, FullEvery: 24 * time.Hour, Now: now}
			tt.edit(&run, &w)
			if got := w.Refusal(run); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestRounds keeps the checks of a sync few, and has every list checked.
func TestRounds(t *testing.T) {
	t.Parallel()
	stats := func(groups, apps, members int64) *c1z.Stats {
		return &c1z.Stats{ResourcesByType: map[string]int64{"group": groups, "app": apps}, GrantsByType: map[string]int64{"group": members}}
	}
	for _, tt := range []struct {
		stats *c1z.Stats
		want  uint32
	}{{nil, 1}, {stats(0, 0, 0), 1}, {stats(5, 5, 100), 1}, {stats(50, 11, 1000), 7}, {stats(5000, 500, 2_000_000), 22}} {
		if got := roundsOf(tt.stats); got != tt.want {
			t.Errorf("%+v: %d rounds, want %d", tt.stats, got, tt.want)
		}
	}
}
