package jumpcloud

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/backoff"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/limiter"
)

// FuzzRetryAfter holds what a server may ask for to its bounds: whatever stands in
// the headers, the wait is none or between nothing and the cap.
func FuzzRetryAfter(f *testing.F) {
	const date = "Wed, 21 Oct 2015 07:28:00 GMT"
	for _, seed := range []string{
		"", "0", "5", " 7 ", "1.5", "-1", "1e3", "1e400", "-1e400", "NaN", "Inf", "-Inf", "0x10", "99999999999999999999", "31536000",
		date, "Wed, 21 Oct 9999 07:28:00 GMT", "Wednesday, 21-Oct-15 07:28:00 GMT", "Wed Oct 21 07:28:00 2015", "soon", "\x00", "١٢",
	} {
		f.Add(seed, "")
		f.Add(seed, date)
		f.Add(seed, "Sat, 01 Jan 0000 00:00:00 GMT")
	}
	f.Fuzz(func(t *testing.T, after, date string) {
		h := http.Header{"Retry-After": {after}}
		if date != "" {
			h.Set("Date", date)
		}
		now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
		wait, ok := retryAfter(h, now)
		if wait < 0 || wait > maxRetryAfter || !ok && wait != 0 {
			t.Errorf("Retry-After %q at %q: %s, %t", after, date, wait, ok)
		}
		if ok && strings.TrimSpace(after) == "" {
			t.Errorf("nothing was asked for, and it is %s", wait)
		}
		// A request that is retried long comes to its end whatever a server asks for.
		synctest.Test(t, func(t *testing.T) {
			attempts := 0
			new(limiter.RetryPolicy).Try(t.Context(), func(n int) limiter.Result {
				if attempts = n; n > 1000 {
					t.Errorf("Retry-After %q: %d attempts and no end", after, n)
					return limiter.Result{}
				}
				return (&failure{err: new(Error), class: retryLong, after: wait}).retryResult()
			}, func(int, time.Duration) { backoff.Sleep(t.Context(), time.Second) })
			if attempts < 10 {
				t.Errorf("Retry-After %q: retries ended after %d attempts", after, attempts)
			}
		})
	})
}

// FuzzObjects decodes single objects and rows of every kind: no JSON is too odd,
// and whatever is taken has an id.
func FuzzObjects(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"_id":"a"}`, `{"id":7}`, `{"_id":null,"id":true}`, `{"_id":"a","roleNames":["x",null,3],"created":"2020-01-01"}`,
		`{"_id":"a","attributes":[{"name":1,"value":{}}],"mfa":false,"addresses":"none","admin":{"id":{}}}`,
		`{"_id":"a","attributes":[7,null,"x",[],{"name":"badge","value":"771"}],"roleNames":[{},[]],"scopes":[{"a":1}],"sso":[1],"mfa":[]}`,
		`{"to":{"id":"a","type":"user"},"paths":[[]]}`, `{"id":"a","scopes":"all","type":7}`, `{"id":"a","sso":{"type":[],"hidden":"yes"},"active":"no"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		decodeObject(t, raw, (*userRow).model, func(u User) string { return u.ID })
		decodeObject(t, raw, (*adminRow).model, func(a Admin) string { return a.ID })
		decodeObject(t, raw, (*groupRow).model, func(g UserGroup) string { return g.ID })
		decodeObject(t, raw, (*roleRow).model, func(Role) string { return "roles are known by their names" })
		decodeObject(t, raw, (*organizationRow).model, func(o Organization) string { return o.ID })
		decodeObject(t, raw, (*applicationRow).model, func(a Application) string { return a.ID })
		decodeObject(t, raw, (*connectionRow).model, func(c Connection) string { return c.ID })
		decodeObject(t, raw, (*traversalRow).model, func(t Traversal) string { return t.ID })
	})
}

// decodeObject decodes one object as a kind of row.
func decodeObject[W, T any](t *testing.T, raw []byte, model func(*W) (T, bool, error), id func(T) string) {
	t.Helper()
	var row W
	if err := json.Unmarshal(raw, &row); err != nil {
		if object := strings.TrimLeft(string(raw), " \t\r\n"); json.Valid(raw) && object[0] == '{' {
			t.Errorf("%T is not made of %q: %v", row, raw, err)
		}
		return
	}
	v, ok, err := model(&row)
	if err == nil && ok && id(v) == "" {
		t.Errorf("%T without an id is made of %q", v, raw)
	}
}
