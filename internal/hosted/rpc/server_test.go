package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/hosted/rpc"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	transportv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/transport/v1"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

const validate = "/c1.connector.v2.ConnectorService/Validate"

// connectorService serves Validate.
type connectorService struct {
	v2.UnimplementedConnectorServiceServer
	validate func(context.Context) (*v2.ConnectorServiceValidateResponse, error)
}

func (s connectorService) Validate(ctx context.Context, _ *v2.ConnectorServiceValidateRequest) (*v2.ConnectorServiceValidateResponse, error) {
	return s.validate(ctx)
}

// assetService has a stream only.
type assetService struct {
	v2.UnimplementedAssetServiceServer
}

// allow lets calls with "Bearer good" pass.
func allow(_ context.Context, md metadata.MD) error {
	switch got := md.Get("authorization"); {
	case len(got) == 0:
		return status.Error(codes.Unauthenticated, "missing authorization header")
	case got[0] != "Bearer good":
		return status.Error(codes.Unauthenticated, "invalid authorization header")
	}
	return nil
}

type rig struct {
	*rpc.Server
	log bytes.Buffer
}

func newRig(validate func(context.Context) (*v2.ConnectorServiceValidateResponse, error), known ...secret.String) *rig {
	r := new(rig)
	r.Server = rpc.New(rpc.Options{Authenticate: allow, Logger: slog.New(slog.NewJSONHandler(&r.log, nil)), Known: known})
	v2.RegisterConnectorServiceServer(r.Server, connectorService{validate: validate})
	v2.RegisterAssetServiceServer(r.Server, assetService{})
	return r
}

