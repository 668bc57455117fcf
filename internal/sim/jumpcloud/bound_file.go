package jcsim

import (
	"encoding/json"
	"fmt"
)

// boundEdges are the bindings of an object in a file.
type boundEdges struct {
	Users  []fileEdge `json:"users,omitempty"`
	Groups []fileEdge `json:"groups,omitempty"`
	// SudoUsers and SudoGroups are those of them whose edges make them administrators.
	SudoUsers  []string `json:"sudoUsers,omitempty"`
	SudoGroups []string `json:"sudoGroups,omitempty"`
	// Devices are the members of a device group, by ids or names.
	Devices []string `json:"devices,omitempty"`
}

// fileDirectory and fileRADIUS are the objects of the two lists.
type fileDirectory struct {
	Directory
	boundEdges
}

type fileRADIUS struct {
	RADIUSServer
	boundEdges
}

type fileDevice struct {
	Device
	boundEdges
}

type fileDeviceGroup struct {
	DeviceGroup
	boundEdges
}

// buildBound makes the objects of a file and their bindings.
func (p *fileParser) buildBound(t *Tenant, f *tenantFile) (link func()) {
	type made struct {
		line  int
		node  *boundNode
		edges boundEdges
	}
	var all []made
	add := func(line int, value any, edges boundEdges) {
		n, err := t.addBound(value)
		p.check(line, err)
		all = append(all, made{line, n, edges})
	}
	for _, d := range f.directories {
		add(d.line, &d.value.Directory, d.value.boundEdges)
	}
	for _, r := range f.radius {
		add(r.line, &r.value.RADIUSServer, r.value.boundEdges)
	}
	for _, d := range f.devices {
		add(d.line, &d.value.Device, d.value.boundEdges)
	}
	for _, g := range f.deviceGroups {
		add(g.line, &g.value.DeviceGroup, g.value.boundEdges)
	}
	return func() {
		for _, m := range all {
			p.check(m.line, t.linkBound(m.node, m.edges))
		}
	}
}

func (t *Tenant) linkBound(n *boundNode, edges boundEdges) error {
	name := fmt.Sprintf("%s %q", n.graph, n.name)
	err := t.linkUsers(name, edges.Users, &n.users, func(u *userNode) error { return t.bindTo(n, u, nil, true) })
	if err != nil {
		return err
	}
	if err := t.linkGroups(name, edges.Groups, &n.groups, func(g *groupNode) error { return t.bindTo(n, nil, g, true) }); err != nil {
		return err
	}
	for _, ref := range edges.SudoUsers {
		u, err := t.user(ref)
		if err == nil {
			err = t.setSudo(n, u, nil, true)
		}
		if err != nil {
			return fmt.Errorf("%s %q: sudoUsers: %w", n.graph, n.name, err)
		}
	}
	for _, ref := range edges.SudoGroups {
		g, err := t.group(ref)
		if err == nil {
			err = t.setSudo(n, nil, g, true)
		}
		if err != nil {
			return fmt.Errorf("%s %q: sudoGroups: %w", n.graph, n.name, err)
		}
	}
	for _, ref := range edges.Devices {
		device, err := t.boundTo(ref)
		if err == nil {
			err = t.addDeviceMember(n, device)
		}
		if err != nil {
			return fmt.Errorf("%s %q: devices: %w", n.graph, n.name, err)
		}
	}
	return nil
}

// boundForFile is an object with its bindings as a file has them.
func boundForFile(n *boundNode) any {
	edges := boundEdges{Users: userEdges(n.users), Groups: groupEdges(n.groups)}
	for _, u := range n.users {
		if u.fate == alive && n.sudo[u] {
			edges.SudoUsers = append(edges.SudoUsers, u.id)
		}
	}
	for _, g := range n.groups {
		if g.fate == alive && n.sudo[g] {
			edges.SudoGroups = append(edges.SudoGroups, g.id)
		}
	}
	for _, d := range n.devices {
		if d.fate == alive {
			edges.Devices = append(edges.Devices, d.id)
		}
	}
	switch v := n.value.(type) {
	case *Device:
		return fileDevice{*v, edges}
	case *DeviceGroup:
		return fileDeviceGroup{*v, edges}
	case *Directory:
		return fileDirectory{*v, edges}
	case *RADIUSServer:
		return fileRADIUS{*v, edges}
	default:
		return json.RawMessage("null")
	}
}
