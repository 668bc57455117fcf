package review

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// record takes a resource of the archive apart. What newer connectors set on the
// resource and older ones on its trait is taken from either, the resource first.
func (l *loader) record(m *v2.Resource) (record, error) {
	t := l.typeNumber(m.GetId().GetResourceType())
	rec := record{id: m.GetId().GetResource(), name: cmp.Or(m.GetDisplayName(), m.GetId().GetResource(), "(no id)"), typ: t, kind: l.types[t].Kind}
	profile, icon := m.GetProfile(), m.GetIcon()
	more := moreInfo{
		description: m.GetDescription(),
		parentType:  m.GetParentResourceId().GetResourceType(), parentID: m.GetParentResourceId().GetResource(),
	}
	trait, err := traitOf(m.GetAnnotations(), rec.kind)
	if err != nil {
		return rec, fmt.Errorf("resource %s:%s: %w", l.types[t].ID, rec.id, err)
	}
	switch trait := trait.(type) {
	case *v2.UserTrait:
		if !rec.kind.IsAccount() {
			rec.kind = Account
		}
		profile, icon = firstSet(profile, trait.GetProfile()), firstSet(icon, trait.GetIcon()) //nolint:staticcheck // From older connectors.
		rec.account = l.account(m, trait, profile)
	case *v2.GroupTrait:
		rec.kind = Group
		profile, icon = firstSet(profile, trait.GetProfile()), firstSet(icon, trait.GetIcon()) //nolint:staticcheck // From older connectors.
	case *v2.RoleTrait:
		rec.kind = Role
		profile = firstSet(profile, trait.GetProfile()) //nolint:staticcheck // From older connectors.
	case *v2.AppTrait:
		rec.kind = Application
		profile, icon = firstSet(profile, trait.GetProfile()), firstSet(icon, trait.GetIcon()) //nolint:staticcheck // From older connectors.
		icon = firstSet(icon, trait.GetLogo())
		more.helpURL = trait.GetHelpUrl()
		for _, f := range trait.GetFlags() {
			if f != v2.AppTrait_APP_FLAG_UNSPECIFIED {
				more.facts = append(more.facts, strings.ToLower(strings.TrimPrefix(f.String(), "APP_FLAG_")))
			}
		}
	}
	profile, more.facts, err = withDevice(m.GetAnnotations(), profile, more.facts)
	if err != nil {
		return rec, fmt.Errorf("resource %s:%s: %w", l.types[t].ID, rec.id, err)
	}
	if rec.kind.IsAccount() && rec.account == nil {
		rec.account = l.account(m, nil, profile)
	}
	more.icon = icon.GetId()
	if more.description != "" || more.icon != "" || more.helpURL != "" || more.parentID != "" || more.facts != nil {
		rec.more = &more
	}
	rec.profile, err = proto.MarshalOptions{Deterministic: true}.Marshal(profile)
	return rec, err
}

func firstSet[T any](first, second *T) *T {
	if first != nil {
		return first
	}
	return second
}

// traitOf returns the trait that says most about a resource: that of its type's
// kind, or where the type tells none, the first that there is. It is nil when there
// is none.
func traitOf(annotations []*anypb.Any, kind Kind) (proto.Message, error) {
	for _, candidate := range []struct {
		kind  Kind
		trait proto.Message
	}{{Account, &v2.UserTrait{}}, {Group, &v2.GroupTrait{}}, {Role, &v2.RoleTrait{}}, {Application, &v2.AppTrait{}}} {
		if kind != Other && kind != candidate.kind && !(kind.IsAccount() && candidate.kind == Account) {
			continue
		}
		for _, a := range annotations {
			if a.MessageIs(candidate.trait) {
				if err := a.UnmarshalTo(candidate.trait); err != nil {
					return nil, err
				}
				return candidate.trait, nil
			}
		}
	}
	return nil, nil //nolint:nilnil // Having no trait is no fault.
}

func hasAnnotation(annotations []*anypb.Any, m proto.Message) bool {
	return slices.ContainsFunc(annotations, func(a *anypb.Any) bool { return a.MessageIs(m) })
}

