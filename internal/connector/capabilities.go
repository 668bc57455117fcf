package connector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// What the connector calls itself, and where its documentation is.
const (
	DisplayName = "JumpCloud"
	HelpURL     = "https://conductorone.com/docs/baton/jumpcloud"
	description = "Syncs the accounts, groups, applications and administrator roles of a JumpCloud organization."
)

// CapabilityOptions are the settings that change what the connector can do.
type CapabilityOptions struct {
	// ProvisionTypes are the resource types that may be changed.
	ProvisionTypes []string
	// Switches are the options of [restype.Switches] that have further types read.
	Switches []string
	// EventFeeds says that event feeds are served.
	EventFeeds bool
}

// Metadata describes the connector to ConductorOne (baton's GetMetadata).
func Metadata(o CapabilityOptions) *v2.ConnectorMetadata {
	m := &v2.ConnectorMetadata{
		DisplayName:  DisplayName,
		HelpUrl:      HelpURL,
		Description:  description,
		Capabilities: Capabilities(o),
	}
	if slices.Contains(o.ProvisionTypes, restype.User) {
		m.AccountCreationSchema = accountSchema()
	}
	return m
}

// Capabilities tells what can be read and changed, type by type, and which
// JumpCloud permissions that takes. Types are ordered by id and the connector's
// own capabilities by number. Each type can be read resource by resource, which
// baton calls a targeted sync.
func Capabilities(o CapabilityOptions) *v2.ConnectorCapabilities {
	c := &v2.ConnectorCapabilities{CredentialDetails: &v2.CredentialDetails{}}
	all := []v2.Capability{v2.Capability_CAPABILITY_SERVICE_MODE_TARGETED_SYNC}
	for _, t := range sortedTypes(o.Switches) {
		provision := t.Grantable() && slices.Contains(o.ProvisionTypes, t.ID)
		can := []v2.Capability{v2.Capability_CAPABILITY_SYNC, v2.Capability_CAPABILITY_TARGETED_SYNC}
		names := t.Read
		if provision {
			can = append(can, v2.Capability_CAPABILITY_PROVISION)
		}
		switch {
		case t.ID == restype.User && slices.Contains(o.ProvisionTypes, restype.User):
			can = append(can, v2.Capability_CAPABILITY_ACCOUNT_PROVISIONING, v2.Capability_CAPABILITY_RESOURCE_DELETE, v2.Capability_CAPABILITY_CREDENTIAL_ROTATION)
			c.CredentialDetails = credentialDetails()
		case t.ID == restype.ServiceCredential && slices.Contains(o.ProvisionTypes, t.ID):
			can = append(can, v2.Capability_CAPABILITY_RESOURCE_DELETE, v2.Capability_CAPABILITY_CREDENTIAL_ROTATION)
		case t.ID == restype.Group && restype.ChangesGroups(o.ProvisionTypes):
			can = append(can, v2.Capability_CAPABILITY_RESOURCE_DELETE)
		}
		if t.Changeable && slices.Contains(o.ProvisionTypes, t.ID) {
			names = append(names, t.Write...)
		}
		c.ResourceTypeCapabilities = append(c.ResourceTypeCapabilities, &v2.ResourceTypeCapability{
			ResourceType: typeMessage(t),
			Capabilities: can,
			Permissions:  permissions(names),
		})
		all = append(all, can...)
	}
	if slices.Contains(o.ProvisionTypes, restype.User) {
		all = append(all, v2.Capability_CAPABILITY_ACTIONS)
	}
	if o.EventFeeds {
		all = append(all, v2.Capability_CAPABILITY_EVENT_FEED_V2)
	}
	slices.Sort(all)
	c.ConnectorCapabilities = slices.Compact(all)
	return c
}

// CapabilitiesJSON renders the capabilities as every baton connector prints them:
// protojson of a google.protobuf.Any, indented by two spaces, without a newline at
// the end.
func CapabilitiesJSON(o CapabilityOptions) ([]byte, error) {
	packed := new(anypb.Any)
	if err := anypb.MarshalFrom(packed, Capabilities(o), proto.MarshalOptions{Deterministic: true}); err != nil {
		return nil, fmt.Errorf("pack capabilities: %w", err)
	}
	raw, err := protojson.Marshal(packed)
	if err != nil {
		return nil, fmt.Errorf("encode capabilities: %w", err)
	}
	// protojson varies its white space on purpose; this text is compared.
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, fmt.Errorf("indent capabilities: %w", err)
	}
	return out.Bytes(), nil
}

// permissions are the JumpCloud permissions that something takes.
func permissions(names []string) *v2.CapabilityPermissions {
	p := &v2.CapabilityPermissions{}
	for _, name := range slices.Sorted(slices.Values(names)) {
		p.Permissions = append(p.Permissions, &v2.CapabilityPermission{Permission: name})
	}
	return p
}
