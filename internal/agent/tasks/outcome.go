package tasks

import (
	"context"
	"errors"
	"strings"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

const (
	// maxAnnotations is how many ConductorOne takes.
	maxAnnotations = 16
	// maxResult keeps a request below the 4 MiB that a gRPC server takes by default.
	maxResult = 4<<20 - 64<<10
)

// An Outcome is how a task went.
type Outcome struct {
	// Response is what the connector answered; nil where the type has no answer.
	Response proto.Message
	// Annotations travel beside the response, or beside the error.
	Annotations []*anypb.Any
	// Err is why the task failed; nil is success.
	Err error
	// Final says that ConductorOne must not try a failed task again.
	Final bool
}

// fail is an outcome that ConductorOne may try again.
func fail(err error) Outcome { return Outcome{Err: err} }

// refuse is an outcome that it may not try again.
func refuse(err error) Outcome { return Outcome{Err: err, Final: true} }

// Code is the gRPC code of the outcome.
func (o Outcome) Code() codes.Code {
	if o.Err == nil {
		return codes.OK
	}
	return codes.Code(statusOf(o.Err).GetCode()) //nolint:gosec // Codes are small.
}

// Request is the FinishTask request that reports the outcome. A response that is
// larger than what ConductorOne takes becomes an error that says so.
func (o Outcome) Request(hostID, taskID string) *pb.BatonServiceFinishTaskRequest {
	req := &pb.BatonServiceFinishTaskRequest{HostId: hostID, TaskId: taskID}
	annotations := o.Annotations[:min(len(o.Annotations), maxAnnotations)]
	if o.Err != nil {
		req.Status = statusOf(o.Err)
		req.FinalState = &pb.BatonServiceFinishTaskRequest_Error_{Error: &pb.BatonServiceFinishTaskRequest_Error{
			NonRetryable: o.Final,
			Annotations:  annotations,
		}}
	} else {
		success := &pb.BatonServiceFinishTaskRequest_Success{Annotations: annotations}
		if o.Response != nil {
			var err error
			if success.Response, err = anypb.New(o.Response); err != nil {
				return refuse(status.Errorf(codes.Internal, "encode the result: %v", err)).Request(hostID, taskID)
			}
		}
		req.FinalState = &pb.BatonServiceFinishTaskRequest_Success_{Success: success}
	}
	if size := proto.Size(req); size > maxResult {
		return refuse(status.Errorf(codes.ResourceExhausted, "the result has %d bytes, more than ConductorOne accepts", size)).Request(hostID, taskID)
	}
	return req
}

// statusOf finds the gRPC status in an error and keeps its code and details. The
// message of a wrapped one is the text of the whole error.
func statusOf(err error) *spb.Status {
	s, found := status.FromError(err)
	p := s.Proto()
	switch {
	case p == nil || found && s.Code() == codes.OK:
		// An error that says OK is a mistake of whoever made it.
		p = &spb.Status{Code: int32(codes.Internal), Message: err.Error()}
	case found:
	case errors.Is(err, context.Canceled):
		p.Code = int32(codes.Canceled)
	case errors.Is(err, context.DeadlineExceeded):
		p.Code = int32(codes.DeadlineExceeded)
	}
	// Only valid UTF-8 can be sent, and an error may quote anything.
	p.Message = strings.ToValidUTF8(p.GetMessage(), "\uFFFD")
	return p
}
