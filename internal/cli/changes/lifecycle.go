package changes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/actions"
	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// namedAction is an action in the words of a person.
type namedAction struct {
	// name and scope are those of the action.
	name, scope string
	args        map[string]any
	// who names the resource that the argument target takes the ID of; empty for none.
	who, target string
	kind        review.Kind
	// asks says that it takes something away, which yes confirms.
	asks bool
	yes  confirmation
}

// lifecycleCommand is a command that is an action.
type lifecycleCommand struct {
	use, short, long, example string
	// action and scope are those of the action, and target the argument that takes the ID
	// of the first word; empty where that is a name to be given.
	action, scope, target string
	kind                  review.Kind
	asks                  bool
	// flags adds flags, and returns what reads the arguments from them.
	flags func(*pflag.FlagSet) func(words []string) (map[string]any, error)
}

// NewUser makes the commands that change users.
func NewUser(a *program.App) *cobra.Command {
	cmd := newLifecycle(a, "user", "Change user accounts", "Change user accounts, with --provision-types user.", []lifecycleCommand{
		{
			use: "disable WHO", short: "Suspend a user", action: "disable_user", asks: true,
			long: "Suspend a user, who can no longer sign in. Memberships and assignments stay.",
		},
		{
			use: "enable WHO", short: "Resume a suspended user, or activate a staged one", action: "enable_user",
			long: "Resume a suspended user, or activate a staged one without an email. Locks and expired passwords stay.",
		},
		{
			use: "offboard WHO", short: "Suspend a leaver and end all access", action: "offboard_user", scope: restype.User, asks: true,
			long: "Suspend a user, then end all memberships and direct assignments, reassign direct reports and expire the password. Run again, it goes on.",
			flags: textFlags(map[string]string{
				"reports":     "Direct reports: manager (the user's own manager takes over, default), clear or keep",
				"new-manager": "Who takes over the direct reports: ID, username or email address",
			}),
		},
		{
			use: "reset-mfa WHO", short: "Remove the MFA factors of a user", action: "reset_mfa", scope: restype.User, asks: true,
			long: "Remove the MFA factors of a user, who enrolls again.",
			flags: func(flags *pflag.FlagSet) func([]string) (map[string]any, error) {
				days := flags.Int("exemption-days", 0, "Days without MFA to enroll again, 0 to 365")
				return func([]string) (map[string]any, error) {
					if *days == 0 {
						return nil, nil
					}
					return map[string]any{"exemption_days": float64(*days)}, nil
				}
			},
		},
		{
			use: "unlock WHO", short: "Unlock a user after too many failed sign-ins", action: "unlock_user", scope: restype.User,
			long: "End the lock of a user after too many failed sign-ins.",
		},
		{
			use: "update WHO --set NAME=VALUE", short: "Set attributes of a user", action: "update_user",
			long:    "Set attributes of a user. An empty VALUE clears one; an unknown NAME lists the attributes.",
			example: `  baton-jumpcloud user update ana@example.com --set department=Sales --set job_title= --provision-types user`,
			flags: func(flags *pflag.FlagSet) func([]string) (map[string]any, error) {
				set := flags.StringArray("set", nil, "Attribute to set, as NAME=VALUE; can be repeated")
				return func([]string) (map[string]any, error) { return profileOf(*set) }
			},
		},
	}, lifecycleCommand{target: "user_id", kind: review.Account})
	cmd.AddCommand(newUserCreate(a), newUserDelete(a))
	return cmd
}

// profileOf is the argument that sets attributes.
func profileOf(set []string) (map[string]any, error) {
	profile := map[string]any{}
	for _, text := range set {
		name, value, ok := strings.Cut(text, "=")
		if _, twice := profile[name]; !ok || name == "" || twice {
			return nil, fault.WithHints(fault.Invalid("--set must be NAME=VALUE, each NAME once"), "quote values that contain spaces: --set 'job_title=Account Executive'")
		}
		profile[name] = value
		if value == "" {
			profile[name] = nil
		}
	}
	if len(profile) == 0 {
		return nil, fault.WithHints(fault.Invalid("nothing is to be set"), "name attributes with --set NAME=VALUE")
	}
	text, err := json.Marshal(profile)
	return map[string]any{"user_profile": string(text)}, err
}

// textFlags are flags that are arguments of the same names, with - for _.
func textFlags(names map[string]string) func(*pflag.FlagSet) func([]string) (map[string]any, error) {
	return func(flags *pflag.FlagSet) func([]string) (map[string]any, error) {
		for name, usage := range names {
			flags.String(name, "", usage)
		}
		return func([]string) (map[string]any, error) {
			args := map[string]any{}
			for name := range names {
				if flags.Changed(name) {
					args[strings.ReplaceAll(name, "-", "_")] = flags.Lookup(name).Value.String()
				}
			}
			return args, nil
		}
	}
}

