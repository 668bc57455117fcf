package jcsim

import (
	"errors"
	"fmt"
	"slices"
)

// AddUser adds a user and returns its id. A username or email address that is
// taken is [ErrExists].
func (t *Tenant) AddUser(u User) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.addUser(u)
	if err != nil {
		return "", err
	}
	return n.id, nil
}

func (t *Tenant) addUser(u User) (*userNode, error) {
	if err := u.normalize(); err != nil {
		return nil, err
	}
	if err := t.userIsFree(&u, nil); err != nil {
		return nil, err
	}
	id, err := newID(t, t.users, u.ID, "user", t.org.ID, u.Username)
	if err != nil {
		return nil, fmt.Errorf("user %q: %w", u.Username, err)
	}
	u.ID = id
	n := &userNode{User: &u, id: id}
	t.users.add(n, !u.Hidden, t.bulk)
	t.nameUser(n)
	t.changed("add", "user", "", id)
	if !t.bulk {
		t.reassess(n)
	}
	return n, nil
}

// userIsFree refuses names that another user than self has.
func (t *Tenant) userIsFree(u *User, self *userNode) error {
	if other, ok := t.usernames[fold(u.Username)]; ok && other != self {
		return fmt.Errorf("user %q: username %w", u.Username, ErrExists)
	}
	if other, ok := t.userEmails[fold(u.Email)]; ok && other != self && u.Email != "" {
		return fmt.Errorf("user %q: email %s %w", u.Username, u.Email, ErrExists)
	}
	return nil
}

func (t *Tenant) nameUser(n *userNode) {
	t.usernames[fold(n.Username)] = n
	if n.Email != "" {
		t.userEmails[fold(n.Email)] = n
	}
}

func (t *Tenant) unnameUser(n *userNode) {
	delete(t.usernames, fold(n.Username))
	if n.Email != "" {
		delete(t.userEmails, fold(n.Email))
	}
}

// UpdateUser changes a user. edit gets a copy, of which it may set fields; it
// must replace lists rather than change them. Where it changes one of State and
// Suspended the other follows; where it makes them conflict, the edit is
// refused.
func (t *Tenant) UpdateUser(ref string, edit func(*User)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.user(ref)
	if err != nil {
		return err
	}
	return t.updateUser(n, edit)
}

func (t *Tenant) updateUser(n *userNode, edit func(*User)) error {
	old := n.User
	u := *old
	edit(&u)
	u.ID = n.id
	if u.State != old.State && u.Suspended == old.Suspended {
		u.Suspended = u.State == StateSuspended
	}
	if u.Suspended != old.Suspended && u.State == old.State {
		u.State = StateActivated
		if u.Suspended {
			u.State = StateSuspended
		}
	}
	if err := u.normalize(); err != nil {
		return err
	}
	if err := t.userIsFree(&u, n); err != nil {
		return err
	}
	t.unnameUser(n)
	n.User = &u
	t.nameUser(n)
	switch {
	case u.Hidden && !old.Hidden:
		t.users.unlist(n)
	case !u.Hidden && old.Hidden:
		t.users.relist(n)
	default:
		t.users.changed()
	}
	t.changed("update", "user", "", n.id)
	t.reassess(n)
	return nil
}

// DeleteUser deletes a user, and the administrator that it is. Its edges go too, or dangle in a tenant with
// holes. Users whose manager it was keep its id.
func (t *Tenant) DeleteUser(ref string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.user(ref)
	if err != nil {
		return err
	}
	t.deleteUser(n)
	return nil
}

func (t *Tenant) deleteUser(n *userNode) {
	t.users.remove(n)
	t.unnameUser(n)
	t.spent[n.id] = struct{}{}
	n.fate = dangling
	if !t.holes {
		for _, g := range n.groups {
			g.members = without(g.members, n)
		}
		for _, a := range n.apps {
			a.users = without(a.users, n)
		}
		for _, b := range n.bound {
			b.users = without(b.users, n)
		}
	}
	n.groups, n.apps, n.bound = nil, nil, nil
	t.schedules = slices.DeleteFunc(t.schedules, func(s Schedule) bool { return s.User == n.id })
	t.changed("delete", "user", "", n.id)
	if n.User.Admin == nil {
		return
	}
	if a, ok := t.admins.index[n.User.Admin.ID]; ok {
		t.deleteAdmin(a)
	}
}

