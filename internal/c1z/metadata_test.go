package c1z_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// usedGrants are two grants with metadata, one of them immutable, and one without.
func usedGrants(t *testing.T) []*v2.Grant {
	t.Helper()
	app := &v2.Resource{Id: &v2.ResourceId{ResourceType: "app", Resource: "a"}, DisplayName: "A"}
	annotation := func(m proto.Message) *anypb.Any {
		a, err := anypb.New(m)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	metadata := func(fields map[string]any) *anypb.Any {
		s, err := structpb.NewStruct(fields)
		if err != nil {
			t.Fatal(err)
		}
		return annotation(&v2.GrantMetadata{Metadata: s})
	}
	grant := func(user string, annotations ...*anypb.Any) *v2.Grant {
		return &v2.Grant{
			Id: "app:a:user:" + user, Entitlement: &v2.Entitlement{Id: "app:a", Resource: app},
			Principal: &v2.Resource{Id: &v2.ResourceId{ResourceType: "user", Resource: user}, DisplayName: user}, Annotations: annotations,
		}
	}
	return []*v2.Grant{
		grant("u1", annotation(&v2.GrantImmutable{}), metadata(map[string]any{"last_used": "2026-11-01T08:00:00Z", "number": 3, "list": []any{"last_used"}})),
		grant("u2", metadata(map[string]any{"not_used_since": "2026-09-01T00:00:00Z"})),
		grant("u3"),
	}
}

func writeUsed(t *testing.T, format c1z.Format) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "sync.c1z")
	w, err := c1z.Create(t.Context(), c1z.Options{Path: path, WorkDir: dir, Format: format, StartedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	grants := usedGrants(t)
	ctx, app := t.Context(), grants[0].GetEntitlement().GetResource()
	if err := errors.Join(
		w.PutResourceTypes(ctx, &v2.ResourceType{Id: "app"}, &v2.ResourceType{Id: "user"}), w.PutResources(ctx, app),
		w.PutEntitlements(ctx, &v2.Entitlement{Id: "app:a", Resource: app}), w.PutGrants(ctx, grants...),
	); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(ctx, c1z.SyncRun{EndedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestGrantMetadata scans metadata in both formats.
func TestGrantMetadata(t *testing.T) {
	t.Parallel()
	for _, format := range []c1z.Format{c1z.FormatV1, c1z.FormatV3} {
		r := open(t, writeUsed(t, format))
		run, err := r.Shown(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		err = r.ScanGrants(t.Context(), run.ID, 1, func(_ int, g *c1z.GrantEdge) error {
			used, err := g.MetadataText("last_used")
			unused, err2 := g.MetadataText("not_used_since")
			number, err3 := g.MetadataText("number")
			got[string(g.Principal)] = string(used) + " " + string(unused)
			if number != nil || g.Immutable != (string(g.Principal) == "u1") {
				t.Errorf("format %v: %s: immutable %t, number %q", format, g.Principal, g.Immutable, number)
			}
			return errors.Join(err, err2, err3)
		})
		if err != nil || len(got) != 3 || got["u1"] != "2026-11-01T08:00:00Z " || got["u2"] != " 2026-09-01T00:00:00Z" || got["u3"] != " " {
			t.Errorf("format %v: %q, %v", format, got, err)
		}
		broken := c1z.GrantEdge{Metadata: []byte{0x0a, 0x7f}}
		if _, err := broken.MetadataText("last_used"); err == nil {
			t.Error("metadata that is cut is read")
		}
	}
}

// TestGrantMetadataForOthers reads grants as a program does that has never heard of metadata:
// with a schema of its own, and no types but those that it knows.
func TestGrantMetadataForOthers(t *testing.T) {
	t.Parallel()
	text, message, many := descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	field := func(name string, n int32) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{Name: &name, Number: &n, Type: text, Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	}
	annotations := field("annotations", 4)
	annotations.Type, annotations.Label, annotations.TypeName = message, many, new(".google.protobuf.Any")
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: new("other.proto"), Package: new("other"), Syntax: new("proto3"), Dependency: []string{"google/protobuf/any.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{Name: new("Grant"), Field: []*descriptorpb.FieldDescriptorProto{field("id", 3), annotations}}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	known := new(protoregistry.Types)
	if err := known.RegisterMessage((*v2.GrantImmutable)(nil).ProtoReflect().Type()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path, unpack(t, writeUsed(t, c1z.FormatV1)), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// As a lookup of old programs.
	rows, err := db.QueryContext(t.Context(), "select data from v1_grants where entitlement_id = 'app:a' and principal_resource_type_id = 'user' order by id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n, immutable := 0, 0
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			t.Fatal(err)
		}
		grant := dynamicpb.NewMessage(file.Messages().Get(0))
		if err := (proto.UnmarshalOptions{Resolver: known}).Unmarshal(data, grant); err != nil {
			t.Fatal(err)
		}
		if id := grant.Get(file.Messages().Get(0).Fields().ByName("id")).String(); id != usedGrants(t)[n].GetId() {
			t.Errorf("grant %d has the id %q", n, id)
		}
		list := grant.Get(file.Messages().Get(0).Fields().ByName("annotations")).List()
		for i := range list.Len() {
			b, err := proto.Marshal(list.Get(i).Message().Interface())
			a := new(anypb.Any)
			if err = errors.Join(err, proto.Unmarshal(b, a)); err != nil {
				t.Fatal(err)
			}
			if _, err := anypb.UnmarshalNew(a, proto.UnmarshalOptions{Resolver: known}); err == nil {
				immutable++
			}
		}
		n++
	}
	if err := rows.Err(); err != nil || n != 3 || immutable != 1 {
		t.Errorf("%d grants, %d of them immutable: %v", n, immutable, err)
	}
}
