package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/redact"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// Layer is a place that values come from. A later layer outweighs an earlier one.
type Layer int

// The layers from the weakest to the strongest.
const (
	LayerDefault Layer = iota
	LayerFile          // the configuration file
	LayerEnv           // the environment, or a file that a _FILE variable names
	LayerFlag          // the command line
	LayerServed        // what the platform serves that hosts the connector
)

// Origin says where a value came from.
type Origin struct {
	Layer Layer
	// Name is the flag, the environment variable or the path of the file.
	Name string
}

// setting is a value of the type that its option's Kind asks for, and where it
// came from.
type setting struct {
	value  any
	origin Origin
}

// maxSecretBytes bounds what is read from a file that holds one secret.
const maxSecretBytes = 64 << 10

// envLayer reads the environment. A variable that is empty counts as not set,
// so that a template may name all of them.
func envLayer(lookup func(string) (string, bool)) (map[string]setting, Problems) {
	given := make(map[string]setting)
	var problems Problems
	for _, o := range Options() {
		text, _ := lookup(o.Env())
		origin := Origin{LayerEnv, o.Env()}
		if path, _ := lookup(o.FileEnv()); o.Secret && path != "" {
			if text != "" {
				problems = append(problems, Problem{Text: fmt.Sprintf("%s and %s are both set", o.Env(), o.FileEnv()), Hint: "remove one of them", unread: true})
				continue
			}
			secret, err := readSecret(path)
			if err != nil {
				problems = append(problems, Problem{Text: fmt.Sprintf("%s: %v", o.FileEnv(), err), Hint: secretFileHint(o, err), unread: true})
				continue
			}
			text, origin.Name = secret, o.FileEnv()
		}
		if text == "" {
			continue
		}
		value, err := parseText(o, text)
		if err != nil {
			problems = append(problems, Problem{Text: fmt.Sprintf("environment variable %s: %v", o.Env(), err)})
			continue
		}
		given[o.Name] = setting{value, origin}
	}
	return given, problems
}

// secretFileHint says what to do about a file that holds no secret.
func secretFileHint(o Option, err error) string {
	if _, ok := errors.AsType[*regularfile.KindError](err); ok {
		return fmt.Sprintf("name a regular file, or give the value itself: %s=\"$(...)\"", o.Env())
	}
	return ""
}

// readSecret reads a file that holds one secret and perhaps a line end.
func readSecret(path string) (string, error) {
	data, _, err := regularfile.Read(path, maxSecretBytes)
	if err != nil {
		return "", err
	}
	text, err := decode(data)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}

// parseText reads an option's value from text of the environment or of a YAML
// string. Its errors do not quote secrets.
func parseText(o Option, text string) (any, error) {
	text = Clean(text)
	if o.Kind != String && inQuotes(text) {
		return nil, errQuoted
	}
	switch o.Kind {
	case Bool:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("value must be true or false but got '%s'", redact.Value(text))
		}
		return v, nil
	case Int:
		v, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("value must be an integer but got '%s'", redact.Value(text))
		}
		return v, nil
	case Strings:
		return strings.Split(text, ","), nil
	default:
		return text, nil
	}
}
