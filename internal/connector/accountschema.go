package connector

import (
	"context"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// accountSchema is what ConductorOne asks for to create an account. Only the email address
// is required; JumpCloud needs a username too, which is made of it.
func accountSchema() *v2.ConnectorAccountCreationSchema {
	type field = v2.ConnectorAccountCreationSchema_Field
	line := func(display, description, placeholder string) *field {
		return &field{
			DisplayName: display, Description: description, Placeholder: placeholder,
			Field: &v2.ConnectorAccountCreationSchema_Field_StringField{StringField: &v2.ConnectorAccountCreationSchema_StringField{}},
		}
	}
	email := line("Email", "Email address of the account", "ana@example.com")
	email.Required = true
	yes := true
	rows := []struct {
		key string
		*field
	}{
		{"email", email},
		{"username", line("Username", "Login name; the part of the email address before the @ if empty", "ana.ruiz")},
		{"first_name", line("First Name", "First name", "Ana")},
		{"last_name", line("Last Name", "Last name", "Ruiz")},
		{"display_name", line("Display Name", "Display name", "Ana Ruiz")},
		{"department", line("Department", "Department", "Sales")},
		{"job_title", line("Job Title", "Job title", "Account Executive")},
		{"employee_id", line("Employee ID", "Employee ID, unique in the organization", "E-100")},
		{"manager", line("Manager", "ID, username or email address of the manager", "bo@example.com")},
		{"state", line("State", "ACTIVATED, STAGED or SUSPENDED; ACTIVATED if empty", "ACTIVATED")},
		{"send_activation_email", &field{
			DisplayName: "Send Activation Email", Description: "Whether an active account without a password gets the activation email", Placeholder: "true",
			Field: &v2.ConnectorAccountCreationSchema_Field_BoolField{BoolField: &v2.ConnectorAccountCreationSchema_BoolField{DefaultValue: &yes}},
		}},
		{"additionalAttributes", &field{
			DisplayName: "Additional Attributes", Description: "Custom attributes by name",
			Field: &v2.ConnectorAccountCreationSchema_Field_MapField{MapField: &v2.ConnectorAccountCreationSchema_MapField{}},
		}},
	}
	schema := &v2.ConnectorAccountCreationSchema{FieldMap: map[string]*field{}}
	for i, row := range rows {
		row.Order = int32(i + 1)
		schema.FieldMap[row.key] = row.field
	}
	return schema
}

// credentialDetails are the passwords that accounts can be given.
func credentialDetails() *v2.CredentialDetails {
	supported := []v2.CapabilityDetailCredentialOption{
		v2.CapabilityDetailCredentialOption_CAPABILITY_DETAIL_CREDENTIAL_OPTION_ENCRYPTED_PASSWORD,
		v2.CapabilityDetailCredentialOption_CAPABILITY_DETAIL_CREDENTIAL_OPTION_NO_PASSWORD,
		v2.CapabilityDetailCredentialOption_CAPABILITY_DETAIL_CREDENTIAL_OPTION_RANDOM_PASSWORD,
	}
	return &v2.CredentialDetails{
		CapabilityAccountProvisioning: &v2.CredentialDetailsAccountProvisioning{
			SupportedCredentialOptions: supported,
			PreferredCredentialOption:  v2.CapabilityDetailCredentialOption_CAPABILITY_DETAIL_CREDENTIAL_OPTION_NO_PASSWORD,
		},
		CapabilityCredentialRotation: &v2.CredentialDetailsCredentialRotation{
			SupportedCredentialOptions: []v2.CapabilityDetailCredentialOption{supported[0], supported[2]},
			PreferredCredentialOption:  supported[2],
		},
	}
}

// Account reads one account as a sync has it, its manager's address included.
func (s *Source) Account(ctx context.Context, id string) (*v2.Resource, error) {
	page := new(syncer.Page)
	err := readTargetUser(ctx, s, page, kind{}, syncer.Ref{Type: restype.User, ID: id})
	if err != nil || len(page.Resources) == 0 {
		return nil, Coded(err)
	}
	return page.Resources[0], nil
}
