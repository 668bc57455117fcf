package jcsim

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/insights"
)

// Errors of edits, to be told apart with errors.Is.
var (
	// ErrNotFound is returned for an object that the tenant does not hold.
	ErrNotFound = errors.New("not found")
	// ErrExists is returned for an object or an edge that is there already.
	ErrExists = errors.New("already exists")
)

// Tenant is one JumpCloud organization: what a [Server] serves and what a test
// compares with. All methods are safe for concurrent use; each edit happens at
// one instant, before or after any page that a server is writing.
//
// Wherever a method takes a reference to an object, it takes its id or a name: of
// a user the username or email address, of an administrator the email address,
// of a group or role the name, of an application the label or name. Names are
// compared without regard to case.
type Tenant struct {
	mu      sync.RWMutex
	org     Organization
	holes   bool
	version uint64

	users  *collection[*userNode]
	admins *collection[*adminNode]
	roles  *collection[*roleNode]
	groups *collection[*groupNode]
	apps   *collection[*appNode]
	bound  map[string]*collection[*boundNode] // by the name of the list

	services *collection[*serviceNode]

	usernames  map[string]*userNode
	userEmails map[string]*userNode
	adminMails map[string]*adminNode
	roleNames  map[string]*roleNode
	groupNames map[string]*groupNode
	automated  []*groupNode // groups whose members a rule decides

	spent   map[string]struct{} // ids of deleted objects, never given again
	bulk    bool
	journal *[]Change

	mails     []Mail
	schedules []Schedule

	events atomic.Pointer[insights.Log] // nil until they are recorded

	effectiveMu sync.Mutex
	effective   map[*appNode]effectiveUsers
}

// fate says what became of an object that edges name.
type fate uint8

const (
	alive    fate = iota
	dangling      // deleted: its edges count, and answers leave them out
	ghost         // never existed: answers name it, and its own GET finds nothing
)

// userNode is a user and its edges. The user itself is never changed, only
// replaced, so that it can be handed out without a copy.
type userNode struct {
	*User
	id     string
	fate   fate
	groups []*groupNode
	apps   []*appNode
	bound  []*boundNode
	// password is what was last set through the API.
	password string
}

type adminNode struct {
	*Admin
	id string
}

type roleNode struct {
	*Role
	id string
}

// groupNode is a group and its edges, each list in the order of its making.
type groupNode struct {
	*Group
	id      string
	fate    fate
	members []*userNode
	apps    []*appNode
	bound   []*boundNode
}

// appNode is an application and its direct associations.
type appNode struct {
	*Application
	id     string
	fate   fate
	users  []*userNode
	groups []*groupNode
}

func (n *userNode) ident() string  { return n.id }
func (n *adminNode) ident() string { return n.id }
func (n *roleNode) ident() string  { return n.id }
func (n *groupNode) ident() string { return n.id }
func (n *appNode) ident() string   { return n.id }

// BuiltInRoles are the names of the roles that every organization has, as
// JumpCloud's PowerShell module and support pages list them.
func BuiltInRoles() []string {
	return []string{
		"Administrator With Billing", "Administrator", "Manager", "Command Runner With Billing",
		"Command Runner", "Help Desk", "Billing Only", "Read Only",
	}
}

// NewTenant makes an organization with the built-in roles and nothing else.
func NewTenant(org Organization) *Tenant {
	if org.ID == "" {
		org.ID = deriveID("organization", org.Name)
	}
	if org.Created == "" {
		org.Created = defaultCreated
	}
	t := &Tenant{
		org: org, users: newCollection[*userNode](), admins: newCollection[*adminNode](), roles: newCollection[*roleNode](),
		groups: newCollection[*groupNode](), apps: newCollection[*appNode](),
		usernames: map[string]*userNode{}, userEmails: map[string]*userNode{}, adminMails: map[string]*adminNode{},
		roleNames: map[string]*roleNode{}, groupNames: map[string]*groupNode{}, spent: map[string]struct{}{},
		bound: map[string]*collection[*boundNode]{}, services: newCollection[*serviceNode](),
	}
	for _, p := range boundParts() {
		t.bound[p.name] = newCollection[*boundNode]()
	}
	for _, name := range BuiltInRoles() {
		role := &roleNode{Role: &Role{Name: name, BuiltIn: true}, id: deriveID("role", org.ID, name)}
		role.ID = role.id
		t.roles.add(role, true, false)
		t.roleNames[fold(name)] = role
	}
	return t
}

// Organization tells whose tenant this is.
func (t *Tenant) Organization() Organization {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.org
}

// SetHoles says what deleting leaves behind. With holes, the edges of a deleted
// object stay: they count in totals and take their place in pages, and answers
// leave them out, as JumpCloud's own staff found of its member lists. Without,
// which is the default, edges go with the object.
func (t *Tenant) SetHoles(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.holes = on
}

