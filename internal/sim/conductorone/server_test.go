package c1sim_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

// client speaks to the simulator with nothing but public libraries.
type client struct {
	t       *testing.T
	sim     *c1sim.Server
	baton   pb.BatonServiceClient
	http    *http.Client
	baseURL string
	token   string
}

// serve runs a simulator on l, which is reached through dial, until the test ends.
func serve(t *testing.T, l net.Listener, opts c1sim.Options, dial func(context.Context) (net.Conn, error)) *client {
	t.Helper()
	sim, err := c1sim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- sim.Serve(l) }()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(sim.CA())
	trust := &tls.Config{RootCAs: roots}
	conn, err := grpc.NewClient("passthrough:///"+opts.Host, grpc.WithTransportCredentials(credentials.NewTLS(trust)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dial(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig: trust.Clone(), DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}
	t.Cleanup(func() {
		conn.Close()
		sim.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return &client{t: t, sim: sim, baton: pb.NewBatonServiceClient(conn), http: &http.Client{Transport: transport}, baseURL: "https://" + opts.Host}
}

// inBubble runs a simulator on an in-memory network.
func inBubble(t *testing.T, opts c1sim.Options) *client {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	opts.Host = "127.0.0.1:8443"
	return serve(t, l, opts, l.DialContext)
}

// onLoopback runs one on a real port.
func onLoopback(t *testing.T, opts c1sim.Options) *client {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts.Host = l.Addr().String()
	return serve(t, l, opts, func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", opts.Host)
	})
}

// form is a token request as the documentation has it.
func (c *client) form() url.Values {
	c.t.Helper()
	id, text := c.sim.Credentials()
	raw, err := base64.RawURLEncoding.DecodeString(strings.SplitN(text, ":", 4)[3])
	if err != nil {
		c.t.Fatal(err)
	}
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(raw); err != nil {
		c.t.Fatal(err)
	}
	private := key.Key.(ed25519.PrivateKey)
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: private},
		&jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"nonce": base64.RawURLEncoding.EncodeToString(nonce)}})
	if err != nil {
		c.t.Fatal(err)
	}
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": id, "sub": id, "aud": "127.0.0.1",
		"iat": now.Unix(), "nbf": now.Add(-2 * time.Minute).Unix(), "exp": now.Add(2 * time.Minute).Unix(),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	jws, err := signer.Sign(claims)
	if err != nil {
		c.t.Fatal(err)
	}
	assertion, err := jws.CompactSerialize()
	if err != nil {
		c.t.Fatal(err)
	}
	return url.Values{
		"client_id": {id}, "grant_type": {"client_credentials"}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
}

func (c *client) ask(form url.Values) (code int, proto string, body map[string]any) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.baseURL+"/auth/v1/token", strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "baton-c1-credential-provider baton-sdk/v0.25.0")
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, resp.Proto, body
}

// login buys a token for the calls that follow.
func (c *client) login() *client {
	c.t.Helper()
	code, _, body := c.ask(c.form())
	if code != http.StatusOK {
		c.t.Fatalf("token: %d %v", code, body)
	}
	c.token = body["access_token"].(string)
	return c
}

func (c *client) ctx() context.Context {
	return metadata.AppendToOutgoingContext(c.t.Context(), "authorization", "Bearer "+c.token)
}

// Tokens over HTTP/1.1 and HTTP/2 and calls share one real port.
func TestOneAddressForAll(t *testing.T) {
	t.Parallel()
	c := onLoopback(t, c1sim.Options{})
	old := c.http.Transport.(*http.Transport)
	young := old.Clone()
	young.ForceAttemptHTTP2 = true
	for want, transport := range map[string]*http.Transport{"HTTP/1.1": old, "HTTP/2.0": young} {
		c.http = &http.Client{Transport: transport}
		code, got, body := c.ask(c.form())
		if code != http.StatusOK || got != want || body["token_type"] != "bearer" || body["expires_in"] != 3600.0 {
			t.Errorf("%s: %d %s %v", want, code, got, body)
		}
	}
	if _, err := c.login().baton.GetTask(c.ctx(), &pb.BatonServiceGetTaskRequest{HostId: "h"}); err != nil {
		t.Error(err)
	}
	resp, err := c.http.Get(c.baseURL + "/elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("elsewhere: %d", resp.StatusCode)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := c.sim.WriteCA(path); err != nil {
		t.Fatal(err)
	}
	if pem, err := os.ReadFile(path); err != nil || !bytes.Equal(pem, c.sim.CA()) {
		t.Errorf("file %q, %v", pem, err)
	}
}