// reports lists the users whose manager is n.
func (t *Tenant) reports(n *userNode) []*userNode {
	var list []*userNode
	for _, u := range t.users.index {
		if u.Manager == n.id {
			list = append(list, u)
		}
	}
	slices.SortFunc(list, byIdent)
	return list
}

// AddAdmin adds an administrator and returns its id. An email address that is
// taken is [ErrExists]; that of a user is not.
func (t *Tenant) AddAdmin(a Admin) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.addAdmin(a)
	if err != nil {
		return "", err
	}
	return n.id, nil
}

func (t *Tenant) addAdmin(a Admin) (*adminNode, error) {
	if err := a.normalize(); err != nil {
		return nil, err
	}
	if _, ok := t.adminMails[fold(a.Email)]; ok {
		return nil, fmt.Errorf("administrator %s %w", a.Email, ErrExists)
	}
	id, err := newID(t, t.admins, a.ID, "admin", t.org.ID, a.Email)
	if err != nil {
		return nil, fmt.Errorf("administrator %s: %w", a.Email, err)
	}
	a.ID = id
	n := &adminNode{Admin: &a, id: id}
	t.admins.add(n, true, t.bulk)
	t.adminMails[fold(a.Email)] = n
	t.changed("add", "admin", "", id)
	return n, nil
}

// UpdateAdmin changes an administrator in the way of [Tenant.UpdateUser].
func (t *Tenant) UpdateAdmin(ref string, edit func(*Admin)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.admin(ref)
	if err != nil {
		return err
	}
	return t.updateAdmin(n, edit)
}

func (t *Tenant) updateAdmin(n *adminNode, edit func(*Admin)) error {
	a := *n.Admin
	edit(&a)
	a.ID = n.id
	if err := a.normalize(); err != nil {
		return err
	}
	if other, ok := t.adminMails[fold(a.Email)]; ok && other != n {
		return fmt.Errorf("administrator %s %w", a.Email, ErrExists)
	}
	delete(t.adminMails, fold(n.Email))
	n.Admin = &a
	t.adminMails[fold(a.Email)] = n
	t.admins.changed()
	t.changed("update", "admin", "", n.id)
	return nil
}

// DeleteAdmin deletes an administrator.
func (t *Tenant) DeleteAdmin(ref string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.admin(ref)
	if err != nil {
		return err
	}
	t.deleteAdmin(n)
	return nil
}

func (t *Tenant) deleteAdmin(n *adminNode) {
	t.admins.remove(n)
	delete(t.adminMails, fold(n.Email))
	t.spent[n.id] = struct{}{}
	t.changed("delete", "admin", "", n.id)
}

// AddRole adds a custom role and returns its id. Administrators may also name
// roles that the tenant does not list.
func (t *Tenant) AddRole(r Role) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.addRole(r)
	if err != nil {
		return "", err
	}
	return n.id, nil
}

func (t *Tenant) addRole(r Role) (*roleNode, error) {
	if r.Name == "" {
		return nil, errors.New("a role needs a name")
	}
	if _, ok := t.roleNames[fold(r.Name)]; ok {
		return nil, fmt.Errorf("role %q %w", r.Name, ErrExists)
	}
	id, err := newID(t, t.roles, r.ID, "role", t.org.ID, r.Name)
	if err != nil {
		return nil, fmt.Errorf("role %q: %w", r.Name, err)
	}
	r.ID, r.BuiltIn = id, false
	n := &roleNode{Role: &r, id: id}
	t.roles.add(n, true, t.bulk)
	t.roleNames[fold(r.Name)] = n
	t.changed("add", "role", "", id)
	return n, nil
}

// updateRole replaces what a custom role says of itself.
func (t *Tenant) updateRole(n *roleNode, r Role) error {
	if other, ok := t.roleNames[fold(r.Name)]; ok && other != n {
		return fmt.Errorf("role %q %w", r.Name, ErrExists)
	}
	delete(t.roleNames, fold(n.Name))
	r.ID = n.id
	n.Role = &r
	t.roleNames[fold(r.Name)] = n
	t.roles.changed()
	t.changed("update", "role", "", n.id)
	return nil
}

// DeleteRole deletes a role. Administrators keep its name.
func (t *Tenant) DeleteRole(ref string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.role(ref)
	if err != nil {
		return err
	}
	t.deleteRole(n)
	return nil
}

func (t *Tenant) deleteRole(n *roleNode) {
	t.roles.remove(n)
	delete(t.roleNames, fold(n.Name))
	t.spent[n.id] = struct{}{}
	t.changed("delete", "role", "", n.id)
}
