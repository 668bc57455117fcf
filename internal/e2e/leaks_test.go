//go:build unix && !race

package e2e_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// archiveHeader is how many bytes stand before the compressed database.
const archiveHeader = 5

// leaks looks for the program's secrets in everything that it wrote: its output, and
// every file in its folder, archives unpacked.
func (p *program) leaks(r result) []string {
	p.t.Helper()
	written := map[string][]byte{"stdout": []byte(r.stdout), "stderr": []byte(r.stderr)}
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return nil
		}
		if strings.HasSuffix(path, ".c1z") && len(content) > archiveHeader {
			content = append(content, unpacked(content[archiveHeader:])...)
		}
		written[path] = content
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return find(p.secrets, written)
}

// unpacked decodes a frame; nothing of one that is damaged.
func unpacked(frame []byte) []byte {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(256<<20))
	if err != nil {
		return nil
	}
	defer decoder.Close()
	content, _ := decoder.DecodeAll(frame, nil)
	return content
}

// find names the places where a secret stands, plainly or in the forms that headers
// and JSON give it.
func find(secrets []string, written map[string][]byte) []string {
	var found []string
	for _, secret := range secrets {
		forms := []string{
			secret, fmt.Sprintf("%q", secret), base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret)),
			fmt.Sprintf("%x", secret),
		}
		for place, content := range written {
			for _, form := range forms {
				if bytes.Contains(content, []byte(strings.Trim(form, `"=`))) {
					found = append(found, fmt.Sprintf("the secret that begins with %.6q stands in %s", secret, place))
					break
				}
			}
		}
	}
	return found
}
