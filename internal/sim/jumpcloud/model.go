package jcsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Wire changes how one object looks to a client, for data that no model
// foresees. It is part of every kind of object.
type Wire struct {
	// Omit names fields of the answer to leave out, such as "state" or "_id".
	Omit []string `json:"omit,omitempty"`
	// Extra holds fields as raw JSON that the simulator does not know, or that
	// replace one it knows, such as a number where a text belongs.
	Extra map[string]json.RawMessage `json:"extra,omitempty"`
}

// Organization is what GET /api/organizations tells of a tenant.
type Organization struct {
	// ID is 24 hex digits. Derived from the name when empty.
	ID string `json:"_id,omitempty"`
	// Name is shown as displayName; null on the wire when empty.
	Name string `json:"displayName,omitempty"`
	// LogoURL is null on the wire when empty.
	LogoURL string `json:"logoUrl,omitempty"`
	// Created is RFC 3339 with milliseconds.
	Created string `json:"created,omitempty"`
}

// User is an account of the directory (API v1, /systemusers), under the names
// that the API gives its fields. A value handed to a [Tenant] must not be
// changed afterwards, nor one that it returned.
type User struct {
	// ID is 24 hex digits. Derived from the username when empty.
	ID string `json:"_id,omitempty"`
	// Username is unique without regard to case, and so is Email.
	Username    string `json:"username"`
	Email       string `json:"email,omitempty"`
	FirstName   string `json:"firstname,omitempty"`
	MiddleName  string `json:"middlename,omitempty"`
	LastName    string `json:"lastname,omitempty"`
	DisplayName string `json:"displayname,omitempty"`
	// State is STAGED, ACTIVATED or SUSPENDED. Empty means ACTIVATED, or SUSPENDED
	// where Suspended is set. To leave it out of answers, name it in Omit.
	State string `json:"state,omitempty"`
	// Suspended mirrors State.
	Suspended bool `json:"suspended,omitempty"`
	// Activated says that the user has set a password; State is another matter.
	Activated         bool   `json:"activated,omitempty"`
	AccountLocked     bool   `json:"account_locked,omitempty"`
	AccountLockedDate string `json:"account_locked_date,omitempty"`
	PasswordExpired   bool   `json:"password_expired,omitempty"`
	// PasswordExpirationDate may be a time or a bare date; absent when empty.
	PasswordExpirationDate string `json:"password_expiration_date,omitempty"`
	PasswordNeverExpires   bool   `json:"password_never_expires,omitempty"`
	TOTPEnabled            bool   `json:"totp_enabled,omitempty"`
	// PortalMFA demands multi-factor sign-in at the user portal.
	PortalMFA bool `json:"enable_user_portal_multifactor,omitempty"`
	// MFA and MFAEnrollment are absent on the wire when nil.
	MFA           *MFA           `json:"mfa,omitempty"`
	MFAEnrollment *MFAEnrollment `json:"mfaEnrollment,omitempty"`
	// Admin links to the administrator account of the same person; null when nil.
	Admin              *AdminLink `json:"admin,omitempty"`
	AlternateEmail     string     `json:"alternateEmail,omitempty"`
	ManagedAppleID     string     `json:"managedAppleId,omitempty"`
	Company            string     `json:"company,omitempty"`
	CostCenter         string     `json:"costCenter,omitempty"`
	Department         string     `json:"department,omitempty"`
	Description        string     `json:"description,omitempty"`
	EmployeeType       string     `json:"employeeType,omitempty"`
	EmployeeIdentifier string     `json:"employeeIdentifier,omitempty"`
	JobTitle           string     `json:"jobTitle,omitempty"`
	Location           string     `json:"location,omitempty"`
	// Manager is the id of another user; in files also a username or an email.
	Manager      string        `json:"manager,omitempty"`
	Addresses    []Address     `json:"addresses,omitempty"`
	PhoneNumbers []PhoneNumber `json:"phoneNumbers,omitempty"`
	// Attributes are the custom attributes.
	Attributes         []Attribute `json:"attributes,omitempty"`
	SSHKeys            []SSHKey    `json:"ssh_keys,omitempty"`
	Sudo               bool        `json:"sudo,omitempty"`
	PasswordlessSudo   bool        `json:"passwordless_sudo,omitempty"`
	UnixUID            int64       `json:"unix_uid,omitempty"`
	UnixGUID           int64       `json:"unix_guid,omitempty"`
	LDAPBindingUser    bool        `json:"ldap_binding_user,omitempty"`
	SambaServiceUser   bool        `json:"samba_service_user,omitempty"`
	ExternalDN         string      `json:"external_dn,omitempty"`
	ExternalSourceType string      `json:"external_source_type,omitempty"`
	ExternallyManaged  bool        `json:"externally_managed,omitempty"`
	CreationSource     string      `json:"creationSource,omitempty"`
	// RecoveryEmail is absent on the wire when nil.
	RecoveryEmail *RecoveryEmail `json:"recoveryEmail,omitempty"`
	// RestrictedFields are those that an external source owns: a write that names one
	// is refused. Absent on the wire when empty.
	RestrictedFields []RestrictedField `json:"restrictedFields,omitempty"`
	Created          string            `json:"created,omitempty"`
	// Hidden leaves the user out of every list; its own GET finds it. So a
	// membership can name a user that no list contains.
	Hidden bool `json:"hidden,omitempty"`
	Wire
}

