package jumpcloud

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

const (
	// cut is what is left of the rate after a refusal.
	cut = 0.85
	// settleRequests and settleTime say after how many accepted requests, and how
	// long, the rate is back where it was refused. They bound the share of requests
	// that a server with a steady limit refuses.
	settleRequests = 300
	settleTime     = 20 * time.Second
	// searchRequests takes the place of both while the limit is not known well.
	searchRequests = 50
	// searchBelow is the share of the rate below which the measured throughput says
	// that the limit is not known well.
	searchBelow = 0.6

	minRate = 0.05 // requests per second
	maxRate = 5000 // beyond it the rate is unlimited

	minHold = 50 * time.Millisecond
	maxHold = 30 * time.Second
	// lull is how long nobody asks before what was measured no longer counts.
	lull = time.Second
)

// pacer learns the rate that a server takes, from its refusals alone. It is the
// arithmetic of the gate: no locks, no clock of its own, not safe for concurrent
// use.
//
// Nothing is limited before the first refusal. At a refusal the rate falls to the
// throughput that the server accepted since the one before, or to 85 % of the
// rate, whichever is less: the first finds the order of magnitude at once, the
// second keeps the distance. Then everybody waits for as long as the server said,
// or shortly where it did not say, and a single request probes; while probes are
// refused the wait doubles. After that every accepted request that had to wait
// for the rate adds to it, in steps that shrink towards the rate at which the
// server refused and grow beyond it, so that a limit is approached gently, held
// for long, and left behind soon once it is gone.
type pacer struct {
	limiter *rate.Limiter
	rate    float64 // requests per second; +Inf before the first refusal

	ceiling float64 // the rate to approach gently
	grown   float64 // accepted requests since the last cut
	span    float64 // accepted requests until the ceiling

	// epoch counts the cuts. A refusal of a request from before a cut says nothing
	// new.
	epoch uint64

	// since and accepted measure the throughput.
	since     time.Time
	accepted  int
	lastGrant time.Time

	until    time.Time     // nobody asks before
	hold     time.Duration // the last wait chosen by ourselves
	probing  bool          // one request at a time, until one is accepted
	probeOut bool
}

// pass is the right to make one request.
type pass struct {
	epoch uint64
	probe bool
	paced bool // the rate made it wait
}

// outcome is what became of a request.
type outcome uint8

const (
	unknown   outcome = iota // no answer came
	accepted                 // the server took it out of its allowance
	refusedBy                // the server asked to slow down
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
// whether it is the rate that makes it wait. A probe under way gives forever.
func (p *pacer) delay(now time.Time) (wait time.Duration, paced bool) {
	if p.probing && p.probeOut {
		return forever, false
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

// forever stands for an end that an event brings, not the clock.
const forever = time.Duration(math.MaxInt64)

// take lets a request go. Arrived is when it began to wait.
func (p *pacer) take(now, arrived time.Time, paced bool) pass {
	if now.Sub(p.lastGrant) > lull && arrived.Equal(now) {
		// Nobody wanted anything for a while: that was not the server's doing.
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
	if pass.probe && current {
		p.probeOut = false
	}
	switch s.kind {
	case accepted:
		if current {
			p.accept(now, pass)
		}
	case refusedBy:
		if current {
			p.refuse(now, s.after)
		} else {
			p.wait(now, s.after)
		}
	case unknown:
	}
}

// accept counts an accepted request and lets the rate grow.
func (p *pacer) accept(now time.Time, pass pass) {
	p.accepted++
	p.probing, p.hold = false, 0
	if !pass.paced || math.IsInf(p.rate, 1) {
		return
	}
	p.grown++
	x := p.grown/p.span - 1
	p.set(now, p.ceiling*(1+(1-cut)*x*x*x))
}

// refuse slows down.
func (p *pacer) refuse(now time.Time, after time.Duration) {
	p.epoch++
	switch {
	case p.probing || p.accepted == 0:
		// Not even the first request got through: this is about the wait.
		p.hold = min(maxHold, 2*p.hold)
	default:
		measured := float64(p.accepted) / max(now.Sub(p.since).Seconds(), time.Millisecond.Seconds())
		next := min(p.rate*cut, measured)
		p.span = max(settleRequests, next*settleTime.Seconds())
		if next < p.rate*searchBelow {
			p.span = searchRequests
		}
		p.ceiling, p.grown = max(minRate, next)/cut, 0
		p.set(now, p.ceiling*cut)
		p.since, p.accepted = now, 0
		p.hold = 0
	}
	if p.hold == 0 {
		// Time for two requests.
		p.hold = min(time.Second, max(minHold, time.Duration(2/p.rate*float64(time.Second))))
	}
	p.probing, p.probeOut = true, false
	p.wait(now, max(after, p.hold))
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
