package provision

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/segmentio/ksuid"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// Operation is what a change does.
type Operation string

// The operations.
const (
	OperationGrant  Operation = "grant"
	OperationRevoke Operation = "revoke"
	OperationCreate Operation = "create"
	OperationUpdate Operation = "update"
	OperationDelete Operation = "delete"
	// The rest are updates of users that JumpCloud has requests of their own for.

	OperationEnable         Operation = "enable"
	OperationDisable        Operation = "disable"
	OperationActivate       Operation = "activate"
	OperationUnlock         Operation = "unlock"
	OperationResetMFA       Operation = "reset_mfa"
	OperationExpirePassword Operation = "expire_password"
	OperationSetPassword    Operation = "set_password"
	OperationMailActivation Operation = "resend_activation"
	OperationSchedule       Operation = "schedule_suspension"
)

// Named is a resource as people know it.
type Named struct {
	Type string `json:"type"` // resource type id
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// String writes the resource for messages: `group "Sales" (65a0…)`.
func (n Named) String() string {
	if n.ID == "" && n.Name != "" {
		return fmt.Sprintf("%s %q", n.Type, n.Name)
	}
	if n.Name == "" || n.Name == n.ID {
		return n.Type + " " + n.ID
	}
	return fmt.Sprintf("%s %q (%s)", n.Type, n.Name, n.ID)
}

// Request is one HTTP request as it would be sent.
type Request struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Body   json.RawMessage `json:"body"`
}

