package pb_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	// Imported for their descriptors.
	_ "github.com/conductorone/baton-jumpcloud/internal/pb/c1/c1z/v3"
	_ "github.com/conductorone/baton-jumpcloud/internal/pb/c1/config/v1"
	_ "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	_ "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	_ "github.com/conductorone/baton-jumpcloud/internal/pb/c1/ratelimit/v1"
	_ "github.com/conductorone/baton-jumpcloud/internal/pb/c1/reader/v2"
	_ "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
	_ "github.com/conductorone/baton-jumpcloud/internal/pb/c1/transport/v1"
)

// facts is a set of sentences about the wire, each complete in itself, such as
// "message c1.connector.v2.Grant: 3 id string".
type facts map[string]bool

// compare says what is in only one of the two sets.
func compare(want, got facts) []string {
	var problems []string
	for f := range want {
		if !got[f] {
			problems = append(problems, "missing: "+f)
		}
	}
	for f := range got {
		if !want[f] {
			problems = append(problems, "extra: "+f)
		}
	}
	slices.Sort(problems)
	return problems
}

func TestGeneratedCodeIsTheWire(t *testing.T) {
	t.Parallel()
	for _, p := range compare(parseTable(t), generatedFacts()) {
		t.Error(p)
	}
}

// Each planted difference is one that another program would notice; the
// comparison must notice it too.
func TestComparisonNoticesDifferences(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, fact, instead string }{
		{"file", "file c1/connector/v2/grant.proto", "file c1/connector/v2/grants.proto"},
		{"message name", "message c1.connector.v2.BatonID", "message c1.connector.v2.BatonId"},
		{"field number", "message c1.connector.v2.Grant: 3 id string", "message c1.connector.v2.Grant: 4 id string"},
		{"field name", "message c1.connector.v2.Grant: 3 id string", "message c1.connector.v2.Grant: 3 ids string"},
		{"field type", "message c1.connector.v2.Grant: 3 id string", "message c1.connector.v2.Grant: 3 id bytes"},
		{
			"repeated", "message c1.connector.v2.ResourceType: 3 traits repeated c1.connector.v2.ResourceType.Trait",
			"message c1.connector.v2.ResourceType: 3 traits c1.connector.v2.ResourceType.Trait",
		},
		{
			"presence", "message c1.config.v1.BoolRules: 1 eq optional bool",
			"message c1.config.v1.BoolRules: 1 eq bool",
		},
		{
			"oneof", "message c1.connector.v2.KeyGenerationProfile: 3 crv string oneof=parameters",
			"message c1.connector.v2.KeyGenerationProfile: 3 crv string",
		},
		{
			"map", "message c1.connector.v2.GrantSources: 1 sources map<string, c1.connector.v2.GrantSources.GrantSource>",
			"message c1.connector.v2.GrantSources: 1 sources map<string, string>",
		},
		{
			"deprecated", "message c1.connector.v2.EncryptedData: 2 key_id string deprecated",
			"message c1.connector.v2.EncryptedData: 2 key_id string",
		},
		{
			"reserved", "message c1.connector.v2.FileField: reserved 2 value_validator",
			"message c1.connector.v2.FileField: 2 value_validator string",
		},
		{
			"enum value", "enum c1.connector.v2.ResourceType.Trait: 4 TRAIT_APP",
			"enum c1.connector.v2.ResourceType.Trait: 5 TRAIT_APP",
		},
		{
			"method", "service c1.connector.v2.AssetService: GetAsset(c1.connector.v2.AssetServiceGetAssetRequest) -> stream c1.connector.v2.AssetServiceGetAssetResponse",
			"service c1.connector.v2.AssetService: GetAsset(c1.connector.v2.AssetServiceGetAssetRequest) -> c1.connector.v2.AssetServiceGetAssetResponse",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			table := parseTable(t)
			if !table[tt.fact] {
				t.Fatalf("the table has no %q to change", tt.fact)
			}
			delete(table, tt.fact)
			table[tt.instead] = true
			got := compare(table, generatedFacts())
			want := []string{"extra: " + tt.fact, "missing: " + tt.instead}
			if !slices.Equal(got, want) {
				t.Errorf("compare = %q, want %q", got, want)
			}
		})
	}
}

