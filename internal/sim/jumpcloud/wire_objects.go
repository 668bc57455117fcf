package jcsim

import (
	"strconv"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

// adminTable has the fields of an administrator. The ids of roles and the
// organization are the tenant's, so that each tenant has a table of its own.
func adminTable(t *Tenant) *query.Table[*adminNode] {
	type a = *adminNode
	named := roleWriter{t}.fields()
	return query.NewTable([]string{"_id"}, func(v a) *query.Override { return v.Wire.override() },
		text("_id", func(v a) string { return v.id }),
		text("id", func(v a) string { return v.id }),
		text("email", func(v a) string { return v.Email }),
		text("firstname", func(v a) string { return v.FirstName }),
		text("lastname", func(v a) string { return v.LastName }),
		named[0], named[1], named[2], named[3], named[4], named[5],
		flag("enableMultiFactor", func(v a) bool { return v.EnableMultiFactor }),
		flag("totpEnrolled", func(v a) bool { return v.TOTPEnrolled }),
		flag("suspended", func(v a) bool { return v.Suspended }),
		number("sessionCount", func(v a) int64 { return v.SessionCount }),
		flag("apiKeyAllowed", func(v a) bool { return v.APIKeyAllowed }),
		flag("apiKeySet", func(v a) bool { return v.APIKeySet }),
		structured("apiKeyHash", func(b []byte, v a) []byte {
			if v.APIKeyPrefix == "" {
				return b
			}
			b = query.AppendString(append(b, `{"prefix":`...), v.APIKeyPrefix)
			b = query.AppendString(append(b, `,"hash":`...), APIKeyHash)
			if v.APIKeyCreated != "" {
				b = query.AppendString(append(b, `,"createdAt":`...), v.APIKeyCreated)
				if b = append(b, `,"expireAt":`...); v.APIKeyExpires == "" {
					b = append(b, "null"...)
				} else {
					b = query.AppendString(b, v.APIKeyExpires)
				}
			}
			return append(b, '}')
		}),
		text("organization", func(a) string { return t.org.ID }),
		query.Field[a]{Name: "provider", Get: func(a) query.Value { return query.NullValue() }},
		text("created", func(v a) string { return v.Created }),
	)
}

// roleTable has the fields of a role as jc-cli found them.
func roleTable() *query.Table[*roleNode] {
	type r = *roleNode
	return query.NewTable([]string{"id"}, func(v r) *query.Override { return v.Wire.override() },
		text("id", func(v r) string { return v.id }),
		text("name", func(v r) string { return v.Name }),
		text("description", func(v r) string { return v.Description }),
		structured("scopes", func(b []byte, v r) []byte { return appendStrings(b, v.Scopes) }),
	)
}

// groupTable has the fields of a user group. Recorded rows of 2021 end with the
// description; the rest is from the 2026 documents.
func groupTable(t *Tenant) *query.Table[*groupNode] {
	type g = *groupNode
	return query.NewTable([]string{"id", "type"}, func(v g) *query.Override { return v.Wire.override() },
		structured("attributes", func(b []byte, v g) []byte { return appendRaw(b, v.Attributes, "null") }),
		text("id", func(v g) string { return v.id }),
		text("name", func(v g) string { return v.Name }),
		query.Field[g]{Name: "type", Get: func(g) query.Value { return query.String(TypeUserGroup) }},
		text("email", func(v g) string { return v.Email }),
		text("description", func(v g) string { return v.Description }),
		text("membershipMethod", func(v g) string { return v.MembershipMethod }),
		text("organizationObjectId", func(g) string { return t.org.ID }),
		structured("memberQuery", func(b []byte, v g) []byte {
			if len(v.Rule) == 0 {
				return append(b, "null"...)
			}
			b = append(b, `{"queryType":"FilterQuery","filters":`...)
			return append(appendJSON(b, v.Rule), '}')
		}),
		structured("memberQueryExemptions", func(b []byte, v g) []byte {
			b = append(b, '[')
			for i, id := range v.Exemptions {
				if i > 0 {
					b = append(b, ',')
				}
				b = append(query.AppendString(append(b, `{"id":`...), id), `,"type":"user"}`...)
			}
			return append(b, ']')
		}),
		flag("memberSuggestionsNotify", func(g) bool { return false }),
		structured("suggestionCounts", func(b []byte, v g) []byte {
			n := "0"
			if v.MembershipMethod == MembershipDynamicReview {
				n = strconv.Itoa(len(v.Rule))
			}
			return append(b, `{"add":`+n+`,"remove":0,"total":`+n+`}`...)
		}),
	)
}

// appTable has the fields of an application in recorded lists.
func appTable(t *Tenant) *query.Table[*appNode] {
	type a = *appNode
	return query.NewTable([]string{"_id"}, func(v a) *query.Override { return v.Wire.override() },
		text("_id", func(v a) string { return v.id }),
		text("id", func(v a) string { return v.id }),
		flag("active", func(v a) bool { return v.Active == nil || *v.Active }),
		text("name", func(v a) string { return v.Name }),
		text("displayName", func(v a) string { return v.DisplayName }),
		text("displayLabel", func(v a) string { return v.DisplayLabel }),
		flag("beta", func(v a) bool { return v.Beta }),
		query.Field[a]{Name: "color", Get: func(a) query.Value { return query.NullValue() }},
		text("organization", func(a) string { return t.org.ID }),
		structured("logo", func(b []byte, v a) []byte {
			return append(query.AppendString(append(b, `{"url":`...), v.LogoURL), '}')
		}),
		text("ssoUrl", func(v a) string { return v.SSOURL }),
		text("learnMore", func(v a) string { return v.LearnMore }),
		text("description", func(v a) string { return v.Description }),
		structured("config", func(b []byte, v a) []byte { return appendRaw(b, v.Config, "{}") }),
		structured("databaseAttributes", always[a]("[]")),
		text("created", func(v a) string { return v.Created }),
		structured("sso", func(b []byte, v a) []byte {
			if v.SSO == nil {
				return b
			}
			b = strconv.AppendBool(append(b, `{"jit":`...), v.SSO.JIT)
			b = strconv.AppendBool(append(b, `,"beta":`...), v.SSO.Beta)
			b = strconv.AppendBool(append(b, `,"hidden":`...), v.SSO.Hidden)
			b = append(b, `,"type":`...)
			return append(query.AppendString(b, v.SSO.Type), '}')
		}),
	)
}