// The states of a user.
const (
	StateStaged    = "STAGED"
	StateActivated = "ACTIVATED"
	StateSuspended = "SUSPENDED"
)

// MFA is a user's multi-factor setting. A live exclusion makes Configured
// misleading.
type MFA struct {
	Configured     bool   `json:"configured"`
	Exclusion      bool   `json:"exclusion"`
	ExclusionUntil string `json:"exclusionUntil,omitempty"`
	ExclusionDays  int    `json:"exclusionDays,omitempty"`
}

// MFAEnrollment is a user's enrollment by kind of factor: NOT_ENROLLED, DISABLED,
// PENDING_ACTIVATION, ENROLLMENT_EXPIRED, IN_ENROLLMENT, PRE_ENROLLMENT, ENROLLED.
type MFAEnrollment struct {
	OverallStatus  string `json:"overallStatus"`
	TOTPStatus     string `json:"totpStatus,omitempty"`
	WebAuthnStatus string `json:"webAuthnStatus,omitempty"`
	PushStatus     string `json:"pushStatus,omitempty"`
	JCGoStatus     string `json:"jcGoStatus,omitempty"`
}

// AdminLink ties a user to an administrator.
type AdminLink struct {
	// ID is the administrator's; in files also the email address.
	ID        string   `json:"id"`
	RoleName  string   `json:"roleName,omitempty"`
	RoleNames []string `json:"roleNames,omitempty"`
}

// Address is a postal address of a user. Like phone numbers and attributes,
// addresses are replaced as a whole by each write; ids are made by the
// simulator.
type Address struct {
	ID            string `json:"id,omitempty"`
	Type          string `json:"type,omitempty"`
	StreetAddress string `json:"streetAddress,omitempty"`
	Locality      string `json:"locality,omitempty"`
	Region        string `json:"region,omitempty"`
	PostalCode    string `json:"postalCode,omitempty"`
	Country       string `json:"country,omitempty"`
}

// PhoneNumber is a telephone number of a user.
type PhoneNumber struct {
	ID     string `json:"id,omitempty"`
	Type   string `json:"type,omitempty"`
	Number string `json:"number,omitempty"`
}

// RecoveryEmail is where a user recovers a password.
type RecoveryEmail struct {
	Address  string `json:"address"`
	Verified bool   `json:"verified"`
}

// RestrictedField is a field of a user that an external source owns.
type RestrictedField struct {
	Field string `json:"field"`
	ID    string `json:"id,omitempty"`
	// Type is active_directory, federated_identity_provider or scim.
	Type string `json:"type"`
}

