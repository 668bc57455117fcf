package jumpcloud

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

const (
	// keep is what is left of the rate after a refusal.
	keep = 0.85
	// These say after how many accepted requests the rate is back where it was
	// refused: so many, as many as that time takes, and so many for each refusal.
	// They bound the share of requests that a server with a steady limit refuses.
	settleRequests = 200
	settleTime     = 20 * time.Second
	settleEach     = 80
	// searchRequests and searchTime take their place, whichever is less, while the
	// limit is not known well.
	searchRequests = 50
	searchTime     = 5 * time.Second
	leastSpan      = 10
	// beyond is how many times as fast the rate leaves a limit behind as it came
	// near.
	beyond = 4
	// searchCuts is after how many cuts that is.
	searchCuts = 3

	// A throughput that lasted for steadyTime and steadyRequests is one that the server
	// bears, and a part of it, down to yieldLeast of that, is kept to whatever is
	// refused now and then: steadyPart at first, and less with each refusal by yield.
	steadyTime     = 20 * time.Second
	steadyRequests = 50
	steadyPart     = 0.5
	yield          = 0.98
	yieldLeast     = 0.5
	// much is the share of refusals that is more than now and then, shareFades how
	// fast the share forgets, and muchAtOnce so many that came together.
	much       = 0.25
	shareFades = 1.0 / 32
	muchAtOnce = 4

	// strainFades with each accepted request.
	strainFades = 1.0 / 16

	minRate = 0.05 // requests per second
	maxRate = 5000 // beyond it the rate is unlimited

	minHold = 50 * time.Millisecond
	maxHold = 30 * time.Second
	// probeWait is how long the end of a probe is awaited before another one goes.
	probeWait = 5 * time.Second
	// lull is how long nobody asks before what was measured no longer counts.
	lull = time.Second
)

// pacer learns the rate that a server takes, from its refusals alone. It is the
// arithmetic of the gate: no locks, no clock of its own, not safe for concurrent
// use.
//
// Nothing is limited before the first refusal. At a refusal the rate is cut to the
// throughput that the server accepted since the last cut, or to 85 % of the rate,
// whichever is less: the first finds the order of magnitude at once, the second
// keeps the distance. One refusal among many accepted requests says nothing of the
// order of magnitude, so that there the second alone counts. Then everybody waits for
// as long as the server said, or shortly where it did not say, and a single request
// probes; while probes are refused the wait doubles. From then on every accepted
// request that had to wait for the rate adds to it, in steps that shrink towards the
// rate at which the server refused (the ceiling) and grow beyond it, so that a limit
// is approached gently, held for long, and left behind soon once it is gone. A request
// that did not have to wait proves nothing about the rate.
//
// Some refusals are not about the rate: a server in trouble, or another client of
// the same organization. As long as they are few, the rate stays above a part of the
// throughput that the server was seen to bear, or they would bring it down to
// nothing.
type pacer struct {
	limiter *rate.Limiter
	rate    float64 // requests per second; +Inf before the first refusal

	ceiling float64 // the rate to approach gently
	grown   float64 // accepted requests since the last cut
	span    float64 // accepted requests until the ceiling

	// epoch counts the refusals that were acted upon. Another one, of a request from
	// before, says nothing new.
	epoch uint64

	// since and accepted measure the throughput.
	since     time.Time
	accepted  int
	lastGrant time.Time
	// ended is the stretch that the last cut ended, cutAt its first epoch after.
	ended stretch
	cutAt uint64
	// refusals counts those since the last cut, that one included.
	refusals int
	cuts     int
	// share is how much of what was asked lately was refused.
	share float64
	// steady measures the throughput over a longer time, proven is the most that was
	// measured, and floor the part of it that is kept to.
	steadySince   time.Time
	steady        int
	proven, floor float64

	// out is how many requests are under way; idle is when the last one ended, zero
	// while there are some.
	out  int
	idle time.Time
	// strain grows by one with each failure of the server and fades with what it
	// accepts.
	strain float64

	until    time.Time     // nobody asks before
	hold     time.Duration // the last wait chosen by ourselves
	probing  bool          // one request at a time, until one is accepted
	probeOut bool
}

