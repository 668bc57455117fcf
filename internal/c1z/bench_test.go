package c1z_test

import (
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// write writes an archive of n grants into a folder.
func (b benchGrants) write(tb testing.TB, dir string, n int) c1z.Info {
	tb.Helper()
	return b.writeFormat(tb, dir, n, c1z.FormatV1)
}

// writeFormat writes an archive of n grants of a format.
func (b benchGrants) writeFormat(tb testing.TB, dir string, n int, format c1z.Format) c1z.Info {
	tb.Helper()
	w, err := c1z.Create(tb.Context(), c1z.Options{Path: filepath.Join(dir, "sync.c1z"), WorkDir: dir, Format: format, Keep: c1z.KeepNone})
	if err != nil {
		tb.Fatal(err)
	}
	page := make([]*v2.Grant, 0, 100)
	for i := range n {
		if page = append(page, b.grant(i)); len(page) == cap(page) || i == n-1 {
			if err := w.PutGrants(tb.Context(), page...); err != nil {
				tb.Fatal(err)
			}
			page = page[:0]
		}
	}
	info, err := w.Finish(tb.Context(), c1z.SyncRun{SupportsDiff: true})
	if err != nil {
		tb.Fatal(err)
	}
	return info
}

// benchSize is the only size that BenchmarkWriteGrants measures.
var benchSize = flag.Int("grants", 0, "how many grants BenchmarkWriteGrants writes, instead of its own sizes") //nolint:gochecknoglobals // a test flag

// firstAnswer is how long it takes to open an archive and read a first grant of it.
func firstAnswer(b *testing.B, info c1z.Info, dir string) time.Duration {
	b.Helper()
	began := time.Now()
	r, err := c1z.Open(b.Context(), info.Path, c1z.OpenOptions{TempDir: dir, Limits: c1z.Limits{DecodedSize: info.DecodedSize}})
	if err != nil {
		b.Fatal(err)
	}
	for _, err := range r.Grants(b.Context(), info.Sync.ID, c1z.GrantFilter{}) {
		if err != nil {
			b.Fatal(err)
		}
		break
	}
	took := time.Since(began)
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
	return took
}

// BenchmarkWriteGrants measures the way from mapped grants to the compressed
// file: encoding, loading, all indexes, zstd, fsync. Making the grants is within
// it.
func BenchmarkWriteGrants(b *testing.B) {
	for _, format := range []c1z.Format{c1z.FormatV1, c1z.FormatV3} {
		sizes := []int{100_000, 500_000, 2_000_000}
		if *benchSize > 0 {
			sizes = []int{*benchSize}
		}
		for _, n := range sizes {
			b.Run(fmt.Sprintf("format=%d/grants=%d", format, n), func(b *testing.B) {
				src := benchGrants{perGroup: 400, users: 100_000}
				dir := b.TempDir()
				var info c1z.Info
				for b.Loop() {
					info = src.writeFormat(b, dir, n, format)
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "grants/s")
				b.ReportMetric(float64(info.DecodedSize)/float64(n), "decoded-B/grant")
				b.ReportMetric(float64(info.Size)/float64(n), "file-B/grant")
				b.ReportMetric(info.Indexing.Seconds(), "index-s")
				b.ReportMetric(info.Packing.Seconds(), "pack-s")
				b.StopTimer()
				b.ReportMetric(firstAnswer(b, info, dir).Seconds(), "first-answer-s")
			})
		}
	}
}

// BenchmarkKeep measures what keeping an older sync of 200,000 grants costs.
func BenchmarkKeep(b *testing.B) {
	const n = 200_000
	src := benchGrants{perGroup: 400, users: 100_000}
	dir := b.TempDir()
	old := src.write(b, dir, n)
	for b.Loop() {
		w, err := c1z.Create(b.Context(), c1z.Options{Path: old.Path, WorkDir: dir})
		if err != nil {
			b.Fatal(err)
		}
		info, err := w.Finish(b.Context(), c1z.SyncRun{ParentID: old.Sync.ID, Type: c1z.SyncPartial})
		if err != nil || len(info.Kept) == 0 {
			b.Fatal(info.Kept, err)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "grants/s")
}

// BenchmarkRead measures what commands do with an archive of 200,000 grants.
func BenchmarkRead(b *testing.B) {
	for _, format := range []c1z.Format{c1z.FormatV1, c1z.FormatV3} {
		b.Run(fmt.Sprintf("format=%d", format), func(b *testing.B) { benchmarkRead(b, format) })
	}
}

func benchmarkRead(b *testing.B, format c1z.Format) {
	const n = 200_000
	src := benchGrants{perGroup: 400, users: 100_000}
	dir := b.TempDir()
	info := src.writeFormat(b, dir, n, format)
	r := open(b, info.Path)
	id := info.Sync.ID
	perSecond := func(b *testing.B, rows int, what string) {
		b.Helper()
		b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), what)
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			r, err := c1z.Open(b.Context(), info.Path, c1z.OpenOptions{TempDir: dir})
			if err != nil {
				b.Fatal(err)
			}
			if err := r.Close(); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b, int(info.DecodedSize>>20), "MiB/s")
	})
	b.Run("grants", func(b *testing.B) {
		for b.Loop() {
			for _, err := range r.Grants(b.Context(), id, c1z.GrantFilter{}) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		perSecond(b, n, "grants/s")
	})
	b.Run("keys", func(b *testing.B) {
		for b.Loop() {
			for _, err := range r.GrantKeys(b.Context(), id, c1z.GrantFilter{}) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		perSecond(b, n, "grants/s")
	})
	b.Run("keys of a principal", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			for _, err := range r.GrantKeys(b.Context(), id, c1z.GrantFilter{PrincipalType: "user", Principal: objectID("b2", i%src.users)}) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("one grant", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, err := r.Grant(b.Context(), id, src.grant(i%n).GetId()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("stats", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Stats(b.Context(), id); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b, n, "grants/s")
	})
	b.Run("dump", func(b *testing.B) {
		for b.Loop() {
			if err := r.Dump(b.Context(), id, io.Discard); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b, n, "grants/s")
	})
}
