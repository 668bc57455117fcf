package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"

	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/hosted/frame"
	transportv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/transport/v1"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// Options are what a [Server] needs.
type Options struct {
	// Authenticate decides whether a caller with this metadata may call any method. Its
	// error should be a gRPC status. It is required.
	Authenticate func(context.Context, metadata.MD) error
	// Logger gets panics. It is required.
	Logger *slog.Logger
	// Known are credentials that no answer may contain.
	Known []secret.String
}

// Server is a [grpc.ServiceRegistrar] whose services are called with [Server.Serve].
// Register everything before the first call; from then on it is safe for concurrent use.
type Server struct {
	options  Options
	services map[string]service
}

type service struct {
	methods map[string]grpc.MethodDesc
	impl    any
}

// New makes a server without services.
func New(o Options) *Server { return &Server{options: o, services: make(map[string]service)} }

// RegisterService implements [grpc.ServiceRegistrar]. Streams cannot be served.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	methods := make(map[string]grpc.MethodDesc, len(desc.Methods))
	for _, m := range desc.Methods {
		methods[m.MethodName] = m
	}
	s.services[desc.ServiceName] = service{methods, impl}
}

// Serve answers a call. The answer always has a status; that of a failed call has
// nothing else.
func (s *Server) Serve(ctx context.Context, req *transportv1.Request) (resp *transportv1.Response) {
	defer func() {
		if v := recover(); v != nil {
			resp = frame.Failed(Recovered(ctx, s.options.Logger, SiteHandler, v, s.options.Known...))
		}
	}()
	answer, err := s.serve(ctx, req)
	if err != nil {
		return frame.Failed(s.redacted(statusOf(err)))
	}
	return answer
}

func (s *Server) serve(ctx context.Context, req *transportv1.Request) (*transportv1.Response, error) {
	if req.GetHeaders() == nil {
		return nil, errNoAuthorization // No client leaves them out, and no method is named then.
	}
	impl, method, err := s.find(req.GetMethod())
	if err != nil {
		return nil, err
	}
	md := Metadata(req)
	if values := md.Get(headerTimeout); len(values) > 0 {
		timeout, err := parseTimeout(values[0])
		if err != nil {
			return nil, err
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	path := "/" + strings.TrimPrefix(req.GetMethod(), "/")
	addTransport(md, path)
	stream := &callStream{method: path}
	ctx = grpc.NewContextWithServerTransportStream(metadata.NewIncomingContext(ctx, md), stream)
	decode := func(m any) error {
		if err := req.GetReq().UnmarshalTo(m.(proto.Message)); err != nil {
			return status.Errorf(codes.Internal, "failed to unmarshal request: %v", err)
		}
		return nil
	}
	result, err := method.Handler(impl, ctx, decode, s.intercept(md))
	if err != nil {
		return nil, err
	}
	return stream.answer(result)
}

// find looks a method up by its full name, the leading slash of which is optional.
func (s *Server) find(name string) (impl any, method grpc.MethodDesc, err error) {
	path := strings.TrimPrefix(name, "/")
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return nil, method, status.Errorf(codes.Unimplemented, "malformed method name: %q", name)
	}
	registered, ok := s.services[path[:i]]
	if !ok {
		return nil, method, status.Errorf(codes.Unimplemented, "unknown service %s", path[:i])
	}
	method, ok = registered.methods[path[i+1:]]
	if !ok {
		return nil, method, status.Errorf(codes.Unimplemented, "unknown method %s for service %s", path[i+1:], path[:i])
	}
	return registered.impl, method, nil
}

// intercept authenticates the caller of a method, whose request is decoded by then, and
// ends its panics.
func (s *Server) intercept(md metadata.MD) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
		defer func() {
			if v := recover(); v != nil {
				resp, err = nil, Recovered(ctx, s.options.Logger, SiteInterceptor, v, s.options.Known...).Err()
			}
		}()
		if err := s.options.Authenticate(ctx, md); err != nil {
			return nil, err
		}
		return handler(ctx, req)
	}
}

// Failed is the answer to a call that failed before it was dispatched.
func Failed(err error) *transportv1.Response { return frame.Failed(statusOf(err)) }

// Outcome is the status of an answer in words.
func Outcome(resp *transportv1.Response) string {
	s := new(statuspb.Status)
	if err := resp.GetStatus().UnmarshalTo(s); err != nil {
		return "none"
	}
	if s.GetCode() == int32(codes.OK) {
		return s.GetMessage()
	}
	return status.FromProto(s).Code().String() + ": " + s.GetMessage()
}

// redacted takes credentials out of the text of a status.
func (s *Server) redacted(st *status.Status) *status.Status {
	p := st.Proto()
	p.Message = redact.Text(p.GetMessage(), s.options.Known...)
	return status.FromProto(p)
}

// The places at which panics end.
const (
	SiteInterceptor = "interceptor"
	SiteHandler     = "lambda_handler"
)

// Recovered logs a panic and returns what the caller is told of it.
func Recovered(ctx context.Context, logger *slog.Logger, site string, value any, known ...secret.String) *status.Status {
	logger.ErrorContext(ctx, "gRPC handler panic", "recovery_site", site,
		"panic", redact.Text(fmt.Sprint(value), known...), "stack", redact.Text(string(debug.Stack()), known...))
	return status.New(codes.Internal, "Internal Server Error")
}

// succeeded is the status of a call that succeeded.
func succeeded() *statuspb.Status { return &statuspb.Status{Code: int32(codes.OK), Message: "OK"} }

// pack wraps a message of an answer.
func pack(m any) (*anypb.Any, error) {
	message, ok := m.(proto.Message)
	if !ok {
		return nil, status.Errorf(codes.Internal, "the method returned a %T, which is not a message", m)
	}
	packed, err := anypb.New(message)
	if err != nil {
		return nil, status.Errorf(codes.Internal, "failed to marshal response: %v", err)
	}
	return packed, nil
}
