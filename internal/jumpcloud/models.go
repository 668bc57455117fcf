package jumpcloud

import "time"

// Flag is a boolean that may be absent from an answer.
type Flag uint8

// The values of a [Flag].
const (
	Unset Flag = iota // absent, null or an empty text
	False
	True
	Odd // something that is neither true nor false
)

// IsTrue reports whether the flag is there and true.
func (f Flag) IsTrue() bool { return f == True }

// IsSet reports whether the flag is there and tells something.
func (f Flag) IsSet() bool { return f == True || f == False }

// The states of a user.
const (
	StateStaged    = "STAGED"
	StateActivated = "ACTIVATED"
	StateSuspended = "SUSPENDED"
)

// User is a person's or service's account in the directory ("system user",
// JumpCloud API v1, /systemusers). Texts are "" when unset, absent or null.
type User struct {
	ID             string
	Username       string
	Email          string
	AlternateEmail string
	FirstName      string
	MiddleName     string
	LastName       string
	DisplayName    string
	// State is STAGED, ACTIVATED or SUSPENDED; "" in data older than the field, and
	// whatever was sent where it is none of these.
	State     string
	Suspended Flag
	// Activated says that the user has set a password.
	Activated       Flag
	AccountLocked   Flag
	PasswordExpired Flag
	TOTPEnabled     Flag
	// MFA is nil where the answer does not carry the object.
	MFA *MFA
	// MFAEnrollment is mfaEnrollment.overallStatus, such as ENROLLED; "" when absent.
	MFAEnrollment string
	// TOTPStatus and PushStatus are the enrollment by kind; "" when absent.
	TOTPStatus, PushStatus string
	// Admin is the administrator that this user also is; nil when none.
	Admin            *AdminLink
	Company          string
	CostCenter       string
	Department       string
	Description      string
	EmployeeID       string // employeeIdentifier
	EmployeeType     string
	JobTitle         string
	Location         string
	ManagerID        string // id of another user
	Attributes       []Attribute
	LDAPBindingUser  Flag
	SambaServiceUser Flag
	// Sudo makes the user administrator of every device that the user can sign in to. Lists
	// of users have it where [Client.AlsoReadUsers] names "sudo".
	Sudo Flag
	// SSHKeys are the user's public keys. Lists of users have them where
	// [Client.AlsoReadUsers] names "ssh_keys".
	SSHKeys []SSHKey
	// ExternalSourceType names the directory that the user comes from, "" for none.
	ExternalSourceType string
	// Restricted are the fields that an external source owns, by name, with the type
	// of the source: active_directory, federated_identity_provider or scim.
	Restricted   map[string]string
	Organization string // organization id, often absent
	Created      time.Time
}

// MFA is the older of the two objects that tell about a second factor.
type MFA struct {
	Configured Flag
	// Exclusion makes Configured misleading while it lasts.
	Exclusion Flag
	// ExclusionUntil is zero when the exclusion has no end.
	ExclusionUntil time.Time
}

// Excluded reports whether an exclusion from the second factor is in force.
func (m MFA) Excluded(now time.Time) bool {
	return m.Exclusion.IsTrue() && (m.ExclusionUntil.IsZero() || now.Before(m.ExclusionUntil))
}

// AdminLink points from a user to the administrator who is the same person.
type AdminLink struct {
	ID        string
	RoleName  string
	RoleNames []string
}

// Attribute is a custom attribute of a user.
type Attribute struct {
	Name, Value string
}

// Admin is an administrator (JumpCloud API v1, /users). Its ids are apart from
// those of users.
type Admin struct {
	ID        string
	Email     string
	FirstName string
	LastName  string
	// Roles are those that the record names in any of its fields. An administrator may
	// have none, as old ones do; the case of names varies.
	Roles []RoleRef
	// UnreadRoles are fields of the record that may name roles too and are not known.
	UnreadRoles []string
	// Several says that the record has a list of roles, so that there can be several.
	Several bool
	// KeySet tells whether there is an API key, and KeyPrefix how it begins.
	KeySet    Flag
	KeyPrefix string
	// KeyAllowed says whether the administrator may use the API.
	KeyAllowed Flag
	// KeyCreated and KeyExpires are zero where the record does not tell. KeyDescribed says
	// that it describes the key, so that one without an expiry never expires.
	KeyCreated, KeyExpires time.Time
	KeyDescribed           bool
	Suspended              Flag
	TOTPEnrolled           Flag
	Organization           string
	Created                time.Time
}

// Role is an administrator role, built in or custom (JumpCloud API v2, /roles).
type Role struct {
	ID          string
	Name        string
	Description string
	Scopes      []string
	// Organization is the organization id, often absent.
	Organization string
}

