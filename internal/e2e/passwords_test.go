//go:build unix && !race

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// mirror stands before a simulator. It remembers the passwords that it is sent, and
// answers requests with one as it is told to.
type mirror struct {
	sim    http.Handler
	status int  // of an answer that repeats the request; 0 passes it on
	after  bool // pass the request on before the answer
	hang   chan struct{}

	mu        sync.Mutex
	passwords []string
}

// ServeHTTP implements [http.Handler].
func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // The client went away.
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var sent struct {
		Password string `json:"password"`
	}
	if json.Unmarshal(body, &sent) != nil || sent.Password == "" {
		m.sim.ServeHTTP(w, r)
		return
	}
	m.mu.Lock()
	m.passwords = append(m.passwords, sent.Password)
	m.mu.Unlock()
	if m.after {
		m.sim.ServeHTTP(httptest.NewRecorder(), r)
	}
	switch {
	case m.hang != nil:
		close(m.hang)
		<-r.Context().Done()
	case m.status != 0:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(m.status)
		_, _ = fmt.Fprintf(w, `{"message":%q,"error":%q}`, "you sent "+string(body), sent.Password)
	default:
		m.sim.ServeHTTP(w, r)
	}
}

// TestPasswordsStaySecret sets a new password for a user, over servers that repeat it in
// their errors, and kills the program while it waits for the answer. Nobody asked for the
// password, so it is nowhere: not in the output, the log, the audit trail, the state or
// the trace of SIGQUIT.
func TestPasswordsStaySecret(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*mirror{
		"accepted":                         {},
		"refused":                          {status: http.StatusBadRequest},
		"forbidden":                        {status: http.StatusForbidden},
		"an error after the write":         {status: http.StatusConflict, after: true},
		"SIGQUIT while the answer is late": {hang: make(chan struct{})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := jcsim.New(jcsim.Options{})
			m.sim = sim
			user := sim.Tenant().Users()[0].ID
			p := newProgram(t, serve(t, m), "--provision-types", "user", "--rotate-credentials", user, "--rotate-credentials-type", "user")
			log, audit := filepath.Join(p.dir, "log.json"), filepath.Join(p.dir, "audit.jsonl")
			p.env["BATON_LOG_PATH"], p.env["BATON_LOG_LEVEL"], p.env["BATON_AUDIT_FILE"] = "log.json,stderr", "debug", audit
			p.env["GOTRACEBACK"] = "all"
			cmd, stdout, stderr := p.command(t.Context())
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if m.hang != nil {
				select {
				case <-m.hang:
				case <-t.Context().Done():
				}
				signal(t, cmd, syscall.SIGQUIT)
			}
			r := p.wait(cmd, stdout, stderr)
			m.mu.Lock()
			p.secrets = append(p.secrets, m.passwords...)
			sent := len(m.passwords)
			m.mu.Unlock()
			if sent == 0 {
				t.Fatalf("no password was set; exit code %d: %s", r.code, r.message())
			}
			if succeeded := r.code == exitOK; succeeded != (m.status == 0 && m.hang == nil) {
				t.Errorf("exit code %d: %s", r.code, r.message())
			}
			if m.hang != nil && !strings.Contains(r.stderr, "goroutine ") {
				t.Errorf("SIGQUIT left no trace: %s", r.stderr)
			}
			for _, leak := range p.leaks(r) {
				t.Error(leak)
			}
			if len(file(t, log)) == 0 || len(file(t, audit)) == 0 {
				t.Error("there is no log or no audit trail to search")
			}
		})
	}
}
