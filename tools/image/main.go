// Command image assembles the container images without a daemon and proves that
// they run. For each architecture there are two: the connector, a scratch image with
// the static binary, /tmp and a state folder, written as an OCI layout and a tarball
// that `docker load` takes; and the connector as a function of a platform, with
// `/baton-jumpcloud lambda` as entry point, as a tarball with one Docker manifest.
// Those for this machine are started as an unprivileged user on a read-only root of
// which only one folder can be written.
package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	repository = "ghcr.io/conductorone/baton-jumpcloud"
	user       = 65532
	stateDir   = "/var/lib/baton-jumpcloud"
	maxBytes   = 30_000_000 // compressed, for each architecture, a given base aside
)

type options struct {
	source, out, version, commit string
	functionBase                 string
	run                          bool
}

func main() {
	var o options
	flag.StringVar(&o.source, "source", ".", "folder of the project")
	flag.StringVar(&o.out, "out", "dist/image", "folder to write the images to")
	flag.StringVar(&o.version, "version", "dev", "version that the labels state; the binary knows its own from the repository")
	flag.StringVar(&o.commit, "commit", "", "commit that the labels state")
	flag.StringVar(&o.functionBase, "function-base", "", "base of the function's images, a file of docker save for the architecture that it has; scratch if empty")
	flag.BoolVar(&o.run, "run", true, "run the image of this machine's architecture (needs root)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := build(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		stop()
		os.Exit(1) //nolint:gocritic // Here it ends; stop was called.
	}
}

// build makes every architecture's image, an index of them, and runs one.
func build(ctx context.Context, o options, w io.Writer) error {
	if err := os.RemoveAll(o.out); err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o750); err != nil {
		return err
	}
	index := mutate.IndexMediaType(empty.Index, "application/vnd.oci.image.index.v1+json")
	for _, arch := range []string{"amd64", "arm64"} {
		binary := filepath.Join(o.out, "baton-jumpcloud-"+arch)
		if err := compile(ctx, o, arch, binary); err != nil {
			return err
		}
		img, err := assemble(o, arch, binary)
		if err != nil {
			return fmt.Errorf("assemble %s: %w", arch, err)
		}
		if err := keep(o, w, arch, arch, img, maxBytes); err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
		run := o.run && arch == runtime.GOARCH
		if run {
			if err := runImage(ctx, img, filepath.Join(o.out, "rootfs"), w); err != nil {
				return fmt.Errorf("run the image: %w", err)
			}
		}
		if err := function(ctx, o, arch, binary, run, w); err != nil {
			return fmt.Errorf("image of the function for %s: %w", arch, err)
		}
	}
	if _, err := layout.Write(filepath.Join(o.out, "oci"), index); err != nil {
		return fmt.Errorf("write OCI layout: %w", err)
	}
	_, _ = fmt.Fprintf(w, "written to %s (oci/ for registries, *.tar for docker load)\n", o.out)
	return nil
}

// keep writes an image as a tarball named after what it is, unless it has more bytes than
// it may.
func keep(o options, w io.Writer, what, arch string, img v1.Image, limit int64) error {
	size, err := compressedSize(img)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "%s for linux/%s: %.1f MB compressed\n", what, arch, float64(size)/1e6)
	if size > limit {
		return fmt.Errorf("the image has %d bytes compressed, more than %d", size, limit)
	}
	tag, err := name.NewTag(repository + ":" + o.version + "-" + what)
	if err != nil {
		return err
	}
	if err := tarball.WriteToFile(filepath.Join(o.out, "baton-jumpcloud-"+what+".tar"), tag, img); err != nil {
		return fmt.Errorf("write tarball: %w", err)
	}
	return nil
}

func compile(ctx context.Context, o options, arch, binary string) error {
	abs, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	vcs := "-buildvcs=false" // Git does not answer for the folder.
	if o.commit != "" {
		vcs = "-buildvcs=true"
	}
	//nolint:gosec // What is built and where to is said by whoever runs this.
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", vcs, "-ldflags", "-s -w", "-o", abs, "./cmd/baton-jumpcloud")
	cmd.Dir = o.source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("compile for %s: %w", arch, err)
	}
	return nil
}

// assemble makes the image: one layer of the folders, one of the binary, so that
// a new version replaces one layer only.
func assemble(o options, arch, binary string) (v1.Image, error) {
	program, err := os.ReadFile(binary) //nolint:gosec // The file that compile wrote.
	if err != nil {
		return nil, err
	}
	folders, err := layer(types.OCILayer, []tar.Header{
		{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
		{Typeflag: tar.TypeDir, Name: "var/", Mode: 0o755},
		{Typeflag: tar.TypeDir, Name: "var/lib/", Mode: 0o755},
		{Typeflag: tar.TypeDir, Name: stateDir[1:] + "/", Mode: 0o700, Uid: user, Gid: user},
	}, nil)
	if err != nil {
		return nil, err
	}
	main, err := layer(types.OCILayer, programHeader(program), program)
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(empty.Image, folders, main)
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(img, &v1.ConfigFile{
		Architecture: arch,
		OS:           "linux",
		RootFS:       must(img.ConfigFile()).RootFS,
		Config: v1.Config{
			User:       fmt.Sprintf("%d:%d", user, user),
			Entrypoint: []string{"/baton-jumpcloud"},
			WorkingDir: stateDir,
			Env:        []string{"BATON_STATE_DIR=" + stateDir},
			Labels:     labels(o),
		},
	})
}

func programHeader(program []byte) []tar.Header {
	return []tar.Header{{Typeflag: tar.TypeReg, Name: "baton-jumpcloud", Mode: 0o755, Size: int64(len(program))}}
}

func labels(o options) map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       "baton-jumpcloud",
		"org.opencontainers.image.description": "Identity governance connector for JumpCloud",
		"org.opencontainers.image.source":      "https://github.com/conductorone/baton-jumpcloud",
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.version":     o.version,
		"org.opencontainers.image.revision":    o.commit,
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // An image in memory cannot fail to tell its configuration.
	}
	return v
}

// layer packs entries with fixed times, so that equal content gives equal digests.
func layer(media types.MediaType, headers []tar.Header, content []byte) (v1.Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for i := range headers {
		headers[i].ModTime = time.Unix(0, 0)
		if err := w.WriteHeader(&headers[i]); err != nil {
			return nil, err
		}
		if headers[i].Typeflag == tar.TypeReg {
			if _, err := w.Write(content); err != nil {
				return nil, err
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(buf.Bytes())), nil
	}, tarball.WithMediaType(media))
}

func compressedSize(img v1.Image) (int64, error) {
	layers, err := img.Layers()
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, l := range layers {
		n, err := l.Size()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

var errNotRoot = errors.New("running the image needs root; use -run=false to assemble it only")
