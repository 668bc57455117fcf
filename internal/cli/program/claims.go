package program

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/changerun"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	"github.com/conductorone/baton-jumpcloud/internal/service"
	"github.com/conductorone/baton-jumpcloud/internal/syncrun"
)

// logPath is what claims of logs are by.
const logPath = "--log-path"

// Claim is a file or a folder that a run has a use for. Two uses of one destroy what
// is in it, so they are compared before anything is opened.
type Claim struct {
	by   string // the setting that names it, or what it is
	path string
	// folder says that everything below belongs to the claim.
	folder bool
	// info is what is at the path, links followed; nil for nothing yet.
	info os.FileInfo
}

// ClaimOf finds what is at a path.
func ClaimOf(by, path string, folder bool) Claim {
	c := Claim{by: by, path: settle(path), folder: folder}
	c.info, _ = os.Stat(c.path) // What cannot be looked at is compared by its name.
	return c
}

// settle is a path without links, as far as it exists: of a link that leads nowhere,
// the file that would be made.
func settle(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	for range 40 { // as many links as an operating system follows
		if whole, err := filepath.EvalSymlinks(abs); err == nil {
			return whole
		}
		dir := filepath.Dir(abs)
		if whole, err := filepath.EvalSymlinks(dir); err == nil {
			dir = whole
		}
		abs = filepath.Join(dir, filepath.Base(abs))
		target, err := os.Readlink(abs)
		if err != nil {
			return abs
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		abs = target
	}
	return abs
}

// same reports whether two claims are to the same file.
func (c Claim) same(other Claim) bool {
	return c.info != nil && other.info != nil && os.SameFile(c.info, other.info) || samePath(c.path, other.path)
}

// meets reports whether two claims are to the same file, or one to what belongs to the
// other.
func (c Claim) meets(other Claim) bool {
	return c.same(other) || c.folder && below(c.path, other.path) || other.folder && below(other.path, c.path)
}

// samePath compares paths as the usual file systems of the operating system do.
func samePath(a, b string) bool {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		return strings.EqualFold(a, b)
	}
	return a == b
}

func below(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}

// CheckClaims refuses a file that is claimed twice.
func CheckClaims(claims []Claim) error {
	for i, c := range claims {
		for _, other := range claims[:i] {
			if !c.meets(other) {
				continue
			}
			problem := fmt.Errorf("%s and %s are the same file: %s", c.by, other.by, console.Nearby(c.path))
			if !c.same(other) {
				problem = fmt.Errorf("%s is inside %s: %s", c.by, other.by, console.Nearby(c.path))
				if c.folder {
					problem = fmt.Errorf("%s is inside %s: %s", other.by, c.by, console.Nearby(other.path))
				}
			}
			return fault.WithHints(problem, "give each its own file")
		}
	}
	return nil
}

// CheckFiles compares the files of a run, and looks at those that it would add lines
// to, before any of them is opened.
func (a *App) CheckFiles(cfg *config.Config) error {
	claims := a.InputClaims()
	if cfg.Telemetry.CertPath != "" {
		claims = append(claims, ClaimOf("--otel-collector-endpoint-tls-cert-path", cfg.Telemetry.CertPath, false))
	}
	if cfg.Service.Enabled() {
		claims = append(claims, stateClaims(cfg)...)
	} else {
		archive, err := archiveClaims(cfg.Output)
		if err != nil {
			return err
		}
		claims = append(claims, archive...)
	}
	if cfg.Change.AuditFile != "" {
		claims = append(claims, ClaimOf("--audit-file", cfg.Change.AuditFile, false))
	}
	claims = append(claims, LogClaims(cfg.Log)...)
	if err := CheckClaims(claims); err != nil {
		return err
	}
	if err := a.CheckStreams(claims); err != nil {
		return err
	}
	return changerun.CheckAuditFile(cfg)
}

// InputClaims are the files that settings and secrets are read from.
func (a *App) InputClaims() []Claim {
	var claims []Claim
	file, named := a.Lookup("BATON_CONFIG_PATH")
	if !named || file == "" {
		file = filepath.Join(a.Dir, ".baton.yaml")
	}
	claims = append(claims, ClaimOf("the settings file", file, false))
	for _, o := range config.Options() {
		if path, _ := a.Lookup(o.FileEnv()); o.Secret && path != "" {
			claims = append(claims, ClaimOf(o.FileEnv(), path, false))
		}
	}
	if path, _ := a.Lookup(network.EnvCertFile); path != "" {
		claims = append(claims, ClaimOf(network.EnvCertFile, path, false))
	}
	return ReadTwice(claims)
}

// ReadTwice drops what an earlier claim of the same file stands for: reading disturbs
// nobody.
func ReadTwice(claims []Claim) []Claim {
	var kept []Claim
	for _, c := range claims {
		if CheckClaims(append(slices.Clip(kept), c)) == nil {
			kept = append(kept, c)
		}
	}
	return kept
}

// LogClaims are the files that the log goes to.
func LogClaims(settings config.Log) []Claim {
	var claims []Claim
	for _, path := range settings.Paths {
		if !logs.IsStream(path) {
			claims = append(claims, ClaimOf(logPath, path, false))
		}
	}
	return claims
}

// archiveClaims are what a sync writes, and a change reads.
func archiveClaims(out config.Output) ([]Claim, error) {
	work, err := syncrun.WorkDir(out)
	if err != nil {
		return nil, err
	}
	target := settle(out.File)
	claims := []Claim{ClaimOf("--file", out.File, false)}
	for _, companion := range c1z.Companions(target) {
		claims = append(claims, ClaimOf("the lock or temporary file of --file", companion, false))
	}
	return append(claims, ClaimOf("the work folder of --file", work, true)), nil
}

// stateClaims are what a service writes in its state folder, which may hold other
// files, such as its log.
func stateClaims(cfg *config.Config) []Claim {
	files, folders := service.StateFiles(cfg.Service, cfg.Output)
	var claims []Claim
	for _, path := range files {
		claims = append(claims, ClaimOf("a file of --state-dir", path, false))
	}
	for _, path := range folders {
		claims = append(claims, ClaimOf("the work folder of --state-dir", path, true))
	}
	return claims
}

// CheckStreams refuses an output that goes to a file which is claimed, but for the log:
// several writers may add to that.
func (a *App) CheckStreams(claims []Claim) error {
	taken := func(by string, w any) error {
		file, ok := w.(*os.File)
		if !ok {
			return nil
		}
		info, err := file.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return nil //nolint:nilerr // What cannot be looked at is no file that is claimed.
		}
		for _, c := range claims {
			if c.by != logPath && c.info != nil && os.SameFile(info, c.info) {
				return fault.WithHints(fmt.Errorf("%s and %s are the same file: %s", by, c.by, console.Nearby(c.path)), "redirect it to another file")
			}
		}
		return nil
	}
	if err := taken("standard error", a.Stderr); err != nil {
		return StderrTakenError{err}
	}
	return taken("standard output", a.Stdout)
}

// StderrTakenError says that what is written to standard error would destroy a file, as
// would this error.
type StderrTakenError struct{ error }

// Unwrap returns the error itself.
func (e StderrTakenError) Unwrap() error { return e.error }

// CheckSaveClaims refuses to save a table over what settings are read from.
func (a *App) CheckSaveClaims(path string) error {
	claims := append(a.InputClaims(), ClaimOf("--save", path, false))
	if err := CheckClaims(claims); err != nil {
		return err
	}
	return a.CheckStreams(claims[len(claims)-1:])
}
