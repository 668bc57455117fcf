package envelope

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	c1zv3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/c1z/v3"
)

// head is what stands in front of the payload.
type head struct {
	manifest *c1zv3.C1ZManifestV3
	raw      []byte // the manifest as it stands
	payload  int64  // where the payload begins
}

// readHead reads the beginning of an archive of so many bytes.
func readHead(r io.ReaderAt, size int64) (head, error) {
	fixed := make([]byte, len(Magic)+4)
	if err := readAt(r, fixed, 0, size, "its first bytes"); err != nil {
		return head{}, err
	}
	if string(fixed[:len(Magic)]) != Magic {
		return head{}, damaged("it does not begin as an archive of format 3")
	}
	length := int64(binary.BigEndian.Uint32(fixed[len(Magic):]))
	if length > maxManifest {
		return head{}, damaged("its manifest claims %d bytes, more than the limit of %d", length, maxManifest)
	}
	h := head{raw: make([]byte, min(length, max(size-int64(len(fixed)), 0))), payload: int64(len(fixed)) + length}
	if int64(len(h.raw)) < length {
		return head{}, damaged("the file is cut short within its manifest")
	}
	if err := readAt(r, h.raw, int64(len(fixed)), size, "its manifest"); err != nil {
		return head{}, err
	}
	var err error
	h.manifest, err = parseManifest(h.raw)
	return h, err
}

// parseManifest reads the manifest without the descriptors in it, which nobody needs
// to read an archive.
func parseManifest(raw []byte) (*c1zv3.C1ZManifestV3, error) {
	m := new(c1zv3.C1ZManifestV3)
	known := m.ProtoReflect().Descriptor().Fields()
	var rest []byte
	for b := raw; len(b) > 0; {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, damaged("its manifest cannot be read: %v", protowire.ParseError(n))
		}
		length := protowire.ConsumeFieldValue(number, kind, b[n:])
		if length < 0 {
			return nil, damaged("its manifest cannot be read: %v", protowire.ParseError(length))
		}
		field := b[:n+length]
		b = b[n+length:]
		f := known.ByNumber(number)
		if f == nil || f.Name() == "descriptors" {
			continue
		}
		if kind != wireType(f) {
			return nil, damaged("field %s of its manifest has the wrong type", f.Name())
		}
		rest = append(rest, field...)
	}
	if err := proto.Unmarshal(rest, m); err != nil {
		return nil, damaged("its manifest cannot be read: %v", err)
	}
	switch m.GetEngine() {
	case "pebble", "pebble2", "pebble3":
	case "":
		return nil, damaged("its manifest names no engine")
	default:
		return nil, fmt.Errorf("%w: its engine is %.40q, and only pebble is read", ErrUnsupported, m.GetEngine())
	}
	switch m.GetPayloadEncoding() {
	case c1zv3.PayloadEncoding_PAYLOAD_ENCODING_INDEXED_ZSTD, c1zv3.PayloadEncoding_PAYLOAD_ENCODING_TAR_ZSTD, c1zv3.PayloadEncoding_PAYLOAD_ENCODING_TAR:
		return m, nil
	default:
		return nil, fmt.Errorf("%w: its payload encoding is %d; 1, 2 and 5 are read", ErrUnsupported, m.GetPayloadEncoding())
	}
}

// wireType is how a field of the manifest is encoded.
func wireType(f protoreflect.FieldDescriptor) protowire.Type {
	switch f.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	default:
		return protowire.VarintType
	}
}

// readAt reads a part of a file of so many bytes.
func readAt(r io.ReaderAt, b []byte, offset, size int64, what string) error {
	if offset < 0 || offset+int64(len(b)) > size {
		return damaged("the file is cut short within %s", what)
	}
	if _, err := r.ReadAt(b, offset); err != nil {
		if errors.Is(err, io.EOF) {
			return damaged("the file is cut short within %s", what)
		}
		return fmt.Errorf("read archive: %w", err)
	}
	return nil
}
