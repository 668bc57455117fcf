//go:build unix && !race

package e2e_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// workers is how many requests the program has under way in tests of crashes, and
// window how many pages can be lost at most: some more wait to be stored while the
// next are asked for.
const (
	workers = 4
	window  = workers + workers/2
)

// victim is a program that is to be killed, over a simulator that counts.
type victim struct {
	*program
	sim       *jcsim.Server
	answers   atomic.Pointer[jcsim.Server] // behind the address
	clients   *jcsim.Clients
	tenant    *jcsim.Tenant
	yesterday []byte
	whole     string // the dump of an undisturbed run
	asked     int    // its requests
}

// newVictim makes one, with an archive of the day before in its place.
func newVictim(t *testing.T, whole *victim) *victim {
	t.Helper()
	return newVictimOf(t, jcsim.Small(), whole)
}

func newVictimOf(t *testing.T, size jcsim.Size, whole *victim) *victim {
	t.Helper()
	v := &victim{tenant: jcsim.Generate(3, size)}
	v.sim = jcsim.New(jcsim.Options{Tenant: v.tenant, Record: true})
	v.answers.Store(v.sim)
	v.clients = serveClients(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.answers.Load().ServeHTTP(w, r) }))
	v.program = newProgram(t, v.clients.URL, fmt.Sprintf("--workers=%d", workers))
	if whole != nil {
		v.yesterday, v.whole, v.asked = whole.yesterday, whole.whole, whole.asked
		writeFile(t, v.path(), v.yesterday)
		return v
	}
	if r := v.run(); r.code != exitOK {
		t.Fatal(r.message())
	}
	v.whole, v.asked = dump(t, v.path()), v.sim.Requests().Requests
	v.yesterday = newProgram(t, "").yesterday(jcsim.NewTenant(v.tenant.Organization()))
	return v
}

// wait waits for the end of a run, and lets nothing of it be taken for a part of the
// next one.
func (v *victim) wait(cmd *exec.Cmd, stdout, stderr *bytes.Buffer) result {
	v.t.Helper()
	r := v.program.wait(cmd, stdout, stderr)
	forget(v.t, v.clients)
	return r
}

// killed runs the program and kills it when until returns, or sees it end. It
// reports whether it was killed.
func (v *victim) killed(t *testing.T, until func(ended <-chan struct{}, cmd *exec.Cmd)) bool {
	t.Helper()
	cmd, stdout, stderr := v.command(t.Context())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		until(ended, cmd)
		_ = cmd.Process.Kill() // it may have ended
	}()
	r := v.wait(cmd, stdout, stderr)
	close(ended)
	<-done
	if r.code > 0 {
		t.Fatalf("it ended with %d: %s", r.code, r.message())
	}
	if r.code == exitOK {
		return false
	}
	// Whoever reads the archive now reads the one of the day before, or the new one
	// where the kill came after it was put in its place.
	if !bytes.Equal(v.yesterday, file(t, v.path())) && dump(t, v.path()) != v.whole {
		t.Fatal("after the kill, the archive is neither the old one nor the new one")
	}
	open(t, v.path())
	return true
}

// atRequest kills at the n-th request from now.
func (v *victim) atRequest(n int) func(<-chan struct{}, *exec.Cmd) {
	reached := make(chan struct{}, 1)
	begin := v.sim.Requests().Requests
	v.sim.OnRequest(func(i int, _ string) {
		if i == begin+n {
			reached <- struct{}{}
		}
	})
	return func(ended <-chan struct{}, _ *exec.Cmd) {
		select {
		case <-reached:
		case <-ended:
		}
	}
}

// finish runs the program to its end and compares. kills is how often it was killed
// before.
func (v *victim) finish(t *testing.T, kills int) {
	t.Helper()
	v.sim.OnRequest(nil)
	r := v.run()
	if r.code != exitOK {
		t.Fatalf("the run after it ended with %d: %s", r.code, r.message())
	}
	if got := dump(t, v.path()); got != v.whole {
		t.Error("the archive is another one than that of an undisturbed run")
	}
	// Repeated is what was under way, and the question whose key it is. The page of
	// administrators takes two requests: it asks for the roles as well.
	if asked := v.sim.Requests().Requests; asked > v.asked+kills*(window+2) {
		t.Errorf("%d requests in all, %d are needed, and %d runs were killed: work was done twice: %v", asked, v.asked, kills, v.repeated())
	}
	leftovers(t, v.dir)
	if _, err := os.Stat(v.path() + ".work"); err == nil {
		t.Error("the work folder is still there")
	}
}

