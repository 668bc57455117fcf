package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/feed"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/insights"
)

// inProcess carries requests to a handler without a network, so that a test may run in a
// bubble of fake time.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// newReader is a reader as a process that just started has it.
func newReader(t testing.TB, h http.Handler) *feed.Reader {
	t.Helper()
	client, err := jumpcloud.New(jumpcloud.Config{
		BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}, APIKey: secret.New("jca_simulator"), UserAgent: "test",
		Transport: inProcess{h}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return feed.New(feed.Options{
		Client: client, Types: restype.Synced(nil), Logger: slog.New(slog.DiscardHandler), Validate: func(context.Context) error { return nil },
	})
}

// all are the events of a tenant of some types, as its log has them.
func all(t *testing.T, tn *jcsim.Tenant, types string) []map[string]any {
	t.Helper()
	var found []map[string]any
	query := map[string]any{
		"service": []string{"all"}, "limit": 10000, "start_time": time.Now().Add(-insights.Retention).UTC().Format(time.RFC3339),
		"search_term": map[string]any{"or": []any{map[string]any{"event_type": strings.Fields(types)}}},
	}
	for {
		body, err := json.Marshal(query)
		if err != nil {
			t.Fatal(err)
		}
		q, err := insights.Parse(body, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		page, err := tn.Insights().Find(q)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, page.Events...)
		if page.Count < 10000 {
			return found
		}
		query["search_after"] = json.RawMessage(page.After)
	}
}

// TestSignInsAreGivenOnce reads the sign-ins of a company with a process of its own for
// each page, every third of which is asked for twice.
func TestSignInsAreGivenOnce(t *testing.T) {
	t.Parallel()
	for _, twice := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			tn := jcsim.Generate(1, jcsim.Size{Users: 150, Groups: 12, Apps: 10, Admins: 6})
			tn.SignIns(3, time.Now())
			sim := jcsim.New(jcsim.Options{Tenant: tn, Settings: jcsim.Settings{Behavior: jcsim.Behavior{RepeatEvents: twice}}})
			given := map[string]*v2.UsageEvent{}
			req := &v2.ListEventsRequest{EventFeedId: feed.Usage, PageSize: 37}
			for page, more := 0, true; more; page++ {
				got, err := newReader(t, sim).ListEvents(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				if page%3 == 0 {
					again, err := newReader(t, sim).ListEvents(t.Context(), req)
					if err != nil || !proto.Equal(again, got) {
						t.Fatalf("the same page again: %v, %v, want %v", again, err, got)
					}
				}
				for _, e := range got.GetEvents() {
					if given[e.GetId()] != nil {
						t.Errorf("event %s is given twice", e.GetId())
					}
					given[e.GetId()] = e.GetUsageEvent()
				}
				if len(got.GetCursor()) > 4096 {
					t.Fatalf("a cursor of %d bytes", len(got.GetCursor()))
				}
				req.Cursor, more = got.GetCursor(), got.GetHasMore()
			}
			want := 0
			for _, e := range all(t, tn, "user_login_attempt sso_auth admin_login_attempt") {
				if e["success"] != true && e["sso_token_success"] != true {
					continue
				}
				want++
				usage := given[fmt.Sprint(e["id"])]
				target := usage.GetTargetResource().GetId()
				if app, ok := e["application"].(map[string]any); ok {
					if target.GetResource() != app["id"] || usage.GetTargetResource().GetDisplayName() == "" {
						t.Errorf("%v is told as %v", e, usage)
					}
				} else if target.GetResource() != restype.AdministrationAppID {
					t.Errorf("%v is told as %v", e, usage)
				}
				if usage.GetActorResource().GetId().GetResourceType() != restype.User || usage.GetActorResource().GetDisplayName() == "" {
					t.Errorf("%v is told of %v", e, usage.GetActorResource())
				}
			}
			if want < 100 || len(given) != want {
				t.Errorf("%d events were given, want %d", len(given), want)
			}
			if problems := sim.Requests().Problems; len(problems) > 0 {
				t.Errorf("problems: %v", problems)
			}
		})
	}
}

