package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// run queues a full sync with options and returns what was uploaded for it.
func (r *rig) run(task *pb.Task_SyncFullTask) (path string, run c1z.SyncRun) {
	r.Helper()
	info := r.succeeded(r.c1.Enqueue(&pb.Task{TaskType: &pb.Task_SyncFull{SyncFull: task}}))
	path = info.Assets[0].Path
	_, run = openArchive(r.T, path)
	return path, run
}

// TestServiceSyncOptions asks for all that a task can ask for.
func TestServiceSyncOptions(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	p := r.start("--keep-previous-sync-c1z", "--sync-resource-types=user,group", "--file=ignored.c1z", "--skip-entitlements-and-grants", "--sync-resources=bid:r:user/x")

	path, run := r.run(&pb.Task_SyncFullTask{})
	if got := read(t, path); run.Type != c1z.SyncFull || len(got.grants) == 0 || got.entitlements["app:"+administrationApp] != "" {
		t.Errorf("the flag's resource types: %s sync with %d grants", run.Type, len(got.grants))
	}
	kept, err := filepath.Glob(filepath.Join(r.dir, "state", "baton-previous-sync-*.c1z"))
	if err != nil || len(kept) != 1 || dump(t, kept[0]) != dump(t, path) {
		t.Errorf("kept %v, %v", kept, err)
	}

	path, run = r.run(&pb.Task_SyncFullTask{SyncResourceTypeIds: []string{"role"}})
	for id := range read(t, path).resources {
		if !strings.HasPrefix(id, "role:") {
			t.Errorf("a sync of roles has %s", id)
		}
	}
	if run.Type != c1z.SyncFull {
		t.Errorf("a sync of roles is a %s one", run.Type)
	}

	group := r.tenant.Groups()[0].ID
	path, run = r.run(&pb.Task_SyncFullTask{TargetedSyncResources: []*v2.Resource{{Id: &v2.ResourceId{ResourceType: "group", Resource: group}}}})
	if got := read(t, path); run.Type != c1z.SyncPartial || got.resources["group:"+group] == "" || len(got.entitlements) != 1 {
		t.Errorf("a %s sync of a group has %v", run.Type, got)
	}

	path, run = r.run(&pb.Task_SyncFullTask{SkipEntitlementsAndGrants: true})
	if got := read(t, path); run.Type != c1z.SyncResourcesOnly || len(got.entitlements)+len(got.grants) > 0 {
		t.Errorf("a %s sync has %d entitlements and %d grants", run.Type, len(got.entitlements), len(got.grants))
	}

	all := []string{"user", "group", "app", "role"}
	path, run = r.run(&pb.Task_SyncFullTask{SyncResourceTypeIds: all, SkipExpandGrants: true, StorageEngine: "pebble"})
	if head, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(head, []byte("C1Z3")) {
		t.Errorf("a task that asks for pebble gets %.4q: %v", head, err)
	}
	for id, g := range read(t, path).grants {
		if g.immutable && strings.HasPrefix(id, "app:") {
			t.Errorf("grant %s is of an expansion that was not asked for", id)
		}
	}
	if run.SupportsDiff {
		t.Error("a sync without expansion says that it was expanded")
	}
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
}

// TestServiceSkipsFullSync answers with nothing, and reads nothing.
func TestServiceSkipsFullSync(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	p := r.start("--skip-full-sync")
	path, run := r.run(&pb.Task_SyncFullTask{})
	if got := read(t, path); run.Type != c1z.SyncFull || !run.Finished() || len(got.resources) > 0 {
		t.Errorf("a %s sync has %d resources", run.Type, len(got.resources))
	}
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := r.jc.Requests().Requests; n != 1 {
		t.Errorf("%d requests, want one to try the key", n)
	}
}

