package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/conductorone/baton-jumpcloud/internal/atomicfile"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/gate"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
	simcert "github.com/conductorone/baton-jumpcloud/internal/sim/cert"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/sim/portal"
)

// pages are the web pages of a simulated ConductorOne.
type pages struct {
	*portal.Portal
	server *gate.Server
}

// startPages takes the address of the pages. They answer while [pages.run] does.
func (o *conductorOptions) startPages(ctx context.Context, c *conductor, sim *simulator, stderr io.Writer) (*pages, error) {
	if err := onLoopback(o.pages); err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(o.pages)
	if err != nil {
		return nil, fmt.Errorf("--pages-addr: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("--pages-addr %s: the port is not a number", o.pages)
	}
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	p := new(pages)
	if p.server, err = gate.Listen(ctx, gate.Place{Address: host, Port: number, Writes: true}, logger); err != nil {
		return nil, fmt.Errorf("start the pages: %w", err)
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the pages: %w", err), p.server.Close())
	}
	p.Portal, err = portal.New(ctx, portal.Options{
		Program:  executable,
		Defaults: map[string]string{"base-url": sim.url},
		Note:     "The API key of the simulated JumpCloud is " + jcsim.DefaultKey + ".",
		Server:   c.Server, Dir: filepath.Join(c.dir, "pages"), SyncEvery: o.every, Logger: logger,
		Environment: []string{"SSL_CERT_FILE=" + console.ShellWord(c.ca), "BATON_BASE_URL=" + sim.url, "BATON_API_KEY=" + jcsim.DefaultKey},
	})
	if err != nil {
		return nil, errors.Join(err, p.server.Close())
	}
	return p, nil
}

// introduce says where the pages are, and opens them if it shall.
func (p *pages) introduce(w io.Writer, open bool) error {
	err := program.Say(w, `
Its web pages show the steps of the product page, from Add connector to the data:

  %s
`, p.server.Address().Reveal())
	if err == nil && open {
		err = openBrowser(p.server.BrowserAddress().Reveal())
	}
	return err
}

// run answers and follows the tasks until the context ends, and tells of those of the
// first connector.
func (p *pages) run(ctx context.Context, follow func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.server.Serve(ctx, p.Portal) })
	group.Go(func() error { return p.Portal.Run(ctx) })
	group.Go(func() error { return follow(ctx) })
	return errors.Join(group.Wait(), p.Portal.Close())
}

// keptAuthority is the certificate of a simulated ConductorOne and of the authority
// that it is known by: those of an earlier run with this folder, so that connectors of
// that time go on trusting it, or new ones.
func keptAuthority(dir, address string) ([]byte, tls.Certificate, error) {
	const maxPEM = 1 << 20
	caPath, serverPath := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "server.pem")
	ca, _, errCA := regularfile.Read(caPath, maxPEM)
	both, _, errServer := regularfile.Read(serverPath, maxPEM)
	for _, err := range []error{errCA, errServer} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, tls.Certificate{}, fmt.Errorf("start simulator: %w", err)
		}
	}
	if errCA == nil && errServer == nil {
		certificate, err := tls.X509KeyPair(both, both)
		if err != nil {
			return nil, tls.Certificate{}, fmt.Errorf("start simulator: read %s: %w", serverPath, err)
		}
		return ca, certificate, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	ca, certificate, err := simcert.New("c1sim", host, time.Now())
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	both = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	if err := errors.Join(saveAuthority(caPath, ca), atomicfile.Write(serverPath, both)); err != nil {
		return nil, tls.Certificate{}, err
	}
	return ca, certificate, nil
}
