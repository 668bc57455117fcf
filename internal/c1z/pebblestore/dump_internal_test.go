package pebblestore

import (
	"bytes"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/envelope"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	storagev3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
)

// openSample unpacks an archive that the public SDK wrote.
func openSample(t *testing.T, name string) *Store {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "format3", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := envelope.Unpack(t.Context(), f, stat.Size(), dir, Wanted, envelope.Limits{DecodedSize: 1 << 30, Window: 8 << 20}); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// dumped is a key and a value as a dump has them.
type dumped struct {
	key, value []byte
	message    proto.Message // nil where the value is no record
	size       int
}

// readDump reads a dump: a line with the key in hex, one with it in quotes, one with
// the message and its size or the value in hex, and the message as text.
func readDump(t *testing.T, name string) []dumped {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "format3", name))
	if err != nil {
		t.Fatal(err)
	}
	var rows []dumped
	for _, part := range strings.Split("\n"+string(raw), "\nKEY ")[1:] {
		lines := strings.SplitN(part, "\n", 4)
		key, err := hex.DecodeString(lines[0])
		if err != nil {
			t.Fatal(err)
		}
		row := dumped{key: key}
		value := strings.TrimPrefix(lines[2], "VAL ")
		if kind, size, ok := strings.Cut(value, " "); ok && size != "" {
			typ, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("c1.storage.v3." + kind))
			if err != nil {
				t.Fatal(err)
			}
			row.message = typ.New().Interface()
			if row.size, err = strconv.Atoi(size); err != nil {
				t.Fatal(err)
			}
			if err := prototext.Unmarshal([]byte(lines[3]), row.message); err != nil {
				t.Fatalf("%s: %v", lines[1], err)
			}
		} else if row.value, err = hex.DecodeString(strings.TrimSpace(value)); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// TestDumps compares every key and every value of archives of the public SDK with
// their listings, and makes the same bytes of what is read from them.
func TestDumps(t *testing.T) {
	t.Parallel()
	for sample, dump := range map[string]string{"edge.c1z": "edge.dump.txt", "tiny.c1z": "tiny.dump.txt", "tarzstd.c1z": "tiny.dump.txt"} {
		t.Run(sample, func(t *testing.T) {
			t.Parallel()
			s, want := openSample(t, sample), readDump(t, dump)
			if len(want) < 30 {
				t.Fatalf("the dump has %d keys", len(want))
			}
			err := s.walk(t.Context(), span{from: []byte{0}, to: []byte{0xff}}, math.MaxInt, func(key, value []byte) error {
				if len(want) == 0 {
					t.Errorf("key %x is not in the dump", key)
					return nil
				}
				w := want[0]
				want = want[1:]
				if !bytes.Equal(key, w.key) {
					t.Errorf("key %x, want %x", key, w.key)
				}
				if w.message == nil {
					if !bytes.Equal(value, w.value) {
						t.Errorf("%q: value %x, want %x", key, value, w.value)
					}
					return nil
				}
				got := w.message.ProtoReflect().New().Interface()
				if err := proto.Unmarshal(value, got); err != nil {
					return err
				}
				if !proto.Equal(got, w.message) || len(value) != w.size {
					t.Errorf("%q: %v (%d bytes), want %v (%d bytes)", key, got, len(value), w.message, w.size)
				}
				again, err := rewrite(got)
				if err != nil {
					return err
				}
				if !bytes.Equal(again, value) {
					t.Errorf("%q: written %x, want %x", key, again, value)
				}
				return nil
			})
			if err != nil || len(want) > 0 {
				t.Errorf("%d keys are left: %v", len(want), err)
			}
		})
	}
}

// rewrite makes a message of a record, and the record of that.
func rewrite(record proto.Message) ([]byte, error) {
	var out proto.Message
	switch r := record.(type) {
	case *storagev3.ResourceTypeRecord:
		m, err := resourceTypeMessage(r)
		if err != nil {
			return nil, err
		}
		out = resourceTypeRecord(m, r.GetDiscoveredAt())
	case *storagev3.ResourceRecord:
		m, err := resourceMessage(r)
		if err != nil {
			return nil, err
		}
		out = resourceRecord(m, r.GetDiscoveredAt())
	case *storagev3.EntitlementRecord:
		m, err := entitlementMessage(r)
		if err != nil {
			return nil, err
		}
		out = entitlementRecord(m, r.GetDiscoveredAt())
	case *storagev3.GrantRecord:
		m, err := grantMessage(r)
		if err != nil {
			return nil, err
		}
		rawAt, err := proto.Marshal(r.GetDiscoveredAt())
		if err != nil {
			return nil, err
		}
		var expansion *v2.GrantExpandable
		if n := len(m.GetAnnotations()); r.GetExpansion() != nil {
			expansion = new(v2.GrantExpandable)
			if err := m.GetAnnotations()[n-1].UnmarshalTo(expansion); err != nil {
				return nil, err
			}
			m.Annotations = m.GetAnnotations()[:n-1]
		}
		e, p := r.GetEntitlement(), r.GetPrincipal()
		g := grantKey{e.GetResourceTypeId(), e.GetResourceId(), e.GetEntitlementId(), p.GetResourceTypeId(), p.GetResourceId()}
		return (&Builder{rawAt: rawAt}).appendGrant(nil, g, m, expansion)
	default:
		out = record
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(out)
}
