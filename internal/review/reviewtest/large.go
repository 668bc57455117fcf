package reviewtest

import (
	"fmt"
	"iter"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// Large is an organization of a size. Each user is in some groups, each group has
// some applications, and users have applications through their groups.
type Large struct{ Users, Groups, Apps, GroupsOfUser, AppsOfGroup int }

// TheLarge has 100,000 users and 10,000,000 grants: 20 groups and some 80
// applications each.
func TheLarge() Large {
	return Large{Users: 100_000, Groups: 5_000, Apps: 500, GroupsOfUser: 20, AppsOfGroup: 5}
}

// User is the id of a user.
func (l Large) User(i int) string { return fmt.Sprintf("5f%022x", uint64(i)*0x9E3779B97F4A7C15) }

// Group is the id of a group.
func (l Large) Group(i int) string { return fmt.Sprintf("60%022x", uint64(i)*0x9E3779B97F4A7C15) }

// App is the id of an application.
func (l Large) App(i int) string { return fmt.Sprintf("61%022x", uint64(i)*0x9E3779B97F4A7C15) }

func given(i int) string {
	names := []string{"Ada", "Bo", "Chloé", "Dmitri", "Eve", "Farid", "Grace", "Hiro", "Inés", "Jörg", "Kofi", "Łukasz"}
	return names[i%len(names)]
}

func family(i int) string {
	names := []string{"Lovelace", "Okafor", "Müller", "Tanaka", "Silva", "O'Neill", "Haddad", "Novák", "Ångström"}
	return fmt.Sprintf("%s %05d", names[i/12%len(names)], i)
}

func (l Large) resources(t T) iter.Seq[*v2.Resource] {
	return func(yield func(*v2.Resource) bool) {
		more := true
		put := func(typ, id, name string, change func(*v2.Resource)) {
			r := &v2.Resource{Id: &v2.ResourceId{ResourceType: typ, Resource: id}, DisplayName: name}
			change(r)
			more = more && yield(r)
		}
		for i := range l.Users {
			put("user", l.User(i), given(i)+" "+family(i), func(r *v2.Resource) { l.describe(t, i, r) })
		}
		for i := range l.Groups {
			put("group", l.Group(i), fmt.Sprintf("Team %04d", i), func(*v2.Resource) {})
		}
		for i := range l.Apps {
			put("app", l.App(i), fmt.Sprintf("Application %03d", i), func(*v2.Resource) {})
		}
		put("role", "role_admin", "Administrator", func(*v2.Resource) {})
	}
}

func (l Large) describe(t T, i int, r *v2.Resource) {
	values := map[string]any{
		"id": l.User(i), "user_id": l.User(i), "username": fmt.Sprintf("user%06d", i), "first_name": given(i), "last_name": family(i),
		"display_name": given(i) + " " + family(i), "job_title": fmt.Sprintf("Engineer %d", i%40), "department": fmt.Sprintf("Department %d", i%60),
		"company": "Example Ltd", "location": "Warsaw", "cost_center": strconv.Itoa(i % 300), "employee_id": strconv.Itoa(i),
		"organization": "5f0000000000000000000001", "state": "ACTIVATED", "mfa_enrollment": "ENROLLED", "password_expired": false,
	}
	if i%50 != 0 {
		values["manager"] = fmt.Sprintf("user%06d@example.com", i/10)
		values["manager_id"] = l.User(i / 10)
	}
	r.Profile = Profile(t, values)
	r.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_ENABLED}
	if i%40 == 0 {
		r.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_DISABLED, Details: "suspended"}
	}
	r.Annotations = []*anypb.Any{Annotation(t, &v2.UserTrait{
		Emails:      []*v2.UserTrait_Email{{Address: fmt.Sprintf("user%06d@example.com", i), IsPrimary: true}},
		Login:       fmt.Sprintf("user%06d", i),
		AccountType: v2.UserTrait_ACCOUNT_TYPE_HUMAN, MfaStatus: &v2.UserTrait_MFAStatus{MfaEnabled: i%7 != 0},
		EmployeeIds: []string{strconv.Itoa(i)},
	})}
}

