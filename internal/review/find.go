package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// maxCandidates is how many things an error names at most.
const maxCandidates = 20

// Candidate is something that a text may have meant.
type Candidate struct {
	// Resource is set, and Entitlement is where an entitlement was looked for.
	Resource    Brief
	Entitlement EntRef
	// ID is "type:id" of a resource, and the id of an entitlement: with it, the same
	// thing is found without doubt.
	ID string
	// Hint tells it from others of the same name: an email address, a description.
	Hint string
}

// AmbiguousError says that a text names several things.
type AmbiguousError struct {
	Text string
	// Candidates are at most 20 of them, and Count says how many there are.
	Candidates []Candidate
	Count      int
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q is ambiguous (%d matches); use an ID: %s", e.Text, e.Count, candidateIDs(e.Candidates, e.Count))
}

// NotFoundError says that a text names nothing.
type NotFoundError struct {
	Text string
	// Nearest are a few things that have a similar name.
	Nearest []Candidate
}

func (e *NotFoundError) Error() string {
	if len(e.Nearest) == 0 {
		return fmt.Sprintf("nothing is named %q", e.Text)
	}
	return fmt.Sprintf("nothing is named %q; similar names: %s", e.Text, candidateIDs(e.Nearest, len(e.Nearest)))
}

func candidateIDs(list []Candidate, count int) string {
	var texts []string
	for _, c := range list {
		text := fmt.Sprintf("%q (%s", c.ID, c.Resource.Name)
		if c.Hint != "" {
			text += ", " + c.Hint
		}
		texts = append(texts, text+")")
	}
	if more := count - len(list); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}

// FindResource finds the resource that a text names: by "type:id", then by id, then
// by name without regard to case and accents, or by email address or login. These tell
// people apart, so that one that merely looks like the text does not count. Only resources
// of the given kinds are found, of all kinds where none is given. The errors are
// [*AmbiguousError] and [*NotFoundError].
func (s *Sync) FindResource(text string, kinds ...Kind) (Ref, error) {
	text = strings.TrimSpace(text)
	of := func(r Ref) bool { return len(kinds) == 0 || slices.Contains(kinds, s.resources[r].kind) }
	if r, ok := s.ByTypedID(text); ok && of(r) {
		return r, nil
	}
	var byID, byName []Ref
	w := wantedOf(text)
	s.withText(w, func(r Ref) {
		switch m := &s.resources[r]; {
		case !of(r):
		case m.id == text:
			byID = append(byID, r)
		case m.named(w):
			byName = append(byName, r)
		}
	})
	for _, found := range [][]Ref{byID, byName} {
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			err := &AmbiguousError{Text: text, Count: len(found)}
			for _, r := range found[:min(len(found), maxCandidates)] {
				err.Candidates = append(err.Candidates, s.candidate(r))
			}
			return NoRef, err
		}
	}
	return NoRef, &NotFoundError{text, s.nearest(w.folded, of)}
}

// wanted is a text that something is looked for by.
type wanted struct {
	folded       string // as names are searched
	login, email string // as those that tell people apart are compared
}

func wantedOf(text string) wanted {
	return wanted{folded: search.Fold(text), login: identity.Fold(text), email: identity.FoldEmail(text)}
}

// withText visits the resources that have a text somewhere in what is searched, which
// are few as against those that have to be looked at otherwise.
func (s *Sync) withText(w wanted, visit func(Ref)) {
	// An address can be written in ways that are searched for differently.
	texts := slices.Compact([]string{search.OneLine(w.folded), search.OneLine(search.Fold(w.email))})
	seen := map[Ref]bool{}
	for _, text := range texts {
		if text == "" {
			continue
		}
		s.resourceTexts.Find(text, func(i int) {
			if r := Ref(i); !seen[r] {
				seen[r] = true
				visit(r)
			}
		})
	}
}

