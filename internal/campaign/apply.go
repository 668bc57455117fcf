package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// Edge is access that an account holds itself.
type Edge struct {
	Account       Named
	Resource      Named
	EntitlementID string
}

// Planned is a revoke that passed all checks.
type Planned struct {
	// ID is that of the change in the audit trail.
	ID string
	// Effect says in a sentence what it changes, and Request what is sent.
	Effect, Request string
	// Absent says that nothing is there to be revoked.
	Absent bool
	// Send revokes, and waits until it shows. already says that nothing had to be
	// changed, and remains names the groups that still grant the access.
	Send func(context.Context) (already bool, remains []string, err error)
}

// Revoker makes revokes. Repeating one is safe.
type Revoker interface {
	// Plan checks a revoke without sending anything. An error with the code NotFound says
	// that one end does not exist any more, FailedPrecondition, Unimplemented and
	// InvalidArgument that it cannot be revoked as it is.
	Plan(ctx context.Context, e Edge) (*Planned, error)
	// Rule is the rule of a dynamic group, "" where it is not known.
	Rule(ctx context.Context, groupID string) string
}

// ApplyOptions say how revokes are carried out.
type ApplyOptions struct {
	By     string
	DryRun bool
	// Leave names the groups that accounts may be taken out of to end inherited access.
	Leave []string
	// Each is told of every item when it is done.
	Each func(Applied)
}

// Applied is what became of the revoke of an item.
type Applied struct {
	Row     `json:"-"`
	Item    int    `json:"item"`
	Account string `json:"account"`
	Access  string `json:"access"`
	Result  Result `json:"result"`
	// Effects and Requests are what was or would be sent.
	Effects  []string `json:"effects,omitempty"`
	Requests []string `json:"requests,omitempty"`
	Detail   string   `json:"detail,omitempty"`
	// Groups are those that would have to be left, and Ends what else ends with them.
	Groups []string `json:"groups,omitempty"`
	Ends   []string `json:"ends,omitempty"`
	Err    error    `json:"-"`
}

