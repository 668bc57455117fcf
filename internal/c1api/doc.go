// Package c1api is the edge to ConductorOne: the client id and secret that it
// hands out, the access tokens bought with them, the one gRPC connection that
// carries them, and the greeting with which a connector introduces itself. It
// only knows how to talk; what is said, and when, is the agent's business.
//
// # Credentials
//
// A client id reads <name>@<host>/<rest>, a client secret
// <any>:<any>:v1:<key>, where the key is a JSON Web Key of an Ed25519 private
// key in unpadded base64url. [ParseCredentials] says which part of a pair is
// wrong and never what it holds.
//
// # Tokens
//
// [TokenSource] signs an assertion that lives for two minutes either way, posts
// it to https://<host>/auth/v1/token and keeps the token until ten seconds
// before it ends, or until ConductorOne no longer accepts it.
//
// # Connection
//
// [Dial] keeps one connection for the life of the process and makes it anew
// whenever it breaks. Calls fail at once while there is none; whoever calls
// decides when to try again.
package c1api
