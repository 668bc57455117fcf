package diff

import (
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/review"
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
func resourceFields(a, b review.Resource) []FieldChange {
	var d fieldDiff
	d.add("name", a.Name, b.Name)
	d.add("description", a.Description, b.Description)
	d.add("icon", a.Icon, b.Icon)
	d.add("help_url", a.HelpURL, b.HelpURL)
	d.add("parent", joinID(a.ParentType, a.ParentID), joinID(b.ParentType, b.ParentID))
	d.add("facts", strings.Join(a.Facts, ", "), strings.Join(b.Facts, ", "))
	var u, v review.AccountInfo
	if a.Account != nil {
		u = *a.Account
	}
	if b.Account != nil {
		v = *b.Account
	}
	if a.Account != nil && b.Account != nil {
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
func profileFields(old, now []review.Field) []FieldChange {
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

func entitlementFields(a, b *review.Entitlement) []FieldChange {
	var d fieldDiff
	d.add("name", a.Name, b.Name)
	d.add("slug", a.Slug, b.Slug)
	d.add("description", a.Description, b.Description)
	d.add("purpose", a.Purpose, b.Purpose)
	d.add("grantable_to", strings.Join(a.GrantableTo, ", "), strings.Join(b.GrantableTo, ", "))
	d.add("immutable", yesOrNo(a.Immutable), yesOrNo(b.Immutable))
	return d
}

func yesOrNo(b bool) string {
	if b {
		return review.Yes.String()
	}
	return review.No.String()
}

// ResourceFields lists what differs of a resource that both syncs have, its profile last.
func (d *Diff) ResourceFields(old, now review.Ref) []FieldChange {
	a, b := d.Older.Resource(old), d.Newer.Resource(now)
	return append(resourceFields(a, b), profileFields(a.Profile, b.Profile)...)
}

// EntitlementFields lists what differs of an entitlement that both syncs have.
func (d *Diff) EntitlementFields(old, now review.EntRef) []FieldChange {
	a, b := d.Older.EntitlementAt(old), d.Newer.EntitlementAt(now)
	return entitlementFields(&a, &b)
}
