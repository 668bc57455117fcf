package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// Environment is the world that settings are read from.
type Environment struct {
	// Lookup reads an environment variable, as [os.LookupEnv] does.
	Lookup func(string) (string, bool)
	// Dir is the working directory; empty means the process's own.
	Dir string
	// NoFile leaves the configuration file out.
	NoFile bool
}

// Purpose says how much of the settings a command depends on.
type Purpose int

// The purposes. ForCommand checks each value by itself. ForRun also demands a
// JumpCloud credential, holds options to their relations and refuses what is
// not served. So does ForChange, for a command that is a change of its own: it does not
// become a service where the environment is that of one. ForHosted demands what a hosted
// connector needs of its process; see [Config.Serve] for the rest.
const (
	ForCommand Purpose = iota
	ForRun
	ForChange
	ForHosted
)

// Load reads the settings: defaults, then the configuration file, then the
// environment, then the flags that were given; the later outweighs the earlier.
// An error that concerns the settings is [Problems] and holds all of them.
func Load(flags *pflag.FlagSet, env Environment, purpose Purpose) (*Config, error) {
	env.Lookup = CleanLookup(env.Lookup)
	var (
		file     configFile
		problems Problems
	)
	if !env.NoFile {
		path, _ := env.Lookup(envPrefix + "CONFIG_PATH")
		file, problems = readFile(path, env.Dir)
	}
	fromEnv, wrong := envLayer(env.Lookup)
	problems = append(problems, wrong...)

	v := newValues()
	for _, layer := range []map[string]setting{file.settings, fromEnv, flagLayer(flags)} {
		if err := v.add(layer); err != nil {
			return nil, err
		}
	}
	c := &Config{values: v}
	if purpose == ForHosted {
		if err := c.tolerateExpiry(); err != nil {
			return nil, err
		}
	}
	problems = append(problems, v.checkRules()...)
	problems = append(problems, c.fill()...)
	problems = append(problems, c.checkSecrets()...)
	problems = append(problems, c.checkReach(file)...)
	if purpose == ForRun {
		problems = append(problems, c.checkService()...)
	}
	if purpose == ForChange {
		problems = append(problems, c.becomeCommand()...)
	}
	if purpose == ForHosted {
		problems = append(problems, c.checkHosted()...)
	}
	if purpose == ForRun || purpose == ForChange {
		problems = append(problems, v.checkRelations(purpose)...)
		problems = append(problems, c.chooseCredential()...)
		problems = append(problems, v.checkServed()...)
	}
	c.Warnings = slices.Concat(c.Warnings, fileWarnings(file))
	return c, problems.withoutEchoes().without(c.Secrets()).err()
}

// becomeCommand makes the settings those of a command that is a change. Options that ask
// for another change besides are refused.
func (c *Config) becomeCommand() Problems {
	var problems Problems
	for _, name := range []string{nameGrantEntitlement, nameGrantPrincipal, nameGrantPrincipalType, nameRevokeGrant, nameInvokeAction, nameListActions} {
		if c.values.present(name) {
			problems = append(problems, Problem{
				Text: fmt.Sprintf("field %s: it asks for another change than the command", name),
				Hint: "remove " + c.values.origin(name).Name,
			})
		}
	}
	c.Change.Command, c.Service = true, Service{}
	return problems
}

// values is the layers laid over one another, and where each value came from.
type values struct {
	k       *koanf.Koanf
	table   map[string]Option
	origins map[string]Origin
}

func newValues() values {
	defaults := make(map[string]any)
	for _, o := range Options() {
		defaults[o.Name] = o.zero()
	}
	v := values{k: koanf.New("."), table: byName(), origins: make(map[string]Origin)}
	// Loading a map that has no parser cannot fail.
	_ = v.k.Load(confmap.Provider(defaults, ""), nil)
	return v
}

// add lays a layer over what is there.
func (v values) add(layer map[string]setting) error {
	plain := make(map[string]any, len(layer))
	for name, s := range layer {
		plain[name] = s.value
		v.origins[name] = s.origin
	}
	if err := v.k.Load(confmap.Provider(plain, ""), nil); err != nil {
		return fmt.Errorf("merge settings: %w", err)
	}
	return nil
}

func (v values) origin(name string) Origin { return v.origins[name] }
func (v values) str(name string) string    { return v.k.String(name) }
func (v values) flag(name string) bool     { return v.k.Bool(name) }
func (v values) num(name string) int       { return v.k.Int(name) }
func (v values) list(name string) []string { return nonEmpty(v.k.Strings(name)) }
func (v values) hidden(name string) secret.String {
	// A key that was pasted or came through a pipe may end in a line break, which
	// no header could carry.
	return secret.New(strings.TrimSpace(v.k.String(name)))
}

// present reports whether an option asks for something: it is set somewhere, to
// another value than the one that it has anyway.
func (v values) present(name string) bool {
	if _, set := v.origins[name]; !set {
		return false
	}
	o := v.table[name]
	if o.BoolText {
		on, _ := strconv.ParseBool(v.str(name))
		return on
	}
	if o.Kind == Strings {
		return len(v.list(name)) > 0
	}
	value := v.k.Get(name)
	return !reflect.ValueOf(value).IsZero() && value != o.zero()
}

// byName is the table for looking options up.
func byName() map[string]Option {
	table := make(map[string]Option)
	for _, o := range Options() {
		table[o.Name] = o
	}
	return table
}

// nonEmpty trims the items of a list and drops the empty ones, which a trailing
// comma leaves.
func nonEmpty(items []string) []string {
	var kept []string
	for _, item := range items {
		if item = strings.TrimSpace(item); item != "" {
			kept = append(kept, item)
		}
	}
	return kept
}
