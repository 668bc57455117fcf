package feed

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/signin"
)

const (
	eventAssociation = "association_change"
	typeAdmin        = "admin"
)

// changed are the events after which a resource differs, by the first part of their names,
// which is also the kind of the resource (JumpCloud Directory Insights, event types).
func changed() map[string][]string {
	return map[string][]string{
		"user": {
			"create", "update", "delete", "activated", "suspended", "unsuspended", "lockout", "unlocked",
			"password_change", "password_set", "password_expired", "admin_granted", "admin_revoked",
		},
		typeAdmin:     {"create", "update", "delete", "lockout", "suspended", "unsuspend", "password_change"},
		"group":       {"create", "update", "delete"},
		"application": {"create", "update", "delete"},
		"system":      {"create", "update", "delete"},
	}
}

// changeTypes are the events that the feed of changes reads.
func changeTypes() []string {
	types := []string{eventAssociation}
	for kind, ends := range changed() {
		for _, end := range ends {
			types = append(types, kind+"_"+end)
		}
	}
	slices.Sort(types)
	return types
}

// usageTypes are the events that the feed of sign-ins reads.
func usageTypes() []string {
	return signin.Types()
}

// change is what an event of the feed of changes becomes.
func (r *Reader) change(e jumpcloud.Event) *v2.Event {
	if e.Type == eventAssociation {
		return r.association(e)
	}
	kind, _, _ := strings.Cut(e.Type, "_")
	if kind == typeAdmin && r.SkipAdmins {
		return nil
	}
	if kind == "group" && e.Resource.Type == jumpcloud.TypeDeviceGroup {
		kind = jumpcloud.TypeDeviceGroup
	}
	return r.differs(e, kind, e.Resource.ID)
}

// association is what an edge that came or went becomes. Only membership of a group, and
// what a group has, is told as a grant: a user whom an application is taken from can have
// it through a group still.
func (r *Reader) association(e jumpcloud.Event) *v2.Event {
	if e.Association == nil {
		return nil
	}
	a, b := e.Association.From, e.Association.To
	if rank(a) < rank(b) {
		a, b = b, a
	}
	member := a.Type == jumpcloud.TypeUserGroup && restypeOf(b.Type) == restype.User
	assigned := a.Type == jumpcloud.TypeApplication && b.Type == jumpcloud.TypeUserGroup
	if op := e.Association.Op; op != "add" && op != "remove" || !member && !assigned {
		return r.differs(e, a.Type, a.ID)
	}
	resource, principal := r.named(a.Type, a), r.named(b.Type, b)
	if resource == nil || principal == nil {
		return nil
	}
	entitlement := connector.EntitlementsOf(resource)[0]
	told := event(e)
	if e.Association.Op == "add" {
		told.Event = &v2.Event_CreateGrantEvent{CreateGrantEvent: &v2.CreateGrantEvent{Entitlement: entitlement, Principal: principal}}
	} else {
		told.Event = &v2.Event_CreateRevokeEvent{CreateRevokeEvent: &v2.CreateRevokeEvent{Entitlement: entitlement, Principal: principal}}
	}
	return told
}

// rank orders the ends of an edge: what is had comes before who has it.
func rank(o jumpcloud.EventObject) int {
	switch restypeOf(o.Type) {
	case restype.User:
		return 0
	case restype.Group:
		return 1
	case restype.DeviceGroup:
		return 3
	case "":
		return -1
	default:
		return 2
	}
}

// usage is what a sign-in becomes: one to an application, or one to JumpCloud itself.
func (r *Reader) usage(e jumpcloud.Event) *v2.Event {
	account, ok := signin.AccountOf(e)
	if !ok || e.Type == signin.EventAdmin && r.SkipAdmins {
		return nil
	}
	target := connector.AdministrationApp()
	if e.Type == signin.EventSSO {
		target = r.named(jumpcloud.TypeApplication, e.Application)
	}
	actor := r.named(jumpcloud.TypeUser, account)
	if target == nil || actor == nil || !slices.Contains(r.Types, restype.App) {
		return nil
	}
	told := event(e)
	told.Event = &v2.Event_UsageEvent{UsageEvent: &v2.UsageEvent{TargetResource: target, ActorResource: actor}}
	return told
}

// differs says that a resource is another one now; nil where its type is not synced.
func (r *Reader) differs(e jumpcloud.Event, kind, id string) *v2.Event {
	resource := r.named(kind, jumpcloud.EventObject{ID: id})
	if resource == nil {
		return nil
	}
	told := event(e)
	told.Event = &v2.Event_ResourceChangeEvent{ResourceChangeEvent: &v2.ResourceChangeEvent{ResourceId: resource.GetId()}}
	return told
}

// named is an object of an event as a resource, as far as the event tells; nil where its
// type is not synced.
func (r *Reader) named(kind string, o jumpcloud.EventObject) *v2.Resource {
	t := restypeOf(kind)
	if o.ID == "" || !slices.Contains(r.Types, t) {
		return nil
	}
	resource := &v2.Resource{Id: &v2.ResourceId{ResourceType: t, Resource: o.ID}, DisplayName: o.Name}
	if o.Name == "" {
		resource.DisplayName = o.ID
	}
	if t == restype.User {
		trait := &v2.UserTrait{Login: o.Name}
		if o.Email != "" {
			trait.Emails = []*v2.UserTrait_Email{{Address: o.Email, IsPrimary: true}}
		}
		resource.Annotations = connector.Annotations(trait)
	}
	return resource
}

// restypeOf is the resource type of a kind of objects; "" where there is none. Documents and
// samples call a user differently.
func restypeOf(kind string) string {
	switch kind {
	case jumpcloud.TypeUser, "systemuser", typeAdmin:
		return restype.User
	case jumpcloud.TypeUserGroup, "group":
		return restype.Group
	}
	for _, bound := range connector.BoundKinds() {
		if bound.Graph == kind {
			return bound.Type
		}
	}
	return ""
}

// event is an event that tells nothing yet.
func event(e jumpcloud.Event) *v2.Event {
	return &v2.Event{Id: e.ID, OccurredAt: timestamppb.New(e.Time)}
}
