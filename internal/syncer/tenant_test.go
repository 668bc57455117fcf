package syncer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// tenant is a small organization in memory, and a syncer.Source of it. Its groups
// hold users and its applications are assigned to users and groups. Lists are read
// in pages of limit; those of members are chains of which nobody tells the length
// when chains is set. What a test wants to happen during a read it does in onRead.
type tenant struct {
	mu     sync.Mutex
	users  map[string]string              // display names by id
	admins map[string]string              // ids of users, or "", by id
	groups map[string]map[string]bool     // members by id
	apps   map[string]map[syncer.Ref]bool // by id
	hidden map[string]bool                // users and groups that no list contains

	limit  int
	chains bool
	onRead func(ctx context.Context, list syncer.List, token string) error
	// onSettle may judge a list in the source's place.
	onSettle func(syncer.List, [][]byte, syncer.Occasion) (verdict syncer.Verdict, ok bool)
	// unsettled leaves it to Settle whether lists of one page are complete.
	unsettled bool
	reads     map[string]int // by list and token
	looked    map[syncer.Ref]int
	starts    int
	joins     int
	now       int // reads at this moment
	peak      int // the greatest now
}

var _ syncer.Source = (*tenant)(nil)

// newTenant makes an organization with names and memberships that follow from the
// sizes.
func newTenant(users, groups, apps int) *tenant {
	t := &tenant{
		users: map[string]string{}, admins: map[string]string{}, groups: map[string]map[string]bool{},
		apps: map[string]map[syncer.Ref]bool{}, hidden: map[string]bool{}, limit: 3,
		reads: map[string]int{}, looked: map[syncer.Ref]int{},
	}
	user := func(i int) string { return fmt.Sprintf("u%03d", i%users) }
	for i := range users {
		t.users[user(i)] = fmt.Sprintf("User %d", i)
	}
	for g := range groups {
		members := map[string]bool{}
		for i := range (g * 5) % (users + 1) {
			members[user(i*7+g)] = true
		}
		t.groups[fmt.Sprintf("g%03d", g)] = members
	}
	for a := range apps {
		holders := map[syncer.Ref]bool{}
		for i := range a % 4 {
			holders[syncer.Ref{Type: "group", ID: fmt.Sprintf("g%03d", (a+i*3)%groups)}] = true
			holders[syncer.Ref{Type: "user", ID: user(a*2 + i)}] = true
		}
		t.apps[fmt.Sprintf("a%03d", a)] = holders
	}
	return t
}

func (t *tenant) ResourceTypes() []*v2.ResourceType {
	return []*v2.ResourceType{
		{Id: "app", DisplayName: "Application", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_APP}},
		{Id: "group", DisplayName: "Group", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_GROUP}},
		{Id: "role", DisplayName: "Role", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_ROLE}},
		{Id: "user", DisplayName: "User", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_USER}},
	}
}

func (t *tenant) Start(_ context.Context, scope syncer.Scope) (*syncer.Page, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.starts++
	p := &syncer.Page{Remarks: []string{"this is a test"}}
	if len(scope.Targets) > 0 {
		for _, id := range scope.Targets {
			p.Lists = append(p.Lists, syncer.List{Kind: "target", Owner: syncer.Ref{Type: id.GetResourceType(), ID: id.GetResource()}})
		}
		return p, nil
	}
	p.Resources = []*v2.Resource{resource("role", "owner", "Owner", &v2.RoleTrait{})}
	p.Entitlements = []*v2.Entitlement{entitlement("role", "owner")}
	for _, kind := range []string{"users", "admins", "groups", "applications"} {
		p.Lists = append(p.Lists, syncer.List{Kind: kind})
	}
	return p, nil
}

// tenantReceipt is what a page tells Settle.
type tenantReceipt struct {
	Total int
	IDs   []string
	Round int
}

