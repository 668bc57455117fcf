package jcsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Routes selects routes by patterns of the form "METHOD /path", in which * stands
// for any text: "GET /api/v2/usergroups/{id}/members", "* /api/v2/*", "*". A
// pattern that begins with a slash means any method.
type Routes []string

// Has reports whether a route is among them.
func (r Routes) Has(route string) bool {
	for _, pattern := range r {
		if routeMatches(pattern, route) {
			return true
		}
	}
	return false
}

// routeMatches compares one pattern with a route.
func routeMatches(pattern, route string) bool {
	if strings.HasPrefix(pattern, "/") {
		_, path, _ := strings.Cut(route, " ")
		return glob(pattern, path)
	}
	return glob(pattern, route)
}

// glob compares text with a pattern in which * stands for any text.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, parts[last])
}

// Settings is what can be changed while a server runs: by [Server.SetSettings],
// and through the control route as JSON with the names given here. Times are
// written like "20ms" in JSON.
type Settings struct {
	// Latency is how long every answer takes at least; Jitter is added to it, evenly
	// spread.
	Latency time.Duration `json:"-"`
	Jitter  time.Duration `json:"-"`
	Rate    Rate          `json:"rate"`
	Churn   Churn         `json:"churn"`
	Behavior
	Faults []Fault `json:"faults"`
}

// Rate limits requests. Its zero value does not. JumpCloud publishes neither
// limits nor headers, so everything here is to be varied.
type Rate struct {
	// PerSecond is how many requests a second are answered, 0 for any number;
	// Burst is how many at once after a quiet time (at least 1).
	PerSecond float64 `json:"perSecond,omitempty"`
	Burst     int     `json:"burst,omitempty"`
	// Concurrent is how many requests may be under way, 0 for any number.
	Concurrent int `json:"concurrent,omitempty"`
	// RetryAfter says what the refusal tells: "" nothing, "seconds" or "date" the
	// truth, "absurd" a year, or any other text as it is.
	RetryAfter string `json:"retryAfter,omitempty"`
	// Status of the refusal; 0 means 429.
	Status int `json:"status,omitempty"`
	// Form of its body, as in [Fault].
	Form string `json:"form,omitempty"`
}

// Behavior holds what differs, or may differ, between tenants and days of the
// real service. The zero value follows the documents.
type Behavior struct {
	// NoTotal leaves out the total: the x-total-count header of API v2, or
	// totalCount in lists of API v1.
	NoTotal Routes `json:"noTotal,omitempty"`
	// MovingTotals adds 0, 1, 2, 0, 1, 2, … to the total, though nothing changes.
	MovingTotals Routes `json:"movingTotals,omitempty"`
	// Permute gives lists that are not sorted another order with each request.
	Permute Routes `json:"permute,omitempty"`
	// IgnoreSort takes the sort parameter and does nothing with it.
	IgnoreSort Routes `json:"ignoreSort,omitempty"`
	// RefuseSort answers 400 to the sort parameter.
	RefuseSort Routes `json:"refuseSort,omitempty"`
	// ClampLimit lowers the limit parameter to at most the number given, silently,
	// by route pattern.
	ClampLimit map[string]int `json:"clampLimit,omitempty"`
	// WrongNotFound answers 404 although the object is there.
	WrongNotFound Routes `json:"wrongNotFound,omitempty"`
	// EmptyForMissing answers an empty list for an owner that does not exist.
	EmptyForMissing Routes `json:"emptyForMissing,omitempty"`
	// HideRows leaves a share of the rows out of lists that still count them, in
	// percent, by route pattern: 100 shows none. The same rows are hidden each time.
	HideRows map[string]int `json:"hideRows,omitempty"`
	// NullRows shows dangling edges as null instead of leaving them out.
	NullRows bool `json:"nullRows,omitempty"`
	// RefuseSearch, RefuseRoles and RefuseAdmins answer with that status on
	// /api/search/systemusers, /api/v2/roles and /api/users; RefuseTargets on
	// associations that are asked for with more than one target. 0 serves them.
	RefuseSearch  int `json:"refuseSearch,omitempty"`
	RefuseRoles   int `json:"refuseRoles,omitempty"`
	RefuseAdmins  int `json:"refuseAdmins,omitempty"`
	RefuseTargets int `json:"refuseTargets,omitempty"`
	// Organization is the id or name of the one that every credential opens, in place of
	// its own: as if the name of a key led to another key. Empty leaves them alone.
	Organization string `json:"organization,omitempty"`
	// IgnoreOrg takes no notice of the x-org-id header, as if a proxy took it out.
	IgnoreOrg bool `json:"ignoreOrg,omitempty"`
	// RefuseOrg answers 403 to requests with an x-org-id header, as routes do that do
	// not support it.
	RefuseOrg Routes `json:"refuseOrg,omitempty"`
	// LagReads hides a write to a membership or association from that many reads
	// of the lists that it changes, and LagTime hides it for a time; both must have
	// passed before it shows.
	LagReads int           `json:"lagReads,omitempty"`
	LagTime  time.Duration `json:"-"`
	// LagObjects makes reads of users, groups and administrators late in the same way:
	// they show what was before a write.
	LagObjects bool `json:"lagObjects,omitempty"`
	// SingleRole is a service that knows one role for each administrator: roleNames
	// are ignored in writes.
	SingleRole bool `json:"singleRole,omitempty"`
	// UndoDynamic undoes member writes to groups that a rule decides, after
	// UndoAfterReads reads of the group's members. Without it they stay.
	UndoDynamic    bool `json:"undoDynamic,omitempty"`
	UndoAfterReads int  `json:"undoAfterReads,omitempty"`
	// RefuseInsights answers with that status on /insights/directory/v1; 0 serves it.
	RefuseInsights int `json:"refuseInsights,omitempty"`
	// InsightsDelay is how late events are seen, at most: an event has the same delay each
	// time. RepeatEvents shows every other one twice, and PlainDistinct lists distinct
	// values without counts.
	InsightsDelay time.Duration `json:"-"`
	RepeatEvents  bool          `json:"repeatEvents,omitempty"`
	PlainDistinct bool          `json:"plainDistinct,omitempty"`
	// CutDistinct is how many distinct values an answer has at most; 0 means all.
	CutDistinct int `json:"cutDistinct,omitempty"`
	// Compress answers with gzip where the client accepts it.
	Compress bool `json:"compress,omitempty"`
}

