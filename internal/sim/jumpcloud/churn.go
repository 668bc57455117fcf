package jcsim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Churn changes the first tenant while it is served, as an import or a busy day does.
type Churn struct {
	// Every makes one change before each Every-th request to the API; 0 none.
	Every int `json:"every,omitempty"`
	// Changes are made in turn, of those that [ChurnChanges] lists; empty means
	// add-user and delete-user. An added user joins the largest group and a few
	// others, and may be bound to an application.
	Changes []string `json:"changes,omitempty"`
}

// ChurnRole is the role of the administrators that a [Churn] adds.
const ChurnRole = "Help Desk"

// errNothing is a change for which the tenant has nothing.
var errNothing = errors.New("there is nothing to change")

// churnChanges are the changes by name. The tenant's lock is held.
func churnChanges() map[string]func(*churner, *Tenant) error {
	return map[string]func(*churner, *Tenant) error{
		"add-user": (*churner).addUser, "delete-user": (*churner).deleteUser,
		"add-admin": (*churner).addAdmin, "delete-admin": (*churner).deleteAdmin,
		"add-role": (*churner).addRole, "delete-role": (*churner).deleteRole,
		"add-group": (*churner).addGroup, "delete-group": (*churner).deleteGroup,
		"add-application": (*churner).addApp, "delete-application": (*churner).deleteApp,
		"add-member": (*churner).addMember, "remove-member": (*churner).removeMember,
		"associate": (*churner).associate, "dissociate": (*churner).dissociate,
		"bind": (*churner).bind, "unbind": (*churner).unbind, "delete-bound": (*churner).deleteBound,
	}
}

// ChurnChanges lists the names that [Churn.Changes] may hold, in alphabetical order.
func ChurnChanges() []string {
	names := make([]string, 0, len(churnChanges()))
	for name := range churnChanges() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// check refuses a churn that cannot work.
func (c *Churn) check() error {
	if c.Every < 0 {
		return errors.New("churn: every must not be negative")
	}
	for _, name := range c.Changes {
		if churnChanges()[name] == nil {
			return fmt.Errorf("churn: unknown change %q; there are %s", name, strings.Join(ChurnChanges(), ", "))
		}
	}
	return nil
}

// churner makes the changes of a [Churn].
type churner struct {
	mu     sync.Mutex // held while a change is made, so that changes are made in turn
	r      *rand.Rand
	seen   int // requests
	turn   int // changes
	serial int // of what was added
}

// churn counts a request and makes the change that comes with it. A change for which
// there is nothing is left out.
func (s *Server) churn(set Churn) {
	if set.Every <= 0 {
		return
	}
	c := &s.churned
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen++; c.seen%set.Every != 0 {
		return
	}
	names := set.Changes
	if len(names) == 0 {
		names = []string{"add-user", "delete-user"}
	}
	change := churnChanges()[names[c.turn%len(names)]]
	c.turn++
	t := s.tenants[0]
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := change(c, t); err != nil && !errors.Is(err, errNothing) && !errors.Is(err, ErrExists) {
		s.stats.problem(fmt.Errorf("churn: %w", err))
	}
}

// id makes an id that stands anywhere among the others.
func (c *churner) id() string {
	c.serial++
	return fmt.Sprintf("64%02x%012x%08x", c.r.IntN(256), c.r.Uint64N(1<<48), c.serial)
}

// anyOf picks one of a list.
func anyOf[N any](c *churner, list []N) (n N, err error) {
	if len(list) == 0 {
		return n, errNothing
	}
	return list[c.r.IntN(len(list))], nil
}

func created() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }

func (c *churner) addUser(t *Tenant) error {
	id := c.id()
	u, err := t.addUser(User{ID: id, Username: "churn." + id, Email: "churn." + id + "@example.com", Created: created()})
	if err != nil {
		return err
	}
	var largest *groupNode
	for _, g := range t.groups.natural {
		if !g.ruled() && (largest == nil || len(g.members) > len(largest.members)) {
			largest = g
		}
	}
	groups := []*groupNode{largest}
	for range c.r.IntN(4) {
		g, err := anyOf(c, t.groups.natural)
		if err == nil && !g.ruled() {
			groups = append(groups, g)
		}
	}
	for _, g := range groups {
		if g == nil {
			continue
		}
		if err := t.addMember(g, u); err != nil && !errors.Is(err, ErrExists) {
			return err
		}
	}
	if a, err := anyOf(c, t.apps.natural); err == nil && c.r.IntN(4) == 0 {
		return t.bindUser(a, u)
	}
	return nil
}

func (c *churner) deleteUser(t *Tenant) error {
	u, err := anyOf(c, t.users.natural)
	if err == nil {
		t.deleteUser(u)
	}
	return err
}

