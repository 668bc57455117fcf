package jcsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
)

// Edit is one change of a tenant in the form of JSON, for faults that edit and
// for the control route. References are those of [Tenant].
type Edit struct {
	// Op is add-user, update-user, delete-user, and so for admin, group and
	// application; add-role, delete-role; add-member, remove-member; associate,
	// dissociate; add-directory, add-radius-server, add-device, add-device-group;
	// delete-bound for all of them; bind, unbind; sudo, no-sudo; add-device-member;
	// add-service-account, update-service-account, delete-service-account;
	// holes, no-holes.
	Op string `json:"op"`
	// Ref is the object to update or delete.
	Ref string `json:"ref,omitempty"`
	// Object is the object to add, or the fields to change, under the names of the
	// tenant file.
	Object json.RawMessage `json:"object,omitempty"`
	// Group and User are the ends of a membership; App, and one of User and Group,
	// those of an association. For bind and unbind, App is the directory or server.
	Group string `json:"group,omitempty"`
	User  string `json:"user,omitempty"`
	App   string `json:"app,omitempty"`
}

// Apply makes edits in their order and stops at the first that fails.
func (t *Tenant) Apply(edits ...Edit) error {
	for i, e := range edits {
		if err := t.apply(e); err != nil {
			return fmt.Errorf("edit %d, %s: %w", i+1, e.Op, err)
		}
	}
	return nil
}

func (t *Tenant) apply(e Edit) error {
	switch e.Op {
	case "add-user":
		return addFrom(e.Object, t.AddUser)
	case "update-user":
		return updateFrom(e, t.UpdateUser)
	case "delete-user":
		return t.DeleteUser(e.Ref)
	case "add-admin":
		return addFrom(e.Object, t.AddAdmin)
	case "update-admin":
		return updateFrom(e, t.UpdateAdmin)
	case "delete-admin":
		return t.DeleteAdmin(e.Ref)
	case "add-group":
		return addFrom(e.Object, t.AddGroup)
	case "update-group":
		return updateFrom(e, t.UpdateGroup)
	case "delete-group":
		return t.DeleteGroup(e.Ref)
	case "add-application":
		return addFrom(e.Object, t.AddApplication)
	case "update-application":
		return updateFrom(e, t.UpdateApplication)
	case "delete-application":
		return t.DeleteApplication(e.Ref)
	case "add-role":
		return addFrom(e.Object, t.AddRole)
	case "delete-role":
		return t.DeleteRole(e.Ref)
	case "add-member":
		return t.AddMember(e.Group, e.User)
	case "remove-member":
		return t.RemoveMember(e.Group, e.User)
	case "associate":
		kind, ref := e.target()
		return t.Associate(e.App, kind, ref)
	case "dissociate":
		kind, ref := e.target()
		return t.Dissociate(e.App, kind, ref)
	case "add-directory":
		return addFrom(e.Object, t.AddDirectory)
	case "add-device":
		return addFrom(e.Object, t.AddDevice)
	case "add-device-group":
		return addFrom(e.Object, t.AddDeviceGroup)
	case "add-device-member":
		return t.AddDeviceMember(e.App, e.Ref)
	case "sudo", "no-sudo":
		kind, ref := e.target()
		return t.SetSudo(e.App, kind, ref, e.Op == "sudo")
	case "add-radius-server":
		return addFrom(e.Object, t.AddRADIUSServer)
	case "delete-bound":
		return t.DeleteBound(e.Ref)
	case "bind":
		kind, ref := e.target()
		return t.Bind(e.App, kind, ref)
	case "unbind":
		kind, ref := e.target()
		return t.Unbind(e.App, kind, ref)
	case "add-service-account":
		return addFrom(e.Object, t.AddServiceAccount)
	case "update-service-account":
		return updateFrom(e, t.UpdateServiceAccount)
	case "delete-service-account":
		return t.DeleteServiceAccount(e.Ref)
	case "holes", "no-holes":
		t.SetHoles(e.Op == "holes")
		return nil
	default:
		return errors.New("unknown operation")
	}
}

// target is the far end of an association.
func (e Edit) target() (kind, ref string) {
	if e.Group != "" {
		return TypeUserGroup, e.Group
	}
	return TypeUser, e.User
}

// addFrom decodes an object and adds it.
func addFrom[T any](raw json.RawMessage, add func(T) (string, error)) error {
	var v T
	if err := unmarshalStrict(raw, &v); err != nil {
		return fmt.Errorf("object: %w", err)
	}
	_, err := add(v)
	return err
}

// updateFrom changes the fields that an edit names. Lists are replaced as a
// whole: the object is decoded into a copy that shares none with the old one.
func updateFrom[T any](e Edit, update func(string, func(*T)) error) error {
	var decode error
	err := update(e.Ref, func(v *T) {
		old := *v
		if decode = mergeJSON(v, e.Object); decode != nil {
			*v = old
		}
	})
	if decode != nil {
		return fmt.Errorf("object: %w", decode)
	}
	return err
}

// mergeJSON sets the fields of v that raw names, through a full copy of v.
func mergeJSON[T any](v *T, raw json.RawMessage) error {
	whole, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var fields, changes map[string]json.RawMessage
	if err := json.Unmarshal(whole, &fields); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &changes); err != nil {
		return err
	}
	maps.Copy(fields, changes)
	merged, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	var fresh T
	if err := unmarshalStrict(merged, &fresh); err != nil {
		return err
	}
	*v = fresh
	return nil
}
