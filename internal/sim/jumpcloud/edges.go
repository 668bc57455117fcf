package jcsim

import (
	"fmt"
	"slices"
	"strconv"
)

// The kinds of objects that an application can be associated with, by the names
// of the graph (API v2).
const (
	TypeUser        = "user"
	TypeUserGroup   = "user_group"
	TypeApplication = "application"
)

// AddMember makes a user a direct member of a group. A member already is
// [ErrExists].
func (t *Tenant) AddMember(group, user string) error {
	return t.editMember(group, user, t.addMember)
}

// RemoveMember ends a direct membership. None there is [ErrNotFound].
func (t *Tenant) RemoveMember(group, user string) error {
	return t.editMember(group, user, t.removeMember)
}

func (t *Tenant) editMember(group, user string, edit func(*groupNode, *userNode) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.group(group)
	if err != nil {
		return err
	}
	u, err := t.user(user)
	if err != nil {
		return err
	}
	return edit(g, u)
}

func (t *Tenant) addMember(g *groupNode, u *userNode) error {
	if err := join(&u.groups, g, &g.members, u); err != nil {
		return fmt.Errorf("member %s of group %q: %w", u.Username, g.Name, err)
	}
	t.changed("add", "member", g.id, u.id)
	return nil
}

func (t *Tenant) removeMember(g *groupNode, u *userNode) error {
	if err := part(&u.groups, g, &g.members, u); err != nil {
		return fmt.Errorf("member %s of group %q: %w", u.Username, g.Name, err)
	}
	t.changed("remove", "member", g.id, u.id)
	return nil
}

// join makes an edge, which both ends keep. The first end is the one that has
// fewer edges: it is searched for the edge.
func join[A, B comparable](few *[]A, a A, many *[]B, b B) error {
	if slices.Contains(*few, a) {
		return ErrExists
	}
	*few, *many = append(*few, a), append(*many, b)
	return nil
}

// part ends an edge.
func part[A, B comparable](few *[]A, a A, many *[]B, b B) error {
	if !slices.Contains(*few, a) {
		return ErrNotFound
	}
	*few, *many = without(*few, a), without(*many, b)
	return nil
}

// Associate binds an application to a user or a group; kind is [TypeUser] or
// [TypeUserGroup]. An association that is there is [ErrExists].
func (t *Tenant) Associate(app, kind, ref string) error {
	return t.editAssociation(app, kind, ref, t.bindUser, t.bindGroup)
}

// Dissociate ends a direct association. None there is [ErrNotFound].
func (t *Tenant) Dissociate(app, kind, ref string) error {
	return t.editAssociation(app, kind, ref, t.unbindUser, t.unbindGroup)
}

func (t *Tenant) editAssociation(app, kind, ref string,
	withUser func(*appNode, *userNode) error, withGroup func(*appNode, *groupNode) error,
) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, err := t.app(app)
	if err != nil {
		return err
	}
	known, err := t.withPrincipal(kind, ref, func(u *userNode) error { return withUser(a, u) }, func(g *groupNode) error { return withGroup(a, g) })
	if !known {
		return fmt.Errorf("an application is associated with %s or %s, not with %q", TypeUser, TypeUserGroup, kind)
	}
	return err
}

// withPrincipal finds a user or user group, as kind says, for one of two functions, and
// reports whether there is that kind.
func (t *Tenant) withPrincipal(kind, ref string, user func(*userNode) error, group func(*groupNode) error) (known bool, err error) {
	switch kind {
	case TypeUser:
		u, err := t.user(ref)
		if err != nil {
			return true, err
		}
		return true, user(u)
	case TypeUserGroup:
		g, err := t.group(ref)
		if err != nil {
			return true, err
		}
		return true, group(g)
	default:
		return false, nil
	}
}

func (t *Tenant) bindUser(a *appNode, u *userNode) error {
	if err := join(&u.apps, a, &a.users, u); err != nil {
		return fmt.Errorf("association of application %q with user %s: %w", a.label(), u.Username, err)
	}
	t.changed("add", "application user", a.id, u.id)
	return nil
}

func (t *Tenant) bindGroup(a *appNode, g *groupNode) error {
	if err := join(&g.apps, a, &a.groups, g); err != nil {
		return fmt.Errorf("association of application %q with group %q: %w", a.label(), g.Name, err)
	}
	t.changed("add", "application group", a.id, g.id)
	return nil
}

func (t *Tenant) unbindUser(a *appNode, u *userNode) error {
	if err := part(&u.apps, a, &a.users, u); err != nil {
		return fmt.Errorf("association of application %q with user %s: %w", a.label(), u.Username, err)
	}
	t.changed("remove", "application user", a.id, u.id)
	return nil
}

func (t *Tenant) unbindGroup(a *appNode, g *groupNode) error {
	if err := part(&g.apps, a, &a.groups, g); err != nil {
		return fmt.Errorf("association of application %q with group %q: %w", a.label(), g.Name, err)
	}
	t.changed("remove", "application group", a.id, g.id)
	return nil
}

// AddDanglingMembers gives a group n edges to users that were deleted: they
// count in the total of its member list and answers leave them out.
func (t *Tenant) AddDanglingMembers(group string, n int) error {
	return t.addStrayMembers(group, n, dangling)
}

// AddGhostMembers gives a group n edges to users that never were: its member
// list names them, and nothing else knows them.
func (t *Tenant) AddGhostMembers(group string, n int) error {
	return t.addStrayMembers(group, n, ghost)
}

func (t *Tenant) addStrayMembers(group string, n int, f fate) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.group(group)
	if err != nil {
		return err
	}
	for range n {
		g.members = append(g.members, t.strayUser(f, ""))
		t.changed("add", "member", g.id, g.members[len(g.members)-1].id)
	}
	return nil
}

// AddDanglingAssociations gives an application n edges to deleted objects of a
// kind, as [Tenant.AddDanglingMembers] does for groups.
func (t *Tenant) AddDanglingAssociations(app, kind string, n int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, err := t.app(app)
	if err != nil {
		return err
	}
	for range n {
		switch kind {
		case TypeUser:
			a.users = append(a.users, t.strayUser(dangling, ""))
		case TypeUserGroup:
			a.groups = append(a.groups, t.strayGroup(dangling, ""))
		default:
			return fmt.Errorf("an application is associated with %s or %s, not with %q", TypeUser, TypeUserGroup, kind)
		}
		t.changed("add", "application "+kind, a.id, "")
	}
	return nil
}

// strayUser makes the far end of an edge that leads nowhere. The id is derived
// where none is given, and never given to a real object.
func (t *Tenant) strayUser(f fate, id string) *userNode {
	return &userNode{User: &User{}, id: t.strayID(id), fate: f}
}

func (t *Tenant) strayGroup(f fate, id string) *groupNode {
	return &groupNode{Group: &Group{}, id: t.strayID(id), fate: f}
}

func (t *Tenant) strayID(id string) string {
	if id == "" {
		id = deriveID("stray", t.org.ID, strconv.Itoa(len(t.spent)))
	}
	t.spent[id] = struct{}{}
	return id
}