// NewGroup makes the commands that change groups.
func NewGroup(a *program.App) *cobra.Command {
	return newLifecycle(a, "group", "Create, modify and delete groups", "Create, modify and delete groups, with --provision-types group,user.", []lifecycleCommand{
		{
			use: "create NAME", short: "Create a static group", action: "create", scope: restype.Group,
			long: "Create a static group. One of the same name, regardless of case, is left as it is.",
			flags: func(flags *pflag.FlagSet) func([]string) (map[string]any, error) {
				read := textFlags(map[string]string{"description": "Description of the group"})(flags)
				return func(words []string) (map[string]any, error) {
					args, err := read(words)
					if err == nil {
						args["name"] = words[0]
					}
					return args, err
				}
			},
		},
		{
			use: "delete GROUP", short: "Delete a group and everything bound to it", action: "delete_group", scope: restype.Group, target: "group_id", asks: true,
			long: "Delete a group and everything that is bound to it. A deleted group is not restored.",
		},
		{
			use: "modify GROUP", short: "Rename a group or change its description", action: "modify_group", scope: restype.Group, target: "group_id",
			long:  "Rename a group or change its description. Everything else stays.",
			flags: textFlags(map[string]string{"name": "New name", "description": "New description; empty for none"}),
		},
	}, lifecycleCommand{kind: review.Group})
}

// newLifecycle makes a command of commands that are actions. What usual has holds for those
// that say nothing else.
func newLifecycle(a *program.App, name, short, long string, commands []lifecycleCommand, usual lifecycleCommand) *cobra.Command {
	parent := program.NewParent(name, short, long+` The first word is a name, an email
address, a login, an ID or TYPE:ID, looked up in the archive or in JumpCloud where there is
none. What takes something away asks for confirmation on a terminal, and requires --yes elsewhere.`)
	for _, c := range commands {
		act := namedAction{name: c.action, scope: c.scope, target: c.target, kind: usual.kind, asks: c.asks}
		if act.target == "" {
			act.target = usual.target
		}
		word := strings.Fields(c.use)[1]
		cmd := &cobra.Command{
			Use: c.use, Short: c.short, Long: c.long, Example: c.example,
			Args: program.Exactly(word), ValidArgsFunction: cobra.NoFileCompletions,
		}
		read := func([]string) (map[string]any, error) { return map[string]any{}, nil }
		if c.flags != nil {
			read = c.flags(cmd.Flags())
		}
		if c.asks {
			act.yes.addFlag(cmd.Flags())
		}
		cmd.RunE = func(cmd *cobra.Command, words []string) (err error) {
			if act.args, err = read(words); err != nil {
				return err
			}
			if act.target != "" {
				act.who = words[0]
			}
			return invokeNamed(a, cmd, &act)
		}
		parent.AddCommand(cmd)
	}
	return parent
}

// invokeNamed invokes an action as [runAction] does.
func invokeNamed(a *program.App, cmd *cobra.Command, act *namedAction) error {
	cfg, err := a.Load(cmd, config.ForChange)
	if err != nil {
		return err
	}
	args := maps.Clone(act.args)
	if args == nil {
		args = map[string]any{}
	}
	if act.target != "" {
		args[act.target] = act.who // Until it is looked up.
	}
	given, err := structpb.NewStruct(args)
	if err != nil {
		return fault.Invalid("arguments of %s: %w", act.name, err)
	}
	invoker := actions.Invoker{Types: cfg.Change.Types}
	if err := invoker.Check(act.name, act.scope, given); err != nil {
		return err
	}
	act.yes.find(a)
	if act.asks && !cfg.Change.DryRun {
		if err := act.yes.possible(cmd.CommandPath() + " " + fmt.Sprintf("%q", act.who)); err != nil {
			return err
		}
	}
	j := &job{cfg: cfg, stdout: a.Stdout}
	return j.start(cmd.Context(), a, func(ctx context.Context) error {
		return program.UntilStopped(ctx, j.invokeNamed(ctx, act, invoker, given))
	})
}

