package syncer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// GrantAnnotations are annotations for the grants of one entitlement to principals of one
// type, for inherited grants too, which no page brings. Each replaces an annotation of its
// type that the grant has already.
type GrantAnnotations struct {
	Entitlement   string
	PrincipalType string
	// Of are by the id of the principal, after Joiner.Alias; Otherwise is for all other
	// principals of the type, nil for none.
	Of        map[string]*anypb.Any
	Otherwise *anypb.Any
}

// GrantAnnotationsRow is stored [GrantAnnotations].
type GrantAnnotationsRow struct {
	Entitlement string
	Data        []byte // see pack
}

// annotationsVersion begins packed annotations:
//
//	packed = version, principal type, number of annotations, each annotation,
//	         number of Otherwise, each principal to the end
//	principal = id, number of its annotation
//
// Numbers are unsigned varints, strings have their length before them. The annotations
// are numbered from 1; 0 means none.
const annotationsVersion = 1

var errBadAnnotations = errors.New("damaged annotations of grants")

func (a *GrantAnnotations) pack() (GrantAnnotationsRow, error) {
	numbers := map[string]uint64{}
	var distinct []byte
	number := func(annotation *anypb.Any) (uint64, error) {
		if annotation == nil {
			return 0, nil
		}
		b, err := marshal(annotation)
		if err != nil {
			return 0, err
		}
		n, ok := numbers[string(b)]
		if !ok {
			n = uint64(len(numbers)) + 1
			numbers[string(b)] = n
			distinct = append(binary.AppendUvarint(distinct, uint64(len(b))), b...)
		}
		return n, nil
	}
	otherwise, err := number(a.Otherwise)
	if err != nil {
		return GrantAnnotationsRow{}, err
	}
	var body []byte
	for _, id := range slices.Sorted(maps.Keys(a.Of)) {
		n, err := number(a.Of[id])
		if err != nil {
			return GrantAnnotationsRow{}, err
		}
		body = binary.AppendUvarint(appendString(body, id), n)
	}
	data := appendString([]byte{annotationsVersion}, a.PrincipalType)
	data = append(binary.AppendUvarint(data, uint64(len(numbers))), distinct...)
	data = binary.AppendUvarint(data, otherwise)
	return GrantAnnotationsRow{Entitlement: a.Entitlement, Data: append(data, body...)}, nil
}

// unpackAnnotations is the reverse of pack.
func unpackAnnotations(row GrantAnnotationsRow) (*GrantAnnotations, error) {
	r := annotationsReader{data: row.Data}
	if len(r.data) == 0 || r.data[0] != annotationsVersion {
		return nil, errBadAnnotations
	}
	r.data = r.data[1:]
	a := &GrantAnnotations{Entitlement: row.Entitlement, PrincipalType: string(r.bytes()), Of: map[string]*anypb.Any{}}
	known := []*anypb.Any{nil}
	for range r.number(uint64(len(r.data))) {
		annotation := new(anypb.Any)
		if err := proto.Unmarshal(r.bytes(), annotation); err != nil {
			return nil, errors.Join(errBadAnnotations, err)
		}
		known = append(known, annotation)
	}
	last := uint64(len(known)) - 1
	a.Otherwise = known[r.number(last)]
	for len(r.data) > 0 && !r.bad {
		id := string(r.bytes())
		a.Of[id] = known[r.number(last)]
	}
	if r.bad {
		return nil, errBadAnnotations
	}
	return a, nil
}

// annotationsReader reads packed annotations. After something that cannot be, all that it
// reads is empty.
type annotationsReader struct {
	data []byte
	bad  bool
}

func (r *annotationsReader) number(most uint64) uint64 {
	n, size := binary.Uvarint(r.data)
	if size <= 0 || n > most {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[size:]
	return n
}

func (r *annotationsReader) bytes() []byte {
	n := r.number(uint64(len(r.data)))
	if n > uint64(len(r.data)) {
		r.bad, r.data = true, nil
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

// annotations are those for the grants of an entitlement, nil for none.
func (b *builder) annotations(ctx context.Context, entitlement string) (*GrantAnnotations, error) {
	row, err := b.Store.GrantAnnotations(ctx, entitlement)
	if err != nil || row.Data == nil || b.Unexpanded {
		return nil, err
	}
	a, err := unpackAnnotations(row)
	if err != nil {
		return nil, fmt.Errorf("grants on %s: %w", entitlement, err)
	}
	return a, nil
}

// add returns the annotations of a grant to a principal with its own among them.
func (a *GrantAnnotations) add(list []*anypb.Any, resourceType, id string) []*anypb.Any {
	if a == nil || resourceType != a.PrincipalType {
		return list
	}
	own, ok := a.Of[id]
	if !ok {
		own = a.Otherwise
	}
	if own == nil {
		return list
	}
	with := make([]*anypb.Any, 0, len(list)+1)
	for _, other := range list {
		if other.GetTypeUrl() != own.GetTypeUrl() {
			with = append(with, other)
		}
	}
	return append(with, own)
}