// named reports whether a resource is called something.
func (m *record) named(w wanted) bool {
	if search.Fold(strings.TrimSpace(m.name)) == w.folded {
		return true
	}
	if a := m.account; a != nil {
		return a.Login != "" && identity.Fold(a.Login) == w.login ||
			slices.ContainsFunc(a.Emails, func(e string) bool { return identity.FoldEmail(e) == w.email })
	}
	return false
}

func (s *Sync) candidate(r Ref) Candidate {
	m := &s.resources[r]
	c := Candidate{Resource: s.Brief(r), Entitlement: NoEnt, ID: s.types[m.typ].ID + ":" + m.id}
	switch {
	case m.account != nil:
		c.Hint = cmp.Or(m.account.Email, m.account.Login)
	case m.more != nil:
		c.Hint = m.more.description
	}
	return c
}

// Search finds the resources of a kind that hold all words of a text: those first whose name is
// the text, then those whose name begins with it, has a word that does, or holds it, then those whose
// email address or login does, then the others. It returns at most so many, and how many there are.
func (s *Sync) Search(text string, kind Kind, most int) (found []Ref, total int) {
	hits := s.resourceTexts.Search(search.Words(text))
	if hits == nil {
		return nil, 0
	}
	folded := search.OneLine(search.Fold(strings.TrimSpace(text)))
	ranks := map[Ref]int{}
	for i, hit := range hits {
		if m := &s.resources[i]; hit && m.kind == kind && !m.missing {
			found = append(found, Ref(i))
			ranks[Ref(i)] = s.rank(Ref(i), folded)
		}
	}
	slices.SortStableFunc(found, func(a, b Ref) int { return cmp.Compare(ranks[a], ranks[b]) })
	return found[:min(len(found), most)], len(found)
}

// rank is how well a resource fits a text that its texts hold; the smallest fits best.
func (s *Sync) rank(r Ref, folded string) int {
	name := s.resourceTexts.First(int(r))
	a := s.resources[r].account
	switch {
	case name == folded:
		return 0
	case strings.HasPrefix(name, folded):
		return 1
	case strings.Contains(name, " "+folded):
		return 2
	case strings.Contains(name, folded):
		return 3
	case a != nil && slices.ContainsFunc(a.Emails, func(e string) bool { return strings.Contains(search.Fold(e), folded) }):
		return 4
	case a != nil && strings.Contains(search.Fold(a.Login), folded):
		return 5
	default:
		return 6
	}
}

// Similar finds a few resources whose names differ from a text in a few letters, the nearest first.
func (s *Sync) Similar(text string) []Candidate {
	return s.nearest(search.Fold(strings.TrimSpace(text)), func(r Ref) bool { return !s.resources[r].missing })
}

// maxNearest is how many similar things an error names.
const maxNearest = 5

// nearest finds resources whose texts hold the text, else those whose names differ
// in a few letters.
func (s *Sync) nearest(folded string, of func(Ref) bool) []Candidate {
	if folded == "" {
		return nil
	}
	type near struct {
		r        Ref
		distance int
	}
	var list []near
	if found := s.resourceTexts.Search(strings.Fields(folded)); found != nil {
		for r, hit := range found {
			if hit && of(Ref(r)) {
				// A name that holds the text is nearer than one whose manager's does.
				name := s.resourceTexts.First(r)
				d := len(name)
				if !strings.Contains(name, folded) {
					d += 1 << 20
				}
				list = append(list, near{Ref(r), d})
			}
		}
	}
	most := min(len(folded)/3+1, 4)
	to := nearness{want: []rune(folded), most: most}
	if len(list) == 0 {
		for r := range s.resources {
			if !of(Ref(r)) {
				continue
			}
			if d := to.resource(s, Ref(r)); d <= most {
				list = append(list, near{Ref(r), d})
			}
		}
	}
	slices.SortFunc(list, func(a, b near) int { return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.r, b.r)) })
	var nearest []Candidate
	for _, n := range list[:min(len(list), maxNearest)] {
		nearest = append(nearest, s.candidate(n.r))
	}
	return nearest
}

// nearness tells how far names are from a text. It is used again and again, since
// there may be many names.
type nearness struct {
	want []rune
	most int
	name []rune
	row  []int
}

