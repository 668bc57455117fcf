package query_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

type row struct {
	name  string
	age   int64
	on    bool
	extra *query.Override
}

func table() *query.Table[*row] {
	return query.NewTable([]string{"id"}, func(r *row) *query.Override { return r.extra },
		query.Field[*row]{Name: "id", Get: func(r *row) query.Value { return query.String("#" + r.name) }},
		query.Field[*row]{Name: "name", Get: func(r *row) query.Value { return query.StringOrNull(r.name) }},
		query.Field[*row]{Name: "nick", Get: func(r *row) query.Value { return query.StringOrAbsent(r.name) }},
		query.Field[*row]{Name: "age", Get: func(r *row) query.Value { return query.Int(r.age) }},
		query.Field[*row]{Name: "on", Get: func(r *row) query.Value { return query.Flag(r.on) }},
		query.Field[*row]{Name: "deep", Append: func(b []byte, r *row) []byte {
			if r.age == 0 {
				return b
			}
			return append(b, `{"x":1}`...)
		}},
		query.Field[*row]{Name: "deep.x", Virtual: true, Get: func(*row) query.Value { return query.Int(1) }},
	)
}

func TestAppend(t *testing.T) {
	t.Parallel()
	tab := table()
	for _, test := range []struct {
		name   string
		row    row
		fields []string
		want   string
	}{
		{"whole", row{name: "a", age: 7, on: true}, nil, `{"id":"#a","name":"a","nick":"a","age":7,"on":true,"deep":{"x":1}}`},
		{"empty", row{}, nil, `{"id":"#","name":null,"age":0,"on":false}`},
		{"projected", row{name: "a"}, []string{"on", "name", "nope", "deep.x"}, `{"id":"#a","name":"a","on":false}`},
		{
			"overridden",
			row{name: "a", extra: &query.Override{Omit: []string{"nick", "id"}, Extra: map[string]json.RawMessage{"age": []byte(`"7"`), "new": []byte(`[1]`)}}},
			nil,
			`{"name":"a","on":false,"age":"7","new":[1]}`,
		},
		{
			"overridden and projected",
			row{name: "a", extra: &query.Override{Extra: map[string]json.RawMessage{"age": []byte(`"7"`), "new": []byte(`[1]`)}}},
			[]string{"age", "id"},
			`{"id":"#a","age":"7"}`,
		},
		{"nothing left", row{extra: &query.Override{Omit: []string{"id"}}}, []string{"id"}, `{}`},
	} {
		got := string(tab.Append(nil, &test.row, tab.Project(test.fields)))
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	tab := table()
	rows := []*row{{name: "b", age: 2}, {name: "a", age: 2}, {name: "c", age: 1, on: true}, {age: 3}}
	for param, want := range map[string]string{
		"name": ",a,b,c", "-name": "c,b,a,", "age name": "c,a,b,", "-age -name": ",b,a,c", "nick": ",a,b,c", "-on id": "c,,a,b", "nope name": ",a,b,c",
	} {
		order := tab.Order(param, " ")
		sorted := slices.Clone(rows)
		slices.SortStableFunc(sorted, tab.Compare(order))
		var got []string
		for _, r := range sorted {
			got = append(got, r.name)
		}
		if strings.Join(got, ",") != want {
			t.Errorf("%q: %v", param, got)
		}
	}
	if !tab.Order("nope deep", " ").Empty() || !tab.Order("", ",").Empty() {
		t.Error("an order by nothing is not empty")
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	tab := table()
	rows := []*row{{name: "ann", age: 10}, {name: "Bob", age: 9, on: true}, {name: "a,b"}, {}}
	match := func(e query.Filter, err error) string {
		if err != nil {
			return "error: " + err.Error()
		}
		test := tab.Matcher(e)
		var got []string
		for _, r := range rows {
			if test(r) {
				got = append(got, "<"+r.name+">")
			}
		}
		return strings.Join(got, "")
	}
	v1 := func(q string) func() string {
		return func() string {
			values, err := url.ParseQuery(q)
			if err != nil {
				return err.Error()
			}
			return match(query.ParseV1(values))
		}
	}
	v2 := func(filters ...string) func() string { return func() string { return match(query.ParseV2(filters)) } }
	search := func(raw string) func() string {
		return func() string { return match(query.ParseSearch(json.RawMessage(raw))) }
	}
	for _, test := range []struct {
		name string
		got  func() string
		want string
	}{
		{"v1 nothing", v1(""), "<ann><Bob><a,b><>"},
		{"v1 number", v1("filter=age:$gt:9"), "<ann>"},
		{"v1 value with colons", v1("filter=name:$ne:a:b:c"), "<ann><Bob><a,b><>"},
		{"v1 two", v1("filter[0]=name:$gte:Bob&filter[1]=on:$eq:true"), "<Bob>"},
		{"v1 absent", v1("filter=nick:$ne:ann"), "<Bob><a,b><>"},
		{"v2 two", v2("age:ge:9,on:eq:false"), "<ann>"},
		{"v2 repeated", v2("age:ge:9", "on:eq:true"), "<Bob>"},
		{"v2 comma in a value", v2("name:eq:a,b"), "<a,b>"},
		{"v2 in", v2("name:in:ann|Bob"), "<ann><Bob>"},
		{"v2 virtual", v2("deep.x:eq:1,age:eq:9"), "<Bob>"},
		{"search null", search("null"), "<ann><Bob><a,b><>"},
		{"search nested", search(`[{"and":[{"age":{"$gte":9}},{"on":true}]},{"name":{"$in":["a,b","Bob"]}}]`), "<Bob>"},
		{"search null as value", search(`{"name":null}`), "<>"},
		{"search several operators", search(`{"age":{"$gt":0,"$lt":10}}`), "<Bob>"},
		{"search part of a text", search(`{"name":{"$search":"B"}}`), "<Bob><a,b>"},
	} {
		if got := test.got(); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
	for name, got := range map[string]func() string{
		"no dollar": v1("filter=a:eq:b"), "no value": v1("filter=a:$eq"), "no name": v1("filter=:$eq:b"), "unknown operator": v1("filter=a:$x:b"),
		"v2 short": v2("a:eq"), "v2 operator": v2("a:like:b"), "number": search("7"), "object as value": search(`{"a":{"$eq":{}}}`),
		"two values": search(`{"a":{"$eq":["b","c"]}}`), "v1 or": v1("filter[or][0]=a:$eq:b"), "search or": search(`{"$or":[{"a":1}]}`), "no dollar in a search": search(`{"a":{"gt":1}}`), "text in a search": search(`["a"]`),
	} {
		if !strings.HasPrefix(got(), "error: ") {
			t.Errorf("%s was taken: %s", name, got())
		}
	}
}

// FuzzAppendString holds that what is written reads back as what the standard
// library would have written, bytes that are not UTF-8 included.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "quote\"back\\slash", "tab\tnew\nline\x00\x1f\x7f", "é e\u0301 山 🦊 \u2028", "\xff\xfeabc\xc3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		standard, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var got, want string
		if err := json.Unmarshal(query.AppendString(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(standard, &want); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// FuzzParse holds that no filter from outside can do harm, and that what can be
// parsed can be evaluated.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"name:$eq:a", "a:eq:b,c:in:d|e", `{"and":[{"a":1}]}`, `["a:$gt:1"]`, `{"a":{"$regex":"x*"}}`, `[[[[]]]]`, `{"or":[]}`} {
		f.Add(s)
	}
	tab := table()
	f.Fuzz(func(t *testing.T, s string) {
		for _, parse := range []func() (query.Filter, error){
			func() (query.Filter, error) { return query.ParseV1(url.Values{"filter": {s}}) },
			func() (query.Filter, error) { return query.ParseV2([]string{s}) },
			func() (query.Filter, error) { return query.ParseSearch(json.RawMessage(s)) },
		} {
			if e, err := parse(); err == nil {
				tab.Matcher(e)(&row{name: s})
			}
		}
	})
}

func TestCompareOrdersKinds(t *testing.T) {
	t.Parallel()
	values := []query.Value{query.Flag(true), query.String("a"), query.Int(3), query.NullValue(), query.String(""), query.Flag(false), query.Int(-1)}
	slices.SortStableFunc(values, query.Compare)
	var got []string
	for _, v := range values {
		got = append(got, string(v.AppendJSON(nil)))
	}
	if diff := cmp.Diff([]string{"null", "-1", "3", `""`, `"a"`, "false", "true"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
