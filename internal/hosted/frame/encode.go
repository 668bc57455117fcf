package frame

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	transportv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/transport/v1"
)

// MaxPayload is the size that the runtime accepts of an answer, in bytes. A longer one
// would end the process.
const MaxPayload = 6 << 20

// maxMessage bounds the text of an error of which everything else was left out.
const maxMessage = 64 << 10

// Encode encodes an answer. One that is longer than [MaxPayload] becomes an error of
// code ResourceExhausted that says so; of an error that is longer, code and text
// remain. An answer that the encoding cannot express is an error of
// [messages.InvokeResponse_Error].
func Encode(resp *transportv1.Response, encoding Encoding) ([]byte, error) {
	payload, err := encode(resp, encoding)
	if err != nil || len(payload) <= MaxPayload {
		return payload, err
	}
	return encode(tooLong(resp, len(payload)), encoding)
}

func tooLong(resp *transportv1.Response, size int) *transportv1.Response {
	answer := new(statuspb.Status)
	if err := resp.GetStatus().UnmarshalTo(answer); err == nil && answer.GetCode() != int32(codes.OK) {
		text := strings.ToValidUTF8(answer.GetMessage()[:min(len(answer.GetMessage()), maxMessage)], "")
		return Failed(status.New(status.FromProto(answer).Code(), text))
	}
	return Failed(status.New(codes.ResourceExhausted,
		fmt.Sprintf("the response is too large: %d bytes encoded, and the limit is %d; ask for a smaller page", size, MaxPayload)))
}

// Failed is the answer to a call that failed: nothing but its status.
func Failed(s *status.Status) *transportv1.Response {
	p := s.Proto()
	p.Message = strings.ToValidUTF8(p.GetMessage(), "\uFFFD")
	// A status whose text is valid can always be packed.
	packed, _ := anypb.New(p)
	return &transportv1.Response{Status: packed}
}

func encode(resp *transportv1.Response, encoding Encoding) ([]byte, error) {
	if encoding == Binary {
		data, err := proto.Marshal(resp)
		if err != nil {
			return nil, invalid(typeGeneral, "transport: the response cannot be encoded: %v", err)
		}
		return json.Marshal(envelope{V: version, Frame: data})
	}
	text, err := protojson.Marshal(resp)
	if err != nil {
		return nil, invalid(typeMessage, "transport: the response cannot be encoded in JSON: %v", err)
	}
	// protojson varies its white space on purpose.
	var compact bytes.Buffer
	compact.Grow(len(text))
	if err := json.Compact(&compact, text); err != nil {
		return nil, invalid(typeSyntax, "transport: the response cannot be encoded in JSON: %v", err)
	}
	return compact.Bytes(), nil
}
