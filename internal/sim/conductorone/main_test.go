package c1sim_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the tests of a package that leaves goroutines behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
