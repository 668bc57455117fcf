package jcsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// The kinds of objects that users and user groups are bound to, beside applications, by
// the names of the graph (API v2).
const (
	TypeGSuite          = "g_suite"
	TypeOffice365       = "office_365"
	TypeLDAPServer      = "ldap_server"
	TypeActiveDirectory = "active_directory"
	TypeWorkday         = "workday" // only sends people: nobody is bound to it
	TypeRADIUSServer    = "radius_server"
	TypeDevice          = "system"
	TypeDeviceGroup     = "system_group"
)

// Directory is a directory that JumpCloud provisions to (API v2, /directories).
type Directory struct {
	// ID is 24 hex digits. Derived from type and name when empty.
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
	// Type is g_suite, office_365, ldap_server, active_directory or workday.
	Type string `json:"type"`
	// Domain is the default domain; left out of answers when empty.
	Domain string `json:"domain,omitempty"`
	Wire
}

// RADIUSServer is a RADIUS server (API v1, /radiusservers). The list tells its shared
// secret, as JumpCloud's does.
type RADIUSServer struct {
	// ID is 24 hex digits. Derived from the name when empty.
	ID              string `json:"_id,omitempty"`
	Name            string `json:"name"`
	NetworkSourceIP string `json:"networkSourceIp,omitempty"`
	// MFA is DISABLED, ENABLED, REQUIRED or ALWAYS.
	MFA          string `json:"mfa,omitempty"`
	SharedSecret string `json:"sharedSecret,omitempty"`
	// UserLockoutAction and UserPasswordExpirationAction are REMOVE or MAINTAIN.
	UserLockoutAction            string `json:"userLockoutAction,omitempty"`
	UserPasswordExpirationAction string `json:"userPasswordExpirationAction,omitempty"`
	Wire
}

// Device is a computer that JumpCloud manages (API v1, /systems).
type Device struct {
	// ID is 24 hex digits. Derived from the name when empty.
	ID           string `json:"_id,omitempty"`
	DisplayName  string `json:"displayName"`
	Hostname     string `json:"hostname,omitempty"`
	OS           string `json:"os,omitempty"`
	OSFamily     string `json:"osFamily,omitempty"` // darwin, windows, linux, ...
	Version      string `json:"version,omitempty"`
	SerialNumber string `json:"serialNumber,omitempty"`
	HWVendor     string `json:"hwVendor,omitempty"`
	// Encrypted is fde.active; absent on the wire when nil.
	Encrypted *bool `json:"encrypted,omitempty"`
	// PrimaryUser is the id of the user whom the device belongs to; null on the wire when
	// empty.
	PrimaryUser string `json:"primarySystemUser,omitempty"`
	LastContact string `json:"lastContact,omitempty"`
	Created     string `json:"created,omitempty"`
	Wire
}

// DeviceGroup is a group of devices (API v2, /systemgroups).
type DeviceGroup struct {
	// ID is 24 hex digits. Derived from the name when empty.
	ID               string `json:"id,omitempty"`
	Name             string `json:"name"`
	Description      string `json:"description,omitempty"`
	MembershipMethod string `json:"membershipMethod,omitempty"`
	Wire
}

// boundNode is an object that users and groups are bound to. Its value is never changed,
// only replaced.
type boundNode struct {
	id     string
	graph  string // kind in the graph
	name   string
	fate   fate
	value  any // *Directory, *RADIUSServer, *Device, *DeviceGroup
	users  []*userNode
	groups []*groupNode
	// sudo are the users and groups who are administrators by their edges.
	sudo map[any]bool
	// devices are the members of a device group, within the device groups of a device.
	devices, within []*boundNode
}

func (n *boundNode) ident() string               { return n.id }
func (n *boundNode) kind() string                { return n.graph }
func (n *boundNode) state() fate                 { return n.fate }
func (n *boundNode) attributes() json.RawMessage { return nil }

// boundPart is a list of objects that are bound to, all that differs by it.
type boundPart struct {
	name  string   // of the part of a tenant file, and in edits
	kinds []string // in the graph
}

