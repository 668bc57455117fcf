package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// ParseV1 reads the filter parameters of an API v1 list: `filter` (repeated
// means "and"), `filter[0]`, `filter[and][0]` (and), `filter[or][0]` (or). Each
// value is `field:$op:value`. An operator without its dollar sign is refused,
// because the API documents it as unsupported.
func ParseV1(q url.Values) (Expr, error) {
	var and, or []Expr
	keys := make([]string, 0, len(q))
	for key := range q {
		if key == "filter" || strings.HasPrefix(key, "filter[") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		for _, text := range q[key] {
			field, rest, ok := strings.Cut(text, ":")
			op, value, ok2 := strings.Cut(rest, ":")
			bare, dollar := strings.CutPrefix(op, "$")
			if !ok || !ok2 || !dollar {
				return Expr{}, fmt.Errorf("filter %q is not of the form field:$operator:value", text)
			}
			e, err := Test(field, Op(bare), split(Op(bare), value)...)
			if err != nil {
				return Expr{}, err
			}
			if strings.HasPrefix(key, "filter[or]") {
				or = append(or, e)
			} else {
				and = append(and, e)
			}
		}
	}
	if len(or) > 0 {
		and = append(and, Any(or...))
	}
	return All(and...), nil
}

// ParseV2 reads the filter parameters of an API v2 list: each is a list of
// `field:op:value` divided by commas, all of which must hold. A comma inside a
// value is understood where the next piece has no field and operator of its own.
func ParseV2(params []string) (Expr, error) {
	var tests []string
	for _, param := range params {
		first := true
		for piece := range strings.SplitSeq(param, ",") {
			if !first && strings.Count(piece, ":") < 2 {
				tests[len(tests)-1] += "," + piece
				continue
			}
			first = false
			tests = append(tests, piece)
		}
	}
	var and []Expr
	for _, text := range tests {
		parts := strings.SplitN(text, ":", 3)
		if len(parts) != 3 {
			return Expr{}, fmt.Errorf("filter %q is not of the form field:operator:value", text)
		}
		op := Op(parts[1])
		switch op {
		case "ge":
			op = Gte
		case "le":
			op = Lte
		}
		e, err := Test(parts[0], op, split(op, parts[2])...)
		if err != nil {
			return Expr{}, err
		}
		and = append(and, e)
	}
	return All(and...), nil
}

// split divides the operand of "in" at its bars.
func split(op Op, value string) []string {
	if op == In || op == Nin {
		return strings.Split(value, "|")
	}
	return []string{value}
}

// ParseSearch reads the `filter` of a v1 search body: an object of conditions,
// `{"and":[…]}`, `{"or":[…]}` (with or without a dollar sign), an array of
// those, or an array of texts `field:op:value`. A condition is a value or an
// object of operators. No filter at all is nil.
func ParseSearch(raw json.RawMessage) (Expr, error) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || bytes.Equal(raw, []byte("null")):
		return Expr{}, nil
	case raw[0] == '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return Expr{}, fmt.Errorf("filter: %w", err)
		}
		return searchText(text)
	case raw[0] == '[':
		list, err := searchList(raw)
		return All(list...), err
	case raw[0] == '{':
		return searchObject(raw)
	default:
		return Expr{}, errors.New("filter must be an object or an array")
	}
}

func searchList(raw json.RawMessage) ([]Expr, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	list := make([]Expr, 0, len(items))
	for _, item := range items {
		e, err := ParseSearch(item)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

func searchText(text string) (Expr, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) != 3 {
		return Expr{}, fmt.Errorf("filter %q is not of the form field:operator:value", text)
	}
	op := Op(strings.TrimPrefix(parts[1], "$"))
	return Test(parts[0], op, split(op, parts[2])...)
}

func searchObject(raw json.RawMessage) (Expr, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return Expr{}, fmt.Errorf("filter: %w", err)
	}
	var and []Expr
	for _, name := range sortedKeys(object) {
		value := object[name]
		switch strings.TrimPrefix(name, "$") {
		case "and", "or":
			list, err := searchList(value)
			if err != nil {
				return Expr{}, err
			}
			if strings.TrimPrefix(name, "$") == "or" {
				list = []Expr{Any(list...)}
			}
			and = append(and, list...)
		default:
			list, err := searchConditions(name, value)
			if err != nil {
				return Expr{}, err
			}
			and = append(and, list...)
		}
	}
	return All(and...), nil
}

// searchConditions reads the condition of one field: a value, or operators.
func searchConditions(field string, raw json.RawMessage) ([]Expr, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' {
		value, err := scalarText(raw)
		if err != nil {
			return nil, fmt.Errorf("filter of %s: %w", field, err)
		}
		e, err := Test(field, Eq, value)
		return []Expr{e}, err
	}
	var ops map[string]json.RawMessage
	if err := json.Unmarshal(raw, &ops); err != nil {
		return nil, fmt.Errorf("filter of %s: %w", field, err)
	}
	var list []Expr
	for _, name := range sortedKeys(ops) {
		op, dollar := strings.CutPrefix(name, "$")
		if !dollar {
			return nil, fmt.Errorf("filter of %s: operator %q lacks its $", field, name)
		}
		values, err := scalarTexts(ops[name])
		if err != nil {
			return nil, fmt.Errorf("filter of %s: %w", field, err)
		}
		e, err := Test(field, Op(op), values...)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// ParseSearchFilter reads the `searchFilter` of a v1 search body: any of the
// terms as a part of any of the fields, without regard to case.
func ParseSearchFilter(raw json.RawMessage) (Expr, error) {
	if len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return Expr{}, nil
	}
	var body struct {
		SearchTerm json.RawMessage `json:"searchTerm"`
		Fields     []string        `json:"fields"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return Expr{}, fmt.Errorf("searchFilter: %w", err)
	}
	terms, err := scalarTexts(body.SearchTerm)
	if err != nil {
		return Expr{}, fmt.Errorf("searchFilter: %w", err)
	}
	if len(terms) == 0 || len(body.Fields) == 0 {
		return Expr{}, errors.New("searchFilter needs searchTerm and fields")
	}
	or := make([]Expr, len(terms))
	for i, term := range terms {
		or[i] = Contains(term, body.Fields...)
	}
	return Any(or...), nil
}

// scalarTexts reads a scalar or an array of scalars as texts.
func scalarTexts(raw json.RawMessage) ([]string, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '[' {
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return nil, err
		}
		texts := make([]string, 0, len(items))
		for _, item := range items {
			text, err := scalarText(item)
			if err != nil {
				return nil, err
			}
			texts = append(texts, text)
		}
		return texts, nil
	}
	text, err := scalarText(raw)
	if err != nil {
		return nil, err
	}
	return []string{text}, nil
}

func scalarText(raw json.RawMessage) (string, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "", errors.New("the value is missing")
	}
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case '{', '[':
		return "", fmt.Errorf("%s is not a single value", raw)
	default:
		return string(raw), nil
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
