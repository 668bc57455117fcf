package main

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"golang.org/x/sys/unix"
)

// runImage unpacks the image and runs it the way a cluster does: chroot, user
// 65532, no write access but to the state folder. The demo is the whole job with
// nothing else at hand, so it is what is run.
func runImage(ctx context.Context, img v1.Image, root string, w io.Writer) error {
	c, release, err := lockUp(img, cage{root: root, user: user, folder: stateDir})
	if err != nil {
		return err
	}
	defer release()
	for _, args := range [][]string{{"--version"}, {"demo", "--file", stateDir + "/demo.c1z"}} {
		out, err := c.command(ctx, nil, args...).CombinedOutput()
		_, _ = fmt.Fprintf(w, "$ baton-jumpcloud %s\n%s\n", strings.Join(args, " "), strings.TrimSpace(string(out)))
		if err != nil {
			return fmt.Errorf("baton-jumpcloud %s: %w", args[0], err)
		}
	}
	if _, err := os.Stat(filepath.Join(c.root, stateDir, "demo.c1z")); err != nil {
		return err
	}
	if err := c.serve(ctx, w); err != nil {
		return fmt.Errorf("run as a service: %w", err)
	}
	_, _ = fmt.Fprintf(w, "ran as user %d on a read-only root; only %s can be written\n", c.user, c.folder)
	return nil
}

// runFunction runs a platform within the image of the function, which starts the function
// by the same program and syncs it once.
func runFunction(ctx context.Context, img v1.Image, root string, w io.Writer) error {
	c, release, err := lockUp(img, cage{root: root, user: functionUser, folder: "/tmp"})
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	simulate := c.command(ctx, nil, "simulate", "--hosted", "--size=small", "--addr=127.0.0.1:0", "--sync-every=1h")
	simulate.Stderr = w
	stdout, err := simulate.StdoutPipe()
	if err != nil {
		return err
	}
	if err := simulate.Start(); err != nil {
		return err
	}
	synced := false
	for lines := bufio.NewScanner(stdout); !synced && lines.Scan(); {
		synced = strings.Contains(lines.Text(), "equal to the organization")
		if strings.Contains(lines.Text(), "sync") {
			_, _ = fmt.Fprintln(w, lines.Text())
		}
	}
	cancel()
	_ = simulate.Wait() // It was killed.
	if !synced {
		return errors.New("the function was not synced")
	}
	_, _ = fmt.Fprintf(w, "ran as user %d on a read-only root; only %s can be written\n", c.user, c.folder)
	return nil
}

// cage runs the program within the image.
type cage struct {
	root   string // where the image is unpacked
	user   uint32
	folder string // that can be written
}

// lockUp unpacks an image and makes it read-only, as a container runtime does.
func lockUp(img v1.Image, c cage) (cage, func(), error) {
	if os.Geteuid() != 0 {
		return c, nil, errNotRoot
	}
	if err := unpack(img, c.root); err != nil {
		return c, nil, fmt.Errorf("unpack: %w", err)
	}
	var err error
	if c.root, err = filepath.Abs(c.root); err != nil {
		return c, nil, err
	}
	release, err := c.readOnly()
	return c, release, err
}

func (c cage) command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/baton-jumpcloud", args...) //nolint:gosec // The arguments are those of this file.
	cmd.Dir = "/"
	cmd.Env = append([]string{"BATON_STATE_DIR=" + c.folder, "HOME=/"}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root, Credential: &syscall.Credential{Uid: c.user, Gid: c.user, Groups: []uint32{c.user}}}
	return cmd
}

// serve runs the simulators and, with the settings that they print, the service
// until an archive has arrived; then it stops the service as a cluster does.
func (c cage) serve(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	simulate := c.command(ctx, nil, "simulate", "--conductorone", "--size=small", "--addr=127.0.0.1:0", "--conductorone-addr=127.0.0.1:0",
		"--conductorone-dir="+stateDir+"/simulator")
	simulate.Stderr = w
	stdout, err := simulate.StdoutPipe()
	if err != nil {
		return err
	}
	if err := simulate.Start(); err != nil {
		return err
	}
	defer func() {
		cancel()
		_ = simulate.Wait() // It was killed.
	}()
	var env []string
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Press Ctrl-C") {
		if setting, ok := strings.CutPrefix(lines.Text(), "  export "); ok {
			env = append(env, setting)
		}
	}
	if len(env) < 5 {
		return errors.New("the simulators did not start")
	}
	// A single setting a line is meant; the last ones are the service's.
	service := c.command(ctx, env[len(env)-5:])
	service.Stderr = w
	if err := service.Start(); err != nil {
		return err
	}
	arrived := false
	for !arrived && lines.Scan() {
		arrived = strings.Contains(lines.Text(), "equal to the organization")
		_, _ = fmt.Fprintln(w, lines.Text())
	}
	if err := service.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := service.Wait(); err != nil {
		return err
	}
	if !arrived {
		return errors.New("no archive arrived")
	}
	return nil
}

// readOnly makes the tree read-only except for the folder, with /proc and /dev/null, as
// in every container.
func (c cage) readOnly() (release func(), err error) {
	var mounted []string
	release = func() {
		for _, path := range slices.Backward(mounted) {
			_ = unix.Unmount(path, unix.MNT_DETACH)
		}
	}
	mount := func(source, target, kind string, flags uintptr) {
		if err != nil {
			return
		}
		if err = unix.Mount(source, target, kind, flags, ""); err != nil {
			err = fmt.Errorf("mount %s: %w", target, err)
		} else if flags&unix.MS_REMOUNT == 0 {
			mounted = append(mounted, target)
		}
	}
	folder, proc := filepath.Join(c.root, c.folder), filepath.Join(c.root, "proc")
	null := filepath.Join(c.root, os.DevNull)
	if err := errors.Join(os.MkdirAll(proc, 0o755), copyFile(null, strings.NewReader(""))); err != nil { //nolint:gosec // Everybody reads it.
		return nil, err
	}
	mount(c.root, c.root, "", unix.MS_BIND)
	mount(folder, folder, "", unix.MS_BIND)
	mount(os.DevNull, null, "", unix.MS_BIND)
	mount("proc", proc, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC)
	mount("", c.root, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY)
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

func unpack(img v1.Image, root string) error {
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	r := mutate.Extract(img)
	defer r.Close()
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		p := filepath.Join(root, filepath.Clean("/"+h.Name))
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(p, 0o755); err != nil { //nolint:gosec // The mode follows below.
				return err
			}
		} else if err := copyFile(p, t); err != nil {
			return err
		}
		if err := os.Lchown(p, h.Uid, h.Gid); err != nil {
			return err
		}
		if err := os.Chmod(p, os.FileMode(h.Mode&0o777)|sticky(h.Mode)); err != nil {
			return err
		}
	}
}

func sticky(mode int64) os.FileMode {
	if mode&0o1000 != 0 {
		return os.ModeSticky
	}
	return 0
}

func copyFile(path string, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // The image's own root.
		return err
	}
	f, err := os.Create(path) //nolint:gosec // Below the folder that was just made.
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
