//go:build unix && !race

package e2e_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// plant is a fault that no sync can notice, or one of the program itself. The oracle
// must see it.
type plant struct {
	name string
	// proxy stands between the program and the simulator.
	proxy func(*jcsim.Tenant, http.Handler) http.Handler
	// after comes between a sync and its judgment.
	after func(*ordeal, result)
	// limit is the time for one sync.
	limit time.Duration
	days  []day
	sees  string
}

// plants are false answers, which make archives wrong that look complete, and what a
// program would leave behind that does not keep its promises.
func plants() []plant {
	failing := []day{{trouble: calm, fatal: &faulty{
		name: "401", fault: jcsim.Fault{Name: "401", Route: routeGroups, Status: 401}, code: exitUnauthenticated, says: []string{"401"},
	}}}
	return []plant{
		{name: "nothing"},
		{name: "one member of each group is left out", sees: "throughout, and it is missing", proxy: falsify("/members", func(_ *jcsim.Tenant, rows []any) []any {
			return rows[:len(rows)-1]
		})},
		{name: "a user is left out wherever he is", sees: "was there throughout and is missing", proxy: falsify("/", func(t *jcsim.Tenant, rows []any) []any {
			return slices.DeleteFunc(rows, func(row any) bool { return idOf(row) == t.Users()[0].ID })
		})},
		{name: "an application is left out", sees: "was there throughout and is missing", proxy: falsify("/applications", func(t *jcsim.Tenant, rows []any) []any {
			return slices.DeleteFunc(rows, func(row any) bool { return idOf(row) == t.Applications()[0].ID })
		})},
		{name: "one member of each group is somebody else", sees: "never had", proxy: falsify("/members", func(t *jcsim.Tenant, rows []any) []any {
			for _, u := range t.Users() {
				if !slices.ContainsFunc(rows, func(row any) bool { return idOf(row) == u.ID }) {
					rows[0].(map[string]any)["to"].(map[string]any)["id"] = u.ID
					return rows
				}
			}
			return rows
		})},
		{name: "a failed sync spoils the archive", sees: "is not what it was", days: failing, after: func(o *ordeal, r result) {
			if r.code != exitOK {
				writeFile(o.T, o.program.path(), append(file(o.T, o.program.path()), 0))
			}
		}},
		{name: "a failed sync leaves a file", sees: "was left behind", days: failing, after: func(o *ordeal, r result) {
			if r.code != exitOK {
				writeFile(o.T, filepath.Join(o.program.dir, "sync.c1z.tmp"), []byte("half"))
			}
		}},
		{name: "an old archive stays where a new one should be", sees: "throughout", after: func(o *ordeal, _ result) {
			if err := os.Remove(o.program.path()); err != nil {
				o.Fatal(err)
			}
			o.program.yesterday(jcsim.NewTenant(o.plan.tenant.Organization()))
		}},
		{name: "a fault without an excuse", sees: "nothing on that day explains", proxy: func(_ *jcsim.Tenant, sim http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/usergroups") {
					w.WriteHeader(http.StatusForbidden)
					return
				}
				sim.ServeHTTP(w, r)
			})
		}},
		{name: "no answer ever", limit: 2 * time.Second, sees: "did not end within", proxy: func(_ *jcsim.Tenant, _ http.Handler) http.Handler {
			return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		}},
	}
}

// falsify changes the rows of lists on their way, and the totals with them, so that
// the answer is consistent.
func falsify(part string, change func(*jcsim.Tenant, []any) []any) func(*jcsim.Tenant, http.Handler) http.Handler {
	return func(t *jcsim.Tenant, sim http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Accept-Encoding")
			rec := httptest.NewRecorder()
			sim.ServeHTTP(rec, r)
			body := rec.Body.Bytes()
			maps.Copy(w.Header(), rec.Header())
			if rec.Code == http.StatusOK && strings.Contains(r.URL.Path, part) {
				body = falsified(t, w.Header(), body, change)
			}
			w.Header().Del("Content-Length")
			w.WriteHeader(rec.Code)
			_, _ = w.Write(body) // the client may have gone
		})
	}
}

// falsified is the body of an answer with other rows, in either of the forms that
// lists have; anything else is left as it is.
func falsified(t *jcsim.Tenant, header http.Header, body []byte, change func(*jcsim.Tenant, []any) []any) []byte {
	var answer any
	if json.Unmarshal(body, &answer) != nil {
		return body
	}
	switch list := answer.(type) {
	case []any:
		if len(list) == 0 {
			return body
		}
		rows := change(t, slices.Clone(list))
		if total, err := strconv.Atoi(header.Get("X-Total-Count")); err == nil {
			header.Set("X-Total-Count", strconv.Itoa(total-len(list)+len(rows)))
		}
		answer = rows
	case map[string]any:
		rows, _ := list["results"].([]any)
		total, _ := list["totalCount"].(float64)
		if len(rows) == 0 {
			return body
		}
		list["results"] = change(t, slices.Clone(rows))
		list["totalCount"] = total - float64(len(rows)) + float64(len(list["results"].([]any)))
	}
	changed, err := json.Marshal(answer)
	if err != nil {
		return body
	}
	return changed
}

// idOf is the id of an object, or of the far end of an edge.
func idOf(row any) string {
	object, _ := row.(map[string]any)
	if to, ok := object["to"].(map[string]any); ok {
		object = to
	}
	for _, name := range []string{"_id", "id"} {
		if id, ok := object[name].(string); ok {
			return id
		}
	}
	return ""
}

// TestPlantedInChaos plants faults in plans, one-shot and as a service, and expects
// the oracle to see each of them.
func TestPlantedInChaos(t *testing.T) {
	t.Parallel()
	for _, pl := range plants() {
		for _, service := range []bool{false, true} {
			if service && (pl.after != nil || pl.limit > 0) {
				continue // in one-shot mode these stand for a program that nobody watches
			}
			name := "one-shot: " + pl.name
			if service {
				name = "service: " + pl.name
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				tenant := jcsim.Generate(3, jcsim.Size{Users: 40, Groups: 8, Apps: 6, Admins: 3, Dangling: -1})
				o := newOrdeal(t, plan{seed: 3, service: service, tenant: tenant, workers: 4, archive: true, days: pl.days}, pl)
				if service {
					o.serve()
				} else {
					o.oneShot()
				}
				wrong := strings.Join(o.wrong, "\n")
				switch {
				case pl.sees == "" && wrong != "":
					t.Errorf("without a fault: %s", wrong)
				case !strings.Contains(wrong, pl.sees):
					t.Errorf("%q is not in %q", pl.sees, wrong)
				}
			})
		}
	}
}