// TestServiceSyncsIncrementally reads in its second task what changed since the first, and after a
// restart still knows what was uploaded.
func TestServiceSyncsIncrementally(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	p := r.start("--keep-previous-sync-c1z", "--incremental")
	r.equalsTenant(r.succeeded(r.sync()))
	p.until("full sync instead of an incremental one")
	lists := func() int { return r.jc.Requests().Routes["GET /api/v2/usergroups/{id}/members"].Requests }
	changed := func() (read int) {
		group, user := r.outsider()
		if err := r.tenant.Apply(jcsim.Edit{Op: "add-member", Group: group, User: user}); err != nil {
			t.Fatal(err)
		}
		before := lists()
		r.equalsTenant(r.succeeded(r.sync()))
		return lists() - before
	}
	// Ten lists are checked each time, those that rules fill are read, and the one that changed.
	all := len(r.tenant.Groups())
	if read := changed(); read == 0 || read >= all {
		t.Errorf("the members of %d of %d groups were read", read, all)
	}
	p.until(`"incremental sync"`)
	if exit := p.signal(syscall.SIGTERM); exit != 0 {
		t.Errorf("exit code %d after SIGTERM", exit)
	}
	p = r.start("--keep-previous-sync-c1z", "--incremental")
	if read := changed(); read == 0 || read >= all {
		t.Errorf("the members of %d of %d groups were read after a restart", read, all)
	}
	p.until(`"incremental sync"`)
}

