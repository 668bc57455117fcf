// Package rpc calls gRPC services whose requests arrive in frames instead of on a
// connection: it looks the method up, decodes the request, authenticates the caller, runs
// the method, and turns whatever comes of it, a panic included, into an answer with a
// status.
package rpc
