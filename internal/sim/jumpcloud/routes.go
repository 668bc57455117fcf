package jcsim

import "net/http"

// endpoints are all routes, under the patterns that [Stats] counts by.
func (s *Server) endpoints() []endpoint {
	return append([]endpoint{
		{pattern: "GET /login", public: true, answer: func(*call) answer { return htmlPage(http.StatusOK, loginPage) }},
		{pattern: "POST /oauth2/token", public: true, answer: issueToken},

		{pattern: "GET /api/organizations", global: true, answer: listOrganizations},
		{pattern: "GET /api/organizations/{id}", global: true, answer: getOrganization},

		{pattern: "GET /api/systemusers", answer: listUsers},
		{pattern: "POST /api/systemusers", writes: true, answer: createUser},
		{pattern: "GET /api/systemusers/{id}", answer: getUser},
		{pattern: "PUT /api/systemusers/{id}", writes: true, answer: putUser},
		{pattern: "DELETE /api/systemusers/{id}", writes: true, answer: deleteUser},
		{pattern: "POST /api/search/systemusers", answer: searchUsers},
		{pattern: "POST /api/systemusers/{id}/expire", writes: true, answer: onUser(expirePassword)},
		{pattern: "POST /api/systemusers/{id}/unlock", writes: true, answer: onUser(unlockUser)},
		{pattern: "POST /api/systemusers/{id}/resetmfa", writes: true, answer: onUser(resetMFA)},
		{pattern: "POST /api/systemusers/{id}/mfasync", writes: true, answer: onUser(syncMFA)},
		{pattern: "POST /api/systemusers/{id}/state/activate", writes: true, answer: onUser(activateUser)},
		{pattern: "POST /api/systemusers/{id}/state/suspend", writes: true, answer: onUser(suspendUser)},
		{pattern: "GET /api/systemusers/{id}/sshkeys", answer: listSSHKeys},
		{pattern: "POST /api/systemusers/{id}/sshkeys", writes: true, answer: addSSHKey},
		{pattern: "DELETE /api/systemusers/{id}/sshkeys/{key}", writes: true, answer: deleteSSHKey},
		{pattern: "POST /api/systemusers/reactivate", writes: true, answer: reactivateUsers},
		{pattern: "GET /api/v2/bulk/userstates", answer: listSchedules},
		{pattern: "POST /api/v2/bulk/userstates", writes: true, answer: scheduleStates},
		{pattern: "DELETE /api/v2/bulk/userstates/{id}", writes: true, answer: deleteSchedule},

		{pattern: "GET /api/users", admins: true, answer: listAdmins},
		{pattern: "POST /api/users", admins: true, writes: true, answer: createAdmin},
		{pattern: "GET /api/users/{id}", admins: true, answer: getAdmin},
		{pattern: "PUT /api/users/{id}", admins: true, writes: true, answer: putAdmin},
		{pattern: "DELETE /api/users/{id}", admins: true, writes: true, answer: deleteAdmin},

		{pattern: "GET /api/users/reactivate/{id}", admins: true, writes: true, answer: mailAdmin},
		{pattern: "POST /api/users/resettotp/{id}", admins: true, writes: true, answer: mailAdmin},

		{pattern: "GET /api/applications", answer: listApplications},
		{pattern: "GET /api/applications/{id}", answer: getApplication},

		{pattern: "GET /api/v2/roles", answer: listRoles},
		{pattern: "POST /api/v2/roles", writes: true, answer: createRole},
		{pattern: "GET /api/v2/roles/{id}", answer: getRole},
		{pattern: "PUT /api/v2/roles/{id}", writes: true, answer: putRole},
		{pattern: "DELETE /api/v2/roles/{id}", writes: true, answer: deleteRole},

		{pattern: "GET /api/v2/usergroups", answer: listGroups},
		{pattern: "POST /api/v2/usergroups", writes: true, answer: createGroup},
		{pattern: "GET /api/v2/usergroups/{id}", answer: getGroup},
		{pattern: "PUT /api/v2/usergroups/{id}", writes: true, answer: putGroup},
		{pattern: "DELETE /api/v2/usergroups/{id}", writes: true, answer: deleteGroup},

		{pattern: "GET /api/v2/usergroups/{id}/members", answer: listMembers},
		{pattern: "POST /api/v2/usergroups/{id}/members", writes: true, answer: writeMember},
		{pattern: "GET /api/v2/usergroups/{id}/membership", answer: listMembership},
		{pattern: "GET /api/v2/users/{id}/memberof", answer: listMemberOf},

		{pattern: "GET /api/v2/applications/{id}/associations", answer: listAppAssociations},
		{pattern: "POST /api/v2/applications/{id}/associations", writes: true, answer: writeAppAssociation},
		{pattern: "GET /api/v2/usergroups/{id}/associations", answer: listGroupAssociations},
		{pattern: "GET /api/v2/users/{id}/associations", answer: listUserAssociations},

		{pattern: "POST /insights/directory/v1/events", answer: listEvents},
		{pattern: "POST /insights/directory/v1/events/count", answer: countEvents},
		{pattern: "POST /insights/directory/v1/events/distinct", answer: distinctEvents},

		{pattern: "GET /api/v2/applications/{id}/users", answer: traverseAppUsers},
		{pattern: "GET /api/v2/applications/{id}/usergroups", answer: traverseAppGroups},
	}, append(boundEndpoints(), serviceEndpoints()...)...)
}

// Routes lists the patterns of all routes.
func (s *Server) Routes() []string {
	var list []string
	for _, e := range s.endpoints() {
		list = append(list, e.pattern)
	}
	return list
}
