package query

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Op is what a filter demands of a field.
type Op string

// The operators of all three grammars, by their v1 name without the dollar
// sign; v2's ge and le are gte and lte here.
const (
	Eq     Op = "eq"
	Ne     Op = "ne"
	Gt     Op = "gt"
	Gte    Op = "gte"
	Lt     Op = "lt"
	Lte    Op = "lte"
	In     Op = "in"
	Nin    Op = "nin"
	Search Op = "search" // part of the text, without regard to case
	Regex  Op = "regex"
	Exists Op = "exists"
)

// Expr is a parsed filter: a test of a field, or other filters joined by And or
// Or. Its zero value is true for everything.
type Expr struct {
	and, or []Expr
	field   string
	op      Op
	values  []string
	re      *regexp.Regexp
}

// True reports whether the filter lets everything pass.
func (e Expr) True() bool { return e.field == "" && len(e.and) == 0 && len(e.or) == 0 }

// Test makes a filter of one field.
func Test(field string, op Op, values ...string) (Expr, error) {
	if field == "" {
		return Expr{}, errors.New("filter: the name of the field is missing")
	}
	e := Expr{field: field, op: op, values: values}
	switch op {
	case In, Nin:
	case Eq, Ne, Gt, Gte, Lt, Lte, Search, Exists:
		if len(values) != 1 {
			return Expr{}, fmt.Errorf("filter: %s of %s takes one value", op, field)
		}
	case Regex:
		if len(values) != 1 {
			return Expr{}, fmt.Errorf("filter: regex of %s takes one value", field)
		}
		re, err := regexp.Compile(values[0])
		if err != nil {
			return Expr{}, fmt.Errorf("filter: regular expression of %s: %w", field, err)
		}
		e.re = re
	default:
		return Expr{}, fmt.Errorf("filter: unknown operator %q", op)
	}
	return e, nil
}

// All joins filters by "and".
func All(list ...Expr) Expr {
	list = slices.DeleteFunc(slices.Clone(list), Expr.True)
	if len(list) == 1 {
		return list[0]
	}
	return Expr{and: list}
}

// Any joins filters by "or".
func Any(list ...Expr) Expr {
	if len(list) == 1 {
		return list[0]
	}
	return Expr{or: list}
}

// Contains makes the filter of a free text: part of any of the fields, without
// regard to case.
func Contains(term string, fields ...string) Expr {
	or := make([]Expr, len(fields))
	for i, field := range fields {
		or[i] = Expr{field: field, op: Search, values: []string{term}}
	}
	return Any(or...)
}

// Matcher compiles a filter against a table. A field that the table does not
// know is absent everywhere.
func (t *Table[T]) Matcher(e Expr) func(T) bool {
	switch {
	case e.True():
		return func(T) bool { return true }
	case len(e.and) > 0:
		return t.joined(e.and, false)
	case len(e.or) > 0:
		return t.joined(e.or, true)
	}
	get := func(T) Value { return Value{} }
	if i, ok := t.byName[e.field]; ok && t.fields[i].Get != nil {
		get = t.fields[i].Get
	}
	return func(v T) bool { return e.holds(get(v)) }
}

// joined compiles the parts of an "and" or "or": the first part whose result is
// decisive ends it.
func (t *Table[T]) joined(parts []Expr, decisive bool) func(T) bool {
	tests := make([]func(T) bool, len(parts))
	for i, part := range parts {
		tests[i] = t.Matcher(part)
	}
	return func(v T) bool {
		for _, test := range tests {
			if test(v) == decisive {
				return decisive
			}
		}
		return !decisive
	}
}

// holds applies the operator to a value.
func (e Expr) holds(v Value) bool {
	operand := ""
	if len(e.values) > 0 {
		operand = e.values[0]
	}
	switch e.op {
	case Exists:
		return (v.kind != Absent) == (operand != "false")
	case Ne:
		return v.compareText(operand) != 0
	case Nin:
		return !slices.ContainsFunc(e.values, func(s string) bool { return v.compareText(s) == 0 })
	}
	if v.kind == Absent {
		return false
	}
	switch e.op {
	case Eq:
		return v.compareText(operand) == 0
	case Gt:
		return v.compareText(operand) > 0
	case Gte:
		return v.compareText(operand) >= 0
	case Lt:
		return v.compareText(operand) < 0
	case Lte:
		return v.compareText(operand) <= 0
	case In:
		return slices.ContainsFunc(e.values, func(s string) bool { return v.compareText(s) == 0 })
	case Search:
		return strings.Contains(strings.ToLower(v.Text()), strings.ToLower(operand))
	case Regex:
		return e.re.MatchString(v.Text())
	default:
		return false
	}
}
