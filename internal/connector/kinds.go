package connector

import (
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// collection is which rows a list reads.
type collection string

// The collections. Their words stand in progress, logs and messages.
const (
	users          collection = "users"
	admins         collection = "administrators"
	roles          collection = "roles"
	groups         collection = "groups"
	apps           collection = "applications"
	members        collection = "group members"
	dynamicMembers collection = "members of dynamic groups"
	assignments    collection = "application assignments"
	targets        collection = "targets" // single resources; a list each
)

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
}

// The words behind a collection for each restriction.
const (
	wordResourcesOnly = ", resources only"
	wordNoGrants      = ", without grants"
	wordNoAccounts    = ", access only"
	wordNoRoles       = ", without roles"
	wordAccountsOnly  = ", accounts only"
)

func (k kind) String() string {
	s := string(k.collection)
	if k.resourcesOnly {
		s += wordResourcesOnly
	}
	if k.noGrants {
		s += wordNoGrants
	}
	if k.noAccounts {
		s += wordNoAccounts
	}
	if k.noRoles {
		s += wordNoRoles
	}
	if k.accountsOnly {
		s += wordAccountsOnly
	}
	return s
}

// parseKind is the inverse of [kind.String].
func parseKind(s string) kind {
	var k kind
	s, k.accountsOnly = strings.CutSuffix(s, wordAccountsOnly)
	s, k.noRoles = strings.CutSuffix(s, wordNoRoles)
	s, k.noAccounts = strings.CutSuffix(s, wordNoAccounts)
	s, k.noGrants = strings.CutSuffix(s, wordNoGrants)
	s, k.resourcesOnly = strings.CutSuffix(s, wordResourcesOnly)
	k.collection = collection(s)
	return k
}

// of makes the list of this kind, of an owner or of the organisation.
func (k kind) of(owner syncer.Ref) syncer.List {
	return syncer.List{Kind: k.String(), Owner: owner}
}

// with is the same restrictions on another collection.
func (k kind) with(c collection) kind {
	k.collection = c
	return k
}