// Attribute is a custom attribute of a user.
type Attribute struct {
	// ID is made by each write through the API.
	ID    string `json:"_id,omitempty"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// SSHKey is a public key of a user.
type SSHKey struct {
	// ID is made by the write.
	ID        string `json:"_id,omitempty"`
	Name      string `json:"name"`
	PublicKey string `json:"public_key"`
	Created   string `json:"create_date,omitempty"`
}

// Admin is an administrator (API v1, /users), an account apart from the users.
type Admin struct {
	// ID is 24 hex digits. Derived from the email address when empty.
	ID        string `json:"_id,omitempty"`
	Email     string `json:"email"`
	FirstName string `json:"firstname,omitempty"`
	LastName  string `json:"lastname,omitempty"`
	// RoleName is left out of answers when empty, as it is on old accounts.
	RoleName string `json:"roleName,omitempty"`
	// RoleNames is left out of answers when nil.
	RoleNames []string `json:"roleNames,omitempty"`
	// RoleForm is how answers name the roles of RoleName and RoleNames; see RoleForms.
	RoleForm          string `json:"roleForm,omitempty"`
	EnableMultiFactor bool   `json:"enableMultiFactor,omitempty"`
	TOTPEnrolled      bool   `json:"totpEnrolled,omitempty"`
	Suspended         bool   `json:"suspended,omitempty"`
	APIKeyAllowed     bool   `json:"apiKeyAllowed,omitempty"`
	APIKeySet         bool   `json:"apiKeySet,omitempty"`
	// APIKeyPrefix is how the key begins, as apiKeyHash tells; left out when empty.
	APIKeyPrefix string `json:"apiKeyPrefix,omitempty"`
	// APIKeyCreated and APIKeyExpires are told beside it where the first is set; a key
	// without an expiry tells null.
	APIKeyCreated string `json:"apiKeyCreated,omitempty"`
	APIKeyExpires string `json:"apiKeyExpires,omitempty"`
	SessionCount  int64  `json:"sessionCount,omitempty"`
	Created       string `json:"created,omitempty"`
	Wire
}

// Role is an administrator role (API v2, /roles).
type Role struct {
	ID          string   `json:"id,omitempty"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Scopes      []string `json:"scopes,omitempty"`
	// BuiltIn marks the roles that every organization has.
	BuiltIn bool `json:"-"`
	Wire
}

// Group is a user group (API v2, /usergroups).
type Group struct {
	// ID is 24 hex digits. Derived from the name when empty.
	ID string `json:"id,omitempty"`
	// Name is unique without regard to case.
	Name        string `json:"name"`
	Email       string `json:"email,omitempty"`
	Description string `json:"description,omitempty"`
	// Attributes is a JSON object; null on the wire when empty.
	Attributes json.RawMessage `json:"attributes,omitempty"`
	// MembershipMethod is NOTSET, STATIC, DYNAMIC_REVIEW_REQUIRED or
	// DYNAMIC_AUTOMATED. Empty means STATIC, or DYNAMIC_AUTOMATED with a rule.
	MembershipMethod string `json:"membershipMethod,omitempty"`
	// Rule is the condition for members of a dynamic group; all must hold. The
	// simulator keeps the members of DYNAMIC_AUTOMATED groups as the rule says.
	Rule []Condition `json:"rule,omitempty"`
	// Exemptions are ids of users whom the rule does not touch; in files also
	// usernames or email addresses.
	Exemptions []string `json:"exemptions,omitempty"`
	Wire
}

// The ways in which a group gets its members.
const (
	MembershipNotSet           = "NOTSET"
	MembershipStatic           = "STATIC"
	MembershipDynamicReview    = "DYNAMIC_REVIEW_REQUIRED"
	MembershipDynamicAutomated = "DYNAMIC_AUTOMATED"
)

// Condition is one test of a dynamic group's rule.
type Condition struct {
	// Field is company, costCenter, department, description, employeeType,
	// jobTitle, location, email, username or userState.
	Field string `json:"field"`
	// Operator is eq, ne, in (values divided by bars) or search (part of the text
	// without regard to case).
	Operator string `json:"operator"`
	Value    string `json:"value"`
}

