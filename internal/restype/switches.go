package restype

import "slices"

// The options that have further types read.
const (
	SyncDirectories = "sync-directories"
	SyncDevices     = "sync-devices"

	SyncServiceAccounts = "sync-service-accounts"
	SyncSecrets         = "sync-secrets"
)

// Switch is an option that has further types read.
type Switch struct {
	Name, Title string
	// What is what is read with it, as its help begins.
	What string
}

// Switches lists the options that have further types read.
func Switches() []Switch {
	return []Switch{
		{SyncDirectories, "Sync directories", "Google Workspace, Microsoft 365, LDAP and Active Directory directories, and RADIUS servers"},
		{SyncDevices, "Sync devices", "devices and device groups, with who can sign in to them and who is administrator there,"},
		{SyncServiceAccounts, "Sync service accounts", "service accounts, with their roles,"},
		{SyncSecrets, "Sync secrets", "API keys of administrators, credentials of service accounts and SSH keys of users, with when they expire (never the keys themselves),"},
	}
}

// Synced lists the IDs of the types that are read where some switches are on.
func Synced(switches []string) []string {
	var ids []string
	for _, t := range table {
		if t.Switch == "" || slices.Contains(switches, t.Switch) {
			ids = append(ids, t.ID)
		}
	}
	return ids
}
