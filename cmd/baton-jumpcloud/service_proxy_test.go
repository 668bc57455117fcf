package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/conductorone/baton-jumpcloud/internal/proxysim"
	simcert "github.com/conductorone/baton-jumpcloud/internal/sim/cert"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// certified makes a certificate of a host and adds its authority to a file of those
// that are trusted.
func certified(t *testing.T, file, host string) tls.Certificate {
	t.Helper()
	ca, certificate, err := simcert.New(host, host, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, append(trusted, ca...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// TestServiceThroughProxies runs a service whose every host exists behind a proxy only,
// one of each kind with a password: JumpCloud, ConductorOne for tokens and for calls,
// and a collector.
func TestServiceThroughProxies(t *testing.T) {
	t.Parallel()
	const jumpcloud, conductorOne, telemetry = "jumpcloud.example:443", "tenant.conductorone.example:8443", "collector.example:4317"
	for scheme, variable := range map[string]string{"http": "https_proxy", "https": "HTTPS_PROXY", "socks5": "ALL_PROXY"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c1sim.Options{Host: conductorOne})
			trusted := filepath.Join(r.dir, "ca.pem")
			listen := func() net.Listener { return must(new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")) }
			console := listen()
			server := &http.Server{Handler: r.jc, ReadHeaderTimeout: time.Minute, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certified(t, trusted, "jumpcloud.example")}}}
			go func() { _ = server.ServeTLS(console, "", "") }()
			t.Cleanup(func() { _ = server.Close() })
			collectorCertificate := certified(t, trusted, "collector.example")
			c := newCollector(t, credentials.NewServerTLSFromCert(&collectorCertificate))
			way := listen()
			if proxyCertificate := certified(t, trusted, "127.0.0.1"); scheme == "https" {
				way = tls.NewListener(way, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{proxyCertificate}})
			}
			proxy := proxysim.Serve(way, proxysim.Options{
				SOCKS: scheme == "socks5", User: "svc", Password: "S3cr%t#Pw",
				Hosts: map[string]string{jumpcloud: console.Addr().String(), conductorOne: r.c1Addr, telemetry: c.address},
			})
			t.Cleanup(func() { _ = proxy.Close() })
			r.env = append(r.env, "HTTPS_PROXY=", variable+"="+scheme+"://svc:S3cr%25t%23Pw@"+proxy.Addr(), "BATON_BASE_URL=https://jumpcloud.example")
			p := r.start("--otel-collector-endpoint=https://collector.example")
			r.equalsTenant(r.succeeded(r.sync()))
			if code := p.signal(syscall.SIGTERM); code != 0 {
				t.Errorf("exit code %d", code)
			}
			connected := proxy.Connected()
			for _, host := range []string{jumpcloud, conductorOne, telemetry} {
				if !slices.Contains(connected, host) {
					t.Errorf("%s was not reached through the proxy, only %q", host, connected)
				}
				name, _, _ := strings.Cut(host, ":443")
				if !strings.Contains(p.log.String(), `"msg":"using a proxy","host":"`+name) || !strings.Contains(p.log.String(), `"proxy":"`+scheme+"://"+proxy.Addr()+`","setting":"`+variable+`"`) {
					t.Errorf("the log does not tell how %s is reached", host)
				}
			}
			if strings.Contains(p.log.String(), "S3cr") {
				t.Error("the log holds the proxy's password")
			}
			if len(c.spans) == 0 {
				t.Error("the collector got nothing")
			}
		})
	}
}

// TestProxyThatIsNotUnderstood sends nothing by any way.
func TestProxyThatIsNotUnderstood(t *testing.T) {
	t.Parallel()
	sim := jcsim.New(jcsim.Options{})
	url := serve(t, sim)
	for _, value := range []string{"http://svc:S3cr%tPw@127.0.0.1:3128", "http://svc:S3cr#tPw@127.0.0.1:3128", "http://svc:S3cr/tPw@127.0.0.1:3128", "socks4://127.0.0.1:1080"} {
		cmd := program(t.Context(), t)
		cmd.Env = append(cmd.Env, "BATON_BASE_URL="+url, "BATON_API_KEY="+jcsim.DefaultKey, "HTTPS_PROXY="+value)
		output, err := cmd.CombinedOutput()
		if err == nil || cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(output), "\nHTTPS_PROXY: ") || !strings.Contains(string(output), "\nhint: write it as http://proxy.example:3128, with user:password@ ") || strings.Contains(string(output), "S3cr") {
			t.Errorf("%s: %v\n%s", value, err, output)
		}
	}
	if n := sim.Requests().Requests; n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
