package config

import (
	"slices"

	configv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/config/v1"
)

// opsOrder is the order in which platforms know the operators' settings.
func opsOrder() []string {
	return []string{
		nameLogLevel, nameDebugUntil, "session-store-maximum-size",
		"otel-collector-endpoint", "otel-collector-endpoint-tls-cert-path", "otel-collector-endpoint-tls-cert", "otel-collector-endpoint-tls-insecure",
		"otel-tracing-disabled", "otel-logging-disabled",
		"health-check", "health-check-port", "health-check-bind-address", "http-timeout-seconds",
	}
}

// Schema describes the settings for a platform that hosts the connector and asks
// for them in a form: the operators' settings, then the connector's own in the
// order of the table, and the ways to authenticate as groups of fields.
func Schema() *configv1.Configuration {
	table := byName()
	schema := &configv1.Configuration{DisplayName: "JumpCloud", IsDirectory: true}
	for _, name := range opsOrder() {
		schema.Fields = append(schema.Fields, schemaField(table[name]))
	}
	exported := make(map[string]bool)
	for _, o := range Options() {
		if o.Export == ExportGUI {
			schema.Fields = append(schema.Fields, schemaField(o))
			exported[o.Name] = true
		}
	}
	for _, r := range Relations() {
		if c := schemaConstraint(r, exported, table); c != nil {
			schema.Constraints = append(schema.Constraints, c)
		}
	}
	schema.FieldGroups = []*configv1.FieldGroup{
		{
			Name: GroupAPIKey, DisplayName: "API key", Default: true, Fields: groupFields(GroupAPIKey),
			HelpText: "The API key of a JumpCloud administrator.",
		},
		{
			Name: GroupServiceAccount, DisplayName: "Service account", Fields: groupFields(GroupServiceAccount),
			HelpText: "The client ID and client secret of a JumpCloud service account.",
		},
	}
	return schema
}

// groupFields are the fields that a form shows for a group: its own, then those
// that belong to none.
func groupFields(group string) []string {
	var own, shared []string
	for _, o := range Options() {
		switch {
		case o.Export != ExportGUI:
		case o.Group == group:
			own = append(own, o.Name)
		case o.Group == "":
			shared = append(shared, o.Name)
		}
	}
	return append(own, shared...)
}

// schemaConstraint is a relation for the schema; nil where it is of a kind that
// the schema cannot say, or names an option that the schema leaves out, or one
// with a default: a platform hands defaults over as if they had been set, and the
// relation would refuse them.
func schemaConstraint(r Relation, exported map[string]bool, table map[string]Option) *configv1.Constraint {
	for _, name := range slices.Concat(r.Names, r.On) {
		if !exported[name] || table[name].Default != nil {
			return nil
		}
	}
	kinds := map[RelationKind]configv1.ConstraintKind{
		Together:  configv1.ConstraintKind_CONSTRAINT_KIND_REQUIRED_TOGETHER,
		Exclusive: configv1.ConstraintKind_CONSTRAINT_KIND_MUTUALLY_EXCLUSIVE,
		DependsOn: configv1.ConstraintKind_CONSTRAINT_KIND_DEPENDENT_ON,
	}
	kind, known := kinds[r.Kind]
	if !known {
		return nil
	}
	return &configv1.Constraint{Kind: kind, FieldNames: r.Names, SecondaryFieldNames: r.On}
}

func schemaField(o Option) *configv1.Field {
	field := &configv1.Field{
		Name: o.Name, DisplayName: o.Title, Description: o.Help, Placeholder: o.Placeholder,
		IsRequired: o.Group != "", IsOps: o.Export == ExportOps, IsSecret: o.Secret,
	}
	switch value := o.zero().(type) {
	case bool:
		field.Field = &configv1.Field_BoolField{BoolField: &configv1.BoolField{DefaultValue: value}}
	case int:
		field.Field = &configv1.Field_IntField{IntField: &configv1.IntField{DefaultValue: int64(value), Rules: intRules(o)}}
	case []string:
		field.Field = &configv1.Field_StringSliceField{StringSliceField: &configv1.StringSliceField{DefaultValue: value, Rules: listRules(o)}}
	case string:
		field.Field = &configv1.Field_StringField{StringField: &configv1.StringField{DefaultValue: value, Rules: stringRules(o)}}
	}
	return field
}

func intRules(o Option) *configv1.Int64Rules {
	if o.Min == 0 && o.Max == 0 {
		return nil
	}
	lower, upper := int64(o.Min), int64(o.Max)
	return &configv1.Int64Rules{Gte: &lower, Lte: &upper}
}

func listRules(o Option) *configv1.RepeatedStringRules {
	if len(o.OneOf) == 0 {
		return nil
	}
	return &configv1.RepeatedStringRules{ItemRules: &configv1.StringRules{In: o.OneOf}}
}

func stringRules(o Option) *configv1.StringRules {
	if len(o.OneOf) == 0 && o.Group == "" {
		return nil
	}
	return &configv1.StringRules{In: o.OneOf, IsRequired: o.Group != ""}
}
