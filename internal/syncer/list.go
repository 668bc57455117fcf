package syncer

import (
	"cmp"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// String names the list in messages: "users", "group members (group 5f1a)".
func (l List) String() string {
	name := cmp.Or(l.Label, l.Kind)
	if l.Owner == (Ref{}) {
		return name
	}
	return name + " (" + l.Owner.String() + ")"
}

// String names the resource in messages: "group 5f1a".
func (r Ref) String() string { return r.Type + " " + r.ID }

func (r Ref) id() *v2.ResourceId {
	return &v2.ResourceId{ResourceType: r.Type, Resource: r.ID}
}
