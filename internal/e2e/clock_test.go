//go:build unix && !race

package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestClockWasPutBack runs the program beside an archive of the future: of a clock
// that was wrong, or of another program that stores the time of its zone. Whoever
// reads it then must see the new sync, since readers show what ended last.
func TestClockWasPutBack(t *testing.T) {
	t.Parallel()
	tenant := jcsim.Generate(3, jcsim.Small())
	for _, ahead := range []time.Duration{time.Minute, 10 * time.Hour, 400 * 24 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			p := newProgram(t, serve(t, jcsim.New(jcsim.Options{Tenant: tenant})))
			line := newPipeline(jcsim.New(jcsim.Options{Tenant: jcsim.NewTenant(tenant.Organization())}), p.dir)
			line.ended = time.Now().Add(ahead)
			if _, err := line.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			r := p.run()
			if r.code != exitOK {
				t.Fatalf("exit code %d: %s", r.code, r.message())
			}
			if !strings.Contains(r.stderr, "the clock is behind the archive") {
				t.Errorf("no word of the clock in the log: %s", r.stderr)
			}
			checkFresh(t, p, tenant, nil)
			archive, newest := open(t, p.path())
			if shown, err := archive.Shown(t.Context()); err != nil || shown.ID != newest.ID || newest.Type != c1z.SyncFull {
				t.Errorf("readers show %+v, the newest is %+v: %v", shown, newest, err)
			}
		})
	}
}