// stretch is what happened from one cut of the rate to the next.
type stretch struct {
	accepted int
	span     time.Duration
	rate     float64 // at the end of it
	ceiling  float64 // the rate that was to be approached in it
	out      int     // under way at the end of it
}

// pass is the right to make one request.
type pass struct {
	epoch uint64
	probe bool
	paced bool // the rate made it wait
	// inFlight is how many requests are under way, this one included.
	inFlight int
}

// outcome is what became of a request.
type outcome uint8

const (
	unknown   outcome = iota // no answer came
	accepted                 // the server took it out of its allowance
	refusedBy                // the server asked to slow down
	strained                 // the server was not up to it, which may or may not be our doing
)

// signal tells the pacer of a request's end.
type signal struct {
	kind  outcome
	after time.Duration // how long to leave the server alone; negative when it did not say
}

func newPacer() pacer {
	return pacer{limiter: rate.NewLimiter(rate.Inf, 1), rate: math.Inf(1)}
}

// delay returns how long the next request has to wait, 0 when it may go, and
// whether it is the rate that makes it wait.
func (p *pacer) delay(now time.Time) (wait time.Duration, paced bool) {
	if p.probing && p.probeOut {
		// One that hangs must not keep all others for as long as it may take.
		if wait := probeWait - now.Sub(p.lastGrant); wait > 0 {
			return wait, false
		}
	}
	if wait := p.until.Sub(now); wait > 0 {
		return wait, false
	}
	missing := 1 - p.limiter.TokensAt(now)
	if missing <= 0 {
		return 0, false
	}
	// Rounding up makes sure that the token is there when the wait is over.
	return time.Duration(missing/p.rate*float64(time.Second)) + time.Microsecond, true
}

// take lets a request go. Arrived is when it began to wait.
func (p *pacer) take(now, arrived time.Time, paced bool) pass {
	if pause := arrived.Sub(latest(p.idle, p.until)); !p.idle.IsZero() && pause > 0 {
		// Nobody wanted anything: that was not the server's doing.
		p.since, p.steadySince = p.since.Add(pause), p.steadySince.Add(pause)
	}
	p.idle = time.Time{}
	p.out++
	if now.Sub(p.lastGrant) > lull && arrived.Equal(now) {
		// What was measured so long ago says little.
		p.since, p.accepted = now, 0
	}
	p.lastGrant = now
	p.limiter.AllowN(now, 1)
	p.probeOut = p.probing
	return pass{epoch: p.epoch, probe: p.probing, paced: paced}
}

// done records the end of a request.
func (p *pacer) done(now time.Time, pass pass, s signal) {
	current := pass.epoch == p.epoch
	if p.out--; p.out == 0 {
		p.idle = now
	}
	if pass.probe && current {
		p.probeOut = false
	}
	if s.kind == strained {
		// One in many is an accident; a second one soon after is not.
		if p.strain++; p.strain < 1.5 {
			return
		}
		s.kind = refusedBy
	}
	switch s.kind {
	case accepted:
		p.share -= p.share * shareFades
		p.measure(now)
	case refusedBy:
		p.share += (1 - p.share) * shareFades
	case unknown, strained:
	}
	switch {
	case s.kind == accepted && current:
		p.strain = max(0, p.strain-strainFades)
		p.accept(now, pass)
	case s.kind == accepted && pass.epoch < p.cutAt:
		// It was under way when the rate was cut.
		p.ended.accepted++
	case s.kind == refusedBy && current:
		p.refuse(now, s.after)
	case s.kind == refusedBy:
		p.refusals++
		p.wait(now, s.after)
	}
}

