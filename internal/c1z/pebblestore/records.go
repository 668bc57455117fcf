package pebblestore

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	storagev3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
)

// What is left out of the names of enums in records.
const (
	traitPrefix   = "TRAIT_"
	purposePrefix = "PURPOSE_VALUE_"
)

// expandableURL is the type of the annotation that is a field of a record.
const expandableURL = "type.googleapis.com/c1.connector.v2.GrantExpandable"

// message is a pointer to a generated message.
type message[T any] interface {
	*T
	proto.Message
}

// decode reads a record. It refuses one that is larger than any message can be.
func decode[T any, M message[T]](value []byte) (M, error) {
	m := M(new(T))
	if len(value) > maxValue {
		return nil, damaged("it has %d bytes, more than the limit of %d", len(value), maxValue)
	}
	if err := proto.Unmarshal(value, m); err != nil {
		return nil, damaged("decode %s: %v", m.ProtoReflect().Descriptor().Name(), err)
	}
	return m, nil
}

// bound is a text and how long it may be.
type bound struct {
	what, text string
	most       int
}

func checkBounds(bounds ...bound) error {
	for _, b := range bounds {
		if len(b.text) > b.most {
			return damaged("its %s has %d bytes, more than the limit of %d", b.what, len(b.text), b.most)
		}
	}
	return nil
}

func resourceTypeMessage(r *storagev3.ResourceTypeRecord) (*v2.ResourceType, error) {
	m := &v2.ResourceType{
		Id: r.GetExternalId(), DisplayName: r.GetDisplayName(), Annotations: r.GetAnnotations(), Description: r.GetDescription(),
		SourcedExternally: r.GetSourcedExternally(),
	}
	for _, t := range r.GetTraits() {
		m.Traits = append(m.Traits, v2.ResourceType_Trait(v2.ResourceType_Trait_value[traitPrefix+t]))
	}
	return m, checkBounds(
		bound{"resource type ID", m.GetId(), maxID}, bound{"display name", m.GetDisplayName(), maxName},
		bound{"description", m.GetDescription(), maxDescription},
	)
}

func resourceTypeRecord(m *v2.ResourceType, at *timestamppb.Timestamp) *storagev3.ResourceTypeRecord {
	r := &storagev3.ResourceTypeRecord{
		ExternalId: m.GetId(), DisplayName: m.GetDisplayName(), Annotations: m.GetAnnotations(), Description: m.GetDescription(),
		SourcedExternally: m.GetSourcedExternally(), DiscoveredAt: at,
	}
	for _, t := range m.GetTraits() {
		r.Traits = append(r.Traits, strings.TrimPrefix(t.String(), traitPrefix))
	}
	return r
}

func resourceMessage(r *storagev3.ResourceRecord) (*v2.Resource, error) {
	m := &v2.Resource{
		Id:          &v2.ResourceId{ResourceType: r.GetResourceTypeId(), Resource: r.GetResourceId()},
		DisplayName: r.GetDisplayName(), Description: r.GetDescription(), Annotations: r.GetAnnotations(),
		Profile: r.GetProfile(), CreatedAt: r.GetCreatedAt(),
	}
	if p := r.GetParent(); p != nil {
		m.ParentResourceId = &v2.ResourceId{ResourceType: p.GetResourceTypeId(), Resource: p.GetResourceId()}
	}
	if s := r.GetStatus(); s != nil {
		m.Status = &v2.Status{Status: v2.Status_ResourceStatus(s.GetStatus()), Details: s.GetDetails()}
	}
	if id := r.GetIconAssetExternalId(); id != "" {
		m.Icon = &v2.AssetRef{Id: id}
	}
	return m, checkBounds(
		bound{"resource type ID", r.GetResourceTypeId(), maxID}, bound{"resource ID", r.GetResourceId(), maxID},
		bound{"id of its parent", r.GetParent().GetResourceTypeId() + r.GetParent().GetResourceId(), 2 * maxID},
		bound{"display name", r.GetDisplayName(), maxName}, bound{"description", r.GetDescription(), maxDescription},
	)
}

func resourceRecord(m *v2.Resource, at *timestamppb.Timestamp) *storagev3.ResourceRecord {
	r := &storagev3.ResourceRecord{
		ResourceTypeId: m.GetId().GetResourceType(), ResourceId: m.GetId().GetResource(),
		DisplayName: m.GetDisplayName(), Description: m.GetDescription(), Annotations: m.GetAnnotations(), DiscoveredAt: at,
		Profile: m.GetProfile(), CreatedAt: m.GetCreatedAt(), IconAssetExternalId: m.GetIcon().GetId(),
	}
	if p := m.GetParentResourceId(); p.GetResource() != "" {
		r.Parent = &storagev3.ResourceRef{ResourceTypeId: p.GetResourceType(), ResourceId: p.GetResource()}
	}
	if s := m.GetStatus(); s != nil {
		r.Status = &storagev3.StatusRecord{Status: storagev3.StatusRecord_ResourceStatus(s.GetStatus()), Details: s.GetDetails()}
	}
	return r
}

