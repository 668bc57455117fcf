package connector

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// unclean lists the texts of a message, ids left out, that are not fit to be stored
// and shown.
func unclean(m proto.Message) []string {
	var found []string
	look := func(s string) {
		if printable.Clean(s) != s {
			found = append(found, s)
		}
	}
	var message func(protoreflect.Message)
	value := func(f protoreflect.FieldDescriptor, v protoreflect.Value) {
		switch {
		case f.Kind() == protoreflect.StringKind:
			look(v.String())
		case f.Message() != nil:
			message(v.Message())
		}
	}
	message = func(m protoreflect.Message) {
		if a, ok := m.Interface().(*anypb.Any); ok {
			if inner, err := a.UnmarshalNew(); err == nil {
				message(inner.ProtoReflect())
			}
			return
		}
		m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			switch {
			case f.Name() == "id" || f.Name() == "resource" && f.Kind() == protoreflect.StringKind:
			case f.IsMap():
				v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
					look(k.String())
					value(f.MapValue(), v)
					return true
				})
			case f.IsList():
				for i := range v.List().Len() {
					value(f, v.List().Get(i))
				}
			default:
				value(f, v)
			}
			return true
		})
	}
	message(m.ProtoReflect())
	return found
}

// spoil puts a text into every text of an object but its ids.
func spoil(t *testing.T, object any, text string) {
	t.Helper()
	v := reflect.ValueOf(object).Elem()
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		switch f.Interface().(type) {
		case string:
			if !strings.HasSuffix(name, "ID") || name == "EmployeeID" {
				f.SetString(text)
			}
		case []string:
			f.Set(reflect.ValueOf([]string{text, text + "2"}))
		case []jumpcloud.Attribute:
			f.Set(reflect.ValueOf([]jumpcloud.Attribute{{Name: text, Value: text}, {Name: "a" + text, Value: "v"}}))
		}
	}
}

// TestTextsAreClean puts texts that nobody should be handed into every field of every
// kind of object.
func TestTextsAreClean(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"a\x00b", "\x1b[31mred\x1b]0;x\x07", "\u009b1m", "a\x7fb", "a\xffb", "abc\u202egpj", "\u2066a\u2069", "a\nb\tc\r\n", "a\u2028b", "a\ufffeb",
		"\x00", "\x00@\x01", "https://example.com/\u202e",
	} {
		user, admin, group := jumpcloud.User{ID: "u1"}, jumpcloud.Admin{ID: "a1"}, jumpcloud.UserGroup{ID: "g1"}
		app, role := jumpcloud.Application{ID: "p1"}, jumpcloud.Role{ID: "r1"}
		for _, object := range []any{&user, &admin, &group, &app, &role} {
			spoil(t, object, text)
		}
		var messages []proto.Message
		add := func(m proto.Message, err error) {
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			messages = append(messages, m)
		}
		u, err := userResource(&user, testNow())
		add(u, err)
		if err := setManager(u, text); err != nil {
			t.Fatal(err)
		}
		add(adminResource(&admin))
		add(new(Source).groupResource(&group))
		add(appResource(&app))
		messages = append(messages, roleResource(&role), roleEntitlement(role.Name),
			groupEntitlement(made(t, new(Source).groupResource, &group)), appEntitlement(made(t, appResource, &app)))
		for _, m := range messages {
			for _, bad := range unclean(m) {
				t.Errorf("%q is kept as %q in %s", text, bad, m.ProtoReflect().Descriptor().Name())
			}
			if _, err := proto.Marshal(m); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
		if got := len(u.GetProfile().GetFields()); got < 15 {
			t.Errorf("%q: only %d fields are in the profile", text, got)
		}
	}
}

// TestUncleanSees shows that what looks for such texts finds them.
func TestUncleanSees(t *testing.T) {
	t.Parallel()
	r := mustUser(t, &jumpcloud.User{ID: "u1", DisplayName: "Ana"})
	if found := unclean(r); found != nil {
		t.Errorf("found %q in a clean one", found)
	}
	r.GetProfile().GetFields()["k\x00"] = textValue("x")
	r.DisplayName = "a\x01"
	if found := unclean(r); len(found) != 2 {
		t.Errorf("found %q, want two", found)
	}
}

// Attributes whose names differ in control characters only are all kept.
func TestCustomAttributesThatBecomeOne(t *testing.T) {
	t.Parallel()
	p := profile{}
	p.custom([]jumpcloud.Attribute{{Name: "b\x00", Value: "1"}, {Name: "b\x01", Value: "2"}, {Name: "b\xff", Value: "3"}})
	got, err := json.Marshal(p.message().AsMap())
	if want := `{"custom_b�":"1","custom_b�_2":"2","custom_b�_3":"3"}`; err != nil || string(got) != want {
		t.Errorf("got %s, want %s, %v", got, want, err)
	}
}

// An id is what everything hangs on: one that would have to be changed is refused.
func TestIDsAreClean(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a\x00b", "a\nb", "a\xffb", "\u202ea"} {
		if _, err := userResource(&jumpcloud.User{ID: id}, testNow()); err == nil {
			t.Errorf("a user with the id %q", id)
		}
		if _, err := new(Source).groupResource(&jumpcloud.UserGroup{ID: id}); err == nil {
			t.Errorf("a group with the id %q", id)
		}
	}
}
