package connector

import (
	"context"
	"maps"
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// OwnSudoGrant is the grant of administration of a device that a user has by a setting of
// the user's own (JumpCloud API v1, systemuser.sudo): it makes an administrator of every
// device that the user can sign in to, and no binding shows it. It ends with the setting or
// with the user's access to the device, so that it cannot be revoked by itself.
func OwnSudoGrant(device string, user *v2.ResourceId) *v2.Grant {
	g := DirectDeviceGrant(device, slugAdmin, user)
	g.Annotations = Annotations(&v2.GrantImmutable{})
	return g
}

// HasOwnSudo reports whether the account is administrator of every device that it can sign
// in to.
func HasOwnSudo(user *v2.Resource) bool {
	return user.GetProfile().GetFields()[profileSudo].GetBoolValue()
}

// joinOwnSudo grants users with sudo of their own the administration of the devices that
// they can sign in to. Where not all that leads to devices is synced, it names them instead.
func joinOwnSudo(ctx context.Context, scope syncer.Scope, j syncer.Joiner) error {
	names := map[string]string{} // by id
	for fact, err := range j.Facts(ctx, factOwnSudo) {
		if err != nil {
			return err
		}
		names[fact.Key] = fact.Value
	}
	if len(names) == 0 {
		return nil
	}
	if len(scope.Targets) > 0 || !LeadsToDevices(scope.ResourceTypes) {
		all := make([]string, 0, len(names))
		for _, id := range slices.Sorted(maps.Keys(names)) {
			all = append(all, names[id]+" ("+id+")")
		}
		return j.Remark(ctx, "users who are administrators of every device that they can sign in to, by their own setting (sudo in the profile), "+
			"beside the grants of admin: "+printable.Enumerate(all, 10))
	}
	r := reach{of: names, users: map[syncer.Ref][]string{}}
	// What leads to devices comes before what it leads to.
	for _, resourceType := range []string{restype.Group, restype.DeviceGroup, restype.Device} {
		for h, err := range j.Holdings(ctx, resourceType) {
			if err != nil {
				return err
			}
			if r.add(h); len(r.grants) >= putBatch {
				if err := j.PutGrants(ctx, r.take()...); err != nil {
					return err
				}
			}
		}
	}
	return j.PutGrants(ctx, r.take()...)
}

// LeadsToDevices reports whether a sync of these types, all where there are none, reads
// everything that leads from a user to a device.
func LeadsToDevices(types []string) bool {
	for _, t := range []string{restype.User, restype.Group, restype.DeviceGroup, restype.Device} {
		if len(types) > 0 && !slices.Contains(types, t) {
			return false
		}
	}
	return true
}

// ReachDevice calls visit with the id of each user who can sign in to a device, directly or
// through groups, at least once (JumpCloud API v2, GET /systems/{id}/users). It takes a
// request for 100 users.
func (s *Source) ReachDevice(ctx context.Context, device string, visit func(user string)) error {
	list := edges("users of device "+device, func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
		page, err := s.client.BoundUsers(ctx, jumpcloud.TypeDevice, device, w)
		return reached(page, jumpcloud.TypeUser), err
	})
	list.Overlap = true
	_, err := paging.ReadAll(ctx, list, func(c jumpcloud.Connection) bool {
		visit(c.ID)
		return true
	})
	return Coded(err)
}

// IsOfDevice reports whether a list that [HoldersOf] names is of a device.
func IsOfDevice(list syncer.List) bool { return parseKind(list.Kind).collection == deviceBindings }

// reach finds which of some users can sign in to which device.
type reach struct {
	of     map[string]string       // users by id
	users  map[syncer.Ref][]string // of groups and device groups: those who are in it or bound to it
	grants []*v2.Grant             // found and not yet stored
}

// add follows a grant to those users.
func (r *reach) add(h syncer.Holding) {
	switch h.Entitlement {
	case restype.EntitlementID(restype.Group, h.Resource.ID),
		restype.SlugEntitlementID(restype.DeviceGroup, h.Resource.ID, slugUser),
		restype.SlugEntitlementID(restype.Device, h.Resource.ID, slugUser):
	default:
		return
	}
	users := r.users[h.Principal]
	if _, ok := r.of[h.Principal.ID]; ok && h.Principal.Type == restype.User {
		users = []string{h.Principal.ID}
	}
	if h.Resource.Type != restype.Device {
		if len(users) > 0 {
			r.users[h.Resource] = append(r.users[h.Resource], users...)
		}
		return
	}
	for _, id := range users {
		r.grants = append(r.grants, OwnSudoGrant(h.Resource.ID, resourceID(restype.User, id)))
	}
}

func (r *reach) take() []*v2.Grant {
	grants := r.grants
	r.grants = nil
	return grants
}
