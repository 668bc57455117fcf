package tables

import (
	"cmp"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// columns are all columns that more than words of a report are made of, by what they are
// about.
func columns() []Column {
	return []Column{
		// Of a resource, or of the one that an entitlement is on.
		{ID: "name", Title: "Name", Cell: onText(func(b *review.Brief) string { return b.Name })},
		{ID: "type_name", Key: "type", Title: "Type", Cell: on(func(r *Row) any { return r.Sync.TypeName(r.On.Type) })},
		{ID: "type", Title: "Type", Cell: onText(func(b *review.Brief) string { return b.Type })},
		{ID: "id", Title: "Id", PageTitle: "ID", Cell: onText(func(b *review.Brief) string { return b.ID })},
		{ID: "kind", Title: "Kind", Cell: on(func(r *Row) any { return r.Sync.KindWord(*r.On) })},
		{ID: "resource", Title: "Resource", Cell: onText(func(b *review.Brief) string { return b.Name })},
		{ID: "resource_type", Title: "Resource type id", PageTitle: "Resource type", Cell: onText(func(b *review.Brief) string { return b.Type })},
		{ID: "resource_id", Title: "Resource id", PageTitle: "Resource ID", Cell: onText(func(b *review.Brief) string { return b.ID })},

		// Of an account.
		{ID: "status", Title: "Status", Cell: account(func(a *review.AccountInfo) any { return a.Status.String() })},
		{ID: "details", Title: "Details", PageTitle: "State", Cell: account(func(a *review.AccountInfo) any { return a.Details })},
		{ID: "email", Title: "Email", Cell: account(func(a *review.AccountInfo) any { return a.Email })},
		{ID: "emails", Title: "Emails", Kind: sheet.List, Cell: account(func(a *review.AccountInfo) any { return a.Emails })},
		{ID: "login", Title: "Login", Cell: account(func(a *review.AccountInfo) any { return a.Login })},
		{ID: "account_type", Title: "Account type", Cell: account(func(a *review.AccountInfo) any { return a.Type })},
		{ID: "mfa", Title: "MFA", Cell: account(func(a *review.AccountInfo) any { return a.MFA.String() })},
		{ID: "sso", Title: "SSO", Cell: account(func(a *review.AccountInfo) any { return a.SSO.String() })},
		{ID: "admin", Title: "Admin", Kind: sheet.Bool, Cell: account(func(a *review.AccountInfo) any { return a.Admin })},
		{ID: "department", Title: "Department", Cell: account(func(a *review.AccountInfo) any { return a.Department })},
		{ID: "title", Title: "Job title", Cell: account(func(a *review.AccountInfo) any { return a.Title })},
		{ID: "manager", Title: "Manager", Cell: account(func(a *review.AccountInfo) any { return a.Manager })},
		{ID: "employee_ids", Title: "Employee ids", Kind: sheet.List, Cell: account(func(a *review.AccountInfo) any { return a.EmployeeIDs })},
		{ID: "created", Title: "Created", Kind: sheet.Time, Cell: account(func(a *review.AccountInfo) any { return a.Created })},
		{ID: "last_login", Title: "Last login", Kind: sheet.Time, Cell: account(func(a *review.AccountInfo) any { return a.LastLogin })},

		// Of a credential.
		{ID: "owner", Title: "Owner", Cell: profiled("owner")},
		{ID: "secret_created", Key: "created", Title: "Created", Cell: profiled("created_at")},
		{ID: "expires", Title: "Expires", Cell: profiled("expires_at")},
		{ID: "last_used", Title: "Last used", Cell: profiled("last_used_at")},
		{ID: "secret_kind", Key: "credential", Title: "Kind of credential", Cell: profiled("kind")},

		// Of a resource in a list of its own.
		{ID: "description", Title: "Description", Cell: func(r *Row) any { return r.Resource.Description }},
		{ID: "facts", Title: "Facts", PageTitle: "Properties", Kind: sheet.List, Cell: func(r *Row) any { return r.Resource.Facts }},
		{ID: "help_url", Title: "Address", Cell: func(r *Row) any { return r.Resource.HelpURL }},
		{ID: "parent_type", Title: "Parent type", Cell: func(r *Row) any { return r.Resource.ParentType }},
		{ID: "parent_id", Title: "Parent id", Cell: func(r *Row) any { return r.Resource.ParentID }},
		{ID: "entitlements", Title: "Entitlements", Kind: sheet.Int, Cell: func(r *Row) any { return r.Counts.Entitlements }},
		{ID: "members", Title: "Members", Kind: sheet.Int, Cell: func(r *Row) any { return r.Counts.Members.All }},
		{ID: "members_direct", Title: "Direct members", Kind: sheet.Int, Cell: func(r *Row) any { return r.Counts.Members.Direct }},
		{ID: "members_inherited", Key: "inherited", Title: "Inherited", Kind: sheet.Int, Cell: func(r *Row) any { return r.Counts.Members.Inherited() }},
		{ID: "holdings", Title: "Holds", Kind: sheet.Int, Cell: func(r *Row) any { return r.Counts.Holdings.All }},
		{ID: "holdings_direct", Title: "Holds directly", Kind: sheet.Int, Cell: func(r *Row) any { return r.Counts.Holdings.Direct }},

		// Of an entitlement.
		{ID: "entitlement", Title: "Entitlement name", PageTitle: "Entitlement", Cell: entitlement(func(e *review.Entitlement) any { return e.Name })},
		{ID: "entitlement_id", Title: "Entitlement id", PageTitle: "Entitlement ID", Cell: entitlement(func(e *review.Entitlement) any { return e.ID })},
		{ID: "slug", Title: "Slug", Cell: entitlement(func(e *review.Entitlement) any { return e.Slug })},
		{ID: "slug_or_name", Key: "slug", Title: "Entitlement", Cell: entitlement(func(e *review.Entitlement) any { return cmp.Or(e.Slug, e.Name) })},
		{ID: "entitlement_description", Key: "description", Title: "Description", Cell: entitlement(func(e *review.Entitlement) any { return e.Description })},
		{ID: "purpose", Title: "Purpose", Cell: entitlement(func(e *review.Entitlement) any { return e.Purpose })},
		{ID: "grantable_to", Title: "Grantable to", Kind: sheet.List, Cell: entitlement(func(e *review.Entitlement) any { return e.GrantableTo })},
		{ID: "entitlement_immutable", Key: "immutable", Title: "Immutable", Kind: sheet.Bool, Cell: entitlement(func(e *review.Entitlement) any { return e.Immutable })},
		{ID: "missing", Title: "Named by grants only", Kind: sheet.Bool, Cell: entitlement(func(e *review.Entitlement) any { return e.Missing })},
		{ID: "holders", Title: "Holders", Kind: sheet.Int, Cell: entitlement(func(e *review.Entitlement) any { return e.Holders.All })},
		{ID: "holders_direct", Key: "direct", Title: "Direct", PageTitle: "Directly", Kind: sheet.Int, Cell: entitlement(func(e *review.Entitlement) any { return e.Holders.Direct })},
		{ID: "holders_inherited", Key: "inherited", Title: "Inherited", Kind: sheet.Int, Cell: entitlement(func(e *review.Entitlement) any { return e.Holders.Inherited() })},

		// Of who holds something, and via what.
		{ID: "principal", Title: "Holder", PageTitle: "Who", Cell: principal(func(b *review.Brief) any { return b.Name })},
		{ID: "principal_type", Title: "Holder type id", PageTitle: "Principal type", Cell: principal(func(b *review.Brief) any { return b.Type })},
		{ID: "principal_id", Title: "Holder id", PageTitle: "Principal ID", Cell: principal(func(b *review.Brief) any { return b.ID })},
		{ID: "via", Title: "Via", Kind: sheet.List, Width: 80, Cell: held(func(s *Sync, h *review.Held) any { return s.pathWords(h.Paths, h.MorePaths) })},
		{ID: "paths", Title: "Paths", Kind: sheet.Lists, Cell: held(func(s *Sync, h *review.Held) any { return s.pathIDs(h.Paths) })},
		{ID: "path_names", Key: "paths", Title: "Via", Kind: sheet.List, Cell: held(func(s *Sync, h *review.Held) any { return s.pathTexts(h.Paths) })},
		{ID: "direct", Title: "Direct", Kind: sheet.Bool, Cell: held(func(_ *Sync, h *review.Held) any { return h.Direct })},
		{ID: "immutable", Title: "Immutable", Kind: sheet.Bool, Cell: held(func(_ *Sync, h *review.Held) any { return h.Immutable })},
		{ID: "grant_last_used", Key: "last_used", Title: "Last used", Kind: sheet.Time, Cell: held(func(_ *Sync, h *review.Held) any { return h.Use.Last })},
		{ID: "grant_not_used_since", Key: "not_used_since", Title: "Not used since", Kind: sheet.Time, Cell: held(func(_ *Sync, h *review.Held) any { return h.Use.NoneSince })},
		{ID: "grant_id", Title: "Grant id", PageTitle: "Grant ID", Cell: held(func(_ *Sync, h *review.Held) any { return h.GrantID })},
		{ID: "expandable", Title: "Expandable", Kind: sheet.Bool, Cell: func(r *Row) any { return r.Grant.Expandable }},
		{ID: "sources", Key: "via", Title: "Via", Kind: sheet.List, Cell: func(r *Row) any { return r.Sync.PathNames(r.Grant.Via) }},

		// Of a change.
		{ID: "change", Title: "Change", Cell: func(r *Row) any { return r.Change.String() }},
		{ID: "changed", Key: "what", Title: "What", Cell: func(r *Row) any { return changedWord(r) }},
		{ID: "change_details", Key: "details", Title: "Details", Kind: sheet.List, Width: 80, Cell: func(r *Row) any { return changeDetails(r) }},
		{ID: "fields", Title: "What", Kind: sheet.List, Cell: func(r *Row) any { return fieldTexts(r.Fields) }},
		{ID: "was_via", Title: "Was via", Kind: sheet.List, Cell: func(r *Row) any {
			if r.Was == nil {
				return nil
			}
			return r.Older.PathNames(r.Was.Via)
		}},
	}
}

// onText and those below make a cell of a part of a row, nil where the row has no such
// part.
func onText(text func(*review.Brief) string) func(*Row) any {
	return on(func(r *Row) any { return text(r.On) })
}

func on(cell func(*Row) any) func(*Row) any {
	return func(r *Row) any {
		if r.On == nil {
			return nil
		}
		return cell(r)
	}
}

func account(cell func(*review.AccountInfo) any) func(*Row) any {
	return func(r *Row) any {
		if r.Account == nil {
			return nil
		}
		return cell(r.Account)
	}
}

// profiled is an entry of the profile of a resource.
func profiled(key string) func(*Row) any {
	return func(r *Row) any {
		for _, f := range r.Resource.Profile {
			if f.Key == key {
				return f.Value
			}
		}
		return nil
	}
}

func entitlement(cell func(*review.Entitlement) any) func(*Row) any {
	return func(r *Row) any {
		if r.Entitlement == nil {
			return nil
		}
		return cell(r.Entitlement)
	}
}

func principal(cell func(*review.Brief) any) func(*Row) any {
	return func(r *Row) any {
		if r.Principal == nil {
			return nil
		}
		return cell(r.Principal)
	}
}

func held(cell func(*Sync, *review.Held) any) func(*Row) any {
	return func(r *Row) any {
		if r.Held == nil {
			return nil
		}
		return cell(r.Sync, r.Held)
	}
}

// catalog has the columns by their ids.
type catalog map[string]Column

func newCatalog() catalog {
	c := catalog{}
	for _, column := range columns() {
		column.Key = cmp.Or(column.Key, column.ID)
		column.PageTitle = cmp.Or(column.PageTitle, column.Title)
		c[column.ID] = column
	}
	return c
}

// show is a column as a list shows it. It panics on an id that is none; a test makes every
// list.
func (c catalog) show(id string) Shown {
	column, ok := c[id]
	if !ok {
		panic("no column has the id " + id)
	}
	return Shown{Column: column}
}

// details are columns that are shown where there is room.
func (c catalog) details(ids ...string) []Shown {
	list := make([]Shown, len(ids))
	for i, id := range ids {
		list[i] = c.show(id).Detail()
	}
	return list
}