// entitlementMessage makes an entitlement whose resource and types have no more than
// their ids.
func entitlementMessage(r *storagev3.EntitlementRecord) (*v2.Entitlement, error) {
	m := &v2.Entitlement{
		Id:       r.GetExternalId(),
		Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: r.GetResource().GetResourceTypeId(), Resource: r.GetResource().GetResourceId()}},

		DisplayName: r.GetDisplayName(), Description: r.GetDescription(), Annotations: r.GetAnnotations(), Slug: r.GetSlug(),
	}
	if p := r.GetPurpose(); p != "" {
		m.Purpose = v2.Entitlement_PurposeValue(v2.Entitlement_PurposeValue_value[purposePrefix+p])
	}
	for _, id := range r.GetGrantableToResourceTypeIds() {
		m.GrantableTo = append(m.GrantableTo, &v2.ResourceType{Id: id})
	}
	return m, checkBounds(
		bound{"entitlement ID", m.GetId(), maxID}, bound{"resource type ID", r.GetResource().GetResourceTypeId(), maxID},
		bound{"resource ID", r.GetResource().GetResourceId(), maxID}, bound{"display name", m.GetDisplayName(), maxName},
		bound{"description", m.GetDescription(), maxDescription}, bound{"slug", m.GetSlug(), maxName},
	)
}

func entitlementRecord(m *v2.Entitlement, at *timestamppb.Timestamp) *storagev3.EntitlementRecord {
	id := m.GetResource().GetId()
	r := &storagev3.EntitlementRecord{
		ExternalId: m.GetId(), Resource: &storagev3.ResourceRef{ResourceTypeId: id.GetResourceType(), ResourceId: id.GetResource()},
		DisplayName: m.GetDisplayName(), Description: m.GetDescription(), Annotations: m.GetAnnotations(), DiscoveredAt: at, Slug: m.GetSlug(),
	}
	if p := m.GetPurpose(); p != v2.Entitlement_PURPOSE_VALUE_UNSPECIFIED {
		r.Purpose = strings.TrimPrefix(p.String(), purposePrefix)
	}
	for _, t := range m.GetGrantableTo() {
		r.GrantableToResourceTypeIds = append(r.GrantableToResourceTypeIds, t.GetId())
	}
	return r
}

// grantMessage makes a grant whose entitlement and principal have no more than their
// ids, with its GrantExpandable as the last annotation.
func grantMessage(r *storagev3.GrantRecord) (*v2.Grant, error) {
	e, p := r.GetEntitlement(), r.GetPrincipal()
	m := &v2.Grant{
		Id: r.GetExternalId(), Annotations: r.GetAnnotations(),
		Entitlement: &v2.Entitlement{
			Id:       e.GetEntitlementId(),
			Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: e.GetResourceTypeId(), Resource: e.GetResourceId()}},
		},
		Principal: &v2.Resource{Id: &v2.ResourceId{ResourceType: p.GetResourceTypeId(), Resource: p.GetResourceId()}},
	}
	if m.GetId() == "" {
		m.Id = strings.Join([]string{e.GetEntitlementId(), p.GetResourceTypeId(), p.GetResourceId()}, ":")
	}
	if p.GetParentResourceId() != "" || p.GetParentResourceTypeId() != "" {
		m.Principal.ParentResourceId = &v2.ResourceId{ResourceType: p.GetParentResourceTypeId(), Resource: p.GetParentResourceId()}
	}
	if len(r.GetSources()) > 0 {
		m.Sources = &v2.GrantSources{Sources: make(map[string]*v2.GrantSources_GrantSource, len(r.GetSources()))}
		for id, s := range r.GetSources() {
			m.Sources.Sources[id] = &v2.GrantSources_GrantSource{IsDirect: s.GetIsDirect()}
		}
	}
	if x := r.GetExpansion(); x != nil {
		value, err := proto.MarshalOptions{Deterministic: true}.Marshal(&v2.GrantExpandable{
			EntitlementIds: x.GetEntitlementIds(), Shallow: x.GetShallow(), ResourceTypeIds: x.GetResourceTypeIds(),
		})
		if err != nil {
			return nil, damaged("encode GrantExpandable: %v", err)
		}
		m.Annotations = append(m.Annotations, &anypb.Any{TypeUrl: expandableURL, Value: value})
	}
	return m, nil
}

// syncTypes are the types of sync as other formats write them.
//
//nolint:gochecknoglobals // A constant, but for the language.
var syncTypes = map[storagev3.SyncType]string{
	storagev3.SyncType_SYNC_TYPE_FULL:              "full",
	storagev3.SyncType_SYNC_TYPE_PARTIAL:           "partial",
	storagev3.SyncType_SYNC_TYPE_RESOURCES_ONLY:    "resources_only",
	storagev3.SyncType_SYNC_TYPE_PARTIAL_UPSERTS:   "partial_upserts",
	storagev3.SyncType_SYNC_TYPE_PARTIAL_DELETIONS: "partial_deletions",
}

// SyncTypeName is the word for a type of sync, empty for an unknown one.
func SyncTypeName(t storagev3.SyncType) string { return syncTypes[t] }

// SyncTypeOf is the type of sync that a word is for.
func SyncTypeOf(name string) storagev3.SyncType {
	for t, n := range syncTypes {
		if n == name {
			return t
		}
	}
	return storagev3.SyncType_SYNC_TYPE_UNSPECIFIED
}

// validText reports whether a text can be a field of a message.
func validText(b []byte) bool { return utf8.Valid(b) }
