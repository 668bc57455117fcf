package connector

import (
	"context"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// connections reads a window of edges.
type connections = func(context.Context, paging.Window) (paging.Page[jumpcloud.Connection], error)

// edges describes a list of the graph: it cannot be sorted, and edges to objects
// that were deleted leave holes. The parts are other ways to read it.
func edges(name string, fetch connections, parts ...paging.Part[jumpcloud.Connection]) paging.Lister[jumpcloud.Connection] {
	return paging.Lister[jumpcloud.Connection]{Name: name, Limit: rowsPerPage, Holes: true, Fetch: fetch, ID: edgeID, Parts: parts}
}

// among is a list among all others of its route in this run, which tell what limit is
// obeyed, unless whoever judges it sees no other list.
func (s *Source) among(route string, list paging.Lister[jumpcloud.Connection]) paging.Lister[jumpcloud.Connection] {
	if list.Overlap = s.options.Apart; list.Overlap {
		return list
	}
	lengths, known := s.lengths.Load(route)
	if !known {
		lengths, _ = s.lengths.LoadOrStore(route, paging.NewLengths())
	}
	list.Lengths, _ = lengths.(*paging.Lengths)
	return list
}

// edgeID tells an edge from all others of its list.
func edgeID(c jumpcloud.Connection) string { return c.Type + "/" + c.ID }

// edgeOf is the inverse of [edgeID].
func edgeOf(id string) jumpcloud.Connection {
	kind, id, _ := strings.Cut(id, "/")
	return jumpcloud.Connection{Type: kind, ID: id}
}

// memberEdges is the list of the members of a group.
func memberEdges(client *jumpcloud.Client, group string) paging.Lister[jumpcloud.Connection] {
	fetch := func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
		return client.GroupMembers(ctx, group, w)
	}
	return edges("members of group "+group, fetch, paging.Part[jumpcloud.Connection]{
		Traverse: func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
			page, err := client.UserGroupMembership(ctx, group, w)
			return reached(page, jumpcloud.TypeUser), err
		},
		Candidates: everyUser(client), CandidatesLimit: usersPerPage,
		Lookup: func(ctx context.Context, id string) (jumpcloud.Connection, bool, error) {
			user := edgeOf(id)
			found, err := leadsTo(ctx, GroupsOf(client, user.ID), group)
			return user, found, err
		},
	})
}

// bindingEdges is the list of the users and groups that are bound to an object of a kind
// of the graph.
func bindingEdges(client *jumpcloud.Client, kind, id string) paging.Lister[jumpcloud.Connection] {
	fetch := func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
		return client.Bindings(ctx, kind, id, []string{jumpcloud.TypeUser, jumpcloud.TypeUserGroup}, w)
	}
	lookup := func(list func(jumpcloud.Connection) paging.Lister[jumpcloud.Connection]) func(context.Context, string) (jumpcloud.Connection, bool, error) {
		return func(ctx context.Context, row string) (jumpcloud.Connection, bool, error) {
			principal := edgeOf(row)
			found, err := leadsTo(ctx, list(principal), id)
			return principal, found, err
		}
	}
	users := paging.Part[jumpcloud.Connection]{
		Fetch: BoundTo(client, kind, id, jumpcloud.TypeUser).Fetch,
		Traverse: func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
			page, err := client.BoundUsers(ctx, kind, id, w)
			return directly(page, jumpcloud.TypeUser), err
		},
		Longer:     true,
		Candidates: everyUser(client), CandidatesLimit: usersPerPage,
		Lookup: lookup(func(user jumpcloud.Connection) paging.Lister[jumpcloud.Connection] {
			return edges(kind+" bindings of user "+user.ID, func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
				return client.UserAssociations(ctx, user.ID, kind, w)
			})
		}),
	}
	groups := paging.Part[jumpcloud.Connection]{
		Fetch: BoundTo(client, kind, id, jumpcloud.TypeUserGroup).Fetch,
		Traverse: func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
			page, err := client.BoundUserGroups(ctx, kind, id, w)
			return directly(page, jumpcloud.TypeUserGroup), err
		},
		Candidates: func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
			page, err := client.UserGroups(ctx, w)
			return mapped(page, func(g jumpcloud.UserGroup) jumpcloud.Connection {
				return jumpcloud.Connection{Type: jumpcloud.TypeUserGroup, ID: g.ID}
			}), err
		},
		CandidatesLimit: rowsPerPage,
		Lookup: lookup(func(group jumpcloud.Connection) paging.Lister[jumpcloud.Connection] {
			return edges(kind+" bindings of group "+group.ID, func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
				return client.UserGroupAssociations(ctx, group.ID, kind, w)
			})
		}),
	}
	return edges(boundName(kind, id), fetch, users, groups)
}

