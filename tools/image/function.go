package main

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// functionUser is the user that AWS Lambda runs functions as, and /tmp the only folder
// that it can write.
const functionUser = 993

// function makes the image of the connector as a function, and runs it if it shall. A
// platform takes one Docker manifest for one architecture.
func function(ctx context.Context, o options, arch, binary string, run bool, w io.Writer) error {
	base, limit := empty.Image, int64(maxBytes)
	if o.functionBase != "" {
		var err error
		if base, err = tarball.ImageFromPath(o.functionBase, nil); err != nil {
			return fmt.Errorf("read the base: %w", err)
		}
		limit = math.MaxInt64
	}
	config, err := base.ConfigFile()
	if err != nil {
		return err
	}
	if o.functionBase != "" && config.Architecture != arch {
		_, _ = fmt.Fprintf(w, "no lambda-%s: the base is for %s\n", arch, config.Architecture)
		return nil
	}
	img, err := assembleFunction(o, base, *config.DeepCopy(), arch, binary)
	if err != nil {
		return err
	}
	if err := keep(o, w, "lambda-"+arch, arch, img, limit); err != nil {
		return err
	}
	if !run {
		return nil
	}
	return runFunction(ctx, img, filepath.Join(o.out, "rootfs-lambda"), w)
}

func assembleFunction(o options, base v1.Image, config v1.ConfigFile, arch, binary string) (v1.Image, error) {
	program, err := os.ReadFile(binary) //nolint:gosec // The file that compile wrote.
	if err != nil {
		return nil, err
	}
	folders, err := layer(types.DockerLayer, []tar.Header{{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}}, nil)
	if err != nil {
		return nil, err
	}
	main, err := layer(types.DockerLayer, programHeader(program), program)
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(base, folders, main)
	if err != nil {
		return nil, err
	}
	config.RootFS, config.History = must(img.ConfigFile()).RootFS, nil
	config.Architecture, config.OS = arch, "linux"
	config.Config.Entrypoint, config.Config.Cmd = []string{"/baton-jumpcloud", "lambda"}, nil
	config.Config.Labels = labels(o)
	return mutate.ConfigFile(img, &config)
}
