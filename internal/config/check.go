package config

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
)

// checkRules holds each value to the rules of its option.
func (v values) checkRules() Problems {
	var problems Problems
	for _, o := range Options() {
		if text := v.breaks(o); text != "" {
			problems = append(problems, Problem{Text: fmt.Sprintf("field %s: %s", o.Name, text)})
		}
	}
	return problems
}

// breaks says how an option's value breaks its rules; empty when it does not.
func (v values) breaks(o Option) string {
	switch {
	case len(o.OneOf) > 0:
		got := v.str(o.Name)
		if !slices.ContainsFunc(o.OneOf, func(s string) bool { return strings.EqualFold(s, got) }) {
			return fmt.Sprintf("value must be one of %v but got '%s'", o.OneOf, got)
		}
	case o.BoolText:
		got := v.str(o.Name)
		if _, err := strconv.ParseBool(got); got != "" && err != nil {
			return fmt.Sprintf("value must be true or false but got '%s'", got)
		}
	case o.Min != 0 || o.Max != 0:
		switch got := v.num(o.Name); {
		case got < o.Min:
			return fmt.Sprintf("value must be greater than or equal to %d but got %d", o.Min, got)
		case got > o.Max:
			return fmt.Sprintf("value must be less than or equal to %d but got %d", o.Max, got)
		}
	}
	return ""
}

func (v values) checkRelations() Problems {
	var problems Problems
	table := byName()
	oneShot := func(name string) bool {
		return table[name].Section == SectionActions || table[name].Section == SectionChange
	}
	for _, r := range Relations() {
		if v.present(nameClientID) && !slices.ContainsFunc(r.Names, func(n string) bool { return !oneShot(n) }) {
			continue // A service does what ConductorOne asks for, and nothing else.
		}
		problems = append(problems, r.check(v.present)...)
	}
	return problems
}

// checkServed refuses what is asked for and not done, each by its name, because
// silence would read as consent.
func (v values) checkServed() Problems {
	var problems Problems
	service := v.present(nameClientID)
	for _, o := range Options() {
		if service && o.Section == SectionActions {
			continue // As above.
		}
		if (o.Status == Later || o.Status == Never) && v.present(o.Name) {
			problems = append(problems, Problem{Text: fmt.Sprintf("%s is %s: %s", o.Name, o.Status, o.Reason), Code: codes.Unimplemented})
		}
	}
	if !service && strings.EqualFold(v.str("storage-engine"), "pebble") {
		problems = append(problems, Problem{
			Text: "storage-engine pebble is not served: archives are written in the format that every reader opens, with sqlite",
			Code: codes.Unimplemented,
		})
	}
	return problems
}

// checkBaseURLOrigin refuses a base URL that lies in the working directory when
// the credential does not: whoever can drop a file there could have the key sent
// to a host of their own.
func (c *Config) checkBaseURLOrigin(file configFile) Problems {
	origin := c.Origin(nameBaseURL)
	if !file.implicit || origin.Layer != LayerFile {
		return nil
	}
	credential := []string{nameAPIKey}
	if c.JumpCloud.AuthMethod == GroupServiceAccount {
		credential = []string{nameJCClientID, nameJCSecret}
	}
	for _, name := range credential {
		if from := c.Origin(name); from.Layer > LayerFile {
			return Problems{{
				Text: fmt.Sprintf("base-url in %s is refused because %s comes from %s: a file in the working directory must not decide where a credential is sent", file.path, name, from.Name),
				Hint: "give --base-url or BATON_BASE_URL, or name the file with BATON_CONFIG_PATH",
			}}
		}
	}
	return nil
}

// fileWarnings warns of a configuration file that lets others read a secret.
func fileWarnings(file configFile) []string {
	if file.mode&readableByOthers == 0 {
		return nil
	}
	for _, o := range Options() {
		if _, set := file.settings[o.Name]; set && o.Secret {
			return []string{fmt.Sprintf("config file %s holds %s and can be read by others (mode %04o): run chmod 600 on it", file.path, o.Name, file.mode&fs.ModePerm)}
		}
	}
	return nil
}
