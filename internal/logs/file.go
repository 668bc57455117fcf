package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// errForeign is a file that is not a log.
var errForeign = errors.New("not a log of a Baton connector; choose another file, or move it away")

// open opens a file to add lines to.
func open(path string) (*os.File, error) {
	f, err := regularfile.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	ours, err := isLog(f)
	if err == nil && !ours {
		err = fmt.Errorf("%s: %w", path, errForeign)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// maxFirstLine is how much of the first line is looked at, in bytes.
const maxFirstLine = 256

//nolint:gochecknoglobals // Constants, but for the language.
var (
	// jsonLine begins a line of ours, or one of the connectors that were made with the
	// public SDK, whose log may go on.
	jsonLine = regexp.MustCompile(`^\{"(ts|level)":`)
	// consoleLine is the same of the form for people: the time and the level, perhaps in
	// color.
	consoleLine = regexp.MustCompile(`^(\x1b\[[0-9;]*m)*(\d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d{4}))(\x1b\[[0-9;]*m)*\s+(\x1b\[[0-9;]*m)*(DBG|INF|WRN|ERR|DEBUG|INFO|WARN|ERROR|DPANIC|PANIC|FATAL)\b`)
)

// isLog reports whether a file is empty or begins as a log does.
func isLog(f io.ReaderAt) (bool, error) {
	head := make([]byte, maxFirstLine)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	line, _, _ := bytes.Cut(head[:n], []byte("\n"))
	return n == 0 || jsonLine.Match(line) || consoleLine.Match(line), nil
}
