package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/conductorone/baton-jumpcloud/internal/audit"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// change is one that could come from the command line.
func change(id string) provision.Change {
	return provision.Change{
		ID: id, Operation: provision.OperationGrant, Entitlement: "group:g1",
		Resource:  provision.Named{Type: "group", ID: "g1", Name: "Größe <\u2028>\n\"1\""},
		Principal: provision.Named{Type: "user", ID: "u1", Name: "Ana"},
		Request:   provision.Request{Method: "POST", Path: "/api/v2/usergroups/g1/members", Body: json.RawMessage(`{"op":"add"}`)},
	}
}

// trail is one that writes to a file, and to a log that can be read.
func trail(t *testing.T, path string) (*audit.Trail, *bytes.Buffer) {
	t.Helper()
	tr, log, err := start(t, path)
	if err != nil {
		t.Fatal(err)
	}
	return tr, log
}

func start(t *testing.T, path string) (*audit.Trail, *bytes.Buffer, error) {
	t.Helper()
	log := new(bytes.Buffer)
	tr, err := audit.Start(t.Context(), audit.Options{
		Path:         path,
		Organization: audit.Organization{ID: "o1", Name: "Borealis", Host: "console.jumpcloud.com"},
		Actor:        audit.Actor{User: "ana", UID: "1000", Host: "desk"},
		Credential:   audit.Credential{KeyPrefix: audit.KeyPrefix(secret.New("jca_0123456789abcdef"))},
		Logger:       slog.New(slog.NewTextHandler(log, nil)),
	})
	return tr, log, err
}

func readLines(t *testing.T, path string) []audit.Record {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var records []audit.Record
	for line := range strings.Lines(string(text)) {
		var r audit.Record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		records = append(records, r)
	}
	return records
}

