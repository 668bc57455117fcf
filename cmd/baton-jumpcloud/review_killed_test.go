//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestKilledWhileDeciding kills commands that decide at different moments: each decision
// that was reported is in the review, and the review is as it was made.
func TestKilledWhileDeciding(t *testing.T) {
	t.Parallel()
	archive := syncOnce(t, serve(t, jcsim.New(jcsim.Options{Tenant: jcsim.Generate(1, must(jcsim.ParseSize("small")))})))
	path := filepath.Join(t.TempDir(), "all.review")
	run := func(args ...string) []byte {
		t.Helper()
		out, err := program(t.Context(), t, args...).Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return out
	}
	run("review", "new", archive, "--out", path, "--scope", "all", "--kind", "application")

	started := time.Now()
	run("review", "decide", path, "--item", "1", "--decision", "keep", "--by", "rea")
	whole := time.Since(started)
	const commands = 16
	reported := map[int]bool{1: true}
	for i := range commands {
		item := i + 2
		var out bytes.Buffer
		cmd := program(t.Context(), t, "review", "decide", path, "--item", strconv.Itoa(item), "--decision", "revoke", "--by", "rea")
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Most moments lie about the end, where it writes.
		killer := time.AfterFunc(whole*time.Duration(commands/2+i)/commands, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // Killed or not, what it said counts.
		killer.Stop()
		reported[item] = out.Len() > 0
	}
	var rows []struct {
		Item     int    `json:"item"`
		Decision string `json:"decision"`
	}
	if err := json.Unmarshal(run("review", "list", path, "-o", "json"), &rows); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if reported[r.Item] && r.Decision == "undecided" {
			t.Errorf("the decision of item %d was reported and is not there", r.Item)
		}
	}
	if out := run("review", "verify", path); !bytes.Contains(out, []byte(": intact, ")) {
		t.Errorf("verify: %s", out)
	}
}
