package jcsim_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// largeTenant is made once for all benchmarks of a run.
var largeTenant = sync.OnceValue(func() *jcsim.Tenant { return jcsim.Generate(1, jcsim.Large()) })

func BenchmarkGenerateLarge(b *testing.B) {
	for b.Loop() {
		jcsim.Generate(1, jcsim.Large())
	}
}

// BenchmarkPages measures what a page costs the simulator alone, on a tenant of
// 100,000 users, 5,000 groups and 2,000,000 memberships.
func BenchmarkPages(b *testing.B) {
	t := largeTenant()
	s := jcsim.New(jcsim.Options{Tenant: t})
	everybody, first := t.Groups()[0].ID, t.Applications()[0].ID
	for _, g := range t.Groups() {
		if g.Name == "All Users" {
			everybody = g.ID
		}
	}
	for _, bench := range []struct{ name, method, path, body string }{
		{name: "search 1000 users", method: "POST", path: "/api/search/systemusers", body: `{"limit":1000,"skip":%d,"sort":"_id","fields":"username email state suspended department"}`},
		{name: "search 1000 whole users", method: "POST", path: "/api/search/systemusers", body: `{"limit":1000,"skip":%d,"sort":"_id"}`},
		{name: "users 100", method: "GET", path: "/api/systemusers?limit=100&skip=%d&sort=_id"},
		{name: "groups 100", method: "GET", path: "/api/v2/usergroups?limit=100&sort=id"},
		{name: "members 100 of 100000", method: "GET", path: "/api/v2/usergroups/" + everybody + "/members?limit=100&skip=%d"},
		{name: "associations", method: "GET", path: "/api/v2/applications/" + first + "/associations?targets=user,user_group&limit=100"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			client := &http.Client{Transport: s.RoundTripper()}
			b.ReportAllocs()
			n := 0
			var bytes int64
			for b.Loop() {
				n++
				at := func(s string) string {
					if strings.Contains(s, "%d") {
						return fmt.Sprintf(s, n%90*1000)
					}
					return s
				}
				req, err := http.NewRequestWithContext(b.Context(), bench.method, "http://sim"+at(bench.path), strings.NewReader(at(bench.body)))
				if err != nil {
					b.Fatal(err)
				}
				req.Header.Set("x-api-key", jcsim.DefaultKey)
				res, err := client.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				got, err := io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if err != nil || res.StatusCode != http.StatusOK {
					b.Fatalf("status %d, error %v", res.StatusCode, err)
				}
				bytes += got
			}
			b.SetBytes(bytes / int64(n))
		})
	}
}
