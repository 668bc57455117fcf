package connector

import (
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// adminResource maps an administrator (JumpCloud API v1, /users) to an account of
// its own: JumpCloud keeps administrators apart from directory users, also where
// both are one person, and gives them no attributes of the directory.
func adminResource(a *jumpcloud.Admin) (*v2.Resource, error) {
	if err := checkID("administrator", a.ID, a.Email); err != nil {
		return nil, err
	}
	p := profile{}
	p.text("id", a.ID)
	p.text("user_id", a.ID)
	p.text("organization", a.Organization)
	disabled := unclear(a.Suspended, jumpcloud.Unset)
	if a.Suspended.IsTrue() {
		disabled = "suspended"
	}
	r := &v2.Resource{
		Id: resourceID(restype.User, a.ID),
		DisplayName: printable.Clip(firstText(
			strings.TrimSpace(a.FirstName+" "+a.LastName),
			a.Email,
			a.ID,
		), MaxDisplayName),
		Profile: p.message(),
		Status:  accountStatus(disabled),
	}
	trait := &v2.UserTrait{
		Emails:      emails(a.Email),
		Login:       printable.Clip(a.Email, MaxID),
		AccountType: v2.UserTrait_ACCOUNT_TYPE_HUMAN,
	}
	if a.TOTPEnrolled.IsSet() {
		trait.MfaStatus = &v2.UserTrait_MFAStatus{MfaEnabled: a.TOTPEnrolled.IsTrue()}
	}
	return withUserTrait(r, trait), nil
}

// adminGrants are what an administrator holds: access to the administration app,
// and the roles of these names.
func adminGrants(a *jumpcloud.Admin, roles []string) []*v2.Grant {
	holder := resourceID(restype.User, a.ID)
	console := directGrant(grantedEntitlement(restype.App, restype.AdministrationAppID), holder)
	console.Annotations = Annotations(&v2.GrantImmutable{})
	grants := []*v2.Grant{console}
	for _, name := range roles {
		grants = append(grants, directGrant(grantedEntitlement(restype.Role, roleID(name)), holder))
	}
	return grants
}