// distance counts the letters that must be put in, taken out or changed to make one
// text of the other, as far as most; beyond, it is most+1.
func (n *nearness) distance(name string) int {
	far := n.most + 1
	n.name = n.name[:0]
	for _, r := range name {
		if n.name = append(n.name, r); len(n.name) > len(n.want)+n.most {
			return far
		}
	}
	if len(n.want)-len(n.name) > n.most {
		return far
	}
	n.row = n.row[:0]
	for j := range len(n.want) + 1 {
		n.row = append(n.row, j)
	}
	for i, r := range n.name {
		corner := n.row[0]
		n.row[0] = i + 1
		best := i + 1
		for j, w := range n.want {
			change := corner
			if r != w {
				change++
			}
			corner = n.row[j+1]
			n.row[j+1] = min(change, n.row[j+1]+1, n.row[j]+1)
			best = min(best, n.row[j+1])
		}
		if best > n.most {
			return far
		}
	}
	return min(n.row[len(n.want)], far)
}

// resource is the distance to a resource's name, a word of it or its login.
func (n *nearness) resource(s *Sync, r Ref) int {
	name := s.resourceTexts.First(int(r))
	d := n.distance(name)
	for word := range strings.FieldsSeq(name) {
		d = min(d, n.distance(word))
	}
	if a := s.resources[r].account; a != nil && a.Login != "" {
		d = min(d, n.distance(search.Fold(a.Login)))
	}
	return d
}

// FindEntitlement finds the entitlement that a text names: by its id, by its name, by
// a resource that has no other, or by a resource and the entitlement's slug, as in
// "Engineering member". The errors are [*AmbiguousError] and [*NotFoundError].
func (s *Sync) FindEntitlement(text string) (EntRef, error) {
	text = strings.TrimSpace(text)
	if e, ok := s.EntitlementByID(text); ok {
		return e, nil
	}
	found := s.entitlementsNamed(text)
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		err := &AmbiguousError{Text: text, Count: len(found)}
		for _, e := range found[:min(len(found), maxCandidates)] {
			err.Candidates = append(err.Candidates, s.entitlementCandidate(e))
		}
		return NoEnt, err
	}
	err := &NotFoundError{Text: text}
	for _, c := range s.nearest(search.Fold(text), func(r Ref) bool { return s.resources[r].ents > 0 }) {
		for _, e := range s.EntitlementsOf(c.Resource.Ref) {
			if len(err.Nearest) < maxNearest {
				err.Nearest = append(err.Nearest, s.entitlementCandidate(e))
			}
		}
	}
	return NoEnt, err
}

// entitlementsNamed lists the entitlements that a text names, by the first way of
// naming that leads to any.
func (s *Sync) entitlementsNamed(text string) []EntRef {
	var ways [3][]EntRef
	w := wantedOf(text)
	folded := w.folded
	if folded == "" {
		return nil
	}
	for i := range s.entitlements {
		e := &s.entitlements[i]
		m := &s.resources[e.resource]
		ref := EntRef(i)
		typed := search.Fold(s.types[m.typ].ID + ":" + m.id)
		switch {
		case search.Fold(e.name) == folded:
			ways[0] = append(ways[0], ref)
		case m.named(w) || search.Fold(m.id) == folded || typed == folded:
			ways[1] = append(ways[1], ref)
		case e.slug != "" && strings.HasSuffix(folded, " "+search.Fold(e.slug)):
			of := strings.TrimSpace(strings.TrimSuffix(folded, search.Fold(e.slug)))
			if m.named(wantedOf(of)) || search.Fold(m.id) == of || typed == of {
				ways[2] = append(ways[2], ref)
			}
		}
	}
	for _, found := range ways {
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func (s *Sync) entitlementCandidate(e EntRef) Candidate {
	m := &s.entitlements[e]
	c := s.candidate(m.resource)
	c.Entitlement, c.ID, c.Hint = e, m.id, cmp.Or(m.slug, m.name)
	return c
}
