package review_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkBuild measures arranging 100,000 users and 10,000,000 grants, and what
// they take in memory.
func BenchmarkBuild(b *testing.B) {
	before := heap()
	var s *review.Sync
	for b.Loop() {
		var err error
		if s, err = review.Build(c1z.SyncRun{}, reviewtest.TheLarge().Contents(b)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(heap()-before)/(1<<20), "MiB-held")
	b.ReportMetric(float64(s.GrantCount())*float64(b.N)/b.Elapsed().Seconds(), "grants/s")
	b.ReportMetric(float64(s.GrantCount()), "grants")
	runtime.KeepAlive(s)
}

// BenchmarkLoad measures reading an archive of 20,000 users and 1,000,000 grants.
func BenchmarkLoad(b *testing.B) {
	l := reviewtest.Large{Users: 20_000, Groups: 1_000, Apps: 500, GroupsOfUser: 10, AppsOfGroup: 5}
	r := l.Write(b)
	var s *review.Sync
	for b.Loop() {
		s = reviewtest.Load(b, r, "")
	}
	b.ReportMetric(float64(s.GrantCount())*float64(b.N)/b.Elapsed().Seconds(), "grants/s")
	b.ReportMetric(float64(s.GrantCount()), "grants")
}

// BenchmarkLists measures one page of 50 rows of each list, as the explorer and the
// commands ask for them: the first time, when orders are made, and later.
func BenchmarkLists(b *testing.B) {
	s := reviewtest.TheLargeSync(b)
	list := func(kind review.Kind) func(search.Query) (int, error) {
		return func(q search.Query) (int, error) { p, err := s.Resources(kind, q); return p.Total, err }
	}
	grants := func(q search.Query) (int, error) { p, err := s.Grants(q); return p.Total, err }
	entitlements := func(q search.Query) (int, error) { p, err := s.Entitlements(q); return p.Total, err }
	filter := func(pairs ...string) map[string]string {
		f := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			f[pairs[i]] = pairs[i+1]
		}
		return f
	}
	for _, q := range []struct {
		name string
		list func(search.Query) (int, error)
		q    search.Query
	}{
		{"accounts", list(review.Account), search.Query{}},
		{"accounts search", list(review.Account), search.Query{Search: "lukasz 9"}},
		{"accounts search e", list(review.Account), search.Query{Search: "e"}},
		{"accounts last page by department", list(review.Account), search.Query{Sort: "department", Desc: true, Offset: 99_900}},
		{"accounts filtered", list(review.Account), search.Query{Filter: filter("status", "disabled", "department", "Department 7", "mfa", "no")}},
		{"groups by members", list(review.Group), search.Query{Sort: "members", Desc: true}},
		{"applications", list(review.Application), search.Query{}},
		{"entitlements search", entitlements, search.Query{Search: "team 42"}},
		{"grants", grants, search.Query{}},
		{"grants last page by principal", grants, search.Query{Sort: "principal", Offset: 9_999_000}},
		{"grants last page inherited first", grants, search.Query{Sort: "direct", Desc: true, Offset: 9_999_000}},
		{"grants search", grants, search.Query{Search: "lukasz application 07"}},
		{"grants search e", grants, search.Query{Search: "e", Sort: "principal"}},
		{"grants search nothing", grants, search.Query{Search: "zebra"}},
		{"grants filtered", grants, search.Query{Filter: filter("kind", "application", "direct", "no"), Search: "eve"}},
		{"grants through a group", grants, search.Query{Filter: filter("via", "group:"+reviewtest.TheLarge().Group(17))}},
		{"grants of a principal", grants, search.Query{Filter: filter("principal", "user:"+reviewtest.TheLarge().User(4711))}},
	} {
		q.q.Limit = 50
		b.Run(q.name, func(b *testing.B) {
			total := 0
			for b.Loop() {
				var err error
				if total, err = q.list(q.q); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(total), "rows")
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/page")
		})
	}
}

// BenchmarkAccess measures what a person's, an application's and a group's page ask.
func BenchmarkAccess(b *testing.B) {
	s, l := reviewtest.TheLargeSync(b), reviewtest.TheLarge()
	user, app := reviewtest.Ref(b, s, "user", l.User(4711)), reviewtest.EntRef(b, s, "app:"+l.App(7))
	group := reviewtest.Ref(b, s, "group", l.Group(17))
	for _, q := range []struct {
		name string
		ask  func() error
	}{
		{"access", func() error { _, err := s.Access(user, search.Query{Limit: 50}); return err }},
		{"who", func() error { _, err := s.Who(app, search.Query{Limit: 50}); return err }},
		{"who by department, searched", func() error {
			_, err := s.Who(app, search.Query{Sort: "department", Search: "lukasz", Limit: 50})
			return err
		}},
		{"graph of a user", func() error { s.Graph(user, 0); return nil }},
		{"graph of a group", func() error { s.Graph(group, 0); return nil }},
		{"find by email", func() error { _, err := s.FindResource("user004711@example.com"); return err }},
		{"find nothing", func() error {
			if _, err := s.FindResource("Lukas Novaak 4711"); err == nil {
				b.Fatal("found")
			}
			return nil
		}},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				if err := q.ask(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms")
		})
	}
}

// BenchmarkOverview measures the numbers of the first page, which are made once.
func BenchmarkOverview(b *testing.B) {
	s := reviewtest.TheLargeSync(b)
	start := time.Now()
	for b.Loop() {
		s.Overview()
	}
	b.ReportMetric(time.Since(start).Seconds()*1000, "ms-all")
}
