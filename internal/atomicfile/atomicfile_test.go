package atomicfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/atomicfile"
)

// Readers find whole contents only, whoever writes meanwhile.
func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.json")
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			for range 20 {
				if err := atomicfile.Write(path, []byte(strings.Repeat(string(rune('a'+i)), 10_000))); err != nil {
					t.Error(err)
				}
				text, err := os.ReadFile(path)
				if err != nil || len(text) != 10_000 || strings.Trim(string(text), string(text[:1])) != "" {
					t.Errorf("%d bytes, %v", len(text), err)
				}
			}
		})
	}
	writers.Wait()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), atomicfile.Temporary+"*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := atomicfile.Write(filepath.Join(path, "x"), nil); err == nil {
		t.Error("a folder that is none is no error")
	}
}
