package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The table stands between these lines of the document.
const (
	tableBegin = "<!-- bench-sync: written by make bench-sync -->"
	tableEnd   = "<!-- bench-sync: end -->"
)

// render writes the table and the plot of the results into the project.
func render(source string, results []Result) error {
	r := summarize(cells(), results)
	doc := filepath.Join(source, docFile)
	text, err := os.ReadFile(doc)
	if err != nil {
		return err
	}
	if text, err = withTable(text, r.table()); err != nil {
		return fmt.Errorf("%s: %w", docFile, err)
	}
	svg, err := r.plot()
	if err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	//nolint:gosec // Documents are for everybody to read.
	return errors.Join(os.WriteFile(doc, text, 0o644), os.WriteFile(filepath.Join(source, plotFile), svg, 0o644))
}

// withTable puts the table into the document.
func withTable(doc []byte, table string) ([]byte, error) {
	before, rest, begins := bytes.Cut(doc, []byte(tableBegin+"\n"))
	_, after, ends := bytes.Cut(rest, []byte(tableEnd+"\n"))
	if !begins || !ends {
		return nil, errors.New("the lines that enclose the table are missing: " + tableBegin + ", " + tableEnd)
	}
	return bytes.Join([][]byte{before, []byte(table), after}, nil), nil
}

// table is the part of the document that is written from the results, its marks
// included.
func (r report) table() string {
	var b strings.Builder
	b.WriteString(tableBegin + "\n")
	if r.commit == "" {
		b.WriteString("\nNothing was measured yet.\n")
	} else {
		fmt.Fprintf(&b, "\nCommit %s, seed %d, %s to %s; %s, %d cores, %d GiB, %s, %s; load before each run %.1f to %.1f.\n",
			r.commit, r.seed, r.first.Format("2006-01-02 15:04"), r.last.Format("15:04 MST"),
			r.host.Processor, r.host.Cores, (r.host.Memory+1<<29)>>30, r.host.OS, r.host.Go, r.calm, r.busy)
	}
	b.WriteString("\n| cell | runs | seconds | reading | joining | writing | packing | requests | above the least | in flight | refused | CPU s | peak MiB | grants | bytes a grant | file MB | grants/s |\n")
	b.WriteString("|---|" + strings.Repeat("---:|", 16) + "\n")
	for _, s := range r.cells {
		b.WriteString(s.row())
	}
	b.WriteString("\n![How the cost of a sync grows along each axis](" + strings.TrimPrefix(plotFile, "docs/") + ")\n\n")
	b.WriteString("| from | to | seconds | CPU | peak memory | file |\n|---|---|---:|---:|---:|---:|\n")
	for _, axis := range []Axis{axisUsers, axisGroups, axisMemberships, axisExpanded, axisLatency, axisWorkers} {
		b.WriteString(r.growth(axis))
	}
	b.WriteString("\n" + tableEnd + "\n")
	return b.String()
}

// row is a cell in the table.
func (s Summary) row() string {
	if s.Runs == 0 {
		return fmt.Sprintf("| %s | not run |%s\n", s.Name, strings.Repeat(" |", 15))
	}
	seconds, peak := fmt.Sprintf("%.1f", s.Wall), "unknown"
	if s.Runs > 1 {
		seconds += fmt.Sprintf(" (%.1f to %.1f)", s.Least, s.Most)
	}
	if s.Peak > 0 {
		peak = fmt.Sprintf("%.0f", float64(s.Peak)/(1<<20))
	}
	return fmt.Sprintf("| %s | %d | %s | %.1f | %.1f | %.1f | %.1f | %s | %d | %.1f of %d | %d | %.1f | %s | %s | %d | %.1f | %s |\n",
		s.Name, s.Runs, seconds, s.Reading, s.LookingUp+s.Joining, s.Writing, s.Packing,
		commas(s.Requests), s.Requests-s.Minimum, s.Underway, s.InFlight, s.Refused, s.CPU, peak,
		commas(s.Grants), s.Decoded/max(1, s.Grants), float64(s.Archive)/1e6, commas(int64(s.GrantsPerSecond()/1000)*1000))
}

// growth says how much more the far end of an axis costs than its near end.
func (r report) growth(axis Axis) string {
	list := r.along(axis)
	if len(list) < 2 {
		return fmt.Sprintf("| %s | not run | | | | |\n", axis)
	}
	a, b := list[0], list[len(list)-1]
	times := func(from, to float64) string {
		if from <= 0 || to <= 0 {
			return "unknown"
		}
		return fmt.Sprintf("× %.1f", to/from)
	}
	far := compact(b.X)
	if a.X > 0 {
		far += fmt.Sprintf(" (× %.3g)", b.X/a.X)
	}
	return fmt.Sprintf("| %s %s | %s | %s | %s | %s | %s |\n", axis, compact(a.X), far,
		times(a.Wall, b.Wall), times(a.CPU, b.CPU), times(float64(a.Peak), float64(b.Peak)), times(float64(a.Archive), float64(b.Archive)))
}

// commas writes a number with its thousands apart.
func commas(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
