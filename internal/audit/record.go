package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
)

// Event is what a record tells of a change.
type Event string

// The events.
const (
	// EventIntent is that a change is about to be sent.
	EventIntent Event = "intent"
	// EventOutcome is how it ended.
	EventOutcome Event = "outcome"
)

// The longest texts that a record takes over from outside. JumpCloud bounds names
// to less; an error may quote an answer.
const (
	maxNameBytes  = 1024
	maxErrorBytes = 4096
	maxInherited  = 100
)

// Record is one line of the trail.
type Record struct {
	Event Event `json:"event"`
	// Change is the KSUID that intent and outcome of a change share.
	Change       string              `json:"change"`
	Time         time.Time           `json:"time"` // in UTC
	Organization Organization        `json:"organization"`
	By           Actor               `json:"by"`
	Credential   Credential          `json:"credential"`
	Operation    provision.Operation `json:"operation"`
	// Entitlement and Principal are those of a grant or revoke only.
	Entitlement string          `json:"entitlement,omitempty"` // entitlement id
	Resource    provision.Named `json:"resource"`
	Principal   provision.Named `json:"principal,omitzero"`
	// Action names the action that the change is a step of, and Run the time that it was
	// invoked.
	Action string `json:"action,omitempty"`
	Run    string `json:"run,omitempty"`

	// The next three are in an intent only: what is sent, which attributes it sets, and
	// how it is taken back.

	Request *provision.Request `json:"request,omitempty"`
	Fields  []provision.Field  `json:"fields,omitempty"`
	Undo    string             `json:"undo,omitempty"`

	// The rest is in an outcome only.

	Result provision.Result `json:"result,omitempty"`
	// Attempts counts the requests that were sent to make the change.
	Attempts int `json:"attempts,omitempty"`
	// Inherited names the groups that confer an access which was revoked.
	Inherited []provision.Named `json:"inherited,omitempty"`
	// InheritedMore counts those that are left out where there are very many.
	InheritedMore int    `json:"inherited_more,omitempty"`
	Error         string `json:"error,omitempty"`
}

// Organization is the tenant that is changed.
type Organization struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	Host string `json:"host"` // of its API
}

// Actor is who makes a change: a person who started the program, or ConductorOne
// by a task.
type Actor struct {
	User string `json:"user,omitempty"` // login name, as the operating system tells
	UID  string `json:"uid,omitempty"`
	Host string `json:"host,omitempty"`
	// Task is the id of ConductorOne's task; empty for a change from the command
	// line.
	Task string `json:"task,omitempty"`
}

// Credential tells with which credential a change is made, one of the two.
type Credential struct {
	KeyPrefix      string `json:"api_key_prefix,omitempty"`
	ServiceAccount string `json:"service_account,omitempty"` // client id
}

// record makes the record of an event.
func (t *Trail) record(event Event, c provision.Change) Record {
	by := t.options.Actor
	by.Task = c.Task
	return Record{
		Event: event, Change: c.ID, Time: time.Now().UTC(),
		Organization: t.options.Organization, By: by, Credential: t.options.Credential,
		Operation: c.Operation, Entitlement: printable.Shorten(c.Entitlement, maxNameBytes),
		Resource: clipNamed(c.Resource), Principal: clipNamed(c.Principal),
		Action: c.Action, Run: c.Run,
	}
}

// sameChange reports whether two records are about one change, made twice.
func (r Record) sameChange(other Record) bool {
	if r.Entitlement != "" || other.Entitlement != "" {
		return r.Entitlement == other.Entitlement && r.Principal.Type == other.Principal.Type && r.Principal.ID == other.Principal.ID
	}
	return r.Operation == other.Operation && r.Resource.Type == other.Resource.Type &&
		(r.Resource.ID == other.Resource.ID || r.Operation == provision.OperationCreate && r.Resource.Name == other.Resource.Name)
}

// line is the record as a line of the file.
func (r Record) line() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("encode audit record: %w", err)
	}
	return b.Bytes(), nil
}

// attrs are the same facts for the log.
func (r Record) attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("event", string(r.Event)), slog.String("change_id", r.Change), slog.String("operation", string(r.Operation)),
	}
	if r.Entitlement != "" {
		attrs = append(attrs, slog.String("entitlement", r.Entitlement))
	}
	attrs = append(attrs, slog.String("resource", r.Resource.String()))
	if r.Principal != (provision.Named{}) {
		attrs = append(attrs, slog.String("principal", r.Principal.String()))
	}
	attrs = append(attrs, slog.String("organization_id", r.Organization.ID), slog.String("host", r.Organization.Host))
	for _, f := range []struct{ key, value string }{
		{"action", r.Action},
		{"run", r.Run},
		{"user", r.By.User},
		{"uid", r.By.UID},
		{"from", r.By.Host},
		{"task_id", r.By.Task},
		{"api_key_prefix", r.Credential.KeyPrefix},
		{"service_account", r.Credential.ServiceAccount},
		{"result", string(r.Result)},
		{"still_conferred_by", list(r.Inherited, r.InheritedMore)},
		{"error", r.Error},
	} {
		if f.value != "" {
			attrs = append(attrs, slog.String(f.key, f.value))
		}
	}
	if r.Attempts > 0 {
		attrs = append(attrs, slog.Int("attempts", r.Attempts))
	}
	return attrs
}

func list(named []provision.Named, more int) string {
	words := make([]string, 0, len(named)+1)
	for _, n := range named {
		words = append(words, n.String())
	}
	if more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

func clipNamed(n provision.Named) provision.Named {
	return provision.Named{Type: printable.Shorten(n.Type, maxNameBytes), ID: printable.Shorten(n.ID, maxNameBytes), Name: printable.Shorten(n.Name, maxNameBytes)}
}
