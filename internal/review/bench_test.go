package review_test

import (
	"fmt"
	"iter"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// large is an organization of a size. Each user is in some groups, each group has
// some applications, and users have applications through their groups.
type large struct{ users, groups, apps, groupsOfUser, appsOfGroup int }

// theLarge has 100,000 users and 10,000,000 grants: 20 groups and some 80
// applications each.
func theLarge() large {
	return large{users: 100_000, groups: 5_000, apps: 500, groupsOfUser: 20, appsOfGroup: 5}
}

func (l large) user(i int) string  { return fmt.Sprintf("5f%022x", uint64(i)*0x9E3779B97F4A7C15) }
func (l large) group(i int) string { return fmt.Sprintf("60%022x", uint64(i)*0x9E3779B97F4A7C15) }
func (l large) app(i int) string   { return fmt.Sprintf("61%022x", uint64(i)*0x9E3779B97F4A7C15) }

func given(i int) string {
	names := []string{"Ada", "Bo", "Chloé", "Dmitri", "Eve", "Farid", "Grace", "Hiro", "Inés", "Jörg", "Kofi", "Łukasz"}
	return names[i%len(names)]
}

func family(i int) string {
	names := []string{"Lovelace", "Okafor", "Müller", "Tanaka", "Silva", "O'Neill", "Haddad", "Novák", "Ångström"}
	return fmt.Sprintf("%s %05d", names[i/12%len(names)], i)
}

func (l large) resources(t testing.TB) iter.Seq[*v2.Resource] {
	return func(yield func(*v2.Resource) bool) {
		more := true
		put := func(typ, id, name string, change func(*v2.Resource)) {
			r := &v2.Resource{Id: &v2.ResourceId{ResourceType: typ, Resource: id}, DisplayName: name}
			change(r)
			more = more && yield(r)
		}
		for i := range l.users {
			put("user", l.user(i), given(i)+" "+family(i), func(r *v2.Resource) { l.describe(t, i, r) })
		}
		for i := range l.groups {
			put("group", l.group(i), fmt.Sprintf("Team %04d", i), func(*v2.Resource) {})
		}
		for i := range l.apps {
			put("app", l.app(i), fmt.Sprintf("Application %03d", i), func(*v2.Resource) {})
		}
		put("role", "role_admin", "Administrator", func(*v2.Resource) {})
	}
}

func (l large) describe(t testing.TB, i int, r *v2.Resource) {
	values := map[string]any{
		"id": l.user(i), "user_id": l.user(i), "username": fmt.Sprintf("user%06d", i), "first_name": given(i), "last_name": family(i),
		"display_name": given(i) + " " + family(i), "job_title": fmt.Sprintf("Engineer %d", i%40), "department": fmt.Sprintf("Department %d", i%60),
		"company": "Example Ltd", "location": "Warsaw", "cost_center": strconv.Itoa(i % 300), "employee_id": strconv.Itoa(i),
		"organization": "5f0000000000000000000001", "state": "ACTIVATED", "mfa_enrollment": "ENROLLED", "password_expired": false,
	}
	if i%50 != 0 {
		values["manager"] = fmt.Sprintf("user%06d@example.com", i/10)
		values["manager_id"] = l.user(i / 10)
	}
	r.Profile = profile(t, values)
	r.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_ENABLED}
	if i%40 == 0 {
		r.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_DISABLED, Details: "suspended"}
	}
	r.Annotations = []*anypb.Any{annotation(t, &v2.UserTrait{
		Emails:      []*v2.UserTrait_Email{{Address: fmt.Sprintf("user%06d@example.com", i), IsPrimary: true}},
		Login:       fmt.Sprintf("user%06d", i),
		AccountType: v2.UserTrait_ACCOUNT_TYPE_HUMAN, MfaStatus: &v2.UserTrait_MFAStatus{MfaEnabled: i%7 != 0},
		EmployeeIds: []string{strconv.Itoa(i)},
	})}
}

func (l large) entitlements() iter.Seq[*v2.Entitlement] {
	return func(yield func(*v2.Entitlement) bool) {
		more := true
		put := func(typ, id, slug string) {
			more = more && yield(&v2.Entitlement{
				Id: typ + ":" + id, Slug: slug, DisplayName: slug, Purpose: v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT,
				Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: typ, Resource: id}},
			})
		}
		for i := range l.groups {
			put("group", l.group(i), "member")
		}
		for i := range l.apps {
			put("app", l.app(i), "access")
		}
		put("role", "role_admin", "member")
	}
}

// groupsOf are the groups of a user.
func (l large) groupsOf(user int) []int {
	list := make([]int, l.groupsOfUser)
	for i := range list {
		list[i] = (user*31 + i*(l.groups/l.groupsOfUser+1)) % l.groups
	}
	return list
}

