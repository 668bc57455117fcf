//go:build unix && !race

package e2e_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// plan is everything that one run of the chaos test is going to do, drawn from its
// seed: a tenant, how odd its server is, and days on each of which something goes
// wrong while the program syncs. A last day without faults follows.
type plan struct {
	seed     uint64
	service  bool // under ConductorOne, or one run of the program a day
	tenant   *jcsim.Tenant
	behavior jcsim.Behavior
	odd      bool // behavior is not the documented one
	workers  int
	account  bool // a service account, whose tokens can end, and not a key
	archive  bool // there is an archive from the day before the first
	days     []day
}

// trouble is what happens to the program itself on a day.
type trouble string

const (
	calm          trouble = "nothing happens to it"
	killed        trouble = "it is killed"
	killedLater   trouble = "it is killed some time after its start"
	killedWriting trouble = "it is killed when it writes the archive"
	stopped       trouble = "it is told to stop"
	outage        trouble = "the server goes away, and it is told to stop"
	smallFiles    trouble = "files cannot grow"
	fullDisk      trouble = "the disk is full"
	secondRun     trouble = "a second run begins"
	damagedFile   trouble = "the archive that is there is damaged"
	cancelled     trouble = "its task is cancelled"
)

// day is one attempt to sync.
type day struct {
	passing []jcsim.Fault // after which a sync goes on
	fatal   *faulty       // after which it cannot
	rate    jcsim.Rate
	// edits says which changes come with which request, dice how they are made.
	edits map[int][]string
	dice  uint64
	// churn makes one change with each such request, of kinds in turn; 0 none.
	churn int
	kinds []string
	// hidden are lists that show none of the rows that they count; other routes do.
	hidden jcsim.Routes

	trouble trouble
	at      int           // the request with which it comes
	after   time.Duration // or the time
	bytes   int           // how many there are on the disk or may be in a file

	// Of services.
	dirty  bool // calls to ConductorOne go wrong
	target bool // ConductorOne asks for one type of resources only
}

// drawPlan draws a plan. The same seed draws the same.
func drawPlan(seed uint64, service bool) plan {
	r := rand.New(rand.NewPCG(seed, 7))
	p := plan{
		seed: seed, service: service, odd: r.IntN(2) == 0, workers: []int{1, 2, 4, 16}[r.IntN(4)],
		account: r.IntN(4) == 0, archive: !service && r.IntN(4) > 0,
	}
	type drawn struct {
		tenant   *jcsim.Tenant
		behavior jcsim.Behavior
		edits    []map[int][]string
	}
	days := 1 + r.IntN(3)
	// Half of the tenants are those of TestAnySyncIsTrueOrFails, which are small; the
	// others have lists of several pages.
	size := jcsim.Size{
		Users: 30 + r.IntN(200), Groups: 3 + r.IntN(25), Apps: 2 + r.IntN(15), Admins: 1 + r.IntN(130), CustomRoles: r.IntN(20),
		Ghosts: r.IntN(3), Hidden: r.IntN(3), Dangling: r.IntN(2) - 1,
	}
	long, holes := r.IntN(2) == 0, r.IntN(2) == 0
	d := rapid.Custom(func(t *rapid.T) drawn {
		tenant := drawTenant(t)
		if long {
			tenant = jcsim.Generate(seed, size)
			tenant.SetHoles(size.Dangling == 0 && holes)
		}
		d := drawn{tenant: tenant, behavior: drawBehavior(t, tenant)}
		for range days {
			d.edits = append(d.edits, drawEdits(t))
		}
		return d
	}).Example(int(seed))
	p.tenant = d.tenant
	if p.odd {
		p.behavior = d.behavior
	}
	for i := range days {
		p.days = append(p.days, drawDay(r, p, d.edits[i]))
	}
	return p
}

// drawDay draws a day. Most have one kind of trouble, and some have several.
func drawDay(r *rand.Rand, p plan, edits map[int][]string) day {
	d := day{trouble: calm, dice: r.Uint64(), at: 1 + r.IntN(60), after: time.Duration(r.IntN(300)) * time.Millisecond}
	// Between a byte and a mebibyte, small and large ones alike.
	d.bytes = 1 << r.IntN(20)
	d.bytes += r.IntN(d.bytes)
	if r.IntN(2) == 0 {
		d.edits = edits
	}
	if r.IntN(3) == 0 {
		d.churn = []int{1, 3, 3, 5, 10}[r.IntN(5)]
		all := slices.Sorted(maps.Keys(changes()))
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		d.kinds = all[:1+r.IntN(len(all))]
	}
	if r.IntN(2) == 0 {
		d.passing = drawPassing(r, p)
	}
	if r.IntN(4) == 0 {
		d.fatal = drawFatal(r)
	}
	if p.account && !p.brief() && r.IntN(2) == 0 {
		d.passing = append(d.passing, jcsim.Fault{Effect: jcsim.EffectRevoke, Route: "* /api/*", After: r.IntN(40), Times: 1})
	}
	if r.IntN(8) == 0 {
		d.rate = jcsim.Rate{PerSecond: 100, Burst: 1 + r.IntN(30), RetryAfter: []string{"", "0", "date", "soon"}[r.IntN(4)]}
	}
	troubles := []trouble{killed, killedLater, killedWriting, stopped, outage, smallFiles, fullDisk, secondRun, damagedFile}
	if p.service {
		d.dirty, d.target = r.IntN(3) > 0, r.IntN(6) == 0
		troubles = []trouble{killed, killedLater, stopped, outage, smallFiles, cancelled}
	}
	if r.IntN(3) > 0 {
		d.trouble = troubles[r.IntN(len(troubles))]
	}
	// What such a day has read is not to be mixed with what another one shows.
	if r.IntN(3) == 0 && !p.odd && d.trouble == calm && d.fatal == nil && !d.dirty {
		d.hidden = [][]string{{routeMembers}, {routeBindings}, {routeMembers, routeBindings}}[r.IntN(3)]
	}
	return d
}

