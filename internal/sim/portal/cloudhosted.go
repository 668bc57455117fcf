package portal

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	configv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/config/v1"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/hostedsync"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/platform"
)

// kindCloudHosted is the connector that the platform runs as a function.
const kindCloudHosted = "jumpcloud"

// authMethod is the setting that names the group of fields which are filled in.
const authMethod = "auth-method"

// readForm asks the program which settings it has.
func readForm(ctx context.Context, program string) (*configv1.Configuration, error) {
	text, err := exec.CommandContext(ctx, program, "config").Output()
	if err != nil {
		return nil, fmt.Errorf("ask the connector for its settings: %w", err)
	}
	form := new(configv1.Configuration)
	if err := protojson.Unmarshal(text, form); err != nil {
		return nil, fmt.Errorf("read the connector's settings: %w", err)
	}
	return form, nil
}

// input is a field of the form.
type input struct {
	Name, Title, About, Placeholder string
	Kind                            string // text, secret, choice, switch, list
	Value                           string
	Options                         []string
	Chosen                          []string
	On, Required, Kept              bool
	Problem                         string
}

// settingsForm is the form of a cloud-hosted connector.
type settingsForm struct {
	Groups  []tab
	Group   string
	About   string
	Inputs  []input
	Problem string
	Note    string
}

// group is the group of fields of a name, or the default one.
func (p *Portal) group(name string) *configv1.FieldGroup {
	groups := p.form.GetFieldGroups()
	for _, g := range groups {
		if g.GetName() == name {
			return g
		}
	}
	for _, g := range groups {
		if g.GetDefault() {
			return g
		}
	}
	return nil
}

// fields are those of a group, in its order.
func (p *Portal) fields(g *configv1.FieldGroup) []*configv1.Field {
	var list []*configv1.Field
	for _, name := range g.GetFields() {
		for _, f := range p.form.GetFields() {
			if f.GetName() == name {
				list = append(list, f)
			}
		}
	}
	return list
}

// formOfSettings draws the form with the values of a connector.
func (p *Portal) formOfSettings(c *connector, group string, problems map[string]string) *settingsForm {
	if group == "" {
		group, _ = c.Settings[authMethod].(string)
	}
	g := p.group(group)
	form := &settingsForm{Group: g.GetName(), About: g.GetHelpText(), Problem: problems[""], Note: p.opts.Note}
	for _, other := range p.form.GetFieldGroups() {
		address := "/connectors/" + strconv.Itoa(c.ID) + "?edit=1&group=" + urlQuery(other.GetName())
		form.Groups = append(form.Groups, tab{other.GetDisplayName(), address, other.GetName() == g.GetName()})
	}
	for _, f := range p.fields(g) {
		in := input{
			Name: f.GetName(), Title: f.GetDisplayName(), About: f.GetDescription(), Placeholder: f.GetPlaceholder(),
			Kind: "text", Required: f.GetIsRequired(), Problem: problems[f.GetName()],
		}
		value, set := c.Settings[f.GetName()]
		switch {
		case f.GetBoolField() != nil:
			in.Kind = "switch"
			in.On, _ = value.(bool)
		case f.GetStringSliceField() != nil:
			in.Kind, in.Options = "list", f.GetStringSliceField().GetRules().GetItemRules().GetIn()
			in.Chosen = f.GetStringSliceField().GetDefaultValue()
			if set {
				in.Chosen = texts(value)
			}
		case f.GetIsSecret():
			in.Kind, in.Kept = "secret", set
		default:
			in.Options = f.GetStringField().GetRules().GetIn()
			in.Value = cmp.Or(p.opts.Defaults[f.GetName()], f.GetStringField().GetDefaultValue())
			if set {
				in.Value = fmt.Sprint(value)
			}
			if len(in.Options) > 0 {
				in.Kind = "choice"
			}
		}
		form.Inputs = append(form.Inputs, in)
	}
	return form
}

// Has reports whether an option of a list is chosen.
func (in input) Has(option string) bool { return slices.Contains(in.Chosen, option) }

// texts are the items of a list as it comes from JSON or from a form.
func texts(value any) []string {
	switch list := value.(type) {
	case []string:
		return list
	case []any:
		var items []string
		for _, item := range list {
			items = append(items, fmt.Sprint(item))
		}
		return items
	default:
		return nil
	}
}

