package provision_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// Faults in the way of a change never make it reported wrongly.
func TestFaultsOfWrites(t *testing.T) {
	t.Parallel()
	const route = "POST /api/v2/usergroups/{id}/members"
	once := func(f jcsim.Fault) jcsim.Settings {
		f.Route, f.Times = route, 1
		return jcsim.Settings{Faults: []jcsim.Fault{f}}
	}
	tests := []struct {
		name     string
		settings jcsim.Settings
		// already is whether a grant that was there before is answered as such.
		already bool
	}{
		{"429", once(jcsim.Fault{Status: http.StatusTooManyRequests, RetryAfter: "3"}), true},
		{"503 before", once(jcsim.Fault{Status: http.StatusServiceUnavailable}), false},
		{"503 after", once(jcsim.Fault{Effect: jcsim.EffectStatusAfter, Status: http.StatusServiceUnavailable}), false},
		{"reset before", once(jcsim.Fault{Effect: jcsim.EffectReset}), false},
		{"reset after", once(jcsim.Fault{Effect: jcsim.EffectResetAfter}), false},
		{"lagging reads", jcsim.Settings{Behavior: jcsim.Behavior{LagReads: 4}}, true},
		{"slow graph", jcsim.Settings{Behavior: jcsim.Behavior{LagTime: 40 * time.Second}}, true},
		{"the first read back fails", jcsim.Settings{Faults: []jcsim.Fault{{
			Route: "GET /api/v2/users/{id}/memberof", Status: http.StatusBadGateway, Times: 2,
		}}}, true},
	}
	for _, tt := range tests {
		for _, before := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, held %v", tt.name, before), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, tt.settings, jcsim.Rights{})
					name := "ana"
					if before {
						name = "bo"
					}
					who, what := b.principal(t, "user", name), b.entitlement(t, "group", "Sales")
					notes, err := b.grant(t.Context(), who, what)
					if err != nil || !b.holds(t, who, what) {
						t.Fatalf("grant: %v, held %v", err, b.holds(t, who, what))
					}
					if got, want := has(notes, &v2.GrantAlreadyExists{}), before && tt.already; got != want {
						t.Errorf("already there: %v, want %v", got, want)
					}

					b = newBench(t, tt.settings, jcsim.Rights{})
					who, what = b.principal(t, "user", name), b.entitlement(t, "group", "Sales")
					notes, err = b.revoke(t.Context(), who, what)
					if err != nil || b.holds(t, who, what) {
						t.Fatalf("revoke: %v, held %v", err, b.holds(t, who, what))
					}
					if got, want := has(notes, &v2.GrantAlreadyRevoked{}), !before && tt.already; got != want {
						t.Errorf("already gone: %v, want %v", got, want)
					}
				})
			})
		}
	}
}

// A change that fails for good after an attempt whose fate is not known is not
// reported as failed.
func TestFailureAfterDoubt(t *testing.T) {
	t.Parallel()
	const route = "POST /api/v2/usergroups/{id}/members"
	for _, tt := range []struct {
		name     string
		last     jcsim.Fault
		code     codes.Code
		attempts int
	}{
		{"forbidden", jcsim.Fault{Status: http.StatusForbidden}, codes.PermissionDenied, 2},
		{"out of order", jcsim.Fault{Status: http.StatusBadGateway}, codes.Unavailable, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tt.last.Route = route
				b := newBench(t, jcsim.Settings{Faults: []jcsim.Fault{
					{Route: route, Effect: jcsim.EffectResetAfter, Times: 1}, tt.last,
				}}, jcsim.Rights{})
				_, err := b.grant(t.Context(), b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"))
				if status.Code(err) != tt.code || !strings.Contains(err.Error(), "an earlier attempt may have made the change") {
					t.Errorf("got %v: %v", status.Code(err), err)
				}
				if o := b.audit.outcomes[0]; o.Result != provision.ResultUnknown || o.Attempts != tt.attempts {
					t.Errorf("outcome %+v", o)
				}
			})
		})
	}
}

func TestChangeThatDoesNotShow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, jcsim.Settings{Behavior: jcsim.Behavior{LagTime: 10 * time.Minute}}, jcsim.Rights{})
		started := time.Now()
		_, err := b.grant(t.Context(), b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"))
		if status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), "accepted by JumpCloud, not yet visible; repeating is safe") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(started); took != time.Minute {
			t.Errorf("gave up after %v", took)
		}
		if o := b.audit.outcomes[0]; o.Result != provision.ResultAccepted || o.Attempts != 1 {
			t.Errorf("outcome %+v", o)
		}
	})
}

// A 404 on removing is no proof that the edge is gone.
func TestWrongNotFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wrong := jcsim.Settings{Behavior: jcsim.Behavior{WrongNotFound: jcsim.Routes{"POST /api/v2/usergroups/{id}/members"}}}
		b := newBench(t, wrong, jcsim.Rights{})
		_, err := b.revoke(t.Context(), b.principal(t, "user", "bo"), b.entitlement(t, "group", "Sales"))
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "is inconsistent") {
			t.Errorf("revoke: %v", err)
		}
		_, err = b.grant(t.Context(), b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"))
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "both exist") {
			t.Errorf("grant: %v", err)
		}
		for _, o := range b.audit.outcomes {
			if o.Result != provision.ResultFailed {
				t.Errorf("outcome %+v", o)
			}
		}
	})
}

