package jcsim

import "slices"

// RADIUSSecret is the shared secret of every generated RADIUS server, so that a test can
// search for it wherever it must not be.
const RADIUSSecret = "jcsim-radius-shared-secret-never-store-this" //nolint:gosec // it is the bait of tests

// makeBound makes directories and RADIUS servers: the first two directories reach
// everybody through a group, others few people directly, and one of each has nobody.
func (m *maker) makeBound() {
	kinds := []Directory{
		{Name: "Google Workspace", Type: TypeGSuite, Domain: "example.com"},
		{Name: "Microsoft 365 / Entra ID", Type: TypeOffice365, Domain: "example.onmicrosoft.com"},
		{Name: "JumpCloud LDAP", Type: TypeLDAPServer},
		{Name: "corp.example.com", Type: TypeActiveDirectory},
		{Name: "Workday", Type: TypeWorkday},
	}
	for i := range m.Directories {
		d := kinds[i%len(kinds)]
		if i >= len(kinds) {
			d.Name = m.unique(d.Name, " ")
		}
		d.ID, _ = m.objectID(i)
		n, err := m.t.addBound(&d)
		must(err)
		if d.Type != TypeWorkday {
			m.bindMany(n, i)
		}
	}
	for i := range m.RADIUSServers {
		s := RADIUSServer{
			Name: m.unique(pick(m, locations())+" Wi-Fi", " "), NetworkSourceIP: "192.0.2." + string(rune('1'+i%9)), SharedSecret: RADIUSSecret,
			MFA: []string{"DISABLED", "ENABLED", "REQUIRED", "ALWAYS"}[i%4], UserLockoutAction: "REMOVE", UserPasswordExpirationAction: "MAINTAIN",
		}
		s.ID, _ = m.objectID(i)
		n, err := m.t.addBound(&s)
		must(err)
		m.bindMany(n, i)
	}
}

// bindMany binds users and groups to the i-th object of a list.
func (m *maker) bindMany(n *boundNode, i int) {
	groups := m.t.groups.natural
	if i < 2 && len(groups) > 0 {
		must(m.t.bindTo(n, nil, groups[0], true))
	}
	if i%4 == 3 {
		return
	}
	for range min(len(groups)/4, 3) {
		if g := groups[m.r.IntN(len(groups))]; !slices.Contains(g.bound, n) {
			must(m.t.bindTo(n, nil, g, true))
		}
	}
	w := m.scatter(m.Users)
	for j := range min(m.Users, 3+m.Users/12) {
		must(m.t.bindTo(n, m.users[w.at(j)], nil, true))
	}
	if m.Dangling > 0 {
		n.users = slices.Insert(n.users, m.r.IntN(len(n.users)+1), m.t.strayUser(dangling, ""))
		n.groups = slices.Insert(n.groups, m.r.IntN(len(n.groups)+1), m.t.strayGroup(dangling, ""))
	}
}
