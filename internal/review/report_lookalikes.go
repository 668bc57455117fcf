package review

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
)

// lookalike is a text by which a resource is known, and the others that look like it.
type lookalike struct {
	text   string
	others []string
}

// reportLookalikes finds accounts with addresses or logins that look like another
// account's and are not, and groups, applications and roles with such names.
func (s *Sync) reportLookalikes(r *Report) {
	known := s.knownAs()
	var found []lookalike
	for _, kind := range Kinds() {
		texts := known[kind]
		for _, set := range identity.Lookalikes(slices.Sorted(maps.Keys(texts))) {
			owners := map[Ref]bool{}
			for _, text := range set {
				for _, ref := range texts[text] {
					owners[ref] = true
				}
			}
			if len(owners) < 2 {
				continue // All are of one account.
			}
			shown := map[Ref]bool{}
			for _, text := range set {
				for _, ref := range texts[text] {
					if shown[ref] {
						continue
					}
					shown[ref] = true
					other := firstOther(set, text, ref, texts)
					r.items = append(r.items, item{resource: ref, other: other, ent: NoEnt, extra: int32(len(found))})
				}
				found = append(found, lookalike{text, slices.DeleteFunc(slices.Clone(set), func(o string) bool { return o == text })})
			}
		}
	}
	r.Note = "Characters beyond ASCII are named by their code points: they are what tells the texts apart."
	r.columns = []column{
		s.resourceColumn("resource", "Account or resource", LinkResource, func(it item) Ref { return it.resource }),
		{Column: Column{"kind", "Kind", TextColumn, NoLink}, cell: func(it item) any { return s.resources[it.resource].kind.String() }},
		{Column: Column{"text", "Address or name", TextColumn, NoLink}, cell: func(it item) any { return found[it.extra].text }},
		{Column: Column{"characters", "Characters", TextColumn, NoLink}, cell: func(it item) any { return cmp.Or(identity.BeyondASCII(found[it.extra].text), "ASCII only") }},
		{Column: Column{"others", "Looks like", TextColumn, NoLink}, cell: func(it item) any { return strings.Join(found[it.extra].others, ", ") }},
		s.resourceColumn("other", "Of", LinkOther, func(it item) Ref { return it.other }),
		s.statusColumn(),
	}
}

// knownAs lists the texts by which resources are told apart, folded, and whose they
// are, in the order of the resources.
func (s *Sync) knownAs() map[Kind]map[string][]Ref {
	known := map[Kind]map[string][]Ref{}
	for _, k := range Kinds() {
		known[k] = map[string][]Ref{}
	}
	for i := range s.resources {
		m := &s.resources[i]
		if m.missing {
			continue
		}
		texts := []string{identity.Fold(strings.TrimSpace(m.name))}
		if a := m.account; a != nil {
			texts = foldedEmails(a)
			if login := identity.FoldEmail(a.Login); login != "" && !slices.Contains(texts, login) {
				texts = append(texts, login)
			}
		}
		for _, text := range texts {
			known[m.kind][text] = append(known[m.kind][text], Ref(i))
		}
	}
	return known
}

// firstOther is a resource that one of the other texts of a set is of.
func firstOther(set []string, text string, ref Ref, texts map[string][]Ref) Ref {
	for _, other := range set {
		if other == text {
			continue
		}
		if i := slices.IndexFunc(texts[other], func(o Ref) bool { return o != ref }); i >= 0 {
			return texts[other][i]
		}
	}
	return NoRef
}