// The lists of objects that users and groups are bound to.
const (
	partDirectories = "directories"
	partRADIUS      = "radius_servers"

	partDevices      = "devices"
	partDeviceGroups = "device_groups"
)

func boundParts() []boundPart {
	return []boundPart{
		{partDirectories, []string{TypeGSuite, TypeOffice365, TypeLDAPServer, TypeActiveDirectory, TypeWorkday}},
		{partRADIUS, []string{TypeRADIUSServer}},
		{partDevices, []string{TypeDevice}},
		{partDeviceGroups, []string{TypeDeviceGroup}},
	}
}

// partOf is the list that objects of a kind are in.
func partOf(kind string) (string, bool) {
	for _, p := range boundParts() {
		if slices.Contains(p.kinds, kind) {
			return p.name, true
		}
	}
	return "", false
}

// AddDirectory adds a directory and returns its id.
func (t *Tenant) AddDirectory(d Directory) (string, error) { return t.lockedAdd(&d) }

// AddRADIUSServer adds a RADIUS server and returns its id.
func (t *Tenant) AddRADIUSServer(s RADIUSServer) (string, error) { return t.lockedAdd(&s) }

// AddDevice adds a device and returns its id.
func (t *Tenant) AddDevice(d Device) (string, error) { return t.lockedAdd(&d) }

// AddDeviceGroup adds a device group and returns its id.
func (t *Tenant) AddDeviceGroup(g DeviceGroup) (string, error) { return t.lockedAdd(&g) }

func (t *Tenant) lockedAdd(value any) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.addBound(value)
	if err != nil {
		return "", err
	}
	return n.id, nil
}

// addBound adds an object, which it may complete.
func (t *Tenant) addBound(value any) (*boundNode, error) {
	n := &boundNode{value: value}
	given := n.describe()
	part, ok := partOf(n.graph)
	switch {
	case !ok:
		return nil, fmt.Errorf("directory %q: type %q is not %s", n.name, n.graph, boundParts()[0].kinds)
	case n.name == "":
		return nil, fmt.Errorf("an object of %s needs a name", part)
	}
	id, err := newID(t, t.bound[part], *given, n.graph, t.org.ID, n.name)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", n.graph, n.name, err)
	}
	n.id, *given = id, id
	t.bound[part].add(n, true, t.bulk)
	t.changed("add", n.graph, "", id)
	return n, nil
}

// describe sets what the graph knows of an object, and returns where its id is.
func (n *boundNode) describe() (id *string) {
	switch v := n.value.(type) {
	case *Directory:
		n.graph, n.name = v.Type, v.Name
		return &v.ID
	case *RADIUSServer:
		n.graph, n.name = TypeRADIUSServer, v.Name
		return &v.ID
	case *Device:
		n.graph, n.name = TypeDevice, v.DisplayName
		if v.Created == "" {
			v.Created = defaultCreated
		}
		return &v.ID
	case *DeviceGroup:
		n.graph, n.name = TypeDeviceGroup, v.Name
		return &v.ID
	default:
		panic(fmt.Sprintf("jcsim: nothing is bound to a %T", n.value))
	}
}

// boundTo finds an object by its id, else by its name, which must be that of one only.
func (t *Tenant) boundTo(ref string) (*boundNode, error) {
	var found *boundNode
	for _, p := range boundParts() {
		if n, ok := t.bound[p.name].index[ref]; ok {
			return n, nil
		}
		for _, n := range t.bound[p.name].natural {
			if fold(n.name) != fold(ref) {
				continue
			}
			if found != nil {
				return nil, fmt.Errorf("%q is not the only one of that name; write its id", ref)
			}
			found = n
		}
	}
	if found == nil {
		return nil, fmt.Errorf("directory or server %q: %w", ref, ErrNotFound)
	}
	return found, nil
}

// Bind binds a user or user group, as kind says, to a directory or server, and Unbind ends
// that. A binding that is there is [ErrExists], one that is not [ErrNotFound].
func (t *Tenant) Bind(to, kind, ref string) error { return t.editBinding(to, kind, ref, true) }

