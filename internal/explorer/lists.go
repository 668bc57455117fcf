package explorer

import (
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// text, count and when make columns of a kind.
func text[T any](key, title, sort string, value func(T) string) column[T] {
	return column[T]{Column: sheet.Column{Key: key, Title: title}, sort: sort, value: func(row T) any { return value(row) }}
}

func count[T any](key, title, sort string, value func(T) int) column[T] {
	return column[T]{Column: sheet.Column{Key: key, Title: title, Kind: sheet.Int}, sort: sort, value: func(row T) any { return value(row) }}
}

func yesNo[T any](key, title, sort string, value func(T) bool) column[T] {
	return column[T]{Column: sheet.Column{Key: key, Title: title, Kind: sheet.Bool}, sort: sort, value: func(row T) any { return value(row) }}
}

// as shows a column as a cell of its own making.
func (c column[T]) as(show func(T) cell) column[T] {
	c.cell = show
	return c
}

// exported is a column that only exports have.
func (c column[T]) exported() column[T] {
	c.export = true
	return c
}

// briefCell links to a resource.
func (v *view) briefCell(b review.Brief) cell {
	c := cell{Text: short(b.Name), URL: v.resourceURL(b)}
	if b.Missing {
		c.Sub = "not in the archive"
	}
	return c
}

// nameColumns are the columns that name a resource.
func nameColumns[T any](v *view, title, sort string, of func(T) review.Brief) []column[T] {
	return []column[T]{
		text("name", title, sort, func(row T) string { return of(row).Name }).as(func(row T) cell { return v.briefCell(of(row)) }),
		text("type", "Type", "", func(row T) string { return of(row).Type }).exported(),
		text("id", "ID", "", func(row T) string { return of(row).ID }).exported(),
	}
}

// accountColumns are the columns of what accounts have beyond other resources.
func accountColumns[T any](of func(T) *review.AccountInfo) []column[T] {
	info := func(row T) review.AccountInfo {
		if a := of(row); a != nil {
			return *a
		}
		return review.AccountInfo{}
	}
	return []column[T]{
		text("status", "Status", "status", func(row T) string { return info(row).Status.String() }).
			as(func(row T) cell { return statusCell(of(row)) }),
		text("details", "State", "", func(row T) string { return info(row).Details }).exported(),
		text("mfa", "MFA", "mfa", func(row T) string { return info(row).MFA.String() }).
			as(func(row T) cell {
				if of(row) == nil {
					return cell{}
				}
				return triCell(info(row).MFA)
			}),
		yesNo("admin", "Admin", "admin", func(row T) bool { return info(row).Admin }).
			as(func(row T) cell {
				if info(row).Admin {
					return cell{Text: "admin", Badge: "warn"}
				}
				return cell{}
			}),
		text("email", "E-mail", "email", func(row T) string { return info(row).Email }),
		text("department", "Department", "department", func(row T) string { return info(row).Department }),
		text("title", "Job title", "title", func(row T) string { return info(row).Title }).exported(),
		text("manager", "Manager", "manager", func(row T) string { return info(row).Manager }),
		text("account_type", "Account type", "", func(row T) string { return info(row).Type }).exported(),
		text("login", "Login", "login", func(row T) string { return info(row).Login }),
	}
}

func accounts(v *view) error {
	v.section = "/accounts"
	l := listing[review.ResourceRow]{
		name: "accounts", title: "Accounts", one: "account", many: "accounts", none: "The sync holds no accounts.",
		columns: append(nameColumns(v, "Name", "name", rowBrief), accountColumns(func(r review.ResourceRow) *review.AccountInfo { return r.Account })...),
		filters: append(v.accountFilters(),
			filter{Key: "holds", Title: "Access", Options: []choice{{"yes", "Some", false}, {"no", "None", false}}},
			v.typeFilter(review.Account),
			filter{Key: "manager", Title: "Manager", hidden: true},
		),
		read: func(q search.Query) (search.Page[review.ResourceRow], error) {
			return v.sync.Resources(review.Account, q)
		},
	}
	// What there is to review stands before how to reach somebody.
	email := slices.IndexFunc(l.columns, func(c column[review.ResourceRow]) bool { return c.Key == "email" })
	l.columns = slices.Insert(l.columns, email,
		count("holdings", "Holds", "holdings", func(r review.ResourceRow) int { return r.Holdings.All }))
	l.columns = append(l.columns,
		count("direct", "Directly", "direct", func(r review.ResourceRow) int { return r.Holdings.Direct }).exported(),
		column[review.ResourceRow]{
			Column: sheet.Column{Key: "created", Title: "Created", Kind: sheet.Time}, sort: "created",
			value: func(r review.ResourceRow) any { return account(r).Created },
		}.exported(),
		column[review.ResourceRow]{
			Column: sheet.Column{Key: "last_login", Title: "Last login", Kind: sheet.Time}, sort: "last_login",
			value: func(r review.ResourceRow) any { return account(r).LastLogin },
		}.exported(),
	)
	return l.serve(v)
}

func rowBrief(r review.ResourceRow) review.Brief { return r.Brief }

func account(r review.ResourceRow) review.AccountInfo {
	if r.Account == nil {
		return review.AccountInfo{}
	}
	return *r.Account
}

func groups(v *view) error {
	v.section = "/groups"
	return v.resources(review.Group, "groups", "group",
		count("members", "Members", "members", func(r review.ResourceRow) int { return r.Members.All }),
		count("inherited", "Inherited", "inherited", func(r review.ResourceRow) int { return r.Members.Inherited() }),
		count("holdings", "Gives access to", "holdings", func(r review.ResourceRow) int { return r.Holdings.All }),
	).serve(v)
}

func applications(v *view) error {
	v.section = "/applications"
	return v.resources(review.Application, "applications", "application",
		count("members", "Has access", "members", func(r review.ResourceRow) int { return r.Members.All }),
		count("direct", "Directly", "direct", func(r review.ResourceRow) int { return r.Members.Direct }),
		count("inherited", "Inherited", "inherited", func(r review.ResourceRow) int { return r.Members.Inherited() }),
		column[review.ResourceRow]{
			Column: sheet.Column{Key: "facts", Title: "Properties", Kind: sheet.List},
			value:  func(r review.ResourceRow) any { return r.Facts },
		},
	).serve(v)
}

func roles(v *view) error {
	v.section = "/roles"
	return v.resources(review.Role, "roles", "role",
		count("members", "Holders", "members", func(r review.ResourceRow) int { return r.Members.All }),
		count("inherited", "Inherited", "inherited", func(r review.ResourceRow) int { return r.Members.Inherited() }),
	).serve(v)
}

func otherResources(v *view) error {
	v.section = "/resources"
	return v.resources(review.Other, "resources", "resource",
		text("kind_of", "Kind", "type", func(r review.ResourceRow) string { return v.typeName(r.Type) }),
		count("members", "Holders", "members", func(r review.ResourceRow) int { return r.Members.All }),
		count("holdings", "Holds", "holdings", func(r review.ResourceRow) int { return r.Holdings.All }),
	).serve(v)
}

// resources lists the resources of a kind.
func (v *view) resources(kind review.Kind, name, one string, columns ...column[review.ResourceRow]) listing[review.ResourceRow] {
	_, title := kindSection(kind)
	l := listing[review.ResourceRow]{
		name: name, title: title, one: one, many: name, none: "The sync holds no " + name + ".",
		columns: append(nameColumns(v, "Name", "name", rowBrief), columns...),
		filters: []filter{
			{Key: "empty", Title: "Holders", Options: []choice{{"no", "Some", false}, {"yes", "None", false}}},
			v.typeFilter(kind),
			{Key: "parent", Title: "Within", hidden: true, value: (*view).resourceName},
		},
		read: func(q search.Query) (search.Page[review.ResourceRow], error) { return v.sync.Resources(kind, q) },
	}
	l.columns = append(l.columns,
		count("entitlements", "Entitlements", "entitlements", func(r review.ResourceRow) int { return r.Entitlements }),
		text("description", "Description", "", func(r review.ResourceRow) string { return r.Description }),
	)
	return l
}

// entitlementColumns name an entitlement and its resource.
func entitlementColumns[T any](v *view, resourceSort, nameSort string, of func(T) review.Entitlement) []column[T] {
	return []column[T]{
		text("resource", "Resource", resourceSort, func(row T) string { return of(row).Resource.Name }).
			as(func(row T) cell {
				c := v.briefCell(of(row).Resource)
				if c.Sub == "" {
					c.Sub = short(v.typeName(of(row).Resource.Type))
				}
				return c
			}),
		text("resource_type", "Resource type", "", func(row T) string { return of(row).Resource.Type }).exported(),
		text("resource_id", "Resource ID", "", func(row T) string { return of(row).Resource.ID }).exported(),
		text("entitlement", "Entitlement", nameSort, func(row T) string { return of(row).Name }).
			as(func(row T) cell {
				e := of(row)
				c := cell{Text: short(e.Name), URL: v.entitlementURL(e)}
				if e.Missing {
					c.Sub = "not in the archive"
				}
				return c
			}),
		text("entitlement_id", "Entitlement ID", "", func(row T) string { return of(row).ID }).exported(),
		text("slug", "Slug", "", func(row T) string { return of(row).Slug }).exported(),
	}
}

func entitlements(v *view) error {
	v.section = "/entitlements"
	return v.entitlementList().serve(v)
}

// entitlementList lists entitlements.
func (v *view) entitlementList() listing[review.Entitlement] {
	self := func(e review.Entitlement) review.Entitlement { return e }
	return listing[review.Entitlement]{
		name: "entitlements", title: "Entitlements", one: "entitlement", many: "entitlements", none: "The sync holds no entitlements.",
		columns: append(entitlementColumns(v, "resource", "name", self),
			text("purpose", "Purpose", "purpose", func(e review.Entitlement) string { return e.Purpose }),
			count("holders", "Holders", "holders", func(e review.Entitlement) int { return e.Holders.All }),
			count("direct", "Directly", "direct", func(e review.Entitlement) int { return e.Holders.Direct }),
			count("inherited", "Inherited", "inherited", func(e review.Entitlement) int { return e.Holders.Inherited() }),
			column[review.Entitlement]{
				Column: sheet.Column{Key: "grantable_to", Title: "Grantable to", Kind: sheet.List},
				value:  func(e review.Entitlement) any { return e.GrantableTo },
			},
			yesNo("immutable", "Immutable", "", func(e review.Entitlement) bool { return e.Immutable }),
			text("description", "Description", "", func(e review.Entitlement) string { return e.Description }).exported(),
		),
		filters: []filter{
			v.kindFilter("kind", "Kind of resource"),
			{Key: "purpose", Title: "Purpose", Options: words("assignment", "permission", "ownership")},
			{Key: "empty", Title: "Holders", Options: []choice{{"no", "Some", false}, {"yes", "None", false}}},
			{Key: "immutable", Title: "Immutable", Options: words("yes", "no")},
			{Key: "type", Title: "Type", hidden: true},
			{Key: "slug", Title: "Slug", hidden: true},
			{Key: "missing", Title: "Not in the archive", hidden: true},
			{Key: "resource", Title: "Resource", hidden: true, value: (*view).resourceName},
		},
		read: v.sync.Entitlements,
	}
}

func grants(v *view) error {
	v.section = "/grants"
	return v.grantList().serve(v)
}

// grantList lists grants.
func (v *view) grantList() listing[review.Grant] {
	ent := func(g review.Grant) review.Entitlement { return g.Entitlement }
	l := listing[review.Grant]{
		name: "grants", title: "Grants", one: "grant", many: "grants", none: "The sync holds no grants.",
		columns: []column[review.Grant]{
			text("principal", "Who", "principal", func(g review.Grant) string { return g.Principal.Name }).
				as(func(g review.Grant) cell {
					c := v.briefCell(g.Principal)
					if c.Sub == "" {
						c.Sub = short(v.typeName(g.Principal.Type))
					}
					return c
				}),
			text("principal_type", "Principal type", "", func(g review.Grant) string { return g.Principal.Type }).exported(),
			text("principal_id", "Principal ID", "", func(g review.Grant) string { return g.Principal.ID }).exported(),
		},
		filters: []filter{
			v.kindFilter("kind", "Access to"),
			v.kindFilter("principal_kind", "Who"),
			directFilter(),
			{Key: "immutable", Title: "Immutable", Options: words("yes", "no")},
			{Key: "type", Title: "Type", hidden: true},
			{Key: "principal_type", Title: "Type of who", hidden: true},
			{Key: "expandable", Title: "Expandable", hidden: true},
			{Key: "resource", Title: "Access to", hidden: true, value: (*view).resourceName},
			{Key: "principal", Title: "Who", hidden: true, value: (*view).resourceName},
			{Key: "entitlement", Title: "Entitlement", hidden: true, value: (*view).entitlementName},
			{Key: "via", Title: "Through", hidden: true, value: (*view).entitlementName},
		},
		read: v.sync.Grants,
	}
	l.columns = append(l.columns, entitlementColumns(v, "resource", "", ent)...)
	l.columns = append(l.columns,
		yesNo("direct", "Direct", "direct", func(g review.Grant) bool { return g.Direct }).
			as(func(g review.Grant) cell { return directCell(g.Direct) }),
		column[review.Grant]{
			Column: sheet.Column{Key: "through", Title: "Through", Kind: sheet.List},
			value:  func(g review.Grant) any { return v.pathNames(g.Via) },
			cell:   func(g review.Grant) cell { return v.viaCell(g.Via) },
		},
		yesNo("immutable", "Immutable", "", func(g review.Grant) bool { return g.Immutable }).exported(),
		text("id", "Grant ID", "", func(g review.Grant) string { return g.ID }).exported(),
	)
	return l
}

func directCell(direct bool) cell {
	if direct {
		return cell{Text: "direct", Badge: "good"}
	}
	return cell{Text: "inherited", Badge: "plain"}
}

// directFilter restricts to what is held directly, or through something else only.
func directFilter() filter {
	return filter{Key: "direct", Title: "Held", Options: []choice{{"yes", "Directly", false}, {"no", "Inherited", false}}}
}