func (c *churner) addAdmin(t *Tenant) error {
	id := c.id()
	_, err := t.addAdmin(Admin{ID: id, Email: "churn." + id + "@example.com", RoleName: ChurnRole, Created: created()})
	return err
}

func (c *churner) deleteAdmin(t *Tenant) error {
	a, err := anyOf(c, t.admins.natural)
	if err == nil {
		t.deleteAdmin(a)
	}
	return err
}

func (c *churner) addRole(t *Tenant) error {
	id := c.id()
	_, err := t.addRole(Role{ID: id, Name: "Churn " + id})
	return err
}

func (c *churner) deleteRole(t *Tenant) error {
	custom := slices.DeleteFunc(slices.Clone(t.roles.natural), func(r *roleNode) bool { return slices.Contains(BuiltInRoles(), r.Name) })
	r, err := anyOf(c, custom)
	if err == nil {
		t.deleteRole(r)
	}
	return err
}

func (c *churner) addGroup(t *Tenant) error {
	id := c.id()
	_, err := t.addGroup(Group{ID: id, Name: "Churn " + id})
	return err
}

func (c *churner) deleteGroup(t *Tenant) error {
	g, err := anyOf(c, t.groups.natural)
	if err == nil {
		t.deleteGroup(g)
	}
	return err
}

func (c *churner) addApp(t *Tenant) error {
	id := c.id()
	_, err := t.addApp(Application{ID: id, Name: "churn", DisplayLabel: "Churn " + id})
	return err
}

func (c *churner) deleteApp(t *Tenant) error {
	a, err := anyOf(c, t.apps.natural)
	if err == nil {
		t.deleteApp(a)
	}
	return err
}

func (c *churner) addMember(t *Tenant) error {
	g, err := anyOf(c, t.groups.natural)
	if err != nil {
		return err
	}
	u, err := anyOf(c, t.users.natural)
	if err != nil {
		return err
	}
	return t.addMember(g, u)
}

func (c *churner) removeMember(t *Tenant) error {
	g, err := anyOf(c, t.groups.natural)
	if err != nil {
		return err
	}
	u, err := anyOf(c, existing(g.members))
	if err != nil {
		return err
	}
	return t.removeMember(g, u)
}

func (c *churner) associate(t *Tenant) error {
	a, err := anyOf(c, t.apps.natural)
	if err != nil {
		return err
	}
	if c.r.IntN(2) == 0 {
		g, err := anyOf(c, t.groups.natural)
		if err != nil {
			return err
		}
		return t.bindGroup(a, g)
	}
	u, err := anyOf(c, t.users.natural)
	if err != nil {
		return err
	}
	return t.bindUser(a, u)
}

func (c *churner) dissociate(t *Tenant) error {
	a, err := anyOf(c, t.apps.natural)
	if err != nil {
		return err
	}
	if groups := existing(a.groups); len(groups) > 0 && c.r.IntN(2) == 0 {
		g, err := anyOf(c, groups)
		if err != nil {
			return err
		}
		return t.unbindGroup(a, g)
	}
	u, err := anyOf(c, existing(a.users))
	if err != nil {
		return err
	}
	return t.unbindUser(a, u)
}

// anyBound is any directory or server that somebody can be bound to.
func (c *churner) anyBound(t *Tenant) (*boundNode, error) {
	var all []*boundNode
	for _, p := range boundParts() {
		for _, n := range t.bound[p.name].natural {
			if n.graph != TypeWorkday {
				all = append(all, n)
			}
		}
	}
	return anyOf(c, all)
}

func (c *churner) bind(t *Tenant) error {
	n, err := c.anyBound(t)
	if err != nil {
		return err
	}
	if c.r.IntN(4) == 0 {
		g, err := anyOf(c, t.groups.natural)
		if err != nil {
			return err
		}
		return t.bindTo(n, nil, g, true)
	}
	u, err := anyOf(c, t.users.natural)
	if err != nil {
		return err
	}
	return t.bindTo(n, u, nil, true)
}

func (c *churner) unbind(t *Tenant) error {
	n, err := c.anyBound(t)
	if err != nil {
		return err
	}
	if groups := existing(n.groups); len(groups) > 0 && c.r.IntN(4) == 0 {
		return t.bindTo(n, nil, groups[c.r.IntN(len(groups))], false)
	}
	u, err := anyOf(c, existing(n.users))
	if err != nil {
		return err
	}
	return t.bindTo(n, u, nil, false)
}

func (c *churner) deleteBound(t *Tenant) error {
	n, err := c.anyBound(t)
	if err == nil {
		t.deleteBound(n)
	}
	return err
}

// existing are the ends of edges that exist.
func existing[N vertex](ends []N) []N {
	return slices.DeleteFunc(slices.Clone(ends), func(n N) bool { return n.state() != alive })
}
