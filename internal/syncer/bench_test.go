package syncer_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// size is that of a generated organization.
type size struct {
	users, groups, perGroup, apps, perApp int
}

// generated is a Source that makes its pages when they are asked for, so that only
// the engine's memory is measured. Ids look like JumpCloud's.
// As many are made at once as there are processors, as a client should decode them.
type generated struct {
	size
	decoding chan struct{}
	latency  time.Duration
	pages    *atomic.Int64
}

var _ syncer.Source = generated{}

func newGenerated(s size) generated {
	return generated{size: s, decoding: make(chan struct{}, runtime.GOMAXPROCS(0)), pages: new(atomic.Int64)}
}

const memberPage = 100

func hexID(kind, n int) string { return fmt.Sprintf("5f%06x%016x", kind, n) }

func (s generated) ResourceTypes() []*v2.ResourceType { return (*tenant)(nil).ResourceTypes() }

func (s generated) Start(context.Context, syncer.Scope) (*syncer.Page, error) {
	return &syncer.Page{Lists: []syncer.List{{Kind: "users"}, {Kind: "groups"}, {Kind: "applications"}}}, nil
}

func (s generated) Read(ctx context.Context, l syncer.List, token string) (*syncer.Page, error) {
	s.pages.Add(1)
	if s.latency > 0 {
		select {
		case <-time.After(s.latency):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	s.decoding <- struct{}{}
	defer func() { <-s.decoding }()
	skip, _ := strconv.Atoi(token)
	limit, total := memberPage, 0
	switch l.Kind {
	case "users":
		limit, total = 1000, s.users
	case "groups":
		total = s.groups
	case "applications":
		total = s.apps
	case "members":
		total = s.perGroup
	case "associations":
		total = s.perApp
	}
	p := &syncer.Page{Total: total}
	if token == "" {
		for next := limit; next < total; next += limit {
			p.Next = append(p.Next, strconv.Itoa(next))
		}
		p.Settled = len(p.Next) == 0
	}
	p.Receipt = []byte{1}
	owner := 0
	if l.Owner.ID != "" {
		n, err := strconv.ParseUint(l.Owner.ID[8:], 16, 64)
		if err != nil {
			return nil, err
		}
		owner = int(n)
	}
	for i := skip; i < min(skip+limit, total); i++ {
		s.row(p, l, owner, i)
	}
	return p, nil
}

func (s generated) row(p *syncer.Page, l syncer.List, owner, i int) {
	switch l.Kind {
	case "users":
		r := resource("user", hexID(1, i), fmt.Sprintf("Person Number %d", i), &v2.UserTrait{Login: hexID(1, i)})
		fields := map[string]*structpb.Value{}
		for f := range 16 {
			fields[fmt.Sprintf("field_%d", f)] = structpb.NewStringValue(fmt.Sprintf("value %d of %d", f, i))
		}
		r.Profile = &structpb.Struct{Fields: fields}
		p.Resources = append(p.Resources, r)
	case "groups":
		id := hexID(2, i)
		p.Resources = append(p.Resources, resource("group", id, fmt.Sprintf("Group %d", i), &v2.GroupTrait{}))
		p.Entitlements = append(p.Entitlements, entitlement("group", id))
		p.Lists = append(p.Lists, syncer.List{Kind: "members", Owner: syncer.Ref{Type: "group", ID: id}})
	case "applications":
		id := hexID(3, i)
		p.Resources = append(p.Resources, resource("app", id, fmt.Sprintf("App %d", i), &v2.AppTrait{}))
		p.Entitlements = append(p.Entitlements, entitlement("app", id))
		p.Lists = append(p.Lists, syncer.List{Kind: "associations", Owner: syncer.Ref{Type: "app", ID: id}})
	case "members":
		// A stride that shares no factor with the users visits each of them once.
		p.Grants = append(p.Grants, grant("group", l.Owner.ID, "user", hexID(1, (owner*7919+i*104729)%s.users), nil))
	case "associations":
		group := hexID(2, (owner*31+i*7)%s.groups)
		p.Grants = append(p.Grants, grant("app", l.Owner.ID, "group", group, &v2.GrantExpandable{
			EntitlementIds: []string{"group:" + group}, Shallow: true, ResourceTypeIds: []string{"user"},
		}))
	}
}

func (s generated) Settle(context.Context, syncer.List, [][]byte, syncer.Occasion) (syncer.Verdict, error) {
	return syncer.Verdict{}, nil
}

func (s generated) Confirm(context.Context) error { return nil }

func (s generated) Lookup(context.Context, *v2.ResourceId) (*syncer.Page, error) {
	return nil, syncer.ErrNotFound
}

func (s generated) Join(context.Context, syncer.Scope, syncer.Joiner) error { return nil }

// discard is a syncer.Archive that counts.
type discard struct{ grants atomic.Int64 }

func (d *discard) PutResourceTypes(context.Context, ...*v2.ResourceType) error { return nil }
func (d *discard) PutResources(context.Context, ...*v2.Resource) error         { return nil }
func (d *discard) PutEntitlements(context.Context, ...*v2.Entitlement) error   { return nil }
func (d *discard) PutGrants(_ context.Context, grants ...*v2.Grant) error {
	d.grants.Add(int64(len(grants)))
	return nil
}

// large is 2,000,000 memberships; its applications give 4,900,000 inherited grants.
var large = size{users: 100_000, groups: 5_000, perGroup: 400, apps: 200, perApp: 64}

// peakMemory watches the greatest amount of memory that the runtime holds while f
// runs, the benchmark's own pages included.
func peakMemory(f func()) uint64 {
	stop, done := make(chan struct{}), make(chan uint64)
	runtime.GC()
	debug.FreeOSMemory()
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		var peak uint64
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64()-sample[1].Value.Uint64())
			select {
			case <-stop:
				done <- peak
				return
			case <-tick.C:
			}
		}
	}()
	f()
	close(stop)
	return <-done
}

