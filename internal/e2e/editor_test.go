package e2e_test

import (
	"errors"
	"fmt"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// editor changes a tenant by dice. The same rolls make the same changes.
type editor struct {
	roll   func(n int) int // from 0 up to n-1
	serial int
}

var errNothing = errors.New("there is nothing to change")

// one is one of the kinds of changes that an editor makes.
type change func(*editor, *jcsim.Tenant) error

// changes are all kinds, by name.
func changes() map[string]change {
	return map[string]change{
		"add user": (*editor).addUser, "delete user": (*editor).deleteUser, "add group": (*editor).addGroup, "delete group": (*editor).deleteGroup,
		"add application": (*editor).addApplication, "delete application": (*editor).deleteApplication,
		"add administrator": (*editor).addAdmin, "delete administrator": (*editor).deleteAdmin,
		"add member": (*editor).addMember, "remove member": (*editor).removeMember, "associate": (*editor).associate, "dissociate": (*editor).dissociate,
	}
}

// id makes an id that stands anywhere among the others.
func (e *editor) id() string {
	e.serial++
	return fmt.Sprintf("64%02x%012x%08x", e.roll(256), e.roll(1<<30), e.serial)
}

func (e *editor) addUser(t *jcsim.Tenant) error {
	id := e.id()
	_, err := t.AddUser(jcsim.User{ID: id, Username: "new." + id, Email: id + "@example.com", Department: "Sales"})
	return err
}

func (e *editor) addAdmin(t *jcsim.Tenant) error {
	id := e.id()
	_, err := t.AddAdmin(jcsim.Admin{ID: id, Email: id + "@example.com", RoleName: "Help Desk"})
	return err
}

func (e *editor) addGroup(t *jcsim.Tenant) error {
	id := e.id()
	_, err := t.AddGroup(jcsim.Group{ID: id, Name: "New " + id})
	return err
}

func (e *editor) addApplication(t *jcsim.Tenant) error {
	id := e.id()
	_, err := t.AddApplication(jcsim.Application{ID: id, Name: "saml", DisplayLabel: "New " + id})
	return err
}

// pick takes one of a list.
func pick[T any](e *editor, list []T) (v T, err error) {
	if len(list) == 0 {
		return v, errNothing
	}
	return list[e.roll(len(list))], nil
}

func (e *editor) deleteUser(t *jcsim.Tenant) error {
	u, err := pick(e, t.Users())
	if err != nil {
		return err
	}
	return t.DeleteUser(u.ID)
}

func (e *editor) deleteAdmin(t *jcsim.Tenant) error {
	a, err := pick(e, t.Admins())
	if err != nil {
		return err
	}
	return t.DeleteAdmin(a.ID)
}

func (e *editor) deleteGroup(t *jcsim.Tenant) error {
	g, err := pick(e, t.Groups())
	if err != nil {
		return err
	}
	return t.DeleteGroup(g.ID)
}

func (e *editor) deleteApplication(t *jcsim.Tenant) error {
	a, err := pick(e, t.Applications())
	if err != nil {
		return err
	}
	return t.DeleteApplication(a.ID)
}

func (e *editor) addMember(t *jcsim.Tenant) error {
	g, err := pick(e, t.Groups())
	if err != nil {
		return err
	}
	u, err := pick(e, t.Users())
	if err != nil {
		return err
	}
	return t.AddMember(g.ID, u.ID)
}

func (e *editor) removeMember(t *jcsim.Tenant) error {
	g, err := pick(e, t.Groups())
	if err != nil {
		return err
	}
	members, err := t.Members(g.ID)
	if err != nil {
		return err
	}
	u, err := pick(e, members)
	if err != nil {
		return err
	}
	return t.RemoveMember(g.ID, u)
}

func (e *editor) associate(t *jcsim.Tenant) error {
	a, err := pick(e, t.Applications())
	if err != nil {
		return err
	}
	if e.roll(2) == 0 {
		u, err := pick(e, t.Users())
		if err != nil {
			return err
		}
		return t.Associate(a.ID, jcsim.TypeUser, u.ID)
	}
	g, err := pick(e, t.Groups())
	if err != nil {
		return err
	}
	return t.Associate(a.ID, jcsim.TypeUserGroup, g.ID)
}

func (e *editor) dissociate(t *jcsim.Tenant) error {
	a, err := pick(e, t.Applications())
	if err != nil {
		return err
	}
	kind, list := jcsim.TypeUser, t.AppUsers
	if e.roll(2) == 0 {
		kind, list = jcsim.TypeUserGroup, t.AppGroups
	}
	bound, err := list(a.ID)
	if err != nil {
		return err
	}
	ref, err := pick(e, bound)
	if err != nil {
		return err
	}
	return t.Dissociate(a.ID, kind, ref)
}
