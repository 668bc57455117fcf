package jumpcloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
)

// RoleRef is a role as the record of an administrator names it: by its id, by its
// name, or by both.
type RoleRef struct {
	ID   string
	Name string
	// Named says that the record tells the name of the id in another field, as one of as
	// many names as there are ids. It is a guess until the list of roles is asked.
	Named bool
}

// errRole is a value that names a role in a way that is not understood. Leaving it out
// could hide what an administrator may do.
var errRole = errors.New("unsupported form of a role; to leave administrators out, use --skip-admins")

// roleField is a field of an administrator that names roles: a text, a number, an
// object with an id and a name, a list of these, or lists and objects around them.
// What names nothing (null, false, an empty text, list or object) is nothing.
type roleField struct {
	refs []roleValue
	err  error
}

// roleValue is a role in a field: a text, which is a name or an id depending on the
// field, or what an object tells.
type roleValue struct {
	text string
	RoleRef
}

// UnmarshalJSON implements [json.Unmarshaler].
func (f *roleField) UnmarshalJSON(b []byte) error {
	*f = roleField{}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return err
	}
	f.add(v)
	return nil
}

// add takes the roles that a value names.
func (f *roleField) add(v any) {
	switch v := v.(type) {
	case string:
		if inner, ok := encoded(v); ok {
			f.add(inner)
		} else if strings.TrimSpace(v) != "" {
			f.refs = append(f.refs, roleValue{text: v})
		}
	case json.Number:
		f.refs = append(f.refs, roleValue{text: v.String()})
	case bool:
		if v {
			f.err = errRole
		}
	case []any:
		for _, item := range v {
			f.add(item)
		}
	case map[string]any:
		if !isNothing(v) && !f.addObject(v) {
			f.err = errRole
		}
	}
}

// encoded reads a text that is itself the JSON of a list or object.
func encoded(text string) (any, bool) {
	if trimmed := strings.TrimSpace(text); trimmed == "" || trimmed[0] != '[' && trimmed[0] != '{' {
		return nil, false
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil || dec.More() {
		return nil, false
	}
	return v, true
}

// isNothing reports whether a value names nothing, all that is in it included.
func isNothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !isNothing(item) })
	case map[string]any:
		for _, item := range v {
			if !isNothing(item) {
				return false
			}
		}
		return true
	default:
		return false
	}
}

// addObject takes the role that an object is and those that it holds, and reports
// whether it is understood: it names some, or has a place for them with none in it.
func (f *roleField) addObject(o map[string]any) bool {
	fields := make(map[string]any, len(o))
	for _, name := range slices.Sorted(maps.Keys(o)) { // _id comes before id.
		key := roleKey(name)
		switch before, twice := fields[key]; {
		case !twice || isNothing(before):
			fields[key] = o[name]
		case namesRoles(key):
			f.add(o[name])
		}
	}
	// An object that links an administrator to a role has an id and a name of its own.
	ref := RoleRef{ID: firstScalar(fields, "roleid", "id", "objectid"), Name: firstScalar(fields, "rolename", "name", "displayname", "role")}
	if ref != (RoleRef{}) {
		f.refs = append(f.refs, roleValue{RoleRef: ref})
		f.addBeside(fields, ref)
		return true
	}
	understood := false
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		understood = f.addInner(key, fields[key]) || understood
	}
	return understood
}

// addBeside takes the roles that an object names besides the one that it is.
func (f *roleField) addBeside(fields map[string]any, ref RoleRef) {
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		told := firstScalar(fields, key)
		switch {
		case told != "" && (told == ref.ID || told == ref.Name):
		case namesRoles(key), told == "" && (key == "name" || key == "items" || key == "results"):
			f.add(fields[key])
		}
	}
}

// roleKey is the name of a field without regard to case and to what parts its words.
func roleKey(name string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(identity.Fold(name))
}

// namesRoles reports whether a field of this [roleKey] names roles.
func namesRoles(key string) bool {
	switch key {
	case "role", "roles", "rolename", "rolenames", "roleid", "roleids":
		return true
	default:
		return false
	}
}

// addInner takes the roles that a value within an object names, in the way of
// addObject. What the texts of a list are is known by its key only.
func (f *roleField) addInner(key string, v any) (understood bool) {
	if namesRoles(key) || key == "items" || key == "results" {
		f.add(v)
		return true
	}
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	for _, item := range list {
		if o, ok := item.(map[string]any); ok && f.addObject(o) {
			understood = true
		}
	}
	return understood
}

// firstScalar is the first text or number under one of the folded keys of an object.
func firstScalar(o map[string]any, keys ...string) string {
	for _, key := range keys {
		switch v := o[key].(type) {
		case string:
			if strings.TrimSpace(v) != "" {
				return v
			}
		case json.Number:
			return v.String()
		}
	}
	return ""
}

// rolesOf puts together the roles that the four fields of an administrator name. A
// text in roleName and roleNames is a name, one in role and roles an id. The fields
// of names and of ids tell the same roles where they look like it: as many ids as
// names in each pair, roleName and role as well as roleNames and roles.
func rolesOf(roleName, role, roleNames, roles roleField) ([]RoleRef, error) {
	for _, f := range []roleField{roleName, role, roleNames, roles} {
		if f.err != nil {
			return nil, f.err
		}
	}
	primary := mirrored(roleName.refs, role.refs)
	return slices.Concat(joined(roleName.refs, role.refs, primary), joined(roleNames.refs, roles.refs, primary && mirrored(roleNames.refs, roles.refs))), nil
}

// mirrored reports whether the values of a field of names and of one of ids may be
// the same roles.
func mirrored(names, ids []roleValue) bool {
	return len(names) == len(ids) &&
		!slices.ContainsFunc(names, func(v roleValue) bool { return v.text == "" || LooksLikeID(v.text) }) &&
		!slices.ContainsFunc(ids, func(v roleValue) bool { return !LooksLikeID(v.text) })
}

// joined lists the roles of a field of names and of one of ids.
func joined(names, ids []roleValue, same bool) []RoleRef {
	if same && len(ids) == 1 {
		return []RoleRef{{ID: ids[0].text, Name: names[0].text, Named: true}}
	}
	refs := make([]RoleRef, 0, len(names)+len(ids))
	for _, v := range names {
		if v.text != "" {
			v.Name = v.text
		}
		refs = append(refs, v.RoleRef)
	}
	for _, v := range ids {
		if v.text != "" {
			v.RoleRef = RoleRef{ID: v.text, Named: same}
		}
		refs = append(refs, v.RoleRef)
	}
	return refs
}

// LooksLikeID reports whether a text that names something is more likely an id than a
// name: digits, or at least eight hexadecimal ones among which are digits, and dashes.
func LooksLikeID(s string) bool {
	digits, letters := 0, 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r >= 'a' && r <= 'f', r >= 'A' && r <= 'F':
			letters++
		case r != '-':
			return false
		}
	}
	return digits > 0 && (letters == 0 || digits+letters >= 8)
}
