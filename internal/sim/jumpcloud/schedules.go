package jcsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Schedule is a change of a user's state at a later time (API v2, /bulk/userstates).
type Schedule struct {
	JobID string `json:"scheduledJobId"`
	Date  string `json:"scheduledDate"`
	State string `json:"state"`
	User  string `json:"systemUserId"`

	at time.Time
}

// Schedules lists the changes of state that are still to come, oldest first.
func (t *Tenant) Schedules() []Schedule {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Clone(t.schedules)
}

// runSchedules makes the changes whose time has come.
func (t *Tenant) runSchedules(now time.Time) {
	t.mu.RLock()
	due := slices.ContainsFunc(t.schedules, func(s Schedule) bool { return !now.Before(s.at) })
	t.mu.RUnlock()
	if !due {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.schedules = slices.DeleteFunc(t.schedules, func(s Schedule) bool {
		if now.Before(s.at) {
			return false
		}
		if n, ok := t.users.index[s.User]; ok {
			must(t.updateUser(n, func(u *User) { u.State = s.State }))
		}
		return true
	})
}

// scheduleStates schedules the state of users. The same schedule is accepted twice.
func scheduleStates(c *call) answer {
	var body struct {
		UserIDs   []string `json:"user_ids"`
		State     string   `json:"state"`
		StartDate string   `json:"start_date"`
		SendMails bool     `json:"send_activation_emails"`
		Override  string   `json:"activation_email_override"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return c.badRequest("the body is not a schedule")
	}
	at, err := time.Parse(time.RFC3339, body.StartDate)
	switch {
	case len(body.UserIDs) == 0:
		return c.badRequest("user_ids is required")
	case body.State != StateActivated && body.State != StateSuspended:
		return c.badRequest("state must be ACTIVATED or SUSPENDED")
	case err != nil:
		return c.badRequest("start_date must be a date-time")
	case body.Override != "" && len(body.UserIDs) > 1:
		return c.badRequest("activation_email_override is for a single user")
	}
	var made []Schedule
	for i, id := range body.UserIDs {
		if _, ok := c.t.users.index[id]; !ok {
			return c.badRequest("no user " + id)
		}
		made = append(made, Schedule{
			JobID: deriveID("schedule", id, strconv.Itoa(c.n), strconv.Itoa(i)), Date: at.UTC().Format(wireTime),
			State: body.State, User: id, at: at,
		})
	}
	c.t.schedules = append(c.t.schedules, made...)
	return answer{status: http.StatusCreated, body: appendJSON(c.buf, made), total: -1}
}

func listSchedules(c *call) answer {
	w, a, ok := c.window(maxLimit)
	if !ok {
		return a
	}
	user := c.query.Get("userid")
	found := []Schedule{}
	for _, s := range c.t.schedules {
		if user == "" || s.User == user {
			found = append(found, s)
		}
	}
	from, to := w.of(len(found))
	return answer{status: http.StatusOK, body: appendJSON(c.buf, found[from:to]), total: len(found)}
}

// deleteSchedule takes the id of the job, not of the user.
func deleteSchedule(c *call) answer {
	id := c.r.PathValue("id")
	before := len(c.t.schedules)
	c.t.schedules = slices.DeleteFunc(c.t.schedules, func(s Schedule) bool { return s.JobID == id })
	if len(c.t.schedules) == before {
		return c.notFound()
	}
	return noContent()
}