// TestServiceSyncsSideBySide gives several syncs of the same and of others
// to do at once.
func TestServiceSyncsSideBySide(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	var ids []string
	for range 3 {
		ids = append(ids, r.sync())
	}
	ids = append(ids, r.c1.Enqueue(&pb.Task{TaskType: &pb.Task_SyncFull{SyncFull: &pb.Task_SyncFullTask{SyncResourceTypeIds: []string{"role"}}}}))
	r.env = append(r.env, "BATON_GET_TASKS=true")
	p := r.start("--task-concurrency=4")
	for _, id := range ids[:3] {
		r.equalsTenant(r.succeeded(id))
	}
	r.succeeded(ids[3])
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestServiceCredentials has some that are wrong.
func TestServiceCredentials(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	other, err := c1sim.New(c1sim.Options{Host: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	_, foreign := other.Credentials()
	_, own := r.c1.Credentials()
	for _, tt := range []struct {
		name string
		env  string
		code int
		want []string
	}{
		{"of another client", "BATON_CLIENT_SECRET=" + foreign, 16, []string{"ConductorOne rejected the credentials", "rotated"}},
		{"cut short", "BATON_CLIENT_SECRET=" + own[:len(own)-20], 2, []string{"invalid client secret", "hint: ", "Rotate"}},
		{"missing", "BATON_CLIENT_SECRET=", 2, []string{"client-secret is required in service mode", "Rotate"}},
		{"client id", "BATON_CLIENT_ID=somebody", 2, []string{"invalid client ID", "Rotate"}},
		{"JumpCloud key", "BATON_API_KEY=wrong", 16, []string{"JumpCloud"}},
		{"no JumpCloud key", "BATON_API_KEY=", 16, []string{`"api-key" not set`, "My API Key"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			one := *r
			one.T = t
			one.env = append(slices.Clip(one.env), tt.env)
			p := one.start()
			if code := p.exit(); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(p.log.String(), want) {
					t.Errorf("stderr does not tell %q:\n%s", want, p.log)
				}
			}
			_, value, _ := strings.Cut(tt.env, "=")
			for _, secret := range []string{value, own, own[20:60], foreign[20:60]} {
				if len(secret) > 10 && strings.Contains(p.log.String(), secret) {
					t.Errorf("stderr tells a secret:\n%s", p.log)
				}
			}
		})
	}
}

// TestServiceTrust leaves out the simulator's CA.
func TestServiceTrust(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	r.env = append(r.env, "SSL_CERT_FILE=")
	p := r.start()
	p.until("certificate signed by unknown authority")
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	r.env = append(r.env, "SSL_CERT_FILE=/missing/ca.pem")
	p = r.start()
	if code := p.exit(); code != 2 || !strings.Contains(p.log.String(), "read SSL_CERT_FILE: ") {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
}

// TestServiceRefusesAnotherOrganization swaps the organization behind the key
// between two starts.
func TestServiceRefusesAnotherOrganization(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	p := r.start()
	r.succeeded(r.sync())
	p.signal(syscall.SIGTERM)
	had := r.tenant.Organization()
	other := jcsim.NewTenant(jcsim.Organization{Name: "Somebody else"})
	r.env = append(r.env, "BATON_BASE_URL="+serve(t, jcsim.New(jcsim.Options{Tenant: other})))
	p = r.start()
	if code := p.exit(); code != int(codes.FailedPrecondition) || !strings.Contains(p.log.String(), had.ID) || !strings.Contains(p.log.String(), other.Organization().ID) {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
}

// freePort is a port that nobody listened on a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// TestServiceHealth asks the probes while ConductorOne cannot be reached, and then
// while it can.
func TestServiceHealth(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	r.faults.set(func(c c1sim.Call) c1sim.Fault {
		if c.Method == "Hello" {
			return c1sim.Fault{Before: status.Error(codes.Unavailable, "not yet")}
		}
		return c1sim.Fault{}
	})
	port := strconv.Itoa(freePort(t))
	p := r.start("--health-check", "--health-check-port="+port)
	p.until("serving health checks")
	base := "http://127.0.0.1:" + port
	check := func(path string, code int, part string) {
		t.Helper()
		if got, body := get(t, base+path); got != code || !strings.Contains(body, part) {
			t.Errorf("%s answers %d %s, want %d with %s", path, got, body, code, part)
		}
	}
	check("/live", http.StatusOK, `"status":"alive"`)
	check("/ready", http.StatusServiceUnavailable, `"status":"not_ready"`)
	check("/health", http.StatusOK, `"status":"healthy"`)
	r.faults.set(nil)
	id := r.sync()
	r.succeeded(id)
	check("/ready", http.StatusOK, `"status":"ready"`)

	probe := program(t.Context(), t, "health-check", "--health-check-port="+port)
	if output, err := probe.CombinedOutput(); err != nil || !strings.Contains(string(output), `"status":"ready"`) {
		t.Errorf("health-check: %v\n%s", err, output)
	}
	// The result has arrived at ConductorOne before the connector counts the task.
	metrics := r.poll(base+"/metrics", `baton_jumpcloud_tasks_total{code="OK",type="sync_full"} 1`)
	for _, name := range []string{
		"build_info", "last_success_timestamp_seconds", "requests_total", "request_retries_total", "rate_limit_wait_seconds_total",
		"sync_duration_seconds_count 1", `resources{type="user"} 68`, "grants{", "results_owed 0", "task_duration_seconds",
	} {
		if !strings.Contains(metrics, "\nbaton_jumpcloud_"+name) {
			t.Errorf("/metrics lacks %s", name)
		}
	}
	if strings.Contains(metrics, r.tenant.Groups()[0].ID) {
		t.Error("/metrics names an object")
	}
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestServiceStopsWhileHealthWaits stops the service while a probe of /health waits on
// a JumpCloud that does not answer.
func TestServiceStopsWhileHealthWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	port := strconv.Itoa(freePort(t))
	p := r.start("--health-check", "--health-check-port="+port)
	p.until("connected to ConductorOne")
	reached, released := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(released) })
	once := sync.OnceFunc(func() { close(reached) })
	r.jc.OnRequest(func(int, string) {
		once()
		<-released
	})
	answered := make(chan string, 1)
	probe := must(http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/health", http.NoBody))
	go func() {
		response, err := (&http.Client{Timeout: time.Minute}).Do(probe)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		answered <- fmt.Sprint(response.StatusCode, " ", string(body), err)
	}()
	select {
	case <-reached:
	case <-time.After(serviceWait):
		t.Fatal("JumpCloud was not asked")
	}
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
	if answer := <-answered; !strings.Contains(answer, `503 {"status":"unhealthy"`) || !strings.Contains(answer, `"validation_error":"stopping"`) {
		t.Errorf("the probe was answered with %s", answer)
	}
}

// poll asks until an answer has a part.
func (r *rig) poll(url, part string) string {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), serviceWait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, body := get(r.T, url)
		if strings.Contains(body, part) {
			return body
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			r.Fatalf("%s does not tell %s:\n%s", url, part, body)
		}
	}
}
