package syncer

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"pgregory.net/rapid"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

func TestCutPrincipal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		id, typ, resource string
		prefix, suffix    string
		ok                bool
	}{
		{"group-grant:g:user:u:g", "user", "u", "group-grant:g:", ":g", true},
		{"group-grant:1:user:1:1", "user", "1", "group-grant:1:", ":1", true},
		{"user:u", "user", "u", "", "", true},
		{"user:u:user:u", "user", "u", "user:u:", "", true},
		{"superuser:u", "user", "u", "", "", false},
		{"user:u2", "user", "u", "", "", false},
		{"user:u:user:u2", "user", "u", "", ":user:u2", true},
		{"", "user", "u", "", "", false},
	}
	for _, tt := range tests {
		prefix, suffix, ok := cutPrincipal(tt.id, tt.typ, tt.resource)
		if prefix != tt.prefix || suffix != tt.suffix || ok != tt.ok {
			t.Errorf("cutPrincipal(%q, %s:%s) = %q, %q, %t", tt.id, tt.typ, tt.resource, prefix, suffix, ok)
		}
	}
}

func TestPackRoundTrip(t *testing.T) {
	t.Parallel()
	text := rapid.StringMatching(`[a-c:]{1,6}`)
	rapid.Check(t, func(rt *rapid.T) {
		p := newPacker("e")
		var want []*v2.Grant
		for range rapid.IntRange(0, 20).Draw(rt, "grants") {
			typ, id := text.Draw(rt, "type"), text.Draw(rt, "principal")
			g := &v2.Grant{Principal: &v2.Resource{Id: &v2.ResourceId{ResourceType: typ, Resource: id}}}
			switch rapid.IntRange(0, 2).Draw(rt, "form") {
			case 0:
				g.Id = text.Draw(rt, "id")
			case 1:
				g.Id = "grant:" + typ + ":" + id
			case 2:
				g.Id = "grant:" + typ + ":" + id + ":tail"
			}
			if rapid.Bool().Draw(rt, "annotated") {
				a, err := anypb.New(&v2.GrantImmutable{SourceId: text.Draw(rt, "source")})
				if err != nil {
					rt.Fatal(err)
				}
				g.Annotations = []*anypb.Any{a}
			}
			if rapid.Bool().Draw(rt, "sources") {
				g.Sources = &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{text.Draw(rt, "entitlement"): {IsDirect: true}}}
			}
			if err := p.add(g, false); err != nil {
				rt.Fatal(err)
			}
			want = append(want, g)
		}
		block := p.finish()
		if block.Count != len(want) {
			rt.Fatalf("count = %d, want %d", block.Count, len(want))
		}
		i := 0
		for g, err := range unpack(block.Data) {
			if err != nil {
				rt.Fatal(err)
			}
			common, err := g.pattern.grant()
			if err != nil {
				rt.Fatal(err)
			}
			got := &v2.Grant{
				Id:          g.idFor(g.pattern.principalType, string(g.principal)),
				Principal:   &v2.Resource{Id: &v2.ResourceId{ResourceType: g.pattern.principalType, Resource: string(g.principal)}},
				Annotations: common.GetAnnotations(), Sources: common.GetSources(),
			}
			if !proto.Equal(got, want[i]) {
				rt.Fatalf("grant %d = %v, want %v", i, got, want[i])
			}
			i++
		}
		if i != len(want) {
			rt.Fatalf("%d grants, want %d", i, len(want))
		}
	})
}

// FuzzUnpack checks that a damaged block is an error or other grants, and nothing
// worse.
func FuzzUnpack(f *testing.F) {
	p := newPacker("e")
	for i := range 3 {
		g := &v2.Grant{
			Id:        fmt.Sprintf("group-grant:g:user:u%d:g", i),
			Principal: &v2.Resource{Id: &v2.ResourceId{ResourceType: "user", Resource: fmt.Sprintf("u%d", i)}},
		}
		if err := p.add(g, false); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(p.finish().Data)
	f.Add([]byte{})
	f.Add([]byte{blockVersion, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(_ *testing.T, data []byte) {
		for g, err := range unpack(data) {
			if err != nil {
				return
			}
			_ = g.idFor("user", "u")
		}
	})
}
