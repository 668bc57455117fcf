package findings

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// lookalike is a text by which a resource is known, and the others that look like it.
type lookalike struct {
	text   string
	others []string
}

// lookalikes finds accounts with addresses or logins that look like another
// account's and are not, and groups, applications and roles with such names.
func lookalikes(s *review.Sync, r *Report) {
	known := knownAs(s)
	var found []lookalike
	for _, kind := range review.Kinds() {
		texts := known[kind]
		for _, set := range identity.Lookalikes(slices.Sorted(maps.Keys(texts))) {
			owners := map[review.Ref]bool{}
			for _, text := range set {
				for _, ref := range texts[text] {
					owners[ref] = true
				}
			}
			if len(owners) < 2 {
				continue // All are of one account.
			}
			shown := map[review.Ref]bool{}
			for _, text := range set {
				for _, ref := range texts[text] {
					if shown[ref] {
						continue
					}
					shown[ref] = true
					other := firstOther(set, text, ref, texts)
					r.items = append(r.items, item{resource: ref, other: other, ent: review.NoEnt, extra: int32(len(found))})
				}
				found = append(found, lookalike{text, slices.DeleteFunc(slices.Clone(set), func(o string) bool { return o == text })})
			}
		}
	}
	r.Note = "Non-ASCII characters are shown as code points."
	r.columns = []column{
		resourceColumn(s, "resource", "Account or resource", LinkResource, func(it item) review.Ref { return it.resource }),
		{Column: Column{"kind", "Kind", TextColumn, NoLink}, cell: func(it item) any { return s.KindOf(it.resource).String() }},
		{Column: Column{"text", "Address or name", TextColumn, NoLink}, cell: func(it item) any { return found[it.extra].text }},
		{Column: Column{"characters", "Characters", TextColumn, NoLink}, cell: func(it item) any { return cmp.Or(identity.BeyondASCII(found[it.extra].text), "ASCII only") }},
		{Column: Column{"others", "Looks like", TextColumn, NoLink}, cell: func(it item) any { return strings.Join(found[it.extra].others, ", ") }},
		resourceColumn(s, "other", "Of", LinkOther, func(it item) review.Ref { return it.other }),
		statusColumn(s),
	}
}

// knownAs lists the texts by which resources are told apart, folded, and whose they
// are, in the order of the resources.
func knownAs(s *review.Sync) map[review.Kind]map[string][]review.Ref {
	known := map[review.Kind]map[string][]review.Ref{}
	for _, k := range review.Kinds() {
		known[k] = map[string][]review.Ref{}
	}
	for r := range review.Ref(s.Len()) {
		if s.IsMissing(r) {
			continue
		}
		texts := []string{identity.Fold(strings.TrimSpace(s.NameOf(r)))}
		if a := s.AccountOf(r); a != nil {
			texts = foldedEmails(a)
			if login := identity.FoldEmail(a.Login); login != "" && !slices.Contains(texts, login) {
				texts = append(texts, login)
			}
		}
		for _, text := range texts {
			known[s.KindOf(r)][text] = append(known[s.KindOf(r)][text], r)
		}
	}
	return known
}

// firstOther is a resource that one of the other texts of a set is of.
func firstOther(set []string, text string, ref review.Ref, texts map[string][]review.Ref) review.Ref {
	for _, other := range set {
		if other == text {
			continue
		}
		if i := slices.IndexFunc(texts[other], func(o review.Ref) bool { return o != ref }); i >= 0 {
			return texts[other][i]
		}
	}
	return review.NoRef
}