// Fault spoils some answers. Which ones: those of requests that match Route and
// Path, without the first After of them, of the rest every Every-th, of these a
// share of Probability, and Times of them in all.
type Fault struct {
	// Name tells faults apart in [Stats]; empty means the effect.
	Name string `json:"name,omitempty"`
	// Route is a pattern as in [Routes]; empty matches all.
	Route string `json:"route,omitempty"`
	// Path is a pattern that the path and query must match, to hit one object or
	// page: "*/65a000000000000000000010/members*skip=200*". Empty matches all.
	Path        string  `json:"path,omitempty"`
	After       int     `json:"after,omitempty"`
	Every       int     `json:"every,omitempty"`
	Probability float64 `json:"probability,omitempty"`
	Times       int     `json:"times,omitempty"`

	// Effect is one of the Effect constants; empty means status.
	Effect string `json:"effect,omitempty"`
	// Status is the status of effects that answer by themselves.
	Status int `json:"status,omitempty"`
	// RetryAfter is sent as it is, but "date+5s" becomes the date in five seconds.
	RetryAfter string `json:"retryAfter,omitempty"`
	// Form is the form of the body: "" as the API has it, "spec" the documents'
	// code, message and status, "v1" error and message, "text", "html", "empty".
	Form string `json:"form,omitempty"`
	// Body replaces the body.
	Body string `json:"body,omitempty"`
	// ContentType replaces the content type.
	ContentType string `json:"contentType,omitempty"`
	// Location of a redirect; empty means /login.
	Location string `json:"location,omitempty"`
	// Delay of the effects delay and slow.
	Delay time.Duration `json:"-"`
	// Size of the effect huge, in bytes.
	Size int64 `json:"size,omitempty"`
	// Delta of the effect total.
	Delta int `json:"delta,omitempty"`
	// Edits of the effect edit, in the tenant that the request asks.
	Edits []Edit `json:"edits,omitempty"`
}

