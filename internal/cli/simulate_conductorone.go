package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/tempdir"
)

// lookEvery is how often the simulated ConductorOne is asked what has become of its
// tasks.
const lookEvery = 200 * time.Millisecond

// conductorOptions are the flags about a simulated ConductorOne.
type conductorOptions struct {
	conductorOne bool
	hosted       bool
	address      string
	every        time.Duration
	dir          string
	pages        string
	open         bool
}

func (o *conductorOptions) addFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.conductorOne, "conductorone", false, "Simulate ConductorOne too, to run the connector in service mode")
	flags.BoolVar(&o.hosted, "hosted", false, "Simulate a platform too that runs the connector as a function and syncs it")
	flags.StringVar(&o.address, "conductorone-addr", "127.0.0.1:8091", "Loopback address of the simulated ConductorOne (port 0: any free port)")
	flags.DurationVar(&o.every, "sync-every", 30*time.Second, "How often the simulated ConductorOne or platform begins a full sync")
	flags.StringVar(&o.dir, "conductorone-dir", "", "Directory for the archives, and with --conductorone for its CA certificate and the state of its web pages (default: a new temporary directory)")
	flags.StringVar(&o.pages, "pages-addr", "127.0.0.1:0", "Loopback address of its web pages (port 0: any free port)")
	flags.BoolVar(&o.open, "open", false, "Open its web pages in a browser")
}

// conductor is a simulated ConductorOne that answers on this machine.
type conductor struct {
	*c1sim.Server
	ca       string       // path
	dir      string       // of archives
	temp     *tempdir.Dir // dir, where none was chosen; else nil
	finished chan error
	reported map[string]bool // tasks whose end was reported
}

// start serves a simulated ConductorOne.
func (o *conductorOptions) start(ctx context.Context, seed uint64) (_ *conductor, err error) {
	if err := onLoopback(o.address); err != nil {
		return nil, err
	}
	if o.every <= 0 {
		return nil, fmt.Errorf("--sync-every %s: must be positive", o.every)
	}
	c := &conductor{finished: make(chan error, 1), reported: make(map[string]bool)}
	if c.dir, c.temp, err = o.folder(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && c.temp != nil {
			err = errors.Join(err, c.temp.Close())
		}
	}()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.address)
	if err != nil {
		return nil, fmt.Errorf("start simulator: %w", err)
	}
	ca, certificate, err := keptAuthority(c.dir, listener.Addr().String())
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	c.Server, err = c1sim.New(c1sim.Options{
		CA: ca, Certificate: certificate,
		Host: listener.Addr().String(), Name: "simulated-jumpcloud", SyncEvery: o.every, IdlePoll: time.Second, BusyPoll: 100 * time.Millisecond,
		Lease: time.Minute, Dir: c.dir, Seed: seed, MaxEvents: 1000,
	})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	c.ca = filepath.Join(c.dir, "ca.pem")
	go func() { c.finished <- c.Serve(listener) }()
	return c, nil
}

// folder is the absolute path of the directory for archives. One that nobody chose is
// temporary, and to be closed.
func (o *conductorOptions) folder() (dir string, temp *tempdir.Dir, err error) {
	if dir = o.dir; dir == "" {
		if temp, err = tempdir.New(""); err != nil {
			return "", nil, fmt.Errorf("start simulator: %w", err)
		}
		dir = temp.Path()
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("start simulator: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", nil, fmt.Errorf("start simulator: %w", err)
	}
	return dir, temp, nil
}

// Close stops serving and removes what nobody asked to keep.
func (c *conductor) Close() error {
	err := errors.Join(c.Server.Close(), <-c.finished)
	if c.temp != nil {
		err = errors.Join(err, c.temp.Close())
	}
	return err
}

// introduce prints how to run the connector against both simulators.
func (c *conductor) introduce(w io.Writer, sim *simulator, every time.Duration) error {
	id, secret := c.Credentials()
	return program.Say(w, `
A simulated ConductorOne runs as well and requests a full sync every %s.
In another terminal:

  export SSL_CERT_FILE=%s
  export BATON_CLIENT_ID=%s
  export BATON_CLIENT_SECRET=%s
  export BATON_BASE_URL=%s
  export BATON_API_KEY=%s
  baton-jumpcloud

Received archives are kept in %s and compared with the organization.
`, printable.Duration(every), console.ShellWord(c.ca), id, secret, sim.url, jcsim.DefaultKey, console.ShellWord(c.dir))
}

// follow tells of each task that has ended, until the context does.
func (c *conductor) follow(ctx context.Context, w io.Writer, tenant *jcsim.Tenant) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		for _, task := range c.Tasks() {
			id := task.Task.GetId()
			if task.State != c1sim.Finished && task.State != c1sim.Cancelled || c.reported[id] {
				continue
			}
			c.reported[id] = true
			if err := c.tell(ctx, w, task, tenant); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-c.finished:
			c.finished <- err // Close wants it too.
			return err
		case <-tick.C:
		}
	}
}