// fill reads the form that was sent, and says what is wrong beside the fields. A secret
// that is left empty stays what it is.
func (p *Portal) fill(c *connector, form url.Values) (settings map[string]any, problems map[string]string) {
	g := p.group(form.Get("group"))
	settings, problems = map[string]any{authMethod: g.GetName()}, map[string]string{}
	for _, f := range p.fields(g) {
		name := f.GetName()
		value := strings.TrimSpace(form.Get(name))
		switch {
		case f.GetBoolField() != nil:
			settings[name] = form.Has(name)
			continue
		case f.GetStringSliceField() != nil:
			settings[name] = slices.Clone(form[name])
			continue
		case f.GetIsSecret() && value == "":
			if kept, ok := c.Settings[name]; ok {
				settings[name] = kept
				continue
			}
		}
		switch allowed := f.GetStringField().GetRules().GetIn(); {
		case value == "" && f.GetIsRequired():
			problems[name] = "fill in this field"
		case value != "" && len(allowed) > 0 && !slices.Contains(allowed, value):
			problems[name] = "choose one of " + strings.Join(allowed, ", ")
		case value != "":
			settings[name] = value
		}
	}
	p.checkConstraints(settings, problems)
	return settings, problems
}

// checkConstraints says which settings do not go together.
func (p *Portal) checkConstraints(settings map[string]any, problems map[string]string) {
	for _, rule := range p.form.GetConstraints() {
		var given, missing []string
		for _, name := range rule.GetFieldNames() {
			if on, isSwitch := settings[name].(bool); settings[name] != nil && (!isSwitch || on) {
				given = append(given, name)
			} else {
				missing = append(missing, name)
			}
		}
		switch rule.GetKind() {
		case configv1.ConstraintKind_CONSTRAINT_KIND_MUTUALLY_EXCLUSIVE:
			if len(given) > 1 {
				problems[given[1]] = "not together with " + given[0]
			}
		case configv1.ConstraintKind_CONSTRAINT_KIND_REQUIRED_TOGETHER:
			if len(given) > 0 && len(missing) > 0 {
				problems[missing[0]] = "fill in this field together with " + given[0]
			}
		default: // The connector checks the others.
		}
	}
}

// blame finds the field that an error of the connector is about: one that it names, or
// the credential where that is refused.
func (p *Portal) blame(group string, err error) map[string]string {
	text := messageOf(err)
	fields := p.fields(p.group(group))
	for _, f := range fields {
		if strings.Contains(text, "--"+f.GetName()) || strings.Contains(text, f.GetName()+":") {
			return map[string]string{f.GetName(): text}
		}
	}
	switch status.Code(err) {
	case codes.Unauthenticated, codes.PermissionDenied:
		for _, f := range fields {
			if f.GetIsSecret() {
				return map[string]string{f.GetName(): text}
			}
		}
	default:
	}
	return map[string]string{"": text}
}

// messageOf is an error's text without the words of gRPC.
func messageOf(err error) string {
	if s, ok := status.FromError(err); ok {
		return s.Message()
	}
	return err.Error()
}

// saveSettings checks settings with the connector, keeps them and begins to sync.
func (p *Portal) saveSettings(req *request) error {
	form, err := formOf(req)
	if err != nil {
		return err
	}
	id := req.number()
	p.mu.Lock()
	c := p.state.connector(id)
	if c == nil || c.Kind != kindCloudHosted {
		p.mu.Unlock()
		return errNoPage
	}
	settings, problems := p.fill(c, form)
	p.mu.Unlock()
	if len(problems) == 0 {
		if err := p.validate(req.r.Context(), id, settings); err != nil {
			problems = p.blame(form.Get("group"), err)
		}
	}
	if len(problems) > 0 {
		p.mu.Lock()
		shown := *c
		shown.Settings = settings
		for name := range problems {
			delete(shown.Settings, name)
		}
		page := connectorPage{connectorRow: p.row(c), Edit: true, Form: p.formOfSettings(&shown, form.Get("group"), problems)}
		p.mu.Unlock()
		req.title, req.section, req.status = page.Product+" for "+page.App, "connectors", 422
		return p.render(req, "connector", page)
	}
	return p.ofConnector(req, func(c *connector) error {
		c.Settings, c.Failure, c.due = settings, "", time.Now()
		c.log("settings saved: the connector validates them")
		return nil
	})
}

