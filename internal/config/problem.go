package config

import (
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/redact"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// Problem is one thing that is wrong with the settings.
type Problem struct {
	// Text says what is wrong, without the value of any secret.
	Text string
	// Hint says what to do about it, perhaps in several lines; empty where Text
	// says it already.
	Hint string
	// Code is [codes.OK] for an ordinary mistake, else what the process should
	// report instead of "unknown".
	Code codes.Code

	// unread says that settings could not be read which may hold a credential.
	unread bool
}

// fieldProblem is what is wrong with the value of one option.
func fieldProblem(name string, err error) Problem {
	return Problem{Text: "field " + name + ": " + err.Error()}
}

// Problems is everything that is wrong with the settings, as one error.
type Problems []Problem //nolint:errname // a list of problems, and an error as a whole

// Error lists the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, 0, len(p)+1)
	if len(p) > 1 {
		lines = append(lines, "errors found:")
	}
	for _, problem := range p {
		lines = append(lines, problem.Text)
	}
	return strings.Join(lines, "\n")
}

// About is what is wrong with one option, whichever way it was set.
func (p Problems) About(name string) Problems {
	env := byName()[name].Env()
	return slices.DeleteFunc(slices.Clone(p), func(problem Problem) bool {
		return !strings.Contains(problem.Text, "field "+name+":") && !strings.Contains(problem.Text, env+":")
	})
}

// Hints lists what to do, in the order of the problems and without repetition.
func (p Problems) Hints() []string {
	var hints []string
	seen := make(map[string]bool)
	for _, problem := range p {
		for hint := range strings.Lines(problem.Hint) {
			if hint = strings.TrimSpace(hint); !seen[hint] {
				seen[hint] = true
				hints = append(hints, hint)
			}
		}
	}
	return hints
}

// GRPCStatus carries the code for the process to end with. Asking for something
// that is not served outweighs an ordinary mistake, and an ordinary mistake
// outweighs a missing credential.
func (p Problems) GRPCStatus() *status.Status {
	code := codes.OK
	for _, problem := range p {
		switch {
		case problem.Code == codes.Unimplemented:
			return status.New(codes.Unimplemented, p.Error())
		case problem.Code == codes.OK:
			code = codes.Unknown
		case code == codes.OK:
			code = problem.Code
		}
	}
	return status.New(code, p.Error())
}

// withoutEchoes drops what follows from another problem: from quotes around a value, and
// that there is no credential where it could not be read.
func (p Problems) withoutEchoes() Problems {
	named := make(map[string]bool)
	unread := slices.ContainsFunc(p, func(problem Problem) bool { return problem.unread })
	return slices.DeleteFunc(p, func(problem Problem) bool {
		if unread && problem.Code == codes.Unauthenticated {
			return true
		}
		field, text, _ := strings.Cut(problem.Text, ": ")
		echo := named[field]
		named[field] = named[field] || text == errQuoted.Error()
		return echo
	})
}

// without takes credentials out of every text: one that was typed in the wrong place
// is not repeated.
func (p Problems) without(known []secret.String) Problems {
	for i := range p {
		p[i].Text, p[i].Hint = redact.Text(p[i].Text, known...), redact.Text(p[i].Hint, known...)
	}
	return p
}

// err is nil when nothing is wrong.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}
