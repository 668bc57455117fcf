package platform

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	transportv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/transport/v1"
)

// legacyOnly is the size of a request from which on it is sent in the legacy encoding
// only, in bytes.
const legacyOnly = 5 << 20

// EncodeRequest encodes a call as the client does: both encodings in one object, first
// the keys of the legacy one. A long request is sent in the legacy encoding only, and one
// that protojson cannot express in the binary one only.
func EncodeRequest(req *transportv1.Request) ([]byte, error) {
	frame, err := EncodeBinary(req)
	if err != nil {
		return nil, err
	}
	legacy, err := EncodeLegacy(req)
	if err != nil {
		return frame, nil //nolint:nilerr // The other encoding expresses it.
	}
	if len(legacy) > legacyOnly {
		return legacy, nil
	}
	if len(legacy) == len(`{}`) {
		return frame, nil
	}
	return append(append(legacy[:len(legacy)-1], ','), frame[1:]...), nil
}

// EncodeLegacy encodes a call as protojson without white space.
func EncodeLegacy(req *transportv1.Request) ([]byte, error) {
	text, err := protojson.Marshal(req)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	err = json.Compact(&compact, text)
	return compact.Bytes(), err
}

// EncodeBinary encodes a call as {"v":2,"frame":"..."}.
func EncodeBinary(req *transportv1.Request) ([]byte, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"v":2,"frame":%q}`, base64.StdEncoding.EncodeToString(data)), nil
}

// DecodeResponse decodes an answer. Binary says which encoding it had.
func DecodeResponse(payload []byte) (resp *transportv1.Response, binary bool, err error) {
	var envelope struct {
		V     int    `json:"v"`
		Frame string `json:"frame"`
	}
	if err := json.Unmarshal(payload, &envelope); err != nil {
		return nil, false, fmt.Errorf("decode response: %w", err)
	}
	resp = new(transportv1.Response)
	if envelope.Frame == "" {
		return resp, false, protojson.Unmarshal(payload, resp)
	}
	if envelope.V != 2 {
		return nil, true, errors.New("decode response: unsupported frame version")
	}
	data, err := base64.StdEncoding.DecodeString(envelope.Frame)
	if err != nil {
		return nil, true, fmt.Errorf("decode response: %w", err)
	}
	return resp, true, proto.Unmarshal(data, resp)
}
