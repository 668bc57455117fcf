// Package e2e holds the tests of the whole: that a sync is complete or fails,
// whatever the server, the disk or the operating system do meanwhile. There is
// nothing in it but tests.
//
// The tests run the pipeline as it is put together for users: the JumpCloud client,
// the connector, the engine, the work database and the archive, all real, against
// the simulator. They come in two kinds.
//
//   - In process: a [syncer.Source] over a client whose transport is the simulator.
//     A test can change the tenant between two requests, draw the whole case at
//     random, wrap a part to plant a fault in it, and let hours pass in virtual
//     time. See pipeline_test.go.
//   - With the real binary, built once, over loopback: messages, exit codes, files,
//     signals and kills. See binary_test.go.
//
// Between the two stands a sync of the first kind in a process of its own, which
// kills itself at a point that nobody outside could meet. See durable_test.go.
//
// Tests of processes and of memory are not compiled with the race detector (!race): the
// program that they start has none in it.
//
// TestChaos mixes everything that can go wrong, by plans that are drawn from seeds, for
// as long as one likes. See chaos_test.go and docs/TESTING.md.
//
// What an archive must hold is never taken from the connector. The oracle
// (oracle_test.go) knows the history of a tenant and nothing of how it is read:
// whoever was there throughout must be in the archive, once; whoever never was must
// not be; for the rest either answer is true.
//
// A comparison that cannot fail proves nothing. The tests named TestPlanted plant
// violations of the invariants of docs/ARCHITECTURE.md and expect the check of each
// to see it: in parts that they wrap, or in the source.
//
// The sweeps over points of time are thin by default and thinner with -short; with
// -e2e.sweep they are complete, and the faults in the source are run.
//
// [syncer.Source]: https://pkg.go.dev/github.com/conductorone/baton-jumpcloud/internal/syncer#Source
package e2e
