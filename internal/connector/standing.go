package connector

import (
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// The states of a user (JumpCloud API v1, /systemusers), folded.
const (
	stateStaged    = "staged"
	stateActivated = "activated"
	stateSuspended = "suspended"
)

// standing is whether a user can sign in.
type standing struct {
	// details is why not, "" for one who can.
	details string
	// unknown says that the state is none of JumpCloud's, conflict that state and
	// suspended contradict each other.
	unknown, conflict bool
}

// standingOf works out whether a user can sign in. Whatever says that a user is
// disabled wins: a state of SUSPENDED, the flag suspended, which is all that data
// older than the field "state" has, a lock, STAGED. So do one of these flags that is
// neither true nor false, and a state that is none of JumpCloud's: ACTIVATED is the
// only one in which a user is known to be enabled. It is kept in the details.
// "activated" plays no part: it only tells that a password was set.
func standingOf(u *jumpcloud.User) standing {
	var s standing
	state := identity.Fold(strings.TrimSpace(u.State))
	switch state {
	case "":
	case stateActivated, stateStaged:
		s.conflict = u.Suspended.IsTrue()
	case stateSuspended:
		s.conflict = u.Suspended == jumpcloud.False
	default:
		s.unknown = true
	}
	switch {
	case state == stateSuspended || u.Suspended.IsTrue():
		s.details = "suspended"
	case u.AccountLocked.IsTrue():
		s.details = "locked"
	case state == stateStaged:
		s.details = "staged"
	case !s.unknown:
		s.details = unclear(u.Suspended, u.AccountLocked)
	}
	if s.unknown {
		name := printable.Clip(strings.TrimSpace(u.State), 100)
		if s.details == "" {
			s.details = name
		} else {
			s.details += " (state " + name + ")"
		}
	}
	return s
}

// unclear are the details of an account that is shown as disabled because a flag is
// neither true nor false, "" where none is.
func unclear(suspended, locked jumpcloud.Flag) string {
	switch {
	case suspended == jumpcloud.Odd:
		return "suspended is unclear"
	case locked == jumpcloud.Odd:
		return "account_locked is unclear"
	default:
		return ""
	}
}

// userDoubts are the doubts about a user's record.
func userDoubts(u *jumpcloud.User) []syncer.Fact {
	facts := doubtStanding.odd("user", u.ID, namedFlag{"suspended", u.Suspended}, namedFlag{"account_locked", u.AccountLocked})
	facts = append(facts, oddFlags("user", u.ID,
		namedFlag{"totp_enabled", u.TOTPEnabled}, namedFlag{"password_expired", u.PasswordExpired},
		namedFlag{"ldap_binding_user", u.LDAPBindingUser}, namedFlag{"samba_service_user", u.SambaServiceUser})...)
	switch s := standingOf(u); {
	case s.unknown:
		facts = append(facts, doubtUserState.of(u.ID, strings.TrimSpace(u.State)))
	case s.conflict:
		facts = append(facts, doubtUserConflict.of(u.ID, u.State))
	}
	return facts
}
