// Package c1sim stands in for ConductorOne: a token endpoint and the gRPC service
// that connectors talk to, on one TLS address, as the real one has it. It is used
// by tests, and by the simulate command so that the real connector can be run as
// a service with no account anywhere.
//
// It is a second opinion on the protocol: it shares no code with the packages
// that speak it, checks every request against the limits that ConductorOne
// publishes in its messages, and keeps a record of what it received.
//
// # Life of a task
//
// [Server.Enqueue] puts a task in the queue, where it waits until a poll hands it
// out. Handing out is a lease: a task that is neither finished nor kept alive by
// heartbeats for [Options.Lease] waits again, under the same id, and may be handed
// out once more. It ends finished, with the first result that arrives, or
// cancelled. Full syncs are queued by themselves every [Options.SyncEvery].
//
// # Faults
//
// [Options.Faults] is asked about each call what should become of it: delayed,
// refused, performed with its answer lost, cancelled, cut off. [Random] makes one
// from rates and a seed.
package c1sim
