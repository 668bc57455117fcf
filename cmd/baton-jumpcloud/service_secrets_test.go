package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestServiceTellsNoSecrets runs the service with all that it can write turned on,
// against a JumpCloud that sends the key back in errors, and looks for every secret
// in what it wrote and what it told: log, metrics, probes, state, audit trail,
// uploads, and the requests to ConductorOne.
func TestServiceTellsNoSecrets(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	var refusing atomic.Bool
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if refusing.Load() && strings.Contains(q.URL.Path, "/usergroups") {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, `{"message":%q}`, fmt.Sprintf("you sent %q", q.Header))
			return
		}
		r.jc.ServeHTTP(w, q)
	}))
	t.Cleanup(echo.Close)
	port := strconv.Itoa(freePort(t))
	r.env = append(r.env, "BATON_BASE_URL="+echo.URL, "BATON_LOG_LEVEL=debug", "BATON_LOG_PATH="+filepath.Join(r.dir, "service.log")+",stderr")
	p := r.start("--provisioning", "--health-check", "--health-check-port="+port, "--audit-file="+filepath.Join(r.dir, "audit.jsonl"))
	written := map[string][]byte{}
	debugged := r.c1.Enqueue(&pb.Task{Debug: true, TaskType: &pb.Task_SyncFull{SyncFull: &pb.Task_SyncFullTask{}}})
	if info := r.succeeded(debugged); len(info.Assets) != 2 {
		t.Errorf("%d assets were uploaded, want the archive and the log", len(info.Assets))
	}
	group, user := r.outsider()
	r.succeeded(r.grant(group, user))
	refusing.Store(true)
	for _, id := range []string{r.sync(), r.revoke(group, user)} {
		if info := r.finished(id); info.Result.GetError() == nil {
			t.Errorf("task %s did not fail: %v", id, info.Result)
		}
	}
	for _, path := range []string{"metrics", "health", "ready", "live"} {
		_, body := get(t, "http://127.0.0.1:"+port+"/"+path)
		written["/"+path] = []byte(body)
	}
	collect(t, written, r.dir, p.Dir) // the work of the sync that failed among it
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	collect(t, written, r.dir, p.Dir)
	for i, event := range r.c1.Events("") {
		if event.Request != nil {
			written[fmt.Sprint("request ", i, " ", event.Method)] = []byte(protojson.Format(event.Request))
		}
	}
	for _, task := range r.c1.Tasks() {
		for _, asset := range task.Assets {
			written["asset "+asset.Path] = unpacked(t, asset.Path)
		}
	}
	for _, place := range []string{"/metrics", filepath.Join(r.dir, "service.log"), filepath.Join(r.dir, "audit.jsonl")} {
		if len(written[place]) == 0 {
			t.Errorf("nothing of %s was searched", place)
		}
	}
	_, credential := r.c1.Credentials()
	_, key, _ := strings.Cut(credential, ":v1:")
	secrets := map[string]string{"JumpCloud's key": jcsim.DefaultKey, "an application's key": jcsim.ConfigSecret, "ConductorOne's secret": key}
	for i, event := range r.c1.Events("token") {
		if event.Token != "" {
			secrets[fmt.Sprint("access token ", i)] = event.Token
		}
	}
	if len(secrets) < 4 || key == "" {
		t.Errorf("only these secrets were known: %d", len(secrets))
	}
	for _, leak := range leaksIn(secrets, written) {
		t.Error(leak)
	}
	for place := range written {
		planted := map[string][]byte{place: append(bytes.Clone(written[place]), jcsim.DefaultKey...)}
		if len(leaksIn(secrets, planted)) != 1 {
			t.Errorf("a leak in %s is not found", place)
		}
	}
}

// TestServiceTellsNoAssertion runs the service against a token endpoint that sends back
// what it was sent, and looks for the signed assertion in what it wrote.
func TestServiceTellsNoAssertion(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	var mu sync.Mutex
	var assertions []string
	echo := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		assertion := q.PostFormValue("client_assertion")
		mu.Lock()
		assertions = append(assertions, assertion)
		mu.Unlock()
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]string{
			"error": "invalid_client", "error_description": "the assertion " + assertion + " is not accepted, nor its signature " + assertion[strings.LastIndex(assertion, ".")+1:],
		})
	}))
	echo.Config.ErrorLog = log.New(io.Discard, "", 0)
	echo.EnableHTTP2 = true
	echo.StartTLS()
	t.Cleanup(echo.Close)
	ca := filepath.Join(r.dir, "echo.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: echo.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	r.env = append(r.env, "SSL_CERT_FILE="+ca, "BATON_C1_API_HOST="+echo.Listener.Addr().String(), "BATON_LOG_LEVEL=debug", "BATON_LOG_PATH="+filepath.Join(r.dir, "service.log")+",stderr")
	p := r.start()
	if code := p.exit(); code != int(codes.Unauthenticated) {
		t.Errorf("exit code %d", code)
	}
	written := map[string][]byte{"stderr": []byte(p.log.String())}
	collect(t, written, r.dir, p.Dir)
	if !strings.Contains(p.log.String(), "the assertion [redacted] is not accepted") || len(assertions) == 0 {
		t.Errorf("the refusal is not told, %d assertions", len(assertions))
	}
	secrets := map[string]string{}
	for i, assertion := range assertions {
		for j, part := range strings.Split(assertion, ".") {
			secrets[fmt.Sprintf("part %d of assertion %d", j, i)] = part
		}
	}
	for _, leak := range leaksIn(secrets, written) {
		t.Error(leak)
	}
}

// leaksIn names the places where a secret stands.
func leaksIn(secrets map[string]string, written map[string][]byte) []string {
	var leaks []string
	for name, secret := range secrets {
		for place, content := range written {
			if bytes.Contains(content, []byte(secret)) || bytes.Contains(content, []byte(base64.RawStdEncoding.EncodeToString([]byte(secret)))) {
				leaks = append(leaks, fmt.Sprintf("%s stands in %s", name, place))
			}
		}
	}
	return leaks
}

// collect takes the files below some folders, archives unpacked.
func collect(t *testing.T, written map[string][]byte, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			written[path] = unpacked(t, path)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// unpacked is what a file holds, and where it is an archive, what that holds.
func unpacked(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	frame, isArchive := bytes.CutPrefix(content, []byte("C1ZF\x00"))
	if !isArchive {
		return content
	}
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	if content, err = decoder.DecodeAll(frame, nil); err != nil {
		t.Fatal(err)
	}
	return content
}
