package jumpcloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// boundKind is a kind of object that users and user groups are bound to, with the routes
// of its bindings.
type boundKind struct {
	graph string // the graph's name of the kind
	// bindings and change are the routes of the direct edges, users and groups those of
	// what reaches the object.
	bindings, change, users, groups Route
}

// boundKinds are all kinds that users and user groups are bound to.
func boundKinds() []boundKind {
	return []boundKind{
		{TypeApplication, routeAssociations, routeChangeAssociations, routeApplicationUsers, routeApplicationGroups},
		boundBy(TypeGSuite, "gsuites", "a Google Workspace directory", "directories"),
		boundBy(TypeOffice365, "office365s", "a Microsoft 365 directory", "directories"),
		boundBy(TypeLDAPServer, "ldapservers", "an LDAP directory", "directories"),
		boundBy(TypeActiveDirectory, "activedirectories", "an Active Directory", "directories"),
		boundBy(TypeRADIUSServer, "radiusservers", "a RADIUS server", "radius"),
		boundBy(TypeDevice, "systems", "a device", "systems"),
		boundBy(TypeDeviceGroup, "systemgroups", "a device group", "groups"),
	}
}

// boundBy makes the routes of a kind whose paths begin with a word, and whose bindings
// take a permission.
func boundBy(graph, path, noun, permission string) boundKind {
	base := "/api/v2/" + path + "/{id}/"
	changes := ", or unbinds it."
	if graph == TypeDevice {
		changes = ", turns sudo of the binding on or off, or unbinds it."
	}
	return boundKind{
		graph: graph,
		bindings: Route{
			http.MethodGet, base + "associations", "the bindings of " + noun,
			"Lists the users and user groups bound directly to " + noun + ".", permission + ".readonly",
			"Requests several target types at once; if that is rejected, one request for each.",
		},
		change: Route{
			http.MethodPost, base + "associations", "the bindings of " + noun,
			"Binds a user or user group to " + noun + changes, permission,
			"Add answers 409 when it is bound already, remove 404 when not.",
		},
		users: Route{
			http.MethodGet, base + "users", "the users of " + noun,
			"Shows who is bound to " + noun + ", where the list of its bindings does not.", "users.readonly", "Sorting is not documented.",
		},
		groups: Route{
			http.MethodGet, base + "usergroups", "the user groups of " + noun,
			"Shows the groups that are bound to " + noun + ", where the list of its bindings does not.", "groups.readonly", "Sorting is not documented.",
		},
	}
}

// boundRoutes lists the routes of all kinds but applications: those that read, and those
// that write.
func boundRoutes() (reads, writes []Route) {
	for _, k := range boundKinds()[1:] {
		reads = append(reads, k.bindings, k.users, k.groups)
		writes = append(writes, k.change)
	}
	return reads, writes
}

// boundState is what is known of a kind's routes at a tenant.
type boundState struct {
	boundKind
	allTargets    shortcut
	users, groups traversal
}

// errBoundKind is a kind that nothing is bound to.
var errBoundKind = fmt.Errorf("nothing is bound to objects of the kind: %w", errors.ErrUnsupported)

// bound finds what is known of a kind's routes.
func (c *Client) bound(kind string) (*boundState, error) {
	if i := slices.IndexFunc(c.short.bound, func(b *boundState) bool { return b.graph == kind }); i >= 0 {
		return c.short.bound[i], nil
	}
	return nil, fmt.Errorf("%q: %w", kind, errBoundKind)
}

// Bindings reads a window of what is bound directly to an object of a kind
// ([TypeApplication], [TypeGSuite], ...), of the given target types; at most 100 rows may
// be asked for. The rows are in no promised order and have holes, as those of
// [Client.GroupMembers].
//
// Where several targets in one request are refused, each is read by itself with
// the same window: the page then holds the rows of all, its total is that of the
// longest, and its mark carries the totals of all.
//
// JumpCloud API v2, GET /applications/{id}/associations and the same of other kinds.
func (c *Client) Bindings(ctx context.Context, kind, id string, targets []string, w paging.Window) (paging.Page[Connection], error) {
	b, err := c.bound(kind)
	if err != nil {
		return paging.Page[Connection]{}, err
	}
	read := func(ctx context.Context, targets ...string) (paging.Page[Connection], error) {
		call := call{route: b.bindings, id: id, query: targetsOf(w, targets...)}
		if kind == TypeDevice || kind == TypeDeviceGroup {
			return readPage(ctx, c, call, (*sudoRow).model)
		}
		return readPage(ctx, c, call, (*connectionRow).model)
	}
	if len(targets) == 1 {
		return read(ctx, targets...)
	}
	return try(ctx, c.logger, &b.allTargets, func(ctx context.Context) (paging.Page[Connection], error) { return read(ctx, targets...) },
		func(ctx context.Context) (paging.Page[Connection], error) {
			all := paging.Page[Connection]{Total: 0}
			marks := make([]string, 0, len(targets))
			for _, target := range targets {
				page, err := read(ctx, target)
				if err != nil {
					return paging.Page[Connection]{}, err
				}
				all.Items = append(all.Items, page.Items...)
				all.Raw += page.Raw
				if page.Total < 0 || all.Total < 0 {
					all.Total = -1
				} else {
					all.Total = max(all.Total, page.Total)
					all.Counted += page.Total
				}
				marks = append(marks, itoa(page.Total))
			}
			all.Mark = strings.Join(marks, "/")
			return all, nil
		})
}

