package main

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"google.golang.org/grpc"

	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/hostedsync"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/platform"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// sandboxes hands each call to another process of one function than the one before.
type sandboxes struct {
	grpc.ClientConnInterface
	conns []*platform.Conn
	calls atomic.Int64
}

func (s *sandboxes) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return s.conns[int(s.calls.Add(1))%len(s.conns)].Invoke(ctx, method, args, reply, opts...)
}

// TestLambdaSync syncs the program as a platform does that hosts it in two processes: the
// archive is the one that the program writes by itself.
func TestLambdaSync(t *testing.T) {
	t.Parallel()
	jc := httptest.NewServer(jcsim.New(jcsim.Options{Tenant: jcsim.Generate(4, jcsim.Size{Users: 230, Groups: 14, Apps: 8, Admins: 9, CustomRoles: 3})}))
	t.Cleanup(jc.Close)
	want := dump(t, syncOnce(t, jc.URL))
	var s sandboxes
	var processes []*running
	for range 2 {
		h := newHosting(t, platform.Config{Version: "v1", Settings: map[string]any{"api-key": jcsim.DefaultKey, "base-url": jc.URL}})
		p := h.start("lambda")
		h.started(p)
		s.conns, processes = append(s.conns, h.conn), append(processes, p)
	}
	path := filepath.Join(t.TempDir(), "hosted.c1z")
	summary, err := hostedsync.Run(t.Context(), hostedsync.Options{
		Conn: &s, Path: path, WorkDir: t.TempDir(), Workers: 3, Attempts: 3, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := dump(t, path); got != want {
		t.Error("the archive of the hosted program is another one")
	}
	if len(summary.Warnings) > 0 || summary.Retried > 0 || summary.Grants == 0 {
		t.Errorf("%+v", summary)
	}
	for _, p := range processes {
		if code := p.signal(syscall.SIGTERM); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
}
