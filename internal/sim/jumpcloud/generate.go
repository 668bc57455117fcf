package jcsim

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ConfigSecret is the private key in the config of every generated application,
// so that a test can search for it wherever it must not be.
const ConfigSecret = "-----BEGIN PRIVATE KEY----- jcsim never log this -----END PRIVATE KEY-----"

// Generate makes a tenant: the same one for the same seed and size. It has the
// skew of a real organization (one group with everybody, few big groups, many
// small ones, empty ones, dynamic ones) and at least one of each oddity that the
// API allows, as far as the size has room for them. In lists that are not sorted
// the objects do not come in the order of their ids. The tenant has holes
// ([Tenant.SetHoles]).
func Generate(seed uint64, size Size) *Tenant {
	m := &maker{
		r:    rand.New(rand.NewPCG(seed, 0x6a63_73696d)), //nolint:gosec // reproducible, not secret
		Size: size.withDefaults(), numbered: map[string]int{}, buckets: map[string][]*userNode{},
	}
	m.t = NewTenant(Organization{ID: deriveID("generated", strconv.FormatUint(seed, 10)), Name: companies()[(seed-1)%uint64(len(companies()))]})
	m.t.holes, m.t.bulk = true, true
	m.customRoles()
	m.makeUsers()
	m.makeAdmins()
	m.makeGroups()
	m.makeApps()
	m.strays()
	m.makeBound()
	m.makeCredentials()
	m.t.finish(true)
	return m.t
}

// maker builds a tenant.
type maker struct {
	Size
	t        *Tenant
	r        *rand.Rand
	numbered map[string]int         // how often a name was given
	buckets  map[string][]*userNode // users by department, location and kind of employment
	users    []*userNode
	serial   uint32
}

// pick chooses one entry; the first ones are likelier.
func pick[T any](m *maker, list []T) T {
	return list[min(m.r.IntN(len(list)), m.r.IntN(len(list)))]
}

// chance is true with a probability.
func (m *maker) chance(p float64) bool { return m.r.Float64() < p }

// unique gives a name that was not given before.
func (m *maker) unique(name, sep string) string {
	m.numbered[name]++
	if n := m.numbered[name]; n > 1 {
		return name + sep + strconv.Itoa(n)
	}
	return name
}

// objectID makes an id in the form of the service's store, of a time, a constant
// and a serial number. age orders ids: a later object has a higher one.
func (m *maker) objectID(age int) (id, created string) {
	at := time.Date(2023, 1, 2, 8, 0, 0, 0, time.UTC).Add(time.Duration(age) * 947 * time.Second)
	var b [12]byte
	binary.BigEndian.PutUint32(b[:4], uint32(at.Unix()))
	copy(b[4:9], "jcsim")
	m.serial++
	b[9], b[10], b[11] = byte(m.serial>>16), byte(m.serial>>8), byte(m.serial)
	return hex.EncodeToString(b[:]), at.Format(wireTime)
}

// wireTime is how the API writes times.
const wireTime = "2006-01-02T15:04:05.000Z"

// scatter returns the numbers below n in an order that looks random.
func (m *maker) scatter(n int) walk {
	return newWalk(n, m.r.Uint64())
}

// walk visits all numbers below n once, without keeping them.
type walk struct{ n, start, step uint64 }

func newWalk(n int, random uint64) walk {
	if n < 2 {
		return walk{n: 1, step: 1}
	}
	w := walk{n: uint64(n), start: (random >> 32) % uint64(n)}
	for w.step = 1 + random%(w.n-1); gcd(w.step, w.n) != 1; {
		w.step = w.step%(w.n-1) + 1
	}
	return w
}

// at is the i-th number of the walk.
func (w walk) at(i int) int {
	return int((w.start + uint64(i)%w.n*w.step) % w.n)
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (m *maker) customRoles() {
	names := customRoleNames()
	for i := range m.CustomRoles {
		_, err := m.t.addRole(Role{
			Name: m.unique(names[i%len(names)], " "), Description: "Made for this organization", Scopes: []string{"users.readonly", "groups"},
		})
		must(err)
	}
}

// must states that an edit of the generator cannot fail.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("jcsim: generator made an impossible edit: %v", err))
	}
}

