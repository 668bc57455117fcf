package explorer

import (
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
)

// list is a list of the sync that a page shows.
func (v *view) list(l tables.List, filters ...filter) listing {
	return listing{List: l, filters: filters, looks: looks()}
}

// accounts lists the accounts of a kind.
func (v *view) accounts(kind review.Kind) error {
	v.section, _ = kindSection(kind)
	return v.list(tables.OfKind(v.words, kind), append(v.accountFilters(),
		filter{Key: "holds", Title: "Access", Options: someOrNone("yes", "no")},
		v.typeFilter(kind),
		filter{Key: "manager", Title: "Manager", hidden: true},
	)...).serve(v)
}

// section is the page that lists the resources of a kind.
func section(kind review.Kind) page {
	if kind.IsAccount() {
		return func(v *view) error { return v.accounts(kind) }
	}
	return func(v *view) error { return v.resources(kind) }
}

// resources lists the resources of a kind.
func (v *view) resources(kind review.Kind) error {
	v.section, _ = kindSection(kind)
	list := tables.OfKind(v.words, kind)
	if !kind.IsHeld() {
		return v.list(list, v.typeFilter(kind)).serve(v)
	}
	return v.list(list,
		filter{Key: "empty", Title: "Holders", Options: someOrNone("no", "yes")},
		v.typeFilter(kind),
		filter{Key: "parent", Title: "Within", hidden: true, value: (*view).resourceName},
	).serve(v)
}

func entitlements(v *view) error {
	v.section = "/entitlements"
	return v.entitlementList().serve(v)
}

// entitlementList lists entitlements.
func (v *view) entitlementList() listing {
	return v.list(tables.Entitlements(v.words),
		v.kindFilter("kind", "Kind of resource"),
		filter{Key: "purpose", Title: "Purpose", Options: words(review.Purposes()...)},
		filter{Key: "empty", Title: "Holders", Options: someOrNone("no", "yes")},
		filter{Key: "immutable", Title: "Immutable", Options: words("yes", "no")},
		filter{Key: "type", Title: "Type", hidden: true},
		filter{Key: "slug", Title: "Slug", hidden: true},
		filter{Key: "missing", Title: "Not in the archive", hidden: true},
		filter{Key: "resource", Title: "Resource", hidden: true, value: (*view).resourceName},
	)
}

func grants(v *view) error {
	v.section = "/grants"
	return v.grantList().serve(v)
}

// grantList lists grants.
func (v *view) grantList() listing {
	return v.list(tables.Grants(v.words),
		v.kindFilter("kind", "Access to"),
		v.kindFilter("principal_kind", "Who"),
		directFilter(),
		filter{Key: "immutable", Title: "Immutable", Options: words("yes", "no")},
		filter{Key: "type", Title: "Type", hidden: true},
		filter{Key: "principal_type", Title: "Type of principal", hidden: true},
		filter{Key: "expandable", Title: "Expandable", hidden: true},
		filter{Key: "resource", Title: "Access to", hidden: true, value: (*view).resourceName},
		filter{Key: "principal", Title: "Who", hidden: true, value: (*view).resourceName},
		filter{Key: "entitlement", Title: "Entitlement", hidden: true, value: (*view).entitlementName},
		filter{Key: "via", Title: "Via", hidden: true, value: (*view).entitlementName},
	)
}

// someOrNone are the options of a filter that asks whether there is any.
func someOrNone(some, none string) []choice {
	return []choice{{some, "Some", false}, {none, "None", false}}
}

// directFilter restricts to what is held directly, or inherited only.
func directFilter() filter {
	return filter{Key: "direct", Title: "Held", Options: []choice{{"yes", "Directly", false}, {"no", "Inherited", false}}}
}

// looks are how pages show the columns that are more than text.
func looks() map[string]look {
	return map[string]look{
		"name":          func(v *view, r *tables.Row) cell { return v.briefCell(*r.On) },
		"type":          func(v *view, r *tables.Row) cell { return cell{Text: short(v.typeName(r.On.Type))} },
		"resource":      func(v *view, r *tables.Row) cell { return v.typedCell(*r.On) },
		"resource_type": func(v *view, r *tables.Row) cell { return cell{Text: short(v.typeName(r.On.Type))} },
		"entitlement":   func(v *view, r *tables.Row) cell { return v.entitlementCell(*r.Entitlement) },
		"principal":     func(v *view, r *tables.Row) cell { return v.typedCell(*r.Principal) },
		"status":        func(_ *view, r *tables.Row) cell { return statusCell(r.Account) },
		"mfa": func(_ *view, r *tables.Row) cell {
			if r.Account == nil {
				return cell{}
			}
			return triCell(r.Account.MFA)
		},
		"admin": func(_ *view, r *tables.Row) cell {
			if r.Account != nil && r.Account.Admin {
				return cell{Text: "admin", Badge: "warn"}
			}
			return cell{}
		},
		"direct": func(_ *view, r *tables.Row) cell {
			shown := directCell(r.Held.Direct)
			if r.Was != nil && r.Was.Direct != r.Held.Direct {
				shown.Sub = "was " + directCell(r.Was.Direct).Text
			}
			return shown
		},
		"path_names": func(v *view, r *tables.Row) cell { return v.pathsCell(r.Held.Paths, r.Held.MorePaths) },
		"sources":    func(v *view, r *tables.Row) cell { return v.viaCell(r.Grant.Via) },
		"change": func(_ *view, r *tables.Row) cell {
			tone := map[diff.Change]string{diff.Added: "good", diff.Removed: "bad", diff.Changed: "warn"}
			return cell{Text: r.Change.String(), Badge: tone[r.Change]}
		},
		"fields": func(_ *view, r *tables.Row) cell { return fieldsCell(r.Fields) },
	}
}

// briefCell links to a resource.
func (v *view) briefCell(b review.Brief) cell {
	c := cell{Text: short(b.Name), URL: v.resourceURL(b)}
	if b.Missing {
		c.Sub = "not in the archive"
	}
	return c
}

// typedCell links to a resource and names its type.
func (v *view) typedCell(b review.Brief) cell {
	c := v.briefCell(b)
	if c.Sub == "" {
		c.Sub = short(v.typeName(b.Type))
	}
	return c
}

// entitlementCell links to an entitlement.
func (v *view) entitlementCell(e review.Entitlement) cell {
	c := cell{Text: short(e.Name), URL: v.entitlementURL(e)}
	if e.Missing {
		c.Sub = "not in the archive"
	}
	return c
}

func directCell(direct bool) cell {
	if direct {
		return cell{Text: "direct", Badge: "good"}
	}
	return cell{Text: "inherited", Badge: "plain"}
}
