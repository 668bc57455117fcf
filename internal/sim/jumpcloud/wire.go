package jcsim

import (
	"encoding/json"
	"strconv"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

// tables are the fields of every kind of object, in the order in which the
// service writes them.
type tables struct {
	orgs   *query.Table[*Tenant]
	users  *query.Table[*userNode]
	found  *query.Table[*userNode] // users as the search route answers them
	admins *query.Table[*adminNode]
	roles  *query.Table[*roleNode]
	groups *query.Table[*groupNode]
	apps   *query.Table[*appNode]

	directories, radius, devices, deviceGroups *query.Table[*boundNode]
	services                                   *query.Table[*serviceNode]
}

// override is the Wire part of an object in the form of the tables.
func (w *Wire) override() *query.Override {
	if w.Omit == nil && w.Extra == nil {
		return nil
	}
	return (*query.Override)(w)
}

// text, flag and number make the fields of a table.
func text[T any](name string, get func(T) string) query.Field[T] {
	return query.Field[T]{Name: name, Get: func(v T) query.Value { return query.String(get(v)) }}
}

func orAbsent[T any](name string, get func(T) string) query.Field[T] {
	return query.Field[T]{Name: name, Get: func(v T) query.Value { return query.StringOrAbsent(get(v)) }}
}

func orNull[T any](name string, get func(T) string) query.Field[T] {
	return query.Field[T]{Name: name, Get: func(v T) query.Value { return query.StringOrNull(get(v)) }}
}

func flag[T any](name string, get func(T) bool) query.Field[T] {
	return query.Field[T]{Name: name, Get: func(v T) query.Value { return query.Flag(get(v)) }}
}

func number[T any](name string, get func(T) int64) query.Field[T] {
	return query.Field[T]{Name: name, Get: func(v T) query.Value { return query.Int(get(v)) }}
}

func structured[T any](name string, appendTo func([]byte, T) []byte) query.Field[T] {
	return query.Field[T]{Name: name, Append: appendTo}
}

func always[T any](json string) func([]byte, T) []byte {
	return func(b []byte, _ T) []byte { return append(b, json...) }
}

// appendJSON appends a value of a kind so rare that reflection does no harm.
func appendJSON(b []byte, v any) []byte {
	j, err := json.Marshal(v)
	must(err)
	return append(b, j...)
}

// appendRaw appends raw JSON, or a substitute where there is none.
func appendRaw(b []byte, raw json.RawMessage, empty string) []byte {
	if len(raw) == 0 {
		return append(b, empty...)
	}
	return append(b, raw...)
}

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = query.AppendString(b, s)
	}
	return append(b, ']')
}

func newTables(t *Tenant) *tables {
	return &tables{orgs: orgTable(), users: userTable(t), found: userTable(t, memberOf()), admins: adminTable(t), roles: roleTable(), groups: groupTable(t), apps: appTable(t), directories: directoryTable(), radius: radiusTable(t), devices: deviceTable(t), deviceGroups: deviceGroupTable(t), services: serviceTable(t)}
}

// orgTable has the fields of an organization in recorded lists.
func orgTable() *query.Table[*Tenant] {
	type t = *Tenant
	return query.NewTable([]string{"_id"}, nil,
		text("_id", func(v t) string { return v.org.ID }),
		text("id", func(v t) string { return v.org.ID }),
		orNull("displayName", func(v t) string { return v.org.Name }),
		orNull("logoUrl", func(v t) string { return v.org.LogoURL }),
		text("created", func(v t) string { return v.org.Created }),
	)
}

