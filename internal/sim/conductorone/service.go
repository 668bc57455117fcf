package c1sim

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// service answers calls that interceptors have let through.
type service struct {
	pb.UnimplementedBatonServiceServer
	s *Server
}

func (v service) Hello(context.Context, *pb.BatonServiceHelloRequest) (*pb.BatonServiceHelloResponse, error) {
	return &pb.BatonServiceHelloResponse{}, nil
}

func (v service) GetTask(ctx context.Context, _ *pb.BatonServiceGetTaskRequest) (*pb.BatonServiceGetTaskResponse, error) {
	resp := &pb.BatonServiceGetTaskResponse{NextPoll: durationpb.New(v.s.opts.IdlePoll), NextHeartbeat: durationpb.New(v.s.opts.NextHeartbeat)}
	if taken := clientFrom(ctx).queue.take(1, nil, time.Now()); len(taken) > 0 {
		resp.Task, resp.NextPoll = taken[0], durationpb.New(v.s.opts.BusyPoll)
	}
	return resp, nil
}

func (v service) GetTasks(ctx context.Context, req *pb.BatonServiceGetTasksRequest) (*pb.BatonServiceGetTasksResponse, error) {
	resp := &pb.BatonServiceGetTasksResponse{NextPoll: durationpb.New(v.s.opts.IdlePoll), NextHeartbeat: durationpb.New(v.s.opts.NextHeartbeat)}
	resp.Tasks = clientFrom(ctx).queue.take(int(req.GetPageSize()), req.GetKnownTaskIds(), time.Now())
	if len(resp.GetTasks()) > 0 {
		resp.NextPoll = durationpb.New(v.s.opts.BusyPoll)
	}
	return resp, nil
}

func (v service) Heartbeat(ctx context.Context, req *pb.BatonServiceHeartbeatRequest) (*pb.BatonServiceHeartbeatResponse, error) {
	cancelled, err := clientFrom(ctx).queue.beat(req.GetTaskId(), time.Now())
	if err != nil {
		return nil, err
	}
	return &pb.BatonServiceHeartbeatResponse{NextHeartbeat: durationpb.New(v.s.opts.NextHeartbeat), Cancelled: cancelled}, nil
}

func (v service) FinishTask(ctx context.Context, req *pb.BatonServiceFinishTaskRequest) (*pb.BatonServiceFinishTaskResponse, error) {
	if err := clientFrom(ctx).queue.finish(req); err != nil {
		return nil, err
	}
	return &pb.BatonServiceFinishTaskResponse{}, nil
}

// intercept is around every unary call: who calls, the fault, the limits, the
// call itself, the record.
func (s *Server) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	message, _ := req.(proto.Message)
	named, _ := req.(interface{ GetTaskId() string })
	call := Call{Method: bare(info.FullMethod)}
	if named != nil {
		call.TaskID = named.GetTaskId()
	}
	event := Event{Method: call.Method, TaskID: call.TaskID, Request: message, UserAgent: userAgent(ctx)}
	resp, err := s.perform(ctx, call, message, handle, &event)
	event.Err = err
	s.record.add(event)
	return resp, err
}

func (s *Server) perform(ctx context.Context, call Call, req proto.Message, handle grpc.UnaryHandler, event *Event) (any, error) {
	fault := s.faults.next(call)
	if err := fault.wait(ctx); err != nil {
		return nil, status.FromContextError(err).Err()
	}
	if fault.Withdraw {
		s.WithdrawTokens()
	}
	client, err := s.authenticate(ctx)
	if err != nil {
		return nil, err
	}
	ctx = context.WithValue(ctx, clientKey{}, client)
	if err := validate(req); err != nil {
		return nil, err
	}
	if finish, ok := req.(*pb.BatonServiceFinishTaskRequest); ok {
		client.queue.notice(finish)
	}
	if fault.Before != nil {
		return nil, fault.Before
	}
	if fault.Cancel && call.TaskID != "" {
		client.queue.cancel(call.TaskID)
	}
	resp, err := handle(ctx, req)
	if err != nil {
		return nil, err
	}
	event.Response, _ = resp.(proto.Message)
	if err := wait(ctx, fault.Late); err != nil {
		event.Lost = true
		return nil, status.FromContextError(err).Err()
	}
	if fault.After != nil {
		event.Lost = true
		return nil, fault.After
	}
	return resp, nil
}

// authenticate finds the client that an access token was given to.
func (s *Server) authenticate(ctx context.Context) (*Client, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	values := md.Get("authorization")
	if len(values) != 1 {
		return nil, status.Error(codes.Unauthenticated, "no authorization header")
	}
	if token, found := cutBearer(values[0]); found {
		for _, c := range s.Clients() {
			if c.tokens.accepts(token, time.Now()) {
				c.called(time.Now())
				return c, nil
			}
		}
	}
	return nil, status.Error(codes.Unauthenticated, "access token is not good")
}

func cutBearer(header string) (string, bool) {
	const scheme = "Bearer "
	if len(header) <= len(scheme) || header[:len(scheme)] != scheme {
		return "", false
	}
	return header[len(scheme):], true
}

func userAgent(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	if values := md.Get("user-agent"); len(values) > 0 {
		return values[0]
	}
	return ""
}

// bare is the last part of a full method name.
func bare(fullMethod string) string {
	for i := len(fullMethod) - 1; i >= 0; i-- {
		if fullMethod[i] == '/' {
			return fullMethod[i+1:]
		}
	}
	return fullMethod
}
