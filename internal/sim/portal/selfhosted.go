package portal

import (
	"context"
	_ "embed" // the manifests
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

// dirOf is where the archives of a connector are kept.
func (p *Portal) dirOf(connector int) string {
	return filepath.Join(p.opts.Dir, "connector-"+strconv.Itoa(connector))
}

// connect lets a connector call with the credentials of an earlier run.
func (p *Portal) connect(c *connector) error {
	client, err := p.newClient(c, c1sim.ClientOptions{ID: c.ClientID, Key: c.Key})
	if err != nil {
		return err
	}
	p.clients[c.ID] = client
	p.applySchedule(c)
	return nil
}

func (p *Portal) newClient(c *connector, opts c1sim.ClientOptions) (*c1sim.Client, error) {
	opts.Dir = p.dirOf(c.ID)
	if err := makeDir(opts.Dir); err != nil {
		return nil, err
	}
	return p.opts.Server.AddClient(opts)
}

// applySchedule has a connector asked to sync as its settings say.
func (p *Portal) applySchedule(c *connector) {
	client := p.clients[c.ID]
	if client == nil {
		return
	}
	every := c.Every
	if c.Disabled {
		every = 0
	}
	client.Schedule(every)
}

// credentials are shown once.
type credentials struct {
	ClientID, ClientSecret string
	// Secrets and Deployment are the two manifests, and Command runs the connector on
	// this machine.
	Secrets, Deployment, Command string
}

// rotate makes new credentials and shows them, once.
func (p *Portal) rotate(req *request) error {
	page := connectorPage{Edit: true}
	id := req.number()
	err := p.locked(func() error {
		c := p.state.connector(id)
		if c == nil || c.Kind != kindSelfHosted {
			return errNoPage
		}
		client := p.clients[c.ID]
		if client == nil {
			var err error
			if client, err = p.newClient(c, c1sim.ClientOptions{}); err != nil {
				return err
			}
			p.clients[c.ID] = client
		}
		clientID, clientSecret, err := client.Rotate()
		if err != nil {
			return err
		}
		if c.ClientID != "" {
			c.log("credentials rotated: %s is cut off", c.ClientID)
		} else {
			c.log("credentials made")
		}
		c.ClientID, c.Key = client.Public()
		c.Failure = ""
		p.applySchedule(c)
		page.connectorRow = p.row(c)
		page.Secret = p.fillIn(clientID, clientSecret)
		return nil
	})
	if err != nil {
		return err
	}
	req.title, req.section = page.Product+" for "+page.App, "connectors"
	return p.render(req, "connector", page)
}

// fillIn writes credentials into the manifests of the instructions and into a command
// line for this machine.
func (p *Portal) fillIn(clientID, clientSecret string) *credentials {
	var command strings.Builder
	for _, v := range p.opts.Environment {
		command.WriteString("export " + v + "\n")
	}
	fmt.Fprintf(&command, "export BATON_CLIENT_ID=%s\nexport BATON_CLIENT_SECRET=%s\nbaton-jumpcloud\n", clientID, clientSecret)
	return &credentials{
		ClientID: clientID, ClientSecret: clientSecret,
		Secrets:    fmt.Sprintf(secretsManifest, clientID, clientSecret),
		Deployment: deploymentManifest,
		Command:    command.String(),
	}
}

// The manifests of the instructions. The first is a format for the client id and secret.
var (
	//go:embed manifests/baton-jumpcloud-secrets.yaml
	secretsManifest string
	//go:embed manifests/baton-jumpcloud.yaml
	deploymentManifest string
)

func (p *Portal) syncNow(req *request) error {
	return p.ofConnector(req, func(c *connector) error {
		client := p.clients[c.ID]
		switch {
		case c.Disabled:
			return &inputError{"this connector is disabled"}
		case c.Kind == kindCloudHosted && c.Settings == nil:
			return &inputError{"this connector has no settings yet: edit and save them"}
		case c.Kind == kindCloudHosted:
			c.due = time.Now()
			return nil
		case client == nil:
			return &inputError{"this connector has no credentials yet: edit its settings and rotate them"}
		}
		for _, t := range client.Tasks() {
			if t.Task.GetSyncFull() != nil && isOpen(t) {
				return nil // One is asked for already.
			}
		}
		client.Enqueue(&pb.Task{TaskType: &pb.Task_SyncFull{SyncFull: &pb.Task_SyncFullTask{}}})
		c.log("sync requested")
		return nil
	})
}

// hasFailed reports whether a task that has ended did not do what it was for.
func hasFailed(t c1sim.TaskInfo) bool {
	return t.Result == nil || t.Result.GetError() != nil || t.Result.GetStatus().GetCode() != int32(code.Code_OK)
}

func isOpen(t c1sim.TaskInfo) bool { return t.State == c1sim.Waiting || t.State == c1sim.Leased }

// label is what a connector is doing. The state is locked.
func (p *Portal) label(c *connector) string {
	client := p.clients[c.ID]
	switch {
	case c.Disabled:
		return labelDisabled
	case c.Kind == kindCloudHosted:
		return p.hostedLabel(c)
	case client == nil:
		return labelNotConnected
	}
	for _, t := range client.Tasks() {
		if t.Task.GetSyncFull() != nil && t.State == c1sim.Leased {
			return labelSyncing
		}
	}
	switch {
	case c.Failure != "":
		return labelError
	case !client.Seen().IsZero():
		return labelConnected
	default:
		return labelNotConnected
	}
}

// hostedLabel is what a cloud-hosted connector is doing.
func (p *Portal) hostedLabel(c *connector) string {
	switch {
	case p.syncing[c.ID], c.Settings != nil && c.SyncedAt.IsZero() && c.Failure == "":
		return labelSyncing
	case c.Failure != "":
		return labelError
	case !c.SyncedAt.IsZero():
		return labelConnected
	default:
		return labelNotConnected
	}
}

// look sees which tasks have ended since the last time, and takes over what they
// brought.
func (p *Portal) look(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.startDue(ctx)
	p.startChanges(ctx)
	changed := false
	for _, c := range p.state.Connectors {
		client := p.clients[c.ID]
		if client == nil {
			continue
		}
		for _, t := range client.Tasks() {
			id := t.Task.GetId()
			if isOpen(t) || p.ended[id] || t.Task.GetHello() != nil {
				continue
			}
			p.ended[id], changed = true, true
			p.settle(ctx, c, t)
		}
	}
	if !changed {
		return nil
	}
	return p.state.save(p.opts.Dir)
}

// settle takes over what a task that has ended brought.
func (p *Portal) settle(ctx context.Context, c *connector, t c1sim.TaskInfo) {
	what, sync := taskName(t.Task), t.Task.GetSyncFull() != nil
	switch {
	case t.State == c1sim.Cancelled:
		c.log("%s: canceled", what)
	case hasFailed(t):
		text := t.Result.GetStatus().GetMessage()
		c.log("%s failed: %s", what, text)
		if sync {
			c.Failure = text
		}
	case sync:
		p.receive(ctx, c, t.Assets)
	default:
		c.log("%s: done", what)
	}
}

// receive shows the archive that a self-hosted connector uploaded.
func (p *Portal) receive(ctx context.Context, c *connector, assets []c1sim.Asset) {
	c.Failure = ""
	for _, a := range assets {
		if filepath.Ext(a.Path) != ".c1z" {
			continue
		}
		if err := p.takeOver(ctx, c, a.Path); err != nil {
			c.Failure = err.Error()
			c.log("the archive that arrived cannot be read: %v", err)
			return
		}
		c.log("sync done: an archive of %d bytes arrived", a.Size)
		p.discover(ctx, c)
	}
}

// takeOver shows an archive of a connector in place of the one before. The state is
// locked.
func (p *Portal) takeOver(ctx context.Context, c *connector, path string) error {
	if err := p.shelf.put(ctx, p.state.app(c.App), path); err != nil {
		return err
	}
	if c.Archive != "" && c.Archive != path {
		removeFile(c.Archive)
	}
	c.Archive, c.SyncedAt, c.Failure = path, time.Now(), ""
	return nil
}

// taskName says what a task is to do.
func taskName(t *pb.Task) string {
	switch {
	case t.GetSyncFull() != nil:
		return "sync"
	case t.GetGrant() != nil:
		g := t.GetGrant()
		return "grant of " + g.GetEntitlement().GetDisplayName() + " to " + g.GetPrincipal().GetDisplayName()
	case t.GetRevoke() != nil:
		g := t.GetRevoke().GetGrant()
		return "revoke of " + g.GetEntitlement().GetDisplayName() + " from " + g.GetPrincipal().GetDisplayName()
	default:
		return "task " + t.GetId()
	}
}