func (l Large) entitlements() iter.Seq[*v2.Entitlement] {
	return func(yield func(*v2.Entitlement) bool) {
		more := true
		put := func(typ, id, slug string) {
			more = more && yield(&v2.Entitlement{
				Id: typ + ":" + id, Slug: slug, DisplayName: slug, Purpose: v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT,
				Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: typ, Resource: id}},
			})
		}
		for i := range l.Groups {
			put("group", l.Group(i), "member")
		}
		for i := range l.Apps {
			put("app", l.App(i), "access")
		}
		put("role", "role_admin", "member")
	}
}

// groupsOf are the groups of a user.
func (l Large) groupsOf(user int) []int {
	list := make([]int, l.GroupsOfUser)
	for i := range list {
		list[i] = (user*31 + i*(l.Groups/l.GroupsOfUser+1)) % l.Groups
	}
	return list
}

// appsOf are the applications of a group. The next group has the last one too, so
// that users have some applications through two groups.
func (l Large) appsOf(group int) []int {
	list := make([]int, l.AppsOfGroup)
	for i := range list {
		list[i] = (group*(l.AppsOfGroup-1) + i) % l.Apps
	}
	return list
}

// edges yields the grants, entitlement by entitlement as an archive has them.
func (l Large) edges() iter.Seq[*c1z.GrantEdge] {
	return func(yield func(*c1z.GrantEdge) bool) {
		members := make([][]int32, l.Groups)
		holders := make([][][2]int32, l.Apps) // user and group
		for u := range l.Users {
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
				put("group", l.Group(g), l.User(int(u)), true)
			}
		}
		for a, list := range holders {
			e.Immutable = true
			for i := 0; i < len(list); {
				u := list[i][0]
				e.Sources = e.Sources[:0]
				for ; i < len(list) && list[i][0] == u; i++ {
					e.Sources = append(e.Sources, []byte("group:"+l.Group(int(list[i][1]))))
				}
				put("app", l.App(a), l.User(int(u)), false)
			}
		}
		e.Immutable, e.Sources = false, nil
		for i := range 20 {
			put("role", "role_admin", l.User(i*7), true)
		}
	}
}

// Contents is what the organization holds.
func (l Large) Contents(t T) review.Contents {
	b := New(t)
	return review.Contents{Types: b.Types, Resources: l.resources(t), Entitlements: l.entitlements(), Grants: l.edges()}
}

// largeSync is made once for all benchmarks.
var largeSync struct {
	once sync.Once
	s    *review.Sync
	err  error
}

// TheLargeSync is the sync of [TheLarge].
func TheLargeSync(b T) *review.Sync {
	b.Helper()
	largeSync.once.Do(func() {
		run := c1z.SyncRun{ID: "large", StartedAt: Begin, EndedAt: Begin.Add(time.Minute)}
		largeSync.s, largeSync.err = review.Build(run, TheLarge().Contents(b))
	})
	if largeSync.err != nil {
		b.Fatal(largeSync.err)
	}
	return largeSync.s
}

// Write puts the organization into an archive.
func (l Large) Write(b T) *c1z.Reader {
	b.Helper()
	return l.WriteTo(b, filepath.Join(b.TempDir(), "sync.c1z"))
}

// WriteTo puts the organization into an archive at a path.
func (l Large) WriteTo(b T, path string) *c1z.Reader {
	b.Helper()
	w, err := c1z.Create(b.Context(), c1z.Options{Path: path, WorkDir: b.TempDir(), StartedAt: Begin})
	if err != nil {
		b.Fatal(err)
	}
	fail := func(err error) {
		if err != nil {
			b.Fatal(err, w.Abort())
		}
	}
	c := l.Contents(b)
	fail(w.PutResourceTypes(b.Context(), c.Types...))
	for m := range c.Resources {
		fail(w.PutResources(b.Context(), m))
	}
	for m := range c.Entitlements {
		fail(w.PutEntitlements(b.Context(), m))
	}
	immutable := []*anypb.Any{Annotation(b, &v2.GrantImmutable{})}
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
	_, err = w.Finish(b.Context(), c1z.SyncRun{EndedAt: Begin.Add(time.Minute)})
	if err != nil {
		b.Fatal(err)
	}
	return Open(b, path)
}