func (m *maker) makeUsers() {
	given, family := givenNames(), familyNames()
	depts, places, kinds, titles := departments(), locations(), employeeTypes(), jobTitles()
	order, odd := m.scatter(m.Users), userOddities()
	for i := range m.Users + m.Hidden {
		age := i
		if i < m.Users {
			age = order.at(i)
		}
		first, last := given[m.r.IntN(len(given))], family[m.r.IntN(len(family))]
		u := User{
			Username: m.unique(first.plain+"."+last.plain, ""), FirstName: first.shown, LastName: last.shown,
			DisplayName: first.shown + " " + last.shown, Activated: true,
			Company: m.t.org.Name, Department: pick(m, depts), Location: pick(m, places), EmployeeType: kinds[m.r.IntN(len(kinds))],
			JobTitle: pick(m, titles), EmployeeIdentifier: "E-" + strconv.Itoa(1000+i), UnixUID: int64(5000 + i), UnixGUID: int64(5000 + i),
			Hidden: i >= m.Users,
		}
		u.ID, u.Created = m.objectID(age)
		u.Email = u.Username + "@example.com"
		u.CostCenter = "CC-" + strconv.Itoa(len(u.Department))
		if m.chance(0.1) {
			u.Email = strings.ToUpper(u.Email[:1]) + u.Email[1:len(u.Email)-len("example.com")] + "Example.COM"
		}
		m.factors(&u)
		m.moods(&u)
		if i > 0 && m.chance(0.93) {
			u.Manager = m.users[m.r.IntN(1+(i-1)/6)].id
		}
		if i > 0 && i <= len(odd) {
			odd[i-1](&u)
		}
		n, err := m.t.addUser(u)
		must(err)
		m.users = append(m.users, n)
		if i < m.Users {
			for _, key := range ruleKeys(u.Department, u.Location, u.EmployeeType) {
				m.buckets[key] = append(m.buckets[key], n)
			}
		}
	}
	m.users = m.users[:m.Users]
}

// ruleKeys are the buckets that a user's attributes fall into, from wide to
// narrow: the conditions that generated rules are made of.
func ruleKeys(department, location, kind string) []string {
	return []string{department, department + "\x00" + location, department + "\x00" + location + "\x00" + kind}
}

// factors gives a user multi-factor settings as they are found.
func (m *maker) factors(u *User) {
	switch m.r.IntN(6) {
	case 0, 1, 2:
		u.MFAEnrollment = &MFAEnrollment{OverallStatus: "ENROLLED", TOTPStatus: "ENROLLED", WebAuthnStatus: "NOT_ENROLLED", PushStatus: "NOT_ENROLLED", JCGoStatus: "NOT_ENROLLED"}
		u.MFA, u.TOTPEnabled = &MFA{Configured: true}, true
	case 3:
		u.MFAEnrollment = &MFAEnrollment{OverallStatus: "NOT_ENROLLED", TOTPStatus: "NOT_ENROLLED", WebAuthnStatus: "NOT_ENROLLED", PushStatus: "NOT_ENROLLED", JCGoStatus: "NOT_ENROLLED"}
		u.MFA = &MFA{}
	case 4:
		u.MFA = &MFA{Configured: true}
	}
	u.PortalMFA = m.chance(0.6)
}

// moods gives a user the states that some of any thousand are in.
func (m *maker) moods(u *User) {
	switch p := m.r.IntN(100); {
	case p < 4:
		u.State = StateSuspended
	case p < 7:
		u.State, u.Activated = StateStaged, false
	case p < 9:
		u.AccountLocked, u.AccountLockedDate = true, "2026-07-30T12:00:00.000Z"
	case p < 15:
		u.PasswordExpired, u.PasswordExpirationDate = true, "2026-06-01T00:00:00.000Z"
	}
	if m.chance(0.3) {
		u.Attributes = []Attribute{{Name: "badge", Value: strconv.Itoa(m.r.IntN(10_000))}, {Name: "startDate", Value: u.Created[:10]}}
	}
	if m.chance(0.2) {
		u.PhoneNumbers = []PhoneNumber{{ID: deriveID("phone", u.ID), Type: "mobile", Number: "+351 900 " + strconv.Itoa(100_000+m.r.IntN(900_000))}}
	}
	if m.chance(0.05) {
		u.Description = "Joined from the merger"
	}
}

