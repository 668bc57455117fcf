package cli

import (
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
)

// hintedError is an error with a sentence on what to do about it.
type hintedError struct {
	error
	hint string
}

// Unwrap returns the error without its hint.
func (e hintedError) Unwrap() error { return e.error }

// Hints is that sentence.
func (e hintedError) Hints() []string { return []string{e.hint} }

func withCode(code codes.Code, format string, args ...any) error {
	return fault.WithCode(code, format, args...)
}

func asError[T error](err error) (T, bool) { return fault.As[T](err) }

func commandFor(file string) string { return console.CommandFor(file) }

func shellWord(s string) string { return console.ShellWord(s) }

// named shows an organisation.
func named(id, name string) string { return connector.Organization{ID: id, Name: name}.String() }
