package frame

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	transportv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/transport/v1"
)

// Encoding is how a message travels.
type Encoding int

// The encodings. The answer to a request has the encoding of the request.
const (
	Legacy Encoding = iota // protojson
	Binary                 // version 2: the binary message in base64
)

// version is the v of the one binary encoding that there is.
const version = 2

// The types of decoding errors, as the runtime reports them to whoever invoked the
// function. They are the names that clients see of other connectors.
const (
	typeSyntax   = "SyntaxError"
	typeMessage  = "prefixError"
	typeGeneral  = "errorString"
	typeMismatch = "UnmarshalTypeError"
)

// envelope is the binary encoding.
type envelope struct {
	V     int    `json:"v"`
	Frame []byte `json:"frame"` // in standard base64
}

// invalid is an error that the runtime reports as the failure of an invocation. A
// decoder's own text is left out of it: it may quote a credential of the payload.
func invalid(kind, format string, args ...any) error {
	return messages.InvokeResponse_Error{Type: kind, Message: fmt.Sprintf(format, args...)}
}

// Decode decodes the payload of an invocation. Its errors are those of
// [messages.InvokeResponse_Error] and quote nothing of the payload.
func Decode(payload []byte) (*transportv1.Request, Encoding, error) {
	if !json.Valid(payload) {
		return nil, Legacy, invalid(typeSyntax, "transport: the payload is not JSON")
	}
	switch first := bytes.TrimLeft(payload, " \t\r\n")[0]; first {
	case '{':
	case 'n': // null is an empty request, as in encoding/json.
		return new(transportv1.Request), Legacy, nil
	default:
		return nil, Legacy, invalid(typeMessage, "transport: the payload is not a JSON object")
	}
	var e envelope
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, Legacy, invalid(typeMismatch, "transport: v is not an integer, or frame is not base64 text")
	}
	req := new(transportv1.Request)
	if len(e.Frame) == 0 {
		return req, Legacy, decodeLegacy(payload, req)
	}
	if e.V != version {
		return nil, Binary, invalid(typeGeneral, "transport: unsupported wire frame version %d", e.V)
	}
	if err := proto.Unmarshal(e.Frame, req); err != nil {
		return nil, Binary, invalid(typeMessage, "transport: the frame is not a c1.transport.v1.Request")
	}
	return req, Binary, nil
}

// decodeLegacy decodes protojson. Fields that are unknown here are left out; where that
// does not do, annotations of unknown types are left out too.
func decodeLegacy(payload []byte, req *transportv1.Request) error {
	options := protojson.UnmarshalOptions{DiscardUnknown: true}
	if options.Unmarshal(payload, req) == nil {
		return nil
	}
	proto.Reset(req)
	known, err := withoutUnknownAnnotations(payload)
	if err != nil || options.Unmarshal(known, req) != nil {
		return invalid(typeMessage, "transport: the payload is not a c1.transport.v1.Request")
	}
	return nil
}
