//go:build unix && !race

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// syncLimit is how long the program may take for a sync that is over in a second on
// a machine of its own. One that takes longer hangs.
const syncLimit = 3 * time.Minute

// ordeal is a plan while it is carried out.
type ordeal struct {
	*testing.T
	plan    plan
	told    string // the plan as it was drawn
	plant   plant
	sim     *jcsim.Server
	program *program
	history *history
	disk    bool          // the program's folder is a disk of its own
	limit   time.Duration // for one sync

	wrong []string // what the oracle says
	log   []string // what was done and what came of it
	ends  []string // how the syncs ended
	edits int
}

// newOrdeal starts the simulator.
func newOrdeal(t *testing.T, p plan, pl plant) *ordeal {
	t.Helper()
	o := &ordeal{T: t, plan: p, told: p.String(), plant: pl, limit: syncLimit, history: watch(p.tenant)}
	if pl.limit > 0 {
		o.limit = pl.limit
	}
	options := jcsim.Options{
		Tenant: p.tenant, Seed: p.seed, Keys: []jcsim.APIKey{{Key: jcsim.DefaultKey}},
		ServiceAccounts: []jcsim.ServiceAccount{{ClientID: "account", ClientSecret: clientSecret}},
	}
	if p.brief() {
		options.ServiceAccounts[0].Lifetime = 15 * time.Second
	}
	o.sim = jcsim.New(options)
	var handler http.Handler = o.sim
	if pl.proxy != nil {
		handler = pl.proxy(p.tenant, handler)
	}
	o.program = newProgram(t, serve(t, handler), fmt.Sprintf("--workers=%d", p.workers))
	if p.account {
		o.program.with(map[string]string{"BATON_API_KEY": "", "BATON_JUMPCLOUD_CLIENT_ID": "account", "BATON_JUMPCLOUD_CLIENT_SECRET": clientSecret})
		o.program.secrets = append(o.program.secrets, clientSecret)
	}
	t.Cleanup(func() {
		if t.Failed() || *chaosSeed > 0 {
			t.Log(o.story())
		}
	})
	return o
}

// story is the plan, what was done, and what is wrong.
func (o *ordeal) story() string {
	return o.told + "  what happened:\n    " + strings.Join(o.log, "\n    ") + "\n  what is wrong:\n    " + strings.Join(o.wrong, "\n    ")
}

func (o *ordeal) note(format string, args ...any) {
	o.log = append(o.log, fmt.Sprintf(format, args...))
}

func (o *ordeal) blame(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	o.wrong = append(o.wrong, text)
	o.log = append(o.log, "WRONG: "+text)
}

// oneShot carries out a plan of runs of the program, one a day.
func (o *ordeal) oneShot() {
	if slices.ContainsFunc(o.plan.days, func(d day) bool { return d.trouble == fullDisk }) {
		_, err := mount(o.T, o.program.dir, 24<<20)
		o.disk = err == nil
	}
	if o.plan.archive {
		o.program.yesterday(o.plan.tenant)
	}
	for _, d := range o.plan.days {
		o.attempt(d)
	}
	o.plan.behavior = jcsim.Behavior{}
	// A sync that goes on with what an earlier one read is true of the days between.
	o.complete("without faults")
	if o.plan.edited() {
		o.complete("from the start")
	}
	if _, err := os.Stat(o.program.path() + ".work"); err == nil {
		o.blame("the work folder is still there")
	}
}

// edited reports whether the tenant was to change on any day.
func (p *plan) edited() bool {
	return slices.ContainsFunc(p.days, func(d day) bool { return len(d.edits) > 0 || d.churn > 0 })
}

// complete is a sync that nothing stands in the way of, but what the days have left:
// pages of lists that can no longer be completed, which are dropped with that error,
// and many objects that are gone, which is accepted.
func (o *ordeal) complete(how string) {
	r := o.attempt(day{trouble: calm})
	if inMotion(r.message()) {
		r = o.attempt(day{trouble: calm})
	}
	if code := lossCode(r.message()); r.code == exitPrecondition && code != "" {
		args := o.program.args
		o.program.args = append(slices.Clone(args), "--allow-drop="+code)
		r = o.attempt(day{trouble: calm})
		o.program.args = args
	}
	if r.code != exitOK {
		o.blame("%s, the sync ended with %d: %s", how, r.code, r.message())
	}
}

// lossCode is the code with which a refusal says that a loss can be accepted; empty
// where a message is no such refusal.
func lossCode(message string) string {
	_, rest, found := strings.Cut(message, "run again with --allow-drop ")
	if !found || !strings.Contains(message, "large drop") {
		return ""
	}
	code, _, _ := strings.Cut(rest, " ")
	return code
}

