package tables

import (
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// commandEntitlement and pageEntitlement are the columns that name an entitlement and the
// resource that it is on.
func commandEntitlement(c catalog) []Shown {
	return []Shown{
		c.show("resource"), c.show("type_name"), c.show("resource_type").Detail(), c.show("resource_id").Detail(),
		c.show("slug_or_name"), c.show("entitlement").Detail(),
	}
}

func pageEntitlement(c catalog, nameSort string) []Shown {
	return []Shown{
		c.show("resource").Sort("resource"), c.show("resource_type").Detail(), c.show("resource_id").Detail(),
		c.show("entitlement").Sort(nameSort), c.show("entitlement_id").Detail(), c.show("slug").Detail(),
	}
}

// commandHeld and pageHeld are the columns on how something is held.
func commandHeld(s *Sync, c catalog, tells bool) []Shown {
	return slices.Concat([]Shown{c.show("via")}, used(s, c, tells), c.details("direct", "paths", "immutable", "grant_id"))
}

func pageHeld(s *Sync, c catalog, tells bool) []Shown {
	return slices.Concat([]Shown{c.show("direct").Sort("direct"), c.show("path_names")}, used(s, c, tells), c.details("immutable", "grant_id"))
}

// used are the columns on when something was used, which are details of a list that tells
// nothing of it.
func used(s *Sync, c catalog, tells bool) []Shown {
	none := !tells || !s.KnowsUse()
	return []Shown{c.show("grant_last_used").Sort("last_used").DetailIf(none), c.show("grant_not_used_since").DetailIf(none)}
}

// Entitlements lists what can be held.
func Entitlements(s *Sync) List {
	c := newCatalog()
	return List{
		ID: "entitlements", Title: "Entitlements", One: "entitlement", Many: "entitlements", None: "The sync contains no entitlements.",
		Command: append(commandEntitlement(c),
			c.show("entitlement_id").Keyed("id", "Id"), c.show("entitlement_description").Detail(), c.show("purpose"), c.show("grantable_to").Detail(),
			c.show("entitlement_immutable").Detail(), c.show("missing").Detail(),
			c.show("holders"), c.show("holders_direct"), c.show("holders_inherited")),
		Page: append(pageEntitlement(c, "name"),
			c.show("purpose").Sort("purpose"), c.show("holders").Sort("holders"), c.show("holders_direct").Sort("direct"),
			c.show("holders_inherited").Sort("inherited"), c.show("grantable_to"), c.show("entitlement_immutable"), c.show("entitlement_description").Detail()),
		Read: read(s.Entitlements, func(e *review.Entitlement) Row { return Row{Sync: s, On: &e.Resource, Entitlement: e} }),
	}
}

// Grants lists who holds what.
func Grants(s *Sync) List {
	c := newCatalog()
	principal := c.details("principal_type", "principal_id")
	return List{
		ID: "grants", Title: "Grants", One: "grant", Many: "grants", None: "The sync contains no grants.",
		Command: slices.Concat([]Shown{c.show("principal")}, principal, commandEntitlement(c),
			[]Shown{c.show("entitlement_id").Detail(), c.show("via").Wide(60)},
			c.details("direct", "paths", "grant_last_used", "grant_not_used_since", "immutable", "expandable"), []Shown{c.show("grant_id").Keyed("id", "Id").Detail()}),
		Page: slices.Concat([]Shown{c.show("principal").Sort("principal")}, principal, pageEntitlement(c, ""), []Shown{
			c.show("direct").Sort("direct"), c.show("sources"), c.show("grant_last_used").Detail(), c.show("grant_not_used_since").Detail(),
			c.show("immutable").Detail(), c.show("grant_id").Keyed("id", "Grant ID").Detail(),
		}),
		Read: read(s.Grants, s.grantRow),
	}
}

func (s *Sync) grantRow(g *review.Grant) Row {
	return Row{Sync: s, On: &g.Entitlement.Resource, Entitlement: &g.Entitlement, Principal: &g.Principal, Grant: g, Held: heldBy(g)}
}

// Access lists everything that a principal holds.
func Access(s *Sync, p review.Ref) List {
	c := newCatalog()
	return List{
		ID: "access", Title: "Access", One: "entitlement", Many: "entitlements", None: "No access.", NoMatch: "Nothing.",
		Command: slices.Concat(commandEntitlement(c),
			[]Shown{c.show("entitlement_id").Keyed("id", "Entitlement id").Detail(), c.show("purpose").Detail()}, commandHeld(s, c, true)),
		Page: append(pageEntitlement(c, "entitlement"), pageHeld(s, c, true)...),
		Read: read(func(q search.Query) (search.Page[review.Holding], error) { return s.Access(p, q) }, func(h *review.Holding) Row {
			return Row{Sync: s, On: &h.Entitlement.Resource, Entitlement: &h.Entitlement, Held: &h.Held}
		}),
	}
}

// Holders lists those who have an entitlement.
func Holders(s *Sync, ref review.EntRef) List {
	c := newCatalog()
	tells := s.TellsUse(s.ResourceOf(ref))
	l := List{
		ID: "holders", Title: "Holders", One: "holder", Many: "holders", None: "No principals.", NoMatch: "Nobody.",
		Command: append(resourceColumns(c, true), commandHeld(s, c, tells)...),
		Page:    slices.Concat(nameColumns(c), pageHeld(s, c, tells), stateColumns(c), reachColumns(c)),
		Read: read(func(q search.Query) (search.Page[review.Holder], error) { return s.Who(ref, q) }, func(h *review.Holder) Row {
			return Row{Sync: s, On: &h.Principal.Brief, Resource: &h.Principal, Account: h.Principal.Account, Held: &h.Held}
		}),
	}
	// Beside the way, these would make lines long.
	for i := range l.Command {
		if id := l.Command[i].ID; id == "id" || id == "mfa" || id == "department" {
			l.Command[i].IsDetail = true
		}
	}
	for i := range l.Page {
		if id := l.Page[i].ID; id == "login" || id == "manager" {
			l.Page[i].IsDetail = true
		}
	}
	return l
}
