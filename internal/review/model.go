package review

import (
	"cmp"
	"slices"
	"time"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// Ref is a resource by its place in a [Sync].
type Ref int32

// EntRef is an entitlement by its place in a [Sync].
type EntRef int32

// NoRef and NoEnt name nothing.
const (
	NoRef Ref    = -1
	NoEnt EntRef = -1
)

// Kind is what a resource is to somebody who reviews access: the place of its type in
// the table of resource types, from 1, or [Other]. Archives of other connectors have
// types of their own; their trait says which of ours they are like.
type Kind uint8

// The kinds that questions are asked of by name. Those of the first types stand in the
// order of the table.
const (
	Account Kind = iota + 1
	Group
	Application
	Role
	Other Kind = 255
)

// typeRows is the table of resource types, which the kinds are places in.
var typeRows = restype.All()

// Kinds lists all of them in the order in which they are shown.
func Kinds() []Kind {
	kinds := make([]Kind, 0, len(typeRows)+1)
	for i := range typeRows {
		kinds = append(kinds, Kind(i+1))
	}
	return append(kinds, Other)
}

// Shown lists the kinds that a sync has a place for, in the order in which they are shown:
// all but those of types that are read where an option asks for them, and were not.
func (s *Sync) Shown() []Kind {
	return slices.DeleteFunc(Kinds(), func(k Kind) bool {
		return k.Type().Switch != "" && !slices.ContainsFunc(s.types, func(t Type) bool { return t.Kind == k })
	})
}

// Type is the row of the kind in the table. For [Other], it has words only.
func (k Kind) Type() restype.Type {
	if k > 0 && int(k) <= len(typeRows) {
		return typeRows[k-1]
	}
	return restype.Type{Label: "Resource", Noun: "other", Plural: "other resources", Grants: "On others", Holders: "Holders", Path: "/resources"}
}

// String is the kind in one lower-case word, as filters take it.
func (k Kind) String() string {
	switch {
	case k == 0:
		return ""
	case int(k) <= len(typeRows):
		return typeRows[k-1].Noun
	default:
		return k.Type().Noun
	}
}

// IsAccount reports whether resources of the kind are accounts, of people or of programs.
func (k Kind) IsAccount() bool { return k.Type().Trait == v2.ResourceType_TRAIT_USER }

// IsSecret reports whether resources of the kind are credentials.
func (k Kind) IsSecret() bool { return k.Type().Trait == v2.ResourceType_TRAIT_SECRET }

// IsHeld reports whether anybody can hold resources of the kind.
func (k Kind) IsHeld() bool { return k == Other || k.Type().Grant != "" }

// AccountKinds lists the kinds that are accounts.
func AccountKinds() []Kind {
	return slices.DeleteFunc(Kinds(), func(k Kind) bool { return !k.IsAccount() })
}

// kindOfType finds the kind of a resource type: that of the type itself, or of the
// first that has the trait.
func kindOfType(id string, traits []v2.ResourceType_Trait) Kind {
	like := Other
	for i, t := range typeRows {
		has := slices.Contains(traits, t.Trait)
		switch {
		case t.ID == id && (has || t.Trait == v2.ResourceType_TRAIT_UNSPECIFIED):
			return Kind(i + 1)
		case has && like == Other && t.Trait != v2.ResourceType_TRAIT_UNSPECIFIED && t.Trait != v2.ResourceType_TRAIT_SECRET:
			// Credentials of other products are none of the kinds that ours are.
			like = Kind(i + 1)
		}
	}
	return like
}

// ParseKind is the reverse of [Kind.String]. The second result says whether the
// word names a kind.
func ParseKind(word string) (Kind, bool) {
	for _, k := range Kinds() {
		if word == k.String() {
			return k, true
		}
	}
	return 0, false
}

// GrantWord is what a grant on a resource of a kind is called.
func GrantWord(k Kind) string {
	return cmp.Or(k.Type().Grant, "grant")
}

// Status says whether an account can be used.
type Status uint8

// The states of an account. Unknown is also that of an archive that tells none.
const (
	StatusUnknown Status = iota
	Enabled
	Disabled
	Deleted
)

// String is the state in one lower-case word, as filters take it.
func (s Status) String() string {
	switch s {
	case Enabled:
		return "enabled"
	case Disabled:
		return "disabled"
	case Deleted:
		return "deleted"
	default:
		return "unknown"
	}
}

// Tri is yes, no, or not told.
type Tri uint8

// The values of a [Tri].
const (
	Unknown Tri = iota
	Yes
	No
)

// String is the value in one lower-case word, as filters take it.
func (t Tri) String() string {
	switch t {
	case Yes:
		return "yes"
	case No:
		return "no"
	default:
		return "unknown"
	}
}

// Brief is a resource in short.
type Brief struct {
	Ref Ref
	// Type and ID are those of the archive; Name is never empty.
	Type, ID, Name string
	Kind           Kind
	// Missing says that the archive names the resource and has no row for it. Its
	// name is its id.
	Missing bool
}

// Resource is all that is known of a resource.
type Resource struct {
	Brief
	Description string
	// Icon is the id of the picture, often its address.
	Icon, HelpURL string
	// ParentType and ParentID name the resource that it is within; empty for none.
	ParentType, ParentID string
	// Facts are further words about it, such as the flags of an application:
	// "hidden", "inactive", "saml", "oidc", "bookmark".
	Facts []string
	// Account is set for accounts and nil for all else.
	Account *AccountInfo
	// Profile is sorted by key.
	Profile []Field
}

// AccountInfo is what an account has beyond other resources.
type AccountInfo struct {
	Status Status
	// Details is the product's own word for the state: suspended, locked, staged.
	Details string
	// Email is the primary address, and Emails are all of them, it first.
	Email  string
	Emails []string
	Login  string
	// Type is "human", "service", "system" or empty.
	Type     string
	MFA, SSO Tri
	// Created and LastLogin are UTC, zero where they are not told.
	Created, LastLogin time.Time
	EmployeeIDs        []string
	// Manager, Department and Title come from the profile. Manager is an email
	// address, or an id where no address is known.
	Manager, Department, Title string
	// Admin says that the account holds an entitlement of a role, or of the application
	// that stands for the administration of a JumpCloud organization.
	Admin bool
}

// Field is one entry of a profile.
type Field struct {
	Key string
	// Value is text as it is and everything else as JSON.
	Value string
}

// Entitlement is something that can be held on a resource.
type Entitlement struct {
	Ref EntRef
	// ID is that of the archive. Name is never empty.
	ID, Slug, Name, Description string
	// Purpose is "assignment", "permission", "ownership" or empty.
	Purpose  string
	Resource Brief
	// GrantableTo are ids of resource types.
	GrantableTo []string
	// Immutable says that it cannot be granted and revoked through the connector.
	Immutable bool
	// Missing says that grants name it and the archive has no row for it.
	Missing bool
	// Holders counts those who have it.
	Holders Count
}

// Count counts what is held directly and what is not. What is held directly and
// through something else as well is direct.
type Count struct{ All, Direct int }

// Inherited is how many are held through something else only.
func (c Count) Inherited() int { return c.All - c.Direct }

// Grant says that a principal holds an entitlement.
type Grant struct {
	ID          string
	Entitlement Entitlement
	Principal   Brief
	// Direct says that the grant stands by itself. Via are the entitlements that it
	// comes from, whether or not it is direct too.
	Direct bool
	Via    []EntRef
	// Immutable says that it cannot be revoked by itself.
	Immutable bool
	Use       Use
	// Expandable says that whoever holds certain entitlements of the principal holds
	// the grant's entitlement too.
	Expandable bool
}

// Path is how a principal comes to an entitlement: the entitlements on the way, the
// one that it holds itself first, without the one that the way leads to. The path of
// what is held directly is empty.
type Path []EntRef

// Held says how somebody holds something.
type Held struct {
	Direct bool
	// Paths are all ways to it, the direct one first, shorter ones before longer
	// ones. There are never more than [MaxPaths]; MorePaths says that some are left
	// out.
	Paths     []Path
	MorePaths bool
	Immutable bool
	Use       Use
	// GrantID is the id of the grant.
	GrantID string
}

// Holding is an entitlement that a principal has.
type Holding struct {
	Entitlement Entitlement
	Held
}

// Holder is a principal that has an entitlement.
type Holder struct {
	Principal Resource
	Held
}

// What bounds the paths of one grant.
const (
	// MaxPaths is how many are told at most.
	MaxPaths = 50
	// MaxDepth is how many entitlements one has at most, the limit of grant
	// expansion in Baton.
	MaxDepth = 20
)

// ResourceRow is a resource in a list.
type ResourceRow struct {
	Resource
	// Members counts the principals that hold something of the resource.
	Members Count
	// Holdings counts the entitlements that the resource holds.
	Holdings Count
	// Entitlements counts those of the resource.
	Entitlements int
}

// Type is a resource type.
type Type struct {
	ID, Name string
	Kind     Kind
	// Resources counts those that have a row.
	Resources int
	// Entitlements and Grants count those on resources of the type.
	Entitlements, Grants int
}
