package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// project is the folder of the project.
const project = "../.."

// TestDocumentIsCurrent fails when results were added and the table and the plot are
// those of before, or when somebody wrote into the table.
func TestDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	results, err := loadResults(filepath.Join(project, resultsFile))
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	for _, name := range []string{docFile, plotFile} {
		text, err := os.ReadFile(filepath.Join(project, name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(copied, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := render(copied, results); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{docFile, plotFile} {
		have, err := os.ReadFile(filepath.Join(project, name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(copied, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("%s is not what the results make: run `make bench-table`", name)
		}
	}
}

// made is a result of a cell, as if it had been measured.
func made(cell, commit string, round int, wall float64) Result {
	return Result{
		Cell: cell, Commit: commit, Round: round, Seed: 1, Time: time.Date(2026, 7, 30, 12, round, 0, 0, time.UTC),
		Host: Machine{Processor: "Abacus", Cores: 2}, Wall: wall, CPU: wall / 2, Peak: 100 << 20, Requests: 1084, Minimum: 1077,
		Writing: 1, Packing: 1, Grants: 128_000, Decoded: 128_000_000, Archive: 10_000_000,
	}
}

func TestPlanGoesOn(t *testing.T) {
	t.Parallel()
	all := []Cell{
		{Name: "a", Guess: time.Second},
		{Name: "b", Guess: 2 * time.Minute},
		{Name: "c", Guess: time.Second, Full: true},
	}
	results := []Result{made("a", "new", 1, 30), made("a", "old", 2, 3), made("b", "old", 1, 50)}
	for _, tt := range []struct {
		name string
		o    options
		only string
		want string
	}{
		{"what is missing", options{rounds: 2, seed: 1}, ".", "b1 a2 b2"}, // b took less than a minute before
		{"everything", options{rounds: 1, seed: 1, full: true}, ".", "b1 c1"},
		{"some", options{rounds: 3, seed: 1}, "a", "a2 a3"},
		{"another seed", options{rounds: 1, seed: 2}, ".", "a1 b1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlan(all, results, "new", regexp.MustCompile(tt.only), tt.o)
			var got []string
			for _, s := range p.todo {
				got = append(got, s.cell.Name+string(rune('0'+s.round)))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("to do: %v, want %s", got, tt.want)
			}
		})
	}
	// What nobody has measured and takes long runs once.
	p := newPlan(all, nil, "new", regexp.MustCompile("b"), options{rounds: 3})
	if len(p.todo) != 1 {
		t.Errorf("a slow cell is to be run %d times", len(p.todo))
	}
}

// TestReport shows the commit that was measured last, and what was not run.
func TestReport(t *testing.T) {
	t.Parallel()
	results := []Result{
		made("centre", "old", 1, 99), made("centre", "new", 1, 5), made("users 1k", "new", 1, 2), made("users 100k", "new", 1, 20),
		made("centre", "new", 2, 4), made("centre", "new", 3, 7),
	}
	table := summarize(cells(), results).table()
	for _, want := range []string{
		"Commit new, seed 1, 2026-07-30 12:01 to 12:03 UTC; Abacus, 2 cores",
		"| centre | 3 | 5.0 (4.0 to 7.0) |",
		"| 1,084 | 7 |", "| 128,000 | 1000 | 10.0 | 64,000 |",
		"| users 30k | not run |",
		"| users 1k | 100k (× 100) | × 10.0 | × 10.0 | × 1.0 | × 1.0 |",
		"| groups | not run |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	if strings.Contains(table, "99") {
		t.Error("the table shows what an older commit took")
	}
	for line := range strings.SplitSeq(table, "\n") {
		if columns := strings.Count(line, " |"); strings.HasPrefix(line, "| users") && columns != 17 && columns != 6 {
			t.Errorf("%d columns: %s", columns, line)
		}
	}
}

func TestReadFinished(t *testing.T) {
	t.Parallel()
	log := `{"msg":"Synced list","requests":1}
not JSON
{"ts":1.5,"msg":"Sync complete.","requests":1084,"requests_in_flight":16,"requests_took":32.5,"grants":128576,"grants_inherited":67612,` +
		`"compressed_bytes":10,"decompressed_bytes":130,"took_reading":2.5,"took_looking_up":0.1,"took_joining":0.8,"took_writing":1.1,"took_packing":0.7}
`
	var got Result
	if err := readFinished(strings.NewReader(log), &got); err != nil {
		t.Fatal(err)
	}
	want := Result{
		Requests: 1084, InFlight: 16, Underway: 13, Grants: 128_576, Inherited: 67_612, Archive: 10, Decoded: 130,
		Reading: 2.5, LookingUp: 0.1, Joining: 0.8, Writing: 1.1, Packing: 0.7,
	}
	if got != want {
		t.Errorf("read %+v, want %+v", got, want)
	}
	if err := readFinished(strings.NewReader("{}\n"), &got); err == nil {
		t.Error("a log without an end is taken for a whole one")
	}
}

// TestResultsAreKept appends, and refuses a file that is not one of results.
func TestResultsAreKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "docs", "results.jsonl")
	if none, err := loadResults(path); err != nil || none != nil {
		t.Errorf("no file: %v, %v", none, err)
	}
	want := []Result{made("a", "x", 1, 2), made("b", "x", 1, 3)}
	for _, r := range want {
		if err := appendResult(path, r); err != nil {
			t.Fatal(err)
		}
	}
	got, err := loadResults(path)
	if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("read %v, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("{}\n<html>\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadResults(path); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a damaged file: %v", err)
	}
}

// TestCells checks that cells can be told apart, and that an axis changes one thing.
func TestCells(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range cells() {
		if seen[c.Name] {
			t.Errorf("two cells are called %q", c.Name)
		}
		seen[c.Name] = true
		plain := centre()
		plain.Name, plain.Axis, plain.X, plain.Full, plain.Guess = c.Name, c.Axis, c.X, c.Full, c.Guess
		switch c.Axis {
		case axisUsers:
			plain.Users = int(c.X)
		case axisGroups:
			plain.Groups = int(c.X)
		case axisMemberships:
			plain.Memberships = int(c.X)
		case axisExpanded:
			plain.Expanded, plain.Apps = int(c.X), c.Apps
		case axisLatency:
			plain.Latency = time.Duration(c.X) * time.Millisecond
		case axisLimit:
			plain.Rate, plain.RetryAfter = c.X, c.RetryAfter
		case axisWorkers:
			plain.Workers = int(c.X)
		case axisNetwork:
			plain.TLS, plain.Compress = c.TLS, c.Compress
		case axisCenter:
		case axisCorner:
			continue
		}
		if c != plain {
			t.Errorf("%s differs from the centre in more than its axis: %+v", c.Name, c)
		}
	}
}
