package c1sim

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// archiveMagic begins every archive; another asset is a log.
var archiveMagic = []byte("C1ZF\x00")

type uploadStream = grpc.ClientStreamingServer[pb.BatonServiceUploadAssetRequest, pb.BatonServiceUploadAssetResponse]

// UploadAsset takes metadata, data and the checksum, in this order, and keeps
// what arrived if it arrived whole.
func (v service) UploadAsset(stream uploadStream) error {
	u := &upload{s: v.s, sum: sha256.New()}
	err := u.receive(stream)
	u.discard()
	v.s.record.add(Event{Method: "UploadAsset", TaskID: u.taskID, UserAgent: userAgent(stream.Context()), Err: err, Lost: err != nil && u.done})
	return err
}

// upload is one attempt to upload an asset.
type upload struct {
	s      *Server
	client *Client
	taskID string
	sum    hash.Hash
	size   int64
	head   []byte   // the first bytes, to tell archives from logs
	file   *os.File // nil where nothing is kept
	done   bool
}

func (u *upload) receive(stream uploadStream) error {
	ctx := stream.Context()
	var err error
	if u.client, err = u.s.authenticate(ctx); err != nil {
		return err
	}
	var fault Fault
	for n := 1; ; n++ {
		msg, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return status.Error(codes.InvalidArgument, "upload ended without its checksum")
		}
		if err != nil {
			return err
		}
		if err := validate(msg); err != nil {
			return err
		}
		if n == 1 {
			if msg.GetMetadata() == nil {
				return status.Error(codes.InvalidArgument, "upload does not begin with its metadata")
			}
			u.taskID = msg.GetMetadata().GetTaskId()
			fault = u.s.faults.next(Call{Method: "UploadAsset", TaskID: u.taskID})
			if err := fault.wait(ctx); err != nil {
				return status.FromContextError(err).Err()
			}
			if fault.Before != nil {
				return fault.Before
			}
		}
		if n == fault.Cut {
			return status.Error(codes.Unavailable, "simulated loss of the connection")
		}
		finished, err := u.take(n, msg)
		if err != nil {
			return err
		}
		if finished {
			return u.finish(stream, fault)
		}
	}
}

// take takes one message and reports whether it was the last.
func (u *upload) take(n int, msg *pb.BatonServiceUploadAssetRequest) (bool, error) {
	switch m := msg.GetMsg().(type) {
	case *pb.BatonServiceUploadAssetRequest_Metadata:
		if n != 1 {
			return false, status.Error(codes.InvalidArgument, "metadata in the midst of an upload")
		}
		if !u.client.queue.exists(u.taskID) {
			return false, status.Error(codes.NotFound, "no such task")
		}
		return false, u.open()
	case *pb.BatonServiceUploadAssetRequest_Data:
		data := m.Data.GetData()
		if len(u.head) < len(archiveMagic) {
			u.head = append(u.head, data[:min(len(data), len(archiveMagic)-len(u.head))]...)
		}
		u.size += int64(len(data))
		u.sum.Write(data)
		if u.file != nil {
			if _, err := u.file.Write(data); err != nil {
				return false, status.Error(codes.Internal, err.Error())
			}
		}
		return false, nil
	case *pb.BatonServiceUploadAssetRequest_Eof:
		if !bytes.Equal(m.Eof.GetSha256Checksum(), u.sum.Sum(nil)) {
			return false, status.Error(codes.DataLoss, "checksum does not match what arrived")
		}
		return true, nil
	default:
		return false, status.Error(codes.InvalidArgument, "empty message")
	}
}

func (u *upload) open() error {
	if u.client.dir == "" {
		return nil
	}
	file, err := os.CreateTemp(u.client.dir, ".upload-*")
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	u.file = file
	return nil
}

// finish keeps the asset and answers.
func (u *upload) finish(stream uploadStream, fault Fault) error {
	asset := Asset{Size: u.size}
	copy(asset.SHA256[:], u.sum.Sum(nil))
	if u.file != nil {
		asset.Path = filepath.Join(u.client.dir, u.taskID+suffix(u.head))
		if err := u.keep(asset.Path); err != nil {
			return status.Error(codes.Internal, err.Error())
		}
	}
	u.client.queue.received(u.taskID, asset)
	u.done = true
	if fault.After != nil {
		return fault.After
	}
	return stream.SendAndClose(&pb.BatonServiceUploadAssetResponse{})
}

func (u *upload) keep(path string) error {
	if err := u.file.Close(); err != nil {
		return fmt.Errorf("close asset: %w", err)
	}
	if err := os.Rename(u.file.Name(), path); err != nil {
		return fmt.Errorf("keep asset: %w", err)
	}
	u.file = nil
	return nil
}

// discard removes what did not arrive whole.
func (u *upload) discard() {
	if u.file == nil {
		return
	}
	_ = u.file.Close()
	_ = os.Remove(u.file.Name())
}

func suffix(head []byte) string {
	if bytes.Equal(head, archiveMagic) {
		return ".c1z"
	}
	return ".log"
}
