package jumpcloud_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// TestOrderOfTraversals finds out by which name, if any, the route sorts by id, and
// does not ask for what was refused or ignored again.
func TestOrderOfTraversals(t *testing.T) {
	t.Parallel()
	unsorted := http.StatusOK
	tests := []struct {
		name     string
		known    string         // the key that sorts
		answers  map[string]int // to other keys
		want     []string       // the keys of all requests
		sorted   bool
		unserved bool
	}{
		{name: "id", known: "id", want: []string{"id", "id"}, sorted: true},
		{name: "others are ignored", known: "object_id", answers: map[string]int{"id": unsorted}, want: []string{"id", "object_id", "object_id"}, sorted: true},
		{name: "others are refused", known: "_id", answers: map[string]int{"id": 400, "object_id": 400}, want: []string{"id", "object_id", "_id", "_id"}, sorted: true},
		{name: "none is known", answers: map[string]int{"id": unsorted, "object_id": 400, "_id": unsorted}, want: []string{"id", "object_id", "_id", "", ""}},
		{name: "bad request", answers: map[string]int{"id": 400, "object_id": 400, "_id": 400, "": 400}, want: []string{"id", "object_id", "_id", ""}, unserved: true},
		{name: "forbidden", answers: map[string]int{"id": 403}, want: []string{"id"}, unserved: true},
		{name: "not in the plan", answers: map[string]int{"id": 402}, want: []string{"id"}, unserved: true},
		{name: "no such method", answers: map[string]int{"id": 405}, want: []string{"id"}, unserved: true},
		{name: "not implemented", answers: map[string]int{"id": 501}, want: []string{"id"}, unserved: true},
		// It may be the group that is not found, so that the next one is asked for.
		{name: "not found", answers: map[string]int{"id": 404}, want: []string{"id", "id"}, unserved: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			mux := http.NewServeMux()
			mux.HandleFunc("GET /api/v2/usergroups/{id}/membership", func(w http.ResponseWriter, r *http.Request) {
				key := r.URL.Query().Get("sort")
				asked = append(asked, key)
				if status := tt.answers[key]; status > 200 {
					answer(w, status, `{"message":"no"}`)
					return
				}
				rows := make([]string, 12)
				for i := range rows {
					at := i
					if key != tt.known || key == "" {
						at = 11 - i
					}
					rows[i] = fmt.Sprintf(`{"id":"%04d","type":"user"}`, at)
				}
				w.Header().Set("X-Total-Count", "12")
				answer(w, 200, "["+strings.Join(rows, ",")+"]")
			})
			log := new(bytes.Buffer)
			client := newTestClient(t, mux, func(cfg *jumpcloud.Config) { cfg.Logger = slog.New(slog.NewTextHandler(log, nil)) })
			for range 2 {
				page, err := client.UserGroupMembership(t.Context(), "g", paging.Window{Limit: 100})
				if got := errors.Is(err, paging.ErrNotServed); got != tt.unserved || err != nil && !got {
					t.Fatalf("err = %v", err)
				}
				ids := make([]string, 0, len(page.Items))
				for _, item := range page.Items {
					ids = append(ids, item.ID)
				}
				if !tt.unserved && (len(ids) != 12 || slices.IsSorted(ids) != tt.sorted) {
					t.Errorf("ids = %v", ids)
				}
			}
			if diff := cmp.Diff(tt.want, asked); diff != "" {
				t.Errorf("sort keys (-want +got):\n%s", diff)
			}
			if n := strings.Count(log.String(), "is not served"); n > 1 {
				t.Errorf("%d notes were logged: %s", n, log)
			}
		})
	}
}

