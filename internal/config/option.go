package config

import "strings"

// envPrefix begins the name of every environment variable of an option.
const envPrefix = "BATON_"

// Kind is the type of an option's value.
type Kind int

// The kinds of value that an option can have.
const (
	String  Kind = iota // string
	Bool                // bool, read with [strconv.ParseBool]
	Int                 // int, decimal
	Strings             // []string; separated by commas on the command line and in the environment
)

// String names the kind as docs and messages do.
func (k Kind) String() string {
	return [...]string{"string", "bool", "int", "list of strings"}[k]
}

// Export says in which form an option appears in the schema that the config
// command prints.
type Export int

// The places of the schema where an option can appear.
const (
	ExportNone Export = iota // not in the schema
	ExportOps                // a setting of whoever operates the connector
	ExportGUI                // a field of the form in which a person sets up the connector
)

// Status says whether this version does what an option asks for.
type Status int

// What becomes of an option that is set.
const (
	Served   Status = iota // it does what its help says
	Accepted               // it is taken for compatibility and changes nothing
	Later                  // refused as unimplemented: a later version is meant to serve it
	Never                  // refused as unimplemented: it has no meaning for JumpCloud or for this runtime
)

// String names the status as docs/CONFIG.md does.
func (s Status) String() string {
	return [...]string{"served", "accepted, no effect", "not served yet", "not served"}[s]
}

// Section is the heading under which an option is listed in the help text and in
// docs/CONFIG.md.
type Section int

// The sections in the order in which they are listed.
const (
	SectionJumpCloud Section = iota
	SectionSync
	SectionChange
	SectionOutput
	SectionService
	SectionHosted
	SectionHealth
	SectionActions
	SectionOther
	sectionCount
)

// Title is the heading of the section.
func (s Section) Title() string {
	return [...]string{
		"JumpCloud",
		"Sync",
		"Provisioning",
		"Output and logs",
		"Service mode (ConductorOne)",
		"Hosted by a platform (lambda command)",
		"Health and telemetry",
		"One-shot actions of other connectors",
		"Other",
	}[s]
}

// Option is one row of the table. Its zero value is not useful.
type Option struct {
	Name      string // flag name and key of the configuration file
	Shorthand string // one letter, or empty
	Kind      Kind
	// Default is nil for the zero value of the kind, else a string, bool, int or
	// []string to match it.
	Default     any
	Title       string // display name in the schema
	Help        string // one sentence without a full stop
	Placeholder string // example in the schema's form
	Section     Section
	Hidden      bool // left out of the help text; still parsed
	// Command is the one command that has the option as a flag; empty means all have it.
	Command string
	// EnvOnly options have neither a flag nor a key in the file.
	EnvOnly bool
	// Secret options are never printed and have a _FILE variant.
	Secret bool
	Export Export
	// Group is the field group that the option belongs to and in which it is
	// required; empty for an option that belongs to none.
	Group  string
	Status Status
	// Reach decides whether the file of the working directory may set the option.
	Reach Reach
	// ServiceOnly options take effect in service mode only.
	ServiceOnly bool
	// Reason completes "... is not served: " for the statuses Later and Never, and
	// says why a value has no effect for Accepted.
	Reason string
	// OneOf lists the values that a string may have, compared without regard to
	// case, or those that the items of a list may have, which are compared with it; an
	// empty string among them permits leaving the option empty.
	OneOf []string
	// BoolText marks a string that is read as a bool, which is how every Baton
	// connector declares --event-feed.
	BoolText bool
	// Min and Max bound an int, both included; both zero means no bounds.
	Min, Max int
}

// Env is the name of the option's environment variable.
func (o Option) Env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))
}

// FileEnv is the environment variable that names a file holding the value of a
// secret option; empty for other options.
func (o Option) FileEnv() string {
	if !o.Secret {
		return ""
	}
	return o.Env() + "_FILE"
}

// Usage is the help text of the option with its environment variable, in the
// form that users of Baton connectors know.
func (o Option) Usage() string {
	help := o.Help
	if o.Status == Later || o.Status == Never {
		help += "; " + o.Status.String()
	}
	return help + " ($" + o.Env() + ")"
}

// zero is the value that the option has when nothing sets it.
func (o Option) zero() any {
	if o.Default != nil {
		return o.Default
	}
	switch o.Kind {
	case Bool:
		return false
	case Int:
		return 0
	case Strings:
		return []string(nil)
	default:
		return ""
	}
}

// Sections lists the sections in the order in which they are listed.
func Sections() []Section {
	sections := make([]Section, 0, sectionCount)
	for s := range sectionCount {
		sections = append(sections, s)
	}
	return sections
}
