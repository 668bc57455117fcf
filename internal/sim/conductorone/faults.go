package c1sim

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A Call is one request as [Faults] see it.
type Call struct {
	// Method is the RPC's bare name, such as "GetTask", or "token".
	Method string
	// TaskID is the task that the request names, if it names one.
	TaskID string
	// Number counts the calls of the method, from 1.
	Number int
}

// A Fault is what becomes of a call. The zero Fault is none.
type Fault struct {
	// Delay passes before anything else happens.
	Delay time.Duration
	// Before is answered instead of doing what was asked.
	Before error
	// After is answered although what was asked was done.
	After error
	// Late passes between doing what was asked and answering.
	Late time.Duration
	// Cut breaks an upload off with Unavailable instead of taking its Cut-th message;
	// the metadata is message 1. 0 lets it through.
	Cut int
	// Cancel cancels the task of a heartbeat.
	Cancel bool
	// Withdraw ends every access token, so that this call and those that follow with
	// the same token are Unauthenticated.
	Withdraw bool
}

// Faults decide about each call. They are called for one call at a time.
type Faults func(Call) Fault

// Rates are the shares of calls, from 0 to 1, that [Random] spoils.
type Rates struct {
	// Unavailable is of all calls, tokens included.
	Unavailable float64
	// Slow is of all calls; each is late by up to SlowBy.
	Slow   float64
	SlowBy time.Duration
	// LostAnswer is of all unary calls: they take effect, the answer is Unavailable.
	LostAnswer float64
	// LostHeartbeat is of heartbeats, besides the above.
	LostHeartbeat float64
	// FinishRefused is of FinishTask calls: refused with one code or another.
	FinishRefused float64
	// UploadCut is of uploads: broken off at any message.
	UploadCut float64
	// Cancel is of heartbeats: they cancel their task.
	Cancel float64
	// Withdraw is of all calls: access tokens end before their time.
	Withdraw float64
}

// maxCut is the last message at which Random breaks an upload off.
const maxCut = 8

// Random spoils calls at the given rates. The same seed and the same order of
// calls give the same faults.
func Random(seed uint64, r Rates) Faults {
	rng := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // Faults need no secret randomness.
	refusals := []codes.Code{codes.Internal, codes.ResourceExhausted, codes.PermissionDenied, codes.InvalidArgument, codes.Aborted}
	return func(c Call) Fault {
		var f Fault
		// Each die is cast for each call, so that changing one rate moves no other.
		slow, unavailable, lost := rng.Float64(), rng.Float64(), rng.Float64()
		special, withdraw := rng.Float64(), rng.Float64()
		delay, choice := rng.Float64(), rng.IntN(1<<20)
		if slow < r.Slow {
			f.Delay = time.Duration(delay * float64(r.SlowBy))
		}
		if unavailable < r.Unavailable {
			f.Before = status.Error(codes.Unavailable, "simulated outage")
		}
		if lost < r.LostAnswer {
			f.After = status.Error(codes.Unavailable, "simulated loss of the answer")
		}
		f.Withdraw = withdraw < r.Withdraw
		switch c.Method {
		case "Heartbeat":
			if special < r.LostHeartbeat {
				f.Before = status.Error(codes.Unavailable, "simulated loss of a heartbeat")
			}
			f.Cancel = special > 1-r.Cancel
		case "FinishTask":
			if special < r.FinishRefused {
				f.Before = status.Error(refusals[choice%len(refusals)], "simulated refusal")
			}
		case "UploadAsset":
			if special < r.UploadCut {
				f.Cut = 1 + choice%maxCut
			}
		}
		return f
	}
}

// faultBox counts calls and keeps Faults to one call at a time.
type faultBox struct {
	mu     sync.Mutex
	faults Faults
	calls  map[string]int
}

func (b *faultBox) next(c Call) Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls[c.Method]++
	c.Number = b.calls[c.Method]
	if b.faults == nil {
		return Fault{}
	}
	return b.faults(c)
}

// wait lets the delay of a fault pass.
func (f Fault) wait(ctx context.Context) error { return wait(ctx, f.Delay) }

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