// makeAdmins makes administrators: with and without a user of the same address,
// in another case too, linked by the user's admin field, with several roles,
// custom ones, one that no list has, and without any name of a role.
func (m *maker) makeAdmins() {
	builtIn, custom := BuiltInRoles(), []string{}
	for _, r := range m.t.roles.natural {
		if !r.BuiltIn {
			custom = append(custom, r.Name)
		}
	}
	for i := range m.Admins {
		a := Admin{
			FirstName: "Olu", LastName: "Ops " + strconv.Itoa(i), RoleName: pick(m, builtIn[1:]), EnableMultiFactor: m.chance(0.8), TOTPEnrolled: m.chance(0.7),
			Suspended: m.chance(0.05), APIKeyAllowed: m.chance(0.4), SessionCount: int64(m.r.IntN(500)), Email: fmt.Sprintf("ops%d@example.com", i),
		}
		a.ID, a.Created = m.objectID(m.Users + i)
		var same *userNode
		if len(m.users) > 0 && i%2 == 0 {
			same = m.users[(i*7+3)%len(m.users)]
			if _, taken := m.t.adminMails[fold(same.Email)]; taken || same.Email == "" {
				same = nil
			}
		}
		if same != nil {
			a.Email, a.FirstName, a.LastName = same.Email, same.FirstName, same.LastName
			if i%4 == 2 {
				a.Email = strings.ToUpper(a.Email)
			}
		}
		switch {
		case i == 0:
			a.RoleName = builtIn[0]
		case i%7 == 1:
			a.RoleNames = []string{a.RoleName, pick(m, builtIn)}
			if len(custom) > 0 {
				a.RoleNames = append(a.RoleNames, pick(m, custom))
			}
		case i%7 == 2 && len(custom) > 0:
			a.RoleName = pick(m, custom)
		case i%7 == 3:
			a.RoleName = strings.ToLower(a.RoleName)
		case i%7 == 4:
			a.RoleName, a.RoleNames = "", []string{pick(m, builtIn)}
		case i%7 == 5:
			a.RoleName = ""
		case i%7 == 6:
			a.RoleName = "Retired Role"
		}
		if i%5 == 4 {
			a.Omit = []string{"organization"}
		}
		n, err := m.t.addAdmin(a)
		must(err)
		m.linkAdmin(n, same, i)
	}
}

// linkAdmin sets the admin field of some users, one in ten of another address.
func (m *maker) linkAdmin(n *adminNode, same *userNode, i int) {
	linked := same
	if i%10 == 9 && len(m.users) > 0 {
		linked = m.users[(i*11+5)%len(m.users)]
	}
	if linked == nil || i%4 == 0 && i > 0 || linked.Admin != nil {
		return
	}
	u := *linked.User
	u.Admin = &AdminLink{ID: n.id, RoleName: n.RoleName, RoleNames: n.RoleNames}
	linked.User = &u
}

