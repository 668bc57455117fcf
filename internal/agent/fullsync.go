package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/agent/tasks"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// debugLogName is the file of the debug log in the temporary folder.
const debugLogName = "debug.log"

// result is how carrying out a task went.
type result struct {
	tasks.Outcome

	// unfinished says that ConductorOne gets no result: it hears of the task in
	// another way, or finds out by itself that it is not alive.
	unfinished bool
	// once says that the result may be sent, but need not arrive.
	once bool
}

// fullSync makes an archive and uploads it while beating the heart. A task whose
// first heartbeat already fails is left without a result.
func (a *Agent) fullSync(ctx context.Context, t *pb.Task) result {
	h := &heart{client: a.cfg.Client, hostID: a.cfg.HostID, taskID: t.GetId(), link: &a.link, logger: a.cfg.Logger}
	delay, err := h.beat(ctx)
	switch {
	case errors.Is(err, ErrTaskCancelled):
		return result{Outcome: tasks.Outcome{Err: err}, unfinished: true}
	case err != nil:
		return result{Outcome: tasks.Outcome{Err: fmt.Errorf("%w: %w", ErrTaskHeartbeatFailed, err)}, unfinished: true}
	}
	ctx, end := context.WithCancelCause(ctx)
	var beating sync.WaitGroup
	beating.Go(func() { h.keepBeating(ctx, delay, end) })
	err = a.syncAndUpload(ctx, t)
	cause := context.Cause(ctx)
	end(nil)
	beating.Wait()
	return syncResult(err, cause)
}

// syncResult says what becomes of a sync that ended with err after its context
// ended because of cause, if it did.
func syncResult(err, cause error) result {
	switch {
	case err == nil:
		return result{}
	case cause != nil:
		// Whatever the sync says of it, this is why it stopped.
		err = status.Errorf(codes.Canceled, "%v: %v", cause, err)
		return result{Outcome: tasks.Outcome{Err: err}, once: errors.Is(cause, ErrTaskCancelled), unfinished: errors.Is(cause, errShutdown)}
	default:
		return result{Outcome: tasks.Outcome{Err: err, Final: errors.Is(err, ErrInvariant)}}
	}
}

// syncAndUpload makes the archive, uploads it and then the debug log, if there is
// one.
func (a *Agent) syncAndUpload(ctx context.Context, t *pb.Task) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a.cfg.Logger.ErrorContext(ctx, "the sync panicked", "task_id", t.GetId(), "panic", p, "stack", string(debug.Stack()))
			err = status.Errorf(codes.Internal, "panic: %v", p)
		}
	}()
	archive, err := a.cfg.Syncer.Sync(ctx, a.syncRequest(ctx, t))
	if err != nil {
		return err
	}
	u := &uploader{client: a.cfg.Client, hostID: a.cfg.HostID, logger: a.cfg.Logger}
	err = u.upload(ctx, t.GetId(), archive.Path)
	if doneErr := archive.Done(err == nil); doneErr != nil {
		a.cfg.Logger.WarnContext(ctx, "cleanup after a sync failed", "task_id", t.GetId(), "error", doneErr)
	}
	if err != nil {
		return err
	}
	a.uploadDebugLog(ctx, u, t)
	return nil
}

func (a *Agent) syncRequest(ctx context.Context, t *pb.Task) SyncRequest {
	task := t.GetSyncFull()
	engine := task.GetStorageEngine()
	switch engine {
	case "", "sqlite", "pebble":
	default:
		a.cfg.Logger.WarnContext(ctx, "unknown storage engine in a task; the archive is of format 1, which every reader opens",
			"task_id", t.GetId(), "storage_engine", engine)
		engine = ""
	}
	types := task.GetSyncResourceTypeIds()
	if len(types) == 0 {
		types = a.cfg.ResourceTypes
	}
	return SyncRequest{
		TaskID:                    t.GetId(),
		Empty:                     a.cfg.SkipFullSync,
		ResourceTypes:             types,
		Targets:                   task.GetTargetedSyncResources(),
		SkipEntitlementsAndGrants: task.GetSkipEntitlementsAndGrants(),
		SkipGrants:                task.GetSkipGrants(),
		SkipExpandGrants:          task.GetSkipExpandGrants(),
		StorageEngine:             engine,
		Logger:                    a.cfg.Logger.With(slog.String("task_id", t.GetId())),
	}
}

// uploadDebugLog sends the debug log. The sync is good with or without it.
func (a *Agent) uploadDebugLog(ctx context.Context, u *uploader, t *pb.Task) {
	path := a.debugLogPath()
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return
	}
	if err == nil {
		err = u.upload(ctx, t.GetId(), path)
	}
	if err == nil && t.GetDebug() {
		err = os.Remove(path)
	}
	if err != nil {
		a.cfg.Logger.WarnContext(ctx, "uploading the debug log failed", "task_id", t.GetId(), "error", err)
	}
}

func (a *Agent) debugLogPath() string { return filepath.Join(a.cfg.TempDir, debugLogName) }
