package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

// TestServiceStopsSuddenLoss lets a tenant lose most of its users between two tasks.
// What ConductorOne was told stays until somebody accepts the loss.
func TestServiceStopsSuddenLoss(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	p := r.start("--keep-previous-sync-c1z")
	r.equalsTenant(r.succeeded(r.sync()))
	p.until("no previous archive")
	kept, err := filepath.Glob(filepath.Join(r.dir, "state", "baton-previous-sync-*.c1z"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, %v", kept, err)
	}
	before := must(os.ReadFile(kept[0]))

	if err := loseSome(r.tenant, "users", 50); err != nil {
		t.Fatal(err)
	}
	refused := func() (code string) {
		info := r.finished(r.sync())
		status := info.Result.GetStatus()
		found := dropCode.FindStringSubmatch(status.GetMessage())
		if info.Result.GetError() == nil || info.Result.GetError().GetNonRetryable() || codes.Code(status.GetCode()) != codes.FailedPrecondition ||
			!strings.Contains(status.GetMessage(), "\n  50 of 68 accounts are gone (73%): ") || found == nil || len(info.Assets) > 0 {
			t.Fatalf("a sync with a sudden loss ended with %v, and uploaded %v", info.Result, info.Assets)
		}
		return found[1]
	}
	code := refused()
	if again := refused(); again != code {
		t.Errorf("the code of the same loss is %s, and then %s", code, again)
	}
	if !bytes.Equal(must(os.ReadFile(kept[0])), before) {
		t.Error("the archive that was uploaded last is not kept any more")
	}
	if exit := p.signal(syscall.SIGTERM); exit != 0 {
		t.Errorf("exit code %d after SIGTERM", exit)
	}

	r.forget()
	p = r.start("--keep-previous-sync-c1z", "--allow-drop", code)
	r.equalsTenant(r.succeeded(r.sync()))
	p.until("large drop accepted by --allow-drop " + code)
	for route, asked := range r.jc.Requests().Routes {
		if strings.Contains(route, "users") && asked.Requests > 0 {
			t.Errorf("%s was asked %d times again", route, asked.Requests)
		}
	}
	r.equalsTenant(r.succeeded(r.sync()))
	p.until("--allow-drop had no effect: no drop was rejected")
}

// TestServiceComparesNothing keeps no archive to compare with, and says so.
func TestServiceComparesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	p := r.start()
	r.succeeded(r.sync())
	if err := loseSome(r.tenant, "users", 50); err != nil {
		t.Fatal(err)
	}
	r.equalsTenant(r.succeeded(r.sync()))
	p.until("no previous archive is kept; set --keep-previous-sync-c1z")
}
