package accounts

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/actions"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// Manager creates and deletes accounts and groups, and rotates passwords. It is safe for
// concurrent use. Its errors carry gRPC codes.
type Manager struct {
	Provisioner *provision.Provisioner
	Source      *connector.Source
	// Key opens passwords that are given encrypted; nil where there is none.
	Key ed25519.PrivateKey
	// Task is the id of ConductorOne's task; empty for the command line.
	Task string
	// Preview is given each change instead of making it; nil makes them.
	Preview func(context.Context, *provision.Plan) error
}

// apply makes a change for a task, or shows it.
func (m Manager) apply(ctx context.Context, plan *provision.Plan) (provision.Outcome, error) {
	plan.Task = m.Task
	if m.Preview != nil {
		if err := m.Provisioner.Inspect(ctx, plan); err != nil {
			return provision.Outcome{Result: provision.ResultFailed}, err
		}
		return provision.Outcome{}, m.Preview(ctx, plan)
	}
	return m.Provisioner.Apply(ctx, plan)
}

// wanted is an account that is asked for.
type wanted struct {
	provision.Account

	state string
	// mail says whether an account without a password gets an activation mail.
	mail bool
}

// Create creates an account. One of the same username or email address is answered as it
// is, and nothing of it is changed. A generated password leaves encrypted only, and only
// with the account that it is of.
func (m Manager) Create(ctx context.Context, req *v2.CreateAccountRequest) (*v2.CreateAccountResponse, error) {
	if kind := req.GetResourceTypeId(); kind != "" && kind != restype.User {
		return nil, fault.WithCode(codes.Unimplemented, "create account failed: resource type %s does not have account manager configured", kind)
	}
	answer, err := m.create(ctx, req)
	if err != nil {
		return nil, connector.Coded(fmt.Errorf("create account failed: %w", err))
	}
	return answer, nil
}

func (m Manager) create(ctx context.Context, req *v2.CreateAccountRequest) (*v2.CreateAccountResponse, error) {
	w, err := m.read(ctx, req.GetAccountInfo())
	if err != nil {
		return nil, err
	}
	c, err := readCredential(ctx, req.GetCredentialOptions(), req.GetEncryptionConfigs(), m.Key)
	if err != nil {
		return nil, err
	}
	if c.change && w.state == jumpcloud.StateStaged {
		return nil, fault.Invalid("a staged account cannot be made to change its password; create it ACTIVATED or leave the change out")
	}
	w.Password = c.password
	quiet := w.state == jumpcloud.StateActivated && c.password.Empty() && !w.mail
	if quiet {
		w.state = jumpcloud.StateStaged // JumpCloud mails every account that it makes active.
	}
	w.Fields["state"], w.Fields["suspended"] = w.state, w.state == jumpcloud.StateSuspended
	plan, err := m.Provisioner.PlanCreate(ctx, w.Account)
	if err != nil {
		return nil, err
	}
	outcome, err := m.apply(ctx, plan)
	if err != nil || m.Preview != nil {
		return &v2.CreateAccountResponse{}, err
	}
	id := plan.Resource.ID
	if outcome.Result == provision.ResultAlready {
		resource, err := m.Source.Account(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("%s exists, but was not read: %w", plan.Resource, err)
		}
		return &v2.CreateAccountResponse{Result: &v2.CreateAccountResponse_AlreadyExists{
			AlreadyExists: &v2.CreateAccountResponse_AlreadyExistsResult{Resource: resource},
		}}, nil
	}
	if err := m.finish(ctx, id, quiet, c.change); err != nil {
		return nil, fmt.Errorf("%s was created: %w", plan.Resource, err)
	}
	encrypted, err := c.handOver(context.WithoutCancel(ctx), req.GetEncryptionConfigs())
	if err != nil {
		return nil, fmt.Errorf("%s was created, but its password was not handed over; rotate it: %w", plan.Resource, err)
	}
	resource, err := m.Source.Account(ctx, id)
	if err != nil {
		// The account is there with its password: that must not be lost for want of a read.
		resource = &v2.Resource{Id: &v2.ResourceId{ResourceType: restype.User, Resource: id}, DisplayName: plan.Resource.Name}
	}
	return &v2.CreateAccountResponse{
		Result:        &v2.CreateAccountResponse_Success{Success: &v2.CreateAccountResponse_SuccessResult{Resource: resource, IsCreateAccountResult: true}},
		EncryptedData: encrypted,
	}, nil
}

