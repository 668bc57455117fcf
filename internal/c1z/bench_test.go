package c1z_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// objectID is an id of the shape that JumpCloud makes.
func objectID(kind string, n int) string {
	return fmt.Sprintf("5f%s%020x", kind, uint64(n)*0x9E3779B97F4A7C15)
}

// benchGrants makes the grants of groups as the connector maps them: ids and
// display names of resource and principal only. Every tenth group is granted an
// application through it instead, with sources.
type benchGrants struct {
	perGroup int
	users    int
}

func (b benchGrants) grant(i int) *v2.Grant {
	group := objectID("a1", i/b.perGroup)
	user := objectID("b2", (i*7919+i/b.perGroup)%b.users)
	g := &v2.Grant{
		Id: "group-grant:" + group + ":user:" + user + ":" + group,
		Entitlement: &v2.Entitlement{
			Id: "group:" + group,
			Resource: &v2.Resource{
				Id:          &v2.ResourceId{ResourceType: "group", Resource: group},
				DisplayName: "Engineering and operations " + group[20:],
			},
		},
		Principal: &v2.Resource{
			Id:          &v2.ResourceId{ResourceType: "user", Resource: user},
			DisplayName: "Firstname" + user[22:] + " Lastname" + user[20:22],
		},
	}
	if i/b.perGroup%10 == 9 {
		immutable, err := anypb.New(&v2.GrantImmutable{})
		if err != nil {
			panic(err)
		}
		g.Annotations = []*anypb.Any{immutable}
		g.Sources = &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{
			"group:" + strings.Repeat("c", 24): {IsDirect: true},
		}}
	}
	return g
}

// BenchmarkWriteGrants measures the way from mapped grants to the compressed
// file: encoding, loading, all indexes, zstd, fsync.
func BenchmarkWriteGrants(b *testing.B) {
	for _, n := range []int{100_000, 500_000} {
		b.Run(fmt.Sprintf("grants=%d", n), func(b *testing.B) {
			src := benchGrants{perGroup: 400, users: 100_000}
			var info c1z.Info
			for b.Loop() {
				dir := b.TempDir()
				w, err := c1z.Create(b.Context(), c1z.Options{
					Path: filepath.Join(dir, "sync.c1z"), WorkDir: dir, Logger: slog.New(slog.DiscardHandler),
				})
				if err != nil {
					b.Fatal(err)
				}
				page := make([]*v2.Grant, 0, 100)
				for i := range n {
					if page = append(page, src.grant(i)); len(page) == cap(page) {
						if err := w.PutGrants(b.Context(), page...); err != nil {
							b.Fatal(err)
						}
						page = page[:0]
					}
				}
				if err := w.PutGrants(b.Context(), page...); err != nil {
					b.Fatal(err)
				}
				if info, err = w.Finish(b.Context(), c1z.SyncRun{SupportsDiff: true}); err != nil {
					b.Fatal(err)
				}
			}
			perOp := float64(b.Elapsed().Seconds()) / float64(b.N)
			b.ReportMetric(float64(n)/perOp, "grants/s")
			b.ReportMetric(float64(info.DecodedSize)/float64(n), "decoded-B/grant")
			b.ReportMetric(float64(info.Size)/float64(n), "file-B/grant")
			b.ReportMetric(info.Indexing.Seconds(), "index-s")
			b.ReportMetric(info.Packing.Seconds(), "pack-s")
		})
	}
}
