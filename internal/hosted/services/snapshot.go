package services

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// snapshot is a directory that was read to its end: resources in a file, their ids and
// names in memory. It implements [syncer.Archive] while it is made, and is safe for
// concurrent use afterwards.
type snapshot struct {
	org     connector.Organization
	file    *os.File
	out     *bufio.Writer
	size    int64
	types   map[string]*resources
	held    map[syncer.Ref][]*v2.Grant // what administrators hold, by resource
	sudo    map[syncer.Ref]bool        // users who administer every device that they can sign in to
	aliases map[syncer.Ref]syncer.Ref  // principals that were joined into others
}

// resources are those of one type, by id.
type resources struct {
	message    *v2.ResourceType
	ids, names []string
	begins     []int64 // in the file
	end        int64
}

// newSnapshot makes an empty one with its file in a folder.
func newSnapshot(dir string, org connector.Organization) (*snapshot, error) {
	file, err := os.OpenFile(filepath.Join(dir, "resources"), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600) //nolint:gosec // The folder is our own.
	if err != nil {
		return nil, fmt.Errorf("keep resources: %w", err)
	}
	return &snapshot{org: org, file: file, out: bufio.NewWriterSize(file, 1<<16), types: map[string]*resources{}, held: map[syncer.Ref][]*v2.Grant{}, sudo: map[syncer.Ref]bool{}}, nil
}

// PutResourceTypes implements [syncer.Archive].
func (s *snapshot) PutResourceTypes(_ context.Context, types ...*v2.ResourceType) error {
	for _, t := range types {
		s.types[t.GetId()] = &resources{message: t}
	}
	return nil
}

// PutResources implements [syncer.Archive]. Resources come by type and id.
func (s *snapshot) PutResources(_ context.Context, all ...*v2.Resource) error {
	for _, r := range all {
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
		if err != nil {
			return fmt.Errorf("%s: %w", refOf(r.GetId()), err)
		}
		if _, err := s.out.Write(data); err != nil {
			return fmt.Errorf("keep resources: %w", err)
		}
		if ref := refOf(r.GetId()); ref.Type == restype.User && connector.HasOwnSudo(r) {
			s.sudo[ref] = true
		}
		t := s.types[r.GetId().GetResourceType()]
		t.ids, t.names = append(t.ids, r.GetId().GetResource()), append(t.names, r.GetDisplayName())
		t.begins = append(t.begins, s.size)
		s.size += int64(len(data))
		t.end = s.size
	}
	return nil
}

// PutEntitlements implements [syncer.Archive]. Entitlements are made of resources.
func (s *snapshot) PutEntitlements(context.Context, ...*v2.Entitlement) error { return nil }

// PutGrants implements [syncer.Archive].
func (s *snapshot) PutGrants(_ context.Context, grants ...*v2.Grant) error {
	for _, g := range grants {
		ref := refOf(g.GetEntitlement().GetResource().GetId())
		s.held[ref] = append(s.held[ref], g)
	}
	return nil
}

// flush ends the making.
func (s *snapshot) flush() error {
	err := s.out.Flush()
	s.out = nil
	for _, grants := range s.held {
		slices.SortFunc(grants, func(a, b *v2.Grant) int {
			return refOf(a.GetPrincipal().GetId()).Compare(refOf(b.GetPrincipal().GetId()))
		})
	}
	if err != nil {
		return fmt.Errorf("keep resources: %w", err)
	}
	return nil
}

func (s *snapshot) close() error { return s.file.Close() }

// name finds a resource, and tells its display name.
func (s *snapshot) name(ref syncer.Ref) (string, bool) {
	t := s.types[ref.Type]
	if t == nil {
		return "", false
	}
	i, ok := slices.BinarySearch(t.ids, ref.ID)
	if !ok {
		return "", false
	}
	return t.names[i], true
}

// page reads resources of a type behind an id, "" being the first: at least one, no more
// than rows unless that is 0, and no more bytes than given unless one alone has them. More
// says that others follow.
func (s *snapshot) page(resourceType, after string, rows, bytes int) (list []*v2.Resource, more bool, err error) {
	t := s.types[resourceType]
	first, found := slices.BinarySearch(t.ids, after)
	if found {
		first++
	}
	last := first
	for last < len(t.ids) && (rows == 0 || last-first < rows) && (last == first || t.endOf(last)-t.begins[first]+int64(last-first+1)*rowOverhead <= int64(bytes)) {
		last++
	}
	if first == last {
		return nil, false, nil
	}
	data := make([]byte, t.endOf(last-1)-t.begins[first])
	if _, err := s.file.ReadAt(data, t.begins[first]); err != nil {
		if errors.Is(err, os.ErrClosed) {
			return nil, false, errRemoved
		}
		return nil, false, fmt.Errorf("read kept resources: %w", err)
	}
	for i := first; i < last; i++ {
		r := new(v2.Resource)
		if err := proto.Unmarshal(data[t.begins[i]-t.begins[first]:t.endOf(i)-t.begins[first]], r); err != nil {
			return nil, false, fmt.Errorf("read kept resources: %w", err)
		}
		list = append(list, r)
	}
	return list, last < len(t.ids), nil
}

// find reads one resource. One that is not there is [gone].
func (s *snapshot) find(ref syncer.Ref) (*v2.Resource, error) {
	if _, ok := s.name(ref); !ok {
		return nil, gone(ref)
	}
	t := s.types[ref.Type]
	i, _ := slices.BinarySearch(t.ids, ref.ID)
	before := ""
	if i > 0 {
		before = t.ids[i-1]
	}
	list, _, err := s.page(ref.Type, before, 1, 0)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// endOf is where the record of a resource ends.
func (t *resources) endOf(i int) int64 {
	if i+1 < len(t.begins) {
		return t.begins[i+1]
	}
	return t.end
}

// errRemoved is a directory that was removed while a call used it.
var errRemoved = fault.WithCode(codes.Unavailable, "the directory of the sync was removed meanwhile")
