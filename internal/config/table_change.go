package config

import (
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// The names of the options that are about changing access.
const (
	nameProvisionTypes     = restype.ProvisionTypes
	nameProvisionApps      = "provision-applications"
	nameOnLastRole         = "on-last-role"
	nameDryRun             = "dry-run"
	nameAuditFile          = "audit-file"
	nameGrantEntitlement   = "grant-entitlement"
	nameGrantPrincipal     = "grant-principal"
	nameGrantPrincipalType = "grant-principal-type"
	nameRevokeGrant        = "revoke-grant"
	nameCreateLogin        = "create-account-login"
	nameCreateEmail        = "create-account-email"
	nameCreateProfile      = "create-account-profile"
	nameCreateType         = "create-account-resource-type"
	nameDeleteResource     = "delete-resource"
	nameDeleteType         = "delete-resource-type"
	nameRotate             = "rotate-credentials"
	nameRotateType         = "rotate-credentials-type"
	nameOnDeleteReports    = "on-delete-reports"
	nameOnDeleteAdmin      = "on-delete-admin"
	nameInvokeAction       = "invoke-action"
	nameInvokeArgs         = "invoke-action-args"
	nameInvokeType         = "invoke-action-resource-type"
	nameListActions        = "list-action-schemas"
	nameListActionsType    = "list-action-schemas-resource-type"
)

// changeOptions are those of changes. Those that ask for one are hidden, as in other Baton connectors.
//
// The schema has only what is decided where a connector is set up: a preview is
// for a person at a terminal, and a path means nothing to a form.
func changeOptions() []Option {
	options := []Option{
		{
			Name: nameProvisionTypes, Reach: ReachAccess, Title: "Provision resource types", Kind: Strings, Export: ExportGUI,
			Default: restype.Changeable(true), OneOf: restype.Changeable(false),
			Help: "Resource types that may be changed: " + strings.Join(restype.Changeable(false), ", "),
		},
		{
			Name: nameProvisionApps, Reach: ReachAccess, Kind: Bool, Hidden: true,
			Help: "Deprecated: adds app to --" + nameProvisionTypes,
		},
		{
			Name: nameOnLastRole, Reach: ReachAccess, Default: "refuse", OneOf: []string{"refuse", "delete"},
			Help: "Revoking the only role of an administrator: refuse, or delete the administrator (a user stays)",
		},
		{
			Name: nameDryRun, Reach: ReachMode, Kind: Bool,
			Help: "Show the requests and effects of a change without sending anything",
		},
		{
			Name: nameAuditFile, Reach: ReachFile,
			Help: "Append a record of every access change to this file, before and after it is sent",
		},
		{Name: nameGrantEntitlement, Reach: ReachMode, Hidden: true, Help: "ID of the entitlement to grant"},
		{Name: nameGrantPrincipal, Reach: ReachMode, Hidden: true, Help: "Resource ID of the principal"},
		{Name: nameGrantPrincipalType, Reach: ReachMode, Hidden: true, Help: "Resource type of the principal"},
		{Name: nameRevokeGrant, Reach: ReachMode, Hidden: true, Help: "ID of the grant to revoke"},
		{
			Name: nameOnDeleteReports, Reach: ReachAccess, Default: "refuse", OneOf: []string{"refuse", "clear", "manager"},
			Help: "What deleting an account does with its direct reports: refuse (a manager is not deleted), clear (leave them without a manager), manager (the next manager takes over)",
		},
		{
			Name: nameOnDeleteAdmin, Reach: ReachAccess, Default: "refuse", OneOf: []string{"refuse", "delete"},
			Help: "What deleting an account does if it is an administrator too: refuse, or delete both",
		},
		{Name: nameCreateLogin, Reach: ReachMode, Hidden: true, Help: "Login of the account to create"},
		{Name: nameCreateEmail, Reach: ReachMode, Hidden: true, Help: "Email address of the account to create"},
		{Name: nameCreateProfile, Reach: ReachMode, Hidden: true, Help: "Profile of the account to create, a JSON object"},
		{Name: nameCreateType, Reach: ReachMode, Hidden: true, Help: "Resource type of the account to create"},
		{Name: nameDeleteResource, Reach: ReachMode, Hidden: true, Help: "ID of the resource to delete"},
		{Name: nameDeleteType, Reach: ReachMode, Hidden: true, Help: "Resource type of the resource to delete"},
		{Name: nameRotate, Reach: ReachMode, Hidden: true, Help: "ID of the account whose password to rotate"},
		{Name: nameRotateType, Reach: ReachMode, Hidden: true, Help: "Resource type of the account whose password to rotate"},
		{Name: nameInvokeAction, Reach: ReachMode, Hidden: true, Help: "Name of the action to invoke"},
		{Name: nameInvokeArgs, Reach: ReachMode, Hidden: true, Default: "{}", Help: "Arguments of the action, a JSON object"},
		{Name: nameInvokeType, Reach: ReachMode, Hidden: true, Help: "Resource type of the action"},
		{Name: nameListActions, Reach: ReachMode, Hidden: true, Kind: Bool, Help: "List the schemas of the actions"},
		{Name: nameListActionsType, Reach: ReachMode, Hidden: true, Help: "Resource type of the actions to list"},
	}
	for i := range options {
		options[i].Section = SectionChange
	}
	return options
}