// drawPassing draws faults after which a sync goes on.
func drawPassing(r *rand.Rand, p plan) []jcsim.Fault {
	var list []jcsim.Fault
	for _, tt := range faults() {
		if tt.code == exitOK && len(tt.args)+len(tt.env) == 0 {
			list = append(list, tt.fault)
		}
	}
	list = append(list,
		jcsim.Fault{Status: 520}, jcsim.Fault{Status: 408}, jcsim.Fault{Effect: jcsim.EffectDelay, Delay: 100 * time.Millisecond},
		jcsim.Fault{Status: 503, RetryAfter: "1"}, jcsim.Fault{Status: 429, Form: "html"}, jcsim.Fault{Route: routeUsers, Effect: jcsim.EffectCut},
	)
	if p.account {
		list = append(list, jcsim.Fault{Status: 503, Route: "POST /oauth2/token"})
	}
	var drawn []jcsim.Fault
	briefs := 0
	for range 1 + r.IntN(3) {
		f := list[r.IntN(len(list))]
		f.After, f.Times = r.IntN(40), 1+r.IntN(2)
		if f.Route != "" {
			f.After = 0
		}
		// The program accepts four answers that make no sense, not more.
		if f.Status == 500 || f.Effect == jcsim.EffectEmpty {
			if briefs++; briefs > 1 {
				continue
			}
		}
		drawn = append(drawn, f)
	}
	return drawn
}

// drawFatal draws a row of the fault table that ends a sync.
func drawFatal(r *rand.Rand) *faulty {
	var list []faulty
	for _, tt := range faults() {
		if tt.code != exitOK && len(tt.args)+len(tt.env) == 0 && tt.fault.Effect != jcsim.EffectHuge {
			list = append(list, tt)
		}
	}
	f := list[r.IntN(len(list))]
	f.fault.Name = f.name
	if f.fault.Route == routeMembers || f.fault.Route == routeBindings {
		f.fault.After = r.IntN(10)
	}
	return &f
}

// brief reports whether the tokens of a service account live for seconds only. Two of
// them that are refused one after the other, for whatever reason, end a sync, so that
// such plans revoke none; and one must outlast a request on a machine that is busy.
func (p *plan) brief() bool { return p.seed%2 == 0 }

// settings are those of the server on a day.
func (p *plan) settings(d day) jcsim.Settings {
	s := jcsim.Settings{Behavior: p.behavior, Rate: d.rate, Faults: slices.Clone(d.passing)}
	if d.fatal != nil {
		s.Faults = append(s.Faults, d.fatal.fault)
	}
	for _, route := range d.hidden {
		if s.HideRows == nil {
			s.HideRows = map[string]int{}
		}
		s.HideRows[route] = 100
	}
	return s
}

// String tells a plan as somebody would who has to find out what went wrong.
func (p *plan) String() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	mode, with := "one-shot", "a key"
	if p.service {
		mode = "service"
	}
	if p.account {
		with = "a service account"
	}
	say("seed %d: %s, %d workers, with %s, an archive from the day before: %t", p.seed, mode, p.workers, with, p.archive)
	say("  tenant: %+v, holes: %t", p.tenant.Counts(), p.tenant.Holes())
	if p.odd {
		say("  server: %+v", p.behavior)
	}
	for i, d := range p.days {
		say("  day %d: %s (at request %d, after %s, %d bytes)", i+1, d.trouble, d.at, d.after, d.bytes)
		for _, f := range d.passing {
			say("    passing: %s", describe(f))
		}
		if d.fatal != nil {
			say("    fatal: %s: %s", d.fatal.name, describe(d.fatal.fault))
		}
		if d.rate.PerSecond > 0 {
			say("    rate: %+v", d.rate)
		}
		if d.churn > 0 {
			say("    churn with each request number %d: %s", d.churn, strings.Join(d.kinds, ", "))
		}
		if len(d.hidden) > 0 {
			say("    shown as empty: %s", strings.Join(d.hidden, ", "))
		}
		for _, n := range slices.Sorted(maps.Keys(d.edits)) {
			say("    edits at request %d: %s", n, strings.Join(d.edits[n], ", "))
		}
		if p.service {
			say("    calls to ConductorOne go wrong: %t; it asks for groups only: %t", d.dirty, d.target)
		}
	}
	return b.String()
}

// describe tells a fault without what it leaves open.
func describe(f jcsim.Fault) string {
	text, err := f.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(text)
}
