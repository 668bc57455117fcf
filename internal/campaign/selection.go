package campaign

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
)

// Who decides.
const (
	ByOne     = "one"
	ByManager = "manager"
	ByOwner   = "app-owner"
)

// ReviewerWays are the values of By.
func ReviewerWays() []string { return []string{ByOne, ByManager, ByOwner} }

// The scopes that are no resource.
const (
	ScopeAll        = "all"
	ScopePrivileged = "privileged"
	scopeDepartment = "department:"
	// ScopeChanged begins the name of an earlier review.
	ScopeChanged = "changed:"
)

// Selection says which access is reviewed, and by whom.
type Selection struct {
	// Scopes are united. Query restricts what they hold, as a list of grants does.
	Scopes []string
	Query  search.Query
	// By is one of the By constants. Reviewer decides what nobody else is found for.
	By, Reviewer string
	// Owners are reviewers of resources, by "type:id".
	Owners map[string]string
	// Earlier are the rows of an earlier review, by [AccessKey]; Delta leaves out what
	// was decided there and is the same.
	Earlier map[string]Row
	Delta   bool
	Now     time.Time
}

// Selected are the items that a selection finds.
type Selected struct {
	Items []Item
	// Fallback counts the items for which no manager or owner is known.
	Fallback int
	// Same counts what a delta review leaves out.
	Same int
}

// AccessKey names access over several syncs.
func AccessKey(i *Item) string { return i.EntitlementID + "\x00" + i.Account.Type + ":" + i.Account.ID }

// Earlier has the rows of a review by their keys.
func Earlier(rows []Row) map[string]Row {
	byKey := make(map[string]Row, len(rows))
	for i := range rows {
		byKey[AccessKey(&rows[i].Item)] = rows[i]
	}
	return byKey
}

// Select finds the items of a review. A scope that names nothing is one of the errors of
// package review; a selection without items is an error too.
func Select(ctx context.Context, s *tables.Sync, sel Selection) (*Selected, error) {
	b := &builder{s: s, sel: &sel, peers: s.Peers(), owners: map[review.Ref]string{}, holdersOf: review.NoEnt}
	wanted, err := b.scopes()
	if err != nil {
		return nil, err
	}
	if b.only, err = b.filtered(); err != nil {
		return nil, err
	}
	if b.byRef, b.byAccess, err = findingsOf(ctx, s.Sync); err != nil {
		return nil, err
	}
	// Access of a group is reviewed where it is asked for: it is what its members inherit.
	filtersPrincipals := sel.Query.Filter["principal_kind"] != "" || sel.Query.Filter["principal"] != "" || sel.Query.Filter["principal_type"] != ""
	for e := range review.EntRef(s.EntitlementCount()) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		s.EachHolder(e, func(p review.Ref, g int32) {
			if s.AccountOf(p) == nil && s.KindOf(p) != review.Account && !filtersPrincipals || !wanted(e, p) {
				return
			}
			b.add(e, p, g)
		})
	}
	if len(b.found.Items) == 0 {
		text := "scope %s selects no access"
		if b.found.Same > 0 {
			text = "scope %s selects no access: nothing changed since the earlier review"
		}
		return nil, fault.WithHints(fault.WithCode(codes.NotFound, text, strings.Join(sel.Scopes, ", ")), "see what there is with inspect grants")
	}
	// By reviewer and account, since that is how decisions are made.
	slices.SortStableFunc(b.found.Items, func(x, y Item) int {
		return cmp.Or(cmp.Compare(x.Reviewer, y.Reviewer), cmp.Compare(search.Fold(x.Account.Name), search.Fold(y.Account.Name)), cmp.Compare(x.Account.ID, y.Account.ID))
	})
	for i := range b.found.Items {
		b.found.Items[i].ID = i + 1
	}
	return &b.found, nil
}

// builder makes items of grants.
type builder struct {
	s        *tables.Sync
	sel      *Selection
	only     func(grantID string) bool // what the filter lets through
	peers    *review.Peers
	byRef    map[review.Ref][]string
	byAccess map[access][]string
	owners   map[review.Ref]string
	// holders are the holders of holdersOf by groups of peers.
	holdersOf review.EntRef
	holders   map[int32]int
	found     Selected
}

// access is an entitlement of an account.
type access struct {
	p review.Ref
	e review.EntRef
}