// boundName is what the list of the bindings of an object is called.
func boundName(kind, id string) string {
	if kind == jumpcloud.TypeApplication {
		return "assignments of application " + id
	}
	return "bindings of " + kind + " " + id
}

// GroupsOf is the list of the groups that a user is in.
func GroupsOf(client *jumpcloud.Client, user string) paging.Lister[jumpcloud.Connection] {
	return edges("groups of user "+user, func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
		page, err := client.UserMemberOf(ctx, user, w)
		return reached(page, jumpcloud.TypeUserGroup), err
	})
}

// everyUser reads the users of the organization as what could be at the end of an
// edge.
func everyUser(client *jumpcloud.Client) connections {
	return func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
		page, err := client.Users(ctx, w)
		return mapped(page, func(u jumpcloud.User) jumpcloud.Connection {
			return jumpcloud.Connection{Type: jumpcloud.TypeUser, ID: u.ID}
		}), err
	}
}

// BoundTo is the list of what is bound to an object of a kind of the graph, of one type.
func BoundTo(client *jumpcloud.Client, kind, id, target string) paging.Lister[jumpcloud.Connection] {
	return edges(boundName(kind, id), func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
		return client.Bindings(ctx, kind, id, []string{target}, w)
	})
}

// Contains looks for an id in a list. Not finding it is proof, as the list is read to
// its end.
func Contains(ctx context.Context, list paging.Lister[jumpcloud.Connection], id string) (found bool, err error) {
	_, err = paging.ReadAll(ctx, list, func(c jumpcloud.Connection) bool {
		found = c.ID == id
		return !found
	})
	return found, err
}

// leadsTo looks for an id in the list of an owner who leads nowhere once he is gone.
func leadsTo(ctx context.Context, list paging.Lister[jumpcloud.Connection], id string) (bool, error) {
	found, err := Contains(ctx, list, id)
	if jumpcloud.IsNotFound(err) {
		return false, nil
	}
	return found, err
}

// mapped is a page of other rows.
func mapped[A, B any](page paging.Page[A], row func(A) B) paging.Page[B] {
	out := paging.Page[B]{Total: page.Total, Raw: page.Raw, Mark: page.Mark, Counted: page.Counted}
	for _, a := range page.Items {
		out.Items = append(out.Items, row(a))
	}
	return out
}

// reached is a page of traversals as the edges that they stand for. Objects that do
// not tell their type are of the given one.
func reached(page paging.Page[jumpcloud.Traversal], kind string) paging.Page[jumpcloud.Connection] {
	return mapped(page, func(t jumpcloud.Traversal) jumpcloud.Connection {
		return jumpcloud.Connection{Type: firstText(t.Type, kind), ID: t.ID}
	})
}

// directly is a page of traversals, of which only those that one hop leads to are
// edges of the object itself. The others count in its order.
func directly(page paging.Page[jumpcloud.Traversal], kind string) paging.Page[jumpcloud.Connection] {
	out := reached(page, kind)
	all := out.Items
	out.Items, out.Keys = nil, make([]string, 0, len(all))
	for i, c := range all {
		out.Keys = append(out.Keys, edgeID(c))
		if slices.ContainsFunc(page.Items[i].Paths, func(path []jumpcloud.Connection) bool { return len(path) == 1 }) {
			out.Items = append(out.Items, c)
		}
	}
	return out
}
