package changes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/actions"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// anyOrganization is for changes that name no archive: whatever organization the
// credential leads to is meant.
func anyOrganization(connector.Organization) error { return nil }

// RunAction invokes the action that the settings name. No archive is opened.
func RunAction(ctx context.Context, a *program.App, cfg *config.Config) error {
	args, err := parseObject("invoke-action-args", cfg.Change.ActionArgs)
	if err != nil {
		return err
	}
	invoker := actions.Invoker{Types: cfg.Change.Types}
	if err := invoker.Check(cfg.Change.Action, cfg.Change.ActionType, args); err != nil {
		return fmt.Errorf("action invoke failed: %w", err)
	}
	j := &job{cfg: cfg, stdout: a.Stdout}
	return j.start(ctx, a, func(ctx context.Context) error { return j.invoke(ctx, invoker, args) })
}

// parseObject reads a flag that is a JSON object.
func parseObject(flag, text string) (*structpb.Struct, error) {
	object := new(structpb.Struct)
	var fields map[string]json.RawMessage
	err := json.Unmarshal([]byte(text), &fields)
	if err == nil && fields == nil {
		err = errors.New("it is null")
	}
	if err == nil {
		err = protojson.Unmarshal([]byte(text), object)
	}
	if err != nil {
		// The text may hold a password; what is wrong is told by its place.
		return nil, fault.WithHints(fault.Invalid("failed to parse %s: not a JSON object: %s", flag, placeOf(err)),
			fmt.Sprintf(`pass an object in quotes of the shell, such as --%s '{"name": "value"}'`, flag))
	}
	return object, nil
}

// placeOf says where a text stops being JSON, without repeating any of it.
func placeOf(err error) string {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("invalid at byte %d", syntax.Offset)
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "it is a " + kind.Value
	}
	if strings.Contains(err.Error(), "null") {
		return "it is null"
	}
	return "it cannot be read"
}

// invoke runs an action, or shows the changes that it would make.
func (j *job) invoke(ctx context.Context, invoker actions.Invoker, args *structpb.Struct) error {
	p, err := j.connect(ctx, anyOrganization)
	if err != nil {
		return err
	}
	invoker.Provisioner, invoker.Preview = p, j.previewer()
	run := actions.NewRun()
	result, err := invoker.Invoke(ctx, j.cfg.Change.Action, j.cfg.Change.ActionType, run, args)
	if result != nil && !j.cfg.Change.DryRun {
		status := v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE
		if err != nil {
			status = v2.BatonActionStatus_BATON_ACTION_STATUS_FAILED
		}
		text, encodeErr := j.tellResult(ctx, run, status, result)
		if encodeErr != nil {
			return encodeErr
		}
		if j.Watched {
			if sayErr := program.Say(j.stdout, "%s\n", text); sayErr != nil {
				return sayErr
			}
		}
	}
	if err != nil {
		return fmt.Errorf("action invoke failed: %w", err)
	}
	return nil
}

// tellResult logs the end of an action as Baton connectors do, and renders its result.
func (j *job) tellResult(ctx context.Context, run string, status v2.BatonActionStatus, result *structpb.Struct) (string, error) {
	text, err := json.MarshalIndent(result.AsMap(), "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode the result: %w", err)
	}
	j.Log.InfoContext(ctx, "ActionInvoke response", "action_id", run, "name", j.cfg.Change.Action, "status", status.String(), "response", result.AsMap())
	return string(text), nil
}

// RunListActions logs the schemas of the actions, as Baton connectors do, and prints them
// to a person.
func RunListActions(ctx context.Context, a *program.App, cfg *config.Config) error {
	c, err := a.OpenConsole(cfg.Log)
	if err != nil {
		return err
	}
	schemas := actions.Schemas(cfg.Change.Types, cfg.Change.ListType)
	var list []any
	for _, s := range schemas {
		object, err := asObject(s)
		if err != nil {
			return errors.Join(err, c.Log.Close())
		}
		list = append(list, object)
	}
	c.Log.InfoContext(ctx, "Action Schemas", "count", len(schemas), "schemas", list)
	if c.Watched {
		err = program.Say(a.Stdout, "%s", actionsText(schemas))
	}
	return errors.Join(err, c.Log.Close())
}

// actionsText lists actions and their arguments for a person.
func actionsText(schemas []*v2.BatonActionSchema) string {
	var b strings.Builder
	for _, s := range schemas {
		fmt.Fprintf(&b, "%-22s %s\n", s.GetName(), s.GetDescription())
		for _, f := range s.GetArguments() {
			need := ""
			if f.GetIsRequired() {
				need = "required: "
			}
			fmt.Fprintf(&b, "  %-24s %s%s\n", f.GetName(), need, f.GetDescription())
		}
	}
	if len(schemas) == 0 {
		b.WriteString("No action is enabled; --provision-types names the resource types that may be changed.\n")
	}
	return b.String()
}

// asObject is a message as the log shows it.
func asObject(m proto.Message) (map[string]any, error) {
	text, err := protojson.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	var object map[string]any
	err = json.Unmarshal(text, &object)
	return object, err
}