// The effects of a fault. Those marked (*) change the answer of the request; any
// number of them can meet. Of the others the first one decides.
const (
	// EffectStatus answers with Status and does nothing else.
	EffectStatus = "status"
	// EffectStatusAfter does what was asked, then answers with Status.
	EffectStatusAfter = "status-after"
	// EffectReset drops the connection before anything is done.
	EffectReset = "reset"
	// EffectResetAfter does what was asked, then drops the connection.
	EffectResetAfter = "reset-after"
	// EffectHang never answers; it ends with the request's context.
	EffectHang = "hang"
	// EffectLogin answers 200 with the sign-in page.
	EffectLogin = "login"
	// EffectRedirect answers 302 to Location.
	EffectRedirect = "redirect"
	// EffectEmpty does what was asked and answers 200 with no body.
	EffectEmpty = "empty"
	// EffectBody does what was asked and answers with Body and Status (200).
	EffectBody = "body"
	// EffectHuge answers 200 with Size bytes of a JSON list without an end.
	EffectHuge = "huge"
	// EffectDelay (*) waits for Delay first.
	EffectDelay = "delay"
	// EffectCut (*) sends half of the body, then drops the connection.
	EffectCut = "cut"
	// EffectSlow (*) sends the body in twenty pieces, Delay apart.
	EffectSlow = "slow"
	// EffectType (*) sends the right body as ContentType, or as text/html.
	EffectType = "content-type"
	// EffectTotal (*) adds Delta to the total.
	EffectTotal = "total"
	// EffectRevoke (*) makes all access tokens invalid first.
	EffectRevoke = "revoke-tokens"
	// EffectEdit (*) edits the tenant first.
	EffectEdit = "edit"
)

// check refuses a fault that cannot work.
func (f *Fault) check() error {
	switch f.Effect {
	case "", EffectStatus, EffectStatusAfter:
		if f.Status < 200 || f.Status > 599 {
			return fmt.Errorf("fault %q: status %d is not between 200 and 599", f.name(), f.Status)
		}
	case EffectSlow, EffectDelay:
		if f.Delay <= 0 {
			return fmt.Errorf("fault %q needs a delay above 0", f.name())
		}
	case EffectHuge:
		if f.Size <= 0 {
			return fmt.Errorf("fault %q needs a size above 0", f.name())
		}
	case EffectEdit:
		if len(f.Edits) == 0 {
			return fmt.Errorf("fault %q needs edits", f.name())
		}
	case EffectReset, EffectResetAfter, EffectHang, EffectLogin, EffectRedirect, EffectEmpty, EffectBody,
		EffectCut, EffectType, EffectTotal, EffectRevoke:
	default:
		return fmt.Errorf("fault %q: unknown effect %q", f.name(), f.Effect)
	}
	if f.Probability < 0 || f.Probability > 1 {
		return fmt.Errorf("fault %q: probability %v is not between 0 and 1", f.name(), f.Probability)
	}
	switch f.Form {
	case "", "spec", "v1", "text", "html", "empty":
	default:
		return fmt.Errorf("fault %q: unknown form %q", f.name(), f.Form)
	}
	return nil
}

func (f *Fault) name() string {
	switch {
	case f.Name != "":
		return f.Name
	case f.Effect != "":
		return f.Effect
	default:
		return EffectStatus
	}
}

// clone copies settings, so that changing the copy changes nothing else.
func (s *Settings) clone() Settings {
	c := *s
	c.Faults = slices.Clone(c.Faults)
	c.ClampLimit, c.HideRows = maps.Clone(c.ClampLimit), maps.Clone(c.HideRows)
	c.Churn.Changes = slices.Clone(c.Churn.Changes)
	for _, list := range []*Routes{
		&c.NoTotal, &c.RefuseOrg, &c.MovingTotals, &c.Permute, &c.IgnoreSort, &c.RefuseSort, &c.WrongNotFound, &c.EmptyForMissing,
	} {
		*list = slices.Clone(*list)
	}
	return c
}

// check refuses settings that cannot work.
func (s *Settings) check() error {
	if s.Latency < 0 || s.Jitter < 0 || s.LagTime < 0 || s.Rate.PerSecond < 0 || s.Rate.Concurrent < 0 {
		return errors.New("settings: a time or a rate is below 0")
	}
	for pattern, percent := range s.HideRows {
		if percent < 0 || percent > 100 {
			return fmt.Errorf("settings: hideRows of %q: %d is not between 0 and 100", pattern, percent)
		}
	}
	for i := range s.Faults {
		if err := s.Faults[i].check(); err != nil {
			return err
		}
	}
	return s.Churn.check()
}

// LoadSettings reads settings from JSON. Unknown names are refused.
func LoadSettings(r io.Reader) (Settings, error) {
	var s Settings
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return Settings{}, fmt.Errorf("read simulator settings: %w", err)
	}
	return s, s.check()
}
