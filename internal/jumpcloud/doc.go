// Package jumpcloud reads, and where asked changes, one JumpCloud organization
// through its REST APIs v1 and v2.
//
// # Requests
//
// A [Client] holds one credential: an API key, or the pair of a service account,
// whose access tokens it renews. Every request goes through one limiter, which keeps
// the number at once bounded, serves callers in the order in which they came and
// learns from refusals how fast the server may be asked: JumpCloud publishes no
// rate limit. Reads are repeated for as long as that can help and then fail with
// an [Error] that names the route, the last status and the attempts. Writes are
// sent once; [Error.MaybeDone] says whether one may have taken effect. A redirect
// or a page of HTML is a refusal of the credential, never data.
//
// # Answers
//
// Answers are decoded leniently, since the live service differs from its
// specification: see models.go for what is kept. An unknown field or an unexpected
// type never fails a read; an object without an id always does. What can hold
// secrets, such as an application's config, is neither asked for nor decoded, and
// no error or log line carries an address with its query, a header, or more of a
// body than its message.
//
// # Files
//
// The package is larger than most because it is everything that knows JumpCloud's
// HTTP interface: client.go, request.go, failure.go, retry.go, auth.go and
// transport.go are the core; limiter bounds and repeats requests,
// and paging proves that lists are complete; page.go and decode.go are the
// reading of answers; and there is one file for each area of the API. routes.go lists
// every route in use, and docs/API.md is made of it.
package jumpcloud
