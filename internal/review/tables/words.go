package tables

import (
	"fmt"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
)

// Sync is a sync with the words for what is in it.
type Sync struct {
	*review.Sync
	typeNames map[string]string // by resource type id
}

// Of gives a sync its words.
func Of(s *review.Sync) *Sync {
	named := &Sync{s, make(map[string]string)}
	for _, t := range s.Types() {
		named.typeNames[t.ID] = t.Name
	}
	return named
}

// TypeName is the display name of a resource type.
func (s *Sync) TypeName(id string) string {
	if name := s.typeNames[id]; name != "" {
		return name
	}
	return id
}

// KindWord is what a person calls a resource of a type: group, or the type's own name
// where its kind says nothing.
func (s *Sync) KindWord(b review.Brief) string {
	if b.Kind != review.Other {
		return b.Kind.String()
	}
	return strings.ToLower(s.TypeName(b.Type))
}

// step is an entitlement that leads to another, in words: group Engineering. Where the
// resource has several, the entitlement is named too.
func (s *Sync) step(e review.EntRef) string {
	on := s.Brief(s.ResourceOf(e))
	words := s.KindWord(on) + " " + on.Name
	if s.hasSeveral(on.Ref) {
		words += " (" + s.SlugOrName(e) + ")"
	}
	return words
}

func (s *Sync) hasSeveral(r review.Ref) bool { return len(s.EntitlementsOf(r)) > 1 }

// direct is access that was granted to the holder itself.
const direct = "direct"

// pathWords are paths in words: direct; group Engineering, then group Everyone.
func (s *Sync) pathWords(paths []review.Path, more bool) []string {
	words := make([]string, 0, len(paths))
	for _, path := range paths {
		words = append(words, s.pathWord(path))
	}
	if more {
		words = append(words, "and more paths")
	}
	return words
}

func (s *Sync) pathWord(path review.Path) string {
	if len(path) == 0 {
		return direct
	}
	steps := make([]string, len(path))
	for i, e := range path {
		steps[i] = s.step(e)
	}
	return strings.Join(steps, ", then ")
}

// accessWords are paths in words that stand by themselves: direct; via group Engineering.
func (s *Sync) accessWords(paths []review.Path) []string {
	words := make([]string, len(paths))
	for i, path := range paths {
		words[i] = s.pathWord(path)
		if len(path) > 0 {
			words[i] = "via " + words[i]
		}
	}
	return words
}

// pathIDs are paths as ids of entitlements; that of what is held directly is empty.
func (s *Sync) pathIDs(paths []review.Path) [][]string {
	list := make([][]string, len(paths))
	for i, path := range paths {
		list[i] = make([]string, len(path))
		for j, e := range path {
			list[i][j] = s.EntitlementAt(e).ID
		}
	}
	return list
}

// PathNames are the entitlements of a path as texts: the resource, and the entitlement
// too where the resource has several.
func (s *Sync) PathNames(path []review.EntRef) []string {
	names := make([]string, len(path))
	for i, e := range path {
		on := s.ResourceOf(e)
		names[i] = s.NameOf(on)
		if s.hasSeveral(on) {
			names[i] += " (" + s.EntitlementName(e) + ")"
		}
	}
	return names
}

// pathTexts are paths as names, a text each.
func (s *Sync) pathTexts(paths []review.Path) []string {
	texts := make([]string, len(paths))
	for i, path := range paths {
		if texts[i] = strings.Join(s.PathNames(path), " > "); len(path) == 0 {
			texts[i] = direct
		}
	}
	return texts
}

// heldBy is the access that a grant gives: its sources are paths of one step.
func heldBy(g *review.Grant) *review.Held {
	h := &review.Held{Direct: g.Direct, Immutable: g.Immutable, Use: g.Use, GrantID: g.ID}
	if g.Direct {
		h.Paths = append(h.Paths, review.Path{})
	}
	for _, e := range g.Via {
		h.Paths = append(h.Paths, review.Path{e})
	}
	return h
}

// changedWord is what changed: a resource by its kind, an entitlement, or a grant by what
// it is called.
func changedWord(r *Row) string {
	switch {
	case r.Grant != nil:
		return review.GrantWord(r.On.Kind)
	case r.Entitlement != nil:
		return "entitlement"
	default:
		return r.Sync.KindWord(*r.On)
	}
}

// changeDetails say what of it changed.
func changeDetails(r *Row) []string {
	switch {
	case r.Grant != nil:
		details := r.Sync.accessWords(r.Held.Paths)
		if r.Was != nil {
			for i := range details {
				details[i] = "now " + details[i]
			}
			for _, way := range r.Older.accessWords(heldBy(r.Was).Paths) {
				details = append(details, "was "+way)
			}
		}
		return details
	case r.Entitlement != nil:
		return append([]string{r.Entitlement.Name}, fieldWords(r.Fields)...)
	default:
		return fieldWords(r.Fields)
	}
}

// fieldWords say which fields changed from what to what.
func fieldWords(fields []diff.FieldChange) []string {
	words := make([]string, len(fields))
	for i, f := range fields {
		words[i] = f.Field + ": " + orNothing(f.Old) + " → " + orNothing(f.New)
	}
	return words
}

func orNothing(value string) string {
	if value == "" {
		return "nothing"
	}
	return value
}

// fieldTexts say the same in downloads of a page.
func fieldTexts(fields []diff.FieldChange) []string {
	list := make([]string, 0, len(fields))
	for _, f := range fields {
		list = append(list, fmt.Sprintf("%s: %q became %q", f.Field, f.Old, f.New))
	}
	return list
}

// Ways are the paths by which something is held, in words.
func (s *Sync) Ways(h review.Held) []string { return s.pathWords(h.Paths, h.MorePaths) }
