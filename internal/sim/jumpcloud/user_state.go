package jcsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Mail is a message that the service sent to a person.
type Mail struct {
	To string
	// Kind is activation, welcome, reactivation or admin.
	Kind string
}

// Mails lists the messages that were sent, oldest first.
func (t *Tenant) Mails() []Mail {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Clone(t.mails)
}

func (t *Tenant) mail(kind string, to ...string) {
	for _, address := range to {
		if address != "" {
			t.mails = append(t.mails, Mail{To: address, Kind: kind})
			return
		}
	}
}

// onUser is a route that acts on the user in its path; it answers 200 with a text.
func onUser(act func(*call, *userNode) (answer, bool)) func(*call) answer {
	return func(c *call) answer {
		n, ok := c.t.users.index[c.r.PathValue("id")]
		if !ok {
			return c.notFound()
		}
		before := *n
		if a, ok := act(c, n); !ok {
			return a
		}
		c.s.lag.replaced(c, &before)
		return c.raw(http.StatusOK, `"OK"`)
	}
}

// expirePassword answers the same for a user who has no password.
func expirePassword(c *call, n *userNode) (answer, bool) {
	if n.restricts("password") {
		return c.invalid("password", "is managed by an external source"), false
	}
	must(c.t.updateUser(n, func(u *User) { u.PasswordExpired = true }))
	return answer{}, true
}

func unlockUser(c *call, n *userNode) (answer, bool) {
	must(c.t.updateUser(n, func(u *User) { u.AccountLocked, u.AccountLockedDate = false, "" }))
	return answer{}, true
}

// resetMFA forgets the factors of a user. The body is an exemption, or empty.
func resetMFA(c *call, n *userNode) (answer, bool) {
	var body struct {
		Exclusion      bool   `json:"exclusion"`
		ExclusionUntil string `json:"exclusionUntil"`
		ExclusionDays  int    `json:"exclusionDays"`
	}
	if len(c.body) > 0 {
		if err := json.Unmarshal(c.body, &body); err != nil {
			return c.invalid("body", err.Error()), false
		}
	}
	must(c.t.updateUser(n, func(u *User) {
		u.TOTPEnabled = false
		u.MFA = &MFA{Exclusion: body.Exclusion, ExclusionUntil: body.ExclusionUntil}
		if body.ExclusionDays > 0 {
			u.MFA.ExclusionUntil = time.Now().UTC().AddDate(0, 0, body.ExclusionDays).Format(wireTime)
		}
		if u.MFAEnrollment != nil {
			u.MFAEnrollment = &MFAEnrollment{
				OverallStatus: "NOT_ENROLLED", TOTPStatus: "NOT_ENROLLED", PushStatus: "NOT_ENROLLED",
				WebAuthnStatus: u.MFAEnrollment.WebAuthnStatus, JCGoStatus: u.MFAEnrollment.JCGoStatus,
			}
		}
	}))
	return answer{}, true
}

func syncMFA(*call, *userNode) (answer, bool) { return answer{}, true }

// activateUser takes a user from STAGED to ACTIVATED. One who is active already stays
// so, without an error and without a mail; one who is suspended is refused.
func activateUser(c *call, n *userNode) (answer, bool) {
	var body struct {
		Email any `json:"email"`
	}
	if len(c.body) > 0 {
		if err := json.Unmarshal(c.body, &body); err != nil {
			return c.invalid("body", err.Error()), false
		}
	}
	switch n.State {
	case StateActivated:
		return answer{}, true
	case StateSuspended:
		return c.invalid("state", "only staged users can be activated"), false
	}
	must(c.t.updateUser(n, func(u *User) { u.State = StateActivated }))
	to, _ := body.Email.(string)
	if body.Email == false {
		return answer{}, true
	}
	if n.Activated {
		c.t.mail("welcome", n.Email)
	} else {
		c.t.mail("activation", to, n.AlternateEmail, n.Email)
	}
	return answer{}, true
}

// suspendUser takes no body. Its shape is from a client only.
func suspendUser(c *call, n *userNode) (answer, bool) {
	must(c.t.updateUser(n, func(u *User) { u.State = StateSuspended }))
	return answer{}, true
}

// reactivateUsers sends the activation mail again, to the users of the body.
func reactivateUsers(c *call) answer {
	var body struct {
		IsSelectAll bool `json:"isSelectAll"`
		Models      []struct {
			ID string `json:"_id"`
		} `json:"models"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return c.invalid("body", err.Error())
	}
	if body.IsSelectAll || len(body.Models) == 0 {
		return c.invalid("models", "required")
	}
	for _, m := range body.Models {
		n, ok := c.t.users.index[m.ID]
		if !ok {
			return c.notFound()
		}
		c.t.mail("reactivation", n.AlternateEmail, n.Email)
	}
	return c.raw(http.StatusOK, `{"success":true}`)
}

// restricts reports whether an external source owns a field of the user.
func (u *User) restricts(field string) bool {
	return slices.ContainsFunc(u.RestrictedFields, func(r RestrictedField) bool { return r.Field == field })
}

// takePassword takes the password out of the body of a write. Where it reports false
// the answer refuses it: for a field that an external source owns, or by the rule of
// the organization, in the form that fullValidationDetails asks for.
func (c *call) takePassword(n *userNode) (password string, a answer, ok bool) {
	var body struct {
		Password *string `json:"password"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return "", c.invalid("body", err.Error()), false
	}
	if body.Password == nil {
		return "", answer{}, true
	}
	if n != nil && n.restricts("password") {
		return "", c.invalid("password", "is managed by an external source"), false
	}
	lacking := passwordLacks(*body.Password)
	if lacking == "" {
		return *body.Password, answer{}, true
	}
	if c.query.Get("fullValidationDetails") != "password" {
		return "", c.fail(http.StatusBadRequest, "Password validation fail"), false
	}
	return "", c.raw(http.StatusBadRequest, `{"code":400,"message":"Password validation fail","status":"INVALID_ARGUMENT","details":[`+
		`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolationsList":[{"field":"password","description":"`+lacking+`"}]}]}`), false
}

// passwordLacks names what a password lacks by the simulator's rule, or "".
func passwordLacks(p string) string {
	switch {
	case len(p) < 8:
		return "minLength"
	case !strings.ContainsFunc(p, func(r rune) bool { return r >= 'A' && r <= 'Z' }):
		return "uppercase"
	case !strings.ContainsFunc(p, func(r rune) bool { return r >= 'a' && r <= 'z' }):
		return "lowercase"
	case !strings.ContainsFunc(p, func(r rune) bool { return r >= '0' && r <= '9' }):
		return "numeric"
	case !strings.ContainsFunc(p, func(r rune) bool { return r > ' ' && r <= '~' && !isAlphanumeric(r) }):
		return "specialCharacter"
	default:
		return ""
	}
}

func isAlphanumeric(r rune) bool {
	return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
}

// setPassword gives a user a password. It ends its expiry and leaves a lock.
func (t *Tenant) setPassword(n *userNode, password string) {
	if password == "" {
		return
	}
	n.password = password
	must(t.updateUser(n, func(u *User) { u.Activated, u.PasswordExpired = true, false }))
}

// HasPassword reports whether a user could sign in with a password.
func (t *Tenant) HasPassword(ref, password string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n, err := t.user(ref)
	return err == nil && password != "" && n.password == password
}
