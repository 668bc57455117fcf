package actions

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/atomicfile"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

const (
	// maxKept is how many invocations are remembered, as other Baton connectors do.
	maxKept = 1000
	// maxStored bounds the file of them, in bytes.
	maxStored = 64 << 20
)

// Store remembers invocations, across restarts where it has a file. It is safe for
// concurrent use.
type Store struct {
	path string

	mu   sync.Mutex
	runs []stored // oldest first
}

// stored is an invocation as the file has it.
type stored struct {
	ID      string               `json:"id"`
	Name    string               `json:"name"`
	Started time.Time            `json:"started"`
	Status  v2.BatonActionStatus `json:"status"`
	Result  json.RawMessage      `json:"response,omitempty"`
	message *structpb.Struct
}

// errStopped is the end of an invocation that a process did not live to see.
const errStopped = "the connector stopped during this action; it may have taken effect in part; invoke it again to go on"

// OpenStore reads the invocations of a file, which need not exist. Those that were under
// way when the process ended are failed. Without a path, they are remembered for as long
// as the process lives.
func OpenStore(path string) (*Store, error) {
	s := &Store{path: path}
	if path == "" {
		return s, nil
	}
	text, _, err := regularfile.Read(path, maxStored)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s.runs)
	}
	if err != nil {
		return nil, fmt.Errorf("read the invocations of actions: %w; if %s is damaged, remove it", err, path)
	}
	for i := range s.runs {
		r := &s.runs[i]
		if r.Status == v2.BatonActionStatus_BATON_ACTION_STATUS_RUNNING {
			r.Status, r.message = v2.BatonActionStatus_BATON_ACTION_STATUS_FAILED, failure(errStopped)
			continue
		}
		r.message = new(structpb.Struct)
		if len(r.Result) > 0 {
			if err := protojson.Unmarshal(r.Result, r.message); err != nil {
				return nil, fmt.Errorf("read the invocations of actions: %w; if %s is damaged, remove it", err, path)
			}
		}
	}
	return s, nil
}

// failure is the result of an action that failed.
func failure(text string) *structpb.Struct {
	return &structpb.Struct{Fields: map[string]*structpb.Value{"error": structpb.NewStringValue(text), "success": structpb.NewBoolValue(false)}}
}

// Begin remembers that an invocation is under way.
func (s *Store) Begin(id, name string) error {
	return s.set(stored{ID: id, Name: name, Started: time.Now().UTC(), Status: v2.BatonActionStatus_BATON_ACTION_STATUS_RUNNING})
}

// End remembers how an invocation ended, and returns it. err is nil for success.
func (s *Store) End(id, name string, result *structpb.Struct, err error) (*v2.InvokeActionResponse, error) {
	answer := &v2.InvokeActionResponse{Id: id, Name: name, Status: v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE, Response: result}
	if err != nil {
		answer.Status = v2.BatonActionStatus_BATON_ACTION_STATUS_FAILED
		answer.Response = failure(err.Error())
		maps.Copy(answer.GetResponse().GetFields(), result.GetFields())
	}
	return answer, s.set(stored{ID: id, Name: name, Status: answer.GetStatus(), message: answer.GetResponse()})
}

func (s *Store) set(r stored) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.message != nil {
		text, err := protojson.Marshal(r.message)
		if err != nil {
			return fmt.Errorf("encode the result of %s: %w", r.Name, err)
		}
		r.Result = text
	}
	if i := s.index(r.ID); i >= 0 {
		r.Started = s.runs[i].Started
		s.runs[i] = r
	} else {
		s.runs = append(s.runs, r)
	}
	s.runs = s.runs[max(0, len(s.runs)-maxKept):]
	if s.path == "" {
		return nil
	}
	text, err := json.Marshal(s.runs)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(s.path, text); err != nil {
		return fmt.Errorf("save the invocations of actions: %w", err)
	}
	return nil
}

func (s *Store) index(id string) int {
	return slices.IndexFunc(s.runs, func(r stored) bool { return r.ID == id })
}

// Status tells how far an invocation is. One that is unknown is NotFound.
func (s *Store) Status(id string) (*v2.GetActionStatusResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(id)
	if i < 0 {
		return nil, fault.WithCode(codes.NotFound, "unknown action invocation %q", id)
	}
	r := s.runs[i]
	return &v2.GetActionStatusResponse{Id: r.ID, Name: r.Name, Status: r.Status, Response: r.message}, nil
}