// finish makes what creating cannot: an active account without a mail, and a password
// that is changed at the next sign-in.
func (m Manager) finish(ctx context.Context, id string, activate, expire bool) error {
	if !activate && !expire {
		return nil
	}
	u, err := m.Provisioner.User(ctx, id)
	if err != nil {
		return err
	}
	if activate {
		plan := m.Provisioner.PlanEnable(u)
		if _, err := m.apply(ctx, plan); err != nil {
			return fmt.Errorf("activate it with enable_user: %w", err)
		}
	}
	if !expire {
		return nil
	}
	plan, err := m.Provisioner.PlanExpirePassword(u)
	if err == nil {
		_, err = m.apply(ctx, plan)
	}
	if err != nil {
		return fmt.Errorf("expire its password with expire_password: %w", err)
	}
	return nil
}

// read works out who is asked for, from the profile and what stands beside it.
func (m Manager) read(ctx context.Context, info *v2.AccountInfo) (wanted, error) {
	raw := info.GetProfile().AsMap()
	w := wanted{Account: provision.Account{Fields: jumpcloud.Fields{}}, state: jumpcloud.StateActivated, mail: true}
	take := func(name string) (string, error) {
		v := raw[name]
		delete(raw, name)
		s, ok := v.(string)
		if v != nil && !ok {
			return "", fault.Invalid("profile field %s must be a string", name)
		}
		return strings.TrimSpace(s), nil
	}
	username, err := take("username")
	if err != nil {
		return w, err
	}
	login, err := take("login")
	if err != nil {
		return w, err
	}
	email, err := take("email")
	if err != nil {
		return w, err
	}
	for _, e := range info.GetEmails() {
		if e.GetIsPrimary() || email == "" {
			email = strings.TrimSpace(e.GetAddress())
		}
		if e.GetIsPrimary() {
			break
		}
	}
	local, domain, isAddress := strings.Cut(email, "@")
	switch {
	case email == "":
		return w, fault.Invalid("missing email in account info")
	case !isAddress || local == "" || domain == "" || strings.ContainsAny(email, " \t\r\n") || printable.Clean(email) != email:
		return w, fault.Invalid("invalid email address in account info: it must look like name@example.com")
	}
	for _, name := range []string{username, strings.TrimSpace(info.GetLogin()), login} {
		if w.Username == "" {
			w.Username = name
		}
	}
	w.Email = email
	if w.Username == "" {
		w.Username, w.Derived = local, true
	}
	if strings.ContainsAny(w.Username, " \t\r\n") || printable.Clean(w.Username) != w.Username {
		return w, fault.Invalid("invalid username in account info: it must not contain white space")
	}
	if err := w.readState(raw); err != nil {
		return w, err
	}
	profile, err := actions.ReadProfile(raw)
	if err != nil {
		return w, err
	}
	return w, m.fill(ctx, &w, profile)
}

// readState takes the state and the mail out of a profile.
func (w *wanted) readState(raw map[string]any) (err error) {
	if w.mail, err = actions.Flag("profile field send_activation_email", raw["send_activation_email"], true); err != nil {
		return err
	}
	staged, err := actions.Flag("profile field create_staged", raw["create_staged"], false)
	if err != nil {
		return err
	}
	if staged {
		w.state = jumpcloud.StateStaged
	}
	if v := raw["state"]; v != nil {
		s, ok := v.(string)
		switch s = strings.ToUpper(strings.TrimSpace(s)); {
		case ok && s == "":
		case ok && (s == jumpcloud.StateStaged || s == jumpcloud.StateActivated || s == jumpcloud.StateSuspended):
			if staged && s != jumpcloud.StateStaged {
				return fault.Invalid("profile fields state and create_staged contradict each other")
			}
			w.state = s
		default:
			return fault.Invalid("profile field state must be %s, %s or %s", jumpcloud.StateActivated, jumpcloud.StateStaged, jumpcloud.StateSuspended)
		}
	}
	delete(raw, "send_activation_email")
	delete(raw, "create_staged")
	delete(raw, "state")
	return nil
}

