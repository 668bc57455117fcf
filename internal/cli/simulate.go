package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
	simcert "github.com/conductorone/baton-jumpcloud/internal/sim/cert"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
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
	flags.StringVar(&o.file, "tenant", "", "Serve the organization of this JSON file instead of a generated one")
	flags.IntVar(&o.organizations, "organizations", 1, "Number of organizations: the first as described, the others small")
	flags.StringVar(&o.address, "addr", "127.0.0.1:8090", "Loopback address to listen on (port 0: any free port)")
	flags.DurationVar(&o.latency, "latency", 0, "Minimum latency of every response")
	flags.DurationVar(&o.jitter, "jitter", 0, "Random additional latency, at most")
	flags.Float64Var(&o.rate, "rate", 0, "Requests per second to answer; others get 429 (0: no limit)")
	flags.IntVar(&o.burst, "burst", 1, "Burst size with --rate")
	flags.StringVar(&o.retryAfter, "retry-after", "", "Retry-After of a 429 with --rate: seconds, date, absurd, or nothing")
	flags.BoolVar(&o.compress, "compress", false, "Compress responses with gzip if the client accepts it")
	flags.IntVar(&o.churn, "churn", 0, "Change the organization before every N-th request (0: never)")
	flags.StringSliceVar(&o.changes, "churn-changes", nil, "Changes to make in turn with --churn (default add-user,delete-user): "+strings.Join(jcsim.ChurnChanges(), ", "))
	flags.StringVar(&o.authority, "tls-ca", "", "Serve HTTPS, and write the CA certificate to this file (for SSL_CERT_FILE)")
	flags.StringVar(&o.settings, "settings", "", "JSON file with faults and other behavior; overridden by the flags above")
	flags.BoolVar(&o.control, "control", false, "Serve the control routes under /_sim/, which change settings and the organization")
	o.conductor.addFlags(flags)
	flags.StringVar(&o.save, "save", "", "Write the organization to this JSON file and exit")
}

func newSimulate(a *program.App) *cobra.Command {
	var o simulateOptions
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run a simulated JumpCloud on this machine",
		Long: `Run a simulated JumpCloud on this machine until interrupted. It prints the commands to run
against it, and serves what the connector reads and changes, with generated data or that of a file.`,
		Example: `  baton-jumpcloud simulate
  baton-jumpcloud simulate --size small --latency 50ms --rate 20 --retry-after seconds
  baton-jumpcloud simulate --churn 3    # an import is running: users come and go
  baton-jumpcloud simulate --size small --save company.json    # edit it, then
  baton-jumpcloud simulate --tenant company.json
  baton-jumpcloud simulate --conductorone --sync-every 10s     # and the connector as a service
  baton-jumpcloud simulate --hosted     # and the connector as a function of a platform`,
		Args: program.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSimulate(cmd.Context(), a, cmd.Flags(), o) },
	}
	o.addFlags(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("tenant", "size")
	cmd.MarkFlagsMutuallyExclusive("tenant", "seed")
	cmd.MarkFlagsMutuallyExclusive("conductorone", "hosted")
	return cmd
}

