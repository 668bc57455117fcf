package jumpcloud_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

// TestNullRows reads lists in which some rows are null, wherever these are: what is
// not null is read, once, and the null rows are no reason to fail.
func TestNullRows(t *testing.T) {
	t.Parallel()
	for name, nulls := range map[string][]int{
		"none":                  nil,
		"the first":             {0},
		"the last":              {249},
		"a few":                 {3, 4, 77, 130},
		"where windows overlap": {99, 198},
		"around the overlap":    {98, 99, 100, 197, 198, 199},
	} {
		for _, sorts := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, sorted %t", name, sorts), func(t *testing.T) {
				t.Parallel()
				const rows = 250
				row := func(i int) string {
					if slices.Contains(nulls, i) {
						return "null"
					}
					return fmt.Sprintf(`{"id":"%06d"}`, i)
				}
				handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					skip, limit := number(r, "skip"), number(r, "limit")
					if r.Method == http.MethodPost {
						var body struct{ Skip, Limit int }
						if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
							t.Error(err)
						}
						skip, limit = body.Skip, body.Limit
					}
					var list []string
					for i := skip; i < min(rows, skip+limit); i++ {
						list = append(list, row(i))
					}
					w.Header().Set("X-Total-Count", strconv.Itoa(rows))
					answer(w, 200, "["+strings.Join(list, ",")+"]")
				})
				mux := http.NewServeMux()
				for _, route := range jumpcloud.Routes() {
					mux.Handle(route.Method+" "+route.Pattern, handler)
				}
				client := newTestClient(t, mux, func(*jumpcloud.Config) {})
				var want []string
				for i := range rows {
					if !slices.Contains(nulls, i) {
						want = append(want, fmt.Sprintf("%06d", i))
					}
				}
				users := listOf("users", 100, client.Users, func(u jumpcloud.User) string { return u.ID })
				groups := listOf("user groups", 100, client.UserGroups, func(g jumpcloud.UserGroup) string { return g.ID })
				users.Sorted, groups.Sorted = sorts, sorts
				if diff := cmp.Diff(want, readList(t, users)); diff != "" {
					t.Errorf("users (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(want, readList(t, groups)); diff != "" {
					t.Errorf("groups (-want +got):\n%s", diff)
				}
			})
		}
	}
}
