package gate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// maxPEM bounds the files of the certificate and its key, in bytes.
const maxPEM = 1 << 20

// The times that a connection may take. Downloads may take longer; their handler
// moves the deadline.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = time.Minute
	idleTimeout   = 2 * time.Minute
	// stopTimeout is how long answers under way may take at the end.
	stopTimeout = 3 * time.Second
)

// Place is where to listen.
type Place struct {
	// Address is an IP address of this machine, or localhost.
	Address string
	// Port 0 takes a free one.
	Port int
	// CertFile and KeyFile are PEM files; both empty is without TLS, which only
	// addresses of this machine are served with.
	CertFile, KeyFile string
	// Writes lets pages send forms.
	Writes bool
}

// Server answers at a place.
type Server struct {
	// URL is the address to open, without a token.
	URL string

	gate     *Gate
	token    secret.String
	listener net.Listener
	logger   *slog.Logger
}

// Listen takes the address. Nothing is answered before [Server.Serve].
func Listen(ctx context.Context, place Place, logger *slog.Logger) (*Server, error) {
	address := place.Address
	if address == "localhost" {
		address = "127.0.0.1"
	}
	ip := net.ParseIP(address)
	if ip == nil {
		return nil, fmt.Errorf("address %q is not an IP address", place.Address)
	}
	if (place.CertFile == "") != (place.KeyFile == "") {
		return nil, errors.New("set both --tls-cert and --tls-key")
	}
	secure := place.CertFile != ""
	if !secure && !ip.IsLoopback() {
		return nil, fmt.Errorf("address %s is reachable from other machines, without encryption: set --tls-cert and --tls-key, or use 127.0.0.1", address)
	}
	var (
		config *tls.Config
		names  = []string{address}
	)
	if ip.IsLoopback() {
		names = append(names, "localhost")
	}
	if secure {
		certificate, err := loadCertificate(place)
		if err != nil {
			return nil, fmt.Errorf("read the certificate and its key: %w", err)
		}
		config = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
		names = append(names, namesOf(certificate.Leaf)...)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(place.Port)))
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	s := &Server{listener: listener, logger: logger}
	s.URL = (&url.URL{Scheme: "http", Host: hostPort(names[0], port), Path: "/"}).String()
	if config != nil {
		s.listener = tls.NewListener(listener, config)
		s.URL = (&url.URL{Scheme: "https", Host: hostPort(openName(ip, names), port), Path: "/"}).String()
	}
	s.gate, s.token = New(Config{
		Hosts: hosts(names, port, secure), Secure: secure, Writes: place.Writes, Cookie: "baton_explore_" + strconv.Itoa(port), Logger: logger,
	})
	return s, nil
}

// loadCertificate reads the certificate to answer with, and its key.
func loadCertificate(place Place) (tls.Certificate, error) {
	certificate, _, err := regularfile.Read(place.CertFile, maxPEM)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, _, err := regularfile.Read(place.KeyFile, maxPEM)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certificate, key)
}

// Close gives the address up, where [Server.Serve] is not called.
func (s *Server) Close() error { return s.listener.Close() }

// Address is the address with the token in it, to be printed once.
func (s *Server) Address() secret.String { return s.with(s.token) }

// BrowserAddress is an address for the command line of a browser: with a ticket, see
// [Gate.Ticket].
func (s *Server) BrowserAddress() secret.String { return s.with(s.gate.Ticket()) }

func (s *Server) with(token secret.String) secret.String {
	return secret.New(s.URL + "?token=" + url.QueryEscape(token.Reveal()))
}

// Serve answers until the context ends, and lets answers under way come to their
// end for a moment then.
func (s *Server) Serve(ctx context.Context, handler http.Handler) error {
	server := &http.Server{
		Handler:           s.gate.Wrap(handler),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	finished := make(chan error, 1)
	go func() { finished <- server.Serve(s.listener) }()
	select {
	case err := <-finished:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := server.Shutdown(stopping)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if served := <-finished; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

// namesOf are the hosts that a certificate is for. A name with a wildcard stands for
// hosts that nobody named, so it is none.
func namesOf(leaf *x509.Certificate) []string {
	var names []string
	for _, name := range leaf.DNSNames {
		if !strings.Contains(name, "*") {
			names = append(names, strings.ToLower(name))
		}
	}
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// openName is the name to open: the address, but where that means all of them, the
// first name of the certificate.
func openName(ip net.IP, names []string) string {
	if ip.IsUnspecified() && len(names) > 1 {
		return names[1]
	}
	return names[0]
}

// hosts are the values that the header Host may have.
func hosts(names []string, port int, secure bool) []string {
	var list []string
	for _, name := range names {
		list = append(list, hostPort(name, port))
		if secure && port == 443 || !secure && port == 80 {
			list = append(list, strings.TrimSuffix(hostPort(name, port), ":"+strconv.Itoa(port)))
		}
	}
	return list
}

func hostPort(name string, port int) string { return net.JoinHostPort(name, strconv.Itoa(port)) }
