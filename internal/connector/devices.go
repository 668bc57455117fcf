package connector

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// deviceResource maps a device (JumpCloud API v1, /systems).
func deviceResource(d *jumpcloud.Device) (*v2.Resource, error) {
	if err := checkID(restype.Device, d.ID, d.DisplayName); err != nil {
		return nil, err
	}
	p := profile{}
	p.text("hostname", d.Hostname)
	p.text(profileOwnerID, d.PrimaryUser)
	p.text("agent_version", d.AgentVersion)
	p.flag("active", d.Active)
	if !d.LastContact.IsZero() {
		p.text("last_contact", d.LastContact.UTC().Format(time.RFC3339))
	}
	r := &v2.Resource{Id: resourceID(restype.Device, d.ID), DisplayName: DeviceName(d), Profile: p.message()}
	trait := &v2.ManagedDeviceTrait{
		Serial: printable.Clip(d.SerialNumber, MaxID), Vendor: printable.Clip(d.Vendor, MaxID), Model: printable.Clip(d.Model, MaxID),
		Os: &v2.DeviceOS{
			Type: osType(d.OSFamily), Name: printable.Clip(firstText(d.OS, d.OSFamily), MaxID),
			Version: printable.Clip(d.Version, MaxID), Build: printable.Clip(d.Build, MaxID),
		},
		// JumpCloud lists the devices that are enrolled, and no others.
		ManagementState: v2.ManagedDeviceTrait_MANAGEMENT_STATE_MANAGED,
	}
	if d.Encrypted.IsSet() {
		trait.IsEncrypted = wrapperspb.Bool(d.Encrypted.IsTrue())
	}
	if !d.Created.IsZero() {
		r.CreatedAt = timestamppb.New(d.Created)
		trait.EnrolledAt = r.GetCreatedAt()
	}
	r.Annotations = Annotations(trait)
	return r, nil
}

// DeviceName is the display name of a device.
func DeviceName(d *jumpcloud.Device) string {
	return printable.Clip(firstText(d.DisplayName, d.Hostname, d.ID), MaxDisplayName)
}

// osType is the kind of operating system of a family; UNSPECIFIED for one that is not known.
func osType(family string) v2.DeviceOS_OsType {
	switch identity.Fold(family) {
	case "darwin":
		return v2.DeviceOS_OS_TYPE_MACOS
	case "windows":
		return v2.DeviceOS_OS_TYPE_WINDOWS
	case "linux":
		return v2.DeviceOS_OS_TYPE_LINUX
	case "ios":
		return v2.DeviceOS_OS_TYPE_IOS
	case "ipados":
		return v2.DeviceOS_OS_TYPE_IPADOS
	case "android":
		return v2.DeviceOS_OS_TYPE_ANDROID
	default:
		return v2.DeviceOS_OS_TYPE_UNSPECIFIED
	}
}

// deviceGroupResource maps a device group (JumpCloud API v2, /systemgroups).
func deviceGroupResource(g *jumpcloud.DeviceGroup) (*v2.Resource, error) {
	if err := checkID(restype.DeviceGroup, g.ID, g.Name); err != nil {
		return nil, err
	}
	p := profile{}
	p.text(profileMethod, g.MembershipMethod)
	r := &v2.Resource{
		Id: resourceID(restype.DeviceGroup, g.ID), DisplayName: DeviceGroupName(g),
		Description: printable.Clip(g.Description, maxDescription), Profile: p.message(),
	}
	r.Annotations = Annotations(&v2.GroupTrait{Profile: r.GetProfile()}) //nolint:staticcheck // For older readers.
	return r, nil
}

// DeviceGroupName is the display name of a device group.
func DeviceGroupName(g *jumpcloud.DeviceGroup) string {
	return printable.Clip(firstText(g.Name, g.ID), MaxDisplayName)
}

// slugEntitlement is one of several entitlements of a resource.
func slugEntitlement(r *v2.Resource, slug, description string, grantable ...string) *v2.Entitlement {
	id, name := r.GetId(), r.GetDisplayName()
	return &v2.Entitlement{
		Resource:    &v2.Resource{Id: id, DisplayName: name},
		Id:          restype.SlugEntitlementID(id.GetResourceType(), id.GetResource(), slug),
		Slug:        slug,
		Purpose:     v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT,
		DisplayName: printable.Clip(name+" "+slug, MaxDisplayName),
		Description: printable.Clip(description+name, maxDescription),
		GrantableTo: grantableTo(grantable...),
	}
}

