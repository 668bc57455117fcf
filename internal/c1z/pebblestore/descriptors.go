package pebblestore

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	storagev3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
)

// How the manifest names the engine: what the newest reader expects.
const (
	Engine        = "pebble3"
	SchemaVersion = uint32(formatVersion)
)

// Descriptors describe the messages of the records, for tools that do not know them:
// their files and those that they import, by path.
func Descriptors() *descriptorpb.FileDescriptorSet {
	files := map[string]*descriptorpb.FileDescriptorProto{}
	var add func(f protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if files[f.Path()] != nil {
			return
		}
		files[f.Path()] = protodesc.ToFileDescriptorProto(f)
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
	}
	add(storagev3.File_c1_storage_v3_records_proto)
	set := &descriptorpb.FileDescriptorSet{}
	for _, f := range files {
		set.File = append(set.File, f)
	}
	slices.SortFunc(set.GetFile(), func(a, b *descriptorpb.FileDescriptorProto) int { return strings.Compare(a.GetName(), b.GetName()) })
	return set
}
