// Package signin finds out when accounts signed in last, and to which applications, from the
// events of Directory Insights. Few events are read; of many, JumpCloud is asked who signed in
// within a span of time, and the span is narrowed down.
package signin

import (
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

// The events that are sign-ins.
const (
	EventUser  = "user_login_attempt"
	EventAdmin = "admin_login_attempt"
	EventSSO   = "sso_auth"
)

// Types are the types of events that are sign-ins.
func Types() []string { return []string{EventUser, EventAdmin, EventSSO} }

// AccountOf is the account that an event is a successful sign-in of; false where it is of none.
// An administrator's sign-in names nobody who began it.
func AccountOf(e jumpcloud.Event) (account jumpcloud.EventObject, ok bool) {
	if account = e.Actor; account.ID == "" {
		account = e.Resource
	}
	return account, account.ID != "" && e.Success.IsTrue()
}

// Instant is when something happened: to the nanosecond, or in the hour that begins then. The
// zero value is one of which nothing is known.
type Instant struct {
	ns   int64
	hour bool
}

// At is an instant that is known exactly, InHour one that is not.
func At(t time.Time) Instant { return Instant{ns: t.UnixNano()} }

// InHour is within the hour that begins at a time.
func InHour(t time.Time) Instant { return Instant{ns: t.UnixNano(), hour: true} }

// Time is the instant, or the beginning of the hour that it is in.
func (i Instant) Time() time.Time { return time.Unix(0, i.ns).UTC() }

// IsZero reports whether nothing is known.
func (i Instant) IsZero() bool { return i.ns == 0 }

// ToHour reports whether only the hour is known.
func (i Instant) ToHour() bool { return i.hour }

// After reports whether the instant is later than another. Within one hour, what is known
// exactly is.
func (i Instant) After(other Instant) bool {
	if i.hour != other.hour && !i.IsZero() && !other.IsZero() {
		exact, hour := i, other
		if i.hour {
			exact, hour = other, i
		}
		if exact.ns >= hour.ns && exact.ns < hour.ns+int64(time.Hour) {
			return !i.hour
		}
	}
	return i.ns > other.ns
}

// Last are the newest sign-ins, by the id of the account.
type Last map[string]Instant

// Add notes a sign-in; the newest one stays.
func (l Last) Add(account string, at Instant) {
	if at.After(l[account]) {
		l[account] = at
	}
}

// Uses are the newest sign-ins by the id of the application, then of the account.
type Uses map[string]Last

// Add notes a sign-in to an application; the newest one stays.
func (u Uses) Add(app, account string, at Instant) { u.Of(app).Add(account, at) }

// Of are the sign-ins to an application, to be added to.
func (u Uses) Of(app string) Last {
	of := u[app]
	if of == nil {
		of = Last{}
		u[app] = of
	}
	return of
}

// Found are the sign-ins of a span of time.
type Found struct {
	// Since is from when on they were looked for, which is not before what was asked for.
	Since time.Time
	Last  Last
	Uses  Uses
	// Counted is how many events there are, where they are too many to be read; 0 where all
	// were read.
	Counted int64
	// ReadBecause says why all were read although they are many.
	ReadBecause string
}

// add notes an event.
func (f *Found) add(e jumpcloud.Event, uses bool) {
	account, ok := AccountOf(e)
	if !ok {
		return
	}
	f.Last.Add(account.ID, At(e.Time))
	if uses && e.Type == EventSSO {
		f.Uses.Add(e.Application.ID, account.ID, At(e.Time))
	}
}
