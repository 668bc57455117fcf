package syncrun

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

// WorkSuffix is what the name of a work folder has behind that of its archive.
const WorkSuffix = ".work"

// WorkDir is the folder for the files of a run that is not finished. It has the
// same name in every run for the same archive, so that the next one finds it.
func WorkDir(out config.Output) (string, error) {
	file, err := filepath.Abs(out.File)
	if err != nil {
		return "", fmt.Errorf("locate work directory: %w", err)
	}
	if out.TempDir == "" {
		return file + WorkSuffix, nil
	}
	temp, err := filepath.Abs(out.TempDir)
	if err != nil {
		return "", fmt.Errorf("locate work directory: %w", err)
	}
	sum := sha256.Sum256([]byte(file))
	return filepath.Join(temp, version.Program+"-"+hex.EncodeToString(sum[:8])+WorkSuffix), nil
}

// MakeWorkDir makes the folder, or takes over the one that an earlier run of the
// same user left. In a shared folder for temporary files somebody else might have
// made it, to read what is stored in it or to have it believed.
func MakeWorkDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		return nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create work directory: %w", err)
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("create work directory: %w", err)
	case !info.IsDir():
		return fmt.Errorf("create work directory: %s is not a directory; remove it", dir)
	case !regularfile.OwnedByUs(info):
		return fmt.Errorf("create work directory: %s is owned by another user; remove it, or choose another place with BATON_TMPDIR", dir)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("create work directory: %s is accessible to other users (mode %04o); remove it", dir, info.Mode().Perm())
	}
	// A run that was killed had no time to.
	return c1z.RemoveUnpacked(dir)
}
