package jumpcloud

import (
	"net/http"
	"slices"
)

// Route is one operation of the JumpCloud API that the client uses.
type Route struct {
	Method  string
	Pattern string // with {id} for the id in it
	List    string // what it is about, in words, as in "may not read <List>"
	Purpose string // why the client asks
	// Permission is the scope that the administrator's role or the service account
	// needs, as the API specifications name it; "" when none is known.
	Permission string
	// Note tells what is not documented, and what happens when it is refused.
	Note string
}

// insightsPrefix begins the routes of Directory Insights, which has an address of its own.
const insightsPrefix = "/insights/directory/v1/"

// The routes in use. Permissions are the read-only one of the scopes that the
// API specifications of January 2025 list for each operation (x-scopes).
var (
	routeOrganizations = Route{
		http.MethodGet, "/api/organizations", "organizations",
		"Checks the credential and lists its organizations; repeated at the end of a sync. Sent without x-org-id.",
		"organizations.readonly", "",
	}
	routeOrganization = Route{
		http.MethodGet, "/api/organizations/{id}", "an organization",
		"Looks one organization up. Sent without x-org-id.", "organizations.readonly", "",
	}
	routeUserSearch = Route{
		http.MethodPost, "/api/search/systemusers", "users",
		"Lists users, 1,000 a page. Reads only, although it is a POST.", "users.readonly",
		"If denied, GET /api/systemusers with 100 a page replaces it.",
	}
	routeUsers = Route{
		http.MethodGet, "/api/systemusers", "users",
		"Lists users if the search is denied.", "users.readonly", "",
	}
	routeUser = Route{
		http.MethodGet, "/api/systemusers/{id}", "a user",
		"Looks up a user that a grant names and no list contains.", "users.readonly", "",
	}
	routeAdmins = Route{
		http.MethodGet, "/api/users", "administrators",
		"Lists administrators with their roles.", "administrators.readonly",
		"The list is not in JumpCloud's published documentation.",
	}
	routeAdmin = Route{
		http.MethodGet, "/api/users/{id}", "an administrator",
		"Looks one administrator up.", "administrators.readonly",
		"Not in JumpCloud's published documentation.",
	}
	routeRoles = Route{
		http.MethodGet, "/api/v2/roles", "administrator roles",
		"Names custom roles without holders, and roles that administrators name by ID.", "administrators.readonly",
		"If denied, roles without holders may be missing; the scope is not documented.",
	}
	routeEvents = Route{
		http.MethodPost, insightsPrefix + "events", "events",
		"Finds the last sign-ins, with --sync-last-login, and reads event feeds. Reads only, although it is a POST.", "directoryinsights.readonly",
		"If denied, last sign-ins are unknown. The scope is not documented.",
	}
	routeCountEvents = Route{
		http.MethodPost, insightsPrefix + "events/count", "the number of events",
		"Decides, with --sync-last-login, whether the sign-ins of weeks are read or listed by account.", "directoryinsights.readonly",
		"If denied, they are read.",
	}
	routeDistinctEvents = Route{
		http.MethodPost, insightsPrefix + "events/distinct", "accounts of events",
		"Lists, with --sync-last-login, which accounts signed in, where there are more than a million sign-ins to read.", "directoryinsights.readonly",
		"If denied, the sign-ins are read.",
	}
	routeRole = Route{
		http.MethodGet, "/api/v2/roles/{id}", "an administrator role",
		"Looks one role up.", "administrators.readonly", "The scope is not documented.",
	}
	routeUserGroups = Route{
		http.MethodGet, "/api/v2/usergroups", "user groups",
		"Lists user groups.", "groups.readonly",
		"If sorting by ID is rejected, the list is read unsorted.",
	}
	routeUserGroup = Route{
		http.MethodGet, "/api/v2/usergroups/{id}", "a user group",
		"Looks one group up; confirms that a group whose members answer 404 is gone.", "groups.readonly", "",
	}
	routeGroupMembers = Route{
		http.MethodGet, "/api/v2/usergroups/{id}/members", "group members",
		"Lists the users who are members of a group.", "users.readonly", "",
	}
	routeGroupMembership = Route{
		http.MethodGet, "/api/v2/usergroups/{id}/membership", "the membership of a group",
		"Lists the users of a group in the order of their ids, where the list of members changes while it is read, or shows none of what it counts.",
		"users.readonly", "Where it is refused or does not sort, the list of members itself proves what it can.",
	}
	routeChangeMembers = Route{
		http.MethodPost, "/api/v2/usergroups/{id}/members", "group members",
		"Adds a user to a group or removes one.", "groups",
		"Add answers 409 when the user is a member already, remove 404 when not.",
	}
	routeMemberOf = Route{
		http.MethodGet, "/api/v2/users/{id}/memberof", "the groups of a user",
		"Shows the groups that a user is in: after a change, and where nothing else proves who the members of a group are.", "groups.readonly", "",
	}
	routeApplications = Route{
		http.MethodGet, "/api/applications", "applications",
		"Lists applications, without their config, which can hold private keys.", "applications.readonly",
		"If selecting fields is rejected, all are read; config is never decoded.",
	}
	routeApplication = Route{
		http.MethodGet, "/api/applications/{id}", "an application",
		"Looks one application up; confirms that one whose associations answer 404 is gone.", "applications.readonly", "",
	}
	routeAssociations = Route{
		http.MethodGet, "/api/v2/applications/{id}/associations", "application associations",
		"Lists the users and user groups bound directly to an application.", "applications.readonly",
		"Requests several target types at once; if that is rejected, one request for each.",
	}
	routeChangeAssociations = Route{
		http.MethodPost, "/api/v2/applications/{id}/associations", "application associations",
		"Binds a user or user group to an application, or unbinds it.", "applications",
		"Add answers 409 when it is bound already, remove 404 when not.",
	}
	routeApplicationUsers = Route{
		http.MethodGet, "/api/v2/applications/{id}/users", "the users of an application",
		"Shows who is bound to an application, among all who reach it, where the list of its associations does not.", "users.readonly",
		"Sorting is not documented.",
	}
	routeApplicationGroups = Route{
		http.MethodGet, "/api/v2/applications/{id}/usergroups", "the user groups of an application",
		"Shows the groups that are bound to an application, where the list of its associations does not.", "groups.readonly",
		"Sorting is not documented.",
	}
	routeUserAssociations = Route{
		http.MethodGet, "/api/v2/users/{id}/associations", "the associations of a user",
		"Shows the applications that a user is bound to, where nothing else proves who is bound to one.", "users.readonly", "",
	}
	routeGroupAssociations = Route{
		http.MethodGet, "/api/v2/usergroups/{id}/associations", "the associations of a user group",
		"Shows the applications that a group is bound to, where nothing else proves who is bound to one.", "groups.readonly", "",
	}
)

