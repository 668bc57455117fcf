package jcsim

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

// The forms in which an administrator's record can name its roles ([Admin.RoleForm]).
// Roles that the tenant does not list have no id, and are named, in all of them.
const (
	RoleFormDocumented = ""         // role and roleName, roles and roleNames
	RoleFormNames      = "names"    // roleName and roleNames
	RoleFormText       = "text"     // roleNames, as a text instead of a list where it is one
	RoleFormIDs        = "ids"      // role and roles
	RoleFormIDText     = "id-text"  // roles, as a text instead of a list where it is one
	RoleFormObjects    = "objects"  // roles, as objects with id and name
	RoleFormObject     = "object"   // role, as an object, and roles as objects for the others
	RoleFormNested     = "nested"   // roles, as objects within objects
	RoleFormMixed      = "mixed"    // roles, as ids, objects and nulls in turn
	RoleFormSwapped    = "swapped"  // ids in roleNames, names in roles
	RoleFormNumbers    = "numbered" // as documented, and numbers and nulls beside them
	RoleFormBeside     = "beside"   // role, as an object that holds the others as its own roles
	RoleFormEncoded    = "encoded"  // roleNames, as a text that is the JSON of a list
	RoleFormSpelled    = "spelled"  // role_names and roleIds in turn, which nobody describes
)

// RoleForms lists all of them.
func RoleForms() []string {
	return []string{
		RoleFormDocumented, RoleFormNames, RoleFormText, RoleFormIDs, RoleFormIDText, RoleFormObjects, RoleFormObject,
		RoleFormNested, RoleFormMixed, RoleFormSwapped, RoleFormNumbers,
		RoleFormBeside, RoleFormEncoded, RoleFormSpelled,
	}
}

// roleWriter writes the four fields of an administrator that name roles.
type roleWriter struct{ t *Tenant }

// named is a role with its id, "" for one that is not listed.
type named struct{ id, name string }

func (w roleWriter) named(name string) named {
	n := named{name: name}
	if r, ok := w.t.roleNames[fold(name)]; ok {
		n.id = r.id
	}
	return n
}

// all lists the roles of an administrator, each once, the primary one first.
func (w roleWriter) all(a *adminNode) []named {
	var list []named
	for _, name := range append([]string{a.RoleName}, a.RoleNames...) {
		if name != "" && !slices.ContainsFunc(list, func(n named) bool { return fold(n.name) == fold(name) }) {
			list = append(list, w.named(name))
		}
	}
	return list
}

// fields are the four fields, and those of other spellings, as query.NewTable takes them. A field that is absent
// from the record appends nothing.
func (w roleWriter) fields() []query.Field[*adminNode] {
	return []query.Field[*adminNode]{
		structured("role", w.role), structured("roleName", w.roleName), structured("roles", w.roles), structured("roleNames", w.roleNames),
		structured("role_names", w.spelledNames), structured("roleIds", w.spelledIDs),
	}
}

// spelledNames and spelledIDs share the roles of an administrator between them.
func (w roleWriter) spelledNames(b []byte, a *adminNode) []byte {
	if a.RoleForm != RoleFormSpelled {
		return b
	}
	names := []string{}
	for i, n := range w.all(a) {
		if n.id == "" || i%2 == 0 {
			names = append(names, n.name)
		}
	}
	return appendStrings(b, names)
}

func (w roleWriter) spelledIDs(b []byte, a *adminNode) []byte {
	if a.RoleForm != RoleFormSpelled {
		return b
	}
	ids := []string{}
	for i, n := range w.all(a) {
		if n.id != "" && i%2 == 1 {
			ids = append(ids, n.id)
		}
	}
	return appendStrings(b, ids)
}

func (w roleWriter) role(b []byte, a *adminNode) []byte {
	switch a.RoleForm {
	case RoleFormDocumented, RoleFormNumbers:
		if id := w.named(a.RoleName).id; id != "" {
			return query.AppendString(b, id)
		}
	case RoleFormIDs:
		if list := w.all(a); len(list) > 0 && list[0].id != "" {
			return query.AppendString(b, list[0].id)
		}
	case RoleFormObject:
		if list := w.all(a); len(list) > 0 {
			return list[0].appendObject(b)
		}
		return append(b, "null"...)
	case RoleFormBeside:
		if list := w.all(a); len(list) > 0 {
			b = append(bytes.TrimSuffix(list[0].appendObject(b), []byte("}")), `,"roles":`...)
			return append(appendList(b, list[1:], func(b []byte, _ int, n named) []byte { return n.appendObject(b) }), '}')
		}
	}
	return b
}