// userTable has the fields of a system user: those of recorded objects in their
// order, with the newer ones of the 2026 documents, then those that a route adds.
func userTable(t *Tenant, more ...query.Field[*userNode]) *query.Table[*userNode] {
	type u = *userNode
	fields := []query.Field[u]{
		flag("account_locked", func(v u) bool { return v.AccountLocked }),
		orNull("account_locked_date", func(v u) string { return v.AccountLockedDate }),
		flag("activated", func(v u) bool { return v.Activated }),
		structured("addresses", func(b []byte, v u) []byte { return appendAddresses(b, v.Addresses) }),
		{Name: "allow_public_key", Get: func(u) query.Value { return query.Flag(true) }},
		orAbsent("alternateEmail", func(v u) string { return v.AlternateEmail }),
		structured("attributes", func(b []byte, v u) []byte { return appendAttributes(b, v.Attributes) }),
		text("company", func(v u) string { return v.Company }),
		text("costCenter", func(v u) string { return v.CostCenter }),
		orAbsent("creationSource", func(v u) string { return v.CreationSource }),
		text("department", func(v u) string { return v.Department }),
		text("description", func(v u) string { return v.Description }),
		flag("disableDeviceMaxLoginAttempts", func(u) bool { return false }),
		text("displayname", func(v u) string { return v.DisplayName }),
		text("email", func(v u) string { return v.Email }),
		orNull("employeeIdentifier", func(v u) string { return v.EmployeeIdentifier }),
		text("employeeType", func(v u) string { return v.EmployeeType }),
		flag("enable_managed_uid", func(u) bool { return false }),
		flag("enable_user_portal_multifactor", func(v u) bool { return v.PortalMFA }),
		text("external_dn", func(v u) string { return v.ExternalDN }),
		text("external_source_type", func(v u) string { return v.ExternalSourceType }),
		flag("externally_managed", func(v u) bool { return v.ExternallyManaged }),
		text("firstname", func(v u) string { return v.FirstName }),
		text("jobTitle", func(v u) string { return v.JobTitle }),
		text("lastname", func(v u) string { return v.LastName }),
		flag("ldap_binding_user", func(v u) bool { return v.LDAPBindingUser }),
		text("location", func(v u) string { return v.Location }),
		orAbsent("managedAppleId", func(v u) string { return v.ManagedAppleID }),
		orAbsent("manager", func(v u) string { return v.Manager }),
		structured("mfa", func(b []byte, v u) []byte { return appendMFA(b, v.MFA) }),
		structured("mfaEnrollment", func(b []byte, v u) []byte { return appendEnrollment(b, v.MFAEnrollment) }),
		text("middlename", func(v u) string { return v.MiddleName }),
		text("organization", func(u) string { return t.org.ID }),
		orAbsent("password_expiration_date", func(v u) string { return v.PasswordExpirationDate }),
		flag("password_expired", func(v u) bool { return v.PasswordExpired }),
		flag("password_never_expires", func(v u) bool { return v.PasswordNeverExpires }),
		flag("passwordless_sudo", func(v u) bool { return v.PasswordlessSudo }),
		structured("phoneNumbers", func(b []byte, v u) []byte { return appendPhones(b, v.PhoneNumbers) }),
		structured("recoveryEmail", func(b []byte, v u) []byte {
			if v.RecoveryEmail == nil {
				return b
			}
			return appendJSON(b, v.RecoveryEmail)
		}),
		structured("relationships", always[u]("[]")),
		structured("restrictedFields", func(b []byte, v u) []byte {
			if len(v.RestrictedFields) == 0 {
				return b
			}
			return appendJSON(b, v.RestrictedFields)
		}),
		flag("samba_service_user", func(v u) bool { return v.SambaServiceUser }),
		structured("ssh_keys", func(b []byte, v u) []byte { return appendSSHKeys(b, v.SSHKeys) }),
		text("state", func(v u) string { return v.State }),
		flag("sudo", func(v u) bool { return v.Sudo }),
		flag("suspended", func(v u) bool { return v.Suspended }),
		{Name: "systemUsername", Get: func(u) query.Value { return query.String("") }},
		flag("totp_enabled", func(v u) bool { return v.TOTPEnabled }),
		number("unix_guid", func(v u) int64 { return v.UnixGUID }),
		number("unix_uid", func(v u) int64 { return v.UnixUID }),
		text("username", func(v u) string { return v.Username }),
		text("created", func(v u) string { return v.Created }),
		structured("admin", func(b []byte, v u) []byte {
			if v.User.Admin == nil {
				return append(b, "null"...)
			}
			return appendJSON(b, v.User.Admin)
		}),
		text("_id", func(v u) string { return v.id }),
		text("id", func(v u) string { return v.id }),
	}
	return query.NewTable([]string{"_id"}, func(v u) *query.Override { return v.Wire.override() }, append(fields, more...)...)
}

// memberOf is the field that a search adds to a user: the ids of its groups.
func memberOf() query.Field[*userNode] {
	return structured("memberof", func(b []byte, v *userNode) []byte {
		b = append(b, '[')
		for i, g := range v.groups {
			if i > 0 {
				b = append(b, ',')
			}
			b = query.AppendString(b, g.id)
		}
		return append(b, ']')
	})
}

func appendAddresses(b []byte, list []Address) []byte {
	if len(list) == 0 {
		return append(b, "[]"...)
	}
	return appendJSON(b, list)
}

func appendAttributes(b []byte, list []Attribute) []byte {
	b = append(b, '[')
	for i, a := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		if a.ID != "" {
			b = append(query.AppendString(append(b, `"_id":`...), a.ID), ',')
		}
		b = query.AppendString(append(b, `"name":`...), a.Name)
		b = query.AppendString(append(b, `,"value":`...), a.Value)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendPhones(b []byte, list []PhoneNumber) []byte {
	b = append(b, '[')
	for i, p := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = query.AppendString(append(b, `{"id":`...), p.ID)
		b = query.AppendString(append(b, `,"type":`...), p.Type)
		b = query.AppendString(append(b, `,"number":`...), p.Number)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendMFA(b []byte, m *MFA) []byte {
	if m == nil {
		return b
	}
	b = strconv.AppendBool(append(b, `{"exclusion":`...), m.Exclusion)
	b = strconv.AppendBool(append(b, `,"configured":`...), m.Configured)
	if m.ExclusionUntil != "" {
		b = query.AppendString(append(b, `,"exclusionUntil":`...), m.ExclusionUntil)
	}
	if m.ExclusionDays != 0 {
		b = strconv.AppendInt(append(b, `,"exclusionDays":`...), int64(m.ExclusionDays), 10)
	}
	return append(b, '}')
}

func appendEnrollment(b []byte, m *MFAEnrollment) []byte {
	if m == nil {
		return b
	}
	b = query.AppendString(append(b, `{"overallStatus":`...), m.OverallStatus)
	for _, f := range [...]struct{ name, value string }{
		{`,"totpStatus":`, m.TOTPStatus},
		{`,"webAuthnStatus":`, m.WebAuthnStatus},
		{`,"pushStatus":`, m.PushStatus},
		{`,"jcGoStatus":`, m.JCGoStatus},
	} {
		if f.value != "" {
			b = query.AppendString(append(b, f.name...), f.value)
		}
	}
	return append(b, '}')
}
