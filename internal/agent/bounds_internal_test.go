package agent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

func TestBounds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		told            time.Duration
		poll, heartbeat time.Duration
	}{
		{-time.Second, 0, time.Second},
		{0, 0, 30 * time.Second},
		{1, 1, time.Second},
		{time.Second, time.Second, time.Second},
		{time.Minute, time.Minute, time.Minute},
		{5 * time.Minute, 5 * time.Minute, 5 * time.Minute},
		{5*time.Minute + 1, 5 * time.Minute, 5 * time.Minute},
	}
	for _, tt := range tests {
		d := durationpb.New(tt.told)
		if got := pollDelay(d); got != tt.poll {
			t.Errorf("told to poll after %v, polls after %v, want %v", tt.told, got, tt.poll)
		}
		if got := heartbeatDelay(d); got != tt.heartbeat {
			t.Errorf("told to beat after %v, beats after %v, want %v", tt.told, got, tt.heartbeat)
		}
	}
	if pollDelay(nil) != 0 || heartbeatDelay(nil) != 30*time.Second {
		t.Errorf("told nothing: polls after %v, beats after %v", pollDelay(nil), heartbeatDelay(nil))
	}
	for n, want := range map[int]time.Duration{1: 1, 2: 4, 7: 49, 8: 60, 9: 60, 1 << 40: 60} {
		if got := pollPause(n); got != want*time.Second {
			t.Errorf("back-off after %d failures is %v", n, got)
		}
	}
}

func TestKnownTasks(t *testing.T) {
	t.Parallel()
	id := func(n int) string { return fmt.Sprintf("%027d", n) }
	b := newBook(noMetrics{})
	b.begin(id(2), "grant")
	b.begin("odd id", "grant")
	b.begin(strings.Repeat("é", 13)+"x", "grant") // 27 bytes, but not letters and digits.
	b.addPending(newPendingResult("grant", &pb.BatonServiceFinishTaskRequest{TaskId: id(3)}, time.Now()))
	if diff := cmp.Diff([]string{id(1), id(2), id(3)}, b.known([]string{id(1)})); diff != "" {
		t.Errorf("known (-want +got):\n%s", diff)
	}
	for n := 10; n < 200; n++ {
		b.begin(id(n), "grant")
	}
	if got := b.known([]string{id(1)}); len(got) != 100 || got[0] != id(1) {
		t.Errorf("%d tasks are known, the first is %s", len(got), got[0])
	}
}

func TestWhatIsWork(t *testing.T) {
	t.Parallel()
	for want, tasks := range map[bool][]*pb.Task{
		false: {
			nil,
			{},
			{Id: "x", TaskType: &pb.Task_None{None: &pb.Task_NoneTask{}}},
			{TaskType: &pb.Task_Hello{Hello: &pb.Task_HelloTask{}}},
		},
		true: {
			{Id: "x"}, // Of an unknown type.
			{Id: "x", TaskType: &pb.Task_Hello{Hello: &pb.Task_HelloTask{}}},
		},
	} {
		for _, task := range tasks {
			if got := isWork(task); got != want {
				t.Errorf("%v is work: %v", task, got)
			}
		}
	}
}
