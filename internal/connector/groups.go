package connector

import (
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// groupResource maps a user group (JumpCloud API v2, /usergroups).
func groupResource(g *jumpcloud.UserGroup) (*v2.Resource, error) {
	if err := checkID(restype.Group, g.ID, g.Name); err != nil {
		return nil, err
	}
	p := profile{}
	p.text("type", g.Type)
	p.text("email", g.Email)
	p.text("membership_method", g.MembershipMethod)
	r := &v2.Resource{
		Id:          resourceID(restype.Group, g.ID),
		DisplayName: GroupName(g),
		Description: printable.Clip(g.Description, maxDescription),
		Profile:     p.message(),
	}
	r.Annotations = Annotations(&v2.GroupTrait{Profile: r.GetProfile()}) //nolint:staticcheck // For older readers.
	return r, nil
}

// GroupName is the display name of a group.
func GroupName(g *jumpcloud.UserGroup) string {
	return printable.Clip(firstText(g.Name, g.ID), MaxDisplayName)
}

// groupEntitlement is membership of a group. Nobody can be put into a dynamic
// group or out of it by hand: its rule would undo it.
func groupEntitlement(g *jumpcloud.UserGroup) *v2.Entitlement {
	name := firstText(g.Name, g.ID)
	e := &v2.Entitlement{
		Resource:    &v2.Resource{Id: resourceID(restype.Group, g.ID), DisplayName: GroupName(g)},
		Id:          restype.EntitlementID(restype.Group, g.ID),
		Slug:        slugMember,
		Purpose:     v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT,
		DisplayName: printable.Clip(name+" member", MaxDisplayName),
		Description: printable.Clip("Member of the JumpCloud group "+name, maxDescription),
		GrantableTo: []*v2.ResourceType{userType()},
	}
	if IsDynamic(g) {
		e.Annotations = Annotations(&v2.EntitlementImmutable{})
	}
	return e
}

// IsDynamic reports whether a rule decides who belongs to a group: JumpCloud's
// membership methods DYNAMIC_AUTOMATED and DYNAMIC_REVIEW_REQUIRED.
func IsDynamic(g *jumpcloud.UserGroup) bool {
	return strings.HasPrefix(identity.Fold(g.MembershipMethod), "dynamic")
}

// knownMembership reports whether a group's membership method is one that JumpCloud
// is known to have. Data older than the field has none.
func knownMembership(g *jumpcloud.UserGroup) bool {
	switch identity.Fold(g.MembershipMethod) {
	case "", "notset", "static", "dynamic_review_required", "dynamic_automated":
		return true
	default:
		return false
	}
}

// memberGrants are the memberships of one page of a group's members (JumpCloud API
// v2, /usergroups/{id}/members). Members of other kinds than users, which
// JumpCloud does not have today, are returned apart.
func memberGrants(groupID string, dynamic bool, members []jumpcloud.Connection) (grants []*v2.Grant, others []string) {
	granted := grantedEntitlement(restype.Group, groupID)
	grants = make([]*v2.Grant, 0, len(members))
	for _, m := range members {
		if m.Type != jumpcloud.TypeUser {
			others = append(others, m.Type)
			continue
		}
		g := directGrant(granted, resourceID(restype.User, m.ID))
		if dynamic {
			g.Annotations = Annotations(&v2.GrantImmutable{})
		}
		grants = append(grants, g)
	}
	return grants, others
}
