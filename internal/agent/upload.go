package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/backoff"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

const (
	uploadAttempts = 3
	uploadChunk    = 512 << 10
	// uploadStall is how long an upload may go on without ConductorOne taking a chunk
	// or, behind the last one, answering.
	uploadStall = 5 * time.Minute
)

// errStalled ends an attempt that goes on for too long without getting anywhere.
var errStalled = status.Error(codes.DeadlineExceeded, "upload stalled for 5 minutes")

// uploader sends files to ConductorOne.
type uploader struct {
	client pb.BatonServiceClient
	hostID string
	logger *slog.Logger
}

// upload sends a file as an asset of a task, in up to 3 attempts: the second at
// once, the third a second later. Each reads and hashes the file anew.
func (u *uploader) upload(ctx context.Context, taskID, path string) error {
	for n := 1; ; n++ {
		err := u.attempt(ctx, taskID, path)
		switch {
		case err == nil:
			return nil
		case n < uploadAttempts && ctx.Err() == nil:
			u.logger.WarnContext(ctx, "upload interrupted, retrying", "task_id", taskID, "attempt", n, "error", err)
			if backoff.Sleep(ctx, time.Duration(n-1)*time.Second) {
				continue
			}
		}
		return fmt.Errorf("upload %s: %w", path, err)
	}
}

func (u *uploader) attempt(ctx context.Context, taskID, path string) error {
	file, err := os.Open(path) //nolint:gosec // The path is that of the archive that was just made.
	if err != nil {
		return err
	}
	defer file.Close()
	// A stream that is left before its end must be cancelled, or it stays for ever.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(uploadStall, func() { cancel(errStalled) })
	defer stall.Stop()
	stream, err := u.client.UploadAsset(ctx)
	if err != nil {
		return err
	}
	err = u.sendAll(func(m *pb.BatonServiceUploadAssetRequest) error {
		stall.Reset(uploadStall)
		return stream.Send(m)
	}, taskID, file)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	stall.Reset(uploadStall)
	// EOF from Send means that ConductorOne ended the stream; why is in the answer.
	_, answered := stream.CloseAndRecv()
	switch {
	case errors.Is(context.Cause(ctx), errStalled):
		return errStalled
	case answered == nil && err != nil:
		return errors.New("ConductorOne closed the upload before it was complete")
	default:
		return answered
	}
}

func (u *uploader) sendAll(send func(*pb.BatonServiceUploadAssetRequest) error, taskID string, r io.Reader) error {
	err := send(&pb.BatonServiceUploadAssetRequest{Msg: &pb.BatonServiceUploadAssetRequest_Metadata{
		Metadata: &pb.BatonServiceUploadAssetRequest_UploadMetadata{HostId: u.hostID, TaskId: taskID},
	}})
	if err != nil {
		return err
	}
	sum := sha256.New()
	for {
		// Not one buffer for all: grpc may still look at a message that was sent.
		chunk := make([]byte, uploadChunk)
		n, readErr := io.ReadFull(r, chunk)
		if readErr != nil && !errors.Is(readErr, io.EOF) && !errors.Is(readErr, io.ErrUnexpectedEOF) {
			return fmt.Errorf("read: %w", readErr)
		}
		if n > 0 {
			sum.Write(chunk[:n])
			err := send(&pb.BatonServiceUploadAssetRequest{Msg: &pb.BatonServiceUploadAssetRequest_Data{
				Data: &pb.BatonServiceUploadAssetRequest_UploadData{Data: chunk[:n]},
			}})
			if err != nil {
				return err
			}
		}
		if readErr != nil {
			break
		}
	}
	return send(&pb.BatonServiceUploadAssetRequest{Msg: &pb.BatonServiceUploadAssetRequest_Eof{
		Eof: &pb.BatonServiceUploadAssetRequest_UploadEOF{Sha256Checksum: sum.Sum(nil)},
	}})
}
