package c1api

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/backoff"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// The pauses between two greetings: each is twice as long as the one before.
const (
	helloDelay    = time.Second
	helloMaxDelay = 5 * time.Minute
)

// NewHello is the request with which a connector introduces itself: at the start
// with an empty task id, later in answer to the task of that id.
func NewHello(hostID, taskID string, facts Facts, metadata *v2.ConnectorMetadata) *pb.BatonServiceHelloRequest {
	return &pb.BatonServiceHelloRequest{
		HostId:            hostID,
		TaskId:            taskID,
		BuildInfo:         facts.Build,
		OsInfo:            facts.OS,
		ConnectorMetadata: metadata,
	}
}

// UntilGreeted calls greet until it succeeds, with pauses of 1 s, 2 s, 4 s and so
// on up to 5 min, for as long as it takes. It gives up when ctx ends and on an
// error that says that trying again is of no use: a refusal of the credentials
// ([Refused]), InvalidArgument, Unimplemented, FailedPrecondition or NotFound.
// The error is that of the last call.
func UntilGreeted(ctx context.Context, logger *slog.Logger, greet func(context.Context) error) error {
	for n := 1; ; n++ {
		err := greet(ctx)
		if err == nil || ctx.Err() != nil || finalHello(err) {
			return err
		}
		pause := backoff.Doubling(n, helloDelay, helloMaxDelay)
		logger.WarnContext(ctx, "Hello to ConductorOne failed, retrying", "attempt", n, "in", pause, "error", err)
		if !backoff.Sleep(ctx, pause) {
			return err
		}
	}
}

func finalHello(err error) bool {
	if Refused(err) {
		return true
	}
	switch status.Code(err) {
	case codes.InvalidArgument, codes.Unimplemented, codes.FailedPrecondition, codes.NotFound:
		return true
	default:
		return false
	}
}