// TestChangesAreGivenOnce polls the feed of changes while people join and leave groups, at
// any moment and with pages of any size. JumpCloud shows events minutes late and in any order.
func TestChangesAreGivenOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			tn := jcsim.Generate(seed, jcsim.Size{Users: 30, Groups: 6, Apps: 4, Admins: 3})
			settings := jcsim.Settings{Behavior: jcsim.Behavior{InsightsDelay: 4 * time.Minute, RepeatEvents: seed%2 == 0}}
			sim := jcsim.New(jcsim.Options{Tenant: tn, Settings: settings})
			changeUntil := time.Now().Add(2 * time.Hour)
			edits, users, groups := 0, tn.Users(), tn.Groups()
			edit := func() {
				u, g := users[r.IntN(len(users))], groups[r.IntN(len(groups))]
				switch r.IntN(3) {
				case 0:
					if tn.AddMember(g.ID, u.ID) == nil {
						edits++
					}
				case 1:
					if tn.RemoveMember(g.ID, u.ID) == nil {
						edits++
					}
				default:
					if err := tn.UpdateUser(u.ID, func(u *jcsim.User) { u.Department = fmt.Sprint("D", r.IntN(99)) }); err != nil {
						t.Error(err)
					}
				}
			}
			grants, changedAt := map[string]*v2.Event{}, map[string]time.Time{}
			req := &v2.ListEventsRequest{StartAt: timestamppb.New(time.Now().Add(-time.Hour))}
			for end := changeUntil.Add(20 * time.Minute); time.Now().Before(end); {
				for range r.IntN(12) {
					if time.Now().Before(changeUntil) {
						edit()
					}
					<-time.After(time.Duration(r.IntN(20)) * time.Second)
				}
				<-time.After(time.Second)
				req.PageSize = uint32(1 + r.IntN(40))
				for more := true; more; {
					page, err := newReader(t, sim).ListEvents(t.Context(), req)
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range page.GetEvents() {
						if change := e.GetResourceChangeEvent(); change != nil {
							changedAt[change.GetResourceId().GetResource()] = e.GetOccurredAt().AsTime()
							continue
						}
						if grants[e.GetId()] != nil {
							t.Errorf("event %s is given twice", e.GetId())
						}
						grants[e.GetId()] = e
					}
					req.Cursor, more = page.GetCursor(), page.GetHasMore()
				}
			}
			members := all(t, tn, "association_change")
			if edits < 50 || len(members) < edits || len(grants) != len(members) {
				t.Errorf("%d edits, %d events, %d of them given", edits, len(members), len(grants))
			}
			for _, e := range members {
				edge := e["association"].(map[string]any) //nolint:forcetypeassert // Each has one.
				ends := edge["connection"].(map[string]any)
				group, user := ends["from"].(map[string]any)["object_id"], ends["to"].(map[string]any)["object_id"]
				given := grants[fmt.Sprint(e["id"])]
				entitlement, principal := given.GetCreateGrantEvent().GetEntitlement(), given.GetCreateGrantEvent().GetPrincipal()
				if edge["op"] == "remove" {
					entitlement, principal = given.GetCreateRevokeEvent().GetEntitlement(), given.GetCreateRevokeEvent().GetPrincipal()
				}
				if entitlement.GetId() != restype.EntitlementID(restype.Group, fmt.Sprint(group)) || entitlement.GetSlug() != "member" || principal.GetId().GetResource() != user {
					t.Errorf("%v is told as %v", e, given)
				}
			}
			for _, e := range all(t, tn, "user_update") {
				id := e["resource"].(map[string]any)["id"].(string) //nolint:forcetypeassert // Each has one.
				if at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(e["timestamp"])); err != nil || changedAt[id].IsZero() {
					t.Errorf("a change of %s at %v (%v) is not told", id, at, err)
				}
			}
		})
	}
}

// TestFeedRequests are requests that cannot be answered, and what stands in their answers.
func TestFeedRequests(t *testing.T) {
	t.Parallel()
	reader := newReader(t, jcsim.New(jcsim.Options{Tenant: jcsim.Generate(1, jcsim.Small())}))
	for name, tt := range map[string]struct {
		req  *v2.ListEventsRequest
		code codes.Code
		says string
	}{
		"unknown feed":     {&v2.ListEventsRequest{EventFeedId: "logins"}, codes.NotFound, `no event feed "logins"`},
		"foreign cursor":   {&v2.ListEventsRequest{Cursor: "abc"}, codes.InvalidArgument, "not one of this connector"},
		"cut cursor":       {&v2.ListEventsRequest{Cursor: "e30.AA"}, codes.InvalidArgument, "not one of this connector"},
		"long cursor":      {&v2.ListEventsRequest{Cursor: strings.Repeat("x", 4097)}, codes.InvalidArgument, "4097 bytes"},
		"large page":       {&v2.ListEventsRequest{PageSize: 1001}, codes.InvalidArgument, "page size is 1001"},
		"impossible start": {&v2.ListEventsRequest{StartAt: &timestamppb.Timestamp{Seconds: -1 << 60}}, codes.InvalidArgument, "invalid start"},
	} {
		_, err := reader.ListEvents(t.Context(), tt.req)
		if fault.Code(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v (%v), want %v", name, err, fault.Code(err), tt.code)
		}
	}
	// An old and a future start are those of what is kept.
	for _, start := range []time.Time{time.Unix(0, 0), time.Now().Add(-time.Hour * 24 * 365), time.Now().Add(time.Hour)} {
		page, err := reader.ListEvents(t.Context(), &v2.ListEventsRequest{StartAt: timestamppb.New(start)})
		if err != nil {
			t.Fatalf("start %v: %v", start, err)
		}
		if _, err := reader.ListEvents(t.Context(), &v2.ListEventsRequest{Cursor: page.GetCursor()}); err != nil {
			t.Errorf("start %v, then: %v", start, err)
		}
	}
}