func TestTokenRequestsAreChecked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inBubble(t, c1sim.Options{})
		used := c.form()
		if code, _, body := c.ask(used); code != http.StatusOK {
			t.Fatalf("%d %v", code, body)
		}
		with := func(field, value string) url.Values {
			f := c.form()
			f.Set(field, value)
			return f
		}
		for name, form := range map[string]url.Values{
			"nonce was used before":        used,
			"client_id is":                 with("client_id", "x"),
			"grant_type is":                with("grant_type", "password"),
			"client_assertion_type is":     with("client_assertion_type", "x"),
			"form has 5 fields":            with("scope", "everything"),
			"assertion has 1 parts":        with("client_assertion", "x"),
			"grant_type is [] instead of ": func() url.Values { f := c.form(); f.Del("grant_type"); return f }(),
		} {
			code, _, body := c.ask(form)
			if code != http.StatusUnauthorized || body["error"] != "invalid_client" || !strings.Contains(body["error_description"].(string), name) {
				t.Errorf("%s: %d %v", name, code, body)
			}
		}
		// Long after it was used, the assertion is too old instead.
		<-time.After(time.Hour)
		if _, _, body := c.ask(used); !strings.Contains(body["error_description"].(string), "is good from") {
			t.Errorf("an hour later: %v", body)
		}
	})
}

func TestTokensEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inBubble(t, c1sim.Options{TokenLife: time.Minute}).login()
		poll := func() codes.Code {
			_, err := c.baton.GetTask(c.ctx(), &pb.BatonServiceGetTaskRequest{HostId: "h"})
			return status.Code(err)
		}
		<-time.After(time.Minute - 1)
		if code := poll(); code != codes.OK {
			t.Errorf("before its end: %v", code)
		}
		<-time.After(1)
		if code := poll(); code != codes.Unauthenticated {
			t.Errorf("after its end: %v", code)
		}
		c.login()
		c.sim.WithdrawTokens()
		if code := poll(); code != codes.Unauthenticated {
			t.Errorf("withdrawn: %v", code)
		}
	})
}

func TestRequestsAreHeldToTheirLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inBubble(t, c1sim.Options{}).login()
		id := c.sim.Enqueue(&pb.Task{TaskType: &pb.Task_ActionListSchemas{}})
		hello := &pb.BatonServiceHelloRequest{
			HostId:    "h",
			BuildInfo: &pb.BatonServiceHelloRequest_BuildInfo{LangVersion: "l", Package: "p", PackageVersion: "v"},
			OsInfo: &pb.BatonServiceHelloRequest_OSInfo{
				Hostname: "h", Os: "o", Platform: "p", PlatformVersion: "v", PlatformFamily: "f", KernelVersion: "k", KernelArch: "a", VirtualizationSystem: "v",
			},
			ConnectorMetadata: &v2.ConnectorMetadata{DisplayName: "d"},
		}
		tasks := &pb.BatonServiceGetTasksRequest{HostId: "h", PageSize: 1, KnownTaskIds: []string{id}}
		beat := &pb.BatonServiceHeartbeatRequest{HostId: "h", TaskId: id}
		finish := &pb.BatonServiceFinishTaskRequest{HostId: "h", TaskId: id, FinalState: &pb.BatonServiceFinishTaskRequest_Success_{
			Success: &pb.BatonServiceFinishTaskRequest_Success{},
		}}
		call := func(req proto.Message) error {
			var err error
			switch r := req.(type) {
			case *pb.BatonServiceHelloRequest:
				_, err = c.baton.Hello(c.ctx(), r)
			case *pb.BatonServiceGetTasksRequest:
				_, err = c.baton.GetTasks(c.ctx(), r)
			case *pb.BatonServiceHeartbeatRequest:
				_, err = c.baton.Heartbeat(c.ctx(), r)
			case *pb.BatonServiceFinishTaskRequest:
				_, err = c.baton.FinishTask(c.ctx(), r)
			}
			return err
		}
		many := make([]*anypb.Any, 17)
		for i := range many {
			many[i] = &anypb.Any{}
		}
		tests := []struct {
			field string
			req   proto.Message
			spoil func(proto.Message)
		}{
			{"host_id", hello, func(m proto.Message) { m.(*pb.BatonServiceHelloRequest).HostId = "" }},
			{"host_id", hello, func(m proto.Message) { m.(*pb.BatonServiceHelloRequest).HostId = strings.Repeat("h", 257) }},
			{"task_id", hello, func(m proto.Message) { m.(*pb.BatonServiceHelloRequest).TaskId = "short" }},
			{"build_info", hello, func(m proto.Message) { m.(*pb.BatonServiceHelloRequest).BuildInfo.Package = "" }},
			{"os_info", hello, func(m proto.Message) { m.(*pb.BatonServiceHelloRequest).OsInfo.VirtualizationSystem = "" }},
			{"connector_metadata", hello, func(m proto.Message) { m.(*pb.BatonServiceHelloRequest).ConnectorMetadata = nil }},
			{"annotations", hello, func(m proto.Message) { m.(*pb.BatonServiceHelloRequest).Annotations = many }},
			{"page_size", tasks, func(m proto.Message) { m.(*pb.BatonServiceGetTasksRequest).PageSize = 0 }},
			{"page_size", tasks, func(m proto.Message) { m.(*pb.BatonServiceGetTasksRequest).PageSize = 101 }},
			{"known_task_ids", tasks, func(m proto.Message) {
				m.(*pb.BatonServiceGetTasksRequest).KnownTaskIds = []string{strings.Repeat("-", 27)}
			}},
			{"known_task_ids", tasks, func(m proto.Message) { m.(*pb.BatonServiceGetTasksRequest).KnownTaskIds = []string{id, id} }},
			{"task_id", beat, func(m proto.Message) { m.(*pb.BatonServiceHeartbeatRequest).TaskId = "" }},
			{"annotations", beat, func(m proto.Message) { m.(*pb.BatonServiceHeartbeatRequest).Annotations = many }},
			{"final_state", finish, func(m proto.Message) { m.(*pb.BatonServiceFinishTaskRequest).FinalState = nil }},
			{"status", finish, func(m proto.Message) {
				m.(*pb.BatonServiceFinishTaskRequest).Status = status.New(codes.Internal, "x").Proto()
			}},
			{"status", finish, func(m proto.Message) {
				m.(*pb.BatonServiceFinishTaskRequest).FinalState = &pb.BatonServiceFinishTaskRequest_Error_{Error: &pb.BatonServiceFinishTaskRequest_Error{}}
			}},
			{"annotations", finish, func(m proto.Message) { m.(*pb.BatonServiceFinishTaskRequest).GetSuccess().Annotations = many }},
		}
		for _, tt := range tests {
			bad := proto.Clone(tt.req)
			tt.spoil(bad)
			if err := call(bad); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "invalid "+tt.field) {
				t.Errorf("%s of %T: %v", tt.field, bad, err)
			}
		}
		if err := call(hello); err != nil {
			t.Error(err)
		}
		// Nobody has the task yet.
		if err := call(finish); status.Code(err) != codes.FailedPrecondition {
			t.Errorf("finish before the task is handed out: %v", err)
		}
		if err := call(tasks); err != nil || c.sim.Task(id).HandedOut != 0 {
			t.Errorf("a known task was handed out %d times: %v", c.sim.Task(id).HandedOut, err)
		}
		tasks.KnownTaskIds = nil
		if err := call(tasks); err != nil || c.sim.Task(id).HandedOut != 1 {
			t.Errorf("the task was handed out %d times: %v", c.sim.Task(id).HandedOut, err)
		}
		if err := call(finish); err != nil {
			t.Error(err)
		}
		if err := call(finish); status.Code(err) != codes.NotFound || c.sim.Task(id).Results != 1 {
			t.Errorf("the same result again: %v, %d results", err, c.sim.Task(id).Results)
		}
		finish.HostId = "another"
		if err := call(finish); status.Code(err) != codes.NotFound || c.sim.Task(id).Results != 2 {
			t.Errorf("another result: %v, %d results", err, c.sim.Task(id).Results)
		}
		if err := call(beat); status.Code(err) != codes.FailedPrecondition {
			t.Errorf("heartbeat of a finished task: %v", err)
		}
	})
}

// upload sends messages in the given order.
func (c *client) upload(messages ...*pb.BatonServiceUploadAssetRequest) error {
	c.t.Helper()
	stream, err := c.baton.UploadAsset(c.ctx())
	if err != nil {
		return err
	}
	for _, m := range messages {
		if err := stream.Send(m); err != nil {
			break // The answer says why.
		}
	}
	_, err = stream.CloseAndRecv()
	return err
}

