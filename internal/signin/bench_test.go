package signin_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/signin"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/insights"
)

// BenchmarkFind looks for the sign-ins of 100,000 accounts within 90 days, 2,000,000 of them to
// the portal and to 50 applications, on workdays, in either way.
func BenchmarkFind(b *testing.B) {
	const accounts, apps, events = 100_000, 50, 2_000_000
	now := time.Now()
	tn := jcsim.Generate(1, jcsim.Small())
	tn.SignIns(1, now)
	r := rand.New(rand.NewPCG(1, 1))
	list := make([]insights.Event, events)
	portal := make([]map[string]any, accounts)
	uses := make([][2]map[string]any, accounts)
	for n := range portal {
		who := map[string]any{"id": fmt.Sprintf("%024x", n), "type": "user"}
		portal[n] = map[string]any{"initiated_by": who, "resource": who, "success": true}
		for k := range uses[n] { // Everybody uses two applications.
			uses[n][k] = map[string]any{
				"initiated_by": who, "sso_token_success": true, "application": map[string]any{"id": fmt.Sprintf("66%022x", r.IntN(apps)), "sso_type": "saml"},
			}
		}
	}
	for n := range list {
		account := r.IntN(accounts)
		day := r.IntN(89)
		if account%20 == 0 { // Some left.
			day = 30 + r.IntN(59)
		}
		at := now.AddDate(0, 0, -day).Truncate(24 * time.Hour).Add(7*time.Hour + time.Duration(r.IntN(11*3600))*time.Second)
		if at.After(now) {
			at = now.Add(-time.Duration(r.IntN(3600)) * time.Second)
		}
		list[n] = insights.Event{ID: fmt.Sprintf("%024x", n), Type: signin.EventUser, Service: "directory", Time: at, Fields: portal[account]}
		if k := r.IntN(3); k < 2 {
			list[n].Type, list[n].Service, list[n].Fields = signin.EventSSO, "sso", uses[account][k]
		}
	}
	tn.Insights().Add(list...)
	for name, most := range map[string]int64{"read": events * 2, "narrowed": 1_000_000} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				sim := jcsim.New(jcsim.Options{Tenant: tn})
				q := signin.Query{Since: now.Add(-jumpcloud.EventRetention + time.Minute), Until: now, Uses: true, ReadUpTo: most}
				found, err := signin.Find(b.Context(), newClient(b, sim), q)
				if err != nil {
					b.Fatal(err)
				}
				hours := 0
				for _, at := range found.Last {
					if at.ToHour() {
						hours++
					}
				}
				events, counts, lists := requests(sim)
				b.ReportMetric(float64(events), "events-requests")
				b.ReportMetric(float64(counts+lists), "questions")
				b.ReportMetric(float64(sim.Requests().Bytes)/1e6, "MB")
				b.ReportMetric(float64(hours), "to-the-hour")
				b.ReportMetric(float64(len(found.Last)), "accounts")
			}
		})
	}
}
