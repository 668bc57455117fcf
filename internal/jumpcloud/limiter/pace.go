package limiter

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

const (
	// keep is the part of the rate that a refusal leaves.
	keep = 0.9
	// A rate is back where it was refused after so many accepted requests, or as many as
	// that time takes, or what takes so many times as long as the waiting did, whichever
	// is most. That bounds what a server with a steady limit refuses, and what waiting
	// for it costs.
	settleRequests = 200
	settleTime     = 20 * time.Second
	settleWaits    = 30
	settleMost     = 60 * time.Second
	// beyond is how many times as fast a rate leaves a limit behind as it came near.
	beyond = 4

	// Of a rate at which fewer than few requests were accepted little is known. It
	// begins with firstRate at most, and ramp is how much each accepted request adds.
	few       = 5
	firstRate = 10 // requests per second
	ramp      = 0.1

	// Refusals are about the rate, and that far off, where this part of the latest
	// requests was refused, or so many at once and most of those under way.
	farShare   = 0.25
	shareFades = 1.0 / 32
	farAtOnce  = 4
	// kept is the part of the throughput that a server was seen to bear which is kept to
	// where it refuses requests now and then.
	kept = 0.25

	minRate = 0.05 // requests per second
	maxRate = 5000 // beyond it the rate is unlimited

	minHold = 50 * time.Millisecond
	maxHold = 30 * time.Second
	// probeWait is how long the end of a probe is awaited before another one goes.
	probeWait = 5 * time.Second
	// rounding is what a server that counts in whole seconds may say where it means a
	// moment.
	rounding = time.Second
)

// pace learns the rate that a server takes. It is the arithmetic of the [Limiter]: no
// locks, no clock of its own, not safe for concurrent use.
//
// Nothing is limited before the first refusal. At a refusal everybody waits for as
// long as the server said, or shortly where it did not, and then a single request
// probes; while probes are refused the wait doubles. When one is accepted, it is known
// how many were refused together, and the rate is cut: a little below the rate at which
// the refused request went, or, where that was far off, to the throughput from one
// refusal to the next. From then on each accepted request that waited for the rate
// adds to it: in steps that shrink towards the ceiling, where the server refused, and
// grow beyond it, so that a limit is approached gently and left behind soon once it is
// gone. Where next to nothing is known it grows by a part of itself, until it is
// refused.
//
// Some refusals are not about the rate: those of a server in trouble, or because of
// other clients. As long as they are few, a part of the throughput that the server was
// seen to bear is kept to, or they would bring the rate down to nothing.
type pace struct {
	bucket  *rate.Limiter
	rate    float64 // requests per second; +Inf before the first refusal
	ceiling float64 // where the rate was refused; 0 while it ramps
	grown   float64 // accepted requests since the cut
	span    float64 // accepted requests until the ceiling

	epoch        uint64    // counts refusals acted upon; another one from before says nothing new
	seq, refused uint64    // number the requests, the last that went and the last that was refused
	now          stretch   // since the last refusal that led to a cut
	last         stretch   // the one that ended before
	share        float64   // of the latest requests that was refused
	proven       float64   // the highest throughput
	out          int       // under way
	idle         time.Time // when the last of them ended
	sent         time.Time // when the last one went

	until    time.Time // nobody asks before
	hold     time.Duration
	rounded  bool // until is a moment that the server rounded up, perhaps
	rounds   bool // it was seen to accept requests before
	probing  bool // one request at a time, until one is accepted
	probeOut bool
	spare    bool // the server said that requests are left
}

// stretch is what happened from one cut of the rate to the next.
type stretch struct {
	from     time.Time
	took     time.Duration
	accepted int
	refused  int // together, at the end of it
	epoch    uint64
	// rate is that at which the refused request went, ramped whether it was still
	// searched for, and out how many were under way then.
	rate   float64
	ramped bool
	out    int
}

func newPace() pace {
	return pace{bucket: rate.NewLimiter(rate.Inf, 1), rate: math.Inf(1), ceiling: math.Inf(1)}
}

// delay returns how long the next request has to wait, 0 when it may go, and whether
// it is the rate that makes it wait.
func (p *pace) delay(now time.Time) (wait time.Duration, paced bool) {
	if p.probing && p.probeOut {
		// One that hangs must not keep all others for as long as it may take.
		if wait := probeWait - now.Sub(p.sent); wait > 0 {
			return wait, false
		}
	}
	if wait := p.until.Sub(now); wait > 0 {
		return wait, false
	}
	if missing := 1 - p.bucket.TokensAt(now); missing > 0 {
		// Rounding up makes sure that the token is there when the wait is over.
		return time.Duration(missing/p.rate*float64(time.Second)) + time.Microsecond, true
	}
	return 0, false
}

// take lets a request go that began to wait at arrived.
func (p *pace) take(now, arrived time.Time, paced bool) Pass {
	if p.now.from.IsZero() {
		p.now.from, p.idle = now, now
	}
	if pause := arrived.Sub(latest(p.idle, p.until)); p.out == 0 && pause > 0 {
		// Nobody wanted anything: that was not the server's doing.
		p.now.from = p.now.from.Add(pause)
	}
	paced = paced || p.bucket.TokensAt(now) < float64(p.bucket.Burst()-1)
	p.bucket.AllowN(now, 1)
	p.out++
	p.seq++
	p.sent, p.probeOut = now, p.probing
	return Pass{InFlight: p.out, epoch: p.epoch, seq: p.seq, rate: p.rate, paced: paced, probe: p.probing}
}