// Field is one attribute that a change sets, under the name of JumpCloud's API. A value
// that is secret prints as redacted.
type Field struct {
	Name   string `json:"name"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

// Change is one change of JumpCloud: an edge of its graph to be made or to be taken away,
// attributes of an object, or an object itself.
type Change struct {
	// ID is a KSUID, unique to each plan.
	ID        string    `json:"id"`
	Operation Operation `json:"operation"`
	// Entitlement and Principal are those of an edge; empty for any other change.
	Entitlement string  `json:"entitlement,omitempty"` // entitlement id
	Resource    Named   `json:"resource"`              // what is changed, or the far end of the edge
	Principal   Named   `json:"principal,omitzero"`
	Request     Request `json:"request"`
	// Fields are the attributes that are set, ordered by name.
	Fields []Field `json:"fields,omitempty"`
	// Undo is a command that takes the change back, or why there is none; empty for an
	// edge, whose inverse is at hand.
	Undo string `json:"undo,omitempty"`
	// Action names the action that the change is a step of, and Run the time that it was
	// invoked.
	Action string `json:"action,omitempty"`
	Run    string `json:"run,omitempty"`
	// Task is the id of ConductorOne's task that the change is for, "" for one from
	// the command line.
	Task string `json:"task,omitempty"`
}

// newChange reads what is asked for. The entitlement's id and its resource must
// agree; a request that holds only the id is completed from it.
func newChange(op Operation, principal *v2.Resource, entitlement *v2.Entitlement) (Change, error) {
	resource, who := entitlement.GetResource().GetId(), principal.GetId()
	if resource == nil {
		resourceType, id, _ := strings.Cut(entitlement.GetId(), ":")
		resource = &v2.ResourceId{ResourceType: resourceType, Resource: id}
	}
	switch {
	case isExternal(entitlement.GetResource()) || isExternal(principal):
		return Change{}, fault.Invalid("cannot %s entitlement on external resource", op)
	case entitlement.GetId() == "":
		return Change{}, fault.Invalid("missing entitlement")
	case who.GetResourceType() == "" || who.GetResource() == "":
		return Change{}, fault.Invalid("missing principal")
	case entitlement.GetId() != restype.EntitlementID(resource.GetResourceType(), resource.GetResource()) &&
		Change{Resource: Named{Type: resource.GetResourceType(), ID: resource.GetResource()}, Entitlement: entitlement.GetId()}.slug() == "":
		return Change{}, fault.Invalid("entitlement %q is not one of %s %q; sync again",
			entitlement.GetId(), resource.GetResourceType(), resource.GetResource())
	}
	return Change{
		ID:          ksuid.New().String(),
		Operation:   op,
		Entitlement: entitlement.GetId(),
		Resource: Named{
			Type: resource.GetResourceType(), ID: resource.GetResource(),
			Name: printable.Clip(entitlement.GetResource().GetDisplayName(), connector.MaxDisplayName),
		},
		Principal: Named{
			Type: who.GetResourceType(), ID: who.GetResource(),
			Name: printable.Clip(principal.GetDisplayName(), connector.MaxDisplayName),
		},
	}, nil
}

// edgeRequest is how JumpCloud takes a change of its graph: an operation posted to
// the list of one end.
func edgeRequest(op Operation, path, principalType, principalID string) Request {
	verb := "add"
	if op == OperationRevoke {
		verb = "remove"
	}
	// Marshaling three texts cannot fail.
	body, _ := json.Marshal(struct {
		Op   string `json:"op"`
		Type string `json:"type"`
		ID   string `json:"id"`
	}{verb, principalType, principalID})
	return Request{Method: "POST", Path: path, Body: body}
}

// Plan is a change that passed all checks, as data to show or to apply.
type Plan struct {
	Change
	// State is what JumpCloud holds now; empty until [Provisioner.Inspect].
	State State `json:"state,omitempty"`
	// Inherited names the groups that confer the access besides, as far as it was
	// looked up.
	Inherited []Named `json:"inherited,omitempty"`
	// Replaced are the roles that a granted one takes the place of.
	Replaced []Named `json:"replaced,omitempty"`
	// Along is the id of another entitlement of the resource that comes or goes with the
	// change, "" for none.
	Along string `json:"along,omitempty"`

	// graph is the kind of the resource in JumpCloud's graph, where it has bindings.
	graph string
	// account is the administrator who holds a role that a user was granted.
	account Named
	effect  effect
	policy  policy
}

// State tells whether JumpCloud is as a plan makes it.
type State string

// The states.
const (
	StateMade State = "made"
	StateOpen State = "open"
)

// IsAccess reports whether the change is a grant or a revoke.
func (c Change) IsAccess() bool {
	return c.Operation == OperationGrant || c.Operation == OperationRevoke
}

// Holding is what having the resource is called: "membership of".
func (c Change) Holding() string {
	if c.slug() == connector.SlugAdmin {
		return "administration (sudo) of"
	}
	t, _ := restype.Find(c.Resource.Type)
	return t.Holding
}

// Effect says in one sentence what applying the plan changes.
func (p *Plan) Effect() string {
	if !p.IsAccess() {
		if p.State == StateMade {
			return "no change needed: " + p.summary()
		}
		return p.summary()
	}
	verb, settled := "gets", "present"
	if p.Operation == OperationRevoke {
		verb, settled = "loses", "absent"
	}
	noun := p.Holding()
	sentence := fmt.Sprintf("%s %s %s %s", p.Principal, verb, noun, p.Resource)
	if p.State == StateMade {
		sentence = fmt.Sprintf("no change needed: for %s, %s %s is already %s", p.Principal, noun, p.Resource, settled)
	}
	if len(p.Replaced) > 0 && p.State != StateMade {
		sentence += ", in place of " + names(p.Replaced)
	}
	if p.Along != "" && p.State != StateMade {
		sentence += ", and " + Change{Resource: p.Resource, Entitlement: p.Along}.Holding() + " it"
	}
	if p.Operation == OperationRevoke && len(p.Inherited) > 0 {
		sentence += "; access remains via " + names(p.Inherited)
	}
	return sentence
}

// summary says what becomes of an object: `update user "Ana" (65…): department "Sales" -> "IT"`.
func (c Change) summary() string {
	text := strings.ReplaceAll(string(c.Operation), "_", " ") + " " + c.Resource.String()
	var fields []string
	for _, f := range c.Fields {
		before, _ := json.Marshal(f.Before)
		after, _ := json.Marshal(f.After)
		fields = append(fields, fmt.Sprintf("%s %s -> %s", f.Name, before, after))
	}
	if len(fields) > 0 {
		text += ": " + strings.Join(fields, ", ")
	}
	return text
}

// grant is the grant that a granted plan leads to.
func (p *Plan) grant() *v2.Grant {
	holder := p.holder()
	who := &v2.ResourceId{ResourceType: holder.Type, Resource: holder.ID}
	g := connector.DirectGrant(p.Resource.Type, p.Resource.ID, who)
	if slug := p.slug(); slug != "" {
		g = connector.DirectDeviceGrant(p.Resource.ID, slug, who)
	}
	g.Entitlement.Resource.DisplayName = p.Resource.Name
	g.Principal.DisplayName = holder.Name
	return g
}

// holder is who holds what a plan grants, as the next sync shows it.
func (p *Plan) holder() Named {
	if p.account.ID != "" {
		return p.account
	}
	return p.Principal
}

// names writes resources for messages.
func names(list []Named) string {
	words := make([]string, 0, len(list))
	for _, n := range list {
		words = append(words, n.String())
	}
	return printable.Enumerate(words, 10)
}

// inheritedMetadata tells ConductorOne which groups still confer an access.
func inheritedMetadata(groups []Named) *v2.GrantMetadata {
	list := &structpb.ListValue{}
	for _, g := range groups {
		list.Values = append(list.Values, structpb.NewStringValue(printable.Clean(g.String())))
	}
	return &v2.GrantMetadata{Metadata: &structpb.Struct{
		Fields: map[string]*structpb.Value{"still_conferred_by": structpb.NewListValue(list)},
	}}
}
