package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// noRows is shown in place of a list that is empty.
const noRows = "Nothing matches."

// resourceColumns are those of resources. accounts chooses what is shown where
// there is little room.
func resourceColumns(accounts bool) []sheet.Column {
	return []sheet.Column{
		{Key: "name", Title: "Name"},
		{Key: "type", Title: "Type"},
		{Key: "id", Title: "Id"},
		{Key: "kind", Title: "Kind", Detail: true},
		{Key: "status", Title: "Status"},
		{Key: "details", Title: "Details"},
		{Key: "email", Title: "E-mail", Detail: !accounts},
		{Key: "emails", Title: "E-mails", Kind: sheet.List, Detail: true},
		{Key: "login", Title: "Login", Detail: true},
		{Key: "account_type", Title: "Account type", Detail: true},
		{Key: "mfa", Title: "MFA", Detail: !accounts},
		{Key: "sso", Title: "SSO", Detail: true},
		{Key: "admin", Title: "Admin", Kind: sheet.Bool, Detail: true},
		{Key: "department", Title: "Department", Detail: !accounts},
		{Key: "title", Title: "Job title", Detail: true},
		{Key: "manager", Title: "Manager", Detail: true},
		{Key: "employee_ids", Title: "Employee ids", Kind: sheet.List, Detail: true},
		{Key: "created", Title: "Created", Kind: sheet.Time, Detail: true},
		{Key: "last_login", Title: "Last login", Kind: sheet.Time, Detail: true},
		{Key: "description", Title: "Description", Detail: true},
		{Key: "facts", Title: "Facts", Kind: sheet.List, Detail: true},
		{Key: "help_url", Title: "Address", Detail: true},
		{Key: "parent_type", Title: "Parent type", Detail: true},
		{Key: "parent_id", Title: "Parent id", Detail: true},
	}
}

// resourceCells are the cells of resourceColumns.
func resourceCells(s *shownSync, r review.Resource) []any {
	cells := []any{r.Name, s.typeName(r.Type), r.ID, s.kindWord(r.Brief)}
	if a := r.Account; a != nil {
		cells = append(cells, a.Status.String(), a.Details, a.Email, a.Emails, a.Login, a.Type, a.MFA.String(), a.SSO.String(), a.Admin,
			a.Department, a.Title, a.Manager, a.EmployeeIDs, a.Created, a.LastLogin)
	} else {
		cells = append(cells, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil)
	}
	return append(cells, r.Description, r.Facts, r.HelpURL, r.ParentType, r.ParentID)
}

func resourcesTable(ctx context.Context, s *shownSync, o *viewOptions, q search.Query, paged bool) (sheet.Table, error) {
	return listResources(ctx, s, o, q, paged, "resources", func(q search.Query) (search.Page[review.ResourceRow], error) { return s.Resources(0, q) })
}

func principalsTable(ctx context.Context, s *shownSync, o *viewOptions, q search.Query, paged bool) (sheet.Table, error) {
	return listResources(ctx, s, o, q, paged, "principals", s.Principals)
}

func listResources(ctx context.Context, s *shownSync, o *viewOptions, q search.Query, paged bool, key string,
	fetch func(search.Query) (search.Page[review.ResourceRow], error),
) (sheet.Table, error) {
	accounts := onlyAccounts(s, q)
	t := sheet.Table{
		Key: key, Title: titleOf(key), None: noRows,
		Columns: append(resourceColumns(accounts),
			sheet.Column{Key: "entitlements", Title: "Entitlements", Kind: sheet.Int, Detail: true},
			sheet.Column{Key: "members", Title: "Members", Kind: sheet.Int, Detail: accounts},
			sheet.Column{Key: "members_direct", Title: "Direct members", Kind: sheet.Int, Detail: true},
			sheet.Column{Key: "holdings", Title: "Holds", Kind: sheet.Int},
			sheet.Column{Key: "holdings_direct", Title: "Holds directly", Kind: sheet.Int, Detail: true},
		),
	}
	return t, list(ctx, o, &t, q, paged, fetch, func(r review.ResourceRow) []any {
		return append(resourceCells(s, r.Resource), r.Entitlements, r.Members.All, r.Members.Direct, r.Holdings.All, r.Holdings.Direct)
	})
}

// onlyAccounts reports whether a query restricts a list of resources to accounts.
func onlyAccounts(s *shownSync, q search.Query) bool {
	for _, key := range []string{"status", "details", "mfa", "account_type", "department", "manager", "admin"} {
		if q.Filter[key] != "" {
			return true
		}
	}
	for _, t := range s.Types() {
		if t.ID == q.Filter["type"] {
			return t.Kind == review.Account
		}
	}
	return q.Filter["kind"] == review.Account.String()
}

// titleOf makes a title of a key.
func titleOf(key string) string { return string(key[0]-'a'+'A') + key[1:] }

// entitlementColumns describe an entitlement and the resource that it is on.
func entitlementColumns() []sheet.Column {
	return []sheet.Column{
		{Key: "resource", Title: "Resource"},
		{Key: "type", Title: "Type"},
		{Key: "resource_type", Title: "Resource type id", Detail: true},
		{Key: "resource_id", Title: "Resource id", Detail: true},
		{Key: "slug", Title: "Entitlement"},
		{Key: "entitlement", Title: "Entitlement name", Detail: true},
	}
}

