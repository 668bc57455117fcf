package review

import "github.com/conductorone/baton-jumpcloud/internal/review/search"

// What is here answers by place, without a copy, for the packages that look at all of a
// sync. It panics on a place that is none.

// Shared is a resource without its profile. What it points to is the sync's own and must
// not be changed.
func (s *Sync) Shared(r Ref) Resource {
	m := &s.resources[r]
	full := Resource{Brief: s.Brief(r), Account: m.account}
	if m.more != nil {
		full.Description, full.Icon, full.HelpURL = m.more.description, m.more.icon, m.more.helpURL
		full.ParentType, full.ParentID = m.more.parentType, m.more.parentID
		full.Facts = m.more.facts
	}
	return full
}

// StoredProfile is a profile as it is stored: two of them are the same where their bytes
// are.
func (s *Sync) StoredProfile(r Ref) []byte { return s.resources[r].profile }

// NameOf is the name of a resource.
func (s *Sync) NameOf(r Ref) string { return s.resources[r].name }

// KindOf is the kind of a resource.
func (s *Sync) KindOf(r Ref) Kind { return s.resources[r].kind }

// AccountOf is what an account has beyond other resources, nil for those. It is the
// sync's own and must not be changed.
func (s *Sync) AccountOf(r Ref) *AccountInfo { return s.resources[r].account }

// IsMissing reports whether the archive names a resource and has no row for it.
func (s *Sync) IsMissing(r Ref) bool { return s.resources[r].missing }

// Members counts the principals that hold something of a resource.
func (s *Sync) Members(r Ref) Count { return s.members[r] }

// Holdings counts the entitlements that a resource holds.
func (s *Sync) Holdings(r Ref) Count { return s.holdings[r] }

// EntitlementCount counts the entitlements of the sync, the missing ones too: they are 0
// to EntitlementCount-1.
func (s *Sync) EntitlementCount() int { return len(s.entitlements) }

// ResourceOf is the resource that an entitlement is on.
func (s *Sync) ResourceOf(e EntRef) Ref { return s.entitlements[e].resource }

// EntitlementName is the name of an entitlement.
func (s *Sync) EntitlementName(e EntRef) string { return s.entitlements[e].name }

// SlugOrName is how an entitlement is called beside its resource, whose name its own
// repeats.
func (s *Sync) SlugOrName(e EntRef) string {
	if m := &s.entitlements[e]; m.slug != "" {
		return m.slug
	}
	return s.entitlements[e].name
}

// IsLayered reports whether somebody has an entitlement through another one, so that
// paths through it have several parts.
func (s *Sync) IsLayered(e EntRef) bool { return s.layered[e] }

// EachHolder visits the principals of an entitlement with their grants, each once, with
// the direct grant where there are several.
func (s *Sync) EachHolder(e EntRef, visit func(p Ref, g int32)) {
	for g := s.entStart[e]; g < s.entStart[e+1]; {
		p, best := s.principal[g], g
		for g++; g < s.entStart[e+1] && s.principal[g] == p; g++ {
			if s.IsDirect(g) && !s.IsDirect(best) {
				best = g
			}
		}
		visit(p, best)
	}
}

// GrantsOf lists the grants of a principal, each entitlement once, in the order of
// entitlements.
func (s *Sync) GrantsOf(p Ref) []int32 { return s.oncePer(s.grantsOf(p), s.EntitlementOf) }

// PrincipalOf is who has a grant.
func (s *Sync) PrincipalOf(g int32) Ref { return s.principal[g] }

// IsDirect reports whether a grant stands by itself.
func (s *Sync) IsDirect(g int32) bool { return s.flags[g]&flagDirect != 0 }

// IsImmutable reports whether a grant cannot be revoked by itself.
func (s *Sync) IsImmutable(g int32) bool { return s.flags[g]&flagImmutable != 0 }

// Hits says which words of a search the texts of resources and entitlements hold.
type Hits struct{ masks masks }

// Hits looks for words, as [search.Words] makes them.
func (s *Sync) Hits(words []string) Hits {
	return Hits{s.masks(&grantFilter{one: NoEnt, of: NoRef}, words)}
}

// Resource has a bit for each word that a resource holds.
func (h Hits) Resource(r Ref) uint32 { return h.masks.principal[r] }

// Entitlement has a bit for each word that an entitlement holds.
func (h Hits) Entitlement(e EntRef) uint32 { return h.masks.ent[e] }

// All reports whether bits of several things together are those of all words.
func (h Hits) All(bits uint32) bool { return bits|entitlementBit|principalBit == h.masks.want }

// SearchResources returns which resources hold all words, nil where there are none.
func (s *Sync) SearchResources(words []string) []bool { return s.resourceTexts.Search(words) }

// SearchEntitlements returns which entitlements hold all words, nil where there are none.
func (s *Sync) SearchEntitlements(words []string) []bool { return s.entitlementTexts.Search(words) }

// Cached keeps what is made of a sync with the sync, under a name that always stands for
// the same type.
func Cached[T any](s *Sync, name string, build func() T) T {
	return search.Cached(&s.cache, name, build)
}

// IsPrivileged reports whether holding something of a resource makes an account an
// administrator: a role, or the administration of a JumpCloud organization.
func (s *Sync) IsPrivileged(r Ref) bool { return s.givesAdmin(r) }