func (m *maker) makeGroups() {
	depts, purposes, odd := departments(), groupPurposes(), oddNames()
	order := m.scatter(m.Groups)
	var static []*groupNode
	left := m.Memberships
	for i := range m.Groups {
		g := Group{Name: m.unique(pick(m, depts)+" "+purposes[m.r.IntN(len(purposes))], " ")}
		g.ID, _ = m.objectID(order.at(i))
		var members []*userNode
		empty := false
		kind := m.r.IntN(100)
		switch {
		case i == 0:
			g.Name, members, empty = "All Users", m.users, true
		case i == 1 || kind < 7:
			empty = true
		case i == 2 || i > 5 && kind < 14:
			g.Rule, members = m.rule(i == 2)
			g.MembershipMethod, empty = MembershipDynamicAutomated, true
		case i == 3 || i > 5 && kind < 17:
			g.Rule, _ = m.rule(false)
			g.MembershipMethod = MembershipDynamicReview
		case i == 4 || kind < 20:
			g.Name = m.unique(odd[(i+m.r.IntN(len(odd)))%len(odd)], " ")
		case kind < 35:
			g.MembershipMethod = MembershipNotSet
		}
		if i == 5 || kind%9 == 0 {
			g.Attributes = json.RawMessage(`{"ldapGroups":[{"name":` + strconv.Quote("ldap"+strconv.Itoa(i)) + `}],"posixGroups":[{"id":` + strconv.Itoa(6000+i) + `,"name":"posix"}]}`)
			g.Email, g.Description = fmt.Sprintf("group%d@example.com", i), "Mirrored to LDAP"
		}
		n, err := m.t.addGroup(g)
		must(err)
		m.enroll(n, members)
		left -= len(members)
		if !empty {
			static = append(static, n)
		}
	}
	m.r.Shuffle(len(static), func(i, j int) { static[i], static[j] = static[j], static[i] })
	for i, k := range skewed(max(0, left), len(static), m.Users) {
		w := m.scatter(m.Users)
		members := make([]*userNode, k)
		for j := range members {
			members[j] = m.users[w.at(j)]
		}
		m.enroll(static[i], members)
	}
}

// enroll makes users members of a group that has none yet.
func (m *maker) enroll(g *groupNode, members []*userNode) {
	g.members = append(g.members, members...)
	for _, u := range members {
		u.groups = append(u.groups, g)
	}
	m.t.version += uint64(len(members))
}

// rule makes the rule of a dynamic group and tells whom it fits.
func (m *maker) rule(wide bool) ([]Condition, []*userNode) {
	dept, place, kind := pick(m, departments()), pick(m, locations()), employeeTypes()[m.r.IntN(3)+2]
	rule := []Condition{{Field: "department", Operator: "eq", Value: dept}}
	keys := ruleKeys(dept, place, kind)
	if wide {
		return rule, m.buckets[keys[0]]
	}
	rule = append(rule, Condition{Field: "location", Operator: "eq", Value: place}, Condition{Field: "employeeType", Operator: "eq", Value: kind})
	return rule, m.buckets[keys[2]]
}

// skewed divides total among n groups, few of which get much and most little,
// none more than most.
func skewed(total, n, most int) []int {
	sizes := make([]int, n)
	if n == 0 {
		return sizes
	}
	total = min(total, n*most)
	weights, sum := make([]float64, n), 0.0
	for i := range weights {
		weights[i] = math.Pow(float64(i+1), -0.7)
		sum += weights[i]
	}
	left := total
	for i := range sizes {
		sizes[i] = min(most, int(float64(total)*weights[i]/sum))
		left -= sizes[i]
	}
	for i := 0; left > 0; i = (i + 1) % n {
		give := min(most-sizes[i], max(1, left/n), left)
		sizes[i] += give
		left -= give
	}
	return sizes
}

// strays adds edges that lead nowhere, in the middle of lists where there is one.
func (m *maker) strays() {
	groups, apps := m.t.groups.natural, m.t.apps.natural
	for i := range m.Dangling {
		switch {
		case len(groups) > 0 && (i%4 != 3 || len(apps) == 0):
			g := groups[m.r.IntN(len(groups))]
			g.members = slices.Insert(g.members, m.r.IntN(len(g.members)+1), m.t.strayUser(dangling, ""))
		case len(apps) > 0:
			a := apps[m.r.IntN(len(apps))]
			a.groups = slices.Insert(a.groups, m.r.IntN(len(a.groups)+1), m.t.strayGroup(dangling, ""))
		}
	}
	for range m.Ghosts {
		if len(groups) > 0 {
			g := groups[m.r.IntN(len(groups))]
			g.members = append(g.members, m.t.strayUser(ghost, ""))
		}
	}
	for i, u := range m.t.allUsers()[m.Users:] {
		if len(groups) > 0 {
			m.enroll(groups[i%len(groups)], []*userNode{u})
		}
	}
}