func TestUploadsAreChecked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := inBubble(t, c1sim.Options{Dir: dir}).login()
		id := c.sim.Enqueue(&pb.Task{TaskType: &pb.Task_SyncFull{}})
		start := func(task string) *pb.BatonServiceUploadAssetRequest {
			return &pb.BatonServiceUploadAssetRequest{Msg: &pb.BatonServiceUploadAssetRequest_Metadata{
				Metadata: &pb.BatonServiceUploadAssetRequest_UploadMetadata{HostId: "h", TaskId: task},
			}}
		}
		data := func(content string) *pb.BatonServiceUploadAssetRequest {
			return &pb.BatonServiceUploadAssetRequest{Msg: &pb.BatonServiceUploadAssetRequest_Data{
				Data: &pb.BatonServiceUploadAssetRequest_UploadData{Data: []byte(content)},
			}}
		}
		end := func(content string) *pb.BatonServiceUploadAssetRequest {
			sum := sha256.Sum256([]byte(content))
			return &pb.BatonServiceUploadAssetRequest{Msg: &pb.BatonServiceUploadAssetRequest_Eof{
				Eof: &pb.BatonServiceUploadAssetRequest_UploadEOF{Sha256Checksum: sum[:]},
			}}
		}
		short := end("")
		short.GetEof().Sha256Checksum = short.GetEof().GetSha256Checksum()[:31]
		unknown := strings.Repeat("x", 27)
		tests := []struct {
			name     string
			messages []*pb.BatonServiceUploadAssetRequest
			code     codes.Code
		}{
			{"nothing", nil, codes.InvalidArgument},
			{"no metadata", []*pb.BatonServiceUploadAssetRequest{data("x")}, codes.InvalidArgument},
			{"unknown task", []*pb.BatonServiceUploadAssetRequest{start(unknown), end("")}, codes.NotFound},
			{"metadata twice", []*pb.BatonServiceUploadAssetRequest{start(id), start(id)}, codes.InvalidArgument},
			{"empty data", []*pb.BatonServiceUploadAssetRequest{start(id), data("")}, codes.InvalidArgument},
			{"large data", []*pb.BatonServiceUploadAssetRequest{start(id), data(strings.Repeat("x", 1<<20+1))}, codes.InvalidArgument},
			{"no end", []*pb.BatonServiceUploadAssetRequest{start(id), data("x")}, codes.InvalidArgument},
			{"short checksum", []*pb.BatonServiceUploadAssetRequest{start(id), short}, codes.InvalidArgument},
			{"wrong checksum", []*pb.BatonServiceUploadAssetRequest{start(id), data("x"), end("y")}, codes.DataLoss},
			{"empty message", []*pb.BatonServiceUploadAssetRequest{start(id), {}}, codes.InvalidArgument},
		}
		for _, tt := range tests {
			if err := c.upload(tt.messages...); status.Code(err) != tt.code {
				t.Errorf("%s: %v, want %v", tt.name, err, tt.code)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
		if err := c.upload(start(id), data("C1"), data("ZF\x00..."), end("C1ZF\x00...")); err != nil {
			t.Fatal(err)
		}
		if err := c.upload(start(id), data("{}"), end("{}")); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{id + ".c1z": "C1ZF\x00...", id + ".log": "{}"} {
			file, err := os.Open(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
				continue
			}
			if got, err := io.ReadAll(file); err != nil || string(got) != want {
				t.Errorf("%s holds %q, %v", name, got, err)
			}
			file.Close()
		}
		if got := c.sim.Task(id).Assets; len(got) != 2 || got[0].Size != 8 || got[1].SHA256 != sha256.Sum256([]byte("{}")) {
			t.Errorf("assets are %v", got)
		}
	})
}