// appsOf are the applications of a group. The next group has the last one too, so
// that users have some applications through two groups.
func (l large) appsOf(group int) []int {
	list := make([]int, l.appsOfGroup)
	for i := range list {
		list[i] = (group*(l.appsOfGroup-1) + i) % l.apps
	}
	return list
}

// edges yields the grants, entitlement by entitlement as an archive has them.
func (l large) edges() iter.Seq[*c1z.GrantEdge] {
	return func(yield func(*c1z.GrantEdge) bool) {
		members := make([][]int32, l.groups)
		holders := make([][][2]int32, l.apps) // user and group
		for u := range l.users {
			for _, g := range l.groupsOf(u) {
				members[g] = append(members[g], int32(u))
				for _, a := range l.appsOf(g) {
					holders[a] = append(holders[a], [2]int32{int32(u), int32(g)})
				}
			}
		}
		var e c1z.GrantEdge
		more := true
		put := func(typ, id, principal string, direct bool) {
			e.Entitlement, e.ResourceType, e.Resource = []byte(typ+":"+id), []byte(typ), []byte(id)
			e.PrincipalType, e.Principal = []byte("user"), []byte(principal)
			e.ID = []byte(typ + "-grant:" + id + ":user:" + principal + ":" + id)
			if !direct {
				e.ID = []byte(typ + ":" + id + ":user:" + principal)
			}
			more = more && yield(&e)
		}
		for g, list := range members {
			for _, u := range list {
				put("group", l.group(g), l.user(int(u)), true)
			}
		}
		for a, list := range holders {
			e.Immutable = true
			for i := 0; i < len(list); {
				u := list[i][0]
				e.Sources = e.Sources[:0]
				for ; i < len(list) && list[i][0] == u; i++ {
					e.Sources = append(e.Sources, []byte("group:"+l.group(int(list[i][1]))))
				}
				put("app", l.app(a), l.user(int(u)), false)
			}
		}
		e.Immutable, e.Sources = false, nil
		for i := range 20 {
			put("role", "role_admin", l.user(i*7), true)
		}
	}
}

func (l large) contents(t testing.TB) review.Contents {
	b := newBuilder(t)
	return review.Contents{Types: b.types, Resources: l.resources(t), Entitlements: l.entitlements(), Grants: l.edges()}
}

// largeSync is made once for all benchmarks.
var largeSync struct {
	once sync.Once
	s    *review.Sync
	err  error
}

func theLargeSync(b *testing.B) *review.Sync {
	b.Helper()
	largeSync.once.Do(func() {
		run := c1z.SyncRun{ID: "large", StartedAt: begin, EndedAt: begin.Add(time.Minute)}
		largeSync.s, largeSync.err = review.Build(run, theLarge().contents(b))
	})
	if largeSync.err != nil {
		b.Fatal(largeSync.err)
	}
	return largeSync.s
}

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
		if s, err = review.Build(c1z.SyncRun{}, theLarge().contents(b)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(heap()-before)/(1<<20), "MiB-held")
	b.ReportMetric(float64(s.GrantCount())*float64(b.N)/b.Elapsed().Seconds(), "grants/s")
	b.ReportMetric(float64(s.GrantCount()), "grants")
	runtime.KeepAlive(s)
}

// write puts the organization into an archive.
func (l large) write(b *testing.B) *c1z.Reader {
	b.Helper()
	path := filepath.Join(b.TempDir(), "sync.c1z")
	w, err := c1z.Create(b.Context(), c1z.Options{Path: path, WorkDir: b.TempDir(), StartedAt: begin})
	if err != nil {
		b.Fatal(err)
	}
	fail := func(err error) {
		if err != nil {
			b.Fatal(err, w.Abort())
		}
	}
	c := l.contents(b)
	fail(w.PutResourceTypes(b.Context(), c.Types...))
	for m := range c.Resources {
		fail(w.PutResources(b.Context(), m))
	}
	for m := range c.Entitlements {
		fail(w.PutEntitlements(b.Context(), m))
	}
	immutable := []*anypb.Any{annotation(b, &v2.GrantImmutable{})}
	for e := range c.Grants {
		id := func(typ, id []byte) *v2.ResourceId {
			return &v2.ResourceId{ResourceType: string(typ), Resource: string(id)}
		}
		g := &v2.Grant{
			Id: string(e.ID),
			Entitlement: &v2.Entitlement{
				Id: string(e.Entitlement), Resource: &v2.Resource{Id: id(e.ResourceType, e.Resource), DisplayName: "Team or application"},
			},
			Principal: &v2.Resource{Id: id(e.PrincipalType, e.Principal), DisplayName: "Firstname Lastname"},
		}
		if e.Immutable {
			g.Annotations = immutable
			g.Sources = &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{}}
			for _, source := range e.Sources {
				g.Sources.Sources[string(source)] = &v2.GrantSources_GrantSource{IsDirect: true}
			}
		}
		fail(w.PutGrants(b.Context(), g))
	}
	_, err = w.Finish(b.Context(), c1z.SyncRun{EndedAt: begin.Add(time.Minute)})
	if err != nil {
		b.Fatal(err)
	}
	return open(b, path)
}

