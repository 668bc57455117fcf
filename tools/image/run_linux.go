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
	if os.Geteuid() != 0 {
		return errNotRoot
	}
	if err := unpack(img, root); err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	// A mount stays in this process's own namespace only when the process that
	// mounts has one; so the mounts are made by a copy of this thread.
	release, err := readOnly(abs)
	if err != nil {
		return err
	}
	defer release()
	c := cage{root: abs}
	for _, args := range [][]string{{"--version"}, {"demo", "--file", stateDir + "/demo.c1z"}} {
		out, err := c.command(ctx, nil, args...).CombinedOutput()
		_, _ = fmt.Fprintf(w, "$ baton-jumpcloud %s\n%s\n", strings.Join(args, " "), strings.TrimSpace(string(out)))
		if err != nil {
			return fmt.Errorf("baton-jumpcloud %s: %w", args[0], err)
		}
	}
	if _, err := os.Stat(filepath.Join(abs, stateDir, "demo.c1z")); err != nil {
		return err
	}
	if err := c.serve(ctx, w); err != nil {
		return fmt.Errorf("run as a service: %w", err)
	}
	_, _ = fmt.Fprintf(w, "ran as user %d on a read-only root; only %s can be written\n", user, stateDir)
	return nil
}

// cage runs the program within the image.
type cage struct{ root string }

func (c cage) command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/baton-jumpcloud", args...) //nolint:gosec // The arguments are those of this file.
	cmd.Dir = "/"
	cmd.Env = append([]string{"BATON_STATE_DIR=" + stateDir, "HOME=/"}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root, Credential: &syscall.Credential{Uid: user, Gid: user, Groups: []uint32{user}}}
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

// readOnly makes the tree read-only except for the state folder.
func readOnly(root string) (func(), error) {
	state := filepath.Join(root, stateDir)
	if err := unix.Mount(root, root, "", unix.MS_BIND, ""); err != nil {
		return nil, fmt.Errorf("bind %s: %w", root, err)
	}
	release := func() { _ = unix.Unmount(state, unix.MNT_DETACH); _ = unix.Unmount(root, unix.MNT_DETACH) }
	if err := unix.Mount(state, state, "", unix.MS_BIND, ""); err != nil {
		release()
		return nil, fmt.Errorf("bind the state folder: %w", err)
	}
	if err := unix.Mount("", root, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		release()
		return nil, fmt.Errorf("remount read-only: %w", err)
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