// A package that this test forgot to import would not be compared at all.
func TestEveryGeneratedFileIsCompared(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir("c1", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".pb.go") || strings.HasSuffix(path, "_grpc.pb.go") {
			return err
		}
		source := strings.TrimSuffix(filepath.ToSlash(path), ".pb.go") + ".proto"
		if _, err := protoregistry.GlobalFiles.FindFileByPath(source); err != nil {
			t.Errorf("%s: %v", source, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// parseTable reads the facts of testdata/wire.txt: headings, and below each of
// them the indented lines that belong to it.
func parseTable(t *testing.T) facts {
	t.Helper()
	data, err := os.ReadFile("testdata/wire.txt")
	if err != nil {
		t.Fatal(err)
	}
	table := facts{}
	heading := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "\t"):
			table[heading+": "+line[1:]] = true
		default:
			heading = line
			table[heading] = true
		}
	}
	return table
}

// generatedFacts reads the facts off the descriptors of the generated code.
func generatedFacts() facts {
	found := facts{}
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(file.Path(), "c1/") {
			return true
		}
		found["file "+file.Path()] = true
		addEnums(found, file.Enums())
		addMessages(found, file.Messages())
		for i := range file.Services().Len() {
			addService(found, file.Services().Get(i))
		}
		return true
	})
	return found
}

func addService(found facts, s protoreflect.ServiceDescriptor) {
	heading := fmt.Sprintf("service %s", s.FullName())
	found[heading] = true
	stream := map[bool]string{true: "stream "}
	for i := range s.Methods().Len() {
		m := s.Methods().Get(i)
		found[fmt.Sprintf("%s: %s(%s%s) -> %s%s", heading, m.Name(),
			stream[m.IsStreamingClient()], m.Input().FullName(),
			stream[m.IsStreamingServer()], m.Output().FullName())] = true
	}
}

func addEnums(found facts, enums protoreflect.EnumDescriptors) {
	for i := range enums.Len() {
		e := enums.Get(i)
		heading := fmt.Sprintf("enum %s", e.FullName())
		found[heading] = true
		for j := range e.Values().Len() {
			v := e.Values().Get(j)
			found[fmt.Sprintf("%s: %d %s", heading, v.Number(), v.Name())] = true
		}
	}
}

func addMessages(found facts, messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		m := messages.Get(i)
		if m.IsMapEntry() {
			continue
		}
		heading := fmt.Sprintf("message %s", m.FullName())
		found[heading] = true
		for j := range m.Fields().Len() {
			found[heading+": "+describeField(m.Fields().Get(j))] = true
		}
		// A reserved number and its name, if it has one, are declared in pairs.
		for j := range m.ReservedRanges().Len() {
			fact := fmt.Sprintf("%s: reserved %d", heading, m.ReservedRanges().Get(j)[0])
			if j < m.ReservedNames().Len() {
				fact += " " + string(m.ReservedNames().Get(j))
			}
			found[fact] = true
		}
		addEnums(found, m.Enums())
		addMessages(found, m.Messages())
	}
}

func describeField(f protoreflect.FieldDescriptor) string {
	words := []string{fmt.Sprint(f.Number()), string(f.Name())}
	switch {
	case f.IsMap():
		words = append(words, fmt.Sprintf("map<%s, %s>", typeName(f.MapKey()), typeName(f.MapValue())))
	case f.IsList():
		words = append(words, "repeated", typeName(f))
	case f.HasOptionalKeyword():
		words = append(words, "optional", typeName(f))
	default:
		words = append(words, typeName(f))
	}
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		words = append(words, "oneof="+string(o.Name()))
	}
	if o, ok := f.Options().(*descriptorpb.FieldOptions); ok && o.GetDeprecated() {
		words = append(words, "deprecated")
	}
	return strings.Join(words, " ")
}

func typeName(f protoreflect.FieldDescriptor) string {
	switch f.Kind() {
	case protoreflect.MessageKind:
		return string(f.Message().FullName())
	case protoreflect.EnumKind:
		return string(f.Enum().FullName())
	default:
		return f.Kind().String()
	}
}