// validate has the connector check settings.
func (p *Portal) validate(ctx context.Context, id int, settings map[string]any) error {
	return p.call(ctx, id, settings, func(ctx context.Context, conn *platform.Conn) error {
		_, err := v2.NewConnectorServiceClient(conn).Validate(ctx, &v2.ConnectorServiceValidateRequest{})
		return err
	})
}

// call runs a cloud-hosted connector for some calls. Its log goes into that of the
// connector.
func (p *Portal) call(ctx context.Context, id int, settings map[string]any, work func(context.Context, *platform.Conn) error) error {
	dir := p.dirOf(id)
	if err := makeDir(dir); err != nil {
		return err
	}
	log := func(text string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if c := p.state.connector(id); c != nil {
			c.log("connector: %s", text)
		}
	}
	return platform.Function{Program: p.opts.Program, Dir: dir, Settings: settings, Log: log}.Run(ctx, work)
}

// startDue begins the syncs of cloud-hosted connectors that are due. The state is
// locked.
func (p *Portal) startDue(ctx context.Context) {
	for _, c := range p.state.Connectors {
		if c.Kind != kindCloudHosted || c.Disabled || c.Settings == nil || p.syncing[c.ID] || c.due.After(time.Now()) {
			continue
		}
		p.syncing[c.ID] = true
		c.due = time.Now().Add(c.Every)
		c.log("sync: the connector is started as a function")
		id, settings := c.ID, c.Settings
		p.jobs.Go(func() { p.hostedSync(ctx, id, settings) })
	}
}

// hostedSync syncs a cloud-hosted connector and shows what came of it.
func (p *Portal) hostedSync(ctx context.Context, id int, settings map[string]any) {
	path := filepath.Join(p.dirOf(id), strconv.FormatInt(time.Now().UnixNano(), 36)+".c1z")
	var summary hostedsync.Summary
	err := p.call(ctx, id, settings, func(ctx context.Context, conn *platform.Conn) (err error) {
		summary, err = hostedsync.Run(ctx, hostedsync.Options{
			Conn: conn, Path: path, WorkDir: filepath.Dir(path), Workers: 3, Attempts: 10, Logger: p.opts.Logger,
		})
		return err
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.syncing[id] = false
	c := p.state.connector(id)
	if err == nil {
		err = p.takeOver(ctx, c, path)
	}
	if err != nil {
		if ctx.Err() != nil {
			return
		}
		c.Failure = messageOf(err)
		c.log("sync failed: %s", c.Failure)
	} else {
		c.log("sync done in %d calls: %d grants", summary.Calls, summary.Grants)
		p.discover(ctx, c)
	}
	if err := p.state.save(p.opts.Dir); err != nil {
		p.opts.Logger.ErrorContext(ctx, "state not saved", "error", err)
	}
}

// hostedChange is a change that a cloud-hosted connector is asked for.
type hostedChange struct {
	connector int
	task      *pb.Task
	row       *taskRow
}

// startChanges begins the changes that wait. The state is locked.
func (p *Portal) startChanges(ctx context.Context) {
	for _, change := range p.waiting {
		c := p.state.connector(change.connector)
		if c == nil {
			continue
		}
		change.row.State, change.row.Tone = "Running", "warn"
		settings := c.Settings
		p.jobs.Go(func() { p.makeChange(ctx, change, settings) })
	}
	p.waiting = nil
}

// makeChange has a cloud-hosted connector make a change, and shows what came of it.
func (p *Portal) makeChange(ctx context.Context, change hostedChange, settings map[string]any) {
	err := p.call(ctx, change.connector, settings, func(ctx context.Context, conn *platform.Conn) error {
		client := v2.NewGrantManagerServiceClient(conn)
		if g := change.task.GetGrant(); g != nil {
			_, err := client.Grant(ctx, &v2.GrantManagerServiceGrantRequest{Entitlement: g.GetEntitlement(), Principal: g.GetPrincipal()})
			return err
		}
		_, err := client.Revoke(ctx, &v2.GrantManagerServiceRevokeRequest{Grant: change.task.GetRevoke().GetGrant()})
		return err
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	change.row.State, change.row.Tone = "Done", "good"
	if err != nil {
		change.row.State, change.row.Tone, change.row.Result = "Failed", "bad", messageOf(err)
	}
	if c := p.state.connector(change.connector); c != nil {
		c.log("%s: %s", change.row.What, strings.ToLower(change.row.State))
	}
}
