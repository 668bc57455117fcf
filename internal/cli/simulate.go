package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/jcsim"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// simulateOptions are the flags of the simulate command.
type simulateOptions struct {
	tenantOptions
	conductor  conductorOptions
	address    string
	latency    time.Duration
	jitter     time.Duration
	rate       float64
	burst      int
	retryAfter string
	compress   bool
	churn      int
	changes    []string
	authority  string
	settings   string
	control    bool
	save       string
}

func (o *simulateOptions) addFlags(flags *pflag.FlagSet) {
	o.tenantOptions.addFlags(flags, "medium")
	flags.StringVar(&o.file, "tenant", "", "Serve the organisation of this JSON file instead of a made-up one")
	flags.IntVar(&o.organizations, "organizations", 1, "How many organisations there are: the first as described, the others small")
	flags.StringVar(&o.address, "addr", "127.0.0.1:8090", "Address of this machine to answer at; port 0 takes a free one")
	flags.DurationVar(&o.latency, "latency", 0, "How long every answer takes at least")
	flags.DurationVar(&o.jitter, "jitter", 0, "How much longer an answer may take by chance")
	flags.Float64Var(&o.rate, "rate", 0, "How many requests a second are answered, the rest is refused with 429; 0 for any number")
	flags.IntVar(&o.burst, "burst", 1, "How many requests at once are answered after a quiet time, with --rate")
	flags.StringVar(&o.retryAfter, "retry-after", "", "What a refusal tells with --rate: seconds, date, absurd, or nothing")
	flags.BoolVar(&o.compress, "compress", false, "Answer with gzip to those who take it")
	flags.IntVar(&o.churn, "churn", 0, "Change the organization before every N-th request (0: never)")
	flags.StringSliceVar(&o.changes, "churn-changes", nil, "Changes to make in turn with --churn (default add-user,delete-user): "+strings.Join(jcsim.ChurnChanges(), ", "))
	flags.StringVar(&o.authority, "tls-ca", "", "Serve HTTPS, and write the certificate to trust to this file, for SSL_CERT_FILE")
	flags.StringVar(&o.settings, "settings", "", "JSON file with faults and other behaviour; the flags above outweigh it")
	flags.BoolVar(&o.control, "control", false, "Serve the control routes under /_sim/, which change settings and the organisation")
	o.conductor.addFlags(flags)
	flags.StringVar(&o.save, "save", "", "Write the organisation to this JSON file and end")
}

func newSimulate(a *app) *cobra.Command {
	var o simulateOptions
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run a simulated JumpCloud on this machine, to try things against",
		Long: `Run a simulated JumpCloud on this machine until it is stopped. It prints the commands to run
against it. It serves what the connector reads and changes, with made-up people or those of a file.`,
		Example: `  baton-jumpcloud simulate
  baton-jumpcloud simulate --size small --latency 50ms --rate 20 --retry-after seconds
  baton-jumpcloud simulate --churn 3    # an import is running: users come and go
  baton-jumpcloud simulate --size small --save company.json    # edit it, then
  baton-jumpcloud simulate --tenant company.json
  baton-jumpcloud simulate --conductorone --sync-every 10s     # and a service between the two`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSimulate(cmd.Context(), a, cmd.Flags(), o) },
	}
	o.addFlags(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("tenant", "size")
	cmd.MarkFlagsMutuallyExclusive("tenant", "seed")
	return cmd
}

func runSimulate(ctx context.Context, a *app, flags *pflag.FlagSet, o simulateOptions) error {
	tenants, err := o.tenants()
	if err != nil {
		return err
	}
	if o.save != "" {
		return saveTenant(tenants[0], o.save)
	}
	settings, err := o.simulatorSettings(flags)
	if err != nil {
		return err
	}
	keys, accounts := credentials(tenants)
	sim, err := startSimulator(ctx, o.address, o.authority, jcsim.Options{
		Tenant: tenants[0], Others: tenants[1:], Keys: keys, ServiceAccounts: accounts, Settings: settings, Seed: o.seed, Control: o.control,
	})
	if err != nil {
		return err
	}
	if err := introduce(a, sim, tenants, o.control); err != nil {
		return err
	}
	if o.conductor.conductorOne {
		err = simulateConductorOne(ctx, a, o, sim, tenants[0])
	} else {
		err = say(a.Stdout, "%s", stopIt)
	}
	if err != nil {
		return errors.Join(err, sim.Close())
	}
	select {
	case <-ctx.Done():
	case err := <-sim.finished:
		return fmt.Errorf("serve: %w", err)
	}
	if err := sim.Close(); err != nil {
		return err
	}
	return say(a.Stdout, "\nStopped after %d requests.\n", sim.Requests().Requests)
}

