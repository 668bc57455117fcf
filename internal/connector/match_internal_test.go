package connector

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		admins       [][2]string // id, email
		users        [][2]string // id, email
		links        [][2]string // user id, administrator id
		wantPairs    []accountPair
		wantDoubtful []string
	}{
		{
			name:      "by email without regard to case",
			admins:    [][2]string{{"a1", "Ana@Example.com"}},
			users:     [][2]string{{"u1", "ana@example.COM "}},
			wantPairs: []accountPair{{"a1", "u1"}},
		},
		{
			name:      "the link wins over the email",
			admins:    [][2]string{{"a1", "ana@example.com"}},
			users:     [][2]string{{"u1", "ana@example.com"}, {"u2", "other@example.com"}},
			links:     [][2]string{{"u2", "a1"}},
			wantPairs: []accountPair{{"a1", "u2"}},
		},
		{
			name:   "nobody fits",
			admins: [][2]string{{"a1", "ana@example.com"}, {"a2", ""}},
			users:  [][2]string{{"u1", "bo@example.com"}, {"u2", ""}},
		},
		{
			name:         "two users with one address",
			admins:       [][2]string{{"a1", "ana@example.com"}},
			users:        [][2]string{{"u1", "ana@example.com"}, {"u2", "ANA@example.com"}},
			wantDoubtful: []string{"ana@example.com (a1)"},
		},
		{
			name:         "two administrators with one address",
			admins:       [][2]string{{"a1", "ana@example.com"}, {"a2", "ana@example.com"}},
			users:        [][2]string{{"u1", "ana@example.com"}},
			wantDoubtful: []string{"ana@example.com (a1)", "ana@example.com (a2)"},
		},
		{
			name:         "two users name one administrator",
			admins:       [][2]string{{"a1", "ana@example.com"}},
			users:        [][2]string{{"u1", "ana@example.com"}, {"u2", "bo@example.com"}},
			links:        [][2]string{{"u1", "a1"}, {"u2", "a1"}},
			wantDoubtful: []string{"ana@example.com (a1)"},
		},
		{
			name:         "the user is another administrator by link",
			admins:       [][2]string{{"a1", "ana@example.com"}, {"a2", "x@example.com"}},
			users:        [][2]string{{"u1", "ana@example.com"}},
			links:        [][2]string{{"u1", "a2"}},
			wantPairs:    []accountPair{{"a2", "u1"}},
			wantDoubtful: []string{"ana@example.com (a1)"},
		},
		{
			name:      "a link to nobody does not count",
			admins:    [][2]string{{"a1", "ana@example.com"}},
			users:     [][2]string{{"u1", "ana@example.com"}},
			links:     [][2]string{{"u1", "gone"}},
			wantPairs: []accountPair{{"a1", "u1"}},
		},
		{
			name:      "one of two with one address is linked",
			admins:    [][2]string{{"a1", "ana@example.com"}, {"a2", "ana@example.com"}},
			users:     [][2]string{{"u1", "ana@example.com"}, {"u2", "bo@example.com"}},
			links:     [][2]string{{"u2", "a2"}},
			wantPairs: []accountPair{{"a1", "u1"}, {"a2", "u2"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var m matcher
			for _, l := range tt.links {
				m.addLink(l[0], l[1])
			}
			for _, u := range tt.users {
				m.addUser(u[0], u[1])
			}
			for _, a := range tt.admins {
				m.addAdmin(a[0], a[1])
			}
			pairs, doubtful := m.match()
			if diff := cmp.Diff(tt.wantPairs, pairs, cmp.AllowUnexported(accountPair{})); diff != "" {
				t.Errorf("pairs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.wantDoubtful, doubtful); diff != "" {
				t.Errorf("doubtful (-want +got):\n%s", diff)
			}
		})
	}
}
