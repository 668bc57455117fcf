// Command same compares two builds of baton-jumpcloud: what they write and what
// they show must be the same, byte for byte.
//
// For each of a number of generated organizations it starts one simulator (of the
// first build), lets both builds sync it, and compares the canonical dumps of the
// archives, the output of every command on one archive, and every page that the
// explorer links to. Only what differs between two runs of one build is masked:
// sync ids, times, ports, paths, tokens, and the version.
//
// It exits with 1 where anything differs, and prints the first difference of each.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
)

func main() {
	before := flag.String("before", "", "the first `binary`")
	after := flag.String("after", "", "the second `binary`")
	count := flag.Int("organizations", 20, "how many organizations are generated")
	pages := flag.Int("pages", 400, "how many pages of the explorer are compared in each organization")
	only := flag.String("only", "archives,commands,pages", "what is compared: archives, commands, pages")
	flag.Parse()
	if *before == "" || *after == "" {
		fmt.Fprintln(os.Stderr, "same: name two binaries with -before and -after")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c := comparison{before: *before, after: *after, pages: *pages, kinds: strings.Split(*only, ","), out: os.Stdout}
	if err := c.run(ctx, *count); err != nil {
		fmt.Fprintln(os.Stderr, "same:", err)
		stop()
		os.Exit(1)
	}
}

// comparison counts what was compared. It is not safe for concurrent use.
type comparison struct {
	before, after string // binaries
	pages         int
	kinds         []string

	out              io.Writer
	compared, differ int
}

func (c *comparison) run(ctx context.Context, organizations int) error {
	dir, err := os.MkdirTemp("", "same-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if c.wants("commands") {
		if err := c.plainCommands(ctx, dir); err != nil {
			return err
		}
	}
	for seed := 1; seed <= organizations; seed++ {
		work := filepath.Join(dir, strconv.Itoa(seed))
		if err := os.Mkdir(work, 0o700); err != nil {
			return err
		}
		if err := c.organization(ctx, work, seed); err != nil {
			return fmt.Errorf("organization %d: %w", seed, err)
		}
	}
	_, _ = fmt.Fprintf(c.out, "%d compared, %d differ\n", c.compared, c.differ)
	if c.differ > 0 {
		return errors.New("the builds differ")
	}
	return nil
}

// sizes are those of the organizations, in turn.
var sizes = []string{
	"small", "small,users=300,groups=40,apps=30", "small,users=7,groups=2,apps=1", "medium,users=700,groups=60",
}

// organization syncs one organization with both builds and looks at what came out.
func (c *comparison) organization(ctx context.Context, dir string, seed int) error {
	sim, err := start(ctx, dir, c.before, "simulate", "--addr", "127.0.0.1:0", "--seed", strconv.Itoa(seed), "--size", sizes[seed%len(sizes)])
	if err != nil {
		return err
	}
	defer sim.stop()
	var archives [2]string
	for i, binary := range []string{c.before, c.after} {
		archives[i] = filepath.Join(dir, fmt.Sprintf("sync-%d.c1z", i))
		args := []string{"--base-url", sim.address, "--file", archives[i]}
		if seed%5 == 4 {
			args = append(args, "--merge-admins")
		}
		if out := execute(ctx, dir, []string{"BATON_API_KEY=jca_simulator"}, binary, args...); out.code != 0 {
			return fmt.Errorf("%s exits with %d: %s", binary, out.code, out.err)
		}
	}
	if c.wants("archives") {
		if err := c.dumps(ctx, dir, seed, archives); err != nil {
			return err
		}
	}
	// Both look at the archive of the first, of which a copy with another time is the
	// previous one of the comparisons.
	if c.wants("commands") {
		if err := c.commands(ctx, dir, sim.address, archives[0]); err != nil {
			return err
		}
	}
	if c.wants("pages") {
		return c.explorer(ctx, dir, archives[0])
	}
	return nil
}

func (c *comparison) wants(kind string) bool { return slices.Contains(c.kinds, kind) }

// dumps compares what the two builds wrote.
func (c *comparison) dumps(ctx context.Context, dir string, seed int, archives [2]string) error {
	var texts [2]bytes.Buffer
	for i, path := range archives {
		r, err := c1z.Open(ctx, path, c1z.OpenOptions{TempDir: dir})
		if err != nil {
			return err
		}
		run, err := r.Latest(ctx)
		if err == nil {
			err = r.Dump(ctx, run.ID, &texts[i])
		}
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	c.compare(fmt.Sprintf("archive of organization %d", seed), texts[0].String(), texts[1].String())
	return nil
}

// compare counts, and prints the first line that differs.
func (c *comparison) compare(what, before, after string) {
	c.compared++
	if before == after {
		return
	}
	c.differ++
	b, a := strings.Split(before, "\n"), strings.Split(after, "\n")
	for i := range max(len(b), len(a)) {
		if line(b, i) != line(a, i) {
			_, _ = fmt.Fprintf(c.out, "%s, line %d\n- %s\n+ %s\n", what, i+1, cut(line(b, i)), cut(line(a, i)))
			return
		}
	}
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

func cut(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}