// tell says how one task has ended.
func (c *conductor) tell(ctx context.Context, w io.Writer, task c1sim.TaskInfo, tenant *jcsim.Tenant) error {
	at := time.Now().Format(time.TimeOnly)
	id := task.Task.GetId()
	if problem := task.Result.GetError(); problem != nil || task.Result == nil {
		return program.Say(w, "%s  task %s failed: %s\n", at, id, task.Result.GetStatus().GetMessage())
	}
	if len(task.Assets) == 0 {
		return program.Say(w, "%s  task %s succeeded\n", at, id)
	}
	asset := task.Assets[len(task.Assets)-1]
	verdict, err := compareArchive(ctx, asset.Path, c.dir, tenant)
	if err != nil {
		return program.Say(w, "%s  received an archive (%d bytes) that cannot be read: %v\n", at, asset.Size, err)
	}
	return program.Say(w, "%s  received an archive (%d bytes, %s): %s\n", at, asset.Size, filepath.Base(asset.Path), verdict)
}

// maxShown bounds how many differences are reported.
const maxShown = 3

// compareArchive says in words whether an archive is what a simulated organization
// holds now: every account, group and application, and who has what. It is unpacked
// in the folder temp.
func compareArchive(ctx context.Context, path, temp string, tenant *jcsim.Tenant) (string, error) {
	reader, err := c1z.Open(ctx, path, c1z.OpenOptions{TempDir: temp})
	if err != nil {
		return "", err
	}
	defer func() { _ = reader.Close() }()
	run, err := reader.Latest(ctx)
	if err != nil {
		return "", err
	}
	want, err := facts(tenant)
	if err != nil {
		return "", err
	}
	got := make(map[string]bool)
	for r, err := range reader.Resources(ctx, run.ID, c1z.ResourceFilter{}) {
		if err != nil {
			return "", err
		}
		if r.GetId().GetResourceType() != restype.Role {
			got[r.GetId().GetResourceType()+" "+r.GetId().GetResource()] = true
		}
	}
	var resources, grants int64
	resources = int64(len(got))
	for g, err := range reader.GrantKeys(ctx, run.ID, c1z.GrantFilter{}) {
		if err != nil {
			return "", err
		}
		if g.ResourceType != restype.Role {
			grants++
			got[held(g.Entitlement, g.PrincipalType, g.Principal)] = true
		}
	}
	missing, extra := without(want, got), without(got, want)
	if len(missing)+len(extra) == 0 {
		return fmt.Sprintf("equal to the organization, %s resources and %s grants", humanize.Comma(resources), humanize.Comma(grants)), nil
	}
	return fmt.Sprintf("DIFFERS from the organization as it is now: %d facts are missing%s, %d are extra%s",
		len(missing), shown(missing), len(extra), shown(extra)), nil
}

// facts are what a simulated organization holds, as texts to compare. Roles are left
// out: which there are is the connector's to say.
func facts(tenant *jcsim.Tenant) (map[string]bool, error) {
	all := map[string]bool{restype.App + " " + restype.AdministrationAppID: true}
	holds := func(entitlement, principalType string, principals []string) {
		for _, p := range principals {
			all[held(entitlement, principalType, p)] = true
		}
	}
	for _, u := range slices.Concat(tenant.Users(), tenant.HiddenUsers()) {
		all[restype.User+" "+u.ID] = true
	}
	for _, a := range tenant.Admins() {
		all[restype.User+" "+a.ID] = true
		holds("app:"+restype.AdministrationAppID, restype.User, []string{a.ID})
	}
	var errs []error
	for _, g := range tenant.Groups() {
		all[restype.Group+" "+g.ID] = true
		members, err := tenant.Members(g.ID)
		errs = append(errs, err)
		holds("group:"+g.ID, restype.User, members)
	}
	for _, a := range tenant.Applications() {
		all[restype.App+" "+a.ID] = true
		users, err := tenant.EffectiveAppUsers(a.ID)
		groups, wrong := tenant.AppGroups(a.ID)
		errs = append(errs, err, wrong)
		holds("app:"+a.ID, restype.User, users)
		holds("app:"+a.ID, restype.Group, groups)
	}
	return all, errors.Join(errs...)
}

// held is a grant as a text.
func held(entitlement, principalType, principal string) string {
	return principalType + " " + principal + " on " + entitlement
}

// without lists what is in one set and not in the other.
func without(set, other map[string]bool) []string {
	var list []string
	for text := range set {
		if !other[text] {
			list = append(list, text)
		}
	}
	slices.Sort(list)
	return list
}

// shown quotes the first of a list.
func shown(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(list[:min(len(list), maxShown)], "; ") + ")"
}
