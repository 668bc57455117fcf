// Command baton-jumpcloud reads a JumpCloud organization into a Baton archive.
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
	signal.Notify(signals, stopSignals()...)
	go func() {
		cancel(fault.Interrupted{Signal: name(<-signals)})
		// Whoever asks twice does not want to wait for anything. A terminal that closes
		// sends SIGHUP twice by itself: through its shell and from the system.
		for s := range signals {
			if s != syscall.SIGHUP {
				os.Exit(1)
			}
		}
	}()
	// Somebody who reads no further, as head, makes a write fail instead of killing
	// the process, so that it cleans up behind itself.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(cli.Main(ctx, cli.Process{
		Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Lookup: os.LookupEnv,
	}))
}

// stopSignals are the signals that ask for an orderly end: from the keyboard, from a
// supervisor, and from a terminal that is closed unless the process was started to
// outlive it, as by nohup. SIGQUIT stays what it is in every Go program: it prints what
// all goroutines are doing and ends at once.
func stopSignals() []os.Signal {
	stop := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		stop = append(stop, syscall.SIGHUP)
	}
	return stop
}

// name is a signal as its senders write it.
func name(s os.Signal) string {
	switch s {
	case os.Interrupt:
		return "SIGINT"
	case syscall.SIGHUP:
		return "SIGHUP"
	default:
		return "SIGTERM"
	}
}
