package connector

import (
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// collection is the id of which rows a list reads. A later process may go on with a
// list, so that no id may come to mean another.
type collection string

// The collections.
const (
	users               collection = "users"
	admins              collection = "admins"
	roles               collection = "roles"
	groups              collection = "groups"
	apps                collection = "apps"
	members             collection = "members"
	dynamicMembers      collection = "dynamic-members"
	assignments         collection = "assignments"
	directories         collection = "directories"
	radiusServers       collection = "radius-servers"
	radiusBindings      collection = "radius-bindings"
	devices             collection = "devices"
	deviceBindings      collection = "device-bindings"
	deviceGroups        collection = "device-groups"
	deviceMembers       collection = "device-group-members"
	deviceGroupBindings collection = "device-group-bindings"
	serviceAccounts     collection = "service-accounts"
	targets             collection = "targets" // single resources; a list each
)

// listing is a kind of list that belongs to a type.
type listing struct {
	id    collection
	label string // in progress, logs and messages
	// open makes the list readable. Nil for one that is read in another way.
	open func(s *Source, k kind, owner syncer.Ref) rows
	// grants makes the grants of a page of a list of holders, and returns the types of
	// those edges apart that make none. Nil for a list of something else.
	grants func(k kind, owner syncer.Ref, edges []jumpcloud.Connection) (grants []*v2.Grant, others []string)
	// owned says that each resource has one, which goes with it.
	owned bool
}

// find returns the listing of a collection, the zero listing for an unknown one.
func (c collection) find() listing {
	if c == targets {
		return listing{id: targets, label: "targets"}
	}
	for _, m := range mappings() {
		if i := slices.IndexFunc(m.lists, func(l listing) bool { return l.id == c }); i >= 0 {
			return m.lists[i]
		}
	}
	return listing{}
}

// row is the row in the table of types of what the lists of a collection are about.
func (c collection) row() restype.Type {
	for _, m := range mappings() {
		if slices.ContainsFunc(m.lists, func(l listing) bool { return l.id == c }) {
			t, _ := restype.Find(m.id)
			return t
		}
	}
	return restype.Type{}
}

// label is what people call the collection.
func (c collection) label() string {
	return c.find().label
}

// kind is the collection of a list, and how much is made of its rows. It is all
// that a Read knows of the sync's scope, and travels as the list's Kind, because a
// later process may go on with the list.
type kind struct {
	collection
	// resourcesOnly leaves entitlements and grants out.
	resourcesOnly bool
	// noGrants leaves grants out.
	noGrants bool
	// noAccounts reads administrators for their roles only, because accounts are
	// not part of the sync. Such a list may be refused.
	noAccounts bool
	// noRoles reads administrators without their roles, because roles are not part of
	// the sync.
	noRoles bool
	// accountsOnly reads administrators as accounts only, to join them with users.
	accountsOnly bool
	// keys reads the credentials that the rows of the list bring, too.
	keys bool
}

// restrictions are the ids of the restrictions of a kind, and the words for them that
// follow the label.
func (k *kind) restrictions() []restriction {
	return []restriction{
		{"resources-only", "resources only", &k.resourcesOnly},
		{"no-grants", "without grants", &k.noGrants},
		{"no-accounts", "access only", &k.noAccounts},
		{"no-roles", "without roles", &k.noRoles},
		{"accounts-only", "accounts only", &k.accountsOnly},
		{"keys", "with keys", &k.keys},
	}
}

type restriction struct {
	id, words string
	on        *bool
}

// String is the id of the kind: the collection and its restrictions.
func (k kind) String() string {
	ids := []string{string(k.collection)}
	for _, r := range k.restrictions() {
		if *r.on {
			ids = append(ids, r.id)
		}
	}
	return strings.Join(ids, "+")
}

// parseKind is the inverse of [kind.String].
func parseKind(s string) kind {
	ids := strings.Split(s, "+")
	k := kind{collection: collection(ids[0])}
	for _, r := range k.restrictions() {
		*r.on = slices.Contains(ids[1:], r.id)
	}
	return k
}

// of makes the list of this kind, of an owner or of the organization.
func (k kind) of(owner syncer.Ref) syncer.List {
	label := []string{k.label()}
	for _, r := range k.restrictions() {
		if *r.on {
			label = append(label, r.words)
		}
	}
	return syncer.List{Kind: k.String(), Label: strings.Join(label, ", "), Owner: owner}
}

// with is the same restrictions on another collection.
func (k kind) with(c collection) kind {
	k.collection = c
	return k
}

// CountAccounts tells how many users and administrators the lists of a sync held.
func CountAccounts(kinds []syncer.KindProgress) (directory, administrators int64) {
	for _, k := range kinds {
		n := k.Total
		if n == 0 {
			n = k.Rows // no total was told
		}
		switch parseKind(k.Kind).collection {
		case users:
			directory = n
		case admins:
			administrators = n
		}
	}
	return directory, administrators
}
