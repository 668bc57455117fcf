//go:build unix && !linux

package e2e_test

import (
	"errors"
	"testing"
)

// mount is known for Linux only.
func mount(*testing.T, string, int) (resize func(size int), err error) {
	return nil, errors.ErrUnsupported
}
