package services

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

const (
	// maxPageRows is how many grants a page has. Those of a longer list come on pages that
	// the platform reads side by side.
	maxPageRows = 2500
	// maxPages bounds the page tokens of an answer: that of the protocol.
	maxPages = 1024
)

// ListGrants lists who holds a resource.
func (s *Services) ListGrants(ctx context.Context, req *v2.GrantsServiceListGrantsRequest) (*v2.GrantsServiceListGrantsResponse, error) {
	answer, err := s.listGrants(ctx, req)
	return answer, s.failed(ctx, "listing grants for resource "+refOf(req.GetResource().GetId()).String(), err)
}

func (s *Services) listGrants(ctx context.Context, req *v2.GrantsServiceListGrantsRequest) (*v2.GrantsServiceListGrantsResponse, error) {
	r, err := s.whole(ctx, req.GetResource(), req.GetAnnotations(), (*v2.TypeScopedGrants)(nil))
	if err != nil {
		return nil, err
	}
	lists := connector.HoldersOf(r)
	if len(lists) == 0 {
		return new(v2.GrantsServiceListGrantsResponse), nil
	}
	if err := s.rested(); err != nil {
		return nil, err
	}
	dir, err := s.directory(ctx, req.GetActiveSyncId())
	if err != nil {
		return nil, err
	}
	l := grantList{
		Services: s, dir: dir, lists: lists, resource: &v2.Resource{Id: r.GetId(), DisplayName: r.GetDisplayName()},
		place: place{list: "grants", of: refOf(r.GetId()), sync: req.GetActiveSyncId(), organization: dir.org.ID},
		rows:  s.pageRows,
	}
	if size := int(req.GetPageSize()); size > 0 {
		l.rows = min(l.rows, size)
	}
	if lists[0] == (syncer.List{}) {
		return l.ofAdministrators(req.GetPageToken())
	}
	if req.GetPageToken() != "" {
		return l.rest(req.GetPageToken())
	}
	var all []holder
	for i, list := range lists {
		held, err := s.holders(ctx, dir, list)
		if err != nil {
			return nil, err
		}
		for j := range held {
			held[j].second = i > 0
		}
		all = append(all, held...)
	}
	return l.first(all)
}

// grantList makes the pages of the grants on a resource.
type grantList struct {
	*Services
	dir      view
	lists    []syncer.List // one or two
	resource *v2.Resource
	place    place
	rows     int // of a page, at most
}

// ofAdministrators is what administrators hold, which the directory has. A token names the
// last principal of the page before.
func (l grantList) ofAdministrators(token string) (*v2.GrantsServiceListGrantsResponse, error) {
	ref := refOf(l.resource.GetId())
	if _, ok := l.dir.name(ref); !ok {
		return nil, gone(ref)
	}
	all, first := l.dir.held[ref], 0
	if token != "" {
		content, err := l.place.open(token)
		if err != nil {
			return nil, err
		}
		after, err := unpackHolders(content)
		if err != nil || len(after) != 1 {
			return nil, fault.Invalid("invalid page token: it names no place in the list")
		}
		var found bool
		first, found = slices.BinarySearchFunc(all, after[0].Ref, func(g *v2.Grant, ref syncer.Ref) int {
			return refOf(g.GetPrincipal().GetId()).Compare(ref)
		})
		if found {
			first++
		}
	}
	answer := &v2.GrantsServiceListGrantsResponse{List: all[first:]}
	if n := l.fitting(answer.List); n < len(answer.List) {
		answer.List = answer.List[:n]
		answer.NextPageToken = l.place.seal(holder{Ref: refOf(answer.List[n-1].GetPrincipal().GetId())}.pack(nil))
	}
	return answer, nil
}

// fitting is how many grants, at least one, fit on a page.
func (l grantList) fitting(grants []*v2.Grant) int {
	return max(min(1, len(grants)), fit(grants[:min(len(grants), l.rows)], l.pageBytes))
}

// fit is how many grants take no more than so many bytes.
func fit(grants []*v2.Grant, bytes int) int {
	for i, g := range grants {
		// A row has its tag and its length before it.
		if bytes -= proto.Size(g) + rowOverhead; bytes < 0 {
			return i
		}
	}
	return len(grants)
}

// rowOverhead is what a row of an answer takes beside itself, at most.
const rowOverhead = 8