func runSimulate(ctx context.Context, a *program.App, flags *pflag.FlagSet, o simulateOptions) error {
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
	for _, t := range tenants {
		if t.Counts().Users <= maxSignInUsers {
			t.SignIns(o.seed, time.Now())
		}
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
	switch {
	case o.conductor.conductorOne:
		err = simulateConductorOne(ctx, a, o, sim, tenants[0])
	case o.conductor.hosted:
		err = simulatePlatform(ctx, a, o.conductor, sim, tenants[0])
	default:
		err = program.Say(a.Stdout, "%s", stopIt)
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
	return program.Say(a.Stdout, "\nStopped after %d requests.\n", sim.Requests().Requests)
}

// maxSignInUsers bounds the organizations whose sign-ins are made up: each takes some
// events, which stay in memory.
const maxSignInUsers = 10_000

// stopIt ends what a simulator says of itself.
const stopIt = "\nPress Ctrl-C to stop.\n"

// simulateConductorOne lets a simulated ConductorOne ask for syncs of a simulated
// organization until the context ends.
func simulateConductorOne(ctx context.Context, a *program.App, o simulateOptions, sim *simulator, tenant *jcsim.Tenant) (err error) {
	c, err := o.conductor.start(ctx, o.seed)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	p, err := o.conductor.startPages(ctx, c, sim, a.Stderr)
	if err != nil {
		return err
	}
	if err := c.introduce(a.Stdout, sim, o.conductor.every); err != nil {
		return err
	}
	if err := p.introduce(a.Stdout, o.conductor.open); err != nil {
		return err
	}
	if err := program.Say(a.Stdout, "%s\n", stopIt); err != nil {
		return err
	}
	return p.run(ctx, func(ctx context.Context) error { return c.follow(ctx, a.Stdout, tenant) })
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
func introduce(a *program.App, sim *simulator, tenants []*jcsim.Tenant, control bool) error {
	org, trust := tenants[0].Organization(), ""
	if sim.authority != "" {
		trust = "  export SSL_CERT_FILE=" + sim.authority + "\n"
	}
	err := program.Say(a.Stdout, `Simulated JumpCloud at %[1]s
It serves %[2]s: %[3]s.

In another terminal:

%[7]s  export BATON_BASE_URL=%[1]s
  export BATON_API_KEY=%[4]s
  baton-jumpcloud --file simulated.c1z

Other keys:

  %-26[5]s read-only
  %-26[6]s cannot list administrators (use --skip-admins)
`, sim.url, connector.Organization{ID: org.ID, Name: org.Name}.String(), describe(tenants[0]), jcsim.DefaultKey, simReadOnlyKey, simNoAdminsKey, trust)
	if err != nil {
		return err
	}
	if len(tenants) > 1 {
		if err := program.Say(a.Stdout, "  %-26s has access to %d organizations (choose one with --org-id)\n", simSeveralKey, len(tenants)); err != nil {
			return err
		}
	}
	if control {
		if err := program.Say(a.Stdout, "\nControl routes: %s/_sim/\n", sim.url); err != nil {
			return err
		}
	}
	return program.Say(a.Stdout, `
Or a service account instead of an API key:

  export BATON_JUMPCLOUD_CLIENT_ID=%s BATON_JUMPCLOUD_CLIENT_SECRET=%s
`, simAccountID, simAccountPassword)
}

// saveTenant writes an organization to a file that does not exist yet.
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

// The credentials that a simulator knows beside [jcsim.DefaultKey]. They open a
// simulator only.
const (
	simReadOnlyKey     = "jca_simulator_read_only"
	simNoAdminsKey     = "jca_simulator_no_admins"
	simSeveralKey      = "jca_simulator_several"
	simAccountID       = "simulator"
	simAccountPassword = "simulator-secret"
)

// tenantOptions say which organization a simulator serves.
type tenantOptions struct {
	seed          uint64
	size          string
	file          string
	organizations int
}

func (o *tenantOptions) addFlags(flags *pflag.FlagSet, size string) {
	flags.Uint64Var(&o.seed, "seed", 1, "Seed of the generated organization (same seed and size: same organization)")
	flags.StringVar(&o.size, "size", size, "Size of the organization: small, medium, large, or numbers, such as medium,users=500,groups=40")
}

// maxSignIns is the number of users up to which a generated organization has sign-ins of the
// 90 days before: those of more would take gigabytes.
const maxSignIns = 10_000

// tenants makes the organization, and further small ones for keys that see
// several.
func (o *tenantOptions) tenants() ([]*jcsim.Tenant, error) {
	first, err := o.first()
	if err != nil {
		return nil, err
	}
	tenants := []*jcsim.Tenant{first}
	for i := 1; i < o.organizations; i++ {
		tenants = append(tenants, jcsim.Generate(o.seed+uint64(i), jcsim.Small()))
	}
	return tenants, nil
}

func (o *tenantOptions) first() (*jcsim.Tenant, error) {
	if o.file == "" {
		size, err := jcsim.ParseSize(o.size)
		if err != nil {
			return nil, err
		}
		tenant := jcsim.Generate(o.seed, size)
		if size.Users <= maxSignIns {
			tenant.SignIns(o.seed, time.Now())
		}
		return tenant, nil
	}
	f, err := regularfile.Open(o.file)
	if err != nil {
		return nil, fmt.Errorf("read tenant: %w", err)
	}
	defer func() { _ = f.Close() }()
	return jcsim.Load(f)
}

// simulator is a simulated JumpCloud that answers on this machine.
type simulator struct {
	*jcsim.Server
	url       string
	authority string // path of the certificate authority to trust; empty without TLS
	server    *http.Server
	finished  chan error
}

// startSimulator serves on an address of this machine; port 0 takes a free one. With a
// path for the certificate of its authority it serves HTTPS, and with it HTTP/2.
func startSimulator(ctx context.Context, address, authority string, options jcsim.Options) (*simulator, error) {
	if err := options.Check(); err != nil {
		return nil, err
	}
	if err := onLoopback(address); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("start simulator: %w", err)
	}
	sim := &simulator{Server: jcsim.New(options), url: "http://" + listener.Addr().String(), finished: make(chan error, 1)}
	sim.server = &http.Server{Handler: sim.Server, ReadHeaderTimeout: 10 * time.Second}
	if authority == "" {
		go func() { sim.finished <- sim.server.Serve(listener) }()
		return sim, nil
	}
	if err := sim.secure(address, authority); err != nil {
		return nil, errors.Join(fmt.Errorf("start simulator: %w", err), listener.Close())
	}
	go func() { sim.finished <- sim.server.ServeTLS(listener, "", "") }()
	return sim, nil
}

// secure makes a certificate for an address, and a file of the authority that it is
// known by.
func (s *simulator) secure(address, authority string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ca, certificate, err := simcert.New("a simulated JumpCloud", host, time.Now())
	if err != nil {
		return err
	}
	if s.authority, err = filepath.Abs(authority); err != nil {
		return err
	}
	s.url = "https" + strings.TrimPrefix(s.url, "http")
	s.server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	return saveAuthority(s.authority, ca)
}

// maxAuthority bounds the file of a certificate, in bytes.
const maxAuthority = 1 << 20

// saveAuthority writes the certificate of an authority to a file, in place of one that
// an earlier simulator wrote there and of nothing else.
func saveAuthority(path string, ca []byte) (err error) {
	had, _, err := regularfile.Read(path, maxAuthority)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("write the CA certificate: %w", err)
	case len(had) > 0 && !x509.NewCertPool().AppendCertsFromPEM(had):
		return fmt.Errorf("write the CA certificate: %s contains something other than certificates; choose another file", path)
	}
	f, err := regularfile.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the CA certificate: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(ca)
	return err
}

// onLoopback refuses an address that others than this machine reach.
func onLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("address %q is not a loopback address with a port, such as 127.0.0.1:8090", address)
	}
	return nil
}

