package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// Hosted says how a connector that a platform hosts reaches it, and who may call it.
type Hosted struct {
	ClientID     string
	ClientSecret secret.String
	// Signer is a public JSON Web Key and KeySetURL the address of a set of them; one of
	// them is empty.
	Signer, KeySetURL         string
	Issuer, Subject, Audience string // of the tokens of calls
	// TokenHost and Host take the place of the client id's host for tokens and for calls;
	// empty for none.
	TokenHost, Host string
	CACertPath      string // PEM file; empty for none
}

// fillHosted sets the fields of a hosted connector.
func (c *Config) fillHosted() Problems {
	v := c.values
	text := func(name string) string { return strings.TrimSpace(v.str(name)) }
	c.Hosted = Hosted{
		ClientID: text(nameLambdaClientID), ClientSecret: v.hidden(nameLambdaSecret),
		Signer: text(nameLambdaSigner), KeySetURL: text(nameLambdaJWKSURL),
		Issuer: text(nameLambdaIssuer), Subject: text(nameLambdaSubject), Audience: text(nameLambdaAudience),
		TokenHost: text(nameLambdaTokenHost), Host: text(nameLambdaHost), CACertPath: text(nameLambdaCACerts),
	}
	var problems Problems
	for name, host := range map[string]string{nameLambdaTokenHost: c.Hosted.TokenHost, nameLambdaHost: c.Hosted.Host} {
		if host == "" {
			continue
		}
		if err := checkHost(host); err != nil {
			problems = append(problems, fieldProblem(name, err))
		}
	}
	return problems
}

// checkHosted demands what a hosted connector cannot do without.
func (c *Config) checkHosted() Problems {
	var problems Problems
	var unset []string
	for _, name := range []string{nameLambdaIssuer, nameLambdaSubject, nameLambdaAudience, nameLambdaClientID, nameLambdaSecret} {
		if !c.values.present(name) {
			unset = append(unset, `"`+name+`"`)
		}
	}
	if len(unset) > 0 {
		slices.Sort(unset)
		problems = append(problems, Problem{
			Text: fmt.Sprintf("required flag(s) %s not set", strings.Join(unset, ", ")),
			Hint: "this command is started by the platform that hosts the connector; to stay connected from your own network, set BATON_CLIENT_ID and BATON_CLIENT_SECRET and run " +
				"baton-jumpcloud without a command",
		})
	}
	if (c.Hosted.Signer == "") == (c.Hosted.KeySetURL == "") {
		problems = append(problems, Problem{
			Text: fmt.Sprintf("must specify exactly one of --%s and --%s", nameLambdaSigner, nameLambdaJWKSURL),
		})
	}
	return problems
}

// tolerateExpiry drops a time at which debug logs end that is none: they never end then,
// and a warning says so. The platform, not a person, sets it.
func (c *Config) tolerateExpiry() error {
	text := c.values.str(nameDebugUntil)
	if _, err := time.Parse(time.RFC3339, text); text == "" || err == nil {
		return nil
	}
	c.Warnings = append(c.Warnings, "log-level-debug-expires-at is not a time such as 2026-01-31T15:04:05Z: debug logs never end")
	return c.values.add(map[string]setting{nameDebugUntil: {"", c.values.origin(nameDebugUntil)}})
}

// ErrServed is a served configuration that is no JSON object. What it is instead may be a
// secret.
var ErrServed = errors.New("it is not a JSON object")

// hintPlatform says where a served value is changed.
const hintPlatform = "change the connector's settings on the platform"

// ServedConfig is what a platform serves of a connector's settings.
type ServedConfig struct {
	layer map[string]setting
}

// ParseServed reads a served configuration: a JSON object of values by the names of
// options. Options that a platform must not set, and names of none, are left out. An
// error is [ErrServed] or [Problems], which name option and type and never a value.
func ParseServed(data []byte) (ServedConfig, error) {
	fields := new(structpb.Struct)
	if err := protojson.Unmarshal(data, fields); err != nil {
		return ServedConfig{}, ErrServed
	}
	layer, problems := servedLayer(fields.AsMap())
	return ServedConfig{layer}, problems.err()
}

// Serve lays a served configuration over the settings of a process, which were loaded for
// [ForHosted]. An error about values is [Problems].
func (c *Config) Serve(served ServedConfig) (*Config, error) {
	next := &Config{values: values{k: c.values.k.Copy(), table: c.values.table, origins: maps.Clone(c.values.origins)}}
	if err := next.values.add(served.layer); err != nil {
		return nil, err
	}
	if err := next.tolerateExpiry(); err != nil {
		return nil, err
	}
	problems := next.values.checkRules()
	problems = append(problems, next.fill()...)
	problems = append(problems, next.checkSecrets()...)
	problems = append(problems, next.values.checkServedRelations()...)
	problems = append(problems, next.chooseCredential()...)
	for i := range problems { // Nobody who reads them has a command line.
		problems[i].Hint = hintPlatform
	}
	return next, problems.withoutEchoes().without(next.Secrets()).err()
}

// checkServedRelations holds the options that a platform may set to their relations.
func (v values) checkServedRelations() Problems {
	var problems Problems
	for _, r := range Relations() {
		if !slices.ContainsFunc(slices.Concat(r.Names, r.On), func(name string) bool { return !v.table[name].servable() }) {
			problems = append(problems, r.check(v.present)...)
		}
	}
	return problems
}

// servedLayer reads the values of a served configuration. Null and an empty text count as
// not set: a form sends them for fields that nobody filled in.
func servedLayer(fields map[string]any) (map[string]setting, Problems) {
	given := make(map[string]setting)
	var problems Problems
	for _, o := range Options() {
		raw := fields[o.Name]
		if !o.servable() || raw == nil || raw == "" {
			continue
		}
		value, ok := servedValue(o, raw)
		if !ok {
			problems = append(problems, Problem{
				Text: fmt.Sprintf("field %s: expected type '%s', got %s", o.Name, o.Kind, servedType(raw)), Hint: hintPlatform,
			})
			continue
		}
		given[o.Name] = setting{value, Origin{LayerServed, "the platform's configuration"}}
	}
	return given, problems
}

// servedValue is a value of JSON as the option's type, where it has that.
func servedValue(o Option, raw any) (any, bool) {
	switch v := raw.(type) {
	case bool:
		return v, o.Kind == Bool
	case float64:
		return int(v), o.Kind == Int && v == math.Trunc(v) && math.Abs(v) <= math.MaxInt32
	case string:
		switch o.Kind {
		case String:
			return Clean(v), true
		case Strings:
			return strings.Split(Clean(v), ","), true
		default:
			return nil, false
		}
	case []any:
		list, err := textList(v)
		return list, o.Kind == Strings && err == nil
	}
	return nil, false
}

// servedType names the type of a value of JSON.
func servedType(raw any) string {
	switch raw.(type) {
	case bool:
		return "a bool"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}
