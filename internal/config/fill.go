package config

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/bid"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// DefaultWorkers is how many pages are read side by side when nothing else is
// asked for. It is also how many requests are in flight at most, which a
// JumpCloud tenant takes without refusing.
const DefaultWorkers = 16

// fill sets the typed fields from the values and reports what cannot be read as
// what it is meant to be.
func (c *Config) fill() Problems {
	v := c.values
	var problems Problems
	wrong := func(name, format string, args ...any) {
		problems = append(problems, fieldProblem(name, fmt.Errorf(format, args...)))
	}

	c.JumpCloud = JumpCloud{
		APIKey:       v.hidden(nameAPIKey),
		ClientID:     strings.TrimSpace(v.str(nameJCClientID)),
		ClientSecret: v.hidden(nameJCSecret),
		OrgID:        strings.TrimSpace(v.str(nameOrgID)),
		Region:       strings.ToLower(v.str(nameRegion)),
		MergeAdmins:  v.flag(nameMergeAdmins),
		SkipAdmins:   v.flag(nameSkipAdmins),
		LastLogin:    v.flag(nameLastLogin),
		EventFeeds:   v.flag(nameServeEventFeeds),
		Timeout:      time.Duration(v.num("http-timeout-seconds")) * time.Second,
	}
	for _, s := range restype.Switches() {
		if v.flag(s.Name) {
			c.JumpCloud.Switches = append(c.JumpCloud.Switches, s.Name)
		}
	}
	address := func(name, text string) *url.URL {
		if text = strings.TrimSpace(text); text == "" {
			return nil
		}
		base, note, err := parseBaseURL(text)
		if err != nil {
			problems = append(problems, fieldProblem(name, err))
		}
		if note != "" {
			c.Warnings = append(c.Warnings, note)
		}
		return base
	}
	c.JumpCloud.BaseURL = address(nameBaseURL, v.str(nameBaseURL))
	// The whole address is what documents show.
	c.JumpCloud.InsightsURL = address(nameInsightsURL, strings.TrimSuffix(strings.TrimRight(v.str(nameInsightsURL), "/ "), "/insights/directory/v1"))
	if err := checkToken(c.JumpCloud.ClientID); err != nil {
		problems = append(problems, fieldProblem(nameJCClientID, err))
	}
	if err := checkToken(c.JumpCloud.OrgID); err != nil {
		problems = append(problems, fieldProblem(nameOrgID, err))
	} else if redact.Value(c.JumpCloud.OrgID) != c.JumpCloud.OrgID {
		// It would be repeated in what is said about organizations.
		wrong(nameOrgID, "value looks like a key, not like the ID of an organization")
	}

	c.Sync = Sync{
		ResourceTypes:             v.list(nameSyncTypes),
		SkipEntitlementsAndGrants: v.flag("skip-entitlements-and-grants"),
		SkipGrants:                v.flag("skip-grants"),
		Workers:                   v.num("workers"),
		KeepOlder:                 v.num("keep-sync-count") - 1,
		KeepAll:                   v.flag("skip-cleanup"),
		FailOnCycles:              v.flag("dont-fix-cycles"),
		MaxDepth:                  v.num("graph-expand-max-depth"),
		Incremental:               v.flag(nameIncremental),
	}
	if c.Sync.Workers < 1 {
		c.Sync.Workers = DefaultWorkers
	}
	for _, text := range v.list("sync-resources") {
		resource, err := bid.ParseResource(text)
		if err != nil {
			wrong("sync-resources", "%s", strings.ReplaceAll(err.Error(), text, redact.Value(text)))
			continue
		}
		if !slices.Contains(ResourceTypes(), resource.Type) {
			problems = append(problems, Problem{
				Text: fmt.Sprintf("field sync-resources: unknown resource type '%s'", redact.Value(resource.Type)),
				Hint: typeHint(resource.Type, ResourceTypes()),
			})
			continue
		}
		c.Sync.Resources = append(c.Sync.Resources, resource)
	}

	problems = append(problems, c.checkSwitches()...)

	var err error
	if c.Sync.FullEvery, err = parseFullEvery(v.str(nameFullEvery)); err != nil {
		problems = append(problems, fieldProblem(nameFullEvery, err))
	}
	drop, err := parseMaxDrop(v.str(nameMaxDrop))
	if err != nil {
		wrong(nameMaxDrop, "%w", err)
	}
	c.Sync.MaxDrop, c.Sync.AllowDrop = drop, strings.ToLower(strings.TrimSpace(v.str(nameAllowDrop)))

	c.Change = Change{
		Entitlement:   v.str(nameGrantEntitlement),
		Principal:     v.str(nameGrantPrincipal),
		PrincipalType: v.str(nameGrantPrincipalType),
		Grant:         v.str(nameRevokeGrant),
		AccountLogin:  v.str(nameCreateLogin), AccountEmail: v.str(nameCreateEmail),
		AccountProfile: v.str(nameCreateProfile), AccountType: v.str(nameCreateType),
		Delete: v.str(nameDeleteResource), DeleteType: v.str(nameDeleteType),
		Rotate: v.str(nameRotate), RotateType: v.str(nameRotateType),
		OnDeleteReports: v.str(nameOnDeleteReports), DeleteAdmins: v.str(nameOnDeleteAdmin) == "delete",
		Action:      v.str(nameInvokeAction),
		ActionArgs:  v.str(nameInvokeArgs),
		ActionType:  v.str(nameInvokeType),
		ListActions: v.flag(nameListActions),
		ListType:    v.str(nameListActionsType),
		DryRun:      v.flag(nameDryRun),
		Types:       v.provisionTypes(),
		OnLastRole:  strings.ToLower(v.str(nameOnLastRole)),
		AuditFile:   v.str(nameAuditFile),
	}

	if c.Events, err = v.events(); err != nil {
		wrong(nameEventFeedStart, "%w", err)
	}
	if c.Change.Action == "" {
		c.Change.ActionArgs = ""
	}
	if v.present(nameProvisionApps) {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s is deprecated: set --%s=%s instead",
			v.origin(nameProvisionApps).Name, nameProvisionTypes, strings.Join(c.Change.Types, ",")))
	}

	c.Output = Output{File: v.str("file"), TempDir: v.str("c1z-temp-dir"), Engine: strings.ToLower(v.str("storage-engine")), WebhookSecret: v.hidden("webhook-secret")}
	if c.Output.TempDir == "" {
		c.Output.TempDir = v.str("tmpdir")
	}
	if dir := c.Output.TempDir; dir != "" && !inQuotes(dir) && !isDir(dir) {
		problems = append(problems, Problem{Text: "the specified c1z temp dir does not exist: " + shownPath(dir)})
	}
	if c.Output.File == "" {
		wrong("file", "value must not be empty")
	}

	c.Log = Log{Format: strings.ToLower(v.str("log-format")), Paths: v.list("log-path")}
	// The level is one of those of the table, or checkRules has reported it.
	_ = c.Log.Level.UnmarshalText([]byte(v.str(nameLogLevel)))
	if text := v.str(nameDebugUntil); text != "" {
		until, err := time.Parse(time.RFC3339, text)
		if err != nil {
			wrong(nameDebugUntil, "value must be a time such as 2026-01-31T15:04:05Z but got '%s'", redact.Value(text))
		}
		c.Log.DebugUntil = until
	}
	problems = append(problems, c.fillService()...)
	return append(problems, c.fillHosted()...)
}

