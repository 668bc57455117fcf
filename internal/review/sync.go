package review

import (
	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// Sync is one sync of an archive, arranged for questions. It is safe for concurrent
// use.
type Sync struct {
	// Run is the sync as the archive tells of it.
	Run c1z.SyncRun

	types []Type
	// resources are ordered by folded name, type and id; a Ref is an index.
	resources []record
	// entitlements are ordered by resource, slug and id; an EntRef is an index.
	entitlements  []entitlement
	byKey         map[string]Ref
	byEntitlement map[string]EntRef

	// Grants are numbered in the order of entitlement and principal. The arrays have
	// one place for each; grants of entitlement e are those from entStart[e] to
	// entStart[e+1].
	entStart  []int32
	principal []Ref
	flags     []flags
	// sources has for each grant 0 for none, else where its sources are in via, less
	// one: first their number, then the entitlements.
	sources []uint32
	via     []EntRef
	// ids are those of grants that follow no rule, by grant.
	ids []storedID
	// uses are those of grants that tell of their use, by grant.
	uses []storedUse

	// held has the grants of each principal; those of p are from heldStart[p] to
	// heldStart[p+1].
	heldStart []int32
	held      []int32

	members, holdings []Count // by Ref
	// layered says of an entitlement that somebody has it through another one, so
	// that paths through it have several parts.
	layered []bool

	resourceTexts, entitlementTexts *search.Texts

	cache search.Cache
}

// flags are what is known of a grant beside its ends.
type flags uint8

const (
	flagDirect flags = 1 << iota
	flagImmutable
	flagExpandable
	// The two rules by which ids are made; an id of neither is stored.
	flagPlainID
	flagTypedID
)

// record is a resource as it is kept.
type record struct {
	id, name string
	typ      int32
	kind     Kind
	missing  bool
	// ents are the entitlements of the resource: so many from the first.
	firstEnt EntRef
	ents     int32
	profile  []byte // google.protobuf.Struct
	account  *AccountInfo
	more     *moreInfo
}

// moreInfo is what few resources have.
type moreInfo struct {
	description, icon, helpURL, parentType, parentID string
	facts                                            []string
}

type entitlement struct {
	id, slug, name, description, purpose string
	resource                             Ref
	grantableTo                          []string
	immutable, missing                   bool
	holders                              Count
}

// resourceKey is a resource's key in Sync.byKey. Types hold no zero byte, and if one
// did, it would only be found under another's name.
func resourceKey(typ, id string) string { return typ + "\x00" + id }

// Types lists the resource types by id, those too that only resources name.
func (s *Sync) Types() []Type { return append([]Type(nil), s.types...) }

// Len is how many resources the sync has, the missing ones too: they are 0 to Len-1.
func (s *Sync) Len() int { return len(s.resources) }

// Brief returns a resource in short. It panics on a place that is none.
func (s *Sync) Brief(r Ref) Brief {
	m := &s.resources[r]
	return Brief{Ref: r, Type: s.types[m.typ].ID, ID: m.id, Name: m.name, Kind: m.kind, Missing: m.missing}
}

// Resource returns a resource with its profile. It panics on a place that is none.
func (s *Sync) Resource(r Ref) Resource {
	m := &s.resources[r]
	full := s.withoutProfile(r)
	full.Profile = fields(m.profile)
	return full
}

// withoutProfile is for lists, which show none.
func (s *Sync) withoutProfile(r Ref) Resource {
	m := &s.resources[r]
	full := Resource{Brief: s.Brief(r), Account: m.account.clone()}
	if m.more != nil {
		full.Description, full.Icon, full.HelpURL = m.more.description, m.more.icon, m.more.helpURL
		full.ParentType, full.ParentID = m.more.parentType, m.more.parentID
		full.Facts = append([]string(nil), m.more.facts...)
	}
	return full
}

func (a *AccountInfo) clone() *AccountInfo {
	if a == nil {
		return nil
	}
	c := *a
	c.Emails = append([]string(nil), a.Emails...)
	c.EmployeeIDs = append([]string(nil), a.EmployeeIDs...)
	return &c
}

// Row returns a resource as a list shows it. It panics on a place that is none.
func (s *Sync) Row(r Ref) ResourceRow {
	return ResourceRow{
		Resource: s.withoutProfile(r), Members: s.members[r], Holdings: s.holdings[r],
		Entitlements: int(s.resources[r].ents),
	}
}

// EntitlementAt returns an entitlement. It panics on a place that is none.
func (s *Sync) EntitlementAt(e EntRef) Entitlement {
	m := &s.entitlements[e]
	return Entitlement{
		Ref: e, ID: m.id, Slug: m.slug, Name: m.name, Description: m.description, Purpose: m.purpose,
		Resource: s.Brief(m.resource), GrantableTo: append([]string(nil), m.grantableTo...),
		Immutable: m.immutable, Missing: m.missing, Holders: m.holders,
	}
}

// EntitlementsOf lists the entitlements of a resource.
func (s *Sync) EntitlementsOf(r Ref) []EntRef {
	m := &s.resources[r]
	list := make([]EntRef, m.ents)
	for i := range list {
		list[i] = m.firstEnt + EntRef(i)
	}
	return list
}

// ByID finds a resource by type and id.
func (s *Sync) ByID(typ, id string) (Ref, bool) {
	r, ok := s.byKey[resourceKey(typ, id)]
	if !ok {
		return NoRef, false
	}
	return r, true
}

// EntitlementByID finds an entitlement by its id.
func (s *Sync) EntitlementByID(id string) (EntRef, bool) {
	e, ok := s.byEntitlement[id]
	if !ok {
		return NoEnt, false
	}
	return e, true
}

// GrantCount counts the grants of the sync.
func (s *Sync) GrantCount() int { return len(s.principal) }