func (t *tenant) Read(ctx context.Context, list syncer.List, token string) (*syncer.Page, error) {
	t.mu.Lock()
	t.reads[list.String()+" "+token]++
	t.now++
	t.peak = max(t.peak, t.now)
	hook := t.onRead
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		t.now--
		t.mu.Unlock()
	}()
	if hook != nil {
		if err := hook(ctx, list, token); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	skip, round := 0, 0
	if token != "" {
		if _, err := fmt.Sscanf(token, "%d/%d", &skip, &round); err != nil {
			return nil, fmt.Errorf("token %q: %w", token, err)
		}
	}
	rows, gone := t.rows(list)
	if gone {
		return &syncer.Page{Gone: true}, nil
	}
	p := &syncer.Page{Total: len(rows)}
	receipt := tenantReceipt{Total: len(rows), Round: round}
	for _, id := range rows[min(skip, len(rows)):min(skip+t.limit, len(rows))] {
		receipt.IDs = append(receipt.IDs, id)
		if err := t.row(p, list, id); err != nil {
			return nil, err
		}
	}
	if list.Kind == "target" {
		p.Settled = true
		return p, nil
	}
	p.Receipt, _ = json.Marshal(receipt)
	switch {
	case t.chains && list.Kind == "members":
		p.Total = 0
		if len(receipt.IDs) > 0 {
			p.Next = []string{fmt.Sprintf("%d/%d", skip+t.limit, round)}
		}
	case token == "":
		p.Next = t.tokens(len(rows), round)[1:]
		p.Settled = len(p.Next) == 0 && !t.unsettled
		if p.Settled {
			p.Receipt = nil
		}
	}
	return p, nil
}

// tokens names the pages of a list.
func (t *tenant) tokens(rows, round int) []string {
	tokens := []string{fmt.Sprintf("0/%d", round)}
	for skip := t.limit; skip < rows; skip += t.limit {
		tokens = append(tokens, fmt.Sprintf("%d/%d", skip, round))
	}
	return tokens
}

// rows lists the ids of a list's rows in order.
func (t *tenant) rows(list syncer.List) (ids []string, gone bool) {
	switch list.Kind {
	case "users":
		for id := range t.users {
			if !t.hidden[id] {
				ids = append(ids, id)
			}
		}
	case "admins":
		ids = slices.Collect(maps.Keys(t.admins))
	case "groups":
		for id := range t.groups {
			if !t.hidden[id] {
				ids = append(ids, id)
			}
		}
	case "applications":
		ids = slices.Collect(maps.Keys(t.apps))
	case "members":
		members, ok := t.groups[list.Owner.ID]
		gone = !ok
		ids = slices.Collect(maps.Keys(members))
	case "associations":
		holders, ok := t.apps[list.Owner.ID]
		gone = !ok
		for h := range holders {
			ids = append(ids, h.Type+"/"+h.ID)
		}
	case "target":
		ids = []string{list.Owner.ID}
	}
	slices.Sort(ids)
	return ids, gone
}