// account collects what is known of an account; trait may be nil.
func (l *loader) account(m *v2.Resource, trait *v2.UserTrait, profile *structpb.Struct) *AccountInfo {
	a := &AccountInfo{
		Status: Status(m.GetStatus().GetStatus()), Details: m.GetStatus().GetDetails(),
		Login: trait.GetLogin(), EmployeeIDs: trait.GetEmployeeIds(), LastLogin: timeOf(trait.GetLastLogin()),
		Type:    accountTypeWord(trait.GetAccountType()),
		Created: timeOf(firstSet(m.GetCreatedAt(), trait.GetCreatedAt())), //nolint:staticcheck // From older connectors.
	}
	if m.GetStatus().GetStatus() == v2.Status_RESOURCE_STATUS_UNSPECIFIED {
		a.Status = Status(trait.GetStatus().GetStatus())                       //nolint:staticcheck // From older connectors.
		a.Details = l.share(cmp.Or(a.Details, trait.GetStatus().GetDetails())) //nolint:staticcheck // From older connectors.
	}
	if a.Status > Deleted {
		a.Status = StatusUnknown
	}
	a.Details = l.share(a.Details)
	if trait.GetMfaStatus() != nil {
		a.MFA = triOf(trait.GetMfaStatus().GetMfaEnabled())
	}
	if trait.GetSsoStatus() != nil {
		a.SSO = triOf(trait.GetSsoStatus().GetSsoEnabled())
	}
	for _, e := range trait.GetEmails() {
		switch {
		case e.GetAddress() == "":
		case e.GetIsPrimary() && a.Email == "":
			a.Email = e.GetAddress()
			a.Emails = slices.Insert(a.Emails, 0, a.Email)
		default:
			a.Emails = append(a.Emails, e.GetAddress())
		}
	}
	if a.Email == "" && len(a.Emails) > 0 {
		a.Email = a.Emails[0]
	}
	a.Manager = l.share(profileText(profile, "manager", "manageremail", "managerid", "supervisor"))
	a.Department = l.share(profileText(profile, "department", "departmentname"))
	a.Title = l.share(profileText(profile, "jobtitle", "title"))
	return a
}

func triOf(b bool) Tri {
	if b {
		return Yes
	}
	return No
}

func timeOf(t *timestamppb.Timestamp) time.Time {
	if !t.IsValid() {
		return time.Time{}
	}
	return t.AsTime()
}

func accountTypeWord(t v2.UserTrait_AccountType) string {
	switch t {
	case v2.UserTrait_ACCOUNT_TYPE_HUMAN:
		return "human"
	case v2.UserTrait_ACCOUNT_TYPE_SERVICE:
		return "service"
	case v2.UserTrait_ACCOUNT_TYPE_SYSTEM:
		return "system"
	default:
		return ""
	}
}

func purposeWord(p v2.Entitlement_PurposeValue) string {
	switch p {
	case v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT:
		return "assignment"
	case v2.Entitlement_PURPOSE_VALUE_PERMISSION:
		return "permission"
	case v2.Entitlement_PURPOSE_VALUE_OWNERSHIP:
		return "ownership"
	default:
		return ""
	}
}

// profileText returns the first of some entries of a profile that is set. Their
// keys are compared without case, spaces and signs, because every connector spells
// them its own way.
func profileText(p *structpb.Struct, keys ...string) string {
	for _, want := range keys {
		found := ""
		for key, v := range p.GetFields() {
			// Of several spellings, the value that sorts first, so that it is always
			// the same.
			if plainKey(key) == want {
				if text := fieldText(v); text != "" && (found == "" || text < found) {
					found = text
				}
			}
		}
		if found != "" {
			return found
		}
	}
	return ""
}

func plainKey(key string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r == '_' || r == '-' || r == ' ' || r == '.':
			return -1
		}
		return r
	}, key)
}

// fieldText is a value as people read it: text as it is, nothing for null, and
// everything else as JSON.
func fieldText(v *structpb.Value) string {
	switch v := v.GetKind().(type) {
	case nil, *structpb.Value_NullValue:
		return ""
	case *structpb.Value_StringValue:
		return v.StringValue
	case *structpb.Value_NumberValue:
		return jsonNumber(v.NumberValue)
	}
	text, err := protojson.Marshal(v)
	if err != nil {
		return "" // not a number or infinite, within something
	}
	var out strings.Builder
	var plain any
	if json.Unmarshal(text, &plain) != nil {
		return string(text)
	}
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(plain) != nil {
		return string(text)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func jsonNumber(n float64) string {
	text, err := json.Marshal(n)
	if err != nil {
		return fmt.Sprint(n)
	}
	return string(text)
}

// fields unpacks a profile.
func fields(profile []byte) []Field {
	var p structpb.Struct
	if len(profile) == 0 || proto.Unmarshal(profile, &p) != nil {
		return nil
	}
	list := make([]Field, 0, len(p.GetFields()))
	for key, v := range p.GetFields() {
		list = append(list, Field{key, fieldText(v)})
	}
	slices.SortFunc(list, func(a, b Field) int { return strings.Compare(a.Key, b.Key) })
	return list
}
