//go:build unix && !race

package e2e_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// Every run of the program in this package is searched for the secrets that it was
// given; here are the ways to give them, and servers that send them back.

const (
	clientSecret = "jcs_do-not-tell/anybody+this=="
	password     = "pa55word-of-a-proxy"
)

// echo answers some requests with an error that repeats all that the client sent,
// in its body and in headers, and hands out access tokens that it remembers.
type echo struct {
	sim    http.Handler
	route  string // part of the path
	status int

	mu     sync.Mutex
	tokens []string
}

// ServeHTTP implements [http.Handler].
func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		e.mu.Lock()
		e.tokens = append(e.tokens, token)
		e.mu.Unlock()
	}
	if !strings.Contains(r.URL.Path, e.route) {
		e.sim.ServeHTTP(w, r)
		return
	}
	sent := fmt.Sprintf("you sent %q with %v", r.Header, r.URL)
	if _, secret, ok := r.BasicAuth(); ok {
		sent += " which is " + secret
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Echo", r.Header.Get("X-Api-Key"))
	if e.status/100 == 3 {
		w.Header().Set("Location", "http://127.0.0.1:1/?key="+url.QueryEscape(r.Header.Get("X-Api-Key")+r.Header.Get("Authorization")))
	}
	w.WriteHeader(e.status)
	_, _ = fmt.Fprintf(w, `{"message":%q,"error":%q,"error_description":%q}`, sent, sent, sent)
}

func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	credentials := map[string]func(p *program){
		"key in the environment": func(*program) {},
		"key as a flag": func(p *program) {
			p.with(map[string]string{"BATON_API_KEY": ""}).args = []string{"--api-key", jcsim.DefaultKey}
		},
		"key in a file": func(p *program) {
			p.with(map[string]string{"BATON_API_KEY": "", "BATON_API_KEY_FILE": keep(p, jcsim.DefaultKey+"\n")})
		},
		"key in the configuration file": func(p *program) {
			p.with(map[string]string{"BATON_API_KEY": "", "BATON_CONFIG_PATH": keep(p, "api-key: "+jcsim.DefaultKey+"\n")})
		},
		"service account": func(p *program) {
			p.with(map[string]string{"BATON_API_KEY": "", "BATON_JUMPCLOUD_CLIENT_ID": "account", "BATON_JUMPCLOUD_CLIENT_SECRET": clientSecret})
		},
		"service account, its secret in a file": func(p *program) {
			p.with(map[string]string{"BATON_API_KEY": "", "BATON_JUMPCLOUD_CLIENT_ID": "account", "BATON_JUMPCLOUD_CLIENT_SECRET_FILE": keep(p, clientSecret)})
		},
	}
	type place struct {
		route  string
		status int
	}
	places := []place{
		{"-", 0},
		{"/api/organizations", 400},
		{"/api/organizations", 401},
		{"/usergroups", 403},
		{"/members", 404},
		{"/roles", 403},
		{"/usergroups", 409},
		{"/usergroups", 302},
		{"/usergroups", 500},
		{"/oauth2/token", 401},
		{"/oauth2/token", 400},
	}
	if testing.Short() {
		places = places[:5]
	}
	for name, give := range credentials {
		for _, place := range places {
			t.Run(fmt.Sprintf("%s, %d at %s", name, place.status, place.route), func(t *testing.T) {
				t.Parallel()
				sim := jcsim.New(jcsim.Options{
					Keys:            []jcsim.APIKey{{Key: jcsim.DefaultKey}},
					ServiceAccounts: []jcsim.ServiceAccount{{ClientID: "account", ClientSecret: clientSecret}},
					// Without a choice of fields, applications come with their private keys.
					Settings: jcsim.Settings{Faults: []jcsim.Fault{{Path: "/api/applications?*fields=*", Status: 400}}},
				})
				e := &echo{sim: sim, route: place.route, status: place.status}
				p := newProgram(t, serve(t, e))
				log := filepath.Join(p.dir, "log.json")
				p.env["BATON_LOG_PATH"] = "log.json,stderr" // the folder may have a comma in its name
				give(p)
				p.secrets = append(p.secrets, clientSecret)
				r := p.run()
				p.secrets = append(p.secrets, e.tokens...)
				for _, leak := range p.leaks(r) {
					t.Error(leak)
				}
				if len(file(t, log)) == 0 {
					t.Error("there is no log to search")
				}
				if place.status == 0 && r.code != exitOK {
					t.Errorf("exit code %d: %s", r.code, r.message())
				}
			})
		}
	}
}

