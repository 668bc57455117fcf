package connector

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Annotations packs messages as annotations. The bytes of a message are always
// the same, also where it holds a map (a profile does), because archives are
// compared.
func Annotations(messages ...proto.Message) []*anypb.Any {
	packed := make([]*anypb.Any, 0, len(messages))
	for _, m := range messages {
		a := new(anypb.Any)
		// Marshaling fails for text that is not UTF-8 only, and every text that
		// reaches here went through clip or JSON decoding, which both repair it.
		if err := anypb.MarshalFrom(a, m, proto.MarshalOptions{Deterministic: true}); err != nil {
			panic("connector: pack annotation: " + err.Error())
		}
		packed = append(packed, a)
	}
	return packed
}