// TestTraversalsOfObjectsThatAreGone tells a group that is gone from a route that is not
// served, once the route has answered.
func TestTraversalsOfObjectsThatAreGone(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/usergroups/{id}/membership", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "gone" {
			answer(w, 404, `{"message":"Not Found"}`)
			return
		}
		answer(w, 200, `[]`)
	})
	client := newTestClient(t, mux)
	for id, want := range map[string]bool{"here": false, "gone": true} {
		if id == "gone" {
			if _, err := client.UserGroupMembership(t.Context(), "here", paging.Window{Limit: 100}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := client.UserGroupMembership(t.Context(), id, paging.Window{Limit: 100})
		if jumpcloud.IsNotFound(err) != want || errors.Is(err, paging.ErrNotServed) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// TestReadAllEnds reads lists of servers that never end them: each has a bound.
func TestReadAllEnds(t *testing.T) {
	t.Parallel()
	row := func(i int) string { return fmt.Sprintf(`{"id":"%08d","type":"user_group"}`, i) }
	page := func(from, n int) string {
		rows := make([]string, n)
		for i := range rows {
			rows[i] = row(from + i)
		}
		return "[" + strings.Join(rows, ",") + "]"
	}
	for _, tt := range []struct {
		name  string
		total string
		serve func(skip, limit int) string
		rows  int
		fails string // empty for a list that is read
		most  int    // requests
	}{
		{name: "one page", total: "3", serve: func(int, int) string { return page(0, 3) }, rows: 3, most: 1},
		{name: "clamped", total: "120", serve: func(skip, limit int) string { return page(skip, max(0, min(limit, 50, 120-skip))) }, rows: 120, most: 8},
		{name: "an empty stretch", total: "350", serve: func(skip, limit int) string {
			before, after := max(0, min(limit, 100-skip)), max(0, min(skip+limit, 350)-max(skip, 200))
			if before > 0 {
				return page(skip, before) // no window reaches across
			}
			return page(max(skip, 200), after)
		}, rows: 250, most: 6},
		{name: "no total", serve: func(skip, limit int) string { return page(skip, max(0, min(limit, 250-skip))) }, rows: 250, most: 6},
		{name: "no total, and skip is ignored", serve: func(_, limit int) string { return page(0, limit) }, fails: "could not be read completely", most: 30},
		{name: "a total, and skip is ignored", total: "300", serve: func(_, limit int) string { return page(0, limit) }, fails: "could not be read completely", most: 30},
		{name: "a total, and no rows", total: "250", serve: func(int, int) string { return "[]" }, fails: "the server counts 250 and returned none", most: 3},
		{name: "no total, and no end", serve: page, fails: "does not end within 1000 pages", most: 1000},
		{name: "an absurd total", total: "9999999", serve: page, fails: "does not end within 1000 pages", most: 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			mux := http.NewServeMux()
			mux.HandleFunc("GET /api/v2/users/{id}/memberof", func(w http.ResponseWriter, r *http.Request) {
				asked++
				skip, _ := strconv.Atoi(r.URL.Query().Get("skip"))
				limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
				if tt.total != "" {
					w.Header().Set("X-Total-Count", tt.total)
				}
				answer(w, 200, tt.serve(skip, limit))
			})
			client := newTestClient(t, mux)
			seen := map[string]bool{}
			_, err := paging.ReadAll(t.Context(), paging.Lister[jumpcloud.Traversal]{
				Name: "groups", Limit: 100, Holes: true, ID: func(t jumpcloud.Traversal) string { return t.ID },
				Fetch: func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Traversal], error) {
					return client.UserMemberOf(ctx, "u", w)
				},
			}, func(t jumpcloud.Traversal) bool {
				seen[t.ID] = true
				return true
			})
			switch {
			case tt.fails == "" && (err != nil || len(seen) != tt.rows):
				t.Errorf("%d rows were read, want %d: %v", len(seen), tt.rows, err)
			case tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)):
				t.Errorf("err = %v, want %q", err, tt.fails)
			}
			if asked > tt.most {
				t.Errorf("%d requests were made, want at most %d", asked, tt.most)
			}
		})
	}
}