// stopIt ends what a simulator says of itself.
const stopIt = "\nStop it with Ctrl-C.\n"

// simulateConductorOne lets a simulated ConductorOne ask for syncs of a simulated
// organisation until the context ends.
func simulateConductorOne(ctx context.Context, a *app, o simulateOptions, sim *simulator, tenant *jcsim.Tenant) (err error) {
	c, err := o.conductor.start(ctx, o.seed)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.introduce(a.Stdout, sim, o.conductor.every); err != nil {
		return err
	}
	if err := say(a.Stdout, "%s\n", stopIt); err != nil {
		return err
	}
	return c.follow(ctx, a.Stdout, tenant)
}

// simulatorSettings are those of the file, with the flags that were given over
// them.
func (o *simulateOptions) simulatorSettings(flags *pflag.FlagSet) (jcsim.Settings, error) {
	var settings jcsim.Settings
	if o.settings != "" {
		f, err := regularfile.Open(o.settings)
		if err != nil {
			return settings, fmt.Errorf("read simulator settings: %w", err)
		}
		defer func() { _ = f.Close() }()
		if settings, err = jcsim.LoadSettings(f); err != nil {
			return settings, err
		}
	}
	for name, set := range map[string]func(){
		"latency":       func() { settings.Latency = o.latency },
		"jitter":        func() { settings.Jitter = o.jitter },
		"rate":          func() { settings.Rate.PerSecond = o.rate },
		"burst":         func() { settings.Rate.Burst = o.burst },
		"retry-after":   func() { settings.Rate.RetryAfter = o.retryAfter },
		"compress":      func() { settings.Compress = o.compress },
		"churn":         func() { settings.Churn.Every = o.churn },
		"churn-changes": func() { settings.Churn.Changes = o.changes },
	} {
		if flags.Changed(name) {
			set()
		}
	}
	return settings, jcsim.Options{Settings: settings}.Check()
}

// introduce prints what there is and how to use it.
func introduce(a *app, sim *simulator, tenants []*jcsim.Tenant, control bool) error {
	org, trust := tenants[0].Organization(), ""
	if sim.authority != "" {
		trust = "  export SSL_CERT_FILE=" + sim.authority + "\n"
	}
	err := say(a.Stdout, `A simulated JumpCloud answers at %[1]s
It serves %[2]s: %[3]s.

In another terminal:

%[7]s  export BATON_BASE_URL=%[1]s
  export BATON_API_KEY=%[4]s
  baton-jumpcloud --file simulated.c1z

Other keys:

  %-26[5]s reads and does not write
  %-26[6]s does not see administrators (leave them out with --skip-admins)
`, sim.url, named(org.ID, org.Name), describe(tenants[0]), jcsim.DefaultKey, simReadOnlyKey, simNoAdminsKey, trust)
	if err != nil {
		return err
	}
	if len(tenants) > 1 {
		if err := say(a.Stdout, "  %-26s sees %d organisations (choose one with --org-id)\n", simSeveralKey, len(tenants)); err != nil {
			return err
		}
	}
	if control {
		if err := say(a.Stdout, "\nControl routes: %s/_sim/\n", sim.url); err != nil {
			return err
		}
	}
	return say(a.Stdout, `
Or a service account, instead of a key:

  export BATON_JUMPCLOUD_CLIENT_ID=%s BATON_JUMPCLOUD_CLIENT_SECRET=%s
`, simAccountID, simAccountPassword)
}

// saveTenant writes an organisation to a file that does not exist yet.
func saveTenant(t *jcsim.Tenant, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // Who runs the program chooses the file.
	if err != nil {
		return fmt.Errorf("save tenant: %w", err)
	}
	if err := t.Save(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