// Apply carries the revokes of a closed review out, one after the other, each at most
// once: what was revoked is not revoked again, whoever was granted it since. It can be
// repeated after any end. The error is what ended it early.
func (f *File) Apply(ctx context.Context, r Revoker, o ApplyOptions) error {
	if err := f.Ready(o.DryRun); err != nil {
		return err
	}
	rows := f.Rows()
	if err := checkLeave(rows, o.Leave); err != nil {
		return err
	}
	run := &applying{f: f, r: r, o: &o, rows: rows, made: map[Edge]bool{}}
	for i := range rows {
		if rows[i].Decision != Revoke || rows[i].Result.Final() {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		done, err := run.item(ctx, &rows[i])
		if err != nil {
			return err
		}
		o.Each(done)
	}
	return nil
}

// Ready refuses to carry the revokes of an open review out; they can be shown.
func (f *File) Ready(dryRun bool) error {
	if f.Closed() != nil || dryRun {
		return nil
	}
	return fault.WithHints(
		fault.WithCode(codes.FailedPrecondition, "review %s is not closed: its decisions may still change", f.path),
		"close it first: baton-jumpcloud review close "+f.path+" --evidence evidence.zip",
	)
}

// checkLeave refuses the name of a group that no revoke is inherited from.
func checkLeave(rows []Row, leave []string) error {
	for _, name := range leave {
		if !slices.ContainsFunc(rows, func(r Row) bool { return r.Decision == Revoke && r.comesVia(name) }) {
			return fault.WithHints(fault.WithCode(codes.NotFound, "no revoke is inherited via %q", name), "see the groups with --dry-run")
		}
	}
	return nil
}

type applying struct {
	f    *File
	r    Revoker
	o    *ApplyOptions
	rows []Row
	made map[Edge]bool // in this run: a group that is left ends several items
}

// item carries one revoke out.
func (a *applying) item(ctx context.Context, row *Row) (Applied, error) {
	done := Applied{Row: *row, Item: row.Item.ID, Account: row.Account.Name, Access: row.Resource.Name + " " + row.Entitlement}
	edges, offered := a.edges(ctx, row, &done)
	already := true
	for _, edge := range edges {
		sent, err := a.edge(ctx, row, edge, &done)
		if err != nil {
			return done, err
		}
		already = already && !sent
		if done.Result != ResultNone {
			break
		}
	}
	switch {
	case done.Result != ResultNone:
	case offered != ResultNone:
		done.Result = offered
	case already:
		done.Result = ResultAlready
	default:
		done.Result = ResultRevoked
	}
	if a.o.DryRun {
		return done, nil
	}
	err := a.f.record(ctx, &Event{
		At: a.f.now(), By: a.o.By, Action: ActionResult, Item: row.Item.ID, Result: done.Result, Detail: done.text(),
	})
	return done, err
}

// text is the detail of a result in the log.
func (d *Applied) text() string {
	text := d.Detail
	if len(d.Ends) > 0 {
		text = strings.TrimPrefix(text+"; also ends: "+strings.Join(d.Ends, ", "), "; ")
	}
	return text
}

// edges are the revokes of an item that may be made, and what is left to a person.
func (a *applying) edges(ctx context.Context, row *Row, done *Applied) (edges []Edge, offered Result) {
	if row.Direct {
		if row.Dynamic {
			done.Detail = a.ruleText(ctx, row.Resource)
			return nil, ResultDynamic
		}
		edges = append(edges, Edge{row.Account.Named, row.Resource, row.EntitlementID})
	}
	var steps []Edge
	var rules []string
	for i := range row.Steps {
		s := &row.Steps[i]
		done.Groups = append(done.Groups, s.Name)
		allowed := slices.ContainsFunc(a.o.Leave, func(name string) bool { return s.isNamed(name) })
		switch {
		case s.Dynamic:
			rules = append(rules, a.ruleText(ctx, s.Named))
		case !allowed:
			offered = ResultOffered
		default:
			steps = append(steps, Edge{row.Account.Named, s.Named, s.EntitlementID})
		}
	}
	if len(row.Steps) == 0 {
		return edges, ResultNone
	}
	for _, e := range row.Ends {
		done.Ends = append(done.Ends, e.Name+a.decided(row, e.EntitlementID))
	}
	switch conflict := a.conflict(row); {
	case offered != ResultNone:
		done.Detail = "inherited via " + strings.Join(done.Groups, ", ") + ": ends when the account leaves " + allOf(done.Groups)
	case conflict != "":
		done.Detail, offered = conflict, ResultRefused
	case len(rules) > 0:
		offered = ResultDynamic
	}
	if len(rules) > 0 {
		done.Detail = strings.TrimPrefix(done.Detail+"; "+strings.Join(rules, "; "), "; ")
	}
	if offered != ResultNone {
		// Leaving some of the groups would end other access and not this one.
		return edges, offered
	}
	return append(edges, steps...), ResultNone
}

func allOf(groups []string) string {
	if len(groups) == 1 {
		return "that group"
	}
	return "all of them"
}

// isNamed reports whether a text names a step.
func (s *Step) isNamed(text string) bool {
	return text == s.EntitlementID || text == s.ID || text == s.Type+":"+s.ID || search.Fold(text) == search.Fold(s.Name)
}

// ruleText says what decides the access of a dynamic group.
func (a *applying) ruleText(ctx context.Context, group Named) string {
	text := group.Name + " is a dynamic group: change its rule or the account's attributes"
	if rule := a.r.Rule(ctx, group.ID); rule != "" {
		text += " (rule: " + rule + ")"
	}
	return text
}

// decided says what was decided about other access of an account.
func (a *applying) decided(row *Row, entitlement string) string {
	if other := a.other(row, entitlement); other != nil && other.Decision != Undecided {
		return fmt.Sprintf(" (item %d: %s)", other.Item.ID, other.Decision)
	}
	return ""
}

// other is the item of the same account about another entitlement, nil without one.
func (a *applying) other(row *Row, entitlement string) *Row {
	for i := range a.rows {
		if r := &a.rows[i]; r.EntitlementID == entitlement && r.Account.ID == row.Account.ID && r.Account.Type == row.Account.Type {
			return r
		}
	}
	return nil
}

// conflict says which access that is to be kept would end with a revoke.
func (a *applying) conflict(row *Row) string {
	ends := make([]string, 0, len(row.Ends)+len(row.Steps))
	for _, e := range row.Ends {
		ends = append(ends, e.EntitlementID)
	}
	for i := range row.Steps {
		ends = append(ends, row.Steps[i].EntitlementID)
	}
	for _, id := range ends {
		if other := a.other(row, id); other != nil && (other.Decision == Keep || other.Decision == Exception) {
			return fmt.Sprintf("would also end %s %s, which item %d keeps", other.Resource.Name, other.Entitlement, other.Item.ID)
		}
	}
	return ""
}

// edge makes one revoke. It reports whether something was sent that changed JumpCloud. The
// result is set where it did not come to an end; the error ends everything.
func (a *applying) edge(ctx context.Context, row *Row, e Edge, done *Applied) (sent bool, err error) {
	if slices.Contains(row.Revoked, e.EntitlementID) || a.made[e] {
		return true, nil
	}
	plan, err := a.r.Plan(ctx, e)
	if err != nil {
		return false, a.refused(ctx, err, done)
	}
	done.Effects = append(done.Effects, plan.Effect)
	if plan.Request != "" {
		done.Requests = append(done.Requests, plan.Request)
	}
	if a.o.DryRun {
		a.made[e] = !plan.Absent
		return !plan.Absent, nil
	}
	// The intent is on the disk before anything is sent.
	if err := a.f.record(ctx, &Event{At: a.f.now(), By: a.o.By, Action: ActionStarted, Item: row.Item.ID, Change: plan.ID, Entitlement: e.EntitlementID, Detail: plan.Effect}); err != nil {
		return false, err
	}
	already, remains, err := plan.Send(ctx)
	if err != nil {
		return false, a.refused(ctx, err, done)
	}
	if err := a.f.record(ctx, &Event{At: a.f.now(), By: a.o.By, Action: ActionRevoked, Item: row.Item.ID, Change: plan.ID, Entitlement: e.EntitlementID}); err != nil {
		return false, err
	}
	if len(remains) > 0 && len(row.Steps) == 0 {
		done.Result, done.Groups = ResultOffered, remains
		done.Detail = "the direct access is revoked; the access remains via " + strings.Join(remains, ", ")
	}
	a.made[e] = !already
	return !already, nil
}

// refused is the result of an error. What would fail for every item alike ends everything.
func (a *applying) refused(ctx context.Context, err error, done *Applied) error {
	code := fault.Code(err)
	if ctx.Err() != nil || code == codes.Unauthenticated || code == codes.Canceled {
		return err
	}
	done.Err, done.Detail = err, err.Error()
	switch code {
	case codes.NotFound:
		done.Err = nil // One end is gone, and the access with it.
		done.Result = ResultAlready
	case codes.FailedPrecondition, codes.Unimplemented, codes.InvalidArgument, codes.PermissionDenied:
		done.Result = ResultRefused
	default:
		done.Result = ResultFailed
	}
	return nil
}

// record adds an event, also when the work was just interrupted: what was sent is known.
func (f *File) record(ctx context.Context, e *Event) error {
	err := f.change(context.WithoutCancel(ctx), func() ([]*Event, error) { return []*Event{e}, nil })
	if err != nil {
		return errors.Join(errors.New("the outcome could not be recorded in the review"), err)
	}
	return nil
}