// Unbind is the reverse of [Tenant.Bind].
func (t *Tenant) Unbind(to, kind, ref string) error { return t.editBinding(to, kind, ref, false) }

func (t *Tenant) editBinding(to, kind, ref string, add bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.boundTo(to)
	if err != nil {
		return err
	}
	known, err := t.withPrincipal(kind, ref, func(u *userNode) error { return t.bindTo(n, u, nil, add) }, func(g *groupNode) error { return t.bindTo(n, nil, g, add) })
	if !known {
		return fmt.Errorf("%s and %s are bound, not %q", TypeUser, TypeUserGroup, kind)
	}
	return err
}

// bindTo makes or ends the binding of a user, else of a group.
func (t *Tenant) bindTo(n *boundNode, u *userNode, g *groupNode, add bool) error {
	if n.graph == TypeWorkday {
		return errors.New("nobody is bound to a workday directory")
	}
	var err error
	var id string
	switch {
	case u != nil && add:
		id, err = u.id, join(&u.bound, n, &n.users, u)
	case u != nil:
		id, err = u.id, part(&u.bound, n, &n.users, u)
	case add:
		id, err = g.id, join(&g.bound, n, &n.groups, g)
	default:
		id, err = g.id, part(&g.bound, n, &n.groups, g)
	}
	if err == nil && !add {
		delete(n.sudo, u)
		delete(n.sudo, g)
	}
	if err != nil {
		return fmt.Errorf("binding of %s to %s %q: %w", id, n.graph, n.name, err)
	}
	op := "remove"
	if add {
		op = "add"
	}
	t.changed(op, n.graph+" binding", n.id, id)
	return nil
}

// SetSudo says whether a user or group that is bound to a device or device group, as kind
// says, is administrator there.
func (t *Tenant) SetSudo(to, kind, ref string, on bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.boundTo(to)
	if err != nil {
		return err
	}
	if kind == TypeUserGroup {
		g, err := t.group(ref)
		if err != nil {
			return err
		}
		return t.setSudo(n, nil, g, on)
	}
	u, err := t.user(ref)
	if err != nil {
		return err
	}
	return t.setSudo(n, u, nil, on)
}

func (t *Tenant) setSudo(n *boundNode, u *userNode, g *groupNode, on bool) error {
	var end any = u
	bound := slices.Contains(n.users, u)
	if g != nil {
		end, bound = g, slices.Contains(n.groups, g)
	}
	if !bound {
		return fmt.Errorf("sudo of %s %q: the binding is %w", n.graph, n.name, ErrNotFound)
	}
	if n.sudo == nil {
		n.sudo = map[any]bool{}
	}
	n.sudo[end] = on
	t.changed("update", n.graph+" binding", n.id, "")
	return nil
}

// AddDeviceMember puts a device into a device group.
func (t *Tenant) AddDeviceMember(group, device string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.boundTo(group)
	if err != nil {
		return err
	}
	d, err := t.boundTo(device)
	if err != nil {
		return err
	}
	return t.addDeviceMember(g, d)
}

func (t *Tenant) addDeviceMember(g, d *boundNode) error {
	if g.graph != TypeDeviceGroup || d.graph != TypeDevice {
		return fmt.Errorf("device groups hold devices, not %s %s", g.graph, d.graph)
	}
	if err := join(&d.within, g, &g.devices, d); err != nil {
		return fmt.Errorf("device %q in group %q: %w", d.name, g.name, err)
	}
	t.changed("add", "device member", g.id, d.id)
	return nil
}

// DeleteBound deletes a directory or server. The edges to it go too, or dangle in a tenant
// with holes.
func (t *Tenant) DeleteBound(ref string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.boundTo(ref)
	if err == nil {
		t.deleteBound(n)
	}
	return err
}

