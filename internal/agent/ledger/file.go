package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

const (
	extension = ".json"
	// temporary begins the names of files that are being written.
	temporary = ".writing-"
)

func fileName(taskID string) string {
	sum := sha256.Sum256([]byte(taskID))
	return hex.EncodeToString(sum[:16]) + extension
}

// replace puts data under a name in one step that survives a loss of power.
func replace(dir, name string, data []byte) error {
	written, err := writeTemporary(dir, data)
	if err != nil {
		return err
	}
	if err := os.Rename(written, filepath.Join(dir, name)); err != nil {
		return errors.Join(err, os.Remove(written))
	}
	return syncDir(dir)
}

func writeTemporary(dir string, data []byte) (string, error) {
	file, err := os.CreateTemp(dir, temporary+"*") // Mode 0600.
	if err != nil {
		return "", err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

// syncDir makes a rename last. Windows has no such call and needs none.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir) //nolint:gosec // The folder is the ledger's own.
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
