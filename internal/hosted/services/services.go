package services

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/conductorone/baton-jumpcloud/internal/agent/tasks"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Options are what the services are made of.
type Options struct {
	// Client reads the organization as Source says.
	Client *jumpcloud.Client
	Source connector.Options
	// ResourceTypes restricts what is served to these type ids; empty means all.
	ResourceTypes []string
	// EventFeeds says that event feeds are served.
	EventFeeds bool
	// ProvisionTypes are the resource types that may be changed.
	ProvisionTypes []string
	// Changes make changes; nil makes none.
	Changes tasks.Connector
	// Workers is how many requests are under way at once; below 1 means 1.
	Workers int
	// TempDir is where the directory of a sync lies; "" is the operating system's folder
	// for temporary files.
	TempDir string
	// Logger must not be nil.
	Logger *slog.Logger
}

// Services are the services of a connector. They are safe for concurrent use.
type Services struct {
	v2.UnimplementedConnectorServiceServer
	v2.UnimplementedResourceTypesServiceServer
	v2.UnimplementedResourcesServiceServer
	v2.UnimplementedResourceGetterServiceServer
	v2.UnimplementedEntitlementsServiceServer
	v2.UnimplementedGrantsServiceServer

	options Options
	// pageBytes bounds the rows of an answer, pageRows the grants among them.
	pageBytes, pageRows int

	mu          sync.Mutex // guards what follows
	directories []*directory
	unfinished  []*holders // lists that took longer than a call
	rest        time.Time  // until when JumpCloud wants to be left alone
}

// maxPageBytes is how much protobuf the rows of an answer take at most. A function may
// answer 6 MB, which holds 4.5 MB of protobuf in base64; gRPC clients take 4 MiB unless
// told otherwise.
const maxPageBytes = 7 << 19 // 3.5 MiB

// New makes the services. Nothing is read yet.
func New(o Options) *Services {
	o.Workers = max(1, o.Workers)
	o.Source.Apart = true
	if o.Changes == nil {
		o.Changes = tasks.Unserved{}
	}
	return &Services{options: o, pageBytes: maxPageBytes, pageRows: maxPageRows}
}

// newSource makes a source. Each sync has one of its own, which keeps what it learned.
func (o *Options) newSource() *connector.Source { return connector.NewSource(o.Client, o.Source) }

// Register registers the services.
func (s *Services) Register(r grpc.ServiceRegistrar) {
	v2.RegisterConnectorServiceServer(r, s)
	v2.RegisterResourceTypesServiceServer(r, s)
	v2.RegisterResourcesServiceServer(r, s)
	v2.RegisterResourceGetterServiceServer(r, s)
	v2.RegisterEntitlementsServiceServer(r, s)
	v2.RegisterGrantsServiceServer(r, s)
	changes{s: s, made: s.options.Changes}.register(r)
}

// Close removes what was read. Calls that are under way end first.
func (s *Services) Close() error {
	s.mu.Lock()
	all := s.directories
	s.directories, s.unfinished = nil, nil
	s.mu.Unlock()
	var errs []error
	for _, d := range all {
		errs = append(errs, d.remove())
	}
	return errors.Join(errs...)
}
