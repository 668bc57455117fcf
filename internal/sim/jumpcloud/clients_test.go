package jcsim_test

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestForgottenClients lets requests arrive that were on their way when their process
// was given up: in a connection that is used already, in one that nobody has looked at
// yet, and while another one is served.
func TestForgottenClients(t *testing.T) {
	t.Parallel()
	sim := jcsim.New(jcsim.Options{})
	clients, err := jcsim.Serve(t.Context(), sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = clients.Close() })
	dial := func() net.Conn {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(clients.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	const request = "GET /api/organizations HTTP/1.1\r\nHost: x\r\nX-Api-Key: " + jcsim.DefaultKey + "\r\n\r\n"
	send := func(conn net.Conn) {
		if _, err := conn.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
	}
	answered := func(conn net.Conn) bool {
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	}
	used, idle := dial(), dial()
	send(used)
	if !answered(used) {
		t.Fatal("a client that is there was not served")
	}
	if err := clients.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	sim.ResetCounts()
	send(used)
	send(idle)
	if answered(used) || answered(idle) {
		t.Error("a client that was given up was served")
	}
	next := dial()
	send(next)
	if !answered(next) {
		t.Error("the next client was not served")
	}
	if n := sim.Requests().Requests; n != 1 {
		t.Errorf("%d requests were counted, want the one of the next client", n)
	}
	// A request that would never be answered, its body unread, does not hold anything up.
	if err := sim.AddFault(jcsim.Fault{Effect: jcsim.EffectHang}); err != nil {
		t.Fatal(err)
	}
	held := make(chan struct{})
	sim.OnRequest(func(int, string) { close(held) })
	if _, err := next.Write([]byte("POST /api/search/systemusers HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789")); err != nil {
		t.Fatal(err)
	}
	<-held
	if err := clients.Forget(t.Context()); err != nil {
		t.Error(err)
	}
	if answered(next) {
		t.Error("a request that hangs was answered")
	}
}
