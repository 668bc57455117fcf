package query

import (
	"encoding/json"
	"slices"
	"strings"
)

// Field describes one field of T. Exactly one of Get and Append is set.
type Field[T any] struct {
	// Name is the field's name on the wire.
	Name string
	// Get reads a scalar.
	Get func(T) Value
	// Append appends a structured value as JSON; it returns b as it was to leave
	// the field out. Such a field can neither be sorted by nor filtered.
	Append func(b []byte, v T) []byte
	// Virtual marks a scalar that filters may name and answers never carry, such
	// as the member of a nested object: "attributes.sudo.enabled".
	Virtual bool
}

// Override changes what a single object looks like on the wire, for data that
// no model foresees: fields left out, fields with another type, unknown fields.
type Override struct {
	// Omit names fields to leave out.
	Omit []string
	// Extra holds raw JSON by field name; it replaces a field of that name.
	Extra map[string]json.RawMessage
}

// Table is the ordered list of the fields of T.
type Table[T any] struct {
	fields   []Field[T]
	keys     []string // `"name":` of each field, ready to append
	byName   map[string]int
	always   []int
	override func(T) *Override
}

// NewTable makes a table. The fields named in always are part of every
// projection. override may be nil; it returns nil for objects as they are.
func NewTable[T any](always []string, override func(T) *Override, fields ...Field[T]) *Table[T] {
	t := &Table[T]{fields: fields, byName: make(map[string]int, len(fields)), override: override}
	for i, f := range fields {
		t.byName[f.Name] = i
		t.keys = append(t.keys, string(AppendString(nil, f.Name))+":")
	}
	for _, name := range always {
		if i, ok := t.byName[name]; ok {
			t.always = append(t.always, i)
		}
	}
	return t
}

// Projection selects fields of a table; its zero value selects all of them.
type Projection struct {
	set    bool
	fields []int
	names  []string // as asked, for fields that only an override has
}

// Project makes the projection to the named fields and those that the table
// always returns. Names that the table does not know are ignored, as the
// service does. No names at all select everything.
func (t *Table[T]) Project(names []string) Projection {
	if len(names) == 0 {
		return Projection{}
	}
	p := Projection{set: true, fields: slices.Clone(t.always), names: names}
	for _, name := range names {
		if i, ok := t.byName[name]; ok && !t.fields[i].Virtual && !slices.Contains(p.fields, i) {
			p.fields = append(p.fields, i)
		}
	}
	slices.Sort(p.fields)
	return p
}

// Includes reports whether the projection names a field. The zero projection
// includes every field.
func (p Projection) Includes(name string) bool {
	return !p.set || slices.Contains(p.names, name)
}

// Append appends v as a JSON object with the fields of p.
func (t *Table[T]) Append(b []byte, v T, p Projection) []byte {
	var o *Override
	if t.override != nil {
		o = t.override(v)
	}
	b = append(b, '{')
	start := len(b)
	if p.set {
		for _, i := range p.fields {
			b = t.appendField(b, v, i, o)
		}
	} else {
		for i := range t.fields {
			b = t.appendField(b, v, i, o)
		}
	}
	if o != nil {
		b = appendExtra(b, o, p)
	}
	if len(b) > start {
		b = b[:len(b)-1] // the last comma
	}
	return append(b, '}')
}

// appendField appends `"name":value,` or nothing.
func (t *Table[T]) appendField(b []byte, v T, i int, o *Override) []byte {
	f := &t.fields[i]
	if f.Virtual {
		return b
	}
	if o != nil {
		if _, replaced := o.Extra[f.Name]; replaced || slices.Contains(o.Omit, f.Name) {
			return b
		}
	}
	before := len(b)
	b = append(b, t.keys[i]...)
	if f.Get != nil {
		value := f.Get(v)
		if value.kind == Absent {
			return b[:before]
		}
		return append(value.AppendJSON(b), ',')
	}
	valueAt := len(b)
	b = f.Append(b, v)
	if len(b) == valueAt {
		return b[:before]
	}
	return append(b, ',')
}

// appendExtra appends the raw fields of an override in the order of their names.
func appendExtra(b []byte, o *Override, p Projection) []byte {
	names := make([]string, 0, len(o.Extra))
	for name := range o.Extra {
		if p.Includes(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		b = append(AppendString(b, name), ':')
		b = append(b, o.Extra[name]...)
		b = append(b, ',')
	}
	return b
}

// Value reads one scalar field of v; unknown and structured fields are absent.
func (t *Table[T]) Value(v T, name string) Value {
	if i, ok := t.byName[name]; ok && t.fields[i].Get != nil {
		return t.fields[i].Get(v)
	}
	return Value{}
}

// Order is a list of fields to sort by, parsed by [Table.Order].
type Order struct {
	keys []orderKey
	// Name identifies the order, so that sorted lists can be kept under it.
	Name string
}

type orderKey struct {
	field int
	desc  bool
}

// Order reads a sort parameter: names divided by sep, "-" in front for a
// falling order. Names that the table does not know are ignored. The zero Order
// means that nothing is left to sort by.
func (t *Table[T]) Order(param, sep string) Order {
	var o Order
	var name strings.Builder
	for part := range strings.SplitSeq(param, sep) {
		part = strings.TrimSpace(part)
		bare, desc := strings.CutPrefix(part, "-")
		i, ok := t.byName[bare]
		if !ok || t.fields[i].Get == nil {
			continue
		}
		o.keys = append(o.keys, orderKey{field: i, desc: desc})
		name.WriteString(part)
		name.WriteByte(' ')
	}
	o.Name = strings.TrimSpace(name.String())
	return o
}

// Empty reports whether there is nothing to sort by.
func (o Order) Empty() bool { return len(o.keys) == 0 }

// Compare returns the comparison of an order.
func (t *Table[T]) Compare(o Order) func(a, b T) int {
	return func(a, b T) int {
		for _, k := range o.keys {
			get := t.fields[k.field].Get
			c := Compare(get(a), get(b))
			if k.desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	}
}
