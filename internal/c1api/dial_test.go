package c1api_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/c1api"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

func TestCallsShareOneConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, c1sim.Options{Name: "eager-otter-1"})
		conn := w.dial(t, nil)
		for range 20 {
			if err := poll(t, conn); err != nil {
				t.Fatal(err)
			}
			<-time.After(4 * time.Minute)
		}
		tokens := int64(len(w.sim.Events("token")))
		if n := w.dials.Load(); n != 1+tokens {
			t.Errorf("20 calls over 80 minutes made %d connections beside those of %d token requests", n-tokens, tokens)
		}
		ua := w.sim.Events("GetTask")[0].UserAgent
		if !strings.HasPrefix(ua, "eager-otter-1 baton-sdk/v0.25.0 grpc-go/") {
			t.Errorf("user agent is %q", ua)
		}
	})
}

func TestSilentServerEndsACallAfterAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, c1sim.Options{Faults: func(c c1sim.Call) c1sim.Fault {
			if c.Method == "GetTask" {
				return c1sim.Fault{Delay: time.Hour}
			}
			return c1sim.Fault{}
		}})
		conn := w.dial(t, nil)
		begun := time.Now()
		if err := poll(t, conn); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("error is %v", err)
		}
		if d := time.Since(begun); d != time.Minute {
			t.Errorf("call took %v", d)
		}
	})
}

func TestNoConnectionFailsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, c1sim.Options{})
		conn := w.dial(t, nil)
		_ = w.sim.Close()
		begun := time.Now()
		err := poll(t, conn)
		if status.Code(err) != codes.Unavailable || c1api.Refused(err) {
			t.Errorf("error is %v", err)
		}
		if d := time.Since(begun); d > time.Second {
			t.Errorf("call took %v", d)
		}
	})
}

// A server whose certificate nobody vouches for gets neither token request nor call.
func TestUnknownAuthorityIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, c1sim.Options{})
		other := newWorld(t, c1sim.Options{})
		conn := w.dial(t, func(o *c1api.Options) { o.RootCAs = other.roots() })
		if err := poll(t, conn); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("error is %v", err)
		}
		if n := len(w.sim.Events("")); n != 0 {
			t.Errorf("%d requests arrived", n)
		}
	})
}

func TestDialNeedsCredentials(t *testing.T) {
	t.Parallel()
	if _, err := c1api.Dial(c1api.Options{}); err == nil {
		t.Error("no error")
	}
}

func TestHostID(t *testing.T) {
	t.Parallel()
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if got := c1api.HostID(""); got != name {
		t.Errorf("host id is %q, want the host's name %q", got, name)
	}
	if got := c1api.HostID("pod-1"); got != "pod-1" {
		t.Errorf("host id is %q, want the configured one", got)
	}
	if got := c1api.HostID(strings.Repeat("ö", 300)); utf8.RuneCountInString(got) != 256 {
		t.Errorf("long host id has %d characters", utf8.RuneCountInString(got))
	}
}

func TestHelloFactsAreNeverEmpty(t *testing.T) {
	t.Parallel()
	facts := c1api.GatherFacts(t.Context())
	w := newWorld(t, c1sim.Options{})
	conn := w.dial(t, nil)
	// The simulator refuses a greeting with an empty fact.
	if _, err := conn.Hello(t.Context(), c1api.NewHello("h", "", facts, metadata())); err != nil {
		t.Fatal(err)
	}
	got, ok := w.sim.Events("Hello")[0].Request.(*pb.BatonServiceHelloRequest)
	if !ok || got.GetOsInfo().GetOs() == "" || !strings.HasPrefix(got.GetBuildInfo().GetLangVersion(), "go1.") {
		t.Errorf("greeting is %v", got)
	}
}

func TestDialHonorsItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, c1sim.Options{})
		conn := w.dial(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := conn.GetTask(ctx, &pb.BatonServiceGetTaskRequest{HostId: "h"}); status.Code(err) != codes.Canceled {
			t.Errorf("error is %v", err)
		}
	})
}