// A task that shows no sign of life is handed out again; a heartbeat keeps it.
func TestLeases(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inBubble(t, c1sim.Options{Lease: time.Minute, TokenLife: 24 * time.Hour}).login()
		id := c.sim.Enqueue(&pb.Task{TaskType: &pb.Task_ActionListSchemas{}})
		poll := func() string {
			resp, err := c.baton.GetTask(c.ctx(), &pb.BatonServiceGetTaskRequest{HostId: "h"})
			if err != nil {
				t.Fatal(err)
			}
			return resp.GetTask().GetId()
		}
		beat := func() bool {
			resp, err := c.baton.Heartbeat(c.ctx(), &pb.BatonServiceHeartbeatRequest{HostId: "h", TaskId: id})
			if err != nil {
				t.Fatal(err)
			}
			return resp.GetCancelled()
		}
		if poll() != id || poll() != "" {
			t.Error("the task was not handed out once")
		}
		<-time.After(50 * time.Second)
		if beat() {
			t.Error("the task is cancelled")
		}
		<-time.After(50 * time.Second)
		if poll() != "" {
			t.Error("the task was handed out again although it is alive")
		}
		<-time.After(10 * time.Second)
		if poll() != id {
			t.Error("the task was not handed out again")
		}
		c.sim.Cancel(id)
		if !beat() {
			t.Error("the task is not cancelled")
		}
		<-time.After(time.Hour)
		if poll() != "" || c.sim.Task(id).State != c1sim.Cancelled {
			t.Error("the cancelled task goes on")
		}
	})
}

// Full syncs are queued by themselves, one at a time.
func TestSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inBubble(t, c1sim.Options{SyncEvery: time.Hour, TokenLife: 24 * time.Hour}).login()
		poll := func() *pb.Task {
			resp, err := c.baton.GetTask(c.ctx(), &pb.BatonServiceGetTaskRequest{HostId: "h"})
			if err != nil {
				t.Fatal(err)
			}
			return resp.GetTask()
		}
		first := poll()
		if first.GetSyncFull() == nil {
			t.Fatalf("first task is %v", first)
		}
		finish := func(id string) {
			_, err := c.baton.FinishTask(c.ctx(), &pb.BatonServiceFinishTaskRequest{HostId: "h", TaskId: id, FinalState: &pb.BatonServiceFinishTaskRequest_Success_{
				Success: &pb.BatonServiceFinishTaskRequest_Success{},
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(2 * time.Hour)
		if again := poll(); again.GetId() != first.GetId() {
			t.Errorf("while the first is open, %v was queued", again)
		}
		finish(first.GetId())
		second := poll()
		if second.GetSyncFull() == nil || second.GetId() == first.GetId() {
			t.Errorf("second task is %v", second)
		}
		finish(second.GetId())
		<-time.After(59 * time.Minute)
		if early := poll(); early != nil {
			t.Errorf("early task is %v", early)
		}
		<-time.After(time.Minute)
		if poll() == nil {
			t.Error("no third task")
		}
	})
}

// The record forgets what is old, and the same seed spoils the same calls.
func TestRecordAndFaultsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inBubble(t, c1sim.Options{MaxEvents: 10}).login()
		for range 100 {
			if _, err := c.baton.GetTask(c.ctx(), &pb.BatonServiceGetTaskRequest{HostId: "h"}); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(c.sim.Events("")); n < 10 || n > 20 {
			t.Errorf("%d events are kept", n)
		}
	})
	rates := c1sim.Rates{Unavailable: 0.3, Slow: 0.3, SlowBy: time.Minute, LostAnswer: 0.3, LostHeartbeat: 0.3, FinishRefused: 0.3, UploadCut: 0.3, Cancel: 0.3, Withdraw: 0.3}
	a, b, none := c1sim.Random(7, rates), c1sim.Random(7, rates), c1sim.Random(7, c1sim.Rates{})
	differ := 0
	for _, method := range []string{"token", "GetTask", "Heartbeat", "FinishTask", "UploadAsset"} {
		for n := range 200 {
			call := c1sim.Call{Method: method, Number: n}
			x, y := a(call), b(call)
			if x.Delay != y.Delay || x.Cut != y.Cut || x.Cancel != y.Cancel || x.Withdraw != y.Withdraw || status.Code(x.Before) != status.Code(y.Before) {
				t.Errorf("%v: %v and %v", call, x, y)
			}
			if x != (c1sim.Fault{}) {
				differ++
			}
			if got := none(call); got != (c1sim.Fault{}) {
				t.Errorf("without rates: %v", got)
			}
		}
	}
	if differ < 500 {
		t.Errorf("%d of 1000 calls are spoiled", differ)
	}
}

func TestHostIsRequired(t *testing.T) {
	t.Parallel()
	if _, err := c1sim.New(c1sim.Options{}); err == nil {
		t.Error("no error")
	}
}
