package jcsim

import (
	"maps"
	"slices"
	"strings"
)

// Users returns the users that lists contain, in the order of their ids. Hidden
// users are not among them.
func (t *Tenant) Users() []*User {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return collect(t.users.byID, func(n *userNode) *User { return n.User })
}

// User finds a user, a hidden one too. If there is none the error is
// [ErrNotFound].
func (t *Tenant) User(ref string) (*User, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n, err := t.user(ref)
	if err != nil {
		return nil, err
	}
	return n.User, nil
}

// HiddenUsers returns the users that no list contains, in the order of their
// ids.
func (t *Tenant) HiddenUsers() []*User {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var list []*User
	for _, n := range t.users.index {
		if n.Hidden {
			list = append(list, n.User)
		}
	}
	slices.SortFunc(list, func(a, b *User) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// Admins returns the administrators in the order of their ids.
func (t *Tenant) Admins() []*Admin {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return collect(t.admins.byID, func(n *adminNode) *Admin { return n.Admin })
}

// AdminRoles returns the names of the roles that an administrator holds, each
// once as first spelled: roleName, then those of roleNames that differ from it
// by more than case.
func (t *Tenant) AdminRoles(ref string) ([]string, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n, err := t.admin(ref)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range append([]string{n.RoleName}, n.RoleNames...) {
		if name != "" && !slices.ContainsFunc(names, func(s string) bool { return fold(s) == fold(name) }) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Roles returns the roles that GET /api/v2/roles lists, in the order of their
// ids. Administrators may name others.
func (t *Tenant) Roles() []*Role {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return collect(t.roles.byID, func(n *roleNode) *Role { return n.Role })
}

// Groups returns the groups in the order of their ids.
func (t *Tenant) Groups() []*Group {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return collect(t.groups.byID, func(n *groupNode) *Group { return n.Group })
}

// Applications returns the applications in the order of their ids.
func (t *Tenant) Applications() []*Application {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return collect(t.apps.byID, func(n *appNode) *Application { return n.Application })
}

// Members returns the ids of a group's direct members, sorted: users that exist,
// hidden ones too, without dangling edges and ghosts.
func (t *Tenant) Members(group string) ([]string, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n, err := t.group(group)
	if err != nil {
		return nil, err
	}
	return idsWith(n.members, alive, userFate), nil
}

// GhostMembers returns the ids that a group's member list names and that belong
// to no user.
func (t *Tenant) GhostMembers(group string) ([]string, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n, err := t.group(group)
	if err != nil {
		return nil, err
	}
	return idsWith(n.members, ghost, userFate), nil
}

// AppUsers returns the ids of the users that are bound to an application
// directly, sorted.
func (t *Tenant) AppUsers(app string) ([]string, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n, err := t.app(app)
	if err != nil {
		return nil, err
	}
	return idsWith(n.users, alive, userFate), nil
}

// AppGroups returns the ids of the groups that are bound to an application,
// sorted.
func (t *Tenant) AppGroups(app string) ([]string, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n, err := t.app(app)
	if err != nil {
		return nil, err
	}
	return idsWith(n.groups, alive, func(g *groupNode) fate { return g.fate }), nil
}

// EffectiveAppUsers returns the ids of the users that may use an application,
// directly or through a group, sorted.
func (t *Tenant) EffectiveAppUsers(app string) ([]string, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n, err := t.app(app)
	if err != nil {
		return nil, err
	}
	return idsWith(t.effectiveUsers(n), alive, userFate), nil
}

// Counts is how much a tenant holds.
type Counts struct {
	Users        int `json:"users"`
	HiddenUsers  int `json:"hiddenUsers"`
	Admins       int `json:"admins"`
	Roles        int `json:"roles"`
	Groups       int `json:"groups"`
	Applications int `json:"applications"`
	// Memberships, AppUsers and AppGroups count edges to objects that exist.
	Memberships int `json:"memberships"`
	AppUsers    int `json:"appUsers"`
	AppGroups   int `json:"appGroups"`
	// InheritedAppUsers counts the pairs of an application and a user that it
	// reaches through at least one group.
	InheritedAppUsers int `json:"inheritedAppUsers"`
	// DanglingEdges and GhostEdges count the others.
	DanglingEdges int `json:"danglingEdges"`
	GhostEdges    int `json:"ghostEdges"`
}

// Counts counts what the tenant holds. It looks at every edge.
func (t *Tenant) Counts() Counts {
	t.mu.RLock()
	defer t.mu.RUnlock()
	c := Counts{
		Users: len(t.users.natural), HiddenUsers: len(t.users.index) - len(t.users.natural), Admins: len(t.admins.natural),
		Roles: len(t.roles.natural), Groups: len(t.groups.natural), Applications: len(t.apps.natural),
	}
	count := func(f fate, n *int) {
		switch f {
		case alive:
			*n++
		case dangling:
			c.DanglingEdges++
		default:
			c.GhostEdges++
		}
	}
	for _, g := range t.groups.natural {
		for _, u := range g.members {
			count(u.fate, &c.Memberships)
		}
	}
	seen := map[*userNode]struct{}{}
	for _, a := range t.apps.natural {
		for _, u := range a.users {
			count(u.fate, &c.AppUsers)
		}
		clear(seen)
		for _, g := range a.groups {
			count(g.fate, &c.AppGroups)
			for _, u := range g.members {
				if u.fate == alive {
					seen[u] = struct{}{}
				}
			}
		}
		c.InheritedAppUsers += len(seen)
	}
	return c
}

// MinimumRequests is the fewest requests that a complete read of the tenant
// takes: organizations at the beginning and at the end, users 1,000 a page, everything else 100 a page, at
// least one request a list, dangling edges counted.
func (t *Tenant) MinimumRequests() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	pages := func(n, size int) int { return max(1, (n+size-1)/size) }
	total := 2 + pages(len(t.users.natural), 1000) + pages(len(t.admins.natural), 100) + pages(len(t.roles.natural), 100) +
		pages(len(t.groups.natural), 100) + pages(len(t.apps.natural), 100)
	for _, g := range t.groups.natural {
		total += pages(len(g.members), 100)
	}
	for _, a := range t.apps.natural {
		total += pages(len(a.users)+len(a.groups), 100)
	}
	return total
}

// effectiveUsers is a list of users that was right at a version of the tenant.
type effectiveUsers struct {
	version uint64
	users   []*userNode
}

// effectiveUsers lists the users who may use an application, in the order of
// their ids. The list is kept until the tenant changes, because a client reads
// it page by page.
func (t *Tenant) effectiveUsers(a *appNode) []*userNode {
	t.effectiveMu.Lock()
	defer t.effectiveMu.Unlock()
	if e, ok := t.effective[a]; ok && e.version == t.version {
		return e.users
	}
	users := union(a.users, a.groups, func(g *groupNode) []*userNode { return g.members })
	if t.effective == nil {
		t.effective = map[*appNode]effectiveUsers{}
	}
	t.effective[a] = effectiveUsers{version: t.version, users: users}
	return users
}

// union joins the existing users of a list and of the members of groups, in the
// order of their ids.
func union(users []*userNode, groups []*groupNode, members func(*groupNode) []*userNode) []*userNode {
	seen := map[*userNode]struct{}{}
	take := func(list []*userNode) {
		for _, u := range list {
			if u.fate == alive {
				seen[u] = struct{}{}
			}
		}
	}
	take(users)
	for _, g := range groups {
		if g.fate == alive {
			take(members(g))
		}
	}
	return slices.SortedFunc(maps.Keys(seen), byIdent)
}

func collect[N, V any](nodes []N, value func(N) V) []V {
	list := make([]V, len(nodes))
	for i, n := range nodes {
		list[i] = value(n)
	}
	return list
}

func userFate(u *userNode) fate { return u.fate }

// idsWith returns the ids of the objects of one fate, sorted.
func idsWith[N object](nodes []N, f fate, of func(N) fate) []string {
	ids := []string{}
	for _, n := range nodes {
		if of(n) == f {
			ids = append(ids, n.ident())
		}
	}
	slices.Sort(ids)
	return ids
}