// accept counts an accepted request and lets the rate grow.
func (p *pacer) accept(now time.Time, pass pass) {
	if p.probing {
		// By now it is known what became of the requests that were under way.
		p.judge(now)
		p.probing, p.hold = false, 0
	}
	p.accepted++
	if !pass.paced || math.IsInf(p.rate, 1) {
		return
	}
	p.grown++
	if p.grown == math.Ceil(p.span) {
		// From here on the throughput may be another.
		p.since, p.accepted = now, 0
	}
	x := p.grown/p.span - 1
	if x > 0 {
		x *= beyond
	}
	p.set(now, p.ceiling*(1+(1-keep)*x*x*x))
}

// refuse slows down.
func (p *pacer) refuse(now time.Time, after time.Duration) {
	p.epoch++
	p.refusals++
	p.strain = 1
	if p.probing {
		// Not even a single request got through: this is about the wait.
		p.hold = min(maxHold, 2*p.hold)
	} else {
		p.ended = stretch{accepted: p.accepted, span: now.Sub(p.since), rate: p.rate, ceiling: p.ceiling, out: p.out + 1}
		p.cutAt, p.refusals = p.epoch, 1
		p.cuts++
		p.since, p.accepted = now, 0
		p.cut(now)
		// Time for two requests.
		p.hold = min(time.Second, max(minHold, time.Duration(2/p.rate*float64(time.Second))))
	}
	p.probing, p.probeOut = true, false
	p.wait(now, max(after, p.hold))
}

// measure counts an accepted request for the throughput over a longer time.
func (p *pacer) measure(now time.Time) {
	if p.steadySince.IsZero() {
		p.steadySince = now
	}
	p.steady++
	took := now.Sub(p.steadySince)
	if took < steadyTime || p.steady < steadyRequests {
		return
	}
	if bears := float64(p.steady) / took.Seconds(); bears > p.proven {
		p.proven, p.floor = bears, bears*steadyPart
	}
	p.steadySince, p.steady = now, 0
}

// judge works out the rate when it is known how many were refused together.
func (p *pacer) judge(now time.Time) {
	if p.share >= much || p.refusals >= muchAtOnce && 2*p.refusals > p.ended.out {
		// The server bears less than it did.
		p.steadySince, p.steady, p.proven, p.floor = now, 0, 0, 0
	}
	if p.cut(now); p.rate <= p.floor {
		p.floor = max(p.floor*yield, p.proven*steadyPart*yieldLeast)
	}
}

// latest is the later one of two times.
func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// cut works out the rate from the stretch that has ended.
func (p *pacer) cut(now time.Time) {
	next := p.ended.rate * keep
	if p.ended.accepted > 0 && (math.IsInf(next, 1) || p.refusals >= muchAtOnce || p.refusals > p.ended.accepted) {
		next = min(next, float64(p.ended.accepted)/max(p.ended.span, time.Millisecond).Seconds())
	}
	if math.IsInf(next, 1) {
		return
	}
	next = max(minRate, next, min(p.floor, p.ended.rate))
	p.span = max(settleRequests, next*settleTime.Seconds(), float64(p.refusals)*settleEach)
	if p.cuts <= searchCuts {
		p.span = min(searchRequests, max(leastSpan, next*searchTime.Seconds()))
	}
	p.ceiling, p.grown = next/keep, 0
	p.set(now, next)
}

// wait keeps everybody waiting.
func (p *pacer) wait(now time.Time, d time.Duration) {
	if until := now.Add(d); until.After(p.until) {
		p.until = until
	}
}

// set changes the rate. A few milliseconds' worth may go at once, because timers
// are not finer than that.
func (p *pacer) set(now time.Time, r float64) {
	limit, burst := rate.Limit(r), 1+int(r/200)
	if r > maxRate {
		r, limit, burst = math.Inf(1), rate.Inf, 1
	}
	p.rate = r
	p.limiter.SetLimitAt(now, limit)
	p.limiter.SetBurstAt(now, burst)
}
