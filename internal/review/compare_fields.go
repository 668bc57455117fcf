package review

import (
	"strings"
	"time"
)

// FieldChange is a field that differs. Fields of a profile are called "profile." and
// their key.
type FieldChange struct{ Field, Old, New string }

// fieldDiff collects the fields that differ.
type fieldDiff []FieldChange

func (d *fieldDiff) add(field, old, now string) {
	if old != now {
		*d = append(*d, FieldChange{field, old, now})
	}
}

// resourceFields compares what is known of a resource, without its profile. When an
// account last signed in is not compared: it changes by itself.
func resourceFields(older, newer *Sync, old, now Ref) []FieldChange {
	a, b := &older.resources[old], &newer.resources[now]
	var d fieldDiff
	d.add("name", a.name, b.name)
	var x, y moreInfo
	if a.more != nil {
		x = *a.more
	}
	if b.more != nil {
		y = *b.more
	}
	d.add("description", x.description, y.description)
	d.add("icon", x.icon, y.icon)
	d.add("help_url", x.helpURL, y.helpURL)
	d.add("parent", joinID(x.parentType, x.parentID), joinID(y.parentType, y.parentID))
	d.add("facts", strings.Join(x.facts, ", "), strings.Join(y.facts, ", "))
	var u, v AccountInfo
	if a.account != nil {
		u = *a.account
	}
	if b.account != nil {
		v = *b.account
	}
	if a.account != nil && b.account != nil {
		d.add("status", u.Status.String(), v.Status.String())
		d.add("mfa", u.MFA.String(), v.MFA.String())
		d.add("sso", u.SSO.String(), v.SSO.String())
	}
	d.add("details", u.Details, v.Details)
	d.add("emails", strings.Join(u.Emails, ", "), strings.Join(v.Emails, ", "))
	d.add("login", u.Login, v.Login)
	d.add("account_type", u.Type, v.Type)
	d.add("employee_ids", strings.Join(u.EmployeeIDs, ", "), strings.Join(v.EmployeeIDs, ", "))
	d.add("created", timeText(u.Created), timeText(v.Created))
	return d
}

func joinID(typ, id string) string {
	if id == "" {
		return ""
	}
	return typ + ":" + id
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// profileFields compares two profiles, which are sorted.
func profileFields(old, now []Field) []FieldChange {
	var d fieldDiff
	for len(old) > 0 || len(now) > 0 {
		switch {
		case len(now) == 0 || len(old) > 0 && old[0].Key < now[0].Key:
			d.add("profile."+old[0].Key, old[0].Value, "")
			old = old[1:]
		case len(old) == 0 || now[0].Key < old[0].Key:
			d.add("profile."+now[0].Key, "", now[0].Value)
			now = now[1:]
		default:
			d.add("profile."+now[0].Key, old[0].Value, now[0].Value)
			old, now = old[1:], now[1:]
		}
	}
	return d
}

func entitlementFields(older, newer *Sync, old, now EntRef) []FieldChange {
	a, b := &older.entitlements[old], &newer.entitlements[now]
	var d fieldDiff
	d.add("name", a.name, b.name)
	d.add("slug", a.slug, b.slug)
	d.add("description", a.description, b.description)
	d.add("purpose", a.purpose, b.purpose)
	d.add("grantable_to", strings.Join(a.grantableTo, ", "), strings.Join(b.grantableTo, ", "))
	d.add("immutable", boolTri(a.immutable).String(), boolTri(b.immutable).String())
	return d
}
