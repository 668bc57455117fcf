// Package endpoint is an address of ConductorOne: token requests and gRPC calls over TLS,
// on one port.
package endpoint

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc"
)

// Server answers at an address. It is safe for concurrent use.
type Server struct {
	grpc  *grpc.Server
	token http.HandlerFunc
	http  *http.Server
}

// New makes a server of calls and of the token endpoint. What the HTTP server complains
// of goes to complaints; nil is the standard logger.
func New(calls *grpc.Server, token http.HandlerFunc, certificate tls.Certificate, complaints *log.Logger) *Server {
	s := &Server{grpc: calls, token: token}
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}},
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          complaints,
	}
	return s
}

// serve tells calls from token requests. Both come over HTTP/2 or, the latter, HTTP/1.1,
// on the same address.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc"):
		s.grpc.ServeHTTP(w, r)
	case r.URL.Path == "/auth/v1/token":
		s.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

// Serve answers on l, with TLS, until Close. It returns nil then.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the simulated ConductorOne: %w", err)
	}
	return nil
}

// Close ends every connection and call.
func (s *Server) Close() error {
	err := s.http.Close()
	s.grpc.Stop()
	return err
}

// Host is a host without its port.
func Host(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}
