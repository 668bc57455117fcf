package connector

import (
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
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
		Id: resourceID(TypeUser, a.ID),
		DisplayName: clip(firstText(
			strings.TrimSpace(a.FirstName+" "+a.LastName),
			a.Email,
			a.ID,
		), maxDisplayName),
		Profile: p.message(),
		Status:  accountStatus(disabled),
	}
	trait := &v2.UserTrait{
		Emails:      emails(a.Email),
		Login:       clip(a.Email, maxID),
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
	holder := resourceID(TypeUser, a.ID)
	console := directGrant(grantedEntitlement(TypeApp, AdministrationAppID), holder)
	console.Annotations = annotations(&v2.GrantImmutable{})
	grants := []*v2.Grant{console}
	for _, name := range roles {
		grants = append(grants, directGrant(grantedEntitlement(TypeRole, roleID(name)), holder))
	}
	return grants
}