// UserGroup is a group of users (JumpCloud API v2, /usergroups).
type UserGroup struct {
	ID          string
	Name        string
	Description string
	Email       string
	Type        string // user_group
	// MembershipMethod is NOTSET, STATIC, DYNAMIC_REVIEW_REQUIRED or
	// DYNAMIC_AUTOMATED; "" when absent.
	MembershipMethod string
	Organization     string // organization id, often absent
	// Confers is what belonging to the group gives beyond what is bound to it.
	Confers GroupAttributes
}

// GroupAttributes are the attributes of a user group that confer something on its members
// (JumpCloud API v2, attributes of a user group).
type GroupAttributes struct {
	// Sudo makes administrators of the devices that the group is bound to.
	Sudo, SudoWithoutPassword Flag
	// LDAPGroups and POSIXGroups are the names of groups that members are in elsewhere.
	LDAPGroups, POSIXGroups []string
	// RADIUSReply are the attributes that RADIUS answers with.
	RADIUSReply []Attribute
	Samba       Flag
}

// Application is an application of the organization (JumpCloud API v1,
// /applications). Its config, which can hold private keys, is neither asked for
// nor decoded.
type Application struct {
	ID           string
	Name         string // template, such as aws-sso; not unique
	DisplayName  string // title of the template
	DisplayLabel string // what people see
	Active       Flag
	SSOURL       string
	SSOType      string // saml, oidc, bookmark, ...
	Hidden       Flag
	LogoURL      string
	LearnMore    string
	Organization string
}

// Directory is a directory outside JumpCloud that it provisions to, or its own LDAP
// service (JumpCloud API v2, /directories).
type Directory struct {
	ID   string
	Name string
	// Type is [TypeGSuite], [TypeOffice365], [TypeLDAPServer], [TypeActiveDirectory] or
	// workday, which nobody is bound to.
	Type   string
	Domain string // the default domain; "" where there is none
}

// RADIUSServer is a RADIUS server (JumpCloud API v1, /radiusservers). Its shared secret is
// neither asked for nor decoded.
type RADIUSServer struct {
	ID              string
	Name            string
	NetworkSourceIP string
	MFA             string // DISABLED, ENABLED, REQUIRED or ALWAYS; "" when absent
	AuthIDP         string // JUMPCLOUD, AZURE, ...; "" when absent
	// LockoutAction and ExpirationAction say what happens to locked users and to those
	// whose password expired.
	LockoutAction, ExpirationAction string
	Organization                    string
}

// Device is a computer or telephone that JumpCloud manages (JumpCloud API v1, /systems).
type Device struct {
	ID           string
	DisplayName  string
	Hostname     string
	OS           string // such as "Mac OS X"
	OSFamily     string // darwin, windows, linux, ios, ipados, android
	Version      string // of the OS
	Build        string // of the OS; often absent
	SerialNumber string
	Vendor       string // of the hardware
	Model        string // often absent
	AgentVersion string
	// Encrypted is fde.active: whether the disk is encrypted.
	Encrypted Flag
	Active    Flag // whether the agent is connected
	// PrimaryUser is the id of the user whom the device belongs to; "" for none.
	PrimaryUser          string
	LastContact, Created time.Time
	Organization         string
}

// DeviceGroup is a group of devices (JumpCloud API v2, /systemgroups).
type DeviceGroup struct {
	ID               string
	Name             string
	Description      string
	MembershipMethod string // as of a [UserGroup]
	Organization     string
}

// Organization is a tenant that the credential can see (JumpCloud API v1,
// /organizations).
type Organization struct {
	ID          string
	DisplayName string // "" when unset
	Created     time.Time
}

// The types that an end of a [Connection] can have here.
const (
	TypeUser        = "user"
	TypeUserGroup   = "user_group"
	TypeApplication = "application"

	TypeGSuite          = "g_suite"
	TypeOffice365       = "office_365"
	TypeLDAPServer      = "ldap_server"
	TypeActiveDirectory = "active_directory"
	TypeRADIUSServer    = "radius_server"
	TypeDevice          = "system"
	TypeDeviceGroup     = "system_group"
)

// Connection is a direct edge from the object that was asked about to another
// (GraphConnection of JumpCloud API v2).
type Connection struct {
	Type string // TypeUser, TypeUserGroup, ...
	ID   string
	// Sudo says that who is at the other end is administrator of a device: by the edge,
	// or as a group whose members are administrators wherever it is bound. It is read for
	// devices and device groups only.
	Sudo bool
	// GroupSudo says that it is the group itself, so that no change of the edge ends it.
	GroupSudo bool
}

// Traversal is an object that is reached from the one that was asked about, with
// every way that leads there (GraphObjectWithPaths of JumpCloud API v2).
type Traversal struct {
	Type string
	ID   string
	// Paths hold the hops from the start, the object itself last. A path of one hop
	// is a direct edge.
	Paths [][]Connection
}
