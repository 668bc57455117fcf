// Package frame encodes and decodes the payloads of a hosted connector's invocations:
// one gRPC request in, one gRPC response out, as JSON.
//
// There are two encodings of either message. The legacy one is protojson. The second
// one is {"v":2,"frame":"<base64 of the binary message>"}, in which messages of types
// that one side does not know survive. A client sends both in one object where it can;
// the frame decides then.
package frame
