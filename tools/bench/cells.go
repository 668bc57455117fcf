package main

import (
	"fmt"
	"strings"
	"time"
)

// Axis is what differs between cells.
type Axis string

// The axes, and what is on none of them.
const (
	axisCenter      Axis = "centre"
	axisUsers       Axis = "users"
	axisGroups      Axis = "groups"
	axisMemberships Axis = "memberships"
	axisExpanded    Axis = "expanded grants"
	axisLatency     Axis = "latency"
	axisLimit       Axis = "server limit"
	axisWorkers     Axis = "requests in flight"
	axisNetwork     Axis = "network"
	axisCorner      Axis = "corner"
)

// Cell is one organization behind one network.
type Cell struct {
	Name string
	Axis Axis
	// X is its place on the axis: a number of things, milliseconds, or requests a
	// second; 0 for a limit means none.
	X float64

	Users, Groups, Apps, Memberships int
	Expanded                         int // pairs of application and user through groups; 0 leaves it to about two groups an application
	Latency                          time.Duration
	Rate                             float64 // requests a second that the server takes; 0 is any number
	RetryAfter                       bool    // a refusal tells how long to wait
	Workers                          int
	TLS                              bool // HTTPS, and with it HTTP/2
	Compress                         bool // the server offers gzip

	// Full says that it is measured only when everything is.
	Full bool
	// Guess is how long it takes as long as nothing was measured.
	Guess time.Duration
}

// centre is the organization that every axis starts from.
func centre() Cell {
	return Cell{
		Name: "centre", Axis: axisCenter, Users: 10_000, Groups: 500, Apps: 200, Memberships: 60_000,
		Latency: 20 * time.Millisecond, Workers: 16, Guess: 6 * time.Second,
	}
}

// size is the organization in the simulator's words. Administrators, roles and
// direct users of applications are the same everywhere.
func (c Cell) size() string {
	parts := []string{
		fmt.Sprintf("users=%d,groups=%d,apps=%d,memberships=%d", c.Users, c.Groups, c.Apps, c.Memberships),
		"admins=30,roles=5,app-users=500",
	}
	if c.Expanded > 0 {
		parts = append(parts, fmt.Sprintf("expanded=%d", c.Expanded))
	}
	return strings.Join(parts, ",")
}

// cells are all cells, in the order in which they are shown.
func cells() []Cell {
	list := []Cell{centre()}
	vary := func(axis Axis, x float64, guess time.Duration, change func(*Cell)) *Cell {
		c := centre()
		c.Axis, c.X, c.Guess = axis, x, guess
		change(&c)
		if c.Name == "centre" {
			c.Name = fmt.Sprintf("%s %s", axis, compact(x))
		}
		list = append(list, c)
		return &list[len(list)-1]
	}
	for _, n := range []int{1_000, 3_000, 30_000, 100_000} {
		vary(axisUsers, float64(n), time.Duration(4+n/5000)*time.Second, func(c *Cell) { c.Users = n })
	}
	for _, n := range []int{100, 1_000, 5_000} {
		vary(axisGroups, float64(n), time.Duration(5+n/700)*time.Second, func(c *Cell) { c.Groups = n })
	}
	for _, n := range []int{200_000, 600_000, 2_000_000} {
		vary(axisMemberships, float64(n), time.Duration(5+n/40_000)*time.Second, func(c *Cell) { c.Memberships = n })
	}
	for _, n := range []int{200_000, 600_000, 2_000_000} {
		vary(axisExpanded, float64(n), time.Duration(5+n/120_000)*time.Second, func(c *Cell) { c.Expanded = n })
	}
	// 10,000 users and 200 applications are 2,000,000 pairs at most.
	vary(axisExpanded, 10_000_000, 90*time.Second, func(c *Cell) { c.Expanded, c.Apps = 10_000_000, 1_200 })
	for _, n := range []int{0, 5, 50, 100, 200} {
		vary(axisLatency, float64(n), time.Duration(5+n/10)*time.Second, func(c *Cell) {
			c.Latency = time.Duration(n) * time.Millisecond
		}).Full = n == 5 || n == 200
	}
	for _, n := range []float64{10, 50} {
		for _, tells := range []bool{false, true} {
			vary(axisLimit, n, time.Duration(8+1150/n)*time.Second, func(c *Cell) {
				c.Rate, c.RetryAfter = n, tells
				c.Name = fmt.Sprintf("%s %s/s, %s", axisLimit, compact(n), tellsOrNot(tells))
			})
		}
	}
	for _, n := range []int{1, 4, 8, 32, 64} {
		vary(axisWorkers, float64(n), time.Duration(6+25/n)*time.Second, func(c *Cell) { c.Workers = n }).Full = true
	}
	vary(axisNetwork, 1, 8*time.Second, func(c *Cell) { c.Name, c.TLS = "TLS and HTTP/2", true })
	vary(axisNetwork, 2, 8*time.Second, func(c *Cell) { c.Name, c.TLS, c.Compress = "TLS, HTTP/2 and gzip", true, true })
	vary(axisCorner, 0, 3*time.Second, func(c *Cell) {
		c.Name, c.Latency = "corner: small and near", 0
		c.Users, c.Groups, c.Apps, c.Memberships = 1_000, 100, 40, 6_000
	})
	large := func(c *Cell) { c.Users, c.Groups, c.Apps, c.Memberships = 100_000, 5_000, 500, 2_000_000 }
	vary(axisCorner, 0, 62*time.Second, func(c *Cell) {
		c.Name = "corner: large"
		large(c)
	})
	vary(axisCorner, 0, 260*time.Second, func(c *Cell) {
		c.Name, c.Expanded, c.Latency = "corner: large, far away, many grants", 10_000_000, 100*time.Millisecond
		large(c)
	})
	return list
}

func tellsOrNot(tells bool) string {
	if tells {
		return "Retry-After"
	}
	return "silent"
}

// compact writes a number as people say it.
func compact(x float64) string {
	switch {
	case x >= 1e6:
		return fmt.Sprintf("%gM", x/1e6)
	case x >= 1e3:
		return fmt.Sprintf("%gk", x/1e3)
	default:
		return fmt.Sprintf("%g", x)
	}
}
