package actions_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/actions"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// TestSchemas holds the rules that ConductorOne has for the actions of a connector.
func TestSchemas(t *testing.T) {
	t.Parallel()
	for types, count := range map[string]int{"": 0, "group": 0, "app": 0, "user": 12, "group,user": 15} {
		if n := len(actions.Schemas(strings.Split(types, ","), "")); n != count {
			t.Errorf("with %q there are %d actions, want %d", types, n, count)
		}
	}
	names, kinds := map[string]bool{}, map[string]string{}
	for _, s := range actions.Schemas([]string{"group", "user"}, "") {
		if key := s.GetResourceTypeId() + "/" + s.GetName(); names[key] || s.GetDisplayName() == "" || s.GetDescription() == "" {
			t.Errorf("%s is there twice, or not described", key)
		} else {
			names[key] = true
		}
		for _, kind := range s.GetActionType() {
			if s.GetResourceTypeId() == "" || kind == v2.ActionType_ACTION_TYPE_UNSPECIFIED || kind == v2.ActionType_ACTION_TYPE_DYNAMIC {
				continue
			}
			key := s.GetResourceTypeId() + "/" + kind.String()
			if other := kinds[key]; other != "" {
				t.Errorf("%s and %s share %s", other, s.GetName(), key)
			}
			kinds[key] = s.GetName()
		}
		for _, f := range slices.Concat(s.GetArguments(), s.GetReturnTypes()) {
			if f.GetField() == nil || f.GetDisplayName() == "" {
				t.Errorf("%s: field %s is not described", s.GetName(), f.GetName())
			}
		}
		if s.GetReturnTypes()[0].GetName() != "success" || !s.GetArguments()[0].GetIsRequired() {
			t.Errorf("%s: %v", s.GetName(), s)
		}
	}
	for name, want := range map[string][]v2.ActionType{
		"enable_user":  {v2.ActionType_ACTION_TYPE_ACCOUNT, v2.ActionType_ACTION_TYPE_ACCOUNT_ENABLE},
		"disable_user": {v2.ActionType_ACTION_TYPE_ACCOUNT, v2.ActionType_ACTION_TYPE_ACCOUNT_DISABLE},
		"update_user":  {v2.ActionType_ACTION_TYPE_ACCOUNT, v2.ActionType_ACTION_TYPE_ACCOUNT_UPDATE_PROFILE},
	} {
		s, err := actions.Schema([]string{"user"}, name, "")
		if err != nil || s.GetResourceTypeId() != "" || !slices.Equal(s.GetActionType(), want) || s.GetArguments()[0].GetStringField() == nil {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	if list := actions.Schemas([]string{"group", "user"}, "group"); len(list) != 3 {
		t.Errorf("of groups: %v", list)
	}
}

// TestArguments are invocations that are refused before anything is read.
func TestArguments(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, scope, args string
		code              codes.Code
		says              string
	}{
		{"disable_user", "", `{}`, codes.InvalidArgument, "missing argument user_id"},
		{"disable_user", "", `{"user_id":null}`, codes.InvalidArgument, "missing argument user_id"},
		{"disable_user", "", `{"resource_id":"u"}`, codes.OK, ""},
		{"disable_user", "", `{"user_id":"u","x":1}`, codes.InvalidArgument, `unknown argument "x"`},
		{"modify_group", "group", `{"group_id":"g","name":null}`, codes.InvalidArgument, "at least one required: [name description]"},
		{"unlock_user", "group", `{"user_id":"u"}`, codes.NotFound, "not found for resource type group"},
		{"unlock_user", "user", `{"user_id":"u"}`, codes.OK, ""},
		{"unlock_user", "", `{"user_id":"u"}`, codes.OK, ""},
		{"nothing", "", `{}`, codes.NotFound, "handler for action nothing not found"},
	} {
		args := new(structpb.Struct)
		if err := args.UnmarshalJSON([]byte(tt.args)); err != nil {
			t.Fatal(err)
		}
		err := actions.Invoker{Types: []string{"group", "user"}}.Check(tt.name, tt.scope, args)
		if status.Code(err) != tt.code || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s %s: %v: %v", tt.name, tt.args, status.Code(err), err)
		}
	}
}

func TestReadProfile(t *testing.T) {
	t.Parallel()
	p, err := actions.ReadProfile(map[string]any{
		"firstName": "A", "last_name": "B", "costCenter": "7", "employeeIdentifier": nil, "manager_email": "m@example.com",
		"additionalAttributes": map[string]any{"badge": "1", "desk": nil},
	})
	if err != nil || p.Fields["firstname"] != "A" || p.Fields["lastname"] != "B" || p.Fields["costCenter"] != "7" || *p.Manager != "m@example.com" ||
		p.Custom["badge"] != "1" || len(p.Custom) != 2 || len(p.Fields) != 4 {
		t.Errorf("%+v, %v", p, err)
	}
	for _, bad := range []map[string]any{
		{"shoe_size": "9"},
		{"email": true},
		{"manager": 7.0},
		{"additionalAttributes": "x"},
		{"additionalAttributes": map[string]any{"email": "x"}},
		{"additionalAttributes": map[string]any{"password": "x"}},
		{"additionalAttributes": map[string]any{"a b": "x"}},
		{"additionalAttributes": map[string]any{"a": 7.0}},
		{"additionalAttributes": map[string]any{"a": strings.Repeat("x", 1025)}},
	} {
		if _, err := actions.ReadProfile(bad); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// TestStore restarts: what had ended is told as before, and what had not has failed.
func TestStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "actions.json")
	s := open(t, path)
	for _, id := range []string{"done", "failed", "cut"} {
		if err := s.Begin(id, "disable_user"); err != nil {
			t.Fatal(err)
		}
	}
	result, err := structpb.NewStruct(map[string]any{"success": true, "message": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.End("done", "disable_user", result, nil); err != nil {
		t.Fatal(err)
	}
	partly, _ := structpb.NewStruct(map[string]any{"success": false, "message": "half"})
	if answer, err := s.End("failed", "disable_user", partly, os.ErrPermission); err != nil || answer.GetResponse().GetFields()["error"].GetStringValue() == "" {
		t.Fatalf("%v, %v", answer, err)
	}
	if running, err := s.Status("cut"); err != nil || running.GetStatus() != v2.BatonActionStatus_BATON_ACTION_STATUS_RUNNING {
		t.Errorf("%v, %v", running, err)
	}
	s = open(t, path)
	for id, want := range map[string]struct {
		status v2.BatonActionStatus
		says   string
	}{
		"done":   {v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE, "x"},
		"failed": {v2.BatonActionStatus_BATON_ACTION_STATUS_FAILED, "half"},
		"cut":    {v2.BatonActionStatus_BATON_ACTION_STATUS_FAILED, "stopped during this action"},
	} {
		got, err := s.Status(id)
		if err != nil || got.GetStatus() != want.status || got.GetName() != "disable_user" || !strings.Contains(got.GetResponse().String(), want.says) {
			t.Errorf("%s: %v, %v", id, got, err)
		}
	}
	if _, err := s.Status("unknown"); status.Code(err) != codes.NotFound {
		t.Errorf("unknown: %v", err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := actions.OpenStore(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged file: %v", err)
	}
}

func open(t *testing.T, path string) *actions.Store {
	t.Helper()
	s, err := actions.OpenStore(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
