package platform

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	transportv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/transport/v1"
)

// tokenLife is how long the token of a call is good.
const tokenLife = 5 * time.Minute

// Conn is a [grpc.ClientConnInterface] whose calls are invocations of a function, as the
// platform's client makes them. It is safe for concurrent use.
type Conn struct {
	// Invoked has the function answer a payload, as [Runtime.Invoke] does.
	Invoked func(ctx context.Context, payload []byte) ([]byte, error)
	// Caller signs a token for each call that has no authorization among its metadata.
	Caller *Caller
	// Encode encodes requests; nil means [EncodeRequest].
	Encode func(*transportv1.Request) ([]byte, error)
}

// Invoke implements [grpc.ClientConnInterface]. Options are ignored.
func (c *Conn) Invoke(ctx context.Context, method string, args, reply any, _ ...grpc.CallOption) error {
	req, err := c.request(ctx, method, args.(proto.Message))
	if err != nil {
		return err
	}
	encode := c.Encode
	if encode == nil {
		encode = EncodeRequest
	}
	payload, err := encode(req)
	if err != nil {
		return err
	}
	answer, err := c.Invoked(ctx, payload)
	if failed, ok := errors.AsType[*FunctionError](err); ok {
		return status.Error(codes.Unknown, "lambda_transport: "+failed.Error())
	}
	if err != nil {
		return status.FromContextError(err).Err()
	}
	resp, _, err := DecodeResponse(answer)
	if err != nil {
		return err
	}
	s := new(statuspb.Status)
	if err := resp.GetStatus().UnmarshalTo(s); err != nil {
		return fmt.Errorf("the answer has no status: %w", err)
	}
	if s.GetCode() != int32(codes.OK) {
		return status.ErrorProto(s)
	}
	return resp.GetResp().UnmarshalTo(reply.(proto.Message))
}

// NewStream implements [grpc.ClientConnInterface].
func (*Conn) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "streams are not supported")
}

// request makes the frame of a call.
func (c *Conn) request(ctx context.Context, method string, m proto.Message) (*transportv1.Request, error) {
	packed, err := anypb.New(m)
	if err != nil {
		return nil, err
	}
	md, _ := metadata.FromOutgoingContext(ctx)
	md = md.Copy()
	if len(md.Get("authorization")) == 0 {
		token, err := c.Caller.Token(tokenLife)
		if err != nil {
			return nil, err
		}
		md.Set("authorization", "Bearer "+token)
	}
	if deadline, ok := ctx.Deadline(); ok {
		md.Set("grpc-timeout", strconv.FormatInt(min(max(time.Until(deadline).Microseconds(), 1), 99999999), 10)+"u")
	}
	headers := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(md))}
	for name, texts := range md {
		list := new(structpb.ListValue)
		for _, text := range texts {
			list.Values = append(list.Values, structpb.NewStringValue(text))
		}
		headers.Fields[name] = structpb.NewListValue(list)
	}
	return &transportv1.Request{Method: method, Req: packed, Headers: headers}, nil
}
