package connector

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"unicode"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// roleDirectory is the list of administrator roles, read once for all who need it:
// the sync itself, and the records of administrators that name roles by their ids. It
// is safe for concurrent use.
type roleDirectory struct {
	reading chan struct{} // holds one while the list is read
	roles   *listedRoles  // nil until it was read
}

// listedRoles is what JumpCloud tells of its roles.
type listedRoles struct {
	// roles have a name each: one without is called by its id.
	roles []jumpcloud.Role
	byID  map[string]string // canonical names
	// refused says that JumpCloud does not list them to this credential.
	refused bool
	// nameless are the ids of roles without a name, and shared the names of several.
	nameless, shared []string
	nulls            int // rows that were null
}

// listRoles reads the list of roles, unless it was read before.
func (s *Source) listRoles(ctx context.Context) (*listedRoles, error) {
	select {
	case s.directory.reading <- struct{}{}:
		defer func() { <-s.directory.reading }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if s.directory.roles != nil {
		return s.directory.roles, nil
	}
	rows, nulls, err := readList(ctx, paging.Lister[jumpcloud.Role]{
		Name: roles.label(), Limit: rowsPerPage, Fetch: s.client.Roles,
		ID: func(r jumpcloud.Role) string { return r.ID },
	})
	listed := &listedRoles{byID: map[string]string{}, nulls: nulls}
	for _, r := range rows {
		if err := s.belongs(restype.Role, r.ID, r.Organization); err != nil {
			return nil, err
		}
	}
	switch {
	case err == nil:
		listed.take(rows)
	case jumpcloud.IsUnserved(err):
		s.options.Logger.WarnContext(ctx, "list of roles refused", slog.Any("error", err))
		listed.refused = true
	default:
		return nil, err
	}
	s.directory.roles = listed
	return listed, nil
}

// take arranges the rows of the list.
func (l *listedRoles) take(rows []jumpcloud.Role) {
	holders := map[string][]string{} // ids by role id
	for _, r := range rows {
		if strings.TrimSpace(r.Name) == "" {
			l.nameless = append(l.nameless, r.ID)
			r.Name = r.ID
		}
		name, _ := roleName(r.Name)
		l.byID[r.ID] = name
		if ids := holders[roleID(name)]; !slices.Contains(ids, r.ID) {
			holders[roleID(name)] = append(ids, r.ID)
		}
		l.roles = append(l.roles, r)
	}
	for _, r := range rows {
		if ids := holders[roleID(r.Name)]; len(ids) > 1 && ids[0] == r.ID {
			l.shared = append(l.shared, r.Name+" ("+printable.Enumerate(ids, 3)+")")
		}
	}
}

// page is the list as the engine reads it, of one role only where there is an owner.
func (l *listedRoles) page(k kind, owner syncer.Ref) *syncer.Page {
	page := &syncer.Page{Settled: true, Total: len(l.roles)}
	if l.refused {
		page.Remarks = append(page.Remarks, "JumpCloud denied the list of roles: custom roles without holders may be missing, "+
			"and the IDs of roles in the records of administrators could not be compared with the names there")
	}
	if len(l.nameless) > 0 {
		page.Remarks = append(page.Remarks, "roles without a name, shown by their IDs: "+printable.Enumerate(l.nameless, maxDoubtValues))
	}
	if len(l.shared) > 0 {
		page.Remarks = append(page.Remarks, "several roles of one name, shown as one: "+printable.Clip(printable.Enumerate(l.shared, maxDoubtValues), maxDescription))
	}
	if l.nulls > 0 {
		page.Facts = append(page.Facts, nullRows(roles.label(), "", l.nulls))
	}
	for i := range l.roles {
		role := &l.roles[i]
		if owner != (syncer.Ref{}) && roleRef(role.Name) != owner {
			continue
		}
		page.Resources = append(page.Resources, roleResource(role))
		if !k.resourcesOnly {
			page.Entitlements = append(page.Entitlements, roleEntitlement(role.Name))
		}
	}
	return page
}

// resolve lists the names of the roles that an administrator's record names, each
// once, and the ids that no name is known for. These are names too: whoever holds such
// a role is shown to hold it. Learned are names of ids that records tell.
func (l *listedRoles) resolve(refs []jumpcloud.RoleRef, learned map[string]string) (names, unresolved []string) {
	refs = l.split(refs)
	seen, listed := map[string]bool{}, map[string]bool{}
	add := func(name string, isListed bool) {
		name, _ = roleName(name)
		if isListed {
			listed[identity.Fold(name)] = true
		}
		if id := roleID(name); !seen[id] {
			seen[id] = true
			names = append(names, name)
		}
	}
	strange := !l.refused && !l.accounts(refs)
	var found []string
	for _, ref := range refs {
		id, name := strings.TrimSpace(ref.ID), ref.Name
		byID, isListed := l.byID[id]
		if byName, ok := l.byID[strings.TrimSpace(name)]; ok {
			add(byName, true) // A field of names that holds an id.
			name = ""
		}
		if strings.TrimSpace(name) != "" {
			if !l.isName(name) && l.isName(strings.TrimSpace(name)) {
				name = strings.TrimSpace(name)
			}
			found = append(found, name)
			if jumpcloud.LooksLikeID(name) {
				unresolved = append(unresolved, name)
			}
		}
		switch {
		case isListed:
			add(byID, true)
		case id == "" || ref.Name != "" && !ref.Named || ref.Named && !strange:
		case learned[id] != "" && !ref.Named:
			found = append(found, learned[id])
		case l.isName(id) || !jumpcloud.LooksLikeID(id) && (l.refused || strings.ContainsFunc(id, unicode.IsSpace)):
			found = append(found, id) // A field of ids that holds a name.
		default:
			found = append(found, id)
			unresolved = append(unresolved, id)
		}
	}
	for _, name := range found {
		// One that differs from a listed one of this record in case is the same role.
		if canonical, _ := roleName(name); !listed[identity.Fold(canonical)] {
			add(name, false)
		}
	}
	return names, unresolved
}

// accounts reports whether the ids of a record that are not listed can be those of the
// names that it tells beside them: there is such a name for each, one that is not
// listed either. A name that is listed has the id that it is listed with.
func (l *listedRoles) accounts(refs []jumpcloud.RoleRef) bool {
	ids, names := map[string]bool{}, map[string]bool{}
	for _, ref := range refs {
		if id := strings.TrimSpace(ref.ID); ref.Named && l.byID[id] == "" {
			ids[id] = true
		}
		if name, _ := roleName(strings.TrimSpace(ref.Name)); name != "" && !l.lists(name) {
			names[identity.Fold(name)] = true
		}
	}
	return len(ids) <= len(names)
}

// split makes several of a text that names several roles, which is one where the whole
// is no role that is known and each part is.
func (l *listedRoles) split(refs []jumpcloud.RoleRef) []jumpcloud.RoleRef {
	var parted []jumpcloud.RoleRef
	for _, ref := range refs {
		text := ref.Name + ref.ID
		known := func(part string) bool { return l.byID[part] != "" || l.isName(part) }
		parts := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == '|' || r == '\n' })
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
		if ref.Name != "" && ref.ID != "" || len(parts) < 2 || known(text) || !allOf(parts, known) {
			parted = append(parted, ref)
			continue
		}
		for _, part := range parts {
			if l.byID[part] != "" {
				parted = append(parted, jumpcloud.RoleRef{ID: part})
			} else {
				parted = append(parted, jumpcloud.RoleRef{Name: part})
			}
		}
	}
	return parted
}

func allOf(words []string, is func(string) bool) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !is(word) })
}

// learnRoles takes the names of ids from records that tell both.
func learnRoles(items []jumpcloud.Admin) map[string]string {
	learned := map[string]string{}
	for i := range items {
		for _, ref := range items[i].Roles {
			if ref.ID != "" && ref.Name != "" && learned[ref.ID] == "" {
				learned[ref.ID] = ref.Name
			}
		}
	}
	return learned
}

// isName reports whether a text is the name of a role: a built-in one or one that is
// listed.
func (l *listedRoles) isName(text string) bool {
	_, builtin := roleName(text)
	return builtin || l.lists(text)
}

// lists reports whether a role of a name is listed.
func (l *listedRoles) lists(text string) bool {
	canonical, _ := roleName(text)
	return slices.ContainsFunc(l.roles, func(r jumpcloud.Role) bool {
		name, _ := roleName(r.Name)
		return identity.Equal(name, canonical)
	})
}