// Application is an application for single sign-on (API v1, /applications).
type Application struct {
	// ID is 24 hex digits. Derived from label and name when empty.
	ID string `json:"_id,omitempty"`
	// Name is the template's slug, which several applications may share.
	Name string `json:"name,omitempty"`
	// DisplayName is the template's title, DisplayLabel the administrator's label.
	DisplayName  string `json:"displayName,omitempty"`
	DisplayLabel string `json:"displayLabel,omitempty"`
	Description  string `json:"description,omitempty"`
	// Active is true when nil.
	Active  *bool  `json:"active,omitempty"`
	Beta    bool   `json:"beta,omitempty"`
	SSOURL  string `json:"ssoUrl,omitempty"`
	LogoURL string `json:"logoUrl,omitempty"`
	// LearnMore is the address of the vendor's help.
	LearnMore string `json:"learnMore,omitempty"`
	SSO       *SSO   `json:"sso,omitempty"`
	// Config is the application's settings, private keys included; {} when empty.
	Config  json.RawMessage `json:"config,omitempty"`
	Created string          `json:"created,omitempty"`
	Wire
}

// SSO is an application's kind of sign-on.
type SSO struct {
	// Type is saml, oidc, bookmark or anything else.
	Type   string `json:"type,omitempty"`
	Hidden bool   `json:"hidden,omitempty"`
	JIT    bool   `json:"jit,omitempty"`
	Beta   bool   `json:"beta,omitempty"`
}

// normalize completes a user and refuses what cannot be.
func (u *User) normalize() error {
	if u.Username == "" {
		return errors.New("a user needs a username")
	}
	switch u.State {
	case "":
		u.State = StateActivated
		if u.Suspended {
			u.State = StateSuspended
		}
	case StateStaged, StateActivated:
		if u.Suspended {
			return fmt.Errorf("user %q: conflicting state and suspended fields; leave one of them out", u.Username)
		}
	case StateSuspended:
		u.Suspended = true
	default:
		return fmt.Errorf("user %q: state %q is not STAGED, ACTIVATED or SUSPENDED", u.Username, u.State)
	}
	if u.Created == "" {
		u.Created = defaultCreated
	}
	return nil
}

// normalize completes a group and refuses what cannot be.
func (g *Group) normalize() error {
	if g.Name == "" {
		return errors.New("a group needs a name")
	}
	switch g.MembershipMethod {
	case "":
		g.MembershipMethod = MembershipStatic
		if len(g.Rule) > 0 {
			g.MembershipMethod = MembershipDynamicAutomated
		}
	case MembershipNotSet, MembershipStatic, MembershipDynamicReview, MembershipDynamicAutomated:
	default:
		return fmt.Errorf("group %q: membershipMethod %q is not %s, %s, %s or %s", g.Name, g.MembershipMethod,
			MembershipNotSet, MembershipStatic, MembershipDynamicReview, MembershipDynamicAutomated)
	}
	for _, c := range g.Rule {
		if err := c.check(); err != nil {
			return fmt.Errorf("group %q: rule: %w", g.Name, err)
		}
	}
	if len(g.Attributes) > 0 && !json.Valid(g.Attributes) {
		return fmt.Errorf("group %q: attributes is not JSON", g.Name)
	}
	return nil
}

// dynamic reports whether a rule decides who is a member.
func (g *Group) dynamic() bool { return g.MembershipMethod == MembershipDynamicAutomated }

// normalize completes an application and refuses what cannot be.
func (a *Application) normalize() error {
	if a.Name == "" && a.DisplayLabel == "" && a.DisplayName == "" {
		return errors.New("an application needs a name, a displayName or a displayLabel")
	}
	if a.Created == "" {
		a.Created = defaultCreated
	}
	if len(a.Config) > 0 && !json.Valid(a.Config) {
		return fmt.Errorf("application %q: config is not JSON", a.label())
	}
	return nil
}

// label is what people call the application.
func (a *Application) label() string {
	switch {
	case a.DisplayLabel != "":
		return a.DisplayLabel
	case a.DisplayName != "":
		return a.DisplayName
	default:
		return a.Name
	}
}

// normalize completes an administrator and refuses what cannot be.
func (a *Admin) normalize() error {
	if a.Email == "" {
		return errors.New("an administrator needs an email")
	}
	if !slices.Contains(RoleForms(), a.RoleForm) {
		return fmt.Errorf("administrator %s: roleForm %q is not one of %q", a.Email, a.RoleForm, RoleForms()[1:])
	}
	if a.Created == "" {
		a.Created = defaultCreated
	}
	return nil
}

// defaultCreated is the creation time of objects that name none: a constant, so
// that a tenant is the same whenever it is made.
const defaultCreated = "2026-01-05T08:00:00.000Z"
