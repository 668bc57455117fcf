package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Result is one sync that was measured: one line of the results file. Times are in
// seconds, sizes in bytes.
type Result struct {
	Cell   string    `json:"cell"`
	Round  int       `json:"round"` // from 1
	Commit string    `json:"commit"`
	Seed   uint64    `json:"seed"`
	Time   time.Time `json:"time"`
	Host   Machine   `json:"machine"`
	// Load is how busy the machine was before, over a minute.
	Load float64 `json:"load"`

	Wall float64 `json:"wall"`
	// CPU is the connector's processor time; Peak the most memory that its process
	// held, 0 where that is not known.
	CPU  float64 `json:"cpu"`
	Peak int64   `json:"peak"`

	Reading   float64 `json:"reading"`
	LookingUp float64 `json:"looking_up"`
	Joining   float64 `json:"joining"`
	Writing   float64 `json:"writing"`
	Packing   float64 `json:"packing"`

	Requests int64 `json:"requests"`
	Minimum  int64 `json:"minimum"`
	Refused  int64 `json:"refused"`
	// InFlight is how many requests the connector had under way at once at most, and
	// Underway on average while it read, from sending to the end of the body; Served
	// is how many the server saw at once at most.
	InFlight int64   `json:"in_flight"`
	Underway float64 `json:"underway"`
	Served   int64   `json:"served"`

	Grants    int64 `json:"grants"`
	Inherited int64 `json:"inherited"`
	Archive   int64 `json:"archive"`
	Decoded   int64 `json:"decoded"`
}

// Machine is what a result was measured on.
type Machine struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Memory    int64  `json:"memory"`
	OS        string `json:"os"`
	Go        string `json:"go"`
}

// GrantsPerSecond is how fast grants are written and packed.
func (r Result) GrantsPerSecond() float64 { return float64(r.Grants) / max(1e-9, r.Writing+r.Packing) }

// loadResults reads a results file; there need not be one.
func loadResults(path string) ([]Result, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	var results []Result
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		var r Result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("read results: %s, line %d: %w", path, n, err)
		}
		results = append(results, r)
	}
	return results, lines.Err()
}

// appendResult adds a line to a results file, and makes sure that it is there when
// the machine fails.
func appendResult(path string, r Result) (err error) {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // Results are for everybody to read.
		return fmt.Errorf("keep a result: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644) //nolint:gosec // As above.
	if err != nil {
		return fmt.Errorf("keep a result: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("keep a result: %w", err)
	}
	return f.Sync()
}
