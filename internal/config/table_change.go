package config

import "github.com/conductorone/baton-jumpcloud/internal/restype"

// The names of the options that are about changing access.
const (
	nameProvisionApps      = restype.SwitchApplications
	nameDryRun             = "dry-run"
	nameAuditFile          = "audit-file"
	nameGrantEntitlement   = "grant-entitlement"
	nameGrantPrincipal     = "grant-principal"
	nameGrantPrincipalType = "grant-principal-type"
	nameRevokeGrant        = "revoke-grant"
)

// changeOptions are those of granting and revoking. The four that ask for a change
// are hidden, as in other Baton connectors.
//
// The schema has only what is decided where a connector is set up: a preview is
// for a person at a terminal, and a path means nothing to a form.
func changeOptions() []Option {
	options := []Option{
		{
			Name: nameProvisionApps, Reach: ReachAccess, Title: "Provision applications", Kind: Bool, Export: ExportGUI,
			Help: "Allow granting and revoking access to applications, not only to groups",
		},
		{
			Name: nameDryRun, Reach: ReachMode, Kind: Bool,
			Help: "Show what a grant or revoke would send and change, and send nothing",
		},
		{
			Name: nameAuditFile, Reach: ReachFile,
			Help: "File to record every change of access in, before it is sent and after it",
		},
		{Name: nameGrantEntitlement, Reach: ReachMode, Hidden: true, Help: "Entitlement id to grant"},
		{Name: nameGrantPrincipal, Reach: ReachMode, Hidden: true, Help: "Resource id of the principal to grant to"},
		{Name: nameGrantPrincipalType, Reach: ReachMode, Hidden: true, Help: "Resource type of the principal to grant to"},
		{Name: nameRevokeGrant, Reach: ReachMode, Hidden: true, Help: "Grant id to revoke"},
	}
	for i := range options {
		options[i].Section = SectionChange
	}
	return options
}