func request(t testing.TB, headers map[string]any) *transportv1.Request {
	t.Helper()
	packed, err := anypb.New(&v2.ConnectorServiceValidateRequest{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := structpb.NewStruct(headers)
	if err != nil {
		t.Fatal(err)
	}
	return &transportv1.Request{Method: validate, Req: packed, Headers: s}
}

func good() map[string]any { return map[string]any{"authorization": []any{"Bearer good"}} }

func statusOf(t testing.TB, resp *transportv1.Response) *status.Status {
	t.Helper()
	s := new(statuspb.Status)
	if err := resp.GetStatus().UnmarshalTo(s); err != nil {
		t.Fatal(err)
	}
	if s.GetCode() != 0 && (resp.GetResp() != nil || resp.GetHeaders() != nil || resp.GetTrailers() != nil) {
		t.Errorf("an error has more than its status: %v", resp)
	}
	return status.FromProto(s)
}

func TestSuccess(t *testing.T) {
	t.Parallel()
	var seen metadata.MD
	r := newRig(func(ctx context.Context) (*v2.ConnectorServiceValidateResponse, error) {
		seen, _ = metadata.FromIncomingContext(ctx)
		method, ok := grpc.Method(ctx)
		if !ok || method != validate {
			t.Errorf("method %q", method)
		}
		return &v2.ConnectorServiceValidateResponse{SdkVersion: "v0.25.0"}, errors.Join(
			grpc.SetHeader(ctx, metadata.Pairs("X-A", "1")), grpc.SendHeader(ctx, metadata.Pairs("x-a", "2")), grpc.SetTrailer(ctx, metadata.Pairs("x-t", "3")))
	})
	resp := r.Serve(t.Context(), request(t, map[string]any{
		"Authorization": []any{"Bearer good", ""}, "X-List": []any{"a", "b", 7, nil}, "x-text": "not a list", "x-empty": []any{""},
	}))
	packed, err := anypb.New(&v2.ConnectorServiceValidateResponse{SdkVersion: "v0.25.0"})
	if err != nil {
		t.Fatal(err)
	}
	ok, err := anypb.New(&statuspb.Status{Message: "OK"})
	if err != nil {
		t.Fatal(err)
	}
	list := func(texts ...any) *structpb.Struct {
		s, err := structpb.NewStruct(map[string]any{texts[0].(string): texts[1:]})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	want := &transportv1.Response{Resp: packed, Status: ok, Headers: list("x-a", "1", "2"), Trailers: list("x-t", "3")}
	if diff := cmp.Diff(want, resp, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantSeen := metadata.MD{
		"authorization": {"Bearer good"}, "x-list": {"a", "b"}, "content-type": {"application/grpc+proto"},
		":method": {"POST"}, ":path": {validate}, ":authority": {"localhost"}, ":scheme": {"http"},
	}
	if diff := cmp.Diff(wantSeen, seen); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

// An answer without headers and trailers has empty ones.
func TestSuccessWithoutHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(func(context.Context) (*v2.ConnectorServiceValidateResponse, error) {
		return &v2.ConnectorServiceValidateResponse{}, nil
	})
	req := request(t, good())
	req.Method = strings.TrimPrefix(req.Method, "/")
	resp := r.Serve(t.Context(), req)
	if statusOf(t, resp).Code() != codes.OK || resp.Headers == nil || resp.Trailers == nil || resp.Resp == nil {
		t.Errorf("answer %v", resp)
	}
}

func TestRefusedCalls(t *testing.T) {
	t.Parallel()
	wrongType, err := anypb.New(&v2.ListEventsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*transportv1.Request)
		code   codes.Code
		text   string
	}{
		{"no headers", func(r *transportv1.Request) { r.Headers = nil }, codes.Unauthenticated, "missing authorization header"},
		{"nothing at all", func(r *transportv1.Request) { proto.Reset(r) }, codes.Unauthenticated, "missing authorization header"},
		{"empty headers", func(r *transportv1.Request) { r.Headers = &structpb.Struct{} }, codes.Unauthenticated, "missing authorization header"},
		{"wrong token", func(r *transportv1.Request) {
			r.Headers = request(t, map[string]any{"authorization": []any{"Bearer bad"}}).Headers
		}, codes.Unauthenticated, "invalid authorization header"},
		{"no service", func(r *transportv1.Request) { r.Method = "/Validate" }, codes.Unimplemented, `malformed method name: "/Validate"`},
		{"no method", func(r *transportv1.Request) { r.Method = "" }, codes.Unimplemented, `malformed method name: ""`},
		{"unknown service", func(r *transportv1.Request) { r.Method = "/a.B/C/D" }, codes.Unimplemented, "unknown service a.B/C"},
		{"unknown method", func(r *transportv1.Request) { r.Method = "/c1.connector.v2.ConnectorService/Later" }, codes.Unimplemented, "unknown method Later for service c1.connector.v2.ConnectorService"},
		{"stream", func(r *transportv1.Request) { r.Method = "/c1.connector.v2.AssetService/GetAsset" }, codes.Unimplemented, "unknown method GetAsset"},
		{"unknown service comes before authentication", func(r *transportv1.Request) {
			r.Method, r.Headers = "/a.B/C", &structpb.Struct{}
		}, codes.Unimplemented, "unknown service a.B"},
		{"no request", func(r *transportv1.Request) { r.Req = nil }, codes.Internal, "failed to unmarshal request: "},
		{"request of another type", func(r *transportv1.Request) { r.Req = wrongType }, codes.Internal, "failed to unmarshal request: "},
		{"request is decoded before authentication", func(r *transportv1.Request) { r.Req, r.Headers = wrongType, &structpb.Struct{} }, codes.Internal, "failed to unmarshal request: "},
		{"damaged request", func(r *transportv1.Request) { r.Req.Value = []byte{0xff} }, codes.Internal, "failed to unmarshal request: "},
		{"timeout", func(r *transportv1.Request) {
			h := good()
			h["grpc-timeout"] = []any{"5x"}
			r.Headers = request(t, h).Headers
		}, codes.Internal, "malformed grpc-timeout: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(func(context.Context) (*v2.ConnectorServiceValidateResponse, error) {
				t.Error("the method runs")
				return nil, errors.New("never")
			})
			req := request(t, good())
			tt.change(req)
			got := statusOf(t, r.Serve(t.Context(), req))
			if got.Code() != tt.code || !strings.HasPrefix(got.Message(), tt.text) {
				t.Errorf("%v %q, want %v %q", got.Code(), got.Message(), tt.code, tt.text)
			}
		})
	}
}

// temporary is an error of the network that may pass.
type temporary struct{ error }

func (temporary) Temporary() bool { return true }

