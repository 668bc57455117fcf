package findings_test

import (
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// BenchmarkReports measures each report: made, and a page of it that was made before.
func BenchmarkReports(b *testing.B) {
	s := reviewtest.TheLargeSync(b)
	for _, info := range findings.Reports() {
		b.Run(info.Name, func(b *testing.B) {
			start := time.Now()
			r, err := findings.Make(b.Context(), s, info.Name, s)
			if err != nil {
				b.Fatal(err)
			}
			made := time.Since(start)
			for b.Loop() {
				if _, err := r.Page(search.Query{Search: "e", Sort: r.Columns[0].Key, Limit: 50}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(made.Seconds()*1000, "ms-made")
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/page")
			b.ReportMetric(float64(r.Total), "rows")
		})
	}
}