// scopes makes a test of the scopes.
func (b *builder) scopes() (func(review.EntRef, review.Ref) bool, error) {
	s := b.s
	resources, departments := map[review.Ref]bool{}, map[string]bool{}
	all, privileged := false, false
	for _, scope := range b.sel.Scopes {
		switch name, isDepartment := strings.CutPrefix(scope, scopeDepartment); {
		case scope == ScopeAll:
			all = true
		case scope == ScopePrivileged:
			privileged = true
		case isDepartment:
			departments[search.Fold(strings.TrimSpace(name))] = false
		default:
			r, err := b.resource(scope)
			if err != nil {
				return nil, err
			}
			resources[r] = true
		}
	}
	for p := range review.Ref(s.Len()) {
		if a := s.AccountOf(p); a != nil {
			if d := search.Fold(a.Department); a.Department != "" {
				if _, wanted := departments[d]; wanted {
					departments[d] = true
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(departments)) {
		if !departments[name] {
			return nil, fault.WithHints(fault.WithCode(codes.NotFound, "no account is of department %q", name), "list the departments: baton-jumpcloud inspect resources --type user --columns department")
		}
	}
	return func(e review.EntRef, p review.Ref) bool {
		on := s.ResourceOf(e)
		if all || resources[on] || privileged && s.IsPrivileged(on) {
			return true
		}
		a := s.AccountOf(p)
		return a != nil && a.Department != "" && departments[search.Fold(a.Department)]
	}, nil
}

// resource finds the resource of a scope: "type:id", or "type:name".
func (b *builder) resource(scope string) (review.Ref, error) {
	if r, ok := b.s.ByTypedID(scope); ok {
		return r, nil
	}
	typ, name, ok := strings.Cut(scope, ":")
	for _, t := range b.s.Types() {
		if ok && name != "" && t.ID == typ {
			return b.s.FindResource(name, t.Kind)
		}
	}
	var types []string
	for _, t := range b.s.Types() {
		types = append(types, t.ID+":ID")
	}
	return review.NoRef, fault.Invalid("unknown scope %q: want %s, department:NAME, privileged, changed:FILE or all", scope, strings.Join(types, ", "))
}

// filtered makes a test of the filter.
func (b *builder) filtered() (func(grantID string) bool, error) {
	if len(b.sel.Query.Filter) == 0 && b.sel.Query.Search == "" {
		return func(string) bool { return true }, nil
	}
	page, err := b.s.Grants(search.Query{Filter: b.sel.Query.Filter, Search: b.sel.Query.Search})
	if err != nil {
		return nil, err
	}
	only := make(map[string]bool, len(page.Rows))
	for i := range page.Rows {
		only[page.Rows[i].ID] = true
	}
	return func(id string) bool { return only[id] }, nil
}

// add makes an item of a grant.
func (b *builder) add(e review.EntRef, p review.Ref, g int32) {
	s := b.s
	grant := s.GrantAt(g)
	if !b.only(grant.ID) {
		return
	}
	paths, more := s.Paths(p, e, review.MaxPaths)
	held := review.Held{Direct: grant.Direct, Paths: paths, MorePaths: more, Immutable: grant.Immutable}
	on := grant.Entitlement.Resource
	item := Item{
		GrantID: grant.ID, Account: b.account(p), Resource: named(on), EntitlementID: grant.Entitlement.ID,
		Entitlement: cmp.Or(grant.Entitlement.Slug, grant.Entitlement.Name), Direct: grant.Direct, Immutable: grant.Immutable,
		Dynamic: grant.Direct && on.Kind == review.Group && b.dynamic(on.Ref), Via: s.Ways(held), Steps: b.steps(paths),
	}
	if len(item.Steps) > 0 {
		item.Ends = b.ends(p, e)
	}
	if earlier, ok := b.sel.Earlier[AccessKey(&item)]; ok {
		if b.sel.Delta && b.isSame(&item, &earlier) {
			b.found.Same++
			return
		}
		if earlier.Decision != Undecided {
			item.Previous = &Previous{earlier.Decision, earlier.By, earlier.At, earlier.Comment, earlier.Until}
		}
	}
	item.Peers = b.peersWith(p, e)
	item.Findings = slices.Compact(slices.Sorted(slices.Values(slices.Concat(b.byRef[p], b.byRef[on.Ref], b.byAccess[access{p, e}]))))
	item.Reviewer = b.reviewer(p, on)
	b.found.Items = append(b.found.Items, item)
}

// isSame reports whether an earlier decision still says all about an access.
func (b *builder) isSame(i *Item, earlier *Row) bool {
	switch earlier.Decision {
	case Keep:
	case Exception:
		if earlier.Until < b.sel.Now.UTC().Format(dateForm) {
			return false
		}
	default:
		return false
	}
	ids := func(i *Item) []string {
		list := make([]string, len(i.Steps))
		for at := range i.Steps {
			list[at] = i.Steps[at].EntitlementID
		}
		return slices.Sorted(slices.Values(list))
	}
	return i.Direct == earlier.Direct && slices.Equal(ids(i), ids(&earlier.Item))
}

func named(b review.Brief) Named { return Named{b.Type, b.ID, b.Name, b.Kind.String()} }

func (b *builder) account(p review.Ref) Account {
	who := Account{Named: named(b.s.Brief(p))}
	if a := b.s.AccountOf(p); a != nil {
		who.Email, who.Status, who.Details = cmp.Or(a.Email, a.Login), a.Status.String(), a.Details
		who.Department, who.Title, who.Manager, who.LastLogin = a.Department, a.Title, a.Manager, a.LastLogin
	}
	return who
}

// dynamic reports whether a rule decides who is in a group.
func (b *builder) dynamic(r review.Ref) bool {
	for _, f := range b.s.Resource(r).Profile {
		if f.Key == "membership_method" {
			return strings.HasPrefix(f.Value, "DYNAMIC")
		}
	}
	return false
}

// steps are where the paths begin that are not direct.
func (b *builder) steps(paths []review.Path) []Step {
	var steps []Step
	for _, e := range firsts(paths) {
		on := b.s.Brief(b.s.ResourceOf(e))
		steps = append(steps, Step{Named: named(on), EntitlementID: b.s.EntitlementAt(e).ID, Dynamic: on.Kind == review.Group && b.dynamic(on.Ref)})
	}
	return steps
}

// firsts are the entitlements that paths begin with.
func firsts(paths []review.Path) []review.EntRef {
	var list []review.EntRef
	for _, path := range paths {
		if len(path) > 0 {
			list = append(list, path[0])
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// ends lists what else an account would no longer have without what its access to an
// entitlement begins with.
func (b *builder) ends(p review.Ref, of review.EntRef) []Ending {
	paths, _ := b.s.Paths(p, of, review.MaxPaths)
	left := firsts(paths)
	var ends []Ending
	for _, g := range b.s.GrantsOf(p) {
		e := b.s.EntitlementOf(g)
		if e == of || b.s.IsDirect(g) {
			continue
		}
		others, more := b.s.Paths(p, e, review.MaxPaths)
		remains := more || slices.ContainsFunc(firsts(others), func(first review.EntRef) bool { return !slices.Contains(left, first) })
		if !remains {
			ends = append(ends, Ending{b.s.EntitlementAt(e).ID, b.s.NameOf(b.s.ResourceOf(e)) + " " + b.s.SlugOrName(e)})
		}
	}
	return ends
}

// peersWith counts the peers of an account, and those that have an entitlement.
func (b *builder) peersWith(p review.Ref, e review.EntRef) *Peers {
	all := b.peers.Of(p)
	if all == 0 {
		return nil
	}
	if b.holdersOf != e {
		b.holdersOf, b.holders = e, b.peers.Holders(b.s.Sync, e)
	}
	return &Peers{Have: b.holders[b.peers.Group(p)] - 1, All: all}
}

// reviewer is who decides about access to a resource.
func (b *builder) reviewer(p review.Ref, on review.Brief) string {
	found := ""
	switch b.sel.By {
	case ByManager:
		if a := b.s.AccountOf(p); a != nil {
			found = a.Manager
		}
	case ByOwner:
		if found = b.sel.Owners[on.Type+":"+on.ID]; found == "" {
			found = b.owner(on.Ref)
		}
	default:
		return b.sel.Reviewer
	}
	if found == "" {
		b.found.Fallback++
	}
	return cmp.Or(found, b.sel.Reviewer)
}

// owner is the first account that holds an entitlement whose purpose is ownership.
func (b *builder) owner(r review.Ref) string {
	if name, known := b.owners[r]; known {
		return name
	}
	name := ""
	for _, e := range b.s.EntitlementsOf(r) {
		if b.s.EntitlementAt(e).Purpose != "ownership" {
			continue
		}
		b.s.EachHolder(e, func(p review.Ref, _ int32) {
			if a := b.s.AccountOf(p); a != nil && name == "" {
				name = cmp.Or(a.Email, a.Login, b.s.NameOf(p))
			}
		})
	}
	b.owners[r] = name
	return name
}

// findingsOf has the names of the reports with findings, by what they are about.
func findingsOf(ctx context.Context, s *review.Sync) (map[review.Ref][]string, map[access][]string, error) {
	byRef, byAccess := map[review.Ref][]string{}, map[access][]string{}
	for _, info := range findings.Reports() {
		if !info.Finding || info.Name == findings.Changes {
			continue
		}
		report, err := findings.Make(ctx, s, info.Name, nil)
		if err != nil {
			return nil, nil, err
		}
		for row := range report.All() {
			if row.Entitlement != review.NoEnt {
				byAccess[access{row.Resource, row.Entitlement}] = append(byAccess[access{row.Resource, row.Entitlement}], info.Name)
			} else if row.Resource != review.NoRef {
				byRef[row.Resource] = append(byRef[row.Resource], info.Name)
			}
		}
	}
	return byRef, byAccess, nil
}