// The routes that change users and groups.
var (
	routeCreateUser = Route{
		http.MethodPost, "/api/systemusers", "users",
		"Creates a user.", "users", "A username or email address that is taken is refused.",
	}
	routeUpdateUser = Route{
		http.MethodPut, "/api/systemusers/{id}", "a user",
		"Changes fields of a user: state, names, manager, password and others.", "users", "",
	}
	routeDeleteUser = Route{
		http.MethodDelete, "/api/systemusers/{id}", "a user",
		"Deletes a user.", "users", "Answers 409 for a manager unless the request says who takes over the direct reports.",
	}
	routeExpirePassword = Route{
		http.MethodPost, "/api/systemusers/{id}/expire", "a user", "Expires a password.", "users", "",
	}
	routeUnlockUser = Route{
		http.MethodPost, "/api/systemusers/{id}/unlock", "a user", "Unlocks a user.", "users", "",
	}
	routeResetMFA = Route{
		http.MethodPost, "/api/systemusers/{id}/resetmfa", "a user", "Resets the MFA factors of a user.", "users", "",
	}
	routeActivateUser = Route{
		http.MethodPost, "/api/systemusers/{id}/state/activate", "a user", "Activates a staged user.", "users", "",
	}
	routeReactivate = Route{
		http.MethodPost, "/api/systemusers/reactivate", "users",
		"Sends the activation email again.", "users", "Not in JumpCloud's published documentation.",
	}
	routeSchedules = Route{
		http.MethodGet, "/api/v2/bulk/userstates", "scheduled user states",
		"Lists the scheduled state changes of a user.", "users.readonly", "",
	}
	routeScheduleState = Route{
		http.MethodPost, "/api/v2/bulk/userstates", "scheduled user states", "Schedules the suspension of a user.", "users", "",
	}
	routeCreateGroup = Route{
		http.MethodPost, "/api/v2/usergroups", "user groups",
		"Creates a group.", "groups", "Answers 409 for a name that is taken.",
	}
	routeUpdateGroup = Route{
		http.MethodPut, "/api/v2/usergroups/{id}", "a user group",
		"Changes a group. All fields are sent, because those left out may be reset.", "groups", "",
	}
	routeDeleteGroup = Route{
		http.MethodDelete, "/api/v2/usergroups/{id}", "a user group", "Deletes a group.", "groups", "",
	}
)

// The routes that change administrators.
var (
	routeCreateAdmin = Route{
		http.MethodPost, "/api/users", "administrators",
		"Makes an administrator, or a user an administrator too.", "administrators", "Only Administrator With Billing may.",
	}
	routeUpdateAdmin = Route{
		http.MethodPut, "/api/users/{id}", "an administrator",
		"Changes the roles of an administrator.", "administrators", "Only Administrator With Billing may.",
	}
	routeDeleteAdmin = Route{
		http.MethodDelete, "/api/users/{id}", "an administrator",
		"Deletes an administrator whose last role is revoked, where that is allowed.", "administrators", "Only Administrator With Billing may.",
	}
)