// checkSwitches reports types that a sync is asked to be about and that are read with an
// option only that is not set.
func (c *Config) checkSwitches() Problems {
	var problems Problems
	named := slices.Clone(c.Sync.ResourceTypes)
	for _, r := range c.Sync.Resources {
		named = append(named, r.Type)
	}
	synced := restype.Synced(c.JumpCloud.Switches)
	for _, id := range slices.Compact(slices.Sorted(slices.Values(named))) {
		if t, ok := restype.Find(id); ok && !slices.Contains(synced, id) {
			problems = append(problems, Problem{
				Text: fmt.Sprintf("the resource type %s is not synced without --%s", id, t.Switch), Hint: "add --" + t.Switch,
			})
		}
	}
	return problems
}

// provisionTypes are the types that may be changed, in the order of the table and each
// once.
func (v values) provisionTypes() []string {
	named := v.list(nameProvisionTypes)
	if v.flag(nameProvisionApps) {
		named = append(named, restype.App)
	}
	return slices.DeleteFunc(restype.Changeable(false), func(id string) bool { return !slices.Contains(named, id) })
}

// shownPath is a path as an error may show it. What has no separator may be a key that
// was typed in place of one.
func shownPath(path string) string {
	if filepath.Base(path) == path {
		return redact.Value(path)
	}
	return path
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
