package restype

// The ids of the resource types.
const (
	User         = "user"
	Group        = "group"
	App          = "app"
	Role         = "role"
	Directory    = "directory"
	RADIUSServer = "radius_server"
	Device       = "device"
	DeviceGroup  = "device_group"

	ServiceAccount    = "service_account"
	AdminAPIKey       = "admin_api_key"
	ServiceCredential = "service_account_credential"
	SSHKey            = "ssh_key"
)

// AdministrationAppID is the resource id of the app that stands for the
// administration of the JumpCloud organization itself. JumpCloud has no such
// object; the id is fixed so that it is the same in every archive.
const AdministrationAppID = "2UjI0eIRo77RGFwi2GKpAa0Til0"

// EntitlementID forms "<type>:<resource>", the id of a resource's only
// entitlement.
func EntitlementID(resourceType, id string) string {
	return resourceType + ":" + id
}

// SlugEntitlementID forms "<type>:<resource>:<slug>", the id of one of several
// entitlements of a resource.
func SlugEntitlementID(resourceType, id, slug string) string {
	return resourceType + ":" + id + ":" + slug
}

// SlugGrantID forms the id of a direct grant of one of several entitlements of a resource,
// "<type>-grant:<resource>:<principal type>:<principal>:<resource>:<slug>".
func SlugGrantID(resourceType, id, principalType, principalID, slug string) string {
	return GrantID(resourceType, id, principalType, principalID) + ":" + slug
}

// GrantID forms the id of a direct grant,
// "<type>-grant:<resource>:<principal type>:<principal>:<resource>".
func GrantID(resourceType, id, principalType, principalID string) string {
	return resourceType + "-grant:" + id + ":" + principalType + ":" + principalID + ":" + id
}