// invokeNamed looks up who is meant, asks where something is taken away, and invokes.
func (j *job) invokeNamed(ctx context.Context, act *namedAction, invoker actions.Invoker, args *structpb.Struct) (err error) {
	check := anyOrganization
	if act.target != "" {
		var who *v2.Resource
		j.find = func(ctx context.Context, found *changeTarget, names *archives.Shown) (err error) {
			who, err = found.accountNamed(ctx, names, act.who, act.kind)
			return err
		}
		target, err := j.lookUp(ctx)
		if err != nil {
			return err
		}
		check = target.archive.Check
		args.Fields[act.target] = structpb.NewStringValue(who.GetId().GetResource())
		if act.asks && !j.cfg.Change.DryRun && act.yes.asks() {
			effect := fmt.Sprintf("%s %s", strings.ReplaceAll(act.name, "_", " "),
				provision.Named{Type: who.GetId().GetResourceType(), ID: who.GetId().GetResource(), Name: who.GetDisplayName()})
			if err := act.yes.ask(ctx, j.Screen, effect); err != nil {
				return err
			}
		}
	}
	if invoker.Provisioner, err = j.connect(ctx, check); err != nil {
		return err
	}
	invoker.Preview = j.previewer()
	result, err := invoker.Invoke(ctx, act.name, act.scope, actions.NewRun(), args)
	if j.cfg.Change.DryRun || err != nil && result.GetFields()["steps"] == nil {
		return err
	}
	return errors.Join(err, program.Say(j.stdout, "%s\n", resultText(result)))
}

// resultText is the result of an action for a person.
func resultText(result *structpb.Struct) string {
	fields := result.GetFields()
	switch {
	case fields["steps"] != nil:
		return stepsText(fields)
	case fields["message"] != nil:
		return sentence(fields["message"].GetStringValue())
	case fields["updated_fields"] != nil:
		if updated := fields["updated_fields"].GetStringValue(); updated != "" {
			return "Done: " + updated
		}
		return "No change needed"
	}
	made := fields["resource"].GetStructValue().GetFields()
	id := made["resourceId"].GetStructValue().GetFields()
	return "Done: " + provision.Named{
		Type: id["resourceTypeId"].GetStringValue(), ID: id["resourceId"].GetStringValue(), Name: made["displayName"].GetStringValue(),
	}.String()
}

// sentence begins a message with a capital letter.
func sentence(message string) string {
	if message == "" {
		return "Done"
	}
	return strings.ToUpper(message[:1]) + message[1:]
}

// stepsText is a table of what was done, and what is left and why.
func stepsText(fields map[string]*structpb.Value) string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	row := func(cells ...string) { _, _ = fmt.Fprintln(table, strings.TrimRight(strings.Join(cells, "\t"), "\t")) }
	for _, value := range fields["steps"].GetListValue().GetValues() {
		step := value.GetStructValue().GetFields()
		row(sentence(step["step"].GetStringValue()), step["target"].GetStringValue(), step["result"].GetStringValue(), step["error"].GetStringValue())
	}
	for _, value := range fields["left"].GetListValue().GetValues() {
		left := value.GetStructValue().GetFields()
		row("Left", left["what"].GetStringValue(), left["why"].GetStringValue())
	}
	_ = table.Flush() // A builder takes everything.
	return text.String() + sentence(fields["message"].GetStringValue())
}

// NewActions makes the commands that list actions and invoke them.
func NewActions(a *program.App) *cobra.Command {
	cmd := program.NewParent("actions", "List and invoke actions", "List and invoke actions, which service mode offers to ConductorOne too.")
	var scope string
	list := &cobra.Command{
		Use: "list", Short: "List actions and their arguments", Args: program.NoArguments,
		Long: "List the actions that --provision-types enables, and their arguments.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.Load(cmd, config.ForCommand)
			if err != nil {
				return err
			}
			return program.Say(a.Stdout, "%s", actionsText(actions.Schemas(cfg.Change.Types, scope)))
		},
	}
	list.Flags().StringVar(&scope, "type", "", "Only actions of this resource type")
	var act namedAction
	var text string
	invoke := &cobra.Command{
		Use: "invoke NAME", Short: "Invoke an action", Args: program.Exactly("NAME"), ValidArgsFunction: cobra.NoFileCompletions,
		Long:    "Invoke an action by its name, with arguments as a JSON object.",
		Example: `  baton-jumpcloud actions invoke disable_user --args '{"user_id": "64b0000000000000000000a1"}' --dry-run`,
		RunE: func(cmd *cobra.Command, words []string) error {
			args, err := parseObject("args", text)
			if err != nil {
				return err
			}
			act.name, act.args = words[0], args.AsMap()
			return invokeNamed(a, cmd, &act)
		},
	}
	invoke.Flags().StringVar(&act.scope, "type", "", "Resource type of the action; empty for a global one")
	invoke.Flags().StringVar(&text, "args", "{}", "Arguments as a JSON object")
	cmd.AddCommand(list, invoke)
	return cmd
}