func TestErrorsBecomeStatuses(t *testing.T) {
	t.Parallel()
	detailed, err := status.New(codes.Unavailable, "slow down").WithDetails(&v2.RateLimitDescription{Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		err  error
		code codes.Code
		text string
	}{
		{status.Error(codes.NotFound, "no such type"), codes.NotFound, "no such type"},
		{
			fmt.Errorf("error: listing resources failed: %w", status.Error(codes.PermissionDenied, "denied")), codes.PermissionDenied,
			"error: listing resources failed: rpc error: code = PermissionDenied desc = denied",
		},
		{detailed.Err(), codes.Unavailable, "slow down"},
		{fmt.Errorf("list: %w", context.Canceled), codes.Canceled, "canceled: list: context canceled"},
		{fmt.Errorf("list: %w", context.DeadlineExceeded), codes.DeadlineExceeded, "deadline exceeded: list: context deadline exceeded"},
		{fmt.Errorf("read: %w", io.ErrUnexpectedEOF), codes.Unavailable, "transient network error: read: unexpected EOF"},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, codes.Unavailable, "transient network error: "},
		{&url.Error{Op: "Get", URL: "https://x", Err: os.ErrDeadlineExceeded}, codes.DeadlineExceeded, "deadline exceeded: "},
		{&url.Error{Op: "Get", URL: "https://x", Err: temporary{errors.New("busy")}}, codes.Unavailable, "transient network error: "},
		{errors.New("dial tcp: connection refused"), codes.Unavailable, "transient network error: dial tcp: connection refused"},
		{errors.New("lookup x: no such host"), codes.Unavailable, "transient network error: "},
		{errors.New("net/http: TLS handshake timeout"), codes.Unavailable, "transient network error: "},
		{errors.New("something else"), codes.Unknown, "unknown error: something else"},
		{errors.New("bad \xff text"), codes.Unknown, "unknown error: bad \uFFFD text"},
	} {
		r := newRig(func(context.Context) (*v2.ConnectorServiceValidateResponse, error) {
			// Part of an answer is dropped.
			return &v2.ConnectorServiceValidateResponse{SdkVersion: "x"}, tt.err
		})
		got := statusOf(t, r.Serve(t.Context(), request(t, good())))
		if got.Code() != tt.code || !strings.HasPrefix(got.Message(), tt.text) {
			t.Errorf("%v: %v %q, want %v %q", tt.err, got.Code(), got.Message(), tt.code, tt.text)
		}
		if s, ok := status.FromError(tt.err); ok && len(s.Details()) != len(got.Details()) {
			t.Errorf("%v: details %v, want %v", tt.err, got.Details(), s.Details())
		}
	}
}

func TestPanicIsAnErrorAndIsLogged(t *testing.T) {
	t.Parallel()
	known := secret.New("correct-horse-battery")
	r := newRig(func(context.Context) (*v2.ConnectorServiceValidateResponse, error) {
		panic("lost correct-horse-battery")
	}, known)
	got := statusOf(t, r.Serve(t.Context(), request(t, good())))
	if got.Code() != codes.Internal || got.Message() != "Internal Server Error" {
		t.Errorf("%v %q", got.Code(), got.Message())
	}
	log := r.log.String()
	for _, want := range []string{`"gRPC handler panic"`, `"recovery_site":"interceptor"`, "lost ", "server_test.go"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s: %s", want, log)
		}
	}
	if strings.Contains(log, known.Reveal()) {
		t.Errorf("the log has the secret: %s", log)
	}
}

func TestKnownSecretsAreTakenOutOfErrors(t *testing.T) {
	t.Parallel()
	known := secret.New("correct-horse-battery")
	r := newRig(func(context.Context) (*v2.ConnectorServiceValidateResponse, error) {
		return nil, status.Error(codes.Unauthenticated, "the key "+known.Reveal()+" is wrong")
	}, known)
	got := statusOf(t, r.Serve(t.Context(), request(t, good())))
	if got.Code() != codes.Unauthenticated || strings.Contains(got.Message(), known.Reveal()) || !strings.HasPrefix(got.Message(), "the key ") {
		t.Errorf("%v %q", got.Code(), got.Message())
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for text, want := range map[string]time.Duration{
			"1H": time.Hour, "2M": 2 * time.Minute, "3S": 3 * time.Second, "4m": 4 * time.Millisecond, "3999997u": 3999997 * time.Microsecond, "99999999n": 99999999, "00000005S": 5 * time.Second,
			"99999999H": time.Duration(1<<63-1) / time.Hour * time.Hour,
		} {
			r := newRig(func(ctx context.Context) (*v2.ConnectorServiceValidateResponse, error) {
				deadline, ok := ctx.Deadline()
				if got := time.Until(deadline); !ok || got != want && want < 1000*time.Hour {
					t.Errorf("%s: deadline in %v, want %v", text, got, want)
				}
				return &v2.ConnectorServiceValidateResponse{}, nil
			})
			headers := good()
			headers["grpc-timeout"] = []any{text}
			if got := statusOf(t, r.Serve(t.Context(), request(t, headers))); got.Code() != codes.OK {
				t.Errorf("%s: %v", text, got)
			}
		}
		for _, text := range []string{"S", "5", "123456789S", "-5S", "5s", "+5S", "5 S", "５S", "0x5S"} {
			r := newRig(nil)
			headers := good()
			headers["grpc-timeout"] = []any{text}
			if got := statusOf(t, r.Serve(t.Context(), request(t, headers))); got.Code() != codes.Internal || !strings.HasPrefix(got.Message(), "malformed grpc-timeout: ") {
				t.Errorf("%s: %v", text, got)
			}
		}
	})
}

// A deadline ends the call with the code that the platform tries again after.
func TestTimeoutEndsTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(func(ctx context.Context) (*v2.ConnectorServiceValidateResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		headers := good()
		headers["grpc-timeout"] = []any{"3S"}
		start := time.Now()
		got := statusOf(t, r.Serve(t.Context(), request(t, headers)))
		if got.Code() != codes.DeadlineExceeded || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v", got, time.Since(start))
		}
	})
}