// fill completes an account with the attributes of a profile.
func (m Manager) fill(ctx context.Context, w *wanted, profile actions.Profile) error {
	for name, v := range profile.Fields {
		if v != nil && v != "" {
			w.Fields[name] = v
		}
	}
	var custom []map[string]string
	for name, v := range profile.Custom {
		if s, ok := v.(string); ok {
			custom = append(custom, map[string]string{"name": name, "value": s})
		}
	}
	if custom != nil {
		slices.SortFunc(custom, func(a, b map[string]string) int { return strings.Compare(a["name"], b["name"]) })
		w.Fields["attributes"] = custom
	}
	if profile.Manager == nil {
		return nil
	}
	id, err := actions.ManagerID(ctx, m.Provisioner, "", *profile.Manager)
	if id != "" {
		w.Fields["manager"] = id
	}
	return err
}

// Delete deletes an account or a group. One that does not exist is deleted already.
func (m Manager) Delete(ctx context.Context, req *v2.DeleteResourceRequest) (*v2.DeleteResourceResponse, error) {
	id := req.GetResourceId()
	if id.GetResource() == "" {
		return nil, fault.Invalid("delete resource failed: missing resource ID")
	}
	var plan *provision.Plan
	var err error
	switch id.GetResourceType() {
	case restype.User:
		plan, err = m.Provisioner.PlanDeleteUser(ctx, id.GetResource())
	case restype.Group:
		plan, err = m.Provisioner.PlanDeleteGroup(ctx, id.GetResource())
	case restype.ServiceCredential:
		var c *provision.ServiceCredential
		switch c, err = m.Provisioner.Credential(ctx, id.GetResource()); {
		case fault.Code(err) == codes.NotFound:
			return &v2.DeleteResourceResponse{}, nil // It is revoked already.
		case err == nil:
			plan = m.Provisioner.PlanRevokeCredential(c)
		}
	default:
		return nil, fault.WithCode(codes.Unimplemented, "delete resource failed: resource type %s does not have resource delete configured", id.GetResourceType())
	}
	if err == nil {
		_, err = m.apply(ctx, plan)
	}
	if err != nil {
		return nil, connector.Coded(fmt.Errorf("delete resource failed: %w", err))
	}
	return &v2.DeleteResourceResponse{}, nil
}

// Rotate gives an account a new password, or a service account another credential in the
// place of one.
func (m Manager) Rotate(ctx context.Context, req *v2.RotateCredentialRequest) (*v2.RotateCredentialResponse, error) {
	id := req.GetResourceId()
	answer := &v2.RotateCredentialResponse{ResourceId: id}
	var err error
	switch id.GetResourceType() {
	case restype.User:
		answer.EncryptedData, err = m.rotate(ctx, req)
	case restype.ServiceCredential:
		answer, err = m.replace(ctx, req)
	default:
		return nil, fault.WithCode(codes.Unimplemented, "rotate credentials failed: resource type %s does not have credential manager configured", id.GetResourceType())
	}
	if err != nil {
		return nil, connector.Coded(fmt.Errorf("rotate credentials failed: %w", err))
	}
	return answer, nil
}

func (m Manager) rotate(ctx context.Context, req *v2.RotateCredentialRequest) ([]*v2.EncryptedData, error) {
	c, err := readCredential(ctx, req.GetCredentialOptions(), req.GetEncryptionConfigs(), m.Key)
	if err != nil {
		return nil, err
	}
	if c.password.Empty() {
		return nil, fault.Invalid("a password is rotated to another one: use random_password or encrypted_password")
	}
	u, err := m.Provisioner.User(ctx, req.GetResourceId().GetResource())
	if err != nil {
		return nil, err
	}
	plan, err := m.Provisioner.PlanPassword(u, c.password)
	if err != nil {
		return nil, err
	}
	if _, err := m.apply(ctx, plan); err != nil {
		return nil, err
	}
	encrypted, err := c.handOver(context.WithoutCancel(ctx), req.GetEncryptionConfigs())
	if err != nil {
		return nil, fmt.Errorf("the password was changed, but not handed over; rotate it again: %w", err)
	}
	if err := m.finish(ctx, u.ID, false, c.change); err != nil {
		return nil, fmt.Errorf("the password was changed; rotate it again: %w", err)
	}
	return encrypted, nil
}
