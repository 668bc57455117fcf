package connector_test

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

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/jcsim"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// 500 changes in random order, interrupted by everything that can happen to a
// request: whatever is answered is true of the tenant.
func TestRandomChangesUnderFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, randomChanges)
}

func randomChanges(t *testing.T) {
	const members, bindings = "POST /api/v2/usergroups/{id}/members", "POST /api/v2/applications/{id}/associations"
	settings := jcsim.Settings{Behavior: jcsim.Behavior{LagReads: 3, LagTime: 2 * time.Second}}
	for _, route := range []string{members, bindings} {
		settings.Faults = append(
			settings.Faults,
			jcsim.Fault{Route: route, Probability: 0.02, Status: http.StatusTooManyRequests, RetryAfter: "2"},
			jcsim.Fault{Route: route, Probability: 0.02, Status: http.StatusServiceUnavailable},
			jcsim.Fault{Route: route, Probability: 0.02, Status: http.StatusServiceUnavailable, Effect: jcsim.EffectStatusAfter},
			jcsim.Fault{Route: route, Probability: 0.05, Status: http.StatusBadGateway, Effect: jcsim.EffectStatusAfter},
			jcsim.Fault{Route: route, Probability: 0.1, Effect: jcsim.EffectReset},
			jcsim.Fault{Route: route, Probability: 0.1, Effect: jcsim.EffectResetAfter},
		)
	}
	settings.Faults = append(settings.Faults,
		jcsim.Fault{Route: "GET *", Probability: 0.05, Status: http.StatusBadGateway})
	b := newBench(t, settings, jcsim.Rights{})
	chance := rand.New(rand.NewPCG(2, 1))

	type pair struct {
		who  *v2.Resource
		what *v2.Entitlement
	}
	var pairs []pair
	for _, user := range []string{"ana", "bo"} {
		for _, group := range []string{"Sales", "Ops"} {
			pairs = append(pairs, pair{b.principal(t, "user", user), b.entitlement(t, "group", group)})
		}
		pairs = append(pairs, pair{b.principal(t, "user", user), b.entitlement(t, "app", "AWS Prod")})
	}
	pairs = append(pairs, pair{b.principal(t, "group", "Ops"), b.entitlement(t, "app", "AWS Prod")})

	model := make([]bool, len(pairs))
	for i, p := range pairs {
		model[i] = b.holds(t, p.who, p.what)
	}
	succeeded := 0
	for step := range 500 {
		i := chance.IntN(len(pairs))
		p, want := pairs[i], chance.IntN(2) == 0
		do, already := b.revoke, proto.Message(&v2.GrantAlreadyRevoked{})
		if want {
			do, already = b.grant, &v2.GrantAlreadyExists{}
		}
		notes, err := doWithin(t.Context(), do, p.who, p.what)
		now := b.holds(t, p.who, p.what)
		outcome := b.audit.outcomes[len(b.audit.outcomes)-1]
		switch {
		case err == nil && now != want:
			t.Fatalf("step %d: success, but JumpCloud holds %v instead of %v", step, now, want)
		case err == nil && has(notes, already) && model[i] != want:
			t.Fatalf("step %d: answered that it was so already, which it was not", step)
		case err == nil && has(notes, already) != (outcome.Result == connector.ResultAlready):
			t.Fatalf("step %d: answer and audit differ: %+v", step, outcome)
		case err != nil && outcome.Result == connector.ResultFailed && now != model[i]:
			t.Fatalf("step %d: reported as failed, but changed: %v", step, err)
		case err != nil && status.Code(err) != codes.Unavailable && status.Code(err) != codes.DeadlineExceeded:
			t.Fatalf("step %d: %v", step, err)
		}
		if err == nil {
			succeeded++
		}
		model[i] = now
	}
	for i, p := range pairs {
		if b.holds(t, p.who, p.what) != model[i] {
			t.Errorf("pair %d: not as the model has it", i)
		}
	}
	if len(b.audit.intents) != 500 || len(b.audit.outcomes) != 500 {
		t.Errorf("%d intents, %d outcomes", len(b.audit.intents), len(b.audit.outcomes))
	}
	if succeeded < 450 {
		t.Errorf("only %d of 500 changes succeeded", succeeded)
	}
	t.Logf("%d of 500 succeeded; %d writes sent; faults %v", succeeded, b.writes(), b.server.Requests().Faults)
}

func doWithin(ctx context.Context, do func(context.Context, *v2.Resource, *v2.Entitlement) ([]*anypb.Any, error),
	who *v2.Resource, what *v2.Entitlement,
) ([]*anypb.Any, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	return do(ctx, who, what)
}
