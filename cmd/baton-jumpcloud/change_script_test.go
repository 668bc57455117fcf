package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// changeCommands are what sessions about changing access use beside the others:
//
//	[!] has member GROUP USER
//	[!] has app APPLICATION user|group NAME
//
// which ask the simulated organization itself who has what;
//
//	user NAME
//	group NAME
//	mails
//
// which print what the organization holds: a user or group in JSON, and the messages that
// were sent; "accounts FILE", which prints the accounts of an archive's newest sync;
//
//	edit JSON
//	settings FILE
//
// which change the organization and the simulator's behavior; "asked ROUTE", after
// which "held" waits until the simulator is asked that; "follow PIPE TEXT", which
// waits until a log that is written into a pipe has a line with the text; and
// "grants FILE", which prints the grants of an archive's newest sync, each with its
// sources.
func changeCommands(ctx context.Context) map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"has": hasAccess, "edit": editTenant, "settings": setSettings, "asked": asked, "follow": follow,
		"user": printUser, "group": printGroup, "mails": printMails,
		"accounts": func(ts *testscript.TestScript, _ bool, args []string) { printAccounts(ctx, ts, args) },
		"grants":   func(ts *testscript.TestScript, _ bool, args []string) { printGrants(ctx, ts, args) },
	}
}

func hasAccess(ts *testscript.TestScript, neg bool, args []string) {
	tenant := simOf(ts).Tenant()
	var (
		holders []string
		err     error
	)
	kind, who := "user", args[len(args)-1]
	switch {
	case len(args) == 3 && args[0] == "member":
		holders, err = tenant.Members(args[1])
	case len(args) == 4 && args[0] == "app" && args[2] == "user":
		holders, err = tenant.AppUsers(args[1])
	case len(args) == 4 && args[0] == "app" && args[2] == "group":
		kind = "group"
		holders, err = tenant.AppGroups(args[1])
	default:
		ts.Fatalf("usage: has member GROUP USER | has app APPLICATION user|group NAME")
	}
	ts.Check(err)
	id := ""
	if kind == "user" {
		user, err := tenant.User(who)
		ts.Check(err)
		id = user.ID
	}
	for _, g := range tenant.Groups() {
		if kind == "group" && g.Name == who {
			id = g.ID
		}
	}
	if slices.Contains(holders, id) == neg {
		ts.Fatalf("JumpCloud holds %v: %v", args, !neg)
	}
}

func editTenant(ts *testscript.TestScript, _ bool, args []string) {
	var e jcsim.Edit
	ts.Check(json.Unmarshal([]byte(args[0]), &e))
	ts.Check(simOf(ts).Tenant().Apply(e))
}

func setSettings(ts *testscript.TestScript, _ bool, args []string) {
	s, err := jcsim.LoadSettings(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(simOf(ts).SetSettings(s))
}

func asked(ts *testscript.TestScript, _ bool, args []string) {
	sim := simOf(ts)
	reached := make(chan struct{})
	once := sync.OnceFunc(func() { close(reached) })
	sim.reached = reached
	sim.OnRequest(func(_ int, route string) {
		if route == args[0] {
			once()
		}
	})
}

func follow(ts *testscript.TestScript, _ bool, args []string) {
	pipe, err := os.Open(ts.MkAbs(args[0])) // Waits until somebody writes.
	ts.Check(err)
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		if strings.Contains(lines.Text(), args[1]) {
			// Its writer must not wait for a reader later on.
			go func() { _, _ = io.Copy(io.Discard, pipe); _ = pipe.Close() }()
			return
		}
	}
	ts.Fatalf("%s ended without %q", args[0], args[1])
}

func printGrants(ctx context.Context, ts *testscript.TestScript, args []string) {
	reader, err := c1z.Open(ctx, ts.MkAbs(args[0]), c1z.OpenOptions{TempDir: ts.Getenv("TMPDIR")})
	ts.Check(err)
	defer reader.Close()
	newest, err := reader.Latest(ctx)
	ts.Check(err)
	for g, err := range reader.Grants(ctx, newest.ID, c1z.GrantFilter{}) {
		ts.Check(err)
		_, err := fmt.Fprintln(ts.Stdout(), g.GetId(), slices.Sorted(maps.Keys(g.GetSources().GetSources())))
		ts.Check(err)
	}
}

func printUser(ts *testscript.TestScript, neg bool, args []string) {
	user, err := simOf(ts).Tenant().User(args[0])
	if neg {
		if err == nil {
			ts.Fatalf("there is a user %s", args[0])
		}
		return
	}
	ts.Check(err)
	ts.Check(json.NewEncoder(ts.Stdout()).Encode(user))
}

func printGroup(ts *testscript.TestScript, neg bool, args []string) {
	for _, g := range simOf(ts).Tenant().Groups() {
		if g.Name == args[0] {
			if neg {
				ts.Fatalf("there is a group %s", args[0])
			}
			ts.Check(json.NewEncoder(ts.Stdout()).Encode(g))
			return
		}
	}
	if !neg {
		ts.Fatalf("there is no group %s", args[0])
	}
}

func printMails(ts *testscript.TestScript, _ bool, _ []string) {
	for _, m := range simOf(ts).Tenant().Mails() {
		_, err := fmt.Fprintln(ts.Stdout(), m.Kind, m.To)
		ts.Check(err)
	}
}

// printAccounts prints id, login, addresses and status of each account, as its trait has
// them: that is where ConductorOne's certification looks.
func printAccounts(ctx context.Context, ts *testscript.TestScript, args []string) {
	reader, err := c1z.Open(ctx, ts.MkAbs(args[0]), c1z.OpenOptions{TempDir: ts.Getenv("TMPDIR")})
	ts.Check(err)
	defer reader.Close()
	newest, err := reader.Latest(ctx)
	ts.Check(err)
	for r, err := range reader.Resources(ctx, newest.ID, c1z.ResourceFilter{Type: "user"}) {
		ts.Check(err)
		trait := new(v2.UserTrait)
		for _, a := range r.GetAnnotations() {
			if a.MessageIs(trait) {
				ts.Check(a.UnmarshalTo(trait))
			}
		}
		var addresses []string
		for _, e := range trait.GetEmails() {
			addresses = append(addresses, e.GetAddress())
		}
		_, err := fmt.Fprintln(ts.Stdout(), r.GetId().GetResource(), trait.GetLogin(), addresses, trait.GetStatus().GetStatus()) //nolint:staticcheck // Older readers look there.
		ts.Check(err)
	}
}
