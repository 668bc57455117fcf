package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// lineStart begins every line of the trail.
const lineStart = `{"event":"`

// errForeign is a file that holds something else.
var errForeign = errors.New("not an audit file; name another one, or move it away")

// Check refuses a file that [Start] would refuse, and neither makes nor changes one.
func Check(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	// What is in it comes first: the mode of somebody else's notes is not to be changed.
	if err == nil && info.Mode().IsRegular() {
		err = checkFile(path)
	}
	if err == nil {
		err = judge(info)
	}
	if err != nil {
		return fmt.Errorf("start audit file %s: %w", path, err)
	}
	return nil
}

func checkFile(path string) error {
	f, err := regularfile.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return checkContent(f)
}

// checkContent refuses a file that does not begin as a trail does. Its first line may
// be one that a process did not finish.
func checkContent(f io.ReaderAt) error {
	head := make([]byte, len(lineStart))
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	line, _, _ := bytes.Cut(head[:n], []byte("\n"))
	if n > 0 && (len(line) == 0 || !bytes.HasPrefix([]byte(lineStart), line)) {
		return errForeign
	}
	return nil
}
