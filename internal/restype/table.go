package restype

import (
	"slices"
	"strings"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Type is a row of the table.
type Type struct {
	ID    string                // resource type id
	Label string                // display name, in the singular
	Trait v2.ResourceType_Trait // UNSPECIFIED for none
	// Noun is what a person who reviews access calls a resource of the type, in one
	// lower-case word: filters and `diff --what` take it. Plural is the same in the
	// plural; the summary, drop protection and the section of the explorer show it.
	Noun, Plural string
	// Grant is what holding one is called ("membership"), and Holding the same before
	// the name of one ("membership of"); Grants is the heading of several. All are empty
	// for a type without entitlements. Holders is the heading of who holds one.
	Grant, Holding, Grants, Holders string
	// Read and Write are the JumpCloud permissions (scopes of an administrator's or
	// service account's role) that reading and changing take, sorted.
	Read, Write []string
	// Changeable says that --provision-types may name the type, and ChangedByDefault that
	// it does where nobody sets the option. Grants of a changeable type with entitlements
	// can be made and taken away.
	Changeable, ChangedByDefault bool
	// Path is the address of the type's section in the explorer.
	Path string
	// Switch is the option that has the type read, one of [Switches]; empty for a type
	// that always is.
	Switch string
}

// table is in the order in which people are shown the types. Nothing changes it.
var table = []Type{
	{
		ID: User, Label: "User", Trait: v2.ResourceType_TRAIT_USER,
		Noun: "account", Plural: "accounts", Holders: "Holders",
		// Finding out the organization takes organizations.readonly, which is named
		// with the accounts.
		Read: []string{"administrators.readonly", "organizations.readonly", "users.readonly"}, Write: []string{"users"},
		Changeable: true,
		Path:       "/accounts",
	},
	{
		ID: Group, Label: "Group", Trait: v2.ResourceType_TRAIT_GROUP,
		Noun: "group", Plural: "groups",
		Grant: "membership", Holding: "membership of", Grants: "Memberships", Holders: "Members",
		Read: []string{"groups.readonly", "users.readonly"}, Write: []string{"groups"},
		Changeable: true, ChangedByDefault: true,
		Path: "/groups",
	},
	{
		ID: App, Label: "Application", Trait: v2.ResourceType_TRAIT_APP,
		Noun: "application", Plural: "applications",
		Grant: "assignment", Holding: "access to", Grants: "Assignments", Holders: "Have access",
		Read: []string{"administrators.readonly", "applications.readonly"}, Write: []string{"applications"},
		Changeable: true,
		Path:       "/applications",
	},
	{
		ID: Role, Label: "Role", Trait: v2.ResourceType_TRAIT_ROLE,
		Noun: "role", Plural: "roles",
		Grant: "role assignment", Holding: "the", Grants: "Roles", Holders: "Holders",
		Read: []string{"administrators.readonly"}, Write: []string{"administrators"},
		Changeable: true,
		Path:       "/roles",
	},
	{
		ID: Directory, Label: "Directory", Trait: v2.ResourceType_TRAIT_APP,
		Noun: "directory", Plural: "directories",
		Grant: "directory binding", Holding: "a binding to", Grants: "Directory bindings", Holders: "Bound to it",
		Read: []string{"directories.readonly"}, Write: []string{"directories"},
		Changeable: true,
		Switch:     SyncDirectories, Path: "/directories",
	},
	{
		ID: RADIUSServer, Label: "RADIUS server", Trait: v2.ResourceType_TRAIT_APP,
		Noun: "radius-server", Plural: "RADIUS servers",
		Grant: "RADIUS binding", Holding: "network access by", Grants: "RADIUS bindings", Holders: "Have network access",
		Read: []string{"radius.readonly"}, Write: []string{"radius"},
		Changeable: true,
		Switch:     SyncDirectories, Path: "/radius-servers",
	},
	{
		ID: Device, Label: "Device", Trait: v2.ResourceType_TRAIT_MANAGED_DEVICE,
		Noun: "device", Plural: "devices",
		Grant: "device binding", Holding: "use of", Grants: "Devices", Holders: "Can sign in",
		Read: []string{"systems.readonly"}, Write: []string{"systems"},
		Changeable: true,
		Switch:     SyncDevices, Path: "/devices",
	},
	{
		ID: DeviceGroup, Label: "Device Group", Trait: v2.ResourceType_TRAIT_GROUP,
		Noun: "device-group", Plural: "device groups",
		Grant: "device group binding", Holding: "use of the devices of", Grants: "Device groups", Holders: "Devices, and who can sign in to them",
		Read:   []string{"groups.readonly", "systems.readonly"},
		Switch: SyncDevices, Path: "/device-groups",
	},
	{
		ID: ServiceAccount, Label: "Service Account", Trait: v2.ResourceType_TRAIT_USER,
		Noun: "service-account", Plural: "service accounts", Holders: "Holders",
		Read:   []string{"administrators.readonly"},
		Switch: SyncServiceAccounts, Path: "/service-accounts",
	},
	{
		ID: AdminAPIKey, Label: "Administrator API Key", Trait: v2.ResourceType_TRAIT_SECRET,
		Noun: "api-key", Plural: "administrator API keys", Holders: "Holders",
		Read:   []string{"administrators.readonly"},
		Switch: SyncSecrets, Path: "/api-keys",
	},
	{
		ID: ServiceCredential, Label: "Service Account Credential", Trait: v2.ResourceType_TRAIT_SECRET,
		Noun: "credential", Plural: "service account credentials", Holders: "Holders",
		Read: []string{"administrators.readonly"}, Write: []string{"administrators"},
		Changeable: true,
		Switch:     SyncSecrets, Path: "/credentials",
	},
	{
		ID: SSHKey, Label: "SSH Key", Trait: v2.ResourceType_TRAIT_SECRET,
		Noun: "ssh-key", Plural: "SSH keys", Holders: "Holders",
		Read:   []string{"users.readonly"},
		Switch: SyncSecrets, Path: "/ssh-keys",
	},
}

// All lists the types in the order in which people are shown them. The slice is the
// caller's to keep.
func All() []Type { return slices.Clone(table) }

// Find returns the type of an id.
func Find(id string) (Type, bool) {
	for _, t := range table {
		if t.ID == id {
			return t, true
		}
	}
	return Type{}, false
}

// IDs lists the ids of all types in their order.
func IDs() []string {
	var ids []string
	for _, t := range table {
		ids = append(ids, t.ID)
	}
	return ids
}

// ProvisionTypes is the option that names the types that may be changed.
const ProvisionTypes = "provision-types"

// Changeable lists the IDs of the types that may be changed, all of them or those that
// are unless the option says otherwise.
func Changeable(byDefault bool) []string {
	var ids []string
	for _, t := range table {
		if t.Changeable && (t.ChangedByDefault || !byDefault) {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// ChangesGroups reports whether groups themselves may be created, changed and deleted
// with these types that may be changed: where accounts are too. Groups alone are about
// their members.
func ChangesGroups(types []string) bool {
	return slices.Contains(types, Group) && slices.Contains(types, User)
}

// Grantable says that grants of the type can be made and taken away.
func (t Type) Grantable() bool { return t.Changeable && t.Grant != "" }

// Title is the plural as a heading.
func (t Type) Title() string { return strings.ToUpper(t.Plural[:1]) + t.Plural[1:] }
