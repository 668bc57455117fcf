package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Filter is a list of tests, all of which must hold. An empty one lets everything pass.
type Filter []test

// test is what a filter demands of a field.
type test struct {
	field, op string
	values    []string // one, but for "in"
}

// newTest makes a test of one field. The operators are those that both APIs document,
// by their v1 name without the dollar sign, and "in" and "search" of v2. Others, and
// "or", are refused and not ignored: an answer that was not filtered would look as if it
// were.
func newTest(field, op string, values ...string) (test, error) {
	switch {
	case field == "":
		return test{}, errors.New("filter: the name of the field is missing")
	case !slices.Contains([]string{"eq", "ne", "gt", "gte", "lt", "lte", "in", "search"}, op):
		return test{}, fmt.Errorf("filter: unknown operator %q", op)
	case len(values) != 1 && op != "in":
		return test{}, fmt.Errorf("filter: %s of %s takes one value", op, field)
	}
	return test{field, op, values}, nil
}

// ParseV1 reads the filter parameters of an API v1 list, which are joined by "and":
// `filter`, `filter[0]`, `filter[1]`. Each is `field:$op:value`. An operator without its
// dollar sign is refused, because the API documents it as unsupported.
func ParseV1(q url.Values) (Filter, error) {
	var f Filter
	for _, key := range slices.Sorted(maps.Keys(q)) {
		if key != "filter" && !strings.HasPrefix(key, "filter[") {
			continue
		}
		if strings.HasPrefix(key, "filter[or]") {
			return nil, errors.New("filter: the simulator joins by \"and\" only")
		}
		for _, text := range q[key] {
			parts := strings.SplitN(text, ":", 3)
			if len(parts) != 3 || !strings.HasPrefix(parts[1], "$") {
				return nil, fmt.Errorf("filter %q is not of the form field:$operator:value", text)
			}
			t, err := newTest(parts[0], parts[1][1:], parts[2])
			if err != nil {
				return nil, err
			}
			f = append(f, t)
		}
	}
	return f, nil
}

// ParseV2 reads the filter parameters of an API v2 list: each is a list of
// `field:op:value` divided by commas, all of which must hold. A comma inside a
// value is understood where the next piece has no field and operator of its own.
func ParseV2(params []string) (Filter, error) {
	var texts []string
	for _, param := range params {
		for i, piece := range strings.Split(param, ",") {
			if i > 0 && strings.Count(piece, ":") < 2 {
				texts[len(texts)-1] += "," + piece
				continue
			}
			texts = append(texts, piece)
		}
	}
	var f Filter
	for _, text := range texts {
		parts := strings.SplitN(text, ":", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("filter %q is not of the form field:operator:value", text)
		}
		op, values := parts[1], []string{parts[2]}
		switch op {
		case "ge", "le":
			op = op[:1] + "te"
		case "in":
			values = strings.Split(parts[2], "|")
		}
		t, err := newTest(parts[0], op, values...)
		if err != nil {
			return nil, err
		}
		f = append(f, t)
	}
	return f, nil
}

// ParseSearch reads the `filter` of a v1 search body: an object of conditions, an array
// of those, or `{"and":[…]}`. A condition is a value or an object of operators. No filter
// at all is null.
func ParseSearch(raw json.RawMessage) (Filter, error) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || bytes.Equal(raw, []byte("null")):
		return nil, nil
	case raw[0] == '[':
		return searchAll(raw)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("filter must be an object or an array: %w", err)
	}
	var f Filter
	for _, name := range slices.Sorted(maps.Keys(object)) {
		parse := func(raw json.RawMessage) (Filter, error) { return conditions(name, raw) }
		switch strings.TrimPrefix(name, "$") {
		case "and":
			parse = searchAll
		case "or":
			return nil, errors.New("filter: the simulator joins by \"and\" only")
		}
		tests, err := parse(object[name])
		if err != nil {
			return nil, err
		}
		f = append(f, tests...)
	}
	return f, nil
}

func searchAll(raw json.RawMessage) (Filter, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	var f Filter
	for _, item := range items {
		tests, err := ParseSearch(item)
		if err != nil {
			return nil, err
		}
		f = append(f, tests...)
	}
	return f, nil
}

// conditions reads what is demanded of one field: a value, or operators with their
// values.
func conditions(field string, raw json.RawMessage) (Filter, error) {
	ops := map[string]json.RawMessage{"$eq": raw}
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '{' {
		ops = nil
		if err := json.Unmarshal(raw, &ops); err != nil {
			return nil, fmt.Errorf("filter of %s: %w", field, err)
		}
	}
	var f Filter
	for _, name := range slices.Sorted(maps.Keys(ops)) {
		op, dollar := strings.CutPrefix(name, "$")
		if !dollar {
			return nil, fmt.Errorf("filter of %s: operator %q lacks its $", field, name)
		}
		values, err := scalars(ops[name])
		if err != nil {
			return nil, fmt.Errorf("filter of %s: %w", field, err)
		}
		t, err := newTest(field, op, values...)
		if err != nil {
			return nil, err
		}
		f = append(f, t)
	}
	return f, nil
}

// scalars reads a scalar or an array of scalars as texts.
func scalars(raw json.RawMessage) ([]string, error) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var texts []string
	for _, item := range list {
		switch item.(type) {
		case string, json.Number, bool, nil:
			texts = append(texts, strings.Replace(fmt.Sprint(item), "<nil>", "null", 1))
		default:
			return nil, fmt.Errorf("%s is not a single value", raw)
		}
	}
	return texts, nil
}

// Matcher compiles a filter against a table. A field that the table does not
// know is absent everywhere.
func (t *Table[T]) Matcher(f Filter) func(T) bool {
	gets := make([]func(T) Value, len(f))
	for i, test := range f {
		gets[i] = func(T) Value { return Value{} }
		if field, ok := t.byName[test.field]; ok && t.fields[field].Get != nil {
			gets[i] = t.fields[field].Get
		}
	}
	return func(v T) bool {
		for i, test := range f {
			if !test.holds(gets[i](v)) {
				return false
			}
		}
		return true
	}
}

// holds applies the test to a value. What is absent meets "ne" only.
func (t test) holds(v Value) bool {
	if t.op == "in" {
		return v.kind != Absent && slices.ContainsFunc(t.values, func(s string) bool { return v.compareText(s) == 0 })
	}
	if t.op == "search" {
		return v.kind != Absent && strings.Contains(strings.ToLower(v.Text()), strings.ToLower(t.values[0]))
	}
	order := v.compareText(t.values[0])
	if t.op == "ne" {
		return order != 0
	}
	if v.kind == Absent {
		return false
	}
	switch t.op {
	case "gt":
		return order > 0
	case "gte":
		return order >= 0
	case "lt":
		return order < 0
	case "lte":
		return order <= 0
	default:
		return order == 0
	}
}