func entitlementCells(s *shownSync, e review.Entitlement) []any {
	return []any{e.Resource.Name, s.typeName(e.Resource.Type), e.Resource.Type, e.Resource.ID, slugOf(e), e.Name}
}

func entitlementsTable(ctx context.Context, s *shownSync, o *viewOptions, q search.Query, paged bool) (sheet.Table, error) {
	t := sheet.Table{
		Key: "entitlements", Title: "Entitlements", None: noRows,
		Columns: append(entitlementColumns(),
			sheet.Column{Key: "id", Title: "Id"},
			sheet.Column{Key: "description", Title: "Description", Detail: true},
			sheet.Column{Key: "purpose", Title: "Purpose"},
			sheet.Column{Key: "grantable_to", Title: "Grantable to", Kind: sheet.List, Detail: true},
			sheet.Column{Key: "immutable", Title: "Immutable", Kind: sheet.Bool, Detail: true},
			sheet.Column{Key: "missing", Title: "Named by grants only", Kind: sheet.Bool, Detail: true},
			sheet.Column{Key: "holders", Title: "Holders", Kind: sheet.Int},
			sheet.Column{Key: "direct", Title: "Direct", Kind: sheet.Int},
			sheet.Column{Key: "inherited", Title: "Inherited", Kind: sheet.Int},
		),
	}
	if err := nameFilters(s, q); err != nil {
		return t, err
	}
	return t, list(ctx, o, &t, q, paged, s.Entitlements, func(e review.Entitlement) []any {
		return append(entitlementCells(s, e), e.ID, e.Description, e.Purpose, e.GrantableTo, e.Immutable, e.Missing,
			e.Holders.All, e.Holders.Direct, e.Holders.Inherited())
	})
}

func grantsTable(ctx context.Context, s *shownSync, o *viewOptions, q search.Query, paged bool) (sheet.Table, error) {
	t := sheet.Table{
		Key: "grants", Title: "Grants", None: noRows,
		Columns: append(append([]sheet.Column{
			{Key: "principal", Title: "Holder"},
			{Key: "principal_type", Title: "Holder type id", Detail: true},
			{Key: "principal_id", Title: "Holder id", Detail: true},
		}, entitlementColumns()...),
			sheet.Column{Key: "entitlement_id", Title: "Entitlement id", Detail: true},
			sheet.Column{Key: "how", Title: "How", Kind: sheet.List, Width: 60},
			sheet.Column{Key: "direct", Title: "Direct", Kind: sheet.Bool, Detail: true},
			sheet.Column{Key: "paths", Title: "Paths", Kind: sheet.Lists, Detail: true},
			sheet.Column{Key: "immutable", Title: "Immutable", Kind: sheet.Bool, Detail: true},
			sheet.Column{Key: "expandable", Title: "Expandable", Kind: sheet.Bool, Detail: true},
			sheet.Column{Key: "id", Title: "Id", Detail: true},
		),
	}
	if err := nameFilters(s, q); err != nil {
		return t, err
	}
	return t, list(ctx, o, &t, q, paged, s.Grants, func(g review.Grant) []any {
		cells := append([]any{g.Principal.Name, g.Principal.Type, g.Principal.ID}, entitlementCells(s, g.Entitlement)...)
		paths := sourcesOf(g)
		return append(cells, g.Entitlement.ID, s.waysOf(paths, false), g.Direct, s.idsOf(paths), g.Immutable, g.Expandable, g.ID)
	})
}

// nameFilters turns names in a filter into the ids that it takes.
func nameFilters(s *shownSync, q search.Query) error {
	for _, key := range []string{"principal", "resource"} {
		if name := q.Filter[key]; name != "" {
			r, err := s.FindResource(name)
			if err != nil {
				return naming("resource", err)
			}
			b := s.Brief(r)
			q.Filter[key] = b.Type + ":" + b.ID
		}
	}
	for _, key := range []string{"entitlement", "via"} {
		if name := q.Filter[key]; name != "" {
			e, err := s.FindEntitlement(name)
			if err != nil {
				return naming("entitlement", err)
			}
			q.Filter[key] = s.EntitlementAt(e).ID
		}
	}
	return nil
}

// statsNote sums a sync up.
func statsNote(s *shownSync) string {
	count := func(n int) string { return humanize.Comma(int64(n)) }
	o := s.Overview()
	text := fmt.Sprintf("%s grants: %s direct, %s inherited.", count(o.Grants.All), count(o.Grants.Direct), count(o.Grants.Inherited()))
	if accounts := o.Counts[review.Account]; accounts > 0 {
		var states []string
		for _, c := range o.Statuses {
			state := count(c.Count) + " " + c.Status.String()
			if c.Details != "" {
				state += " (" + c.Details + ")"
			}
			states = append(states, state)
		}
		text += fmt.Sprintf(" %s accounts: %s.", count(accounts), strings.Join(states, ", "))
	}
	return text
}
