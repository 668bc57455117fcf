package agent

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// However a file gives its bytes, chunks are full ones.
func TestChunksAreFull(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("0123456789abcdef", (2*uploadChunk+uploadChunk/2)/16)
	for name, reader := range map[string]io.Reader{
		"at once":        strings.NewReader(content),
		"in halves":      iotest.HalfReader(strings.NewReader(content)),
		"byte by byte":   iotest.OneByteReader(strings.NewReader(content)),
		"data with EOF":  iotest.DataErrReader(strings.NewReader(content)),
		"nothing at all": strings.NewReader(""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := []int{uploadChunk, uploadChunk, uploadChunk / 2}
			if name == "nothing at all" {
				want = nil
			}
			var sizes []int
			var got bytes.Buffer
			var sum []byte
			send := func(m *pb.BatonServiceUploadAssetRequest) error {
				if data := m.GetData().GetData(); len(data) > 0 {
					sizes = append(sizes, len(data))
					got.Write(data)
				}
				sum = m.GetEof().GetSha256Checksum()
				return nil
			}
			if err := (&uploader{hostID: "h"}).sendAll(send, "t", reader); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, sizes); diff != "" {
				t.Errorf("sizes of the chunks (-want +got):\n%s", diff)
			}
			if all := sha256.Sum256(got.Bytes()); !bytes.Equal(all[:], sum) {
				t.Error("the checksum is not that of what was sent")
			}
		})
	}
}

// A file that cannot be read to its end is not sent as if it ended there.
func TestUnreadableFileIsNotSentWhole(t *testing.T) {
	t.Parallel()
	broken := errors.New("input/output error")
	ended := false
	send := func(m *pb.BatonServiceUploadAssetRequest) error {
		ended = ended || m.GetEof() != nil
		return nil
	}
	reader := io.MultiReader(strings.NewReader(strings.Repeat("x", uploadChunk+1)), iotest.ErrReader(broken))
	if err := (&uploader{hostID: "h"}).sendAll(send, "t", reader); !errors.Is(err, broken) || ended {
		t.Errorf("error is %v, ended %v", err, ended)
	}
}
