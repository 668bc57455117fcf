package audit

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// disk is a file in memory whose writing can fail.
type disk struct {
	text   string
	calls  []string
	room   int // bytes that still fit
	broken error
}

func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	return strings.NewReader(d.text).ReadAt(p, off)
}

func (d *disk) Write(p []byte) (int, error) {
	d.calls = append(d.calls, "write")
	n := min(len(p), d.room)
	d.text += string(p[:n])
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

func (d *disk) Sync() error { d.calls = append(d.calls, "sync"); return d.broken }

func (d *disk) Truncate(size int64) error {
	d.calls = append(d.calls, "truncate")
	d.text = d.text[:size]
	return nil
}

func TestAppendLine(t *testing.T) {
	t.Parallel()
	broken := errors.New("input/output error")
	for _, tt := range []struct {
		name  string
		disk  disk
		calls string
		text  string
		err   error
	}{
		{"to nothing", disk{room: 100}, "write sync", "new\n", nil},
		{"to lines", disk{text: "old\n", room: 100}, "write sync", "old\nnew\n", nil},
		{"to a torn line", disk{text: "old\nto", room: 100}, "write sync", "old\nto\nnew\n", nil},
		{"on a full disk", disk{text: "old\n", room: 2}, "write truncate", "old\n", io.ErrShortWrite},
		{"on a full disk, to a torn line", disk{text: "to", room: 2}, "write truncate", "to", io.ErrShortWrite},
		{"on a broken disk", disk{text: "old\n", room: 100, broken: broken}, "write sync truncate", "old\n", broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := tt.disk
			err := appendLine(&d, int64(len(d.text)), []byte("new\n"))
			if !errors.Is(err, tt.err) || d.text != tt.text || strings.Join(d.calls, " ") != tt.calls {
				t.Errorf("error %v, calls %v, text %q", err, d.calls, d.text)
			}
		})
	}
}
