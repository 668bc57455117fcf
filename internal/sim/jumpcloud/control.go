package jcsim

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// controlPrefix is the path under which a server with [Options.Control] takes
// orders.
const controlPrefix = "/_sim/"

// ControlHandler serves the control routes, for scripts that cannot call Go:
//
//	GET    /_sim/settings    the settings in force
//	PUT    /_sim/settings    replaces them
//	PATCH  /_sim/settings    changes those that the body names
//	POST   /_sim/faults      adds a fault
//	DELETE /_sim/faults      ends all faults
//	GET    /_sim/requests    what was counted
//	DELETE /_sim/requests    counts anew
//	GET    /_sim/log         the requests, if they are recorded
//	GET    /_sim/tenant      the first tenant as a file
//	GET    /_sim/counts      how much is in it, and the fewest requests that read it
//	POST   /_sim/edits       makes a list of edits in the first tenant
//	DELETE /_sim/tokens      makes all access tokens invalid
//
// Only clients on the same machine that ask for a loopback host are served, so
// that neither the network nor a web page can reach it.
func (s *Server) ControlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/settings", func(w http.ResponseWriter, _ *http.Request) {
		set := s.Settings()
		reply(w, &set)
	})
	mux.HandleFunc("PUT /_sim/settings", func(w http.ResponseWriter, r *http.Request) {
		var set Settings
		s.order(w, r, &set, func() error { return s.SetSettings(set) })
	})
	mux.HandleFunc("PATCH /_sim/settings", func(w http.ResponseWriter, r *http.Request) {
		set := s.Settings()
		s.order(w, r, &set, func() error { return s.SetSettings(set) })
	})
	mux.HandleFunc("POST /_sim/faults", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		s.order(w, r, &f, func() error { return s.AddFault(f) })
	})
	mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_sim/requests", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Requests()) })
	mux.HandleFunc("DELETE /_sim/requests", func(w http.ResponseWriter, _ *http.Request) {
		s.ResetCounts()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_sim/log", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Log()) })
	mux.HandleFunc("GET /_sim/tenant", func(w http.ResponseWriter, _ *http.Request) {
		var saved bytes.Buffer // so that a slow client does not hold the tenant
		if err := s.Tenant().Save(&saved); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", jsonType)
		_, _ = saved.WriteTo(w) // a client that went away needs no answer
	})
	mux.HandleFunc("GET /_sim/counts", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, inventory{s.Tenant().Counts(), s.Tenant().MinimumRequests()})
	})
	mux.HandleFunc("POST /_sim/edits", func(w http.ResponseWriter, r *http.Request) {
		var edits []Edit
		s.order(w, r, &edits, func() error { return s.Tenant().Apply(edits...) })
	})
	mux.HandleFunc("DELETE /_sim/tokens", func(w http.ResponseWriter, _ *http.Request) {
		s.RevokeTokens()
		w.WriteHeader(http.StatusNoContent)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.RemoteAddr) || !loopback(r.Host) {
			http.Error(w, "the control routes serve loopback only", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// inventory is the answer of the control route about what the tenant holds.
type inventory struct {
	Counts
	MinimumRequests int `json:"minimumRequests"`
}

// order reads the body of an order into v and carries it out.
func (s *Server) order(w http.ResponseWriter, r *http.Request, v any, do func() error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err == nil {
		err = unmarshalStrict(body, v)
	}
	if err == nil {
		err = do()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", jsonType)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // a client that went away needs no answer
}

// loopback reports whether an address or host, with or without a port, is of
// this machine.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}