// Holes reports whether deleting leaves dangling edges.
func (t *Tenant) Holes() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.holes
}

// Version grows with every edit.
func (t *Tenant) Version() uint64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.version
}

// Change is one edit in a tenant's journal.
type Change struct {
	// Version is the tenant's version after the edit.
	Version uint64
	// Op is add, update, delete for objects, and add, remove for edges.
	Op string
	// Kind is user, admin, role, group, application or a kind of the graph, or for edges
	// member, application user, application group, or a kind of the graph and "binding".
	Kind string
	// Owner is the group or application of an edge, empty for objects.
	Owner string
	// ID is the object, or the far end of the edge.
	ID string
}

// StartJournal begins to record edits, for oracles that need the history of a
// tenant. What was recorded before is forgotten.
func (t *Tenant) StartJournal() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.journal = &[]Change{}
}

// Journal returns the edits since [Tenant.StartJournal], oldest first.
func (t *Tenant) Journal() []Change {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.journal == nil {
		return nil
	}
	return append([]Change(nil), *t.journal...)
}

// changed counts and records an edit.
func (t *Tenant) changed(op, kind, owner, id string) {
	t.version++
	if t.journal != nil {
		*t.journal = append(*t.journal, Change{Version: t.version, Op: op, Kind: kind, Owner: owner, ID: id})
	}
	t.noteEvent(op, kind, owner, id)
}

// newID checks the id that an object brings, or derives one from its names. An
// id is never given twice, so an object that is deleted and made again is a new
// one.
func newID[N object](t *Tenant, c *collection[N], given string, names ...string) (string, error) {
	if given != "" {
		if !isID(given) {
			return "", fmt.Errorf("id %q is not 24 hex digits; leave it out to have one derived", given)
		}
		if _, ok := c.index[given]; ok {
			return "", fmt.Errorf("id %s: %w", given, ErrExists)
		}
		return given, nil
	}
	for n := 0; ; n++ {
		parts := names
		if n > 0 {
			parts = append(append([]string(nil), names...), strconv.Itoa(n))
		}
		id := deriveID(parts...)
		_, used := c.index[id]
		_, spent := t.spent[id]
		if !used && !spent {
			return id, nil
		}
	}
}

// deriveID makes 24 hex digits of names, the same for the same names.
func deriveID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:12])
}

// isID reports whether s is a well-formed object id: 24 hex digits.
func isID(s string) bool {
	if len(s) != 24 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// fold is a name as it is compared: without regard to the case of ASCII letters.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// user finds a user by id, username or email address.
func (t *Tenant) user(ref string) (*userNode, error) {
	if n, ok := t.users.index[ref]; ok {
		return n, nil
	}
	if n, ok := t.usernames[fold(ref)]; ok {
		return n, nil
	}
	if n, ok := t.userEmails[fold(ref)]; ok {
		return n, nil
	}
	return nil, fmt.Errorf("user %q: %w", ref, ErrNotFound)
}

// admin finds an administrator by id or email address.
func (t *Tenant) admin(ref string) (*adminNode, error) {
	if n, ok := t.admins.index[ref]; ok {
		return n, nil
	}
	if n, ok := t.adminMails[fold(ref)]; ok {
		return n, nil
	}
	return nil, fmt.Errorf("administrator %q: %w", ref, ErrNotFound)
}

// role finds a role by id or name.
func (t *Tenant) role(ref string) (*roleNode, error) {
	if n, ok := t.roles.index[ref]; ok {
		return n, nil
	}
	if n, ok := t.roleNames[fold(ref)]; ok {
		return n, nil
	}
	return nil, fmt.Errorf("role %q: %w", ref, ErrNotFound)
}

// group finds a group by id or name.
func (t *Tenant) group(ref string) (*groupNode, error) {
	if n, ok := t.groups.index[ref]; ok {
		return n, nil
	}
	if n, ok := t.groupNames[fold(ref)]; ok {
		return n, nil
	}
	return nil, fmt.Errorf("group %q: %w", ref, ErrNotFound)
}

// app finds an application by id, else by label or name, which must be that of
// one application only.
func (t *Tenant) app(ref string) (*appNode, error) {
	if n, ok := t.apps.index[ref]; ok {
		return n, nil
	}
	var found *appNode
	for _, named := range []func(*appNode) string{(*appNode).label, func(n *appNode) string { return n.Name }} {
		for _, n := range t.apps.natural {
			if fold(named(n)) != fold(ref) {
				continue
			}
			if found != nil {
				return nil, fmt.Errorf("application %q is not the only one of that name; write its id", ref)
			}
			found = n
		}
		if found != nil {
			return found, nil
		}
	}
	return nil, fmt.Errorf("application %q: %w", ref, ErrNotFound)
}