// repeated lists what was asked more than once.
func (v *victim) repeated() []string {
	times := map[string]int{}
	var twice []string
	for _, r := range v.sim.Log() {
		if times[r.URI]++; times[r.URI] == 2 {
			twice = append(twice, r.URI)
		}
	}
	return twice
}

// TestKilledAtEachRequest kills the program at one request after the other.
func TestKilledAtEachRequest(t *testing.T) {
	t.Parallel()
	whole := newVictim(t, nil)
	step := 5
	if *sweep {
		step = 1
	}
	for n := 1; n <= whole.asked; n += step {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, whole)
			if !v.killed(t, v.atRequest(n)) {
				t.Fatal("it was not killed")
			}
			v.finish(t, 1)
		})
	}
}

// TestKilledAgainAndAgain kills every run after some requests, until one gets
// through.
func TestKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	v := newVictim(t, newVictim(t, nil))
	kills := 0
	for v.killed(t, v.atRequest(window+3)) {
		if kills++; kills > v.asked {
			t.Fatal("it makes no progress")
		}
	}
	if kills < 3 {
		t.Errorf("it was killed %d times only", kills)
	}
	writeFile(t, v.path(), v.yesterday) // so that the last run starts as a first one does
	v.sim.ResetCounts()
	v.finish(t, 0)
}

// TestKilledAtAnyMoment kills the program at random moments of its life.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	whole := newVictim(t, nil)
	runs, least := 10, 2
	if *sweep {
		runs, least = 300, 100
	}
	start := time.Now()
	v := newVictim(t, whole)
	v.finish(t, 0)
	life := time.Since(start)
	kills := 0
	for range runs {
		v := newVictim(t, whole)
		if v.killed(t, after(t, rand.N(life))) {
			kills++
		} else {
			life = max(time.Millisecond, life*3/4) // The machine has more time for it than before.
		}
		if !bytes.Equal(v.yesterday, file(t, v.path())) {
			v.sim.ResetCounts() // it had finished, and the next one may start anew
		}
		v.finish(t, 1)
	}
	t.Logf("%d of %d runs were killed within %s", kills, runs, life)
	if kills < least {
		t.Errorf("%d of %d runs were killed", kills, runs)
	}
}

// after waits for a time.
func after(t *testing.T, d time.Duration) func(<-chan struct{}, *exec.Cmd) {
	return func(ended <-chan struct{}, _ *exec.Cmd) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ended:
		case <-t.Context().Done():
		}
	}
}

// TestKilledWhileWriting kills the program as soon as a file of the writing phase
// appears: the new database, the packed archive, the archive in its place. None of
// these runs needs a request again.
func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	// Writing takes some time.
	size := jcsim.Size{Users: 600, Groups: 20, Apps: 40, Admins: 8, Expanded: 9_000}
	whole := newVictimOf(t, size, nil)
	for _, pattern := range []string{"sync.c1z.work/c1z-build", "sync.c1z.work/c1z-build/*", "sync.c1z.tmp"} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			for range 20 {
				v := newVictimOf(t, size, whole)
				killed := v.killed(t, func(ended <-chan struct{}, _ *exec.Cmd) { appears(v.dir, pattern, ended) })
				if !killed {
					continue // it was too fast
				}
				v.sim.ResetCounts()
				v.asked = 1 // whose key it is
				v.finish(t, 0)
				return
			}
			t.Error("it was never killed in time")
		})
	}
}

// appears returns as soon as a file has a name of some pattern, or at the end.
func appears(dir, pattern string, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		default:
		}
		if paths, _ := filepath.Glob(filepath.Join(dir, pattern)); len(paths) > 0 {
			return
		}
		runtime.Gosched()
	}
}

// TestArchiveIsReadWhileItIsReplaced reads the archive over and over while the
// program replaces it, again and again: it is always an old one or the new one.
func TestArchiveIsReadWhileItIsReplaced(t *testing.T) {
	t.Parallel()
	whole := newVictim(t, nil)
	v := newVictim(t, whole)
	old := dump(t, v.path())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 5 {
			if r := v.run(); r.code != exitOK {
				t.Error(r.message())
			}
		}
	}()
	reads := map[bool]int{}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		switch got := dump(t, v.path()); got {
		case old, v.whole:
			reads[got == old]++
		default:
			t.Fatal("the archive is neither the old one nor the new one")
		}
	}
	if reads[true] == 0 || reads[false] == 0 {
		t.Errorf("the old archive was read %d times, the new one %d times", reads[true], reads[false])
	}
	if !strings.Contains(v.whole, "user") {
		t.Error("the dump has no users")
	}
}
