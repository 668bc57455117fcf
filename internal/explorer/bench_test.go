package explorer_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/explorer"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/library"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// The size of the organization of the benchmarks: 100,000 users and 10,000,000
// grants. Each user is in 20 groups, has 40 applications through two of them each,
// and 40 more directly.
const (
	manyUsers, manyGroups, manyApps    = 100_000, 5_000, 500
	groupsOfUser, throughGroups, alone = 20, 40, 40
)

func userID(i int) string  { return fmt.Sprintf("5f%022x", uint64(i)*0x9E3779B97F4A7C15) }
func groupID(i int) string { return fmt.Sprintf("60%022x", uint64(i)*0x9E3779B97F4A7C15) }
func appID(i int) string   { return fmt.Sprintf("61%022x", uint64(i)*0x9E3779B97F4A7C15) }

// many is an organization of that size without one of its users, so that two of them
// differ.
func many(b *testing.B, run c1z.SyncRun, without int) *review.Sync {
	b.Helper()
	n := newTenant(b)
	given := []string{"Ada", "Bo", "Chloé", "Dmitri", "Eve", "Farid", "Grace", "Hiro", "Inés", "Jörg", "Kofi", "Łukasz"}
	family := []string{"Lovelace", "Okafor", "Müller", "Tanaka", "Silva", "O'Neill", "Haddad", "Novák", "Ångström"}
	for i := range manyUsers {
		if i != without {
			n.user(userID(i), fmt.Sprintf("%s %s %05d", given[i%12], family[i/12%9], i), fmt.Sprintf("Department %d", i%60))
		}
	}
	for i := range manyGroups {
		n.resource("group", groupID(i), fmt.Sprintf("Team %04d", i))
	}
	for i := range manyApps {
		n.resource("app", appID(i), fmt.Sprintf("Application %03d", i))
	}
	n.resource("role", "role_admin", "Administrator")
	s, err := review.Build(run, review.Contents{
		Types: n.types, Resources: slices.Values(n.resources), Entitlements: slices.Values(n.entitlements),
		Grants: func(yield func(*c1z.GrantEdge) bool) { manyGrants(without, yield) },
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func manyGrants(without int, yield func(*c1z.GrantEdge) bool) {
	var g c1z.GrantEdge
	put := func(typ, id string, user int, sources ...string) bool {
		of := typ + ":" + id
		g = c1z.GrantEdge{
			ID: []byte(of + ":user:" + userID(user)), Entitlement: []byte(of), ResourceType: []byte(typ), Resource: []byte(id),
			PrincipalType: []byte("user"), Principal: []byte(userID(user)),
		}
		for _, s := range sources {
			g.Sources = append(g.Sources, []byte(s))
		}
		return yield(&g)
	}
	for u := range manyUsers {
		if u == without {
			continue
		}
		of := func(i int) string { return groupID((u*31 + i*(manyGroups/groupsOfUser+1)) % manyGroups) }
		for i := range groupsOfUser {
			if !put("group", of(i), u) {
				return
			}
		}
		for i := range throughGroups + alone {
			var sources []string
			if i < throughGroups {
				sources = []string{"group:" + of(i/2), "group:" + of(i/2+1)}
			}
			if !put("app", appID((u*7+i)%manyApps), u, sources...) {
				return
			}
		}
	}
	for i := range 20 {
		if !put("role", "role_admin", i*7+1) {
			return
		}
	}
}

// manyExplored is made once for all benchmarks.
var manyExplored struct {
	once sync.Once
	e    *explorer.Explorer
}

func explored(b *testing.B) *explorer.Explorer {
	b.Helper()
	manyExplored.once.Do(func() {
		s := &shelf{syncs: make(map[library.Key]*review.Sync)}
		for i := range 2 {
			at := begin.AddDate(0, 0, -i)
			run := c1z.SyncRun{ID: fmt.Sprint("sync", i), Type: c1z.SyncFull, StartedAt: at, EndedAt: at.Add(time.Minute)}
			key := library.Key{Sync: run.ID}
			s.entries = append(s.entries, library.Entry{Key: key, Archive: "sync.c1z", Name: "sync.c1z", Run: run})
			s.syncs[key] = many(b, run, i*1_000)
		}
		var err error
		if manyExplored.e, err = explorer.New(explorer.Config{Library: s, Logger: slog.New(slog.DiscardHandler)}); err != nil {
			b.Fatal(err)
		}
	})
	if manyExplored.e == nil {
		b.Fatal("there is no explorer")
	}
	return manyExplored.e
}

// BenchmarkPages measures the complete answer of each page over 100,000 users and
// 10,000,000 grants: what most answers take, and what the slowest in twenty takes. The
// first answer, which makes what later ones share, is told apart.
func BenchmarkPages(b *testing.B) {
	e := explored(b)
	resource := func(typ, id, more string) string {
		return "/resource?type=" + typ + "&id=" + url.QueryEscape(id) + more
	}
	for _, address := range []string{
		"/",
		"/accounts", "/accounts?q=lukasz+9", "/accounts?q=e&sort=-holdings", "/accounts?sort=department&page=1999", "/accounts?department=Department+7&mfa=yes",
		"/groups?sort=-members", "/applications?q=1", "/roles",
		"/entitlements", "/entitlements?q=team+42&sort=-holders",
		"/grants", "/grants?q=lukasz+application+07", "/grants?q=e&sort=principal", "/grants?sort=principal&page=199000", "/grants?kind=application&direct=no&q=eve",
		resource("user", userID(4711), ""), resource("user", userID(4711), "&q=team&sort=-entitlement"), resource("group", groupID(17), ""),
		resource("group", groupID(17), "&tab=graph"), resource("app", appID(7), ""), resource("app", appID(7), "&direct=no&q=eve&sort=department"),
		resource("role", "role_admin", ""), "/entitlement?id=app:" + appID(7),
		"/reports", "/reports/multiple-paths", "/reports/multiple-paths?q=e&sort=-paths", "/reports/no-manager", "/reports/role-holders", "/reports/changes",
		"/compare", "/compare?tab=resources&q=ada",
	} {
		b.Run(address, func(b *testing.B) {
			ask := func() time.Duration {
				start := time.Now()
				r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, address, http.NoBody)
				w := &answer{header: http.Header{}}
				e.ServeHTTP(w, r)
				if w.status != http.StatusOK {
					b.Fatalf("%s is answered with %d", address, w.status)
				}
				return time.Since(start)
			}
			first := ask()
			var took []time.Duration
			for b.Loop() {
				took = append(took, ask())
			}
			slices.Sort(took)
			b.ReportMetric(first.Seconds()*1000, "ms-first")
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms-p50")
			b.ReportMetric(took[len(took)*95/100].Seconds()*1000, "ms-p95")
		})
	}
}

// answer throws the body away.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return io.Discard.Write(b) }
