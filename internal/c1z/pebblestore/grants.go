package pebblestore

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	storagev3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
)

// appendGrant encodes a GrantRecord field by field, as the generated code would. There
// are many grants, and most of their fields are texts that are there already.
func (b *Builder) appendGrant(to []byte, g grantKey, m *v2.Grant, expansion *v2.GrantExpandable) ([]byte, error) {
	to = appendText(to, 2, m.GetId())
	to = appendTexts(to, 3, g[0], g[1], g[2])
	parent := m.GetPrincipal().GetParentResourceId()
	to = appendTexts(to, 4, g[3], g[4], parent.GetResourceType(), parent.GetResource())
	to = protowire.AppendBytes(protowire.AppendTag(to, 5, protowire.BytesType), b.rawAt)
	if expansion != nil {
		record := &storagev3.GrantExpandableRecord{
			EntitlementIds: expansion.GetEntitlementIds(), Shallow: expansion.GetShallow(), ResourceTypeIds: expansion.GetResourceTypeIds(),
		}
		value, err := proto.Marshal(record)
		if err != nil {
			return nil, err
		}
		to = protowire.AppendBytes(protowire.AppendTag(to, 6, protowire.BytesType), value)
		to = protowire.AppendVarint(protowire.AppendTag(to, 7, protowire.VarintType), 1)
	}
	for _, a := range m.GetAnnotations() {
		to = appendAny(to, 8, a)
	}
	sources := m.GetSources().GetSources()
	if len(sources) == 1 { // as most have
		for id, s := range sources {
			to = appendSource(to, id, s.GetIsDirect())
		}
		return to, nil
	}
	for _, id := range slices.Sorted(maps.Keys(sources)) {
		to = appendSource(to, id, sources[id].GetIsDirect())
	}
	return to, nil
}

// appendText encodes a text, and nothing for an empty one.
func appendText(to []byte, n protowire.Number, s string) []byte {
	if s == "" {
		return to
	}
	return protowire.AppendString(protowire.AppendTag(to, n, protowire.BytesType), s)
}

// appendTexts encodes a message of texts, whose fields are numbered from 1.
func appendTexts(to []byte, n protowire.Number, texts ...string) []byte {
	size := 0
	for _, s := range texts {
		if s != "" {
			size += 1 + protowire.SizeBytes(len(s))
		}
	}
	to = protowire.AppendVarint(protowire.AppendTag(to, n, protowire.BytesType), uint64(size))
	for i, s := range texts {
		to = appendText(to, protowire.Number(i+1), s)
	}
	return to
}

func appendAny(to []byte, n protowire.Number, a *anypb.Any) []byte {
	size := 0
	if url := a.GetTypeUrl(); url != "" {
		size += 1 + protowire.SizeBytes(len(url))
	}
	if len(a.GetValue()) > 0 {
		size += 1 + protowire.SizeBytes(len(a.GetValue()))
	}
	to = protowire.AppendVarint(protowire.AppendTag(to, n, protowire.BytesType), uint64(size))
	to = appendText(to, 1, a.GetTypeUrl())
	if len(a.GetValue()) > 0 {
		to = protowire.AppendBytes(protowire.AppendTag(to, 2, protowire.BytesType), a.GetValue())
	}
	return to
}

// appendSource encodes an entry of the map of sources.
func appendSource(to []byte, id string, direct bool) []byte {
	value := 0
	if direct {
		value = 2
	}
	size := 1 + protowire.SizeBytes(len(id)) + 1 + protowire.SizeBytes(value)
	to = protowire.AppendVarint(protowire.AppendTag(to, 9, protowire.BytesType), uint64(size))
	to = protowire.AppendString(protowire.AppendTag(to, 1, protowire.BytesType), id)
	to = protowire.AppendVarint(protowire.AppendTag(to, 2, protowire.BytesType), uint64(value))
	if direct {
		to = protowire.AppendVarint(protowire.AppendTag(to, 4, protowire.VarintType), 1)
	}
	return to
}

// mergeGrants unites two records of the same entitlement and principal, as the public
// SDK does when it converts: the id and the time of the one that was discovered first,
// the annotations, sources and expansions of both, which are shallow where both are.
// It returns the type of the entitlement's resource too.
func mergeGrants(x, y []byte) (merged []byte, resourceType string, err error) {
	a, err := decode[storagev3.GrantRecord](x)
	if err != nil {
		return nil, "", err
	}
	b, err := decode[storagev3.GrantRecord](y)
	if err != nil {
		return nil, "", err
	}
	if c := cmp.Or(a.GetDiscoveredAt().AsTime().Compare(b.GetDiscoveredAt().AsTime()), strings.Compare(a.GetExternalId(), b.GetExternalId())); c > 0 {
		a, b = b, a
	}
	for _, extra := range b.GetAnnotations() {
		if !slices.ContainsFunc(a.GetAnnotations(), func(have *anypb.Any) bool { return proto.Equal(have, extra) }) {
			a.Annotations = append(a.Annotations, extra)
		}
	}
	for id, s := range b.GetSources() {
		if a.Sources == nil {
			a.Sources = map[string]*storagev3.GrantSourceRecord{}
		}
		if have := a.GetSources()[id]; have == nil || s.GetIsDirect() {
			a.Sources[id] = s
		}
	}
	switch ax, bx := a.GetExpansion(), b.GetExpansion(); {
	case ax == nil:
		a.Expansion = bx
	case bx != nil:
		a.Expansion = &storagev3.GrantExpandableRecord{
			EntitlementIds:  union(ax.GetEntitlementIds(), bx.GetEntitlementIds()),
			ResourceTypeIds: union(ax.GetResourceTypeIds(), bx.GetResourceTypeIds()),
			Shallow:         ax.GetShallow() && bx.GetShallow(),
		}
	}
	a.NeedsExpansion = a.GetNeedsExpansion() || b.GetNeedsExpansion()
	merged, err = proto.MarshalOptions{Deterministic: true}.Marshal(a)
	return merged, a.GetEntitlement().GetResourceTypeId(), err
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