// What goes away between the check and the write is named.
func TestGoneMeanwhile(t *testing.T) {
	t.Parallel()
	for _, victim := range []string{"user", "group"} {
		for _, verb := range []string{"grant", "revoke"} {
			for _, when := range []string{"POST /api/v2/usergroups/{id}/members", "GET /api/v2/users/{id}/memberof"} {
				if verb == "revoke" && strings.HasPrefix(when, "GET") {
					continue // Taken out and then deleted: nothing is wrong with that.
				}
				t.Run(strings.Join([]string{victim, verb, when}, " "), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
						name := map[string]string{"grant": "ana", "revoke": "bo"}[verb]
						who, what := b.principal(t, "user", name), b.entitlement(t, "group", "Sales")
						b.server.OnRequest(func(_ int, route string) {
							switch {
							case route != when:
							case victim == "user":
								_ = b.tenant.DeleteUser(name) // It is gone the second time.
							default:
								_ = b.tenant.DeleteGroup("Sales")
							}
						})
						do := map[string]func(context.Context, *v2.Resource, *v2.Entitlement) ([]*anypb.Any, error){"grant": b.grant, "revoke": b.revoke}[verb]
						_, err := do(t.Context(), who, what)
						if status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), victim+" \"") {
							t.Errorf("got %v: %v", status.Code(err), err)
						}
					})
				})
			}
		}
	}
}

func TestCanceledRunSaysWhatWasSent(t *testing.T) {
	t.Parallel()
	const post = "POST /api/v2/usergroups/{id}/members"
	tests := []struct {
		name     string
		settings jcsim.Settings
		says     string
		result   provision.Result
	}{
		{
			"while it is sent",
			jcsim.Settings{Faults: []jcsim.Fault{{Route: post, Effect: jcsim.EffectHang}}},
			"after the change was sent", provision.ResultUnknown,
		},
		{
			"while it waits",
			jcsim.Settings{Faults: []jcsim.Fault{{Route: post, Status: http.StatusTooManyRequests, RetryAfter: "300"}}},
			"nothing was changed", provision.ResultFailed,
		},
		{
			"while it is read back",
			jcsim.Settings{Behavior: jcsim.Behavior{LagTime: time.Hour}},
			"JumpCloud accepted it", provision.ResultAccepted,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, tt.settings, jcsim.Rights{})
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				_, err := b.grant(ctx, b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"))
				if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("got %v", err)
				}
				if o := b.audit.outcomes; len(o) != 1 || o[0].Result != tt.result {
					t.Errorf("outcomes %+v", o)
				}
			})
		})
	}
	t.Run("before", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
		plan, err := b.provisioner.PlanGrant(t.Context(), b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.provisioner.Apply(ctx, plan); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "nothing was sent") {
			t.Errorf("got %v", err)
		}
	})
}

// TestChangesWithListsThatNeverEnd changes access while the list that shows the change
// has no end: the answer comes after a bounded number of requests, and claims nothing.
func TestChangesWithListsThatNeverEnd(t *testing.T) {
	t.Parallel()
	endless := map[string]func(request int) string{
		"the same page for ever":  func(int) string { return rowsOf(0) },
		"another page for ever":   func(n int) string { return rowsOf(n * 100) },
		"no rows, and a total":    nil,
		"a shorter page for ever": func(int) string { return "[" + strings.Split(rowsOf(7)[1:], ",{")[0] + "]" },
	}
	for name, page := range endless {
		for _, kind := range []string{"group", "app"} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
					asked := 0
					h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/memberof") && !strings.HasSuffix(r.URL.Path, "/associations") {
							b.server.ServeHTTP(w, r)
							return
						}
						asked++
						w.Header().Set("Content-Type", "application/json")
						if page == nil {
							w.Header().Set("X-Total-Count", "250")
							_, _ = w.Write([]byte("[]"))
							return
						}
						_, _ = w.Write([]byte(page(asked)))
					})
					p := provision.New(newClient(t, h), provision.Options{Types: restype.Changeable(false), Logger: slog.New(slog.DiscardHandler)})
					on := map[string]string{"group": "Ops", "app": "AWS Prod"}[kind]
					_, err := p.Grant(t.Context(), &v2.GrantManagerServiceGrantRequest{
						Principal: b.principal(t, "user", "ana"), Entitlement: b.entitlement(t, kind, on),
					})
					if err == nil {
						t.Error("the grant is proven by a list that cannot be read")
					}
					if !b.holds(t, b.principal(t, "user", "ana"), b.entitlement(t, kind, on)) {
						t.Error("the grant was not sent")
					}
					if asked > 1001 {
						t.Errorf("%d requests were made for a list", asked)
					}
				})
			})
		}
	}
}

// rowsOf is a page of a hundred edges and traversals at once.
func rowsOf(from int) string {
	rows := make([]string, 100)
	for i := range rows {
		id := fmt.Sprintf("%024x", from+i)
		rows[i] = fmt.Sprintf(`{"id":%q,"type":"user_group","to":{"id":%q,"type":"user"}}`, id, id)
	}
	return "[" + strings.Join(rows, ",") + "]"
}
