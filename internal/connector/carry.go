package connector

import (
	"context"
	"fmt"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// MappingVersion is raised when the same answers of JumpCloud become other grants, or
// grants with other ids: what an archive of another version says of a list is not what
// reading the list would say.
const MappingVersion = 1

// ShortList is how many rows of a list of holders one request brings.
const ShortList = rowsPerPage

// IsRuled reports whether a rule decides who belongs to a group that was mapped.
func IsRuled(group *v2.Resource) bool { return isDynamic(groupMethod(group)) }

// Carriable reports whether the rows of a list are all told by the direct grants of the
// resource that owns it, and change by nothing but edits of which JumpCloud tells: members of
// a group that no rule fills, and whom an application is assigned to.
func Carriable(list syncer.List) bool {
	c := parseKind(list.Kind).collection
	return c == members || c == assignments
}

// Holders makes the grants of a list that is [Carriable] of those who hold its resource, as
// reading the list does.
func Holders(list syncer.List, holders []syncer.Ref) (*syncer.Page, error) {
	edges := make([]jumpcloud.Connection, 0, len(holders))
	for _, h := range holders {
		kind, ok := graphType(h.Type)
		if !ok {
			return nil, fmt.Errorf("%s is held by %s", list.Owner, h)
		}
		edges = append(edges, jumpcloud.Connection{Type: kind, ID: h.ID})
	}
	k := parseKind(list.Kind)
	grants, others := k.find().grants(k, list.Owner, edges)
	if len(others) > 0 {
		return nil, fmt.Errorf("%s is held by %s", list.Owner, others[0])
	}
	return &syncer.Page{Grants: grants}, nil
}

// Total asks how many rows a list that is [Carriable] has; -1 where JumpCloud does not tell.
func (s *Source) Total(ctx context.Context, list syncer.List) (int, error) {
	least := paging.Window{Limit: 1}
	var page paging.Page[jumpcloud.Connection]
	var err error
	switch parseKind(list.Kind).collection {
	case members:
		page, err = s.client.GroupMembers(ctx, list.Owner.ID, least)
	case assignments:
		page, err = s.client.Bindings(ctx, jumpcloud.TypeApplication, list.Owner.ID, []string{jumpcloud.TypeUser, jumpcloud.TypeUserGroup}, least)
	default:
		return -1, nil
	}
	if err != nil {
		return -1, Coded(err)
	}
	if page.Mark != "" && page.Total >= 0 {
		return page.Counted, nil
	}
	return page.Total, nil
}
