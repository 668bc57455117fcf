package jumpcloud_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// every answers all requests in one way.
func every(f http.HandlerFunc) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/", f)
	return mux
}

// TestUserAndGroupRequests holds what is sent to change users and groups.
func TestUserAndGroupRequests(t *testing.T) {
	t.Parallel()
	var got []string
	client := newTestClient(t, every(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
		answer(w, http.StatusOK, `{}`)
	}))
	ctx, at := t.Context(), time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	for _, err := range []error{
		client.CreateUser(ctx, jumpcloud.Fields{"username": "ana", "password": secret.New("Pa55word!")}),
		client.UpdateUser(ctx, "u", jumpcloud.Fields{"manager": nil, "suspended": true}),
		client.DeleteUser(ctx, "u", ""), client.DeleteUser(ctx, "u", "null"),
		client.ExpirePassword(ctx, "u"), client.UnlockUser(ctx, "u"),
		client.ResetMFA(ctx, "u", time.Time{}), client.ResetMFA(ctx, "u", at),
		client.ActivateUser(ctx, "u", ""), client.ActivateUser(ctx, "u", jumpcloud.NoMail), client.ActivateUser(ctx, "u", "a@example.com"),
		client.MailActivation(ctx, "u"), client.ScheduleState(ctx, "u", "SUSPENDED", at),
		client.CreateUserGroup(ctx, jumpcloud.Fields{"name": "G"}), client.UpdateUserGroup(ctx, "g", jumpcloud.Fields{"name": "H"}), client.DeleteUserGroup(ctx, "g"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{
		`POST /api/systemusers?fullValidationDetails=password {"password":"Pa55word!","username":"ana"}`,
		`PUT /api/systemusers/u {"manager":null,"suspended":true}`,
		`DELETE /api/systemusers/u`, `DELETE /api/systemusers/u?cascade_manager=null`,
		`POST /api/systemusers/u/expire`, `POST /api/systemusers/u/unlock`,
		`POST /api/systemusers/u/resetmfa`, `POST /api/systemusers/u/resetmfa {"exclusion":true,"exclusionUntil":"2026-12-01T10:00:00Z"}`,
		`POST /api/systemusers/u/state/activate {}`, `POST /api/systemusers/u/state/activate {"email":false}`,
		`POST /api/systemusers/u/state/activate {"email":"a@example.com"}`,
		`POST /api/systemusers/reactivate {"isSelectAll":false,"models":[{"_id":"u"}]}`,
		`POST /api/v2/bulk/userstates {"send_activation_emails":false,"start_date":"2026-12-01T10:00:00Z","state":"SUSPENDED","user_ids":["u"]}`,
		`POST /api/v2/usergroups {"name":"G"}`, `PUT /api/v2/usergroups/g {"name":"H"}`, `DELETE /api/v2/usergroups/g`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestPasswordsAreNotRepeated has a server quote a password in its refusal.
func TestPasswordsAreNotRepeated(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, every(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusBadRequest, `{"code":400,"message":"Password validation fail","details":[`+
			`{"fieldViolationsList":[{"field":"password","description":"specialCharacter missing in Pa55word!"}]}]}`)
	}))
	fields := jumpcloud.Fields{"password": secret.New("Pa55word!")}
	err := client.UpdateUser(t.Context(), "u", fields)
	text := fmt.Sprintf("%v %+v %v %#v", err, err, fields, fields)
	if strings.Contains(text, "Pa55word!") || !strings.Contains(text, "specialCharacter") {
		t.Errorf("the refusal says %s", text)
	}
}

// TestFindUsers holds the form of the search, and what of a schedule is read.
func TestFindUsers(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/search/systemusers", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), `"searchFilter":{"fields":["username","email"],"searchTerm":"ana"}`) {
			t.Errorf("search: %s", body)
		}
		answer(w, 200, `{"totalCount":1,"results":[{"_id":"u1","username":"Ana"}]}`)
	})
	mux.HandleFunc("GET /api/v2/bulk/userstates", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, `[{"scheduledJobId":"j1","scheduledDate":"2026-12-01T10:00:00.000Z","state":"SUSPENDED","systemUserId":"u1"},{}]`)
	})
	client := newTestClient(t, mux)
	page, err := client.FindUsers(t.Context(), "ana", paging.Window{Limit: 100})
	if err != nil || len(page.Items) != 1 || page.Items[0].Username != "Ana" {
		t.Errorf("found %+v, %v", page, err)
	}
	list, err := client.Schedules(t.Context(), "u1", paging.Window{Limit: 100})
	want := jumpcloud.Schedule{JobID: "j1", At: time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC), State: "SUSPENDED", UserID: "u1"}
	if err != nil || len(list.Items) != 1 || list.Items[0] != want {
		t.Errorf("schedules %+v, %v", list, err)
	}
}
