package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// plainCommands compares what takes no archive.
func (c *comparison) plainCommands(ctx context.Context, dir string) error {
	list := [][]string{{"capabilities"}, {"config"}, {"--no-such-flag"}, {"--region", "mars"}, {"--revoke-grant", "nothing"}, {"nothing"}}
	for _, name := range []string{
		"", "access", "capabilities", "completion", "config", "demo", "diff", "explore", "health-check", "inspect", "inspect entitlements", "inspect grants",
		"inspect principals", "inspect resource-types", "inspect resources", "inspect syncs", "report", "simulate", "version", "who",
	} {
		list = append(list, append(strings.Fields(name), "--help"))
	}
	for _, args := range list {
		c.both(ctx, dir, nil, args)
	}
	return ctx.Err()
}

// commands compares what is shown of an archive, and what would be changed.
func (c *comparison) commands(ctx context.Context, dir, console, archive string) error {
	var list [][]string
	add := func(text string, more ...string) { list = append(list, append(strings.Fields(text), more...)) }
	for _, form := range []string{"table", "json", "csv", "html"} {
		for _, name := range []string{
			"inspect", "inspect entitlements", "inspect grants", "inspect principals", "inspect resource-types", "inspect resources", "inspect syncs", "report", "diff",
		} {
			add(name + " -o " + form + " -f " + archive)
		}
	}
	add("inspect grants --inherited --limit 20 --page 2 -f " + archive)
	add("inspect resources --type user --status disabled -f " + archive)
	add("inspect resources --sort nothing -f " + archive)
	add("report --check -f " + archive)
	people, err := c.names(ctx, dir, archive, "user")
	if err != nil {
		return err
	}
	things, err := c.names(ctx, dir, archive, "app", "group", "role")
	if err != nil {
		return err
	}
	for i, p := range sample(people, 6) {
		add("access -f "+archive, p)
		add("access -o json -f "+archive, p)
		for _, thing := range sample(things, 3) {
			typ, id, _ := strings.Cut(thing, "/")
			_, who, _ := strings.Cut(p, "/")
			add(fmt.Sprintf("--dry-run --provision-types group,app --base-url %s --file %s --grant-entitlement %s:%s --grant-principal %s --grant-principal-type user", console, archive, typ, id, who))
			if i == 0 {
				add(fmt.Sprintf("--dry-run --base-url %s --file %s --revoke-grant %s-grant:%s:user:%s:%s", console, archive, typ, id, who, id))
			}
		}
	}
	for _, thing := range sample(things, 6) {
		add("who -f "+archive, thing)
		add("who -o csv -f "+archive, thing)
	}
	for _, args := range list {
		c.both(ctx, dir, []string{"BATON_API_KEY=jca_simulator"}, args)
	}
	return ctx.Err()
}

// names lists TYPE/ID of the resources of some types.
func (c *comparison) names(ctx context.Context, dir, archive string, types ...string) ([]string, error) {
	var found []string
	for _, typ := range types {
		o := execute(ctx, dir, nil, c.before, "inspect", "resources", "--type", typ, "-o", "json", "-f", archive)
		var list []struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal([]byte(o.out), &list); err != nil {
			return nil, fmt.Errorf("list of %s: %w: %.200s%s", typ, err, o.out, o.err)
		}
		for _, r := range list {
			found = append(found, typ+"/"+r.ID)
		}
	}
	return found, nil
}

// sample takes some of a list, spread over it.
func sample(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	some := make([]string, n)
	for i := range some {
		some[i] = list[i*len(list)/n]
	}
	return some
}

// both runs a command with both builds.
func (c *comparison) both(ctx context.Context, dir string, env, args []string) {
	if ctx.Err() != nil {
		return
	}
	var texts [2]string
	for i, binary := range []string{c.before, c.after} {
		o := execute(ctx, dir, env, binary, args...)
		texts[i] = masked(fmt.Sprintf("exit %d\n%s\n-- stderr\n%s", o.code, o.out, o.err), dir)
	}
	c.compare(strings.ReplaceAll(strings.Join(args, " "), dir, "DIR"), texts[0], texts[1])
}