// TestFeedWithoutInsights has a plan come later: nothing of the time before is lost.
func TestFeedWithoutInsights(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tn := jcsim.Generate(1, jcsim.Small())
		tn.SignIns(1, time.Now())
		for _, status := range []int{402, 403, 404} {
			refused := jcsim.New(jcsim.Options{Tenant: tn, Settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseInsights: status}}})
			page, err := newReader(t, refused).ListEvents(t.Context(), &v2.ListEventsRequest{EventFeedId: feed.Usage})
			if err != nil || len(page.GetEvents()) != 0 || page.GetHasMore() {
				t.Fatalf("%d: %v, %v", status, page, err)
			}
			page, err = newReader(t, jcsim.New(jcsim.Options{Tenant: tn})).ListEvents(t.Context(), &v2.ListEventsRequest{EventFeedId: feed.Usage, Cursor: page.GetCursor()})
			if err != nil || len(page.GetEvents()) == 0 {
				t.Errorf("%d, with a plan then: %d events, %v", status, len(page.GetEvents()), err)
			}
		}
		failing := jcsim.New(jcsim.Options{Tenant: tn, Settings: jcsim.Settings{Faults: []jcsim.Fault{{Route: "POST /insights/directory/v1/events", Status: http.StatusInternalServerError}}}})
		if _, err := newReader(t, failing).ListEvents(t.Context(), &v2.ListEventsRequest{}); err == nil {
			t.Error("a failing server: no error")
		}
	})
}

// TestEventsThatCannotBeRead leaves out what cannot be read, and no more.
func TestEventsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	reader := newReader(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-Search_after"], w.Header()["X-Result-Count"] = []string{`[1,"a"]`}, []string{"7"}
		_, _ = w.Write([]byte(`[null, 5, {"event_type":"user_create"}, {"id":"1","event_type":"user_create","timestamp":"yesterday"},
			{"id":"2","event_type":"association_change","timestamp":"2026-08-01T10:00:00.123Z"},
			{"id":"3","event_type":"system_create","timestamp":"2026-08-01T10:00:00.123Z","resource":{"id":"d","type":"system"}},
			{"id":"4","event_type":"user_update","timestamp":"2026-08-01T10:00:00.123Z","resource":{"id":"u","type":"systemuser"},"changes":"no list"}]`))
	}))
	page, err := reader.ListEvents(t.Context(), &v2.ListEventsRequest{})
	if err != nil || len(page.GetEvents()) != 1 || page.GetEvents()[0].GetResourceChangeEvent().GetResourceId().GetResource() != "u" {
		t.Errorf("%v, %v", page, err)
	}
}

// month serves a million sign-ins of 30 days, made as they are asked for.
type month struct {
	start time.Time
	count int
}

func (m month) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Limit int   `json:"limit"`
		After []int `json:"search_after"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		panic(errors.Join(http.ErrAbortHandler, err))
	}
	from := 0
	if len(q.After) == 1 {
		from = q.After[0]
	}
	to := min(m.count, from+q.Limit)
	w.Header()["X-Search_after"], w.Header()["X-Result-Count"] = []string{fmt.Sprintf("[%d]", to)}, []string{strconv.Itoa(to - from)}
	_, _ = w.Write([]byte("["))
	for i := from; i < to; i++ {
		if i > from {
			_, _ = w.Write([]byte(","))
		}
		_, _ = fmt.Fprintf(w, `{"id":"%024x","event_type":"user_login_attempt","service":"directory","timestamp":%q,"success":true,"initiated_by":{"id":"u%d","type":"user","username":"n%d"}}`,
			i, m.start.Add(time.Duration(i)*2592*time.Millisecond).UTC().Format("2006-01-02T15:04:05.000Z"), i%5000, i%5000)
	}
	_, _ = w.Write([]byte("]"))
}

// BenchmarkMonth reads a million events, a thousand a call.
func BenchmarkMonth(b *testing.B) {
	reader := newReader(b, month{time.Now().Add(-30 * 24 * time.Hour), 1_000_000})
	for b.Loop() {
		req, events := &v2.ListEventsRequest{EventFeedId: feed.Usage, PageSize: 1000}, 0
		for more := true; more; {
			page, err := reader.ListEvents(b.Context(), req)
			if err != nil {
				b.Fatal(err)
			}
			events += len(page.GetEvents())
			req.Cursor, more = page.GetCursor(), page.GetHasMore()
		}
		if events != 1_000_000 {
			b.Fatalf("%d events", events)
		}
	}
}
