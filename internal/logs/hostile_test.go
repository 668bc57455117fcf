package logs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"unicode"

	"github.com/conductorone/baton-jumpcloud/internal/logs"
)

// TestHostileTextIsVisible logs texts from outside in every place of a record: no
// character reaches the log that commands a terminal or turns what follows.
func TestHostileTextIsVisible(t *testing.T) {
	t.Parallel()
	const hostile = "a\x00b\x1b[31m\u009bc\x7f\u202egpj\xff\u2028\r\nline"
	for _, format := range []string{logs.FormatJSON, logs.FormatConsole} {
		var out bytes.Buffer
		log, err := logs.New(logs.Options{Format: format, Stderr: &out})
		if err != nil {
			t.Fatal(err)
		}
		log.Info(hostile, "text", hostile, "error", errors.New(hostile), slog.Group("in", "text", hostile))
		line := strings.TrimSuffix(out.String(), "\n")
		if i := strings.IndexFunc(line, func(r rune) bool {
			return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028
		}); i >= 0 {
			t.Errorf("%s: %q", format, line[max(0, i-10):])
		}
		if format == logs.FormatJSON {
			var got map[string]any
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatal(err)
			}
			if want := `a\u0000b\u001b[31m\u009bc\u007f\u202egpj\xff\u2028\r` + "\nline"; got["text"] != want || got["error"] != want {
				t.Errorf("text %q, error %q, want %q", got["text"], got["error"], want)
			}
		}
	}
}
