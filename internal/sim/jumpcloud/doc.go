// Package jcsim simulates JumpCloud: an HTTP server with the routes, shapes,
// limits, faults and oddities of its APIs, over organizations that live in
// memory. It is what demos talk to, what tests prove the connector against and
// what measurements run on, so it is exact about what is known of the service,
// switchable where the service is not known or differs between tenants, and fast:
// a tenant of 100,000 users and 2,000,000 memberships is made in under two
// seconds, and a page costs what it holds.
//
// It shares no code with the client of the same API. It is the second opinion.
//
// The nouns:
//
//   - A [Tenant] is one organization: users, administrators, roles, groups,
//     applications and their edges. [Generate] makes one from a seed and a
//     [Size], [Load] reads one from a file that a person can write. It can be
//     edited at any time, also while it is being served, and it tells the truth
//     about itself ([Tenant.Members], [Tenant.EffectiveAppUsers], …), so that a
//     test compares with the tenant and not with what a client read.
//   - A [Server] is a console that serves tenants to API keys and service
//     accounts. It is an [http.Handler] and, for tests without sockets and under
//     virtual time, an [http.RoundTripper] ([Server.RoundTripper]).
//   - [Settings] are its [Behavior] (what is left open by the documents, or
//     differs between tenants), its [Rate] limit, its latency, and [Fault]s.
//     They may be changed while it serves, in Go or through the control routes
//     ([Server.ControlHandler]).
//
// The life of a request: it is counted; the rate limit and the faults decide
// about it in the order of arrival; it waits for its latency; the hook of
// [Server.OnRequest] runs, then the edits of faults; it is authenticated; its
// answer is worked out at one instant under the tenant's lock; and the answer is
// sent, whole or spoiled. A page is therefore always true of one instant, and
// two pages need not be true of the same.
//
// To run it as a program, make the options, check them ([Options.Check]), and
// serve the handler on a loopback listener:
//
//	tenant := jcsim.Generate(1, jcsim.Medium())
//	options := jcsim.Options{Tenant: tenant, Control: true}
//	if err := options.Check(); err != nil { … }
//	server := &http.Server{Handler: jcsim.New(options), ReadHeaderTimeout: 10 * time.Second}
//
// Without credentials in the options it knows one API key, [DefaultKey].
//
// Facts are from the OpenAPI documents of API v1 and v2, recorded traffic, the
// code of JumpCloud's own clients, and issues of public repositories. Where none
// of them tells, the comment of the code says what was chosen.
//
// What not to do: do not mistake an answer of the simulator for evidence about
// JumpCloud; do not use it outside loopback, since anyone who can reach it can
// change its tenants.
package jcsim