func (t *Tenant) deleteBound(n *boundNode) {
	name, _ := partOf(n.graph)
	t.bound[name].remove(n)
	t.spent[n.id] = struct{}{}
	n.fate = dangling
	if !t.holes {
		for _, u := range n.users {
			u.bound = without(u.bound, n)
		}
		for _, g := range n.groups {
			g.bound = without(g.bound, n)
		}
	}
	for _, g := range n.within {
		if !t.holes {
			g.devices = without(g.devices, n)
		}
	}
	for _, d := range n.devices {
		d.within = without(d.within, n)
	}
	n.users, n.groups, n.within, n.devices = nil, nil, nil, nil
	t.changed("delete", n.graph, "", n.id)
}

// AddDanglingBindings gives a directory or server n edges to deleted objects of a kind, as
// [Tenant.AddDanglingMembers] does for groups.
func (t *Tenant) AddDanglingBindings(to, kind string, n int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, err := t.boundTo(to)
	if err != nil {
		return err
	}
	for range n {
		if kind == TypeUser {
			b.users = append(b.users, t.strayUser(dangling, ""))
		} else {
			b.groups = append(b.groups, t.strayGroup(dangling, ""))
		}
		t.changed("add", b.graph+" binding", b.id, "")
	}
	return nil
}

// Bound is an object that users and groups are bound to, and who is.
type Bound struct {
	ID, Name string
	Type     string // in the graph
	// Users and Groups are the ids of those that exist, in order.
	Users, Groups []string
	// Sudo are those of them who are administrators: by their edge, or as a group whose
	// members are wherever it is bound.
	Sudo []string
	// Devices are the ids of the devices in a device group.
	Devices []string
}

// Devices returns the devices in the order of their ids.
func (t *Tenant) Devices() []Device {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var list []Device
	for _, n := range t.bound[partDevices].byID {
		list = append(list, *n.value.(*Device)) //nolint:forcetypeassert // The list holds devices only.
	}
	return list
}

// BoundObjects returns the objects of some kinds of the graph, in the order of their ids.
func (t *Tenant) BoundObjects(kinds ...string) []Bound {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var list []Bound
	for _, p := range boundParts() {
		for _, n := range t.bound[p.name].byID {
			if slices.Contains(kinds, n.graph) {
				list = append(list, Bound{
					ID: n.id, Name: n.name, Type: n.graph,
					Users:  idsWith(n.users, alive, userFate),
					Groups: idsWith(n.groups, alive, func(g *groupNode) fate { return g.fate }),
					Sudo:   n.administrators(), Devices: idsWith(n.devices, alive, func(d *boundNode) fate { return d.fate }),
				})
			}
		}
	}
	return list
}

// administrators are the ids of those who are bound and are administrators, in order.
func (n *boundNode) administrators() []string {
	if n.graph != TypeDevice && n.graph != TypeDeviceGroup {
		return nil
	}
	var ids []string
	for _, u := range n.users {
		if u.fate == alive && n.sudo[u] {
			ids = append(ids, u.id)
		}
	}
	for _, g := range n.groups {
		if g.fate == alive && (n.sudo[g] || g.Group.sudo()) {
			ids = append(ids, g.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// sudo reports whether the members of a group are administrators of the devices that it is
// bound to.
func (g *Group) sudo() bool {
	var attributes struct {
		Sudo struct {
			Enabled bool `json:"enabled"`
		} `json:"sudo"`
	}
	return json.Unmarshal(g.Attributes, &attributes) == nil && attributes.Sudo.Enabled
}

// MinimumBoundRequests is the fewest requests that the objects of a list and who is bound to
// them take: the list 100 a page, and the bindings and members of each 100 a page. The lists are
// directories, radius_servers, devices (1,000 a page) and device_groups.
func (t *Tenant) MinimumBoundRequests(lists ...string) int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	pages := func(n int) int { return max(1, (n+99)/100) }
	total := 0
	for _, name := range lists {
		col := t.bound[name]
		if name == partDevices {
			total += max(1, (len(col.natural)+999)/1000)
		} else {
			total += pages(len(col.natural))
		}
		for _, n := range col.natural {
			if n.graph != TypeWorkday {
				total += pages(len(n.users) + len(n.groups))
			}
			if n.graph == TypeDeviceGroup {
				total += pages(len(n.devices))
			}
		}
	}
	return total
}
