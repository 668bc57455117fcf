package portal

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// maxHolders bounds the holders on the page of a change.
const maxHolders = 200

// holder is somebody who holds an entitlement directly.
type holder struct{ Grant, Name, Email, Of string }

// changePage is the page on which access is granted and revoked.
type changePage struct {
	Tabs                  []tab
	Entitlement, ID, Of   string
	Action                string
	Holders               []holder
	More                  bool
	Tasks                 []taskRow
	HasOpen, HasConnector bool
}

// taskRow is a change that was asked for.
type taskRow struct{ What, State, Tone, Result string }

// entitled is what the application in the path shows, and an entitlement in it.
func (p *Portal) entitled(req *request, id string) (n *shown, e *v2.Entitlement, done func(), err error) {
	n, done = p.shelf.use(req.number())
	if n == nil {
		return nil, nil, done, errNoPage
	}
	e, err = n.reader.Entitlement(req.r.Context(), n.sync, id)
	if errors.Is(err, c1z.ErrNotFound) {
		err = errNoPage
	}
	return n, e, done, err
}

func (p *Portal) showChange(req *request) error {
	ctx := req.r.Context()
	n, e, done, err := p.entitled(req, req.r.URL.Query().Get("entitlement"))
	defer done()
	if err != nil {
		return err
	}
	page := changePage{Entitlement: e.GetDisplayName(), ID: e.GetId(), Of: e.GetResource().GetDisplayName(), Action: appURL(req.number()) + "/change"}
	for g, err := range n.reader.Grants(ctx, n.sync, c1z.GrantFilter{Entitlement: e.GetId()}) {
		if err != nil {
			return err
		}
		if isInherited(g) {
			continue
		}
		if len(page.Holders) == maxHolders {
			page.More = true
			break
		}
		who := n.principal(ctx, g)
		page.Holders = append(page.Holders, holder{g.GetId(), who.GetDisplayName(), emailOf(who), who.GetId().GetResourceType()})
	}
	slices.SortFunc(page.Holders, func(a, b holder) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	p.mu.Lock()
	a := p.state.app(req.number())
	if c := p.state.connectorOf(req.number()); p.canChange(c) {
		page.HasConnector = true
		page.Tasks, page.HasOpen = p.changesOf(c)
	}
	p.mu.Unlock()
	page.Tabs = tabsOf(a, tabEntitlements)
	req.title, req.section, req.live = "Grant or revoke", "applications", page.HasOpen
	return p.render(req, "change", page)
}

// canChange reports whether a connector can be asked for changes.
func (p *Portal) canChange(c *connector) bool {
	return c != nil && !c.Disabled && (c.Kind == kindCloudHosted && c.Settings != nil || p.clients[c.ID] != nil)
}

// changesOf are the changes that a connector was asked for, the newest first.
func (p *Portal) changesOf(c *connector) (rows []taskRow, open bool) {
	if c.Kind == kindCloudHosted {
		for _, row := range slices.Backward(p.changes[c.ID]) {
			rows = append(rows, *row)
			open = open || row.State == "Waiting" || row.State == "Running"
		}
		return rows, open
	}
	for _, t := range p.clients[c.ID].Tasks() {
		if t.Task.GetGrant() == nil && t.Task.GetRevoke() == nil {
			continue
		}
		r := taskRow{What: taskName(t.Task), State: "Waiting", Tone: "plain"}
		switch {
		case isOpen(t):
			open = true
			if t.HandedOut > 0 {
				r.State, r.Tone = "Running", "warn"
			}
		case hasFailed(t):
			r.State, r.Tone, r.Result = "Failed", "bad", t.Result.GetStatus().GetMessage()
		default:
			r.State, r.Tone = "Done", "good"
		}
		rows = append(rows, r)
	}
	slices.Reverse(rows)
	return rows, open
}

// principal is who has a grant, whole where the archive has it.
func (s *shown) principal(ctx context.Context, g *v2.Grant) *v2.Resource {
	id := g.GetPrincipal().GetId()
	if r, err := s.reader.Resource(ctx, s.sync, id.GetResourceType(), id.GetResource()); err == nil {
		return r
	}
	r := proto.CloneOf(g.GetPrincipal())
	if r.GetDisplayName() == "" {
		r.DisplayName = id.GetResourceType() + ":" + id.GetResource()
	}
	return r
}

// isInherited reports whether a grant follows from others only.
func isInherited(g *v2.Grant) bool {
	for direct := range g.GetSources().GetSources() {
		if direct == g.GetEntitlement().GetId() {
			return false
		}
	}
	return len(g.GetSources().GetSources()) > 0
}

// change queues a grant or a revoke.
func (p *Portal) change(req *request) error {
	form, err := formOf(req)
	if err != nil {
		return err
	}
	ctx := req.r.Context()
	n, e, done, err := p.entitled(req, form.Get("entitlement"))
	defer done()
	if err != nil {
		return err
	}
	var task *pb.Task
	if id := form.Get("revoke"); id != "" {
		g, err := n.reader.Grant(ctx, n.sync, id)
		if err != nil {
			return &inputError{"the grant is no longer in the archive"}
		}
		g.Principal, g.Entitlement = n.principal(ctx, g), e
		task = &pb.Task{TaskType: &pb.Task_Revoke{Revoke: &pb.Task_RevokeTask{Grant: g}}}
	} else {
		who, err := n.named(ctx, form.Get("who"), e)
		if err != nil {
			return err
		}
		task = &pb.Task{TaskType: &pb.Task_Grant{Grant: &pb.Task_GrantTask{Entitlement: e, Principal: who}}}
	}
	err = p.locked(func() error {
		c := p.state.connectorOf(req.number())
		if !p.canChange(c) {
			return &inputError{"no connector of this application can be asked"}
		}
		c.log("%s requested", taskName(task))
		if c.Kind == kindSelfHosted {
			p.clients[c.ID].Enqueue(task)
			return nil
		}
		row := &taskRow{What: taskName(task), State: "Waiting", Tone: "plain"}
		p.changes[c.ID] = append(p.changes[c.ID], row)
		p.waiting = append(p.waiting, hostedChange{c.ID, task, row})
		return nil
	})
	if err != nil {
		return err
	}
	return req.goTo(changeURL(req.number(), e.GetId()))
}

// named finds the account or group that a person means: by its ID, name, login or
// email address.
func (s *shown) named(ctx context.Context, who string, e *v2.Entitlement) (*v2.Resource, error) {
	who = strings.TrimSpace(who)
	if who == "" {
		return nil, &inputError{"who: fill in a name, an email address, a login or an ID"}
	}
	var found []*v2.Resource
	kinds := []string{restype.User, restype.Group}
	if len(e.GetGrantableTo()) > 0 {
		kinds = nil
	}
	for _, t := range e.GetGrantableTo() {
		kinds = append(kinds, t.GetId())
	}
	for _, kind := range kinds {
		for r, err := range s.reader.Resources(ctx, s.sync, c1z.ResourceFilter{Type: kind}) {
			if err != nil {
				return nil, err
			}
			if isNamed(r, who) {
				found = append(found, r)
			}
		}
	}
	switch len(found) {
	case 0:
		return nil, &inputError{"who: no " + strings.Join(kinds, " or ") + " of that name, email address, login or ID is in the archive"}
	case 1:
		return found[0], nil
	default:
		var names []string
		for _, r := range found[:min(len(found), 5)] {
			names = append(names, r.GetDisplayName()+" ("+r.GetId().GetResourceType()+" "+r.GetId().GetResource()+")")
		}
		return nil, &inputError{"who: several are meant; fill in the ID of one: " + strings.Join(names, ", ")}
	}
}

func isNamed(r *v2.Resource, who string) bool {
	if r.GetId().GetResource() == who || strings.EqualFold(r.GetDisplayName(), who) {
		return true
	}
	user := userOf(r)
	return strings.EqualFold(user.GetLogin(), who) ||
		slices.ContainsFunc(user.GetEmails(), func(m *v2.UserTrait_Email) bool { return strings.EqualFold(m.GetAddress(), who) })
}

// userOf is what an account says of itself; nil for anything else.
func userOf(r *v2.Resource) *v2.UserTrait {
	for _, a := range r.GetAnnotations() {
		if user := new(v2.UserTrait); a.MessageIs(user) && a.UnmarshalTo(user) == nil {
			return user
		}
	}
	return nil
}

// emailOf is the first address of an account.
func emailOf(r *v2.Resource) string {
	for _, m := range userOf(r).GetEmails() {
		return m.GetAddress()
	}
	return ""
}
