package frame_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/google/go-cmp/cmp"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/hosted/frame"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	transportv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/transport/v1"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/platform"
)

const validate = "/c1.connector.v2.ConnectorService/Validate"

func pack(t testing.TB, m proto.Message) *anypb.Any {
	t.Helper()
	packed, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func validateRequest(t testing.TB) *transportv1.Request {
	t.Helper()
	headers, err := structpb.NewStruct(map[string]any{"authorization": []any{"Bearer x"}})
	if err != nil {
		t.Fatal(err)
	}
	return &transportv1.Request{Method: validate, Req: pack(t, &v2.ConnectorServiceValidateRequest{}), Headers: headers}
}

// legacyValidate and bothValidate are what a client sends, byte for byte.
const (
	legacyValidate = `{"method":"/c1.connector.v2.ConnectorService/Validate","req":{"@type":"type.googleapis.com/c1.connector.v2.ConnectorServiceValidateRequest"},"headers":{"authorization":["Bearer x"]}}`
	frameValidate  = `{"v":2,"frame":"CiovYzEuY29ubmVjdG9yLnYyLkNvbm5lY3RvclNlcnZpY2UvVmFsaWRhdGUSRQpDdHlwZS5nb29nbGVhcGlzLmNvbS9jMS5jb25uZWN0b3IudjIuQ29ubmVjdG9yU2VydmljZVZhbGlkYXRlUmVxdWVzdBohCh8KDWF1dGhvcml6YXRpb24SDjIMCgoaCEJlYXJlciB4"}`
)

var bothValidate = strings.TrimSuffix(legacyValidate, "}") + "," + strings.TrimPrefix(frameValidate, "{")

func TestRequestsOfTheClientByteForByte(t *testing.T) {
	t.Parallel()
	req := validateRequest(t)
	for _, tt := range []struct {
		name     string
		encode   func(*transportv1.Request) ([]byte, error)
		payload  string
		encoding frame.Encoding
	}{
		{"legacy", platform.EncodeLegacy, legacyValidate, frame.Legacy},
		{"frame", platform.EncodeBinary, frameValidate, frame.Binary},
		{"both", platform.EncodeRequest, bothValidate, frame.Binary},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sent, err := tt.encode(req)
			if err != nil {
				t.Fatal(err)
			}
			if string(sent) != tt.payload {
				t.Errorf("the client sends\n%s\nwant\n%s", sent, tt.payload)
			}
			got, encoding, err := frame.Decode([]byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(req, got, protocmp.Transform()); diff != "" || encoding != tt.encoding {
				t.Errorf("encoding %d, want %d; (-want +got):\n%s", encoding, tt.encoding, diff)
			}
		})
	}
}

// Over 5 MiB, a client sends the legacy encoding alone; a message of a type that it
// does not know, the binary one alone.
func TestRequestsOfOneEncoding(t *testing.T) {
	t.Parallel()
	long := validateRequest(t)
	long.Req = pack(t, &v2.ListEventsRequest{Cursor: strings.Repeat("c", 5<<20)})
	unknown := validateRequest(t)
	unknown.Req = &anypb.Any{TypeUrl: "type.googleapis.com/c1.later.v1.Message", Value: []byte{8, 1}}
	for _, tt := range []struct {
		name     string
		req      *transportv1.Request
		encoding frame.Encoding
	}{{"5 MiB", long, frame.Legacy}, {"unknown type", unknown, frame.Binary}} {
		payload, err := platform.EncodeRequest(tt.req)
		if err != nil {
			t.Fatal(err)
		}
		got, encoding, err := frame.Decode(payload)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if encoding != tt.encoding || !proto.Equal(got, tt.req) {
			t.Errorf("%s: encoding %d, want %d; equal: %v", tt.name, encoding, tt.encoding, proto.Equal(got, tt.req))
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	empty := new(transportv1.Request)
	for _, tt := range []struct {
		name, payload string
		want          *transportv1.Request
		encoding      frame.Encoding
	}{
		{"empty object", `{}`, empty, frame.Legacy},
		{"null", ` null `, empty, frame.Legacy},
		{"headers null", `{"headers":null}`, empty, frame.Legacy},
		{"empty frame", `{"v":2,"frame":""}`, empty, frame.Legacy},
		{"frame null", `{"method":"m","frame":null}`, &transportv1.Request{Method: "m"}, frame.Legacy},
		{"unknown field", `{"method":"m","later":{"a":[1]}}`, &transportv1.Request{Method: "m"}, frame.Legacy},
		{"white space", "\n\t{\"method\" : \"m\"}\r\n", &transportv1.Request{Method: "m"}, frame.Legacy},
		{"frame before legacy keys that are wrong", `{"method":7,"v":2,"frame":"CgFt"}`, &transportv1.Request{Method: "m"}, frame.Binary},
		{"unknown field of the frame", `{"v":2,"frame":"CgFt+D8B"}`, &transportv1.Request{Method: "m"}, frame.Binary},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, encoding, err := frame.Decode([]byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, protocmp.Transform(), protocmp.IgnoreUnknown()); diff != "" || encoding != tt.encoding {
				t.Errorf("encoding %d, want %d; (-want +got):\n%s", encoding, tt.encoding, diff)
			}
		})
	}
}

func TestDecodeErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	const token = "hidden"
	for _, tt := range []struct{ name, payload, kind string }{
		{"no JSON", `{"headers":{"authorization":["Bearer hidden"]}`, "SyntaxError"},
		{"nothing", ``, "SyntaxError"},
		{"white space", ` `, "SyntaxError"},
		{"two values", `{} {}`, "SyntaxError"},
		{"array", `["hidden"]`, "prefixError"},
		{"string", `"hidden"`, "prefixError"},
		{"number", `7`, "prefixError"},
		{"wrong version", `{"v":3,"frame":"CgFt"}`, "errorString"},
		{"no version", `{"frame":"CgFt"}`, "errorString"},
		{"frame is no message", `{"v":2,"frame":"////"}`, "prefixError"},
		{"frame is no base64", `{"v":2,"frame":"hidden!"}`, "UnmarshalTypeError"},
		{"frame is a number", `{"v":2,"frame":17}`, "UnmarshalTypeError"},
		{"v is a string", `{"v":"hidden","frame":"CgFt"}`, "UnmarshalTypeError"},
		{"unknown type of req", `{"method":"m","req":{"@type":"type.googleapis.com/c1.hidden.v1.X"}}`, "prefixError"},
		{"wrong type of a field", `{"method":["hidden"]}`, "prefixError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := frame.Decode([]byte(tt.payload))
			var invalid messages.InvokeResponse_Error
			if !errors.As(err, &invalid) || invalid.Type != tt.kind {
				t.Fatalf("error %#v, want one of type %s", err, tt.kind)
			}
			if strings.Contains(err.Error(), token) {
				t.Errorf("the error quotes the payload: %v", err)
			}
		})
	}
	_, _, err := frame.Decode([]byte(`{"v":3,"frame":"CgFt"}`))
	if got, want := fmt.Sprint(err), "transport: unsupported wire frame version 3"; !strings.Contains(got, want) {
		t.Errorf("error %q, want %q in it", got, want)
	}
}