// done records the end of a request.
func (p *pace) done(now time.Time, pass Pass, a Answer) {
	current := pass.epoch == p.epoch
	if p.out--; p.out == 0 {
		p.idle = now
	}
	if pass.probe && current {
		p.probeOut = false
	}
	switch {
	case a.Outcome == Refused:
		p.share += (1 - p.share) * shareFades
		p.refuse(now, pass, a.After, current)
	case a.Outcome == Accepted && current:
		p.share -= p.share * shareFades
		p.accept(now, pass)
		p.note(now, pass, a.Left)
	case a.Outcome == Accepted:
		p.share -= p.share * shareFades
		if pass.epoch < p.last.epoch {
			p.last.accepted++ // It was under way when the rate was cut.
		}
		if p.rounded && pass.seq > p.refused && now.Before(p.until) {
			p.rounds, p.until = true, now
		}
	}
}

// accept counts an accepted request and lets the rate grow.
func (p *pace) accept(now time.Time, pass Pass) {
	if p.probing {
		p.cut(now)
		p.probing, p.hold = false, 0
	}
	p.now.accepted++
	switch {
	case !pass.paced || math.IsInf(p.rate, 1):
		return
	case p.ceiling == 0:
		p.set(now, p.rate*(1+ramp))
		return
	}
	if p.grown++; p.grown == math.Ceil(p.span) {
		p.now.from, p.now.accepted = now, 0 // From here on the throughput may be another.
	}
	x := p.grown/p.span - 1
	if x > 0 {
		x *= beyond
	}
	p.set(now, p.ceiling*(1+(1-keep)*x*x*x))
}

// note slows down before a refusal, where the server tells that the next request
// would be one.
func (p *pace) note(now time.Time, pass Pass, left int) {
	if left == 0 && p.spare && !math.IsInf(pass.rate, 1) {
		p.end(now, pass)
		p.cut(now)
	}
	p.spare = left > 0
}

// refuse slows down.
func (p *pace) refuse(now time.Time, pass Pass, after time.Duration, current bool) {
	p.last.refused++
	p.refused = max(p.refused, pass.seq)
	rounded := after > 0 && after <= rounding
	if rounded && p.rounds && current {
		// Unless it is right after all.
		if p.rounds = !p.probing; p.rounds {
			after = 0
		}
	}
	switch {
	case current && p.probing:
		// Not even a single request got through: this is about the wait.
		p.epoch++
		p.hold = min(maxHold, 2*p.hold)
	case current:
		p.end(now, pass)
		// Time for two requests.
		p.hold = min(time.Second, max(minHold, time.Duration(2/p.rate*float64(time.Second))))
		p.probing = true
	}
	if current {
		p.probeOut = false
		after = max(after, p.hold)
	}
	if until := now.Add(after); until.After(p.until) {
		p.until, p.rounded = until, rounded
	}
}

// end ends the stretch.
func (p *pace) end(now time.Time, pass Pass) {
	p.epoch++
	p.last = p.now
	p.last.took, p.last.epoch = now.Sub(p.now.from), p.epoch
	p.last.rate, p.last.ramped, p.last.out, p.last.refused = pass.rate, p.ceiling == 0, p.out+1, 1
	p.now = stretch{from: now}
}

// cut works out the rate from the stretch that has ended.
func (p *pace) cut(now time.Time) {
	// It may have taken requests again since a part of the last wait was over.
	last, rest := p.last, now.Sub(p.now.from)-p.hold/3
	took := throughput(last.accepted, last.took)
	if last.accepted == 0 {
		took = firstRate // Refused from the start on, which says nothing of a rate.
	}
	first := math.IsInf(last.rate, 1) && !last.ramped
	far := p.share >= farShare || last.refused >= farAtOnce && 3*last.refused >= 2*last.out
	known := last.accepted >= few
	window := far && known && rest > 4*last.took
	next := last.rate * keep
	switch {
	case window:
		// A window was used up at once: it gives that much in that time.
		next = min(next, max(min(took, firstRate), throughput(last.accepted, last.took+rest)))
	case first && far:
		next, known = min(took, firstRate), false
	case math.IsInf(last.rate, 1):
		next, known = took, false
	case far && known:
		next = min(next, took)
	case far || last.ramped && !known:
		next, known = last.rate/2, false
	default:
		known = true
	}
	p.span = max(settleRequests, float64(last.accepted))
	if !far {
		p.span = max(settleRequests, next*max(settleTime, min(settleMost, settleWaits*rest)).Seconds())
	}
	if far {
		p.share, p.proven = 0, 0
	} else {
		p.proven = max(p.proven, took)
		next = max(next, min(last.rate, p.proven*kept))
	}
	next = max(minRate, next)
	p.grown, p.ceiling = 0, next/keep
	if !known {
		p.ceiling = 0
	}
	p.set(now, next)
}

// set changes the rate. A few milliseconds' worth may go at once, because timers are
// not finer than that.
func (p *pace) set(now time.Time, r float64) {
	limit, burst := rate.Limit(r), 1+int(r/500)
	if r > maxRate {
		r, limit, burst = math.Inf(1), rate.Inf, 1
	}
	p.rate = r
	p.bucket.SetLimitAt(now, limit)
	p.bucket.SetBurstAt(now, burst)
}

// throughput is in requests per second.
func throughput(n int, took time.Duration) float64 {
	return float64(n) / max(took, time.Millisecond).Seconds()
}

// latest is the later one of two times.
func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
