//go:build unix && !race

package e2e_test

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestCheckpointsThatAreDropped finds the work of a killed run that must not be gone
// on with: of another organization, host, selection or version, too old, from the
// future, damaged. A log line says so, and the run is one from the start.
func TestCheckpointsThatAreDropped(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(t *testing.T, v *victim) // between the two runs
		log    string                        // "" where the work is gone on with
	}{
		{name: "nothing is changed", change: func(*testing.T, *victim) {}},
		{name: "another organization", log: "another organization", change: func(_ *testing.T, v *victim) {
			v.sim = jcsim.New(jcsim.Options{Tenant: jcsim.Generate(4, jcsim.Small())})
			v.answers.Store(v.sim)
		}},
		{name: "another host", log: "another host", change: func(t *testing.T, v *victim) {
			v.with(map[string]string{"BATON_BASE_URL": serve(t, v.sim)})
		}},
		{name: "types are left out", log: "another selection", change: func(_ *testing.T, v *victim) { v.args = append(v.args, "--sync-resource-types=user,group") }},
		{name: "administrators are skipped", log: "another selection", change: func(_ *testing.T, v *victim) { v.args = append(v.args, "--skip-admins") }},
		{name: "administrators are merged", log: "another selection", change: func(_ *testing.T, v *victim) { v.args = append(v.args, "--merge-admins") }},
		{name: "grants are left out", log: "another selection", change: func(_ *testing.T, v *victim) { v.args = append(v.args, "--skip-entitlements-and-grants") }},
		{name: "another version", log: "another version", change: meta("version", "v0.0.1")},
		{name: "older than a day", log: "more than 24h", change: meta("started_at", time.Now().Add(-25*time.Hour).Format(time.RFC3339Nano))},
		{name: "from the day after tomorrow", log: "later than the clock says now", change: meta("started_at", time.Now().Add(25*time.Hour).Format(time.RFC3339Nano))},
		{name: "almost a day old", change: meta("started_at", time.Now().Add(-23*time.Hour).Format(time.RFC3339Nano))},
		{name: "without a time", log: "has no start time", change: meta("started_at", "yesterday")},
		{name: "the machine has restarted", log: "restarted", change: meta("boot", "another")},
		{name: "another format", log: "format", change: func(t *testing.T, v *victim) { execute(t, v, "PRAGMA user_version = 99") }},
		{name: "no database at all", log: "damaged", change: spoil(func([]byte) []byte {
			return []byte("These are my notes, and they are longer than a header of SQLite, which has a hundred bytes.\n\n\n\n\n")
		})},
		{name: "cut short", log: "damaged", change: spoil(func(b []byte) []byte { return b[:len(b)/2] })},
		{name: "pages of zeros", log: "damaged", change: spoil(func(b []byte) []byte {
			clear(b[2*4096 : len(b)-4096])
			return b
		})},
		{name: "an empty file", change: spoil(func([]byte) []byte { return nil }), log: "-"},
	}
	whole := newVictim(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, whole)
			if err := os.Remove(v.path()); err != nil { // its organization would be in the way
				t.Fatal(err)
			}
			v.yesterday = nil
			// Which pages stand between long ones depends on what is read side by side, and with
			// it how many have to be proven.
			v.args = append(v.args, "--workers=1")
			if !v.killedEarly(t) {
				t.Fatal("it was not killed")
			}
			tt.change(t, v)
			v.sim.ResetCounts()
			v.sim.OnRequest(nil)
			r := v.run()
			if r.code != exitOK {
				t.Fatalf("exit code %d: %s", r.code, r.message())
			}
			resumed, dropped := strings.Contains(r.stderr, "resuming an interrupted sync"), strings.Contains(r.stderr, "discarded the work of an earlier sync")
			asked := v.sim.Requests().Requests
			fresh := newProgram(t, v.env["BATON_BASE_URL"], v.args...)
			v.sim.ResetCounts()
			if r := fresh.run(); r.code != exitOK {
				t.Fatalf("a run from the start: exit code %d: %s", r.code, r.message())
			}
			needed := v.sim.Requests().Requests
			switch {
			case tt.log == "" && (!resumed || dropped || asked >= needed):
				t.Errorf("the work was not gone on with: %d requests, %d from the start", asked, needed)
			case tt.log != "" && (resumed || asked != needed):
				t.Errorf("the work was gone on with: %d requests, %d from the start", asked, needed)
			case tt.log != "" && tt.log != "-" && (!dropped || !strings.Contains(lineOf(r.stderr, "discarded"), tt.log)):
				t.Errorf("%q is not in the log line %q", tt.log, lineOf(r.stderr, "discarded"))
			}
			if dump(t, v.path()) != dump(t, fresh.path()) {
				t.Error("the archive is another one than that of a run from the start")
			}
		})
	}
}

// killedEarly kills a run that has stored some pages, where there was no archive.
func (v *victim) killedEarly(t *testing.T) bool {
	t.Helper()
	cmd, stdout, stderr := v.command(t.Context())
	until := v.atRequest(20)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		until(t.Context().Done(), cmd)
		_ = cmd.Process.Kill()
	}()
	return v.wait(cmd, stdout, stderr).code < 0
}

// lineOf is the first log line with a text in it.
func lineOf(log, text string) string {
	for line := range strings.Lines(log) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

// workFile is the work database of a program.
func (p *program) workFile() string { return filepath.Join(p.path()+".work", "work.db") }

// execute runs SQL on the work database.
func execute(t *testing.T, v *victim, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", v.workFile())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// meta sets a fact about the work.
func meta(key, value string) func(*testing.T, *victim) {
	return func(t *testing.T, v *victim) {
		t.Helper()
		execute(t, v, "UPDATE meta SET value = ? WHERE key = ?", value, key)
	}
}

// spoil changes the bytes of the work database.
func spoil(with func([]byte) []byte) func(*testing.T, *victim) {
	return func(t *testing.T, v *victim) {
		t.Helper()
		execute(t, v, "PRAGMA wal_checkpoint(TRUNCATE)")
		for _, suffix := range []string{"-wal", "-shm"} {
			_ = os.Remove(v.workFile() + suffix)
		}
		writeFile(t, v.workFile(), with(bytes.Clone(file(t, v.workFile()))))
	}
}