func BenchmarkStage(b *testing.B) {
	var peak uint64
	for b.Loop() {
		db := openStore(b, b.TempDir())
		peak = max(peak, peakMemory(func() {
			if err := syncer.Run(b.Context(), syncer.Config{Source: newGenerated(large), Store: db, Workers: 16, Logger: quiet}); err != nil {
				b.Fatal(err)
			}
		}))
		if info, err := os.Stat(db.Path()); err == nil {
			b.ReportMetric(float64(info.Size())/(1<<20), "MiB-file")
		}
	}
	b.ReportMetric(float64(large.groups*large.perGroup)*float64(b.N)/b.Elapsed().Seconds(), "memberships/s")
	b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
}

// BenchmarkReadingPhase reads 500,000 memberships from a source that answers after
// 20 ms, and compares with the time that the requests alone need.
func BenchmarkReadingPhase(b *testing.B) {
	const workers = 16
	s := newGenerated(size{users: 25_000, groups: 1_250, perGroup: 400, apps: 200, perApp: 20})
	s.latency = 20 * time.Millisecond
	for b.Loop() {
		db := openStore(b, b.TempDir())
		if err := syncer.Run(b.Context(), syncer.Config{Source: s, Store: db, Workers: workers, Logger: quiet}); err != nil {
			b.Fatal(err)
		}
	}
	ideal := time.Duration(s.pages.Load()) * s.latency / workers
	b.ReportMetric(b.Elapsed().Seconds()/ideal.Seconds(), "x-ideal")
	b.ReportMetric(float64(s.pages.Load())/float64(b.N), "pages")
}

func BenchmarkBuild(b *testing.B) {
	db := openStore(b, b.TempDir())
	if err := syncer.Run(b.Context(), syncer.Config{Source: newGenerated(large), Store: db, Workers: 16, Logger: quiet}); err != nil {
		b.Fatal(err)
	}
	var grants int64
	var peak uint64
	for b.Loop() {
		peak = max(peak, peakMemory(func() {
			d := &discard{}
			if _, err := syncer.Build(b.Context(), syncer.BuildConfig{Store: db, Archive: d, Logger: quiet}); err != nil {
				b.Fatal(err)
			}
			grants += d.grants.Load()
		}))
	}
	b.ReportMetric(float64(grants)/b.Elapsed().Seconds(), "grants/s")
	b.ReportMetric(float64(grants)/float64(b.N), "grants")
	b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
}