// deviceEntitlements are signing in to a device, and being administrator there.
func deviceEntitlements(r *v2.Resource) []*v2.Entitlement {
	return []*v2.Entitlement{
		slugEntitlement(r, slugUser, "Can sign in to the device ", restype.User, restype.Group, restype.DeviceGroup),
		slugEntitlement(r, slugAdmin, "Administrator (sudo) of the device ", restype.User, restype.Group, restype.DeviceGroup),
	}
}

// deviceGroupEntitlements are what devices, and who uses them, have of a device group.
// Which devices are in a group that a rule fills cannot be changed by hand.
func deviceGroupEntitlements(r *v2.Resource) []*v2.Entitlement {
	member := slugEntitlement(r, slugMember, "Device in the device group ", restype.Device)
	if isDynamic(groupMethod(r)) {
		member.Annotations = Annotations(&v2.EntitlementImmutable{})
	}
	return []*v2.Entitlement{
		member,
		slugEntitlement(r, slugUser, "Can sign in to the devices of the device group ", restype.User, restype.Group),
		slugEntitlement(r, slugAdmin, "Administrator (sudo) of the devices of the device group ", restype.User, restype.Group),
	}
}

// slugGrant is a direct grant of one of several entitlements of a resource.
func slugGrant(resource syncer.Ref, slug string, principal *v2.ResourceId) *v2.Grant {
	return &v2.Grant{
		Id: restype.SlugGrantID(resource.Type, resource.ID, principal.GetResourceType(), principal.GetResource(), slug),
		Entitlement: &v2.Entitlement{
			Id:       restype.SlugEntitlementID(resource.Type, resource.ID, slug),
			Resource: &v2.Resource{Id: resourceID(resource.Type, resource.ID)},
		},
		Principal: &v2.Resource{Id: principal},
	}
}

// DirectDeviceGrant is the grant of one of a device's entitlements that a sync would find.
func DirectDeviceGrant(id, slug string, principal *v2.ResourceId) *v2.Grant {
	return slugGrant(syncer.Ref{Type: restype.Device, ID: id}, slug, principal)
}

// deviceGrants are the grants of one page of what a device or device group is bound to
// (JumpCloud API v2, /systems/{id}/associations). Whoever is bound can sign in; sudo makes
// an administrator too.
func deviceGrants(_ kind, owner syncer.Ref, bound []jumpcloud.Connection) (grants []*v2.Grant, others []string) {
	for _, to := range bound {
		slugs := []string{slugUser}
		if to.Sudo {
			slugs = append(slugs, slugAdmin)
		}
		for _, slug := range slugs {
			switch to.Type {
			case jumpcloud.TypeUser:
				grants = append(grants, slugGrant(owner, slug, resourceID(restype.User, to.ID)))
			case jumpcloud.TypeUserGroup:
				g := slugGrant(owner, slug, resourceID(restype.Group, to.ID))
				g.Annotations = Annotations(expandsTo(restype.User, restype.EntitlementID(restype.Group, to.ID)))
				grants = append(grants, g)
			default:
				others = append(others, to.Type)
			}
		}
	}
	return grants, others
}

// deviceMemberGrants are the grants of one page of the devices in a device group. Each
// device is used by whoever uses the group.
func deviceMemberGrants(_ kind, owner syncer.Ref, devices []jumpcloud.Connection) (grants []*v2.Grant, others []string) {
	group := resourceID(restype.DeviceGroup, owner.ID)
	for _, d := range devices {
		if d.Type != jumpcloud.TypeDevice {
			others = append(others, d.Type)
			continue
		}
		grants = append(grants, slugGrant(owner, slugMember, resourceID(restype.Device, d.ID)))
		for _, slug := range []string{slugUser, slugAdmin} {
			g := slugGrant(syncer.Ref{Type: restype.Device, ID: d.ID}, slug, group)
			g.Annotations = Annotations(&v2.GrantExpandable{
				EntitlementIds:  []string{restype.SlugEntitlementID(restype.DeviceGroup, owner.ID, slug)},
				ResourceTypeIds: []string{restype.User},
			})
			grants = append(grants, g)
		}
	}
	return grants, others
}

