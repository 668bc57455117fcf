package actions

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	configv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/config/v1"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

func join(words []string) string { return strings.Join(words, " ") }

// checkNames refuses arguments that the action does not have, and misses those that it
// must have.
func (a action) checkNames(args map[string]any) error {
	var names []string
	for _, f := range a.args {
		names = append(names, f.GetName())
	}
	for name := range args {
		if !slices.Contains(names, name) && name != aliasUserID {
			return fault.Invalid("unknown argument %q of action %s: it takes %s", name, a.name, strings.Join(names, ", "))
		}
	}
	for _, f := range a.args {
		if f.GetIsRequired() && args[f.GetName()] == nil && (f.GetName() != argUserID || args[aliasUserID] == nil) {
			return fault.Invalid("missing argument %s of action %s", f.GetName(), a.name)
		}
	}
	return checkRules(a.rules, args)
}

// argUserID names the user of an action, and aliasUserID is what other directory
// connectors call it.
const (
	argUserID   = "user_id"
	aliasUserID = "resource_id"
)

// id reads an argument that names a resource: its id, or an object of type and id.
func (in *invocation) id(name, resourceType string) (string, error) {
	v := in.args[name]
	if v == nil && name == argUserID {
		v = in.args[aliasUserID]
	}
	return idOf(name, v, resourceType)
}

func idOf(name string, v any, resourceType string) (string, error) {
	switch v := v.(type) {
	case string:
		if v != "" {
			return v, nil
		}
	case map[string]any:
		kind, id := first(v, "resource_type_id", "resourceTypeId", "resource_type", "resourceType"), first(v, "resource_id", "resourceId", "resource", "id")
		if kind != "" && kind != resourceType {
			return "", fault.Invalid("argument %s must be a %s, not a %s", name, resourceType, kind)
		}
		if id != "" {
			return id, nil
		}
	}
	return "", fault.Invalid("argument %s must be the ID of a %s", name, resourceType)
}

// first is the first text of an object under one of some names.
func first(object map[string]any, names ...string) string {
	for _, name := range names {
		if s, ok := object[name].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// ids reads a list of resources.
func (in *invocation) ids(name, resourceType string) ([]string, error) {
	v := in.args[name]
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fault.Invalid("argument %s must be a list", name)
	}
	var ids []string
	for _, item := range list {
		id, err := idOf(name, item, resourceType)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// text reads a text; nil where it is absent or null.
func (in *invocation) text(name string) (*string, error) {
	v := in.args[name]
	if v == nil {
		return nil, nil //nolint:nilnil // absent
	}
	s, ok := v.(string)
	if !ok {
		return nil, fault.Invalid("argument %s must be a string", name)
	}
	return &s, nil
}

// Flag reads a flag that may come as a text; fallback is for one that is absent or null.
func Flag(name string, v any, fallback bool) (bool, error) {
	switch v := v.(type) {
	case nil:
		return fallback, nil
	case bool:
		return v, nil
	case string:
		if on, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(v))); err == nil {
			return on, nil
		}
	}
	return false, fault.Invalid("%s must be true or false", name)
}

// whole reads a whole number from 0 to most, which may come as a text.
func (in *invocation) whole(name string, most int) (int, error) {
	var n float64
	switch v := in.args[name].(type) {
	case nil:
		return 0, nil
	case float64:
		n = v
	case string:
		parsed, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil {
			parsed = math.NaN()
		}
		n = parsed
	default:
		n = math.NaN()
	}
	if math.Trunc(n) != n || n < 0 || n > float64(most) {
		return 0, fault.Invalid("argument %s must be a whole number from 0 to %d", name, most)
	}
	return int(n), nil
}

// moment reads a time in the future.
func (in *invocation) moment(name string) (time.Time, error) {
	s, err := in.text(name)
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(*s))
	if err != nil {
		return time.Time{}, fault.Invalid("argument %s must be a time with a zone, such as 2026-01-31T15:04:05Z", name)
	}
	if !at.After(time.Now()) {
		return time.Time{}, fault.Invalid("argument %s is in the past: %s; use disable_user to suspend now", name, at.Format(time.RFC3339))
	}
	return at, nil
}

// ProfileField is an attribute of a user that can be set.
type ProfileField struct {
	// Name is ours, in snake case; API is JumpCloud's.
	Name, API, Display string
}