// BenchmarkLoad measures reading an archive of 20,000 users and 1,000,000 grants.
func BenchmarkLoad(b *testing.B) {
	l := large{users: 20_000, groups: 1_000, apps: 500, groupsOfUser: 10, appsOfGroup: 5}
	r := l.write(b)
	var s *review.Sync
	for b.Loop() {
		s = load(b, r, "")
	}
	b.ReportMetric(float64(s.GrantCount())*float64(b.N)/b.Elapsed().Seconds(), "grants/s")
	b.ReportMetric(float64(s.GrantCount()), "grants")
}

// BenchmarkLists measures one page of 50 rows of each list, as the explorer and the
// commands ask for them: the first time, when orders are made, and later.
func BenchmarkLists(b *testing.B) {
	s := theLargeSync(b)
	list := func(kind review.Kind) func(review.Query) (int, error) {
		return func(q review.Query) (int, error) { p, err := s.Resources(kind, q); return p.Total, err }
	}
	grants := func(q review.Query) (int, error) { p, err := s.Grants(q); return p.Total, err }
	entitlements := func(q review.Query) (int, error) { p, err := s.Entitlements(q); return p.Total, err }
	filter := func(pairs ...string) map[string]string {
		f := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			f[pairs[i]] = pairs[i+1]
		}
		return f
	}
	for _, q := range []struct {
		name string
		list func(review.Query) (int, error)
		q    review.Query
	}{
		{"accounts", list(review.Account), review.Query{}},
		{"accounts search", list(review.Account), review.Query{Search: "lukasz 9"}},
		{"accounts search e", list(review.Account), review.Query{Search: "e"}},
		{"accounts last page by department", list(review.Account), review.Query{Sort: "department", Desc: true, Offset: 99_900}},
		{"accounts filtered", list(review.Account), review.Query{Filter: filter("status", "disabled", "department", "Department 7", "mfa", "no")}},
		{"groups by members", list(review.Group), review.Query{Sort: "members", Desc: true}},
		{"applications", list(review.Application), review.Query{}},
		{"entitlements search", entitlements, review.Query{Search: "team 42"}},
		{"grants", grants, review.Query{}},
		{"grants last page by principal", grants, review.Query{Sort: "principal", Offset: 9_999_000}},
		{"grants last page inherited first", grants, review.Query{Sort: "direct", Desc: true, Offset: 9_999_000}},
		{"grants search", grants, review.Query{Search: "lukasz application 07"}},
		{"grants search e", grants, review.Query{Search: "e", Sort: "principal"}},
		{"grants search nothing", grants, review.Query{Search: "zebra"}},
		{"grants filtered", grants, review.Query{Filter: filter("kind", "application", "direct", "no"), Search: "eve"}},
		{"grants through a group", grants, review.Query{Filter: filter("via", "group:"+theLarge().group(17))}},
		{"grants of a principal", grants, review.Query{Filter: filter("principal", "user:"+theLarge().user(4711))}},
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
	s, l := theLargeSync(b), theLarge()
	user, app := ref(b, s, "user", l.user(4711)), entRef(b, s, "app:"+l.app(7))
	group := ref(b, s, "group", l.group(17))
	for _, q := range []struct {
		name string
		ask  func() error
	}{
		{"access", func() error { _, err := s.Access(user, review.Query{Limit: 50}); return err }},
		{"who", func() error { _, err := s.Who(app, review.Query{Limit: 50}); return err }},
		{"who by department, searched", func() error {
			_, err := s.Who(app, review.Query{Sort: "department", Search: "lukasz", Limit: 50})
			return err
		}},
		{"graph of a user", func() error { s.Graph(user, 0); return nil }},
		{"graph of a group", func() error { s.Graph(group, 0); return nil }},
		{"find by e-mail", func() error { _, err := s.FindResource("user004711@example.com"); return err }},
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

// BenchmarkReports measures each report: made, and a page of it that was made before.
func BenchmarkReports(b *testing.B) {
	s := theLargeSync(b)
	for _, info := range review.Reports() {
		b.Run(info.Name, func(b *testing.B) {
			start := time.Now()
			r, err := s.Report(b.Context(), info.Name, s)
			if err != nil {
				b.Fatal(err)
			}
			made := time.Since(start)
			for b.Loop() {
				if _, err := r.Page(review.Query{Search: "e", Sort: r.Columns[0].Key, Limit: 50}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(made.Seconds()*1000, "ms-made")
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/page")
			b.ReportMetric(float64(r.Total), "rows")
		})
	}
}

// BenchmarkOverview measures the numbers of the first page, which are made once.
func BenchmarkOverview(b *testing.B) {
	s := theLargeSync(b)
	start := time.Now()
	for b.Loop() {
		s.Overview()
	}
	b.ReportMetric(time.Since(start).Seconds()*1000, "ms-all")
}