// deviceMapping is about devices.
func deviceMapping() mapping {
	read := func(ctx context.Context, s *Source, page *syncer.Page, k kind, id string) error {
		d, err := s.client.Device(ctx, id)
		if err != nil {
			return err
		}
		return s.fillDevices(page, k, []jumpcloud.Device{*d})
	}
	return mapping{
		id: restype.Device,
		start: func(_ *Source, page *syncer.Page, k kind, has func(string) bool) {
			if has(restype.Device) {
				page.Lists = append(page.Lists, k.with(devices).of(syncer.Ref{}))
			}
		},
		target: func(ctx context.Context, s *Source, page *syncer.Page, k kind, target syncer.Ref) error {
			return read(ctx, s, page, k, target.ID)
		},
		lookup: func(ctx context.Context, s *Source, page *syncer.Page, id string) error {
			return read(ctx, s, page, kind{}, id)
		},
		entitlements: deviceEntitlements,
		holders: func(r *v2.Resource) []syncer.List {
			return []syncer.List{kind{collection: deviceBindings}.of(refOf(r.GetId()))}
		},
		gone: func(ctx context.Context, s *Source, id string) error {
			_, err := s.client.Device(ctx, id)
			return err
		},
		lists: []listing{
			{id: devices, label: "devices", open: func(s *Source, k kind, _ syncer.Ref) rows {
				return rowsOf(paging.Lister[jumpcloud.Device]{
					Name: "devices", Limit: usersPerPage, Sorted: true,
					Fetch: s.client.Devices,
					ID:    func(d jumpcloud.Device) string { return d.ID },
				}, func(_ context.Context, page *syncer.Page, items []jumpcloud.Device) error {
					return s.fillDevices(page, k, items)
				})
			}},
			boundList(deviceBindings, "device bindings", jumpcloud.TypeDevice, deviceGrants),
		},
	}
}

func (s *Source) fillDevices(page *syncer.Page, k kind, items []jumpcloud.Device) error {
	for i := range items {
		d := &items[i]
		r, err := deviceResource(d)
		if err := errors.Join(err, s.belongs("device", d.ID, d.Organization)); err != nil {
			return err
		}
		page.Resources = append(page.Resources, r)
		page.Facts = append(page.Facts, oddFlags("device", d.ID, namedFlag{"fde.active", d.Encrypted}, namedFlag{"active", d.Active})...)
		s.fillAccess(page, k, r)
	}
	return nil
}

// deviceGroupMapping is about device groups.
func deviceGroupMapping() mapping {
	read := func(ctx context.Context, s *Source, page *syncer.Page, k kind, id string) error {
		g, err := s.client.DeviceGroup(ctx, id)
		if err != nil {
			return err
		}
		return s.fillDeviceGroups(page, k, []jumpcloud.DeviceGroup{*g})
	}
	return mapping{
		id: restype.DeviceGroup,
		start: func(_ *Source, page *syncer.Page, k kind, has func(string) bool) {
			if has(restype.DeviceGroup) {
				page.Lists = append(page.Lists, k.with(deviceGroups).of(syncer.Ref{}))
			}
		},
		target: func(ctx context.Context, s *Source, page *syncer.Page, k kind, target syncer.Ref) error {
			return read(ctx, s, page, k, target.ID)
		},
		lookup: func(ctx context.Context, s *Source, page *syncer.Page, id string) error {
			return read(ctx, s, page, kind{}, id)
		},
		entitlements: deviceGroupEntitlements,
		holders: func(r *v2.Resource) []syncer.List {
			owner := refOf(r.GetId())
			return []syncer.List{kind{collection: deviceMembers}.of(owner), kind{collection: deviceGroupBindings}.of(owner)}
		},
		gone: func(ctx context.Context, s *Source, id string) error {
			_, err := s.client.DeviceGroup(ctx, id)
			return err
		},
		lists: []listing{
			{id: deviceGroups, label: "device groups", open: func(s *Source, k kind, _ syncer.Ref) rows {
				return rowsOf(paging.Lister[jumpcloud.DeviceGroup]{
					Name: "device groups", Limit: rowsPerPage, Sorted: true,
					Fetch: s.client.DeviceGroups,
					ID:    func(g jumpcloud.DeviceGroup) string { return g.ID },
				}, func(_ context.Context, page *syncer.Page, items []jumpcloud.DeviceGroup) error {
					return s.fillDeviceGroups(page, k, items)
				})
			}},
			{id: deviceMembers, label: "device group members", owned: true, grants: deviceMemberGrants, open: func(s *Source, k kind, owner syncer.Ref) rows {
				list := edges("members of device group "+owner.ID, func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
					return s.client.DeviceGroupMembers(ctx, owner.ID, w)
				})
				return rowsOf(s.among("device group members", list), grantsFrom(k, owner))
			}},
			boundList(deviceGroupBindings, "device group bindings", jumpcloud.TypeDeviceGroup, deviceGrants),
		},
	}
}

func (s *Source) fillDeviceGroups(page *syncer.Page, k kind, items []jumpcloud.DeviceGroup) error {
	for i := range items {
		g := &items[i]
		r, err := deviceGroupResource(g)
		if err := errors.Join(err, s.belongs("device group", g.ID, g.Organization)); err != nil {
			return err
		}
		page.Resources = append(page.Resources, r)
		s.fillAccess(page, k, r)
	}
	return nil
}