// ProfileFields are the attributes that a profile may set, in the order of forms. The
// manager and custom attributes are set beside them.
func ProfileFields() []ProfileField {
	return []ProfileField{
		{"username", "username", "Username"},
		{"email", "email", "Email"},
		{"first_name", "firstname", "First Name"},
		{"middle_name", "middlename", "Middle Name"},
		{"last_name", "lastname", "Last Name"},
		{"display_name", "displayname", "Display Name"},
		{"alternate_email", "alternateEmail", "Alternate Email"},
		{"department", "department", "Department"},
		{"job_title", "jobTitle", "Job Title"},
		{"employee_id", "employeeIdentifier", "Employee ID"},
		{"employee_type", "employeeType", "Employee Type"},
		{"company", "company", "Company"},
		{"cost_center", "costCenter", "Cost Center"},
		{"location", "location", "Location"},
		{"description", "description", "Description"},
	}
}

// Custom is the key of custom attributes in a profile, as most connectors call it.
const Custom = "additionalAttributes"

// Manager is the key of the manager in a profile.
const Manager = "manager"

// Profile is what a profile sets, under the names of JumpCloud's API. A nil value clears
// an attribute.
type Profile struct {
	Fields, Custom map[string]any
	// Manager is who becomes the manager: an id, username or email address; empty for
	// nobody. It is nil where the profile does not say.
	Manager *string
}

// ReadProfile reads a profile. Keys may be in snake case, in camel case or JumpCloud's
// own; one that is unknown, or of another type than a text, is an error.
func ReadProfile(raw map[string]any) (Profile, error) {
	p := Profile{Fields: map[string]any{}, Custom: map[string]any{}}
	for key, v := range raw {
		switch folded := foldKey(key); folded {
		case "additionalattributes", "attributes", "customattributes":
			if err := p.readCustom(key, v); err != nil {
				return Profile{}, err
			}
			continue
		case "manager", "managerid", "manageremail":
			s, ok := v.(string)
			if v != nil && !ok {
				return Profile{}, fault.Invalid("profile field %s must be a string", key)
			}
			p.Manager = &s
			continue
		default:
			i := slices.IndexFunc(ProfileFields(), func(f ProfileField) bool { return foldKey(f.Name) == folded || foldKey(f.API) == folded })
			if i < 0 {
				return Profile{}, fault.Invalid("unknown profile field %q: known are %s, %s and %s", key, knownFields(), Manager, Custom)
			}
			if _, ok := v.(string); v != nil && !ok {
				return Profile{}, fault.Invalid("profile field %s must be a string", key)
			}
			p.Fields[ProfileFields()[i].API] = v
		}
	}
	return p, nil
}

// attributeName is what JumpCloud allows.
var attributeName = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// maxAttribute is the longest value of a custom attribute, in bytes.
const maxAttribute = 1024

func (p *Profile) readCustom(key string, v any) error {
	if s, ok := v.(string); ok {
		var object map[string]any
		if err := json.Unmarshal([]byte(s), &object); err != nil {
			return fault.Invalid("profile field %s must be an object of custom attributes: %w", key, err)
		}
		v = object
	}
	object, ok := v.(map[string]any)
	if v != nil && !ok {
		return fault.Invalid("profile field %s must be an object of custom attributes", key)
	}
	for name, value := range object {
		known := func(f ProfileField) bool { return f.API == name || f.Name == name }
		if slices.ContainsFunc(ProfileFields(), known) || name == Manager || name == "password" || name == "state" {
			return fault.Invalid("%s.%s is an attribute of its own, not a custom one", key, name)
		}
		if !attributeName.MatchString(name) {
			return fault.Invalid("invalid name %q of a custom attribute: only letters and digits are allowed", name)
		}
		if s, ok := value.(string); value != nil && (!ok || len(s) > maxAttribute) {
			return fault.Invalid("custom attribute %s must be a string of at most %d bytes", name, maxAttribute)
		}
		p.Custom[name] = value
	}
	return nil
}

// foldKey makes the spellings of a key one.
func foldKey(key string) string { return strings.ToLower(strings.ReplaceAll(key, "_", "")) }

func knownFields() string {
	var names []string
	for _, f := range ProfileFields() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// userArgument is the argument of an action on a user: a text for those that ConductorOne
// calls with one, else a resource.
func userArgument(scope string) *configv1.Field {
	if scope == "" {
		return required(text(argUserID, "User", "ID of the user"))
	}
	return required(resourceID(argUserID, "User", "The user", restype.User))
}
