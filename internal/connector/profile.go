package connector

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// The profile keys that more than one place speaks of.
const (
	profileManagerID = "manager_id"
	profileManager   = "manager"           // email address
	profileMethod    = "membership_method" // of a group
	profileSudo      = "sudo"              // of a user: administrator of every device to sign in to
	profileOwnerID   = "owner_id"          // of a device: the user whom it belongs to
	profileType      = "type"              // of a directory
	profileExpires   = "expires_at"        // of a service account or credential: RFC 3339, or never
	customPrefix     = "custom_"
)

// profile collects the attributes of a resource. Empty values are left out, so
// that "not set" has one form.
type profile map[string]*structpb.Value

func (p profile) text(key, value string) {
	if value != "" {
		p[key] = textValue(value)
	}
}

// time adds a time that is known.
func (p profile) time(key string, t time.Time) {
	if !t.IsZero() {
		p[key] = textValue(t.UTC().Format(time.RFC3339))
	}
}

func (p profile) flag(key string, value jumpcloud.Flag) {
	if value.IsSet() {
		p[key] = structpb.NewBoolValue(value.IsTrue())
	}
}

func (p profile) texts(key string, values []string) {
	if len(values) == 0 {
		return
	}
	list := &structpb.ListValue{Values: make([]*structpb.Value, 0, len(values))}
	for _, v := range values {
		list.Values = append(list.Values, textValue(v))
	}
	p[key] = structpb.NewListValue(list)
}

// custom adds custom attributes under "custom_" and their name. JumpCloud lets a
// name occur only once; should it not, the values are taken in their order and
// the second gets "_2" behind its name, the third "_3", unless another attribute
// is called that.
func (p profile) custom(attributes []jumpcloud.Attribute) {
	attributes = slices.Clone(attributes)
	for i, a := range attributes {
		attributes[i].Name = printable.Clean(a.Name)
	}
	slices.SortFunc(attributes, func(a, b jumpcloud.Attribute) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Value, b.Value)
	})
	attributes = slices.Compact(attributes)
	taken := map[string]bool{}
	for _, a := range attributes {
		taken[a.Name] = true
	}
	for i, a := range attributes {
		if a.Name == "" {
			continue
		}
		key := a.Name
		if i > 0 && attributes[i-1].Name == a.Name {
			for n := 2; taken[key]; n++ {
				key = a.Name + "_" + strconv.Itoa(n)
			}
			taken[key] = true
		}
		p.text(customPrefix+key, a.Value)
	}
}

// message returns the profile as the archive holds it, nil when it is empty.
func (p profile) message() *structpb.Struct {
	if len(p) == 0 {
		return nil
	}
	return &structpb.Struct{Fields: p}
}

func textValue(s string) *structpb.Value {
	return structpb.NewStringValue(printable.Clean(s))
}

func profileText(p *structpb.Struct, key string) string {
	return p.GetFields()[key].GetStringValue()
}

func setText(p *structpb.Struct, key, value string) {
	if p.GetFields() != nil {
		p.Fields[key] = textValue(value)
	}
}