// first is the first page of a list that was read and proven. The tokens of the others
// hold the principals themselves, so that they take neither a request nor a proof, whoever
// gets them.
func (l grantList) first(all []holder) (*v2.GrantsServiceListGrantsResponse, error) {
	// Where small pages would be too many to name, each token stands for several.
	parts := split(all, max(l.rows, len(all)/(maxPages/2)))
	if len(parts) == 0 {
		return new(v2.GrantsServiceListGrantsResponse), nil
	}
	room := l.pageBytes
	var tokens []string
	for _, part := range parts[1:] {
		token := l.place.seal(packHolders(part))
		room -= len(token) + rowOverhead
		tokens = append(tokens, token)
	}
	grants, err := l.grants(parts[0])
	if err != nil {
		return nil, err
	}
	n := l.fittingHolders(grants, room)
	if n < len(grants) {
		token := l.place.seal(packHolders(parts[0][n:]))
		if room -= len(token) + rowOverhead; room < 0 {
			n = 0
		} else {
			n = min(n, l.fittingHolders(grants[:n], room))
		}
		// Whatever is left out for the room of this token is in it.
		token = l.place.seal(packHolders(parts[0][n:]))
		tokens = append([]string{token}, tokens...)
	}
	if room < 0 || len(tokens) > maxPages {
		return nil, fault.WithCode(codes.ResourceExhausted,
			"%s has %d rows, more than one answer can name; sync with the self-hosted connector instead", l.lists[0], len(all))
	}
	answer := &v2.GrantsServiceListGrantsResponse{List: slices.Concat(grants[:n]...)}
	if len(tokens) > 0 {
		answer.Annotations = connector.Annotations(&v2.EnqueuePageTokens{PageTokens: tokens, EstimatedTotal: int64(len(all))})
	}
	return answer, nil
}

// rest is a further page of a list.
func (l grantList) rest(token string) (*v2.GrantsServiceListGrantsResponse, error) {
	content, err := l.place.open(token)
	if err != nil {
		return nil, err
	}
	part, err := unpackHolders(content)
	if err != nil {
		return nil, err
	}
	grants, err := l.grants(part)
	if err != nil {
		return nil, err
	}
	answer := new(v2.GrantsServiceListGrantsResponse)
	n := l.fittingHolders(grants, l.pageBytes)
	if n < len(grants) {
		n = max(1, l.fittingHolders(grants, l.pageBytes-len(token))) // The next token is shorter than this one.
	}
	if answer.List = slices.Concat(grants[:n]...); n < len(grants) {
		answer.NextPageToken = l.place.seal(packHolders(part[n:]))
	}
	return answer, nil
}

// fittingHolders is of how many holders the grants fit on a page and take no more than so
// many bytes. The grants of one holder stay together.
func (l grantList) fittingHolders(grants [][]*v2.Grant, bytes int) int {
	rows := l.rows
	for i, of := range grants {
		if rows -= len(of); rows < 0 && i > 0 {
			return i
		}
		for _, g := range of {
			bytes -= proto.Size(g) + rowOverhead
		}
		if bytes < 0 {
			return i
		}
	}
	return len(grants)
}

// grants makes the grants of holders, those of each by themselves. As in an archive, they
// embed the names of the resource and of the principal.
func (l grantList) grants(part []holder) ([][]*v2.Grant, error) {
	ids := make([][]connector.Holder, len(l.lists))
	at := func(h holder) int {
		if h.second {
			return min(1, len(l.lists)-1)
		}
		return 0
	}
	for _, h := range part {
		ids[at(h)] = append(ids[at(h)], connector.Holder{ID: idOf(h.Ref), Sudo: h.sudo, Own: h.own, Reached: h.reached})
	}
	of := make([][][]*v2.Grant, len(l.lists))
	for i, list := range l.lists {
		var err error
		if of[i], err = connector.GrantsOf(list, ids[i]); err != nil {
			return nil, err
		}
	}
	all := make([][]*v2.Grant, len(part))
	for i, h := range part {
		list := at(h)
		all[i], of[list] = of[list][0], of[list][1:]
		for _, g := range all[i] {
			g.Entitlement.Resource = l.named(g.GetEntitlement().GetResource().GetId(), h)
			g.Principal = l.named(g.GetPrincipal().GetId(), h)
		}
	}
	return all, nil
}

// named is a resource with its name, which may be that of a holder.
func (l grantList) named(id *v2.ResourceId, h holder) *v2.Resource {
	ref := refOf(id)
	if ref == refOf(l.resource.GetId()) {
		return l.resource
	}
	name, ok := l.dir.name(ref)
	if !ok && ref == h.Ref {
		name = h.name
	}
	return &v2.Resource{Id: id, DisplayName: name}
}

// split divides principals into pages.
func split(all []holder, rows int) [][]holder {
	var parts [][]holder
	begin, size := 0, 0
	for i, h := range all {
		n := len(h.pack(nil))
		if i-begin == rows || size+n > maxToken/2 {
			parts = append(parts, all[begin:i])
			begin, size = i, 0
		}
		size += n
	}
	if begin < len(all) {
		parts = append(parts, all[begin:])
	}
	return parts
}

func packHolders(all []holder) []byte {
	b := make([]byte, 0, len(all)*(idBytes+1))
	for _, h := range all {
		b = h.pack(b)
	}
	return b
}
