package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// archiveHeader is how many bytes stand before the compressed database.
const archiveHeader = 5

// TestSameForAnyWorkers compares the archives of one tenant that one, four and
// sixteen workers made, byte for byte in their canonical form.
func TestSameForAnyWorkers(t *testing.T) {
	t.Parallel()
	size := jcsim.Medium()
	if testing.Short() {
		size = jcsim.Small()
	}
	tenant := jcsim.Generate(7, size)
	url := serve(t, jcsim.New(jcsim.Options{Tenant: tenant}))
	archives := make(map[int]string)
	for _, workers := range []int{1, 4, 16} {
		archives[workers] = syncOnce(t, url, fmt.Sprintf("--workers=%d", workers))
	}
	want := dump(t, archives[1])
	for _, workers := range []int{4, 16} {
		if got := dump(t, archives[workers]); got != want {
			t.Errorf("the archive of %d workers is another than that of one", workers)
		}
	}

	// One changed byte in a name shows, or the comparison would prove nothing.
	user := tenant.Users()[size.Users/2]
	planted := plant(t, archives[16], []byte(user.Email))
	if dump(t, planted) == want {
		t.Error("a changed byte does not show in the canonical form")
	}
}

// plant copies an archive and changes one byte where a text stands in it.
func plant(t *testing.T, archive string, text []byte) string {
	t.Helper()
	packed, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := zstd.NewReader(bytes.NewReader(packed[archiveHeader:]))
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	database, err := io.ReadAll(decoder)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(database, text)
	if at < 0 {
		t.Fatalf("%q is not in the archive", text)
	}
	database[at] ^= 1
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "planted.c1z")
	if err := os.WriteFile(path, encoder.EncodeAll(database, packed[:archiveHeader:archiveHeader]), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
