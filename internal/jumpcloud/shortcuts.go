package jumpcloud

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
)

// refusals are the answers that say that what was asked is not for this credential,
// plan or tenant, in the words of docs/API.md. Asking again in the same way never
// helps; asking in another may. All others are faults: 401 of the credential, 429
// and 5xx of the server, which are asked again.
var refusals = map[int]string{
	http.StatusBadRequest:           "not in this form",
	http.StatusPaymentRequired:      "not part of the organization's plan",
	http.StatusForbidden:            "not with this role",
	http.StatusNotFound:             "no such route",
	http.StatusMethodNotAllowed:     "not by this method",
	http.StatusNotAcceptable:        "not in this form",
	http.StatusGone:                 "no such route anymore",
	http.StatusUnsupportedMediaType: "not in this form",
	http.StatusUnprocessableEntity:  "not in this form",
	http.StatusNotImplemented:       "not implemented",
}

// IsUnserved reports whether JumpCloud refused what was asked as something that is not
// for this credential, plan or tenant. What needs it can then be left out, or be asked
// for in another way; what must be had has failed. A refused credential is no such
// refusal, whatever its status.
func IsUnserved(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind != KindUnavailable && e.Kind != KindUnauthenticated && refusals[e.Status] != ""
}

// IsUnoffered reports whether JumpCloud said that the organization does not have what was
// asked for: it is not part of its plan, or there is no such route.
func IsUnoffered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && IsUnserved(err) && slices.Contains([]int{
		http.StatusPaymentRequired, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented,
	}, e.Status)
}

// isForm reports whether a refusal is about the form of the request: of a route that
// is known to be served, others are about the object or a right that was taken away.
func isForm(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && IsUnserved(err) && (e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity)
}

// shortcut is a way to ask that saves requests or bytes and that not every tenant
// is promised to know. When it is refused and the plain way works, it stays off
// for the life of the client.
type shortcut struct {
	// route is what is asked, and form how.
	route Route
	form  string
	// note says what is done without it.
	note string
	// whole says that another route takes its place, so that each refusal counts; else
	// those of the form do.
	whole  bool
	off    atomic.Bool
	worked atomic.Bool
}

// shortcuts are those in use.
type shortcuts struct {
	search, searchSize, userFields, appFields, adminOrder, groupOrder, appOrder shortcut
	directoryOrder, radiusFields, radiusOrder                                   shortcut
	deviceSearch, deviceSearchSize, deviceFields, deviceGroupOrder              shortcut
	membership                                                                  traversal
	bound                                                                       []*boundState // by kind
}

// prepare says what each shortcut is.
func (s *shortcuts) prepare() {
	set := func(s *shortcut, route Route, form, note string) { s.route, s.form, s.note = route, form, note }
	set(&s.search, routeUserSearch, "at all", "users are listed with 100 a page instead of searched with 1,000 a page")
	set(&s.searchSize, routeUserSearch, "with 1,000 a page", "users are searched 100 a page")
	set(&s.userFields, routeUsers, "with a choice of fields", "users are listed with all their fields")
	set(&s.appFields, routeApplications, "with a choice of fields", "applications are listed with all their fields; config is not decoded")
	set(&s.adminOrder, routeAdmins, "sorted by ID", "administrators are listed unsorted")
	set(&s.groupOrder, routeUserGroups, "sorted by ID", "user groups are listed unsorted")
	set(&s.appOrder, routeApplications, "sorted by ID", "applications are listed unsorted")
	set(&s.directoryOrder, routeDirectories, "sorted by ID", "directories are listed unsorted")
	set(&s.radiusFields, routeRADIUSServers, "with a choice of fields", "RADIUS servers are listed with all their fields; the shared secret is not decoded")
	set(&s.radiusOrder, routeRADIUSServers, "sorted by ID", "RADIUS servers are listed unsorted")
	set(&s.deviceSearch, routeDeviceSearch, "at all", "devices are listed with 100 a page instead of searched with 1,000 a page")
	set(&s.deviceSearchSize, routeDeviceSearch, "with 1,000 a page", "devices are searched 100 a page")
	set(&s.deviceFields, routeDevices, "with a choice of fields", "devices are listed with all their fields")
	set(&s.deviceGroupOrder, routeDeviceGroups, "sorted by ID", "device groups are listed unsorted")
	s.search.whole, s.deviceSearch.whole = true, true
	s.membership.name = "the membership of groups"
	for _, kind := range boundKinds() {
		b := &boundState{boundKind: kind}
		note := kind.bindings.List + " are listed with one request per type"
		if kind.graph == TypeApplication {
			note = "the associations of an application are listed with one request per type"
		}
		set(&b.allTargets, kind.bindings, "for several types at once", note)
		b.allTargets.whole = true
		b.users.name = "the list of " + kind.users.List
		b.groups.name = "the list of " + kind.groups.List
		s.bound = append(s.bound, b)
	}
}

