// Command baton-jumpcloud reads a JumpCloud organisation into a Baton archive.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/conductorone/baton-jumpcloud/internal/cli"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
)

// gcPercent keeps a sync of 100,000 users and 2,000,000 memberships below its 150
// MiB: 133 MiB instead of 151, for a seventh more processor time. GOGC in the
// environment outweighs it.
const gcPercent = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		cancel(fault.Interrupted{Signal: name(<-signals)})
		// Whoever asks twice does not want to wait for anything.
		<-signals
		os.Exit(1)
	}()
	// Somebody who reads no further, as head, makes a write fail instead of killing
	// the process, so that it cleans up behind itself.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(cli.Main(ctx, cli.Process{
		Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Lookup: os.LookupEnv,
	}))
}

// name is a signal as its senders write it.
func name(s os.Signal) string {
	if s == os.Interrupt {
		return "SIGINT"
	}
	return "SIGTERM"
}
