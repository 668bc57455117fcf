package jcsim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Save writes the tenant in the form that [Load] reads, one object a line, with
// all ids and with names for references. What is read back is the same tenant,
// its deleted ids and journal aside.
func (t *Tenant) Save(w io.Writer) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	var failed error
	put := func(v any) { failed = errors.Join(failed, enc.Encode(v)) }
	out.WriteString("{\"organization\": ")
	put(t.org)
	out.WriteString(", \"holes\": " + strconv.FormatBool(t.holes))
	custom := []*roleNode{}
	for _, r := range t.roles.natural {
		if !r.BuiltIn {
			custom = append(custom, r)
		}
	}
	saveList(out, "roles", custom, func(n *roleNode) { put(n.Role) })
	saveList(out, "users", t.allUsers(), func(n *userNode) { put(n.User) })
	saveList(out, "admins", t.admins.natural, func(n *adminNode) { put(n.Admin) })
	saveList(out, "groups", t.groups.natural, func(n *groupNode) {
		put(fileGroup{Group: *n.Group, Members: userEdges(n.members)})
	})
	saveList(out, "applications", t.apps.natural, func(n *appNode) {
		put(fileApp{Application: *n.Application, Users: userEdges(n.users), Groups: groupEdges(n.groups)})
	})
	for _, p := range boundParts() {
		if nodes := t.bound[p.name].natural; len(nodes) > 0 {
			saveList(out, p.name, nodes, func(n *boundNode) { put(boundForFile(n)) })
		}
	}
	if nodes := t.services.natural; len(nodes) > 0 {
		saveList(out, partServices, nodes, func(n *serviceNode) { put(n.ServiceAccountRecord) })
	}
	out.WriteString("}\n")
	if err := errors.Join(failed, out.Flush()); err != nil {
		return fmt.Errorf("save tenant: %w", err)
	}
	return nil
}

// saveList writes one part of the file.
func saveList[N any](out *bufio.Writer, name string, nodes []N, put func(N)) {
	out.WriteString(",\n\"" + name + "\": [\n")
	for i, n := range nodes {
		if i > 0 {
			out.WriteString(",")
		}
		put(n)
	}
	out.WriteString("]")
}

// allUsers lists the users as lists do, then the hidden ones by id.
func (t *Tenant) allUsers() []*userNode {
	list := slices.Clip(t.users.natural)
	if len(list) == len(t.users.index) {
		return list
	}
	hidden := newCollection[*userNode]()
	for _, n := range t.users.index {
		if n.Hidden {
			hidden.add(n, true, true)
		}
	}
	hidden.finish()
	return append(list, hidden.byID...)
}

func userEdges(nodes []*userNode) []fileEdge {
	return collect(nodes, func(n *userNode) fileEdge {
		return edgeTo(n.id, n.Username, n.fate)
	})
}

func groupEdges(nodes []*groupNode) []fileEdge {
	return collect(nodes, func(n *groupNode) fileEdge {
		return edgeTo(n.id, n.Name, n.fate)
	})
}

// edgeTo names the far end of an edge so that Load finds it again.
func edgeTo(id, name string, f fate) fileEdge {
	if f != alive || isID(name) {
		return fileEdge{ref: id, stray: f}
	}
	return fileEdge{ref: name}
}
