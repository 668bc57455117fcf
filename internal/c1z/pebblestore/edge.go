package pebblestore

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"
)

// Edge is what most questions need of a grant. Its slices are only good until the
// function that was given it returns.
type Edge struct {
	ID, Entitlement []byte
	// ResourceType and Resource are those of the entitlement.
	ResourceType, Resource   []byte
	PrincipalType, Principal []byte
	// Sources are the ids of the entitlements that the grant comes from.
	Sources [][]byte
	// Immutable and Expandable say that the grant has the annotation.
	Immutable, Expandable bool
	// Metadata is the GrantMetadata annotation, serialized; nil for none.
	Metadata []byte
}

// immutableURL is the type of the annotation of grants that cannot be revoked.
const immutableURL = "type.googleapis.com/c1.connector.v2.GrantImmutable"

// metadataURL is the type of the annotation with what a connector tells about a grant.
const metadataURL = "type.googleapis.com/c1.connector.v2.GrantMetadata"

// edgeReader reads edges of grants. It is used by one goroutine.
type edgeReader struct {
	Edge
	id, key []byte
}

// read reads a GrantRecord by the numbers of its fields. It refuses one that is not
// what its key says.
func (r *edgeReader) read(key, value []byte) error {
	if len(value) > maxValue {
		return damaged("it has %d bytes, more than the limit of %d", len(value), maxValue)
	}
	r.Edge = Edge{Sources: r.Sources[:0]}
	if err := r.decode(value); err != nil {
		return err
	}
	if len(r.ID) == 0 {
		r.id = append(append(r.id[:0], r.Entitlement...), ':')
		r.id = append(append(r.id, r.PrincipalType...), ':')
		r.id = append(r.id, r.Principal...)
		r.ID = r.id
	}
	for _, b := range [][]byte{r.Entitlement, r.ResourceType, r.Resource, r.PrincipalType, r.Principal} {
		if len(b) > maxID {
			return damaged("its ID has %d bytes, more than the limit of %d", len(b), maxID)
		}
	}
	for _, b := range r.Sources {
		if len(b) > maxID {
			return damaged("its entitlement ID of a source has %d bytes, more than the limit of %d", len(b), maxID)
		}
	}
	if len(r.ID) > maxKey {
		return damaged("its grant ID has %d bytes, more than the limit of %d", len(r.ID), maxKey)
	}
	r.key = appendGrant(append(r.key[:0], familyGrant...), r.ResourceType, r.Resource, r.Entitlement, r.PrincipalType, r.Principal)
	if !bytes.Equal(r.key, key) {
		return damaged("it is not of the entitlement and the principal that its key names")
	}
	return nil
}

func (r *edgeReader) decode(value []byte) error {
	return eachBytes(value, func(n protowire.Number, v []byte) error {
		switch n {
		case 2:
			r.ID = v
		case 3: // EntitlementRef
			return refs(v, &r.ResourceType, &r.Resource, &r.Entitlement)
		case 4: // PrincipalRef
			return refs(v, &r.PrincipalType, &r.Principal, nil)
		case 6:
			r.Expandable = true
		case 8: // Any
			return r.annotation(v)
		case 9: // an entry of a map
			source := []byte{}
			err := eachBytes(v, func(n protowire.Number, v []byte) error {
				if n == 1 {
					source = v
				}
				return nil
			})
			r.Sources = append(r.Sources, source)
			return err
		}
		return nil
	})
}

// annotation reads an Any.
func (r *edgeReader) annotation(b []byte) error {
	var url, value []byte
	err := refs(b, &url, &value)
	switch string(url) {
	case immutableURL:
		r.Immutable = true
	case metadataURL:
		r.Metadata = value
	}
	return err
}

// refs reads the first fields of a message, such as a reference.
func refs(b []byte, fields ...*[]byte) error {
	return eachBytes(b, func(n protowire.Number, v []byte) error {
		if i := int(n) - 1; i >= 0 && i < len(fields) && fields[i] != nil {
			*fields[i] = v
		}
		return nil
	})
}

// eachBytes calls f for each field of a message that has a length.
func eachBytes(b []byte, f func(protowire.Number, []byte) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return damaged("decode record: %v", protowire.ParseError(n))
		}
		b = b[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, b); n < 0 {
				return damaged("decode record: %v", protowire.ParseError(n))
			}
			b = b[n:]
			continue
		}
		v, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return damaged("decode record: %v", protowire.ParseError(n))
		}
		b = b[n:]
		if err := f(number, v); err != nil {
			return err
		}
	}
	return nil
}
