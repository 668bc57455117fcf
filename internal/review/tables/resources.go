package tables

import (
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// Resources lists all resources. Where they are all accounts, other columns are shown
// where there is little room.
func Resources(s *Sync, accounts bool) List {
	return allResources(s, "resources", "Resources", accounts, func(q search.Query) (search.Page[review.ResourceRow], error) { return s.Resources(0, q) })
}

// Principals lists whoever holds something.
func Principals(s *Sync, accounts bool) List {
	return allResources(s, "principals", "Principals", accounts, s.Principals)
}

func allResources(s *Sync, id, title string, accounts bool, ask func(search.Query) (search.Page[review.ResourceRow], error)) List {
	c := newCatalog()
	return List{
		ID: id, Title: title,
		Command: append(resourceColumns(c, accounts),
			c.show("entitlements").Detail(), c.show("members").DetailIf(accounts), c.show("members_direct").Detail(),
			c.show("holdings"), c.show("holdings_direct").Detail(),
		),
		Read: read(ask, s.resourceRow),
	}
}

// resourceColumns are the columns of commands that show resources.
func resourceColumns(c catalog, accounts bool) []Shown {
	return slices.Concat([]Shown{
		c.show("name"), c.show("type_name"), c.show("id"), c.show("kind").Detail(), c.show("status"), c.show("details"),
		c.show("email").DetailIf(!accounts), c.show("emails").Detail(), c.show("login").Detail(), c.show("account_type").Detail(),
		c.show("mfa").DetailIf(!accounts), c.show("sso").Detail(), c.show("admin").Detail(), c.show("department").DetailIf(!accounts),
	}, c.details("title", "manager", "employee_ids", "created", "last_login", "description", "facts", "help_url", "parent_type", "parent_id"))
}

func (s *Sync) resourceRow(r *review.ResourceRow) Row {
	return Row{Sync: s, On: &r.Brief, Resource: &r.Resource, Account: r.Account, Counts: r}
}

// OfKind lists the resources of a kind for a page.
func OfKind(s *Sync, kind review.Kind) List {
	c := newCatalog()
	t := kind.Type()
	l := List{ID: t.Plural, Title: t.Title(), One: t.Noun}
	members := c.show("members").Titled(t.Holders).Sort("members")
	inherited := c.show("members_inherited").Sort("inherited")
	var columns []Shown
	switch {
	case kind.IsAccount() && kind != review.Account:
		return accounts(s, c, kind, t.Plural)
	case kind.IsSecret():
		return secrets(s, c, kind)
	}
	switch kind {
	case review.Account:
		return accounts(s, c, kind, "accounts")
	case review.Group:
		columns = []Shown{members, inherited, c.show("holdings").Titled("Gives access to").Sort("holdings")}
	case review.Application:
		columns = []Shown{
			members.Titled("Has access"), c.show("members_direct").Keyed("direct", "Directly").Sort("direct"), inherited, c.show("facts"),
		}
	case review.Role:
		columns = []Shown{members, inherited}
	case review.Other:
		l.ID, l.One = "resources", "resource"
		columns = []Shown{c.show("type_name").Keyed("kind_of", "Kind").Sort("type"), members, c.show("holdings").Sort("holdings")}
	default:
		columns = []Shown{members, c.show("holdings").Sort("holdings")}
	}
	l.Many, l.None = l.ID, "The sync contains no "+l.ID+"."
	l.Page = slices.Concat(nameColumns(c), columns, []Shown{c.show("entitlements").Sort("entitlements"), c.show("description")})
	l.Read = read(func(q search.Query) (search.Page[review.ResourceRow], error) { return s.Resources(kind, q) }, s.resourceRow)
	return l
}

// nameColumns are the columns of pages that name a resource.
func nameColumns(c catalog) []Shown {
	return append([]Shown{c.show("name").Sort("name")}, c.details("type", "id")...)
}

// stateColumns are the columns of pages on what there is to review of an account, and
// reachColumns those on how to reach somebody.
func stateColumns(c catalog) []Shown {
	return []Shown{c.show("status").Sort("status"), c.show("details").Detail(), c.show("mfa").Sort("mfa"), c.show("admin").Sort("admin")}
}

func reachColumns(c catalog) []Shown {
	return []Shown{
		c.show("email").Sort("email"), c.show("department").Sort("department"), c.show("title").Sort("title").Detail(), c.show("manager").Sort("manager"),
		c.show("account_type").Detail(), c.show("login").Sort("login"),
	}
}

func accounts(s *Sync, c catalog, kind review.Kind, plural string) List {
	t := kind.Type()
	return List{
		ID: plural, Title: t.Title(), One: strings.ReplaceAll(t.Noun, "-", " "), Many: plural, None: "The sync contains no " + plural + ".",
		Page: slices.Concat(nameColumns(c), stateColumns(c), []Shown{c.show("holdings").Sort("holdings")}, reachColumns(c), []Shown{
			c.show("holdings_direct").Keyed("direct", "Directly").Sort("direct").Detail(),
			c.show("created").Sort("created").Detail(), c.show("last_login").Sort("last_login").Detail(),
		}),
		Read: read(func(q search.Query) (search.Page[review.ResourceRow], error) { return s.Resources(kind, q) }, s.resourceRow),
	}
}

// secrets lists credentials: whose they are and how long they last.
func secrets(s *Sync, c catalog, kind review.Kind) List {
	t := kind.Type()
	return List{
		ID: t.Plural, Title: t.Title(), One: strings.ReplaceAll(t.Noun, "-", " "), Many: t.Plural, None: "The sync contains no " + t.Plural + ".",
		Page: append(nameColumns(c), c.show("owner"), c.show("secret_created"), c.show("expires"), c.show("last_used"), c.show("secret_kind").Detail()),
		Read: read(func(q search.Query) (search.Page[review.ResourceRow], error) { return s.Resources(kind, q) }, s.resourceRow),
	}
}