func TestUnknownAnnotationsAreDropped(t *testing.T) {
	t.Parallel()
	const (
		known   = `{"@type":"type.googleapis.com/c1.connector.v2.ExternalLink","url":"https://x"}`
		unknown = `{"@type":"type.googleapis.com/c1.later.v1.Note","n":12345678901234567890}`
	)
	request := func(annotations, resource string) string {
		return `{"method":"m","req":{"@type":"type.googleapis.com/c1.connector.v2.EntitlementsServiceListEntitlementsRequest",` +
			`"resource":{"id":{"resource":"` + resource + `"},"annotations":[` + annotations + `]},"annotations":[` + annotations + `]}}`
	}
	got, _, err := frame.Decode([]byte(request(unknown+","+known+","+unknown, "a")))
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := frame.Decode([]byte(request(known, "a")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// What is unknown elsewhere, and an array that holds no messages, are not dropped.
	for _, payload := range []string{
		`{"method":"m","req":{"@type":"type.googleapis.com/c1.connector.v2.GrantsServiceListGrantsRequest","annotations":["x"]}}`,
		`{"method":"m","req":` + unknown + `,"annotations":[` + unknown + `]}`,
	} {
		if _, _, err := frame.Decode([]byte(payload)); err == nil {
			t.Errorf("no error for %s", payload)
		}
	}
}

func succeeded(t testing.TB, m proto.Message) *transportv1.Response {
	t.Helper()
	return &transportv1.Response{
		Resp: pack(t, m), Status: pack(t, &statuspb.Status{Message: "OK"}),
		Headers: &structpb.Struct{}, Trailers: &structpb.Struct{},
	}
}

func TestAnswersByteForByte(t *testing.T) {
	t.Parallel()
	good := succeeded(t, &v2.ConnectorServiceValidateResponse{SdkVersion: "v0.25.0"})
	bad := frame.Failed(status.New(codes.PermissionDenied, "denied"))
	binary := func(resp *transportv1.Response) string {
		data, err := proto.Marshal(resp)
		if err != nil {
			t.Fatal(err)
		}
		return `{"v":2,"frame":"` + base64.StdEncoding.EncodeToString(data) + `"}`
	}
	for _, tt := range []struct {
		name     string
		resp     *transportv1.Response
		encoding frame.Encoding
		want     string
	}{
		{
			"legacy success", good, frame.Legacy,
			`{"resp":{"@type":"type.googleapis.com/c1.connector.v2.ConnectorServiceValidateResponse","sdkVersion":"v0.25.0"},"status":{"@type":"type.googleapis.com/google.rpc.Status","message":"OK"},"headers":{},"trailers":{}}`,
		},
		{"legacy error", bad, frame.Legacy, `{"status":{"@type":"type.googleapis.com/google.rpc.Status","code":7,"message":"denied"}}`},
		{"frame success", good, frame.Binary, binary(good)},
		{"frame error", bad, frame.Binary, `{"v":2,"frame":"EjMKJXR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5TdGF0dXMSCggHEgZkZW5pZWQ="}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := frame.Encode(tt.resp, tt.encoding)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want != "" && string(got) != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			resp, wasBinary, err := platform.DecodeResponse(got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.resp, resp, protocmp.Transform()); diff != "" || wasBinary != (tt.encoding == frame.Binary) {
				t.Errorf("binary %v; (-want +got):\n%s", wasBinary, diff)
			}
		})
	}
}

// An answer above the runtime's limit is an error that says so, since the runtime would
// end the process.
func TestTooLongAnswer(t *testing.T) {
	t.Parallel()
	page := func(size int) *transportv1.Response {
		return succeeded(t, &v2.ListEventsResponse{Cursor: strings.Repeat("c", size)})
	}
	hugeError, err := status.New(codes.Unavailable, strings.Repeat("é", 1<<20)).WithDetails(&v2.ListEventsResponse{Cursor: strings.Repeat("c", 6<<20)})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		resp     *transportv1.Response
		encoding frame.Encoding
		code     codes.Code
		text     string
	}{
		{"5 MiB, legacy", page(5 << 20), frame.Legacy, codes.OK, "OK"},
		{"5 MiB, frame", page(5 << 20), frame.Binary, codes.ResourceExhausted, "the limit is 6291456"},
		{"4 MiB, frame", page(4 << 20), frame.Binary, codes.OK, "OK"},
		{"6 MiB, legacy", page(6 << 20), frame.Legacy, codes.ResourceExhausted, "the response is too large"},
		{"error of 8 MiB, frame", frame.Failed(hugeError), frame.Binary, codes.Unavailable, "éé"},
		{"error of 8 MiB, legacy", frame.Failed(hugeError), frame.Legacy, codes.Unavailable, "éé"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			payload, err := frame.Encode(tt.resp, tt.encoding)
			if err != nil {
				t.Fatal(err)
			}
			if len(payload) > frame.MaxPayload {
				t.Errorf("the answer has %d bytes", len(payload))
			}
			resp, binary, err := platform.DecodeResponse(payload)
			if err != nil {
				t.Fatal(err)
			}
			got := new(statuspb.Status)
			if err := resp.GetStatus().UnmarshalTo(got); err != nil {
				t.Fatal(err)
			}
			if codes.Code(got.GetCode()) != tt.code || !strings.Contains(got.GetMessage(), tt.text) || binary != (tt.encoding == frame.Binary) {
				t.Errorf("code %v, message %.60q, binary %v; want %v, %q", codes.Code(got.GetCode()), got.GetMessage(), binary, tt.code, tt.text)
			}
			if (resp.GetResp() != nil) != (tt.code == codes.OK) {
				t.Errorf("response present: %v", resp.GetResp() != nil)
			}
		})
	}
}

func TestAnswerOfAnUnknownType(t *testing.T) {
	t.Parallel()
	resp := succeeded(t, &v2.ListEventsResponse{})
	resp.Resp = &anypb.Any{TypeUrl: "type.googleapis.com/c1.later.v1.Message", Value: []byte{8, 1}}
	if _, err := frame.Encode(resp, frame.Legacy); err == nil {
		t.Error("no error in JSON")
	}
	payload, err := frame.Encode(resp, frame.Binary)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := platform.DecodeResponse(payload)
	if err != nil || !proto.Equal(got, resp) {
		t.Errorf("got %v, %v; want %v", got, err, resp)
	}
}

// FuzzDecode demands that no payload ends the process, and that what is decoded is
// decoded the same again after it was encoded.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		legacyValidate, frameValidate, bothValidate, `{}`, `null`, `[]`, `{"v":3,"frame":"CgFt"}`, `{"v":2,"frame":""}`,
		`{"method":"m","req":{"@type":"type.googleapis.com/c1.connector.v2.ListEventsRequest","annotations":[{"@type":"x/y"}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		req, _, err := frame.Decode(payload)
		if err != nil {
			if !errors.As(err, new(messages.InvokeResponse_Error)) {
				t.Fatalf("error %T", err)
			}
			return
		}
		sent, err := platform.EncodeBinary(req)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := frame.Decode(sent)
		if err != nil || !proto.Equal(req, again) {
			t.Fatalf("%v, then %v (%v)", req, again, err)
		}
	})
}
