package config

import (
	"github.com/spf13/pflag"
)

// AddFlags declares the flag of every option that all commands have, where command is
// empty, else of every one that only the command has.
func AddFlags(flags *pflag.FlagSet, command string) {
	for _, o := range Options() {
		if o.EnvOnly || o.Command != command {
			continue
		}
		switch value := o.zero().(type) {
		case string:
			flags.StringP(o.Name, o.Shorthand, value, o.Usage())
		case bool:
			flags.BoolP(o.Name, o.Shorthand, value, o.Usage())
		case int:
			flags.IntP(o.Name, o.Shorthand, value, o.Usage())
		case []string:
			flags.StringSliceP(o.Name, o.Shorthand, value, o.Usage())
		}
		flag := flags.Lookup(o.Name)
		flag.Hidden = o.Hidden
		if o.Kind == Bool || o.Kind == Int { // Texts are cleaned when they are read.
			flag.Value = &cleanFlag{flag.Value, o}
		}
	}
}

// cleanFlag is a switch or a number whose values are read as those of every other layer.
type cleanFlag struct {
	pflag.Value

	option Option
}

// Set reads a value; the text of its error follows the name of the flag.
func (f *cleanFlag) Set(text string) error {
	text = Clean(text)
	if _, err := parseText(f.option, text); err != nil {
		return err
	}
	return f.Value.Set(text)
}

// flagLayer reads the flags that were given on the command line.
func flagLayer(flags *pflag.FlagSet) map[string]setting {
	given := make(map[string]setting)
	for _, o := range Options() {
		flag := flags.Lookup(o.Name)
		if flag == nil || !flag.Changed {
			continue
		}
		given[o.Name] = setting{flagValue(flags, o), Origin{LayerFlag, "--" + o.Name}}
	}
	return given
}

// flagValue reads a flag that AddFlags declared. Its errors could only tell that
// the flag has another type than the table says.
func flagValue(flags *pflag.FlagSet, o Option) any {
	switch o.Kind {
	case Bool:
		v, _ := flags.GetBool(o.Name)
		return v
	case Int:
		v, _ := flags.GetInt(o.Name)
		return v
	case Strings:
		v, _ := flags.GetStringSlice(o.Name)
		for i := range v {
			v[i] = Clean(v[i])
		}
		return v
	default:
		v, _ := flags.GetString(o.Name)
		return Clean(v)
	}
}