// row puts a row of a list on a page.
func (t *tenant) row(p *syncer.Page, list syncer.List, id string) error {
	switch list.Kind {
	case "users":
		p.Resources = append(p.Resources, t.user(id))
		p.Facts = append(p.Facts, syncer.Fact{Kind: "name", Key: id, Value: t.users[id]})
	case "admins":
		p.Resources = append(p.Resources, resource("user", id, "Admin "+id, &v2.UserTrait{}))
		p.Hints = append(p.Hints, resource("role", "owner", "a name that must not be seen", &v2.RoleTrait{}),
			resource("role", "helper", "Helper", &v2.RoleTrait{}))
		p.Entitlements = append(p.Entitlements, entitlement("role", "helper"))
		for _, role := range []string{"owner", "helper"} {
			p.Grants = append(p.Grants, grant("role", role, "user", id, nil))
		}
		if user := t.admins[id]; user != "" {
			p.Facts = append(p.Facts, syncer.Fact{Kind: "admin", Key: id, Value: user})
		}
	case "groups":
		p.Resources = append(p.Resources, resource("group", id, "Group "+id, &v2.GroupTrait{}))
		p.Entitlements = append(p.Entitlements, entitlement("group", id))
		p.Lists = append(p.Lists, syncer.List{Kind: "members", Owner: syncer.Ref{Type: "group", ID: id}})
	case "applications":
		p.Resources = append(p.Resources, resource("app", id, "App "+id, &v2.AppTrait{}))
		p.Entitlements = append(p.Entitlements, entitlement("app", id))
		p.Lists = append(p.Lists, syncer.List{Kind: "associations", Owner: syncer.Ref{Type: "app", ID: id}})
	case "members":
		p.Grants = append(p.Grants, grant("group", list.Owner.ID, "user", id, nil))
	case "associations":
		typ, id, _ := strings.Cut(id, "/")
		p.Grants = append(p.Grants, t.association(list.Owner.ID, typ, id))
	case "target":
		return t.target(p, list.Owner)
	}
	return nil
}

// target puts one resource with all that belongs to it on a page.
func (t *tenant) target(p *syncer.Page, r syncer.Ref) error {
	if r.Type != "app" || t.apps[r.ID] == nil {
		return fmt.Errorf("%s: %w", r, syncer.ErrNotFound)
	}
	p.Resources = append(p.Resources, resource("app", r.ID, "App "+r.ID, &v2.AppTrait{}))
	p.Entitlements = append(p.Entitlements, entitlement("app", r.ID))
	for h := range t.apps[r.ID] {
		p.Grants = append(p.Grants, t.association(r.ID, h.Type, h.ID))
	}
	return nil
}

func (t *tenant) user(id string) *v2.Resource {
	return resource("user", id, t.users[id], &v2.UserTrait{Login: id})
}

func (t *tenant) association(app, typ, id string) *v2.Grant {
	if typ != "group" {
		return grant("app", app, typ, id, nil)
	}
	return grant("app", app, typ, id, &v2.GrantExpandable{
		EntitlementIds: []string{"group:" + id}, Shallow: true, ResourceTypeIds: []string{"user"},
	})
}

