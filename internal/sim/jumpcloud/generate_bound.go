package jcsim

import (
	"fmt"
	"slices"
)

// APIKeyHash is the hash of every administrator's API key, so that a test can look for it
// where it must not be.
const APIKeyHash = "jcsim-api-key-hash-never-store-this" //nolint:gosec // it is the bait of tests

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
	m.makeDevices()
}

// many is the number of users from which everybody no longer has an account on every
// device of a group, which would be billions of accounts.
const many = 5_000

// makeDevices makes devices and their groups. Most belong to a user, who is bound and often
// administrator; a few are bound to nobody, some reach a group.
func (m *maker) makeDevices() {
	kinds := []Device{
		{OS: "Mac OS X", OSFamily: "darwin", Version: "15.1", HWVendor: "Apple Inc."},
		{OS: "Windows", OSFamily: "windows", Version: "11", HWVendor: "Dell Inc."},
		{OS: "Ubuntu", OSFamily: "linux", Version: "24.04", HWVendor: "Amazon EC2"},
		{OS: "iOS", OSFamily: "ios", Version: "18.1", HWVendor: "Apple Inc."},
		{OS: "Haiku", OSFamily: "haiku", Version: "1"},
	}
	groups := m.t.groups.natural
	var devices []*boundNode
	for i := range m.Devices {
		d := kinds[i%len(kinds)]
		d.DisplayName = fmt.Sprintf("%s-%05d", d.OSFamily, i)
		d.Hostname, d.SerialNumber, d.LastContact = d.DisplayName+".local", fmt.Sprintf("C0%06d", i), "2026-11-29T09:00:00.000Z"
		if i%7 != 6 {
			d.Encrypted = new(i%3 != 0)
		}
		var owner *userNode
		if i%6 != 5 && m.Users > 0 {
			owner = m.users[i%m.Users]
			d.PrimaryUser = owner.id
		}
		d.ID, d.Created = m.objectID(i)
		n, err := m.t.addBound(&d)
		must(err)
		devices = append(devices, n)
		if owner != nil {
			must(m.t.bindTo(n, owner, nil, true))
			if i%2 == 0 {
				must(m.t.setSudo(n, owner, nil, i%4 == 0))
			}
		}
		if i%25 == 2 && len(groups) > 1 {
			g := groups[1+m.r.IntN(len(groups)-1)]
			must(m.t.bindTo(n, nil, g, true))
			must(m.t.setSudo(n, nil, g, i%50 == 2))
		}
		if i%40 == 3 && m.Dangling > 0 {
			n.users = append(n.users, m.t.strayUser(dangling, ""))
		}
	}
	for i := range m.DeviceGroups {
		g := DeviceGroup{Name: m.unique(pick(m, locations())+" devices", " "), MembershipMethod: MembershipStatic}
		g.ID, _ = m.objectID(i)
		n, err := m.t.addBound(&g)
		must(err)
		if m.Users <= many {
			m.bindMany(n, 3-i%4)
		} else if i%4 == 0 && len(groups) > 1 {
			must(m.t.bindTo(n, nil, groups[1+m.r.IntN(len(groups)-1)], true))
		}
		for _, u := range n.groups {
			if u.fate == alive {
				must(m.t.setSudo(n, nil, u, i%2 == 0))
				break
			}
		}
		w := m.scatter(max(1, len(devices)))
		for j := range min(len(devices), 2+len(devices)/(2*m.DeviceGroups)) {
			must(m.t.addDeviceMember(n, devices[w.at(j)]))
		}
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
