package e2e_test

import (
	"fmt"
	"syscall"
	"testing"
)

// mount puts a disk of some size into a folder until the test ends, and returns how
// to give it another size. It takes the rights of the administrator.
func mount(t *testing.T, dir string, size int) (resize func(size int), err error) {
	t.Helper()
	option := func(size int) string { return fmt.Sprintf("size=%d", size) }
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, option(size)); err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return func(size int) {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, option(size)); err != nil {
			t.Fatal(err)
		}
	}, nil
}
