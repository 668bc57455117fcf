package main

import (
	"slices"
	"time"
)

// Summary is what was measured of one cell at one commit.
type Summary struct {
	Cell
	// Runs is how often it was measured; 0 means that it was not run.
	Runs int
	// Result holds the figures of the run whose time is the median.
	Result
	Least, Most float64 // seconds, of all runs
}

// report is everything that is shown of the newest commit that was measured.
type report struct {
	cells       []Summary
	commit      string
	seed        uint64
	host        Machine
	first, last time.Time
	calm, busy  float64 // load, the least and the most
}

// summarize takes the results of the commit that was measured last.
func summarize(all []Cell, results []Result) report {
	var r report
	if len(results) == 0 {
		for _, c := range all {
			r.cells = append(r.cells, Summary{Cell: c})
		}
		return r
	}
	newest := results[len(results)-1]
	r.commit, r.seed, r.host = newest.Commit, newest.Seed, newest.Host
	by := map[string][]Result{}
	for _, x := range results {
		if x.Commit != r.commit || x.Seed != r.seed || x.Host != r.host {
			continue
		}
		if r.first.IsZero() {
			r.first, r.calm = x.Time, x.Load
		}
		r.last, r.calm, r.busy = x.Time, min(r.calm, x.Load), max(r.busy, x.Load)
		by[x.Cell] = append(by[x.Cell], x)
	}
	for _, c := range all {
		s := Summary{Cell: c}
		if runs := by[c.Name]; len(runs) > 0 {
			slices.SortStableFunc(runs, func(a, b Result) int { return int(1e6 * (a.Wall - b.Wall)) })
			s.Runs, s.Result = len(runs), runs[(len(runs)-1)/2]
			s.Least, s.Most = runs[0].Wall, runs[len(runs)-1].Wall
		}
		r.cells = append(r.cells, s)
	}
	return r
}

// centre is what was measured of the centre.
func (r report) centre() Summary {
	i := slices.IndexFunc(r.cells, func(s Summary) bool { return s.Axis == axisCenter })
	return r.cells[i]
}

// along returns what was measured on an axis, the centre at its place among it, in
// order. Cells that were not run are missing.
func (r report) along(axis Axis) []Summary {
	var list []Summary
	for _, s := range r.cells {
		if s.Axis == axis && s.Runs > 0 {
			list = append(list, s)
		}
	}
	if c := r.centre(); c.Runs > 0 {
		c.X = centerX(axis, c.Result)
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b Summary) int {
		switch {
		case a.X < b.X:
			return -1
		case a.X > b.X:
			return 1
		default:
			return 0
		}
	})
	return list
}

// centerX is the place of the centre on an axis.
func centerX(axis Axis, r Result) float64 {
	c := centre()
	switch axis {
	case axisUsers:
		return float64(c.Users)
	case axisGroups:
		return float64(c.Groups)
	case axisMemberships:
		return float64(c.Memberships)
	case axisExpanded:
		return float64(r.Inherited)
	case axisLatency:
		return float64(c.Latency.Milliseconds())
	case axisWorkers:
		return float64(c.Workers)
	case axisCenter, axisLimit, axisNetwork, axisCorner:
	}
	return 0
}
