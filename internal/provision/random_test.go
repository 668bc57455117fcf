package provision_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// 500 changes in random order, interrupted by everything that can happen to a
// request. The model is told what was asked for and what was answered, and nothing
// else: a success is as asked for, a failure is as it was, and a change of which
// the answer does not know is asked for again, as a person would. In the end the
// tenant must be what the model is. On the way, each answer is held against the
// tenant as it was just before.
func TestRandomChangesUnderFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, randomChanges)
}

// pair is an access that somebody has or has not.
type pair struct {
	who  *v2.Resource
	what *v2.Entitlement
}

func randomChanges(t *testing.T) {
	settings := jcsim.Settings{Behavior: jcsim.Behavior{LagReads: 3, LagTime: 2 * time.Second}}
	for _, route := range []string{"POST /api/v2/usergroups/{id}/members", "POST /api/v2/applications/{id}/associations", "POST /api/v2/gsuites/{id}/associations", "POST /api/v2/radiusservers/{id}/associations", "POST /api/v2/systems/{id}/associations"} {
		settings.Faults = append(
			settings.Faults,
			jcsim.Fault{Route: route, Probability: 0.06, Status: http.StatusTooManyRequests, RetryAfter: "2"},
			jcsim.Fault{Route: route, Probability: 0.06, Status: http.StatusServiceUnavailable},
			jcsim.Fault{Route: route, Probability: 0.06, Status: http.StatusServiceUnavailable, Effect: jcsim.EffectStatusAfter},
			jcsim.Fault{Route: route, Probability: 0.06, Status: http.StatusBadGateway, Effect: jcsim.EffectStatusAfter},
			jcsim.Fault{Route: route, Probability: 0.08, Effect: jcsim.EffectReset},
			jcsim.Fault{Route: route, Probability: 0.1, Effect: jcsim.EffectResetAfter},
		)
	}
	settings.Faults = append(settings.Faults,
		jcsim.Fault{Route: "GET *", Probability: 0.05, Status: http.StatusBadGateway})
	b := newBench(t, settings, jcsim.Rights{})
	chance := rand.New(rand.NewPCG(2, 1))

	var pairs []pair
	for _, user := range []string{"ana", "bo"} {
		for _, group := range []string{"Sales", "Ops"} {
			pairs = append(pairs, pair{b.principal(t, "user", user), b.entitlement(t, "group", group)})
		}
		pairs = append(pairs, pair{b.principal(t, "user", user), b.entitlement(t, "app", "AWS Prod")})
	}
	pairs = append(pairs, pair{b.principal(t, "group", "Ops"), b.entitlement(t, "app", "AWS Prod")},
		pair{b.principal(t, "group", "Ops"), b.entitlement(t, "radius_server", "Wi-Fi")}, pair{b.principal(t, "user", "ana"), b.entitlement(t, "directory", "Workspace")},
		pair{b.principal(t, "user", "ana"), b.entitlement(t, "device", "laptop:user")}, pair{b.principal(t, "user", "bo"), b.entitlement(t, "device", "server:admin")})

	model := make([]bool, len(pairs))
	for i, p := range pairs {
		model[i] = b.holds(t, p.who, p.what)
	}
	calls, inDoubt := 0, 0
	began := time.Now()
	for range 500 {
		i, want := chance.IntN(len(pairs)), chance.IntN(2) == 0
		for {
			calls++
			result := b.changeTruly(t, pairs[i], want)
			if result == provision.ResultChanged || result == provision.ResultAlready {
				model[i] = want
				break
			}
			if result == provision.ResultFailed {
				break
			}
			inDoubt++
		}
	}
	for i, p := range pairs {
		if b.holds(t, p.who, p.what) != model[i] {
			t.Errorf("pair %d: JumpCloud has %v, the model %v", i, !model[i], model[i])
		}
	}
	if len(b.audit.intents) != calls || len(b.audit.outcomes) != calls {
		t.Errorf("%d calls, %d intents, %d outcomes", calls, len(b.audit.intents), len(b.audit.outcomes))
	}
	results := map[provision.Result]int{}
	for _, o := range b.audit.outcomes {
		results[o.Result]++
	}
	if good := results[provision.ResultChanged] + results[provision.ResultAlready]; good < 490 || results[provision.ResultAlready] < 100 {
		t.Errorf("only %d of 500 changes succeeded: %v", good, results)
	}
	t.Logf("%d calls in %v, %d in doubt; results %v; %d writes sent; faults %v",
		calls, time.Since(began), inDoubt, results, b.writes(), b.server.Requests().Faults)
}

// changeTruly makes one change and holds the answer, and what the audit was told,
// against the tenant.
func (b *bench) changeTruly(t *testing.T, p pair, want bool) provision.Result {
	t.Helper()
	before := b.holds(t, p.who, p.what)
	do, already := b.revoke, proto.Message(&v2.GrantAlreadyRevoked{})
	if want {
		do, already = b.grant, &v2.GrantAlreadyExists{}
	}
	notes, err := doWithin(t.Context(), do, p.who, p.what)
	now := b.holds(t, p.who, p.what)
	outcome := b.audit.outcomes[len(b.audit.outcomes)-1]
	good := outcome.Result == provision.ResultChanged || outcome.Result == provision.ResultAlready
	switch {
	case good != (err == nil):
		t.Errorf("answer %v, but the audit was told %+v", err, outcome)
	case good && now != want:
		t.Errorf("success, but JumpCloud holds %v instead of %v", now, want)
	case has(notes, already) != (outcome.Result == provision.ResultAlready):
		t.Errorf("annotations %v, but the audit was told %+v", notes, outcome)
	case outcome.Result == provision.ResultAlready && before != want:
		t.Error("answered that it was so already, which it was not")
	case outcome.Result == provision.ResultChanged && outcome.Attempts == 1 && before == want:
		t.Error("answered that it was changed, but it was so before the only attempt")
	case outcome.Result == provision.ResultFailed && now != before:
		t.Errorf("answered that nothing was changed, but it was: %v", err)
	case err != nil && status.Code(err) != codes.Unavailable && status.Code(err) != codes.DeadlineExceeded:
		t.Errorf("code %v: %v", status.Code(err), err)
	}
	return outcome.Result
}

func doWithin(ctx context.Context, do func(context.Context, *v2.Resource, *v2.Entitlement) ([]*anypb.Any, error),
	who *v2.Resource, what *v2.Entitlement,
) ([]*anypb.Any, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	return do(ctx, who, what)
}
