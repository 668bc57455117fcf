package review

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// What is known of the encryption of a device, as one of its facts.
const (
	FactEncrypted    = "encrypted"
	FactNotEncrypted = "not encrypted"
)

// withDevice adds what a trait says of a device to its profile and facts: pages and
// comparisons then have one place for all of it. Without the trait nothing is added.
func withDevice(annotations []*anypb.Any, profile *structpb.Struct, facts []string) (*structpb.Struct, []string, error) {
	trait := new(v2.ManagedDeviceTrait)
	i := slices.IndexFunc(annotations, func(a *anypb.Any) bool { return a.MessageIs(trait) })
	if i < 0 {
		return profile, facts, nil
	}
	if err := annotations[i].UnmarshalTo(trait); err != nil {
		return profile, facts, err
	}
	full := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	if profile != nil {
		proto.Merge(full, profile)
	}
	for key, value := range map[string]string{
		"serial_number": trait.GetSerial(), "vendor": trait.GetVendor(), "model": trait.GetModel(),
		"os": trait.GetOs().GetName(), "os_version": trait.GetOs().GetVersion(), "os_build": trait.GetOs().GetBuild(),
	} {
		if value != "" {
			full.Fields[key] = structpb.NewStringValue(value)
		}
	}
	if trait.GetEnrolledAt().IsValid() {
		full.Fields["enrolled_at"] = structpb.NewStringValue(trait.GetEnrolledAt().AsTime().UTC().Format(time.RFC3339))
	}
	if is := trait.GetIsEncrypted(); is != nil {
		full.Fields["encrypted"] = structpb.NewBoolValue(is.GetValue())
		fact := FactEncrypted
		if !is.GetValue() {
			fact = FactNotEncrypted
		}
		facts = append(facts, fact)
	}
	return full, facts, nil
}
