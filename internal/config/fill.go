package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/bid"
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
		problems = append(problems, Problem{Text: "field " + name + ": " + fmt.Sprintf(format, args...)})
	}

	c.JumpCloud = JumpCloud{
		APIKey:       v.hidden(nameAPIKey),
		ClientID:     strings.TrimSpace(v.str(nameJCClientID)),
		ClientSecret: v.hidden(nameJCSecret),
		OrgID:        strings.TrimSpace(v.str(nameOrgID)),
		Region:       strings.ToLower(v.str(nameRegion)),
		MergeAdmins:  v.flag(nameMergeAdmins),
		SkipAdmins:   v.flag(nameSkipAdmins),
		Timeout:      time.Duration(v.num("http-timeout-seconds")) * time.Second,
	}
	if text := strings.TrimSpace(v.str(nameBaseURL)); text != "" {
		base, err := parseBaseURL(text)
		if err != nil {
			wrong(nameBaseURL, "%v", err)
		}
		c.JumpCloud.BaseURL = base
	}

	c.Sync = Sync{
		ResourceTypes:             v.list("sync-resource-types"),
		SkipEntitlementsAndGrants: v.flag("skip-entitlements-and-grants"),
		SkipGrants:                v.flag("skip-grants"),
		Workers:                   v.num("workers"),
		KeepOlder:                 v.num("keep-sync-count") - 1,
		KeepAll:                   v.flag("skip-cleanup"),
		FailOnCycles:              v.flag("dont-fix-cycles"),
		MaxDepth:                  v.num("graph-expand-max-depth"),
	}
	if c.Sync.Workers < 1 {
		c.Sync.Workers = DefaultWorkers
	}
	for _, text := range v.list("sync-resources") {
		resource, err := bid.ParseResource(text)
		if err != nil {
			wrong("sync-resources", "%v", err)
			continue
		}
		c.Sync.Resources = append(c.Sync.Resources, resource)
	}

	drop, err := parseMaxDrop(v.str(nameMaxDrop))
	if err != nil {
		wrong(nameMaxDrop, "%v", err)
	}
	c.Sync.MaxDrop, c.Sync.AllowDrop = drop, strings.ToLower(strings.TrimSpace(v.str(nameAllowDrop)))

	c.Change = Change{
		Entitlement:   v.str(nameGrantEntitlement),
		Principal:     v.str(nameGrantPrincipal),
		PrincipalType: v.str(nameGrantPrincipalType),
		Grant:         v.str(nameRevokeGrant),
		DryRun:        v.flag(nameDryRun),
		Applications:  v.flag(nameProvisionApps),
		AuditFile:     v.str(nameAuditFile),
	}

	c.Output = Output{File: v.str("file"), TempDir: v.str("c1z-temp-dir")}
	if c.Output.TempDir == "" {
		c.Output.TempDir = v.str("tmpdir")
	}
	if dir := c.Output.TempDir; dir != "" && !isDir(dir) {
		problems = append(problems, Problem{Text: "the specified c1z temp dir does not exist: " + dir})
	}
	if c.Output.File == "" {
		wrong("file", "value must not be empty")
	}

	c.Log = Log{Format: strings.ToLower(v.str("log-format")), Paths: v.list("log-path")}
	// The level is one of those of the table, or checkRules has reported it.
	_ = c.Log.Level.UnmarshalText([]byte(v.str("log-level")))
	if text := v.str("log-level-debug-expires-at"); text != "" {
		until, err := time.Parse(time.RFC3339, text)
		if err != nil {
			wrong("log-level-debug-expires-at", "value must be a time as in 2026-01-31T15:04:05Z but got '%s'", text)
		}
		c.Log.DebugUntil = until
	}
	return append(problems, c.fillService()...)
}

// parseBaseURL reads the address of a console.
func parseBaseURL(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	switch {
	case err != nil:
		// The error of the parser quotes the text, which may hold a password.
		return nil, errors.New("value must be an address as in https://console.jumpcloud.com")
	case base.Scheme != "https" && base.Scheme != "http", base.Host == "":
		return nil, fmt.Errorf("value must be an address as in https://console.jumpcloud.com but got '%s'", base.Redacted())
	case base.User != nil, base.RawQuery != "", base.Fragment != "":
		return nil, fmt.Errorf("value must be an address without user, query and fragment but got '%s'", base.Redacted())
	}
	return base, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// chooseCredential settles which credential is used: the one that --auth-method
// names, else the one that is set.
func (c *Config) chooseCredential() Problems {
	v := c.values
	key := v.present(nameAPIKey) && !c.JumpCloud.APIKey.Empty()
	account := v.present(nameJCClientID) || v.present(nameJCSecret)
	method := strings.ToLower(v.str(nameAuthMethod))
	switch {
	case method == "" && key && account:
		return Problems{{
			Text: fmt.Sprintf("if any flags in the group [%s %s] are set none of the others can be; both credentials were set", nameAPIKey, nameJCClientID),
			Hint: "remove one of them, or choose with --auth-method",
		}}
	case method == "" && account:
		method = GroupServiceAccount
	case method == "":
		method = GroupAPIKey
	}
	c.JumpCloud.AuthMethod = method
	switch {
	case method == GroupAPIKey && !key:
		return Problems{missing(nameAPIKey)}
	case method == GroupServiceAccount && !account:
		return Problems{missing(nameJCClientID + `", "` + nameJCSecret)}
	}
	return nil
}

// missing is the problem of a credential that was not given.
func missing(names string) Problem {
	return Problem{
		Text: fmt.Sprintf(`required flag(s) "%s" not set`, names),
		Hint: `set BATON_API_KEY (or BATON_API_KEY_FILE) to a key from the JumpCloud console: the menu at your picture, My API Key
for a service account set BATON_JUMPCLOUD_CLIENT_ID and BATON_JUMPCLOUD_CLIENT_SECRET instead
to see the connector work without an account, run: baton-jumpcloud demo`,
		Code: codes.Unauthenticated,
	}
}