// keep puts a secret into a file outside the program's folder.
func keep(p *program, secret string) string {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), "secret.yaml")
	if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// TestPasswordsInAddresses gives the program an address with a password in it, and a
// proxy with one.
func TestPasswordsInAddresses(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(jcsim.New(jcsim.Options{}))
	t.Cleanup(server.Close)
	address := strings.Replace(server.URL, "http://", "http://somebody:"+password+"@", 1)
	for name, env := range map[string]map[string]string{
		"address":                  {"BATON_BASE_URL": address},
		"address of nobody":        {"BATON_BASE_URL": "http://somebody:" + password + "@127.0.0.1:1"},
		"address that is none":     {"BATON_BASE_URL": "https://somebody:" + password + "@%zz"},
		"proxy that is not there":  {"BATON_BASE_URL": "", "HTTPS_PROXY": "http://somebody:" + password + "@127.0.0.1:1"},
		"proxy that is no address": {"BATON_BASE_URL": "", "HTTPS_PROXY": "http://somebody:" + password + "@%zz"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t, server.URL).with(env)
			p.secrets = append(p.secrets, password)
			log := filepath.Join(p.dir, "log.json")
			p.env["BATON_LOG_PATH"] = "log.json,stderr" // the folder may have a comma in its name
			cmd, stdout, stderr := p.command(t.Context())
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if name == "proxy that is not there" {
				// It would try for a quarter of an hour.
				awaitText(t, log, "retrying request")
				signal(t, cmd, syscall.SIGINT)
			}
			if r := p.wait(cmd, stdout, stderr); r.code == exitOK {
				t.Error("it was taken")
			}
		})
	}
}

// awaitText waits until a text stands in a file.
func awaitText(t *testing.T, path, text string) {
	t.Helper()
	for !bytes.Contains(file(t, path), []byte(text)) {
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatalf("%q never came", text)
		}
	}
}

// TestPlantedLeaks puts a secret into each place that is searched.
func TestPlantedLeaks(t *testing.T) {
	t.Parallel()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "jcs_a secret\nof two lines"
	plant := map[string]func(p *program, r *result){
		"stdout": func(_ *program, r *result) { r.stdout = "key=" + secret },
		"stderr": func(_ *program, r *result) { r.stderr = "key=" + secret },
		"quoted": func(_ *program, r *result) { r.stderr = fmt.Sprintf("%q", secret) },
		"hex":    func(_ *program, r *result) { r.stderr = fmt.Sprintf("%x", secret) },
		"base64": func(_ *program, r *result) { r.stderr = "Basic " + base64.StdEncoding.EncodeToString([]byte(secret)) },
		"log":    func(p *program, _ *result) { writeFile(p.t, filepath.Join(p.dir, "log.json"), []byte(secret)) },
		"work": func(p *program, _ *result) {
			if err := os.MkdirAll(filepath.Dir(p.workFile()), 0o700); err != nil {
				p.t.Fatal(err)
			}
			writeFile(p.t, p.workFile(), []byte("x"+secret))
		},
		"archive": func(p *program, _ *result) {
			writeFile(p.t, p.path(), encoder.EncodeAll([]byte(strings.Repeat("x", 1000)+secret), []byte("C1ZF\x00")))
		},
	}
	for name, put := range plant {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t, "")
			p.secrets = []string{secret}
			var r result
			if leaks := p.leaks(r); len(leaks) > 0 {
				t.Fatal(leaks)
			}
			put(p, &r)
			if leaks := p.leaks(r); len(leaks) != 1 {
				t.Errorf("the leak was not found once: %v", leaks)
			}
		})
	}
}