// The routes of directories and RADIUS servers. Those of their bindings are made by
// [boundKinds].
var (
	routeDirectories = Route{
		http.MethodGet, "/api/v2/directories", "directories",
		"Lists the directories that JumpCloud provisions to, with `--sync-directories`.", "directories.readonly",
		"If sorting by ID is rejected, the list is read unsorted.",
	}
	routeRADIUSServers = Route{
		http.MethodGet, "/api/radiusservers", "RADIUS servers",
		"Lists RADIUS servers with `--sync-directories`, without their shared secrets.", "radius.readonly",
		"If selecting fields is rejected, all are read; the shared secret is never decoded.",
	}
	routeRADIUSServer = Route{
		http.MethodGet, "/api/radiusservers/{id}", "a RADIUS server",
		"Looks one RADIUS server up; confirms that a server whose bindings answer 404 is gone.", "radius.readonly", "",
	}
)

// The routes of devices and their groups.
var (
	routeDeviceSearch = Route{
		http.MethodPost, "/api/search/systems", "devices",
		"Lists devices with `--sync-devices`, 1,000 a page. Reads only, although it is a POST.", "systems.readonly",
		"If denied, GET /api/systems with 100 a page replaces it.",
	}
	routeDevices = Route{http.MethodGet, "/api/systems", "devices", "Lists devices if the search is denied.", "systems.readonly", ""}
	routeDevice  = Route{
		http.MethodGet, "/api/systems/{id}", "a device",
		"Looks one device up; confirms that a device whose bindings answer 404 is gone.", "systems.readonly", "",
	}
	routeDeviceGroups = Route{
		http.MethodGet, "/api/v2/systemgroups", "device groups",
		"Lists device groups with `--sync-devices`.", "groups.readonly", "If sorting by ID is rejected, the list is read unsorted.",
	}
	routeDeviceGroup = Route{
		http.MethodGet, "/api/v2/systemgroups/{id}", "a device group",
		"Looks one device group up; confirms that a group whose lists answer 404 is gone.", "groups.readonly", "",
	}
	routeDeviceGroupMembers = Route{
		http.MethodGet, "/api/v2/systemgroups/{id}/members", "device group members",
		"Lists the devices in a device group.", "systems.readonly", "",
	}
)

// The routes of service accounts.
var (
	routeServiceAccounts = Route{
		http.MethodGet, "/api/v2/service-accounts", "service accounts",
		"Lists service accounts with `--sync-service-accounts`, and their credentials with `--sync-secrets`; secrets are never decoded.",
		"administrators.readonly", "The scope is not documented.",
	}
	routeServiceAccount = Route{
		http.MethodGet, "/api/v2/service-accounts/{id}", "a service account",
		"Looks one service account up.", "administrators.readonly", "The scope is not documented.",
	}
	routeAddCredential = Route{
		http.MethodPost, "/api/v2/service-accounts/{id}/auth-config", "credentials of a service account",
		"Makes a credential of a service account, to take the place of one that is rotated. The answer tells its secret, once.",
		"administrators", "The scope is not documented.",
	}
	routeRevokeCredential = Route{
		http.MethodDelete, "/api/v2/service-accounts/{id}/auth-config/{key}", "a credential of a service account",
		"Revokes a credential of a service account.", "administrators", "The scope is not documented.",
	}
)

// Routes lists every route that the client uses, reads first.
func Routes() []Route {
	boundReads, boundWrites := boundRoutes()
	return slices.Concat([]Route{
		routeOrganizations, routeOrganization,
		routeUserSearch, routeUsers, routeUser, routeMemberOf,
		routeAdmins, routeAdmin, routeRoles, routeRole,
		routeUserGroups, routeUserGroup, routeGroupMembers, routeGroupMembership,
		routeEvents, routeCountEvents, routeDistinctEvents,
		routeApplications, routeApplication, routeAssociations, routeApplicationUsers, routeApplicationGroups,
		routeUserAssociations, routeGroupAssociations,
		routeDirectories, routeRADIUSServers, routeRADIUSServer,
		routeDeviceSearch, routeDevices, routeDevice, routeDeviceGroups, routeDeviceGroup, routeDeviceGroupMembers,
		routeServiceAccounts, routeServiceAccount,
	}, boundReads, []Route{
		routeSchedules,
		routeChangeMembers, routeChangeAssociations,
		routeCreateUser, routeUpdateUser, routeDeleteUser,
		routeExpirePassword, routeUnlockUser, routeResetMFA, routeActivateUser, routeReactivate, routeScheduleState,
		routeCreateGroup, routeUpdateGroup, routeDeleteGroup,
		routeCreateAdmin, routeUpdateAdmin, routeDeleteAdmin,
		routeAddCredential, routeRevokeCredential,
	}, boundWrites)
}
