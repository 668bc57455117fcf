package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

// checkRules holds each value to the rules of its option.
func (v values) checkRules() Problems {
	var problems Problems
	for _, o := range Options() {
		if o.Kind == Strings {
			problems = append(problems, v.checkItems(o)...)
			continue
		}
		if o.Kind == String && !o.Secret && inQuotes(v.str(o.Name)) {
			problems = append(problems, fieldProblem(o.Name, errQuoted))
		} else if text := v.breaks(o); text != "" {
			problems = append(problems, fieldProblem(o.Name, errors.New(text)))
		}
	}
	return problems
}

// checkItems holds the items of a list to the rules of its option. A list of nothing
// but separators was meant to name something.
func (v values) checkItems(o Option) Problems {
	var problems Problems
	items := v.list(o.Name)
	if len(items) == 0 && len(v.k.Strings(o.Name)) > 1 {
		return Problems{fieldProblem(o.Name, errors.New("value must not have empty items"))}
	}
	for _, item := range items {
		if inQuotes(item) {
			problems = append(problems, fieldProblem(o.Name, errQuoted))
			continue
		}
		if len(o.OneOf) > 0 && !slices.Contains(o.OneOf, item) {
			text := "field %s: resource type '%s' cannot be changed"
			if o.Section == SectionSync {
				text = "field %s: invalid resource type '%s' in filter"
			}
			problems = append(problems, Problem{Text: fmt.Sprintf(text, o.Name, redact.Value(item)), Hint: typeHint(item, o.OneOf)})
		}
	}
	return problems
}

// typeHint says which type may be meant, and which there are.
func typeHint(word string, types []string) string {
	list := "the types are " + strings.Join(types, ", ")
	if meant := nearestType(word, types); meant != "" {
		return fmt.Sprintf("did you mean '%s'? %s", meant, list)
	}
	return list
}

// nearestType is the type that a word stands for in another spelling, in the plural or
// as part of a longer one, as in applications and systemusers; empty for none.
func nearestType(word string, types []string) string {
	word = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(word)), "s")
	for _, like := range []func(t string) bool{
		func(t string) bool { return word == t },
		func(t string) bool { return strings.HasSuffix(word, t) },
		func(t string) bool { return strings.HasPrefix(word, t) },
		func(t string) bool { return distance(word, t) == 1 },
	} {
		if i := slices.IndexFunc(types, like); i >= 0 {
			return types[i]
		}
	}
	return ""
}

// breaks says how an option's value breaks its rules; empty when it does not.
func (v values) breaks(o Option) string {
	switch {
	case len(o.OneOf) > 0:
		got := v.str(o.Name)
		if !slices.ContainsFunc(o.OneOf, func(s string) bool { return strings.EqualFold(s, got) }) {
			return fmt.Sprintf("value must be one of %v but got '%s'", o.OneOf, redact.Value(got))
		}
	case o.BoolText:
		got := v.str(o.Name)
		if _, err := strconv.ParseBool(got); got != "" && err != nil {
			return fmt.Sprintf("value must be true or false but got '%s'", redact.Value(got))
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

func (v values) checkRelations(purpose Purpose) Problems {
	var problems Problems
	oneShot := func(name string) bool {
		return v.table[name].Section == SectionActions || v.table[name].Section == SectionChange
	}
	for _, r := range Relations() {
		if purpose == ForChange && slices.Contains(r.Names, nameDryRun) {
			continue // The command is what it previews.
		}
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
	return problems
}

// fileWarnings warns of a configuration file that lets others read a secret.
func fileWarnings(file configFile) []string {
	if file.mode&readableByOthers == 0 {
		return nil
	}
	for _, o := range Options() {
		if _, set := file.settings[o.Name]; set && o.Secret {
			return []string{fmt.Sprintf("config file %s contains %s and is readable by other users (mode %04o): run chmod 600 on it", file.path, o.Name, file.mode&fs.ModePerm)}
		}
	}
	return nil
}
