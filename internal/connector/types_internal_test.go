package connector

import (
	"slices"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// Every row of the table of resource types has a mapping, which begins with a list that
// can be read, and nothing is mapped that is no row.
func TestEveryTypeIsMapped(t *testing.T) {
	t.Parallel()
	var mapped []string
	for _, m := range mappings() {
		mapped = append(mapped, m.id)
		if m.start == nil || m.target == nil {
			t.Errorf("the mapping of %s lacks a start or a target", m.id)
			continue
		}
		// The list may be that of another type, which brings these too.
		s := &Source{options: Options{Switches: allSwitches()}}
		page, err := s.Start(t.Context(), syncer.Scope{ResourceTypes: []string{m.id}})
		if err != nil || len(page.Lists) == 0 {
			t.Errorf("a sync of %s begins with no list: %v", m.id, err)
		}
		for _, l := range m.lists {
			if l.id == "" || l.label == "" {
				t.Errorf("%s has a list without an id or a label: %+v", m.id, l)
			}
			if l.owned && m.gone == nil {
				t.Errorf("a %s owns %s, and nothing finds out whether it is gone", m.id, l.label)
			}
		}
	}
	slices.Sort(mapped)
	if want := slices.Sorted(slices.Values(restype.IDs())); !slices.Equal(mapped, want) {
		t.Errorf("mapped are %q, the table has %q", mapped, want)
	}
}

// The ids of lists are what a later process goes on by; labels are for people, and two
// lists never have one id.
func TestListsHaveIDs(t *testing.T) {
	t.Parallel()
	seen := map[collection]bool{targets: true}
	for _, m := range mappings() {
		for _, l := range m.lists {
			if seen[l.id] {
				t.Errorf("two lists have the id %q", l.id)
			}
			seen[l.id] = true
		}
	}
	list := kind{collection: dynamicMembers, noGrants: true}.of(syncer.Ref{})
	if list.Kind != "dynamic-members+no-grants" || list.Label != "members of dynamic groups, without grants" {
		t.Errorf("id %q, label %q", list.Kind, list.Label)
	}
	list.Label = "anything else"
	if got := parseKind(list.Kind); got != (kind{collection: dynamicMembers, noGrants: true}) {
		t.Errorf("read as %+v", got)
	}
}