func (w roleWriter) roleName(b []byte, a *adminNode) []byte {
	switch a.RoleForm {
	case RoleFormDocumented, RoleFormNames, RoleFormNumbers:
		if a.RoleName != "" {
			return query.AppendString(b, a.RoleName)
		}
	case RoleFormIDs, RoleFormObjects:
		return append(b, "null"...)
	}
	return b
}

func (w roleWriter) roles(b []byte, a *adminNode) []byte {
	list := w.all(a)
	switch a.RoleForm {
	case RoleFormDocumented:
		if a.RoleNames == nil {
			return b
		}
		ids := []string{}
		for _, name := range a.RoleNames {
			if id := w.named(name).id; id != "" {
				ids = append(ids, id)
			}
		}
		return appendStrings(b, ids)
	case RoleFormNumbers:
		return append(b, "[null,[],{}]"...)
	case RoleFormIDs, RoleFormIDText:
		if len(list) == 1 && list[0].id != "" && a.RoleForm == RoleFormIDText {
			return query.AppendString(b, list[0].id)
		}
		return appendList(b, list, func(b []byte, _ int, n named) []byte {
			if n.id == "" {
				return n.appendObject(b)
			}
			return query.AppendString(b, n.id)
		})
	case RoleFormSwapped:
		names := []string{}
		for i, n := range list {
			if n.id == "" || i%2 == 0 {
				names = append(names, n.name)
			}
		}
		return appendStrings(b, names)
	case RoleFormObjects:
		return appendList(b, list, func(b []byte, _ int, n named) []byte { return n.appendObject(b) })
	case RoleFormObject:
		return appendList(b, list[min(1, len(list)):], func(b []byte, _ int, n named) []byte { return n.appendObject(b) })
	case RoleFormNested:
		b = appendList(append(b, `{"results":`...), list, func(b []byte, _ int, n named) []byte {
			return append(n.appendObject(append(b, `{"role":`...)), '}')
		})
		return append(b, `,"totalCount":1}`...)
	case RoleFormMixed:
		return appendList(b, list, func(b []byte, i int, n named) []byte {
			switch {
			case n.id != "" && i%3 == 0:
				return query.AppendString(append(b, "null,"...), n.id)
			case n.id != "" && i%3 == 1:
				return fmt.Appendf(b, `[{"_id":%q}]`, n.id)
			default:
				return n.appendObject(b)
			}
		})
	}
	return b
}

func (w roleWriter) roleNames(b []byte, a *adminNode) []byte {
	list := w.all(a)
	switch a.RoleForm {
	case RoleFormDocumented, RoleFormNames, RoleFormNumbers:
		if a.RoleNames != nil {
			return appendStrings(b, a.RoleNames)
		}
	case RoleFormText, RoleFormEncoded:
		names := []string{}
		for _, n := range list {
			names = append(names, n.name)
		}
		if a.RoleForm == RoleFormEncoded {
			return query.AppendString(b, string(appendStrings(nil, names)))
		}
		if len(names) == 1 {
			return query.AppendString(b, names[0])
		}
		return appendStrings(b, names)
	case RoleFormSwapped:
		ids := []string{}
		for i, n := range list {
			if n.id != "" && i%2 == 1 {
				ids = append(ids, n.id)
			}
		}
		return appendStrings(b, ids)
	}
	return b
}

// appendObject writes a role as an object.
func (n named) appendObject(b []byte) []byte {
	b = append(b, '{')
	if n.id != "" {
		b = append(query.AppendString(append(b, `"id":`...), n.id), ',')
	}
	return append(query.AppendString(append(b, `"name":`...), n.name), '}')
}

// appendList writes a list.
func appendList(b []byte, list []named, item func([]byte, int, named) []byte) []byte {
	b = append(b, '[')
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = item(b, i, n)
	}
	return append(b, ']')
}
