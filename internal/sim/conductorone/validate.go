package c1sim

import (
	"crypto/sha256"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

const (
	idLength       = 27
	maxHostID      = 256
	maxAnnotations = 16
	maxPageSize    = 100
	maxChunk       = 1 << 20
)

// validate refuses what ConductorOne's message rules refuse.
func validate(req proto.Message) error {
	v := &check{}
	switch r := req.(type) {
	case *pb.BatonServiceHelloRequest:
		v.host(r.GetHostId())
		v.that(r.GetTaskId() == "" || isID(r.GetTaskId()), "task_id")
		v.hello(r)
		v.annotations(r.GetAnnotations())
	case *pb.BatonServiceGetTaskRequest:
		v.host(r.GetHostId())
	case *pb.BatonServiceGetTasksRequest:
		v.host(r.GetHostId())
		v.that(r.GetPageSize() >= 1 && r.GetPageSize() <= maxPageSize, "page_size")
		seen := map[string]bool{}
		for _, id := range r.GetKnownTaskIds() {
			v.that(isID(id) && !seen[id], "known_task_ids")
			seen[id] = true
		}
		v.annotations(r.GetAnnotations())
	case *pb.BatonServiceHeartbeatRequest:
		v.host(r.GetHostId())
		v.that(isID(r.GetTaskId()), "task_id")
		v.annotations(r.GetAnnotations())
	case *pb.BatonServiceFinishTaskRequest:
		v.host(r.GetHostId())
		v.that(isID(r.GetTaskId()), "task_id")
		v.finalState(r)
	case *pb.BatonServiceUploadAssetRequest:
		v.upload(r)
	}
	return v.err
}

// check keeps the first thing that is wrong.
type check struct{ err error }

func (v *check) that(ok bool, field string) {
	if !ok && v.err == nil {
		v.err = status.Errorf(codes.InvalidArgument, "invalid %s", field)
	}
}

func (v *check) host(id string) {
	n := utf8.RuneCountInString(id)
	v.that(n >= 1 && n <= maxHostID, "host_id")
}

func (v *check) annotations(list []*anypb.Any) {
	v.that(len(list) <= maxAnnotations, "annotations")
}

func (v *check) hello(r *pb.BatonServiceHelloRequest) {
	b, o := r.GetBuildInfo(), r.GetOsInfo()
	v.that(b != nil, "build_info")
	for _, s := range []string{b.GetLangVersion(), b.GetPackage(), b.GetPackageVersion()} {
		v.that(s != "", "build_info")
	}
	v.that(o != nil, "os_info")
	for _, s := range []string{
		o.GetHostname(), o.GetOs(), o.GetPlatform(), o.GetPlatformVersion(), o.GetPlatformFamily(),
		o.GetKernelVersion(), o.GetKernelArch(), o.GetVirtualizationSystem(),
	} {
		v.that(s != "", "os_info")
	}
	v.that(r.GetConnectorMetadata() != nil, "connector_metadata")
	v.that(r.GetConnectorMetadata().GetDisplayName() != "", "connector_metadata.display_name")
}

func (v *check) finalState(r *pb.BatonServiceFinishTaskRequest) {
	switch final := r.GetFinalState().(type) {
	case *pb.BatonServiceFinishTaskRequest_Success_:
		v.that(r.GetStatus() == nil, "status")
		v.annotations(final.Success.GetAnnotations())
	case *pb.BatonServiceFinishTaskRequest_Error_:
		v.that(codes.Code(r.GetStatus().GetCode()) != codes.OK, "status") //nolint:gosec // Codes are small, and a wrong one is no success either.
		v.that(final.Error.GetResponse() == nil, "error.response")
		v.annotations(final.Error.GetAnnotations())
	default:
		v.that(false, "final_state")
	}
}

func (v *check) upload(r *pb.BatonServiceUploadAssetRequest) {
	switch msg := r.GetMsg().(type) {
	case *pb.BatonServiceUploadAssetRequest_Metadata:
		v.host(msg.Metadata.GetHostId())
		v.that(isID(msg.Metadata.GetTaskId()), "task_id")
		v.annotations(msg.Metadata.GetAnnotations())
	case *pb.BatonServiceUploadAssetRequest_Data:
		n := len(msg.Data.GetData())
		v.that(n >= 1 && n <= maxChunk, "data")
	case *pb.BatonServiceUploadAssetRequest_Eof:
		v.that(len(msg.Eof.GetSha256Checksum()) == sha256.Size, "sha256_checksum")
		v.annotations(msg.Eof.GetAnnotations())
	default:
		v.that(false, "msg")
	}
}

// isID reports whether id is 27 letters and digits.
func isID(id string) bool {
	if len(id) != idLength {
		return false
	}
	for _, c := range []byte(id) {
		if !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z') {
			return false
		}
	}
	return true
}