// begin prepares the server for a day. What it returns is closed at the request
// with which the trouble comes; that request waits until hold is closed.
func (o *ordeal) begin(d day, hold <-chan struct{}) (reached <-chan struct{}) {
	o.Helper()
	o.sim.OnRequest(nil)
	o.sim.ResetCounts()
	if err := o.sim.SetSettings(o.plan.settings(d)); err != nil {
		o.Fatal(err)
	}
	e := &editor{roll: rand.New(rand.NewPCG(d.dice, 0)).IntN}
	history := o.history // of requests that are late, too
	at := make(chan struct{})
	once := sync.OnceFunc(func() { close(at) })
	turn := 0
	var mu sync.Mutex // guards the dice and turn
	o.sim.OnRequest(func(n int, _ string) {
		mu.Lock()
		kinds := slices.Clone(d.edits[n])
		if d.churn > 0 && n%d.churn == 0 {
			kinds = append(kinds, d.kinds[turn%len(d.kinds)])
			turn++
		}
		for _, kind := range kinds {
			history.edit(func(t *jcsim.Tenant) error { return changes()[kind](e, t) })
		}
		mu.Unlock()
		if n >= d.at {
			once()
		}
		if n == d.at && hold != nil {
			<-hold
		}
	})
	return at
}

// attempt is one run of the program on a day, and what the oracle says of it.
func (o *ordeal) attempt(d day) result {
	o.Helper()
	p := o.program
	repair := o.spoil(d)
	before := file(o.T, p.path())
	hold := make(chan struct{})
	held := hold
	if d.trouble != secondRun {
		held = nil
	}
	reached, start, edits := o.begin(d, held), time.Now(), o.history.count()
	ctx, cancel := context.WithTimeout(o.Context(), o.limit)
	defer cancel()
	cmd, stdout, stderr := p.command(ctx)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) } // it tells where it hangs
	cmd.WaitDelay = time.Minute
	if err := cmd.Start(); err != nil {
		o.Fatal(err)
	}
	ended, done := make(chan struct{}), make(chan struct{})
	var second *result
	go func() {
		defer close(done)
		defer close(hold)
		second = o.disturb(d, cmd, reached, ended)
	}()
	r := p.wait(cmd, stdout, stderr)
	close(ended)
	<-done
	if o.plant.after != nil {
		o.plant.after(o, r)
	}
	asked := o.sim.Requests()
	o.note("%s; %d requests, faults %v; after %.1f s exit code %d: %s", d.trouble, asked.Requests, asked.Faults, time.Since(start).Seconds(), r.code, r.message())
	o.edits += o.history.count() - edits
	if ctx.Err() != nil {
		o.blame("the sync did not end within %s:\n%s", o.limit, tail(r.stderr))
	}
	repair()
	if second != nil {
		o.note("the second run: exit code %d: %s", second.code, second.message())
		if second.code == exitUnknown && strings.Contains(second.message(), "in use") {
			second = nil
		}
	}
	if second == nil {
		o.judgeRun(d, before, r)
		return r
	}
	// The first one may have failed by itself before the second began.
	if why := o.excuse(d, r.code, r.message()); why != "" {
		o.blame("a second run was let in on the same archive")
	}
	o.judgeRun(d, before, *second)
	return *second
}

// spoil puts something into the program's way before it starts and returns how to
// take it out.
func (o *ordeal) spoil(d day) (repair func()) {
	o.Helper()
	p := o.program
	filler := filepath.Join(p.dir, "filler")
	switch {
	case d.trouble == fullDisk && o.disk:
		leave(o.T, filler, d.bytes)
		return func() {
			if err := os.Remove(filler); err != nil {
				o.Fatal(err)
			}
		}
	case d.trouble == fullDisk, d.trouble == smallFiles:
		p.limit = d.bytes
		return func() { p.limit = 0 }
	case d.trouble == damagedFile:
		sound := file(o.T, p.path())
		if len(sound) == 0 {
			return func() {}
		}
		damaged := bytes.Clone(sound)
		damaged[d.bytes%len(damaged)] ^= 1
		writeFile(o.T, p.path(), damaged)
		return func() {
			if !bytes.Equal(damaged, file(o.T, p.path())) {
				o.blame("a damaged archive was touched")
			}
			writeFile(o.T, p.path(), sound)
		}
	default:
		return func() {}
	}
}

