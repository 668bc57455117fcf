package review_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/types/known/timestamppb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
)

// index is what a sync writes.
func index(tb testing.TB, s *review.Sync) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := s.WriteIndex(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func readIndex(data []byte) (*review.Sync, error) {
	return review.ReadIndex(bytes.NewReader(data), int64(len(data)))
}

// TestIndex reads what was written, and finds every field of the sync in it.
func TestIndex(t *testing.T) {
	t.Parallel()
	for name, s := range indexed(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read, err := readIndex(index(t, s))
			if err != nil {
				t.Fatal(err)
			}
			all := cmp.Exporter(func(reflect.Type) bool { return true })
			if d := cmp.Diff(s, read, all, cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0), cmpopts.IgnoreFields(review.Sync{}, "cache")); d != "" {
				t.Errorf("the sync differs (-written +read):\n%.3000s", d)
			}
		})
	}
}

// TestDamagedIndex reads indexes that are cut off or changed: none is believed.
func TestDamagedIndex(t *testing.T) {
	t.Parallel()
	for _, s := range indexed(t) {
		whole := index(t, s)
		for at := 0; at < len(whole); at += 1 + len(whole)/997 {
			if _, err := readIndex(whole[:at]); err == nil {
				t.Errorf("an index of %d bytes, cut off after %d, is believed", len(whole), at)
			}
			changed := bytes.Clone(whole)
			changed[at] ^= 0x10
			if _, err := readIndex(changed); err == nil {
				t.Errorf("an index of %d bytes, changed at %d, is believed", len(whole), at)
			}
		}
		if _, err := readIndex(append(bytes.Clone(whole), 0)); err == nil {
			t.Error("an index with more behind it is believed")
		}
		break
	}
}

// BenchmarkReadIndex measures reading the index of 20,000 users and 1,000,000 grants.
func BenchmarkReadIndex(b *testing.B) {
	l := reviewtest.Large{Users: 20_000, Groups: 1_000, Apps: 500, GroupsOfUser: 10, AppsOfGroup: 5}
	data := index(b, reviewtest.Load(b, l.Write(b), ""))
	b.ReportMetric(float64(len(data))/1e6, "MB")
	for b.Loop() {
		if _, err := readIndex(data); err != nil {
			b.Fatal(err)
		}
	}
}

// indexed are syncs of everything that an index keeps.
func indexed(t *testing.T) map[string]*review.Sync {
	t.Helper()
	odd := reviewtest.Company(t)
	app := odd.Resource("app", "odd", "Odd")
	app.ParentResourceId = &v2.ResourceId{ResourceType: "group", Resource: "nowhere"}
	app.Description = "described"
	u := odd.User("u-odd", "\u202eOdd", func(r *v2.Resource, trait *v2.UserTrait) {
		r.CreatedAt, trait.LastLogin = timestamppb.New(time.Date(1969, 1, 2, 3, 4, 5, 6, time.UTC)), timestamppb.New(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		trait.EmployeeIds = []string{"7", "8"}
		r.Profile = reviewtest.Profile(t, map[string]any{"department": "R&D", "n": 1.5})
	})
	g := odd.Grant(odd.Entitlement(app, "access"), u, "app:missing")
	g.Id = "an id of no rule"
	g.Annotations = append(g.Annotations, reviewtest.Annotation(t, &v2.GrantMetadata{Metadata: reviewtest.Profile(t, map[string]any{"last_used": "2026-11-01T08:09:10Z"})}))
	l := reviewtest.Large{Users: 300, Groups: 30, Apps: 20, GroupsOfUser: 3, AppsOfGroup: 4}
	return map[string]*review.Sync{
		"company": reviewtest.Company(t).Load(), "later": reviewtest.Later(t).Load(), "odd": odd.Load(), "nothing": reviewtest.New(t).Load(),
		"large": reviewtest.Load(t, l.Write(t), ""),
	}
}
