package jumpcloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// tenant answers lists under the rules of a test and writes down what it is asked.
type tenant struct {
	users  int
	refuse func(r *http.Request) int // a status; 0 to answer

	mu    sync.Mutex
	asked []string
}

func (s *tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	if status := s.refuse(r); status != 0 {
		answer(w, status, `{"message":"no"}`)
		return
	}
	skip, limit := number(r, "skip"), number(r, "limit")
	if r.Method == http.MethodPost {
		var body struct{ Skip, Limit int }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			answer(w, http.StatusBadRequest, `{}`)
			return
		}
		skip, limit = body.Skip, body.Limit
	}
	rows := []string{}
	for i := skip; i < min(s.users, skip+limit); i++ {
		rows = append(rows, fmt.Sprintf(`{"id":"%06d"}`, i))
	}
	list := "[" + strings.Join(rows, ",") + "]"
	switch {
	case strings.HasSuffix(r.URL.Path, "/associations"):
		targets := strings.Split(r.URL.Query().Get("targets"), ",")
		var edges []string
		for _, target := range targets {
			for i := skip; i < min(s.users, skip+limit); i++ {
				edges = append(edges, fmt.Sprintf(`{"to":{"type":%q,"id":"%06d"}}`, target, i))
			}
		}
		w.Header().Set("X-Total-Count", strconv.Itoa(s.users*len(targets)))
		answer(w, 200, "["+strings.Join(edges, ",")+"]")
	case strings.HasPrefix(r.URL.Path, "/api/v2/"):
		w.Header().Set("X-Total-Count", strconv.Itoa(s.users))
		answer(w, 200, list)
	default:
		answer(w, 200, fmt.Sprintf(`{"totalCount":%d,"results":%s}`, s.users, list))
	}
}

func number(r *http.Request, name string) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil {
		return 0
	}
	return n
}

