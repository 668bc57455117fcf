package cli

import (
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// shownSync is a sync with what it takes to show it.
type shownSync struct {
	*review.Sync
	path      string            // of its archive
	typeNames map[string]string // by resource type id
}

func newShownSync(s *review.Sync, path string) *shownSync {
	shown := &shownSync{s, path, make(map[string]string)}
	for _, t := range s.Types() {
		shown.typeNames[t.ID] = t.Name
	}
	return shown
}

// typeName is the display name of a resource type.
func (s *shownSync) typeName(id string) string {
	if name := s.typeNames[id]; name != "" {
		return name
	}
	return id
}

// kindWord is what a person calls a resource of a type: group, or the type's own
// name where its kind says nothing.
func (s *shownSync) kindWord(b review.Brief) string {
	if b.Kind != review.Other {
		return b.Kind.String()
	}
	return strings.ToLower(s.typeName(b.Type))
}

// wayOf is an entitlement that leads to another, in words: group Engineering. Where
// the resource has several, the entitlement is named too.
func (s *shownSync) wayOf(e review.EntRef) string {
	ent := s.EntitlementAt(e)
	words := s.kindWord(ent.Resource) + " " + ent.Resource.Name
	if len(s.EntitlementsOf(ent.Resource.Ref)) > 1 {
		words += " (" + slugOf(ent) + ")"
	}
	return words
}

// slugOf is the short name of an entitlement.
func slugOf(e review.Entitlement) string {
	if e.Slug != "" {
		return e.Slug
	}
	return e.Name
}

// direct is how something is held that was given to the holder itself.
const direct = "direct"

// waysOf are paths in words: direct, through group Engineering.
func (s *shownSync) waysOf(paths []review.Path, more bool) []string {
	ways := make([]string, 0, len(paths))
	for _, path := range paths {
		if len(path) == 0 {
			ways = append(ways, direct)
			continue
		}
		steps := make([]string, len(path))
		for i, e := range path {
			steps[i] = s.wayOf(e)
		}
		ways = append(ways, "through "+strings.Join(steps, ", then "))
	}
	if more {
		ways = append(ways, "and more ways")
	}
	return ways
}

// idsOf are paths as ids of entitlements; that of what is held directly is empty.
func (s *shownSync) idsOf(paths []review.Path) [][]string {
	list := make([][]string, len(paths))
	for i, path := range paths {
		list[i] = make([]string, len(path))
		for j, e := range path {
			list[i][j] = s.EntitlementAt(e).ID
		}
	}
	return list
}

// sourcesOf are the sources of a grant as paths of one step.
func sourcesOf(g review.Grant) []review.Path {
	var paths []review.Path
	if g.Direct {
		paths = append(paths, review.Path{})
	}
	for _, e := range g.Via {
		paths = append(paths, review.Path{e})
	}
	return paths
}

// naming makes the errors of looking something up by a name into text for people,
// who get ids to go on with.
func naming(what string, err error) error {
	if e, ok := asError[*review.AmbiguousError](err); ok {
		text := fmt.Sprintf("%q names %d %ss; say which by its id:\n%s", e.Text, e.Count, what, candidates(e.Candidates))
		if more := e.Count - len(e.Candidates); more > 0 {
			text += fmt.Sprintf("\n  and %d more", more)
		}
		return withCode(codes.InvalidArgument, "%s", text)
	}
	if e, ok := asError[*review.NotFoundError](err); ok {
		text := fmt.Sprintf("no %s is called %s", what, printable.Visible(fmt.Sprintf("%q", e.Text)))
		if len(e.Nearest) > 0 {
			text += "; near to it:\n" + candidates(e.Nearest)
		}
		return withCode(codes.NotFound, "%s", text)
	}
	return err
}

// candidateWidth is where names of candidates are cut.
const candidateWidth = 60

// candidates are lines of ids and names. Ids come from outside too, but are shown
// whole, since they are what is typed next.
func candidates(list []review.Candidate) string {
	width := 0
	for _, c := range list {
		width = max(width, min(len(c.ID), candidateWidth))
	}
	lines := make([]string, len(list))
	for i, c := range list {
		text := sheet.Cut(printable.Visible(c.Resource.Name), candidateWidth)
		if c.Hint != "" {
			text += ", " + sheet.Cut(printable.Visible(c.Hint), candidateWidth)
		}
		lines[i] = fmt.Sprintf("  %-*s  %s", width, printable.Visible(shellWord(c.ID)), text)
	}
	return strings.Join(lines, "\n")
}