// BoundUsers reads a window of the users who reach an object of a kind, directly or
// through groups, with the paths that lead there, as [Client.UserGroupMembership] does.
//
// JumpCloud API v2, GET /applications/{id}/users and the same of other kinds.
func (c *Client) BoundUsers(ctx context.Context, kind, id string, w paging.Window) (paging.Page[Traversal], error) {
	b, err := c.bound(kind)
	if err != nil {
		return paging.Page[Traversal]{}, err
	}
	return c.traverse(ctx, &b.users, call{route: b.boundKind.users, id: id}, w)
}

// BoundUserGroups reads a window of the user groups that reach an object of a kind, as
// [Client.UserGroupMembership] does.
//
// JumpCloud API v2, GET /applications/{id}/usergroups and the same of other kinds.
func (c *Client) BoundUserGroups(ctx context.Context, kind, id string, w paging.Window) (paging.Page[Traversal], error) {
	b, err := c.bound(kind)
	if err != nil {
		return paging.Page[Traversal]{}, err
	}
	return c.traverse(ctx, &b.groups, call{route: b.boundKind.groups, id: id}, w)
}

// Bind binds a user or user group to an object of a kind. It is sent once: see
// [Error.MaybeDone]. [IsConflict] tells that it is bound already.
//
// JumpCloud API v2, POST /applications/{id}/associations and the same of other kinds.
func (c *Client) Bind(ctx context.Context, kind, id, targetType, target string) error {
	return c.changeBinding(ctx, kind, id, edge{"add", targetType, target})
}

// BindingsPath is the path that changes of the bindings of an object of a kind are sent to;
// empty for a kind that nothing is bound to.
func BindingsPath(kind, id string) string {
	for _, k := range boundKinds() {
		if k.graph == kind {
			return strings.Replace(k.change.Pattern, "{id}", url.PathEscape(id), 1)
		}
	}
	return ""
}

// Unbind ends a binding. It is sent once: see [Error.MaybeDone]. [IsNotFound] tells that
// it is not bound, or that one of the two does not exist.
//
// JumpCloud API v2, POST /applications/{id}/associations and the same of other kinds.
func (c *Client) Unbind(ctx context.Context, kind, id, targetType, target string) error {
	return c.changeBinding(ctx, kind, id, edge{"remove", targetType, target})
}

// SudoChange is a change of a binding to a device that says who is administrator there.
type SudoChange uint8

// The changes of sudo.
const (
	BindWithSudo SudoChange = iota
	SudoOn
	SudoOff
)

// sudoEdge is a change of a binding to a device as it is sent.
type sudoEdge struct {
	edge
	Attributes struct {
		Sudo struct {
			Enabled         bool `json:"enabled"`
			WithoutPassword bool `json:"withoutPassword"`
		} `json:"sudo"`
	} `json:"attributes"`
}

// Body is the change as it is sent, for a user or user group.
func (s SudoChange) Body(targetType, target string) any {
	op := "update"
	if s == BindWithSudo {
		op = "add"
	}
	body := sudoEdge{edge: edge{op, targetType, target}}
	body.Attributes.Sudo.Enabled = s != SudoOff
	return body
}

// ChangeSudo binds a user or user group to a device as administrator, or changes whether one
// that is bound is. It is sent once: see [Error.MaybeDone]. [IsConflict] tells that it is bound
// already, [IsNotFound] that it is not.
//
// JumpCloud API v2, POST /systems/{id}/associations.
func (c *Client) ChangeSudo(ctx context.Context, device, targetType, target string, change SudoChange) error {
	b, err := c.bound(TypeDevice)
	if err != nil {
		return err
	}
	return c.write(ctx, call{route: b.change, id: device, body: change.Body(targetType, target)})
}

func (c *Client) changeBinding(ctx context.Context, kind, id string, change edge) error {
	b, err := c.bound(kind)
	if err != nil {
		return err
	}
	if !slices.Contains([]string{TypeUser, TypeUserGroup}, change.Type) {
		return fmt.Errorf("a %q cannot be bound to a %q: %w", change.Type, kind, errors.ErrUnsupported)
	}
	return c.write(ctx, call{route: b.change, id: id, body: change})
}