func TestTrail(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	tr, log := trail(t, path)
	c := change("c1")
	c.Task = "task 7"
	if err := tr.Intent(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	outcome := provision.Outcome{
		Result: provision.ResultFailed, Attempts: 2, Err: errors.New("refused"),
		Inherited: []provision.Named{{Type: "group", ID: "g2", Name: "Sales"}},
	}
	if err := tr.Outcome(t.Context(), c, outcome); err != nil {
		t.Fatal(err)
	}

	got := readLines(t, path)
	common := audit.Record{
		Change:       "c1",
		Organization: audit.Organization{ID: "o1", Name: "Borealis", Host: "console.jumpcloud.com"},
		By:           audit.Actor{User: "ana", UID: "1000", Host: "desk", Task: "task 7"},
		Credential:   audit.Credential{KeyPrefix: "jca_01"},
		Operation:    provision.OperationGrant, Entitlement: "group:g1", Resource: c.Resource, Principal: c.Principal,
	}
	intent, end := common, common
	intent.Event, intent.Request = audit.EventIntent, &c.Request
	end.Event, end.Result, end.Attempts, end.Error, end.Inherited = audit.EventOutcome, provision.ResultFailed, 2, "refused", outcome.Inherited
	for i := range got {
		if d := time.Since(got[i].Time); d < 0 || d > time.Hour || got[i].Time.Location() != time.UTC {
			t.Errorf("time %v", got[i].Time)
		}
		got[i].Time = time.Time{}
	}
	if diff := cmp.Diff([]audit.Record{intent, end}, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, want := range []string{
		`level=INFO msg="applying change" event=intent change_id=c1 operation=grant entitlement=group:g1`,
		`level=WARN msg="change failed or outcome unknown" event=outcome change_id=c1`,
		"uid=1000", `task_id="task 7"`, "api_key_prefix=jca_01", "result=failed", "error=refused",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, log)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{log.String(), string(text)} {
		if strings.Contains(s, "jca_012") {
			t.Errorf("more of the key than its beginning is in:\n%s", s)
		}
	}
}

func TestTrailWithoutFile(t *testing.T) {
	t.Parallel()
	tr, log := trail(t, "")
	if err := tr.Intent(t.Context(), change("c1")); err != nil {
		t.Fatal(err)
	}
	if err := tr.Outcome(t.Context(), change("c1"), provision.Outcome{Result: provision.ResultChanged}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "event=intent") || !strings.Contains(log.String(), "result=changed") {
		t.Errorf("log:\n%s", log)
	}
}

// Long texts are cut, so that a line stays one that a start can read.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	tr, _ := trail(t, path)
	c := change("c1")
	long := strings.Repeat("ö", 1<<20)
	c.Resource.Name, c.Principal.Name = long, long
	o := provision.Outcome{Result: provision.ResultUnknown, Err: errors.New(long)}
	for range 1000 {
		o.Inherited = append(o.Inherited, c.Resource)
	}
	if err := errors.Join(tr.Intent(t.Context(), c), tr.Outcome(t.Context(), c, o)); err != nil {
		t.Fatal(err)
	}
	got := readLines(t, path)
	if n := len(got[1].Inherited); n != 100 || got[1].InheritedMore != 900 || len(got[1].Error) > 5000 || len(got[0].Resource.Name) > 1100 {
		t.Errorf("%d groups and %d more, error of %d bytes, name of %d", n, got[1].InheritedMore, len(got[1].Error), len(got[0].Resource.Name))
	}
	if _, log := trail(t, path); log.Len() != 0 {
		t.Errorf("a start reports:\n%s", log)
	}
}

// Several processes share a file, which an open file each stands for.
func TestLinesOfSeveralAreWhole(t *testing.T) {
	t.Parallel()
	const writers, changes = 8, 25
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var all errgroup.Group
	for w := range writers {
		tr, _ := trail(t, path)
		all.Go(func() error {
			for i := range changes {
				c := change(fmt.Sprintf("c%d.%d", w, i))
				if err := tr.Intent(t.Context(), c); err != nil {
					return err
				}
				if err := tr.Outcome(t.Context(), c, provision.Outcome{Result: provision.ResultChanged}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]audit.Event{}
	records := readLines(t, path)
	for _, r := range records {
		if seen[r.Change] == audit.EventOutcome || (seen[r.Change] == "") != (r.Event == audit.EventIntent) {
			t.Errorf("%s of %s after %q", r.Event, r.Change, seen[r.Change])
		}
		seen[r.Change] = r.Event
	}
	if len(records) != 2*writers*changes {
		t.Errorf("%d records", len(records))
	}
}

// A file that was moved away is begun again.
func TestRotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	tr, _ := trail(t, path)
	for i := range 3 {
		if err := tr.Intent(t.Context(), change(strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path, fmt.Sprintf("%s.%d", path, i)); err != nil {
			t.Fatal(err)
		}
		if got := readLines(t, fmt.Sprintf("%s.%d", path, i)); len(got) != 1 || got[0].Change != strconv.Itoa(i) {
			t.Errorf("file %d holds %v", i, got)
		}
	}
}

// A lock that is never given back does not hold up a change forever.
func TestLockedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	tr, _ := trail(t, path)
	other := flock.New(path)
	if err := other.Lock(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Unlock() }()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := tr.Intent(t.Context(), change("c1"))
		if err == nil || !strings.Contains(err.Error(), "locked by another process") || time.Since(began) < 10*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

func TestKeyPrefix(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"jca_0123456789abcdef":                     "jca_01",
		"0123456789abcdef0123456789abcdef01234567": "012345",
		"short": "", "": "", "exactlytwelv": "",
	} {
		if got := audit.KeyPrefix(secret.New(key)); got != want {
			t.Errorf("KeyPrefix(%q) = %q, want %q", key, got, want)
		}
	}
}

func TestLocalActor(t *testing.T) {
	t.Parallel()
	if a := audit.LocalActor(); a.UID == "" || a.Host == "" || a.Task != "" {
		t.Errorf("%+v", a)
	}
}
