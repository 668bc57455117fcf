package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/jcsim"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
	"github.com/conductorone/baton-jumpcloud/internal/simcert"
)

// The credentials that a simulator knows beside [jcsim.DefaultKey]. They open a
// simulator only.
const (
	simReadOnlyKey     = "jca_simulator_read_only"
	simNoAdminsKey     = "jca_simulator_no_admins"
	simSeveralKey      = "jca_simulator_several"
	simAccountID       = "simulator"
	simAccountPassword = "simulator-secret"
)

// tenantOptions say which organisation a simulator serves.
type tenantOptions struct {
	seed          uint64
	size          string
	file          string
	organizations int
}

func (o *tenantOptions) addFlags(flags *pflag.FlagSet, size string) {
	flags.Uint64Var(&o.seed, "seed", 1, "Seed of the organisation: the same seed and size give the same organisation")
	flags.StringVar(&o.size, "size", size, "How large it is: small, medium, large, or numbers, as in medium,users=500,groups=40")
}

// tenants makes the organisation, and further small ones for keys that see
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
		return jcsim.Generate(o.seed, size), nil
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
		return fmt.Errorf("write the certificate to trust: %w", err)
	case len(had) > 0 && !x509.NewCertPool().AppendCertsFromPEM(had):
		return fmt.Errorf("write the certificate to trust: %s holds something else than certificates; choose another file", path)
	}
	f, err := regularfile.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the certificate to trust: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(ca)
	return err
}

// onLoopback refuses an address that others than this machine reach.
func onLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("address %q is not one of this machine with a port, such as 127.0.0.1:8090: a simulator serves nobody else", address)
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

// describe says in words what is in an organisation.
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

// say writes lines to a person.
func say(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, args...)
	return err
}