// leave fills a disk so that a number of bytes are free.
func leave(t testing.TB, filler string, free int) {
	t.Helper()
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	size, block := 0, make([]byte, 4096)
	for {
		n, err := f.Write(block)
		size += n
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Truncate(int64(max(0, size-free))), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// disturb does to the running program what the day has in store for it.
func (o *ordeal) disturb(d day, cmd *exec.Cmd, reached, ended <-chan struct{}) (second *result) {
	var now <-chan time.Time
	switch d.trouble {
	case killedLater:
		reached, now = nil, time.After(d.after)
	case killedWriting:
		appears(o.program.dir, "sync.c1z.work/c1z-build", ended)
		_ = cmd.Process.Kill() // it may have ended, here and below
		return nil
	}
	select {
	case <-reached:
	case <-now:
	case <-ended:
		return nil
	}
	switch d.trouble {
	case killed, killedLater:
		_ = cmd.Process.Kill()
	case outage:
		if err := o.sim.AddFault(jcsim.Fault{Effect: []string{jcsim.EffectReset, jcsim.EffectHang, ""}[d.at%3], Status: 503}); err != nil {
			o.Error(err)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
	case stopped:
		_ = cmd.Process.Signal([]os.Signal{os.Interrupt, syscall.SIGTERM}[d.at%2])
	case secondRun:
		r := o.program.run()
		second = &r
	}
	return second
}

// judgeRun holds a run against the history of the tenant and the table of faults.
func (o *ordeal) judgeRun(d day, before []byte, r result) {
	o.Helper()
	path := o.program.path()
	same := d.trouble == damagedFile || bytes.Equal(before, file(o.T, path))
	switch {
	case r.code == exitOK:
		o.ends = append(o.ends, "complete")
		if o.hit(d) && !(d.fatal.code == exitNotFound && o.history.count() > 0) {
			o.blame("it ended well in spite of %q", d.fatal.name)
		}
		o.judgeArchive(path)
		o.history = watch(o.plan.tenant)
	case r.code < 0:
		o.ends = append(o.ends, "killed")
		if !same {
			// It was killed after the new archive had been put in its place.
			o.judgeArchive(path)
		}
		return
	default:
		o.ends = append(o.ends, fmt.Sprintf("failed with %d", r.code))
		if !same {
			o.blame("the archive of before is not what it was, after exit code %d", r.code)
		}
		if why := o.excuse(d, r.code, r.message()); why != "" {
			o.blame("%s: exit code %d, message %q", why, r.code, r.message())
		}
	}
	for _, text := range []string{"panic:", "goroutine ", "DATA RACE"} {
		if strings.Contains(r.stderr, text) {
			o.blame("%q on stderr: %s", text, tail(r.stderr))
		}
	}
	for _, stray := range strays(o.T, o.program.dir) {
		o.blame("%s was left behind", stray)
	}
}

// judgeArchive compares an archive with what the tenant held since the last sync
// that was complete.
func (o *ordeal) judgeArchive(path string) {
	o.Helper()
	for _, wrong := range o.history.judge(read(o.T, path)) {
		o.blame("%s", wrong)
	}
}

// count is how many edits there were.
func (h *history) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.edits
}

// hit reports whether the fatal fault of a day reached the program.
func (o *ordeal) hit(d day) bool {
	return d.fatal != nil && o.sim.Requests().Faults[d.fatal.name] > 0
}

// excuse says what is wrong with a failure: it must be one that the day explains,
// in the words of the fault table. It returns nothing for one that is clear.
func (o *ordeal) excuse(d day, code int, message string) string {
	contains := func(text string) bool { return strings.Contains(message, text) }
	if code == exitPrecondition && lossCode(message) != "" && o.edits+o.history.count() > 0 {
		return ""
	}
	if message == "" || strings.Count(message, "\n") > 3 {
		return "the message is not a short one"
	}
	if o.hit(d) && code == d.fatal.code {
		for _, want := range d.fatal.says {
			// Other faults of the day may have cost the same request more attempts, and
			// a task is repeated by ConductorOne.
			skip := strings.HasPrefix(want, "after ") || o.plan.service && strings.HasPrefix(want, "run again")
			if !contains(want) && !skip {
				return fmt.Sprintf("%q is missing in the message of %q", want, d.fatal.name)
			}
		}
		return ""
	}
	// Lists that change are proven all the same, unless the server is odd.
	if code == exitUnknown && (o.plan.odd && inMotion(message) || o.history.count() > 0 && tooManyGone(message)) {
		return ""
	}
	switch d.trouble {
	case stopped, outage:
		if code == exitInterrupted && (message == "interrupted; nothing was read" || message == "interrupted; work kept at sync.c1z.work; run again to resume") {
			return ""
		}
	case smallFiles, fullDisk:
		reason := contains("no space left") || contains("file too large") || contains("disk is full") || contains("disk I/O error")
		if code == exitUnknown && reason && (contains(o.program.dir) || contains("sync.c1z")) {
			return ""
		}
	case damagedFile:
		if code == exitUnknown && contains("sync.c1z") {
			return ""
		}
	}
	return "nothing on that day explains the failure"
}

// inMotion reports whether a sync failed because what it read did not hold still.
func inMotion(message string) bool {
	return strings.Contains(message, paging.ErrIncomplete.Error()) || tooManyGone(message)
}

// tooManyGone reports whether a sync failed because much was deleted while it ran.
func tooManyGone(message string) bool {
	return strings.Contains(message, "were listed but not found")
}

// tail is the end of a long text.
func tail(text string) string {
	const most = 4000
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return text
}
