package rpc

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	transportv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/transport/v1"
)

const headerTimeout = "grpc-timeout"

// Metadata is what the headers of a request say: each name, in lower case, has a list of
// texts. What has another form is left out.
func Metadata(req *transportv1.Request) metadata.MD {
	md := make(metadata.MD)
	for name, value := range req.GetHeaders().GetFields() {
		for _, item := range value.GetListValue().GetValues() {
			if text := item.GetStringValue(); text != "" {
				md.Append(name, text)
			}
		}
	}
	return md
}

// addTransport adds what a connection would have added.
func addTransport(md metadata.MD, path string) {
	md.Set("content-type", "application/grpc+proto")
	md.Set(":method", "POST")
	md.Set(":path", path)
	md.Set(":authority", "localhost")
	md.Set(":scheme", "http")
}

// toStruct is metadata in the form in which it travels.
func toStruct(md metadata.MD) *structpb.Struct {
	s := &structpb.Struct{}
	for name, texts := range md {
		list := new(structpb.ListValue)
		for _, text := range texts {
			list.Values = append(list.Values, structpb.NewStringValue(strings.ToValidUTF8(text, "\uFFFD")))
		}
		if s.Fields == nil {
			s.Fields = make(map[string]*structpb.Value, len(md))
		}
		s.Fields[name] = structpb.NewListValue(list)
	}
	return s
}

// maxTimeoutDigits is how many digits gRPC permits.
const maxTimeoutDigits = 8

// parseTimeout reads a grpc-timeout: one to eight digits and a unit.
func parseTimeout(text string) (time.Duration, error) {
	units := map[byte]time.Duration{
		'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
	}
	wrong := func(why string) (time.Duration, error) {
		return 0, status.Error(codes.Internal, "malformed grpc-timeout: "+why)
	}
	if len(text) < 2 || len(text) > maxTimeoutDigits+1 {
		return wrong("it must be one to eight digits and a unit")
	}
	unit, known := units[text[len(text)-1]]
	if !known {
		return wrong("its unit must be H, M, S, m, u or n")
	}
	digits := text[:len(text)-1]
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return wrong("it must be one to eight digits and a unit")
	}
	if unit == time.Hour && n > uint64(maxHours) {
		n = uint64(maxHours)
	}
	return time.Duration(n) * unit, nil
}

// maxHours is the longest duration in hours, of about 292 years.
const maxHours = int64((1<<63 - 1) / time.Hour)

// callStream collects what a method adds to its answer.
type callStream struct {
	method          string
	mu              sync.Mutex
	header, trailer metadata.MD
}

// Method implements [grpc.ServerTransportStream].
func (s *callStream) Method() string { return s.method }

// SetHeader implements [grpc.ServerTransportStream].
func (s *callStream) SetHeader(md metadata.MD) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.header = metadata.Join(s.header, md)
	return nil
}

// SendHeader implements [grpc.ServerTransportStream]. All headers leave with the answer.
func (s *callStream) SendHeader(md metadata.MD) error { return s.SetHeader(md) }

// SetTrailer implements [grpc.ServerTransportStream].
func (s *callStream) SetTrailer(md metadata.MD) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trailer = metadata.Join(s.trailer, md)
	return nil
}

// answer is the answer to a call that succeeded.
func (s *callStream) answer(result any) (*transportv1.Response, error) {
	packed, err := pack(result)
	if err != nil {
		return nil, err
	}
	ok, err := pack(succeeded())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &transportv1.Response{Resp: packed, Status: ok, Headers: toStruct(s.header), Trailers: toStruct(s.trailer)}, nil
}
