package jcsim

import (
	"encoding/json"
	"slices"
	"sort"
	"strconv"
)

func (m *maker) makeApps() {
	templates, odd := appTemplates(), oddNames()
	order := m.scatter(m.Apps)
	config, err := json.Marshal(map[string]any{"idpPrivateKey": map[string]any{"type": "password", "value": ConfigSecret}})
	must(err)
	for i := range m.Apps {
		tpl := templates[i%len(templates)]
		a := Application{
			Name: tpl.name, DisplayName: tpl.title, DisplayLabel: m.unique(tpl.title, " "), LogoURL: "https://static.example/" + tpl.name + ".png",
			SSOURL: "https://sso.example/" + tpl.sso + "/" + tpl.name, SSO: &SSO{Type: tpl.sso, JIT: m.chance(0.2)}, Config: config,
			LearnMore: "https://help.example/" + tpl.name,
		}
		a.ID, a.Created = m.objectID(order.at(i))
		switch {
		case i == 1 || i > 8 && m.chance(0.04):
			a.Active = new(false)
		case i == 2 || i > 8 && m.chance(0.04):
			a.SSO.Hidden = true
		case i == 3:
			a.DisplayLabel = ""
		case i == 4:
			a.DisplayLabel, a.DisplayName = "", ""
		case i == 6:
			a.SSO, a.SSOURL, a.LogoURL, a.LearnMore = nil, "", "", ""
		case i == 7 || i > 8 && m.chance(0.03):
			a.DisplayLabel = m.unique(odd[i%len(odd)], " ")
		}
		_, err := m.t.addApp(a)
		must(err)
	}
	if m.Apps == 0 {
		return
	}
	m.bindUsers()
	if m.Expanded > 0 {
		m.bindExpanded()
		return
	}
	m.bindGroups()
}

// bindUsers associates users directly: one application gets a quarter of them,
// the next ones ever fewer, most none.
func (m *maker) bindUsers() {
	apps := m.t.apps.natural
	shares := skewed(m.AppUsers, max(1, len(apps)/3), m.Users)
	for i, k := range shares {
		a, w := apps[len(apps)-1-i], m.scatter(m.Users)
		for j := range k {
			u := m.users[w.at(j)]
			a.users = append(a.users, u)
			u.apps = append(u.apps, a)
		}
		m.t.version += uint64(k)
	}
}

// bindGroups associates groups: the first application with everybody, others
// with a handful, the last of any ten with none.
func (m *maker) bindGroups() {
	apps, groups := m.t.apps.natural, m.t.groups.natural
	if len(groups) == 0 {
		return
	}
	m.bind(apps[0], groups[0])
	left := m.AppGroups - 1
	for round := 0; left > 0 && round < len(groups); round++ {
		for i, a := range apps {
			if left == 0 || i%10 == 9 {
				continue
			}
			if m.bind(a, groups[m.r.IntN(len(groups))]) {
				left--
			}
		}
	}
}

// bind associates a group unless it is already.
func (m *maker) bind(a *appNode, g *groupNode) bool {
	if slices.Contains(g.apps, a) {
		return false
	}
	must(m.t.bindGroup(a, g))
	return true
}

// bindExpanded associates groups until every application reaches its share of
// the wanted pairs of application and user, the biggest group that fits first.
func (m *maker) bindExpanded() {
	groups := slices.Clone(m.t.groups.natural)
	sort.SliceStable(groups, func(i, j int) bool { return len(groups[i].members) > len(groups[j].members) })
	left := m.Expanded
	apps := m.t.apps.natural
	for i, a := range apps {
		quota := min(m.Users, left/(len(apps)-i))
		reached := map[*userNode]struct{}{}
		at := sort.Search(len(groups), func(k int) bool { return len(groups[k].members) <= quota })
		for tries := 0; at < len(groups) && tries < 60 && len(reached) < quota; tries++ {
			g := groups[at]
			if len(g.members) == 0 {
				break
			}
			if m.bind(a, g) {
				for _, u := range g.members {
					reached[u] = struct{}{}
				}
			}
			room := quota - len(reached)
			next := sort.Search(len(groups), func(k int) bool { return len(groups[k].members) <= room })
			at = max(at+1, next+m.r.IntN(3))
		}
		left -= len(reached)
	}
}

