package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/conductorone/baton-jumpcloud/internal/redact"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

const (
	// defaultFile is read from the working directory when BATON_CONFIG_PATH names
	// no other file.
	defaultFile = ".baton.yaml"
	// maxFileBytes bounds the configuration file.
	maxFileBytes = 1 << 20
	// readableByOthers are the permission bits that let somebody else read a file.
	readableByOthers fs.FileMode = 0o044
)

// configFile is the configuration file as it was found; its zero value stands
// for none.
type configFile struct {
	path     string
	implicit bool // found in the working directory, named by nobody
	mode     fs.FileMode
	settings map[string]setting
}

// readFile finds and reads the configuration file. dir is the working directory.
func readFile(named, dir string) (configFile, Problems) {
	file := configFile{path: named}
	if inQuotes(named) {
		return configFile{}, nil // A problem of the option, as of every other.
	}
	if named == "" {
		file.path, file.implicit = filepath.Join(dir, defaultFile), true
	} else if ext := filepath.Ext(named); ext != ".yaml" && ext != ".yml" {
		return configFile{}, Problems{{Text: fmt.Sprintf("expected config file to have .yaml or .yml extension, got %s", shownPath(named)), unread: true}}
	}
	content, err := file.load()
	switch {
	case file.implicit && errors.Is(err, fs.ErrNotExist):
		return configFile{}, nil
	case err != nil:
		return configFile{}, Problems{{Text: fmt.Sprintf("read config file: %v", err), unread: true}}
	}
	return file, file.take(content)
}

// load reads and parses the file and notes its permissions.
func (c *configFile) load() (map[string]any, error) {
	data, info, err := regularfile.Read(c.path, maxFileBytes)
	if err != nil {
		return nil, err
	}
	c.mode = info.Mode()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var content map[string]any
	if err := decoder.Decode(&content); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %s", c.path, unquote(err))
	}
	// What a second document says would have no effect.
	var more yaml.Node
	switch err := decoder.Decode(&more); {
	case err == nil:
		return nil, fmt.Errorf("%s: line %d starts a second YAML document: put all settings into one document", c.path, more.Line)
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: %s", c.path, unquote(err))
	}
	return content, nil
}

// unquote drops what a YAML error quotes from the file, which may be a secret,
// and the lines that it spreads over.
func unquote(err error) string {
	text := regexp.MustCompile("`[^`]*`").ReplaceAllString(err.Error(), "...")
	return strings.Join(strings.Fields(text), " ")
}

// take turns the file's keys into settings. Keys are compared without regard to
// case, as other Baton connectors do.
func (c *configFile) take(content map[string]any) Problems {
	c.settings = make(map[string]setting)
	var problems Problems
	options := fileOptions()
	for _, key := range slices.Sorted(maps.Keys(content)) {
		o, known := options[strings.ToLower(key)]
		if !known {
			problems = append(problems, Problem{Text: fmt.Sprintf("config file %s: unknown key '%s'", c.path, redact.Value(key)), Hint: keyHint(key)})
			continue
		}
		if content[key] == nil {
			continue
		}
		if _, twice := c.settings[o.Name]; twice {
			problems = append(problems, Problem{Text: fmt.Sprintf("config file %s: field %s: it is set twice, in different spellings: keep one", c.path, o.Name)})
			continue
		}
		value, err := fromYAML(o, content[key])
		if err != nil {
			problems = append(problems, Problem{Text: fmt.Sprintf("config file %s: field %s: %v", c.path, o.Name, err)})
			continue
		}
		c.settings[o.Name] = setting{value, Origin{LayerFile, c.path}}
	}
	return problems
}

// fileOptions are the options that the file may set, by key.
func fileOptions() map[string]Option {
	options := make(map[string]Option)
	for _, o := range Options() {
		if !o.EnvOnly {
			options[o.Name] = o
		}
	}
	return options
}

// keyHint says what an unknown key may have meant.
func keyHint(key string) string {
	for _, o := range Options() {
		if o.Secret && key == o.Name+"-file" {
			return fmt.Sprintf("to read the secret from a file, set the environment variable %s", o.FileEnv())
		}
	}
	if name := Nearest(key); name != "" {
		return fmt.Sprintf("did you mean '%s'?", name)
	}
	return "keys are flag names without the leading dashes, see --help"
}

// fromYAML takes a value as YAML gave it. Text must be written as text: YAML
// reads an unquoted 0012 or 1e5 as a number and loses what was written.
func fromYAML(o Option, raw any) (any, error) {
	switch v := raw.(type) {
	case string:
		return parseText(o, v)
	case bool:
		if o.Kind == Bool {
			return v, nil
		}
	case int:
		if o.Kind == Int {
			return v, nil
		}
	case []any:
		if o.Kind == Strings {
			return textList(v)
		}
	}
	switch o.Kind {
	case Bool:
		return nil, errors.New("value must be true or false")
	case Int:
		return nil, errors.New("value must be an integer")
	case Strings:
		return nil, errors.New("value must be a list of texts, or one text with commas")
	default:
		return nil, errors.New("value must be a string: quote it")
	}
}

// textList takes a list of which every item is text.
func textList(items []any) ([]string, error) {
	list := make([]string, 0, len(items))
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return nil, errors.New("every item must be a string: quote it")
		}
		list = append(list, text)
	}
	return list, nil
}