// Settle finds a list complete when the pages of its last round tell one total and
// have as many different ids, and otherwise reads it again, three times at most.
func (t *tenant) Settle(_ context.Context, list syncer.List, receipts [][]byte, occasion syncer.Occasion) (syncer.Verdict, error) {
	if t.onSettle != nil {
		if verdict, ok := t.onSettle(list, receipts, occasion); ok {
			return verdict, nil
		}
	}
	rounds := map[int][]tenantReceipt{}
	last := 0
	for _, n := range receipts {
		var receipt tenantReceipt
		if err := json.Unmarshal(n, &receipt); err != nil {
			return syncer.Verdict{}, err
		}
		rounds[receipt.Round] = append(rounds[receipt.Round], receipt)
		last = max(last, receipt.Round)
	}
	ids, total, same := map[string]bool{}, rounds[last][0].Total, true
	for _, n := range rounds[last] {
		same = same && n.Total == total
		for _, id := range n.IDs {
			ids[id] = true
		}
	}
	switch {
	case t.chains && list.Kind == "members", same && len(ids) == total:
		return syncer.Verdict{}, nil
	case last == 3:
		return syncer.Verdict{}, errors.New("the list does not hold still")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	rows, _ := t.rows(list)
	return syncer.Verdict{Next: t.tokens(len(rows), last+1), Moved: true}, nil
}

func (t *tenant) Confirm(context.Context) error { return nil }

func (t *tenant) Lookup(_ context.Context, id *v2.ResourceId) (*syncer.Page, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looked[syncer.Ref{Type: id.GetResourceType(), ID: id.GetResource()}]++
	p := &syncer.Page{}
	switch {
	case id.GetResourceType() == "user" && t.users[id.GetResource()] != "":
		return p, t.row(p, syncer.List{Kind: "users"}, id.GetResource())
	case id.GetResourceType() == "group" && t.groups[id.GetResource()] != nil:
		return p, t.row(p, syncer.List{Kind: "groups"}, id.GetResource())
	}
	return nil, fmt.Errorf("%v: %w", id, syncer.ErrNotFound)
}

// hideGroup makes a group one that is found because an application is assigned to
// it only, and puts a user into it whom nothing else leads to.
func (t *tenant) hideGroup(group string) {
	t.hidden[group] = true
	t.users["u900"], t.hidden["u900"] = "User 900", true
	t.groups[group]["u900"] = true
}

// Join writes each user's number of facts into its description, and joins admins
// to the users that are the same person.
func (t *tenant) Join(ctx context.Context, _ syncer.Scope, j syncer.Joiner) error {
	t.mu.Lock()
	t.joins++
	t.mu.Unlock()
	names := map[string]string{}
	for f, err := range j.Facts(ctx, "name") {
		if err != nil {
			return err
		}
		names[f.Key] = f.Value
	}
	for r, err := range j.Resources(ctx, "user") {
		if err != nil {
			return err
		}
		if name, ok := names[r.GetId().GetResource()]; ok {
			r.Description += "known as " + name
			if err := j.Put(ctx, r); err != nil {
				return err
			}
		}
	}
	for f, err := range j.Facts(ctx, "admin") {
		if err != nil {
			return err
		}
		if err := j.Alias(ctx, syncer.Ref{Type: "user", ID: f.Key}, syncer.Ref{Type: "user", ID: f.Value}); err != nil {
			return err
		}
	}
	for _, app := range slices.Sorted(maps.Keys(t.apps)) {
		if err := j.AnnotateGrants(ctx, grantNotes(app)); err != nil {
			return err
		}
	}
	return j.Remark(ctx, strconv.Itoa(len(names))+" names")
}

// grantNotes are the annotations that Join gives to users' grants of an application: to one
// user, to all but one, to all the same, or to none.
func grantNotes(app string) syncer.GrantAnnotations {
	note := func(text string) *anypb.Any {
		return annotations(&v2.GrantMetadata{Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{"note": structpb.NewStringValue(app + text)}}})[0]
	}
	a := syncer.GrantAnnotations{Entitlement: "app:" + app, PrincipalType: "user"}
	switch app[len(app)-1] % 4 {
	case 0:
		a.Of = map[string]*anypb.Any{"u002": note(" used")}
	case 1:
		a.Of, a.Otherwise = map[string]*anypb.Any{"u002": nil, "u003": note(" used")}, note(" not used")
	case 2:
		a.Otherwise = note(" not used")
	}
	return a
}

func resource(typ, id, name string, trait proto.Message) *v2.Resource {
	return &v2.Resource{Id: &v2.ResourceId{ResourceType: typ, Resource: id}, DisplayName: name, Annotations: annotations(trait)}
}

func entitlement(typ, id string) *v2.Entitlement {
	return &v2.Entitlement{
		Id: typ + ":" + id, Slug: "member", DisplayName: id + " member",
		Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: typ, Resource: id}},
	}
}

func grant(typ, id, principalType, principal string, expandable *v2.GrantExpandable) *v2.Grant {
	g := &v2.Grant{
		Id:          strings.Join([]string{typ + "-grant", id, principalType, principal, id}, ":"),
		Entitlement: &v2.Entitlement{Id: typ + ":" + id, Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: typ, Resource: id}}},
		Principal:   &v2.Resource{Id: &v2.ResourceId{ResourceType: principalType, Resource: principal}},
	}
	if expandable != nil {
		g.Annotations = annotations(expandable)
	}
	return g
}

func annotations(m proto.Message) []*anypb.Any {
	a, err := anypb.New(m)
	if err != nil {
		panic(err) // the messages of these tests can be serialized
	}
	return []*anypb.Any{a}
}