func (s *tenant) client(t *testing.T) (*jumpcloud.Client, *bytes.Buffer) {
	t.Helper()
	mux := http.NewServeMux()
	for _, route := range jumpcloud.Routes() {
		mux.Handle(route.Method+" "+route.Pattern, s)
	}
	log := new(bytes.Buffer)
	client := newTestClient(t, mux, func(cfg *jumpcloud.Config) { cfg.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	return client, log
}

type fetch[T any] func(context.Context, paging.Window) (paging.Page[T], error)

// listOf describes a list that is asked for in the order of its ids.
func listOf[T any](name string, limit int, read fetch[T], id func(T) string) paging.Lister[T] {
	return paging.Lister[T]{Name: name, Limit: limit, Sorted: true, Fetch: read, ID: id}
}

// readList reads a whole list and returns the ids.
func readList[T any](t *testing.T, l paging.Lister[T]) []string {
	t.Helper()
	var receipts [][]byte
	seen := make(map[string]struct{})
	for open := []string{""}; len(open) > 0; {
		page, err := paging.ReadPage(t.Context(), l, open[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			seen[l.ID(item)] = struct{}{}
		}
		open = append(open[1:], page.Next...)
		if page.Settled {
			break
		}
		receipts = append(receipts, page.Receipt)
		if len(open) == 0 {
			verdict, err := l.Settle(receipts, paging.Occasion{Last: true})
			if err != nil {
				t.Fatal(err)
			}
			open = verdict.Next
		}
	}
	ids := make([]string, 0, len(seen))
	for id := range seen {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func repeat(s string, n int) []string {
	return slices.Repeat([]string{s}, n)
}

// TestUsersFallBack reads users the plain way where the search is refused.
func TestUsersFallBack(t *testing.T) {
	t.Parallel()
	const search, list = "POST /api/search/systemusers", "GET /api/systemusers"
	isSearch := func(r *http.Request) bool { return strings.Contains(r.URL.Path, "search") }
	tests := []struct {
		name   string
		refuse func(*http.Request) int
		want   []string
		noted  int
	}{
		{name: "not needed", refuse: func(*http.Request) int { return 0 }, want: []string{search}},
		{
			name: "400 to the size", want: append([]string{search, search}, repeat(search, 2)...), noted: 1,
			refuse: func(r *http.Request) int { return tooMany(r) },
		},
		{
			name: "400", want: append([]string{search, search}, repeat(list, 3)...), noted: 1,
			refuse: func(r *http.Request) int {
				if isSearch(r) {
					return 400
				}
				return 0
			},
		},
		{
			name: "400 to the size, and the list is refused", want: append([]string{search, search}, repeat(search, 2)...), noted: 1,
			refuse: func(r *http.Request) int {
				if !isSearch(r) {
					return 403
				}
				return tooMany(r)
			},
		},
		{
			name: "404, and fields are refused", want: append([]string{search}, repeat(list, 4)...), noted: 2,
			refuse: func(r *http.Request) int {
				switch {
				case isSearch(r):
					return 404
				case r.URL.Query().Has("fields"):
					return 400
				default:
					return 0
				}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &tenant{users: 250, refuse: tt.refuse}
			client, log := s.client(t)
			if got := readList(t, listOf("users", 1000, client.Users, func(u jumpcloud.User) string { return u.ID })); len(got) != 250 {
				t.Errorf("%d users were read", len(got))
			}
			if diff := cmp.Diff(tt.want, s.asked); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if got := strings.Count(log.String(), "level=WARN"); got != tt.noted {
				t.Errorf("%d receipts were logged, want %d: %s", got, tt.noted, log)
			}
		})
	}
}

// tooMany refuses a search for more than 100 rows.
func tooMany(r *http.Request) int {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil || bytes.Contains(body, []byte(`"limit":1000`)) {
		return 400
	}
	return 0
}

// TestEachRefusalOfTheSearch falls back for each answer that says that the search is
// not for this credential, and for no other.
func TestEachRefusalOfTheSearch(t *testing.T) {
	t.Parallel()
	for status := range jumpcloud.Refusals() {
		s := &tenant{users: 250, refuse: func(r *http.Request) int {
			if r.Method == http.MethodPost {
				return status
			}
			return 0
		}}
		client, _ := s.client(t)
		if got := readList(t, listOf("users", 1000, client.Users, func(u jumpcloud.User) string { return u.ID })); len(got) != 250 {
			t.Errorf("with %d, %d users were read", status, len(got))
		}
	}
	for _, status := range []int{401, 409, 412, 428, 302} {
		s := &tenant{users: 250, refuse: func(r *http.Request) int {
			if r.Method == http.MethodPost {
				return status
			}
			return 0
		}}
		client, _ := s.client(t)
		if _, err := client.Users(t.Context(), paging.Window{Limit: 1000}); err == nil || jumpcloud.IsUnserved(err) {
			t.Errorf("with %d: %v", status, err)
		}
	}
}

// TestFallBacksKeepTheRealError returns what the documented way says when both
// ways are refused, and does not take other faults for a refusal of the form.
func TestFallBacksKeepTheRealError(t *testing.T) {
	t.Parallel()
	w := paging.Window{Limit: 100}
	s := &tenant{refuse: func(r *http.Request) int {
		if r.Method == http.MethodPost {
			return 404
		}
		return 403
	}}
	client, log := s.client(t)
	_, err := client.Users(t.Context(), w)
	if !jumpcloud.IsPermission(err) || !strings.Contains(err.Error(), "GET /api/systemusers for users") || !strings.Contains(err.Error(), "users.readonly") {
		t.Errorf("the error is %v", err)
	}
	if log.Len() > 0 {
		t.Errorf("a receipt was logged: %s", log)
	}

	s = &tenant{refuse: func(*http.Request) int { return 401 }}
	client, _ = s.client(t)
	if _, err := client.Users(t.Context(), w); !jumpcloud.IsUnauthenticated(err) || len(s.asked) != 1 {
		t.Errorf("the error is %v after %v", err, s.asked)
	}

	// What has worked before is known to be allowed.
	status := 0
	s = &tenant{users: 3, refuse: func(*http.Request) int { return status }}
	client, _ = s.client(t)
	both := []string{jumpcloud.TypeUser, jumpcloud.TypeUserGroup}
	if _, err := client.Bindings(t.Context(), jumpcloud.TypeApplication, "a", both, w); err != nil {
		t.Fatal(err)
	}
	status = 404
	if _, err := client.Bindings(t.Context(), jumpcloud.TypeApplication, "a", both, w); !jumpcloud.IsNotFound(err) || len(s.asked) != 2 {
		t.Errorf("the error is %v after %v", err, s.asked)
	}
}

// TestOrderFallsBack reads lists without an order where sorting is refused.
func TestOrderFallsBack(t *testing.T) {
	t.Parallel()
	s := &tenant{users: 250, refuse: func(r *http.Request) int {
		if r.URL.Query().Has("sort") || r.URL.Query().Has("fields") {
			return 400
		}
		return 0
	}}
	client, log := s.client(t)
	for name, read := range map[string]func() []string{
		"groups": func() []string {
			return readList(t, listOf("user groups", 100, client.UserGroups, func(g jumpcloud.UserGroup) string { return g.ID }))
		},
		"administrators": func() []string {
			return readList(t, listOf("administrators", 100, client.Admins, func(a jumpcloud.Admin) string { return a.ID }))
		},
		"applications": func() []string {
			return readList(t, listOf("applications", 100, client.Applications, func(a jumpcloud.Application) string { return a.ID }))
		},
	} {
		s.asked = nil
		if got := read(); len(got) != 250 {
			t.Errorf("%d %s were read", len(got), name)
		}
		if most := 6; len(s.asked) > most {
			t.Errorf("%s took %d requests, want at most %d", name, len(s.asked), most)
		}
	}
	if got := strings.Count(log.String(), "level=WARN"); got != 4 {
		t.Errorf("%d receipts were logged, want 4: %s", got, log)
	}
}

// TestTargetsFallBack asks for each type of association by itself where several
// at once are refused, and finds the same.
func TestTargetsFallBack(t *testing.T) {
	t.Parallel()
	for status := range jumpcloud.Refusals() {
		for _, n := range []int{0, 3, 100, 130, 250} {
			s := &tenant{users: n, refuse: func(r *http.Request) int {
				if strings.Contains(r.URL.Query().Get("targets"), ",") {
					return status
				}
				return 0
			}}
			client, log := s.client(t)
			l := listOf("associations", 100, func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
				return client.Bindings(ctx, jumpcloud.TypeApplication, "a", []string{jumpcloud.TypeUser, jumpcloud.TypeUserGroup}, w)
			}, func(c jumpcloud.Connection) string { return c.Type + "/" + c.ID })
			l.Sorted, l.Holes = false, true
			got := readList(t, l)
			if len(got) != 2*n {
				t.Errorf("with %d, %d associations were read, want %d", status, len(got), 2*n)
			}
			if want := 1 + 2*max(1, (n+99)/100); len(s.asked) != want {
				t.Errorf("with %d and %d rows, %d requests were made, want %d", status, n, len(s.asked), want)
			}
			if got := strings.Count(log.String(), "level=WARN"); got != 1 {
				t.Errorf("%d receipts were logged", got)
			}
		}
	}
}