// userOddities are changes to a user, each of which at least one user of a
// tenant with room for them shows.
func userOddities() []func(*User) {
	odd := oddNames()
	plain := func(u *User) { u.State, u.Activated, u.AccountLocked, u.PasswordExpired = "", true, false, false }
	list := []func(*User){
		func(u *User) { plain(u); u.State = StateSuspended },
		func(u *User) { plain(u); u.State, u.Activated = StateStaged, false },
		func(u *User) { plain(u); u.AccountLocked = true },
		func(u *User) { plain(u); u.AccountLocked, u.State = true, StateSuspended },
		func(u *User) { plain(u); u.State, u.Omit = StateSuspended, []string{"state"} }, // an old account
		func(u *User) { plain(u); u.Omit = []string{"state"} },
		func(u *User) { plain(u); u.Activated = false }, // says nothing of the state
		func(u *User) { u.DisplayName = "" },
		func(u *User) { u.DisplayName, u.LastName = "", "" },
		func(u *User) { u.DisplayName, u.FirstName, u.LastName = "", "", "" },
		func(u *User) { u.DisplayName, u.FirstName, u.LastName, u.Department = " ", "", "", "" },
		func(u *User) { u.LDAPBindingUser, u.DisplayName = true, "ldap bind" },
		func(u *User) { u.SambaServiceUser, u.DisplayName = true, "samba service" },
		func(u *User) { u.MFAEnrollment, u.MFA, u.TOTPEnabled = nil, &MFA{Configured: true}, false },
		func(u *User) {
			u.MFAEnrollment, u.TOTPEnabled = nil, true
			u.MFA = &MFA{Configured: true, Exclusion: true, ExclusionUntil: "2099-01-01T00:00:00.000Z", ExclusionDays: 30}
		},
		func(u *User) {
			u.MFAEnrollment, u.TOTPEnabled = nil, true
			u.MFA = &MFA{Configured: true, Exclusion: true, ExclusionUntil: "2020-01-01T00:00:00.000Z", ExclusionDays: 7}
		},
		func(u *User) { u.MFAEnrollment, u.MFA, u.TOTPEnabled = nil, nil, true },
		func(u *User) { u.MFAEnrollment, u.MFA, u.TOTPEnabled = nil, nil, false },
		func(u *User) {
			u.MFAEnrollment, u.MFA, u.TOTPEnabled = &MFAEnrollment{OverallStatus: "PENDING_ACTIVATION"}, &MFA{Configured: true}, true
		},
		func(u *User) { u.Manager = "" },
		func(u *User) { u.Manager, u.Extra = "", map[string]json.RawMessage{"manager": json.RawMessage("null")} },
		func(u *User) { u.Manager = deriveID("manager who left") },
		func(u *User) {
			u.ExternalDN, u.ExternalSourceType, u.ExternallyManaged = "CN=Ana,OU=People,DC=example,DC=com", "active_directory", true
		},
		func(u *User) { u.EmployeeIdentifier = "" },
		func(u *User) { u.PasswordExpired, u.PasswordExpirationDate = true, "2021-10-24" },
		func(u *User) {
			u.AlternateEmail, u.ManagedAppleID = u.Username+"@home.example", u.Username+"@apple.example"
		},
		func(u *User) {
			u.Attributes = []Attribute{{Name: "badgeNo2", Value: "7"}, {Name: "empty"}, {Name: "CamelCase", Value: "x"}, {Name: "camelcase", Value: "y"}}
		},
		func(u *User) {
			u.Extra = map[string]json.RawMessage{"employeeIdentifier": json.RawMessage("12345"), "newField2027": json.RawMessage(`{"a":[1,2]}`)}
		},
		func(u *User) {
			plain(u)
			u.Extra = map[string]json.RawMessage{"suspended": json.RawMessage(`"false"`), "attributes": json.RawMessage("null")}
		},
		func(u *User) {
			u.Company, u.CostCenter, u.Department, u.JobTitle, u.Location, u.EmployeeType = "", "", "", "", "", ""
		},
	}
	for i, name := range odd {
		list = append(list, func(u *User) { u.DisplayName, u.FirstName = name, "N"+strconv.Itoa(i) })
	}
	return list
}
