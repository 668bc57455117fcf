// Package agent is the service mode: it stays connected to ConductorOne, asks for
// tasks, carries them out and reports how they went. What a task does is behind
// ports; nothing here knows what the connector connects to.
//
// # Promises
//
// Every task that is begun is finished with one result. The result is written to
// the ledger before it is sent, and sent until ConductorOne has certainly taken it
// or says that it no longer wants it. A restart sends the pending results of the last run. A
// task that comes again while its result is pending gets that result and is not
// carried out again. A task that was cut off by a kill comes again by itself, when
// ConductorOne misses it, and is then carried out knowing that it may have taken
// effect.
//
// # Parts
//
// The loop asks for work when it has a free slot, never before. A source fetches:
// one task at a time, or several into a queue. The book knows the tasks in hand:
// running, pending, settled. The sender delivers results. A full sync beats its
// heart and uploads its archive. The link tells whether ConductorOne accepts us.
package agent