// all lists the shortcuts in the order of docs/API.md.
func (s *shortcuts) all() []*shortcut {
	all := []*shortcut{&s.searchSize, &s.search, &s.userFields, &s.adminOrder, &s.groupOrder, &s.appFields, &s.appOrder}
	for _, b := range s.bound {
		all = append(all, &b.allTargets)
	}
	return append(all, &s.directoryOrder, &s.radiusFields, &s.radiusOrder,
		&s.deviceSearchSize, &s.deviceSearch, &s.deviceFields, &s.deviceGroupOrder)
}

// Optional is something that may be refused without failing a sync.
type Optional struct {
	Route Route
	Form  string // how it is asked
	// Instead is what happens where it is refused.
	Instead string
}

// Optionals lists all of them: the shortcuts of the client, and the lists that
// those who call it can do without.
func Optionals() []Optional {
	var short shortcuts
	short.prepare()
	var list []Optional
	for _, s := range short.all() {
		list = append(list, Optional{s.route, s.form, s.note})
	}
	return append(list,
		Optional{Route{Method: "any", Pattern: "/api/*"}, "with x-org-id, where --org-id is not given", "the route is asked without it (403 only)"},
		Optional{routeRoles, "at all", "custom roles without holders may be missing, and roles named by ID are shown by ID; the summary says so"},
		Optional{routeOrganizations, "at all", "the organization of --org-id is trusted; without it, the command fails"},
		Optional{routeGroupMembership, "at all, or sorted", "members that change while they are read are proven by more requests, or by looking people up"},
		Optional{routeApplicationUsers, "at all, or sorted", "the same for assignments"},
		Optional{routeApplicationGroups, "at all, or sorted", "the same for assignments"},
		Optional{Route{Method: http.MethodGet, Pattern: "/api/v2/*/{id}/users"}, "at all, or sorted, of directories, RADIUS servers, devices and device groups", "the same for bindings"},
		Optional{Route{Method: http.MethodGet, Pattern: "/api/v2/*/{id}/usergroups"}, "at all, or sorted, of directories, RADIUS servers, devices and device groups", "the same for bindings"},
		Optional{routeAdmins, "at all, where accounts are not synced", "roles may be missing; the summary says so"},
	)
}

// Refusals lists the statuses that are taken for a refusal, and what they say.
func Refusals() map[int]string { return maps.Clone(refusals) }

// refuses reports whether err is the tenant's refusal of the shortcut, and not a
// fault of its own. Once it has worked, only one of the form is.
func (s *shortcut) refuses(err error) bool {
	if s.whole && !s.worked.Load() {
		return IsUnserved(err)
	}
	return isForm(err)
}

// try asks by the shortcut, and the plain way when that is refused. Where the
// plain way fails too, its error is the one returned: it is the documented one.
func try[T any](ctx context.Context, logger *slog.Logger, s *shortcut, short, plain func(context.Context) (T, error)) (T, error) {
	if s.off.Load() {
		return plain(ctx)
	}
	v, err := short(ctx)
	if err == nil {
		s.worked.Store(true)
		return v, nil
	}
	if !s.refuses(err) {
		return v, err
	}
	v, plainErr := plain(ctx)
	if plainErr == nil && s.off.CompareAndSwap(false, true) {
		logger.WarnContext(ctx, s.note, slog.Any("refusal", err))
	}
	return v, plainErr
}
