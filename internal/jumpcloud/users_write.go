package jumpcloud

import (
	"context"
	"maps"
	"net/url"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// Fields are fields of an object under the names of the API, to be written. A value of
// type [secret.String] is sent as it is and printed as redacted.
type Fields map[string]any

// revealed is what is sent.
func (f Fields) revealed() map[string]any {
	sent := maps.Clone(f)
	for name, v := range f {
		if s, ok := v.(secret.String); ok {
			sent[name] = s.Reveal()
		}
	}
	return sent
}

// secrets are the values that no message may repeat.
func (f Fields) secrets() []secret.String {
	var list []secret.String
	for _, v := range f {
		if s, ok := v.(secret.String); ok && !s.Empty() {
			list = append(list, s)
		}
	}
	return list
}

// FindUsers reads a window of the users whose username or email address contains a
// term without regard to case, sorted by id. A tenant that ignores the term lists
// everybody, so the caller compares.
//
// JumpCloud API v1, POST /search/systemusers.
func (c *Client) FindUsers(ctx context.Context, term string, w paging.Window) (paging.Page[User], error) {
	body := map[string]any{
		"searchFilter": map[string]any{"searchTerm": term, "fields": []string{"username", "email"}},
		"fields":       userFields, "sort": "_id", "skip": w.Skip, "limit": w.Limit,
	}
	return readPage(ctx, c, call{route: routeUserSearch, body: body}, (*userRow).model)
}

// CreateUser makes a user. It is sent once: see [Error.MaybeDone]. A username or email
// address that is taken is refused.
//
// JumpCloud API v1, POST /systemusers.
func (c *Client) CreateUser(ctx context.Context, fields Fields) error {
	return c.write(ctx, call{route: routeCreateUser, query: validation(fields), body: fields.revealed(), secrets: fields.secrets()})
}

// UpdateUser changes the fields of a user that are given; lists are replaced whole.
//
// JumpCloud API v1, PUT /systemusers/{id}.
func (c *Client) UpdateUser(ctx context.Context, id string, fields Fields) error {
	return c.write(ctx, call{route: routeUpdateUser, id: id, query: validation(fields), body: fields.revealed(), secrets: fields.secrets()})
}

// validation asks for what a password lacks, where one is sent.
func validation(fields Fields) url.Values {
	if len(fields.secrets()) == 0 {
		return nil
	}
	return url.Values{"fullValidationDetails": {"password"}}
}

// DeleteUser deletes a user. heir is who becomes the manager of the user's direct
// reports: an id, "null" for nobody, or "" to have the deletion of a manager refused,
// which [IsConflict] tells.
//
// JumpCloud API v1, DELETE /systemusers/{id}.
func (c *Client) DeleteUser(ctx context.Context, id, heir string) error {
	query := url.Values{}
	setUnlessEmpty(query, "cascade_manager", heir)
	return c.write(ctx, call{route: routeDeleteUser, id: id, query: query})
}

// ExpirePassword makes a user choose a new password.
//
// JumpCloud API v1, POST /systemusers/{id}/expire.
func (c *Client) ExpirePassword(ctx context.Context, id string) error {
	return c.write(ctx, call{route: routeExpirePassword, id: id})
}

// UnlockUser ends a lock after too many attempts to sign in.
//
// JumpCloud API v1, POST /systemusers/{id}/unlock.
func (c *Client) UnlockUser(ctx context.Context, id string) error {
	return c.write(ctx, call{route: routeUnlockUser, id: id})
}

// ResetMFA forgets a user's second factors. Until the exemption ends the user can
// sign in without one and enroll; the zero time is no exemption.
//
// JumpCloud API v1, POST /systemusers/{id}/resetmfa.
func (c *Client) ResetMFA(ctx context.Context, id string, exemptUntil time.Time) error {
	call := call{route: routeResetMFA, id: id}
	if !exemptUntil.IsZero() {
		call.body = map[string]any{"exclusion": true, "exclusionUntil": exemptUntil.UTC().Format(time.RFC3339)}
	}
	return c.write(ctx, call)
}

// ActivateUser takes a staged user to ACTIVATED. mail says where the activation mail
// goes: an address, "" for the user's own, or [NoMail].
//
// JumpCloud API v1, POST /systemusers/{id}/state/activate.
func (c *Client) ActivateUser(ctx context.Context, id, mail string) error {
	body := map[string]any{}
	switch mail {
	case "":
	case NoMail:
		body["email"] = false
	default:
		body["email"] = mail
	}
	return c.write(ctx, call{route: routeActivateUser, id: id, body: body})
}

// NoMail activates a user without a mail.
const NoMail = "none"

// MailActivation sends a user the activation mail again. Each request is another mail.
//
// JumpCloud API v1, POST /systemusers/reactivate, which its specification does not
// describe.
func (c *Client) MailActivation(ctx context.Context, id string) error {
	return c.write(ctx, call{route: routeReactivate, body: map[string]any{
		"isSelectAll": false, "models": []map[string]string{{"_id": id}},
	}})
}

// Schedule is a change of a user's state at a later time.
type Schedule struct {
	JobID  string
	At     time.Time
	State  string
	UserID string
}

// Schedules reads a window of the changes of state that are scheduled for a user; at
// most 100 rows may be asked for.
//
// JumpCloud API v2, GET /bulk/userstates.
func (c *Client) Schedules(ctx context.Context, userID string, w paging.Window) (paging.Page[Schedule], error) {
	query := queryOf(w)
	query.Set("userid", userID)
	return readPage(ctx, c, call{route: routeSchedules, query: query}, (*scheduleRow).model)
}

// ScheduleState schedules the state of a user, ACTIVATED or SUSPENDED. A repetition
// schedules it twice.
//
// JumpCloud API v2, POST /bulk/userstates.
func (c *Client) ScheduleState(ctx context.Context, userID, state string, at time.Time) error {
	return c.write(ctx, call{route: routeScheduleState, body: map[string]any{
		"user_ids": []string{userID}, "state": state, "start_date": at.UTC().Format(time.RFC3339), "send_activation_emails": false,
	}})
}

type scheduleRow struct {
	JobID  text  `json:"scheduledJobId"`
	Date   stamp `json:"scheduledDate"`
	State  text  `json:"state"`
	UserID text  `json:"systemUserId"`
}

func (r *scheduleRow) model() (Schedule, bool, error) {
	return Schedule{JobID: string(r.JobID), At: r.Date.Time, State: string(r.State), UserID: string(r.UserID)}, r.JobID != "", nil
}