// Close stops serving, requests under way included.
func (s *simulator) Close() error {
	err := s.server.Close()
	if served := <-s.finished; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// credentials are those that every simulator of this program knows.
func credentials(tenants []*jcsim.Tenant) ([]jcsim.APIKey, []jcsim.ServiceAccount) {
	keys := []jcsim.APIKey{
		{Key: jcsim.DefaultKey},
		{Key: simReadOnlyKey, Rights: jcsim.Rights{ReadOnly: true}},
		{Key: simNoAdminsKey, Rights: jcsim.Rights{NoAdmins: true}},
	}
	if len(tenants) > 1 {
		several := jcsim.APIKey{Key: simSeveralKey}
		for _, t := range tenants {
			several.Organizations = append(several.Organizations, t.Organization().ID)
		}
		keys = append(keys, several)
	}
	return keys, []jcsim.ServiceAccount{{ClientID: simAccountID, ClientSecret: simAccountPassword}}
}

// describe says in words what is in an organization.
func describe(t *jcsim.Tenant) string {
	c := t.Counts()
	var parts []string
	for _, p := range []struct {
		n    int
		noun string
	}{{c.Users, "users"}, {c.Admins, "administrators"}, {c.Groups, "groups"}, {c.Applications, "applications"}, {c.Memberships, "memberships"}} {
		parts = append(parts, humanize.Comma(int64(p.n))+" "+p.noun)
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}
