package config

import (
	"fmt"
	"slices"
)

// Reach says what a setting reaches. It decides whether ./.baton.yaml may set it: a
// file that nobody named lies wherever the program is started, and whoever can write
// there is not whoever runs it.
type Reach int

// What a setting reaches. Options of the environment alone, which no file sets, have
// the zero value.
const (
	_ Reach = iota
	// ReachHarmless is what is read and how: no more than the result differs, and the
	// result says so.
	ReachHarmless
	// The following are refused from ./.baton.yaml unless the credentials are in it too.

	ReachCredential // a credential, or which one is used
	ReachHost       // where a credential is sent
	ReachFile       // what is written where
	ReachData       // where data is sent
	ReachPort       // a port that others connect to
	ReachAccess     // whether access may be changed
	ReachSafeguard  // whether a loss is noticed

	// ReachMode is what the program does. It is refused from ./.baton.yaml always.
	ReachMode
)

// forbidden completes "a file in the working directory must not ...".
func (r Reach) forbidden() string {
	return [...]string{ //nolint:gosec // Words about credentials, not one of them.
		ReachCredential: "select a credential",
		ReachHost:       "set where a credential is sent",
		ReachFile:       "set what is written where",
		ReachData:       "set where data is sent",
		ReachPort:       "open a port",
		ReachAccess:     "allow access changes",
		ReachSafeguard:  "disable a safeguard",
		ReachMode:       "select a mode or command",
	}[r]
}

// inWorkingDir says in docs/CONFIG.md whether ./.baton.yaml may set an option.
func (o Option) inWorkingDir() string {
	switch {
	case o.EnvOnly:
		return ""
	case o.Reach == ReachHarmless:
		return "yes"
	case o.Reach == ReachMode:
		return "no"
	default:
		return "with the credential"
	}
}

// credentialNames are the options whose values prove who somebody is, JumpCloud's
// first.
func credentialNames() []string {
	return []string{nameAPIKey, nameJCClientID, nameJCSecret, nameClientID, nameClientSecret}
}

// checkReach refuses what the file of the working directory must not set. What another
// layer outweighs has no effect and is let be, and so is what sets a default.
func (c *Config) checkReach(file configFile) Problems {
	if !file.implicit {
		return nil
	}
	elsewhere := c.credentialElsewhere()
	var problems Problems
	for _, o := range Options() {
		if c.Origin(o.Name).Layer != LayerFile || !c.values.present(o.Name) {
			continue
		}
		switch {
		case o.Reach == ReachHarmless:
			c.FromWorkingDir = append(c.FromWorkingDir, o.Name)
			continue
		case o.Reach == ReachMode:
			problems = append(problems, Problem{
				Text: fmt.Sprintf("%s in %s is rejected: a file in the working directory must not %s", o.Name, file.path, o.Reach.forbidden()),
				Hint: reachHint(file),
			})
		case elsewhere != "":
			problems = append(problems, Problem{
				Text: fmt.Sprintf("%s in %s is rejected because %s: a file in the working directory must not %s", o.Name, file.path, elsewhere, o.Reach.forbidden()),
				Hint: reachHint(file),
			})
		}
	}
	return problems
}

func reachHint(file configFile) string {
	return fmt.Sprintf("if you trust the file, set BATON_CONFIG_PATH=%s; or move the setting to a flag or the environment", file.path)
}

// credentialElsewhere says why the file of the working directory is not trusted; empty
// where the credentials are in it.
func (c *Config) credentialElsewhere() string {
	names := slices.DeleteFunc(credentialNames(), func(name string) bool { return !c.values.present(name) })
	for _, name := range names {
		if from := c.Origin(name); from.Layer > LayerFile {
			return fmt.Sprintf("%s comes from %s", name, from.Name)
		}
	}
	if !slices.ContainsFunc(names, func(name string) bool { return slices.Contains(credentialNames()[:3], name) }) {
		return "the JumpCloud credential is not in it"
	}
	return ""
}
