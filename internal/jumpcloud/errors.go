package jumpcloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Kind is the class of an [Error]: what a caller can do about it.
type Kind string

// The kinds of an [Error].
const (
	KindUnauthenticated Kind = "unauthenticated"   // the credential was refused, or a sign-in page came back
	KindPermission      Kind = "permission denied" // the credential may not do this
	KindNotFound        Kind = "not found"
	KindConflict        Kind = "conflict"    // it is already so, or something stands in the way
	KindInvalid         Kind = "invalid"     // the request, or the address it went to, is wrong
	KindUnavailable     Kind = "unavailable" // the server or the network failed, repeatedly
	KindTimeout         Kind = "timeout"     // no answer in time, repeatedly
	KindProtocol        Kind = "protocol"    // an answer that cannot be understood
	KindUnimplemented   Kind = "unimplemented"
)

// Error is a request that failed for good. It names the route by its pattern and
// holds neither credentials nor bodies beyond a short message of the server.
type Error struct {
	Kind   Kind
	Method string
	Route  string // pattern, such as /api/v2/usergroups/{id}/members
	// Object is the id in the route, "" for a route without one.
	Object string
	// List is what the route is about, in words.
	List string
	// Status is the last HTTP status; 0 when no answer arrived.
	Status int
	// Message is what the server said, redacted and cut.
	Message string
	// Hint says what to do next; "" when nothing better than the message is known.
	Hint string
	// Permission is the JumpCloud permission that the route needs.
	Permission string
	// Attempts counts the attempts made, Elapsed the time they took.
	Attempts int
	Elapsed  time.Duration
	// RetryAfter is how long the server wants to be left alone; 0 where it does not say.
	RetryAfter time.Duration
	// MaybeDone says of a write that it may have taken effect all the same: it was
	// sent, and no answer told its fate.
	MaybeDone bool
	// Err is the cause below HTTP, nil when an answer arrived.
	Err error
}

// Error says what was asked, what came back and what to do next.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Method, e.Route)
	if e.Object != "" {
		fmt.Fprintf(&b, " (id %s)", e.Object)
	}
	if e.List != "" {
		fmt.Fprintf(&b, " for %s", e.List)
	}
	b.WriteString(": ")
	if e.Status != 0 {
		fmt.Fprintf(&b, "HTTP %d", e.Status)
		if text := http.StatusText(e.Status); text != "" {
			b.WriteString(" " + text)
		}
	} else {
		b.WriteString("no answer")
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (after %d attempts in %s)", e.Attempts, e.Elapsed.Round(time.Second))
	}
	if e.MaybeDone {
		b.WriteString("; the change may have been made")
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, "; %s", e.Hint)
	}
	return b.String()
}

// Unwrap returns the cause below HTTP.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the [Error] in err's chain, "" when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

// IsNotFound reports whether the server said that the object does not exist.
func IsNotFound(err error) bool { return KindOf(err) == KindNotFound }

// IsAbsent reports whether the look-up of one object told that there is none of its
// id: the server does not find it or answers null, or the id is none to the server
// (400, 422) or to any route.
func IsAbsent(err error) bool {
	return IsNotFound(err) || isForm(err) || errors.Is(err, errBadID)
}

// errBadID is an id that no route can carry.
var errBadID = errors.New("invalid ID")

// errSamePage is a place in a list that leads to itself.
var errSamePage = errors.New("the next page of events is the same one")

// errNull is an object that is null.
var errNull = errors.New("null response")

// IsPermission reports whether the credential lacks a permission.
func IsPermission(err error) bool { return KindOf(err) == KindPermission }

// IsUnauthenticated reports whether the credential itself was refused.
func IsUnauthenticated(err error) bool { return KindOf(err) == KindUnauthenticated }

// IsConflict reports whether the server said that it is already so.
func IsConflict(err error) bool { return KindOf(err) == KindConflict }

// kindOfStatus classifies an HTTP status that ends a request.
func kindOfStatus(status int) Kind {
	switch {
	case status == http.StatusUnauthorized || status/100 == 3:
		return KindUnauthenticated
	case status == http.StatusForbidden, status == http.StatusPaymentRequired:
		return KindPermission
	case status == http.StatusNotFound || status == http.StatusGone:
		return KindNotFound
	case status == http.StatusConflict:
		return KindConflict
	case status == http.StatusRequestTimeout:
		return KindTimeout
	case status == http.StatusTooManyRequests:
		return KindUnavailable
	case status == http.StatusNotImplemented, status == http.StatusMethodNotAllowed:
		return KindUnimplemented
	case status >= 500:
		return KindUnavailable
	default:
		return KindInvalid
	}
}

// violation is what is wrong with a field of a request.
type violation struct {
	Field       text `json:"field"`
	Description text `json:"description"`
}

// messageOf finds the words in an error body: message, else error with its
// error_description, else those within error, else all of it. A page of HTML says nothing. What it returns may
// hold secrets and be of any length.
func messageOf(body []byte) string {
	var parsed struct {
		Message     text `json:"message"`
		Error       text `json:"error"`
		Description text `json:"error_description"`
		Details     many[struct {
			Violations many[violation] `json:"fieldViolations"`
			// ViolationsList is what the check of a password is answered with.
			ViolationsList many[violation] `json:"fieldViolationsList"`
		}] `json:"details"`
	}
	if err := json.Unmarshal(body, &parsed); err == nil {
		switch {
		case parsed.Message != "":
			message := string(parsed.Message)
			for _, d := range parsed.Details {
				for _, v := range append(d.Violations, d.ViolationsList...) {
					if !strings.Contains(message, string(v.Description)) {
						message += " (" + string(v.Description) + " in field " + string(v.Field) + ")"
					}
				}
			}
			return message
		case parsed.Error != "" && parsed.Description != "":
			return string(parsed.Error + ": " + parsed.Description)
		case parsed.Error != "" || parsed.Description != "":
			return string(parsed.Error + parsed.Description)
		}
		var nested struct {
			Error json.RawMessage `json:"error"`
		}
		if json.Unmarshal(body, &nested) == nil && bytes.HasPrefix(nested.Error, []byte("{")) {
			return messageOf(nested.Error)
		}
		return ""
	}
	if isHTML(body) {
		return ""
	}
	return string(body)
}

// isHTML reports whether a body is a page or other markup.
func isHTML(body []byte) bool {
	return strings.HasPrefix(strings.TrimLeft(string(body[:min(len(body), 512)]), " \t\r\n\ufeff"), "<")
}
