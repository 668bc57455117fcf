package jcsim

import "fmt"

// AddGroup adds a group and returns its id. A name that is taken, without regard
// to case, is [ErrExists]. A dynamic group gets the members of its rule.
func (t *Tenant) AddGroup(g Group) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.addGroup(g)
	if err != nil {
		return "", err
	}
	return n.id, nil
}

func (t *Tenant) addGroup(g Group) (*groupNode, error) {
	if err := g.normalize(); err != nil {
		return nil, err
	}
	if _, ok := t.groupNames[fold(g.Name)]; ok {
		return nil, fmt.Errorf("group %q %w", g.Name, ErrExists)
	}
	id, err := newID(t, t.groups, g.ID, "group", t.org.ID, g.Name)
	if err != nil {
		return nil, fmt.Errorf("group %q: %w", g.Name, err)
	}
	g.ID = id
	n := &groupNode{Group: &g, id: id}
	t.groups.add(n, true, t.bulk)
	t.groupNames[fold(g.Name)] = n
	t.changed("add", "group", "", id)
	t.automate(n)
	return n, nil
}

// UpdateGroup changes a group in the way of [Tenant.UpdateUser]. The members of
// a dynamic group follow its rule.
func (t *Tenant) UpdateGroup(ref string, edit func(*Group)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.group(ref)
	if err != nil {
		return err
	}
	return t.updateGroup(n, edit)
}

func (t *Tenant) updateGroup(n *groupNode, edit func(*Group)) error {
	g := *n.Group
	edit(&g)
	g.ID = n.id
	if err := g.normalize(); err != nil {
		return err
	}
	if other, ok := t.groupNames[fold(g.Name)]; ok && other != n {
		return fmt.Errorf("group %q %w", g.Name, ErrExists)
	}
	delete(t.groupNames, fold(n.Name))
	n.Group = &g
	t.groupNames[fold(g.Name)] = n
	t.groups.changed()
	t.changed("update", "group", "", n.id)
	t.automate(n)
	return nil
}

// DeleteGroup deletes a group. Its associations go too, or dangle in a tenant
// with holes.
func (t *Tenant) DeleteGroup(ref string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.group(ref)
	if err != nil {
		return err
	}
	t.deleteGroup(n)
	return nil
}

func (t *Tenant) deleteGroup(n *groupNode) {
	t.groups.remove(n)
	delete(t.groupNames, fold(n.Name))
	t.spent[n.id] = struct{}{}
	n.fate = dangling
	for _, u := range n.members {
		u.groups = without(u.groups, n)
	}
	if !t.holes {
		for _, a := range n.apps {
			a.groups = without(a.groups, n)
		}
		for _, b := range n.bound {
			b.groups = without(b.groups, n)
		}
	}
	t.automated = without(t.automated, n)
	n.members, n.apps, n.bound = nil, nil, nil
	t.changed("delete", "group", "", n.id)
}

// AddApplication adds an application and returns its id.
func (t *Tenant) AddApplication(a Application) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.addApp(a)
	if err != nil {
		return "", err
	}
	return n.id, nil
}

func (t *Tenant) addApp(a Application) (*appNode, error) {
	if err := a.normalize(); err != nil {
		return nil, err
	}
	id, err := newID(t, t.apps, a.ID, "application", t.org.ID, a.Name, a.label())
	if err != nil {
		return nil, fmt.Errorf("application %q: %w", a.label(), err)
	}
	a.ID = id
	n := &appNode{Application: &a, id: id}
	t.apps.add(n, true, t.bulk)
	t.changed("add", "application", "", id)
	return n, nil
}

// UpdateApplication changes an application in the way of [Tenant.UpdateUser].
func (t *Tenant) UpdateApplication(ref string, edit func(*Application)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.app(ref)
	if err != nil {
		return err
	}
	a := *n.Application
	edit(&a)
	a.ID = n.id
	if err := a.normalize(); err != nil {
		return err
	}
	n.Application = &a
	t.apps.changed()
	t.changed("update", "application", "", n.id)
	return nil
}

// DeleteApplication deletes an application. The edges to it go too, or dangle
// in a tenant with holes.
func (t *Tenant) DeleteApplication(ref string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.app(ref)
	if err != nil {
		return err
	}
	t.deleteApp(n)
	return nil
}

func (t *Tenant) deleteApp(n *appNode) {
	t.apps.remove(n)
	t.spent[n.id] = struct{}{}
	n.fate = dangling
	if !t.holes {
		for _, u := range n.users {
			u.apps = without(u.apps, n)
		}
		for _, g := range n.groups {
			g.apps = without(g.apps, n)
		}
	}
	n.users, n.groups = nil, nil
	t.changed("delete", "application", "", n.id)
}
