package archtest_test

import (
	"fmt"
	"slices"
	"strings"
)

// A layer is a package, what it may import of ours, and why no more.
type layer struct {
	pkg string
	may []string
	why string
}

// layers lists every package of the module. Imports go one way, from cmd down;
// ports are declared by the package that consumes them, which is why the
// connector imports the engine and not the other way round.
var layers = []layer{
	{
		pkg: "cmd/baton-jumpcloud",
		may: []string{"internal/cli", "internal/fault"},
		why: "main handles signals, standard streams and the exit code; everything else can be tested in cli",
	},
	{
		pkg: "internal/cli",
		may: []string{
			"internal/atomicfile", "internal/c1z", "internal/campaign", "internal/changerun", "internal/cli/archives", "internal/cli/changes", "internal/cli/program", "internal/cli/reviews", "internal/cli/view", "internal/config", "internal/connector", "internal/console", "internal/evidence", "internal/explorer", "internal/explorer/gate", "internal/explorer/library", "internal/fault", "internal/health", "internal/hosted", "internal/hosted/services", "internal/logs", "internal/network", "internal/notify", "internal/pb", "internal/printable", "internal/redact", "internal/regularfile", "internal/restype", "internal/review", "internal/review/diff", "internal/review/findings", "internal/review/proof", "internal/review/search", "internal/review/tables", "internal/service", "internal/sheet", "internal/sim/cert", "internal/sim/conductorone", "internal/sim/conductorone/hostedsync", "internal/sim/conductorone/platform", "internal/sim/jumpcloud", "internal/sim/portal", "internal/syncrun", "internal/tempdir", "internal/version",
		},
		why: "cli reads the command line and shows what comes of it; the work is done by the packages below",
	},
	{
		pkg: "internal/cli/changes",
		may: []string{
			"internal/accounts", "internal/actions", "internal/audit", "internal/c1z", "internal/campaign", "internal/changerun", "internal/cli/archives", "internal/cli/program", "internal/config", "internal/connector", "internal/console", "internal/fault", "internal/network", "internal/pb", "internal/printable", "internal/provision", "internal/regularfile", "internal/restype", "internal/review", "internal/review/tables", "internal/syncrun", "internal/tempdir",
		},
		why: "commands that change something need archives to find what is named, and no viewer or simulator",
	},
	{
		pkg: "internal/cli/archives",
		may: []string{"internal/atomicfile", "internal/c1z", "internal/cli/program", "internal/config", "internal/console", "internal/fault", "internal/printable", "internal/regularfile", "internal/review", "internal/review/search", "internal/review/tables", "internal/sheet", "internal/tempdir", "internal/version"},
		why: "an archive is opened, and what is named in it is found, in one way for all commands",
	},
	{
		pkg: "internal/cli/reviews",
		may: []string{"internal/audit", "internal/c1z", "internal/campaign", "internal/cli/archives", "internal/cli/changes", "internal/cli/program", "internal/cli/view", "internal/evidence", "internal/fault", "internal/printable", "internal/regularfile", "internal/review", "internal/sheet", "internal/tempdir", "internal/version"},
		why: "the commands of a review show what package campaign decides; carrying out is a change like others",
	},
	{
		pkg: "internal/cli/view",
		may: []string{"internal/atomicfile", "internal/c1z", "internal/cli/program", "internal/fault", "internal/regularfile", "internal/review", "internal/review/search", "internal/review/tables", "internal/sheet", "internal/tempdir"},
		why: "every command shows tables in the same forms, whatever is in them",
	},
	{
		pkg: "internal/cli/program",
		may: []string{"internal/c1z", "internal/changerun", "internal/config", "internal/console", "internal/fault", "internal/logs", "internal/network", "internal/redact", "internal/service", "internal/syncrun", "internal/tempdir", "internal/version"},
		why: "what commands share knows none of them",
	},
	{
		pkg: "internal/service",
		may: []string{
			"internal/accounts", "internal/actions", "internal/agent", "internal/atomicfile", "internal/backoff", "internal/bid", "internal/c1api", "internal/c1z", "internal/changerun", "internal/config", "internal/connector", "internal/console", "internal/fault", "internal/health", "internal/jumpcloud", "internal/logs", "internal/network", "internal/pb", "internal/provision", "internal/regularfile", "internal/restype", "internal/syncrun", "internal/version", "internal/workdb",
		},
		why: "the service is what the agent does with this connector; the agent itself knows none",
	},
	{
		pkg: "internal/notify",
		may: []string{"internal/backoff", "internal/secret"},
		why: "who is told is told a text, whatever it says",
	},
	{
		pkg: "internal/hosted",
		may: []string{
			"internal/c1api", "internal/config", "internal/egress", "internal/encryption", "internal/fault", "internal/hosted/auth", "internal/hosted/awsid", "internal/hosted/frame", "internal/hosted/rpc", "internal/logs", "internal/network", "internal/pb", "internal/redact", "internal/secret",
		},
		why: "the function serves whatever connector it is given; it gets the settings and hands calls over",
	},
	{
		pkg: "internal/hosted/rpc",
		may: []string{"internal/hosted/frame", "internal/pb", "internal/redact", "internal/secret"},
		why: "a call is answered without knowing which services there are, or how their settings came",
	},
	{
		pkg: "internal/hosted/awsid",
		may: []string{"internal/fault", "internal/pb"},
		why: "who runs the process is stated without knowing who wants to know",
	},
	{
		pkg: "internal/hosted/auth",
		why: "who may call does not depend on what is called",
	},
	{
		pkg: "internal/hosted/frame",
		may: []string{"internal/pb"},
		why: "how a call travels does not depend on who is called",
	},
	{
		pkg: "internal/syncrun",
		may: []string{"internal/c1z", "internal/config", "internal/connector", "internal/console", "internal/expand", "internal/fault", "internal/guard", "internal/incremental", "internal/jumpcloud", "internal/network", "internal/pb", "internal/regularfile", "internal/restype", "internal/syncer", "internal/version", "internal/workdb"},
		why: "one run of a sync is the same on the command line and in service mode",
	},
	{
		pkg: "internal/changerun",
		may: []string{"internal/accounts", "internal/actions", "internal/agent/tasks", "internal/audit", "internal/config", "internal/connector", "internal/console", "internal/fault", "internal/feed", "internal/jumpcloud", "internal/network", "internal/pb", "internal/provision"},
		why: "a change is the same on the command line, in service mode and hosted",
	},
	{
		pkg: "internal/hosted/services",
		may: []string{"internal/actions", "internal/agent/tasks", "internal/changerun", "internal/config", "internal/connector", "internal/fault", "internal/jumpcloud", "internal/jumpcloud/paging", "internal/network", "internal/pb", "internal/restype", "internal/syncer", "internal/tempdir", "internal/workdb"},
		why: "the services answer calls with what the engine reads; how a call travels and who may make it is not their business",
	},
	{
		pkg: "internal/network",
		may: []string{"internal/config", "internal/console", "internal/egress", "internal/jumpcloud", "internal/redact", "internal/regularfile", "internal/version"},
		why: "connections are made from settings, whatever they are for",
	},
	{
		pkg: "internal/console",
		may: []string{"internal/config", "internal/logs", "internal/restype", "internal/syncer", "internal/version"},
		why: "what a person is shown is made of the settings and of what the engine tells",
	},
	{
		pkg: "internal/restype",
		may: []string{"internal/pb"},
		why: "the table of resource types is words and ids; what is done with a type stands where it is done",
	},
	{
		pkg: "internal/encryption",
		may: []string{"internal/fault", "internal/pb", "internal/secret"},
		why: "how a secret is handed over does not depend on what made it",
	},
	{pkg: "internal/fault", why: "codes and hints of errors stand by themselves"},
	{pkg: "internal/version", why: "which program this is stands by itself"},
	{
		pkg: "tools/same",
		may: []string{"internal/c1z"},
		why: "it compares two builds from outside, as a reader of archives does",
	},
	{
		pkg: "internal/config",
		may: []string{"internal/bid", "internal/pb", "internal/redact", "internal/regularfile", "internal/restype", "internal/secret"},
		why: "settings are read before anything else exists",
	},
	{
		pkg: "internal/connector",
		may: []string{"internal/bid", "internal/fault", "internal/identity", "internal/jumpcloud", "internal/jumpcloud/paging", "internal/pb", "internal/printable", "internal/restype", "internal/signin", "internal/syncer"},
		why: "the connector translates JumpCloud for the engine; where the result is stored is not its business",
	},
	{
		pkg: "internal/signin",
		may: []string{"internal/jumpcloud"},
		why: "when somebody signed in is found out by ids, without knowing what becomes of it",
	},
	{
		pkg: "internal/provision",
		may: []string{"internal/backoff", "internal/connector", "internal/fault", "internal/identity", "internal/jumpcloud", "internal/jumpcloud/paging", "internal/pb", "internal/printable", "internal/restype", "internal/secret"},
		why: "changes are made to what the connector maps, and under its ids; a sync needs none of it",
	},
	{
		pkg: "internal/accounts",
		may: []string{"internal/actions", "internal/connector", "internal/encryption", "internal/fault", "internal/jumpcloud", "internal/pb", "internal/printable", "internal/provision", "internal/restype", "internal/secret"},
		why: "an account is made of a profile and a password by provisioning, and its secrets leave encrypted",
	},
	{
		pkg: "internal/incremental",
		may: []string{"internal/c1z", "internal/connector", "internal/jumpcloud", "internal/pb", "internal/restype", "internal/syncer"},
		why: "what can be carried over is decided from events and the archive; which archive that is, and what is made of the sync, are others' business",
	},
	{
		pkg: "internal/feed",
		may: []string{"internal/connector", "internal/fault", "internal/jumpcloud", "internal/pb", "internal/restype", "internal/signin"},
		why: "an event is told in the words of the connector, whoever asks for it",
	},
	{
		pkg: "internal/actions",
		may: []string{"internal/atomicfile", "internal/connector", "internal/fault", "internal/jumpcloud", "internal/pb", "internal/provision", "internal/regularfile", "internal/restype"},
		why: "an action is a name, arguments and the changes that provisioning makes of them",
	},
	{
		pkg: "internal/audit",
		may: []string{"internal/atomicfile", "internal/printable", "internal/provision", "internal/redact", "internal/regularfile", "internal/secret"},
		why: "the trail writes down changes as provisioning describes them, and takes no part in them",
	},
	{
		pkg: "internal/syncer",
		may: []string{"internal/expand", "internal/pb"},
		why: "the engine knows a Source, a Store and an Archive, and what stands behind them only as its ports",
	},
	{
		pkg: "internal/guard",
		may: []string{"internal/pb", "internal/restype", "internal/syncer"},
		why: "the guard compares what passes to an Archive with a list of what was; it knows neither file",
	},
	{
		pkg: "internal/workdb",
		may: []string{"internal/pb", "internal/regularfile", "internal/syncer"},
		why: "the work database is the engine's Store and serves nobody else",
	},
	{
		pkg: "internal/expand",
		may: []string{"internal/pb"},
		why: "expansion is pure computing over grants",
	},
	{
		pkg: "internal/c1z",
		may: []string{"internal/atomicfile", "internal/c1z/envelope", "internal/c1z/pebblestore", "internal/c1z/sqlitefile", "internal/pb", "internal/regularfile"},
		why: "the archive is a file format; what is in it and how it got there is not its business",
	},
	{
		pkg: "internal/c1z/sqlitefile", may: []string{"internal/c1z/spillsort"},
		why: "it knows the bytes of a database file, not what an archive keeps in one",
	},
	{
		pkg: "internal/c1z/pebblestore", may: []string{"internal/c1z/envelope", "internal/c1z/spillsort", "internal/pb"},
		why: "it knows the keys and records of format 3, and no other format",
	},
	{pkg: "internal/c1z/envelope", may: []string{"internal/pb"}, why: "it packs files and does not know what is in them"},
	{pkg: "internal/c1z/spillsort", why: "keys are sorted without knowing what they are of"},
	{
		pkg: "internal/jumpcloud/paging",
		why: "whether a list is complete is proven from ids and counts alone, whoever sends them",
	},
	{
		pkg: "internal/jumpcloud/limiter",
		may: []string{"internal/backoff"},
		why: "request limits and retries depend on neither HTTP nor JumpCloud",
	},
	{
		pkg: "internal/jumpcloud",
		may: []string{"internal/jumpcloud/limiter", "internal/jumpcloud/paging", "internal/egress", "internal/identity", "internal/printable", "internal/redact", "internal/secret"},
		why: "the client speaks of JumpCloud only, so that a question about the API is answered in one package",
	},
	{
		pkg: "internal/agent",
		may: []string{"internal/agent/ledger", "internal/agent/tasks", "internal/backoff", "internal/c1api", "internal/pb", "internal/redact", "internal/regularfile"},
		why: "the agent polls, dispatches and reports for any connector, so it knows none",
	},
	{
		pkg: "internal/agent/tasks",
		may: []string{"internal/pb"},
		why: "how a task is answered depends on the task and the connector's answer, not on how either travels",
	},
	{
		pkg: "internal/agent/ledger",
		may: []string{"internal/atomicfile", "internal/regularfile"},
		why: "a pending result is bytes under a task's id",
	},
	{
		pkg: "internal/c1api",
		may: []string{"internal/backoff", "internal/egress", "internal/pb", "internal/redact", "internal/secret"},
		why: "ConductorOne's edge knows how to talk, not what about",
	},
	{
		pkg: "internal/sim/conductorone",
		may: []string{"internal/pb", "internal/sim/cert", "internal/sim/conductorone/endpoint"},
		why: "a simulator that shared code with the client would share its mistakes",
	},
	{
		pkg: "internal/sim/conductorone/platform",
		may: []string{"internal/pb", "internal/sim/cert", "internal/sim/conductorone/endpoint"},
		why: "a simulator that shared code with the client would share its mistakes",
	},
	{pkg: "internal/sim/conductorone/endpoint", why: "an address is served without knowing which services and tokens there are"},
	{
		pkg: "internal/sim/conductorone/hostedsync",
		may: []string{"internal/c1z", "internal/pb"},
		why: "a stand-in that shared code with the connector would share its mistakes; archives are compared byte for byte, so both are written by one writer",
	},
	{
		pkg: "internal/sim/jumpcloud",
		may: []string{"internal/sim/jumpcloud/insights", "internal/sim/jumpcloud/query"},
		why: "a simulator that shared code with the client would share its mistakes",
	},
	{pkg: "internal/sim/cert", why: "certificates of simulators are nobody else's"},
	{pkg: "internal/sim/jumpcloud/insights", why: "events are found without knowing what they are about"},
	{pkg: "internal/sim/jumpcloud/query", why: "a simulator that shared code with the client would share its mistakes"},
	{pkg: "internal/identity", why: "whether two names are one does not depend on who asks"},
	{pkg: "internal/bid", why: "the text form of an id stands by itself"},
	{pkg: "internal/backoff", why: "how long to wait before trying again is one rule for all who do"},
	{pkg: "internal/atomicfile", why: "how a file is written has nothing to do with what is in it"},
	{pkg: "internal/regularfile", why: "how a file is opened has nothing to do with what is in it"},
	{
		pkg: "internal/explorer",
		may: []string{
			"internal/explorer/assets", "internal/explorer/library", "internal/explorer/theme", "internal/printable", "internal/review", "internal/review/diff", "internal/review/findings",
			"internal/campaign", "internal/evidence", "internal/fault", "internal/review/proof", "internal/review/search", "internal/review/tables", "internal/sheet", "internal/version",
		},
		why: "pages show the lists of review/tables; who may see them, and which archives there are, is others' business",
	},
	{
		pkg: "internal/explorer/library",
		may: []string{"internal/c1z", "internal/regularfile", "internal/review", "internal/review/findings"},
		why: "it keeps syncs in memory for pages, and does not know what they show",
	},
	{
		pkg: "internal/explorer/gate",
		may: []string{"internal/regularfile", "internal/secret"},
		why: "who may ask is decided without knowing what is asked for",
	},
	{pkg: "internal/explorer/theme", why: "a color is chosen without knowing what it colors"},
	{
		pkg: "internal/sim/portal",
		may: []string{"internal/atomicfile", "internal/c1z", "internal/explorer", "internal/explorer/assets", "internal/explorer/library", "internal/explorer/theme", "internal/pb", "internal/printable", "internal/regularfile", "internal/restype", "internal/sim/conductorone", "internal/sim/conductorone/hostedsync", "internal/sim/conductorone/platform"},
		why: "the pages of the stand-in show what arrived as the explorer does, and know nothing of the connector",
	},
	{pkg: "internal/explorer/assets", why: "files for browsers know nothing of what they show"},
	{pkg: "internal/sheet", may: []string{"internal/printable"}, why: "a table does not know what it is of, so that commands and pages write the same one"},
	{
		pkg: "internal/review",
		may: []string{"internal/c1z", "internal/identity", "internal/pb", "internal/restype", "internal/review/search"},
		why: "questions are answered from an archive, for whoever shows the answer and however",
	},
	{pkg: "internal/review/search", why: "how a list is searched, filtered and sorted does not depend on what it lists"},
	{
		pkg: "internal/review/diff",
		may: []string{"internal/review", "internal/review/search"},
		why: "it compares what review answers of two syncs",
	},
	{
		pkg: "internal/review/findings",
		may: []string{"internal/identity", "internal/restype", "internal/review", "internal/review/diff", "internal/review/search"},
		why: "a report is made of what review answers, for whoever shows it and however",
	},
	{
		pkg: "internal/review/tables",
		may: []string{"internal/c1z", "internal/review", "internal/review/diff", "internal/review/findings", "internal/review/search", "internal/sheet"},
		why: "a list is the same one for commands, pages and downloads, so it knows none of them",
	},
	{
		pkg: "internal/review/proof",
		may: []string{"internal/c1z", "internal/evidence", "internal/review", "internal/review/findings", "internal/review/search", "internal/review/tables", "internal/sheet"},
		why: "what the evidence of a sync holds is the same for the command and the page",
	},
	{
		pkg: "internal/campaign",
		may: []string{"internal/atomicfile", "internal/evidence", "internal/fault", "internal/printable", "internal/regularfile", "internal/review", "internal/review/findings", "internal/review/search", "internal/review/tables", "internal/sheet", "internal/version"},
		why: "an access review is kept and decided without knowing who asks or how a revoke is made",
	},
	{
		pkg: "internal/evidence",
		may: []string{"internal/atomicfile", "internal/fault"},
		why: "a pack is files and their hashes, whatever is in them",
	},
	{
		pkg: "internal/review/reviewtest",
		may: []string{"internal/c1z", "internal/pb", "internal/review"},
		why: "tests of review and of the packages above it ask the same archives",
	},
	{
		pkg: "internal/health",
		may: []string{"internal/redact"},
		why: "it answers probes from what it is given, so that it can answer before anything else works",
	},
	{
		pkg: "internal/logs",
		may: []string{"internal/printable", "internal/redact", "internal/regularfile"},
		why: "loggers are made before anything else exists and passed to everything",
	},
	{
		pkg: "internal/tempdir",
		may: []string{"internal/regularfile"},
		why: "whether a folder is abandoned does not depend on what is in it",
	},
	{pkg: "internal/proxysim", why: "a simulator that shared code with the client would share its mistakes"},
	{pkg: "internal/egress", why: "the way to a host is the same whoever is asked there"},
	{pkg: "internal/printable", why: "what a character is does not depend on who shows it"},
	{
		pkg: "internal/redact",
		may: []string{"internal/secret"},
		why: "what a credential looks like does not depend on who prints it",
	},
	{pkg: "internal/secret", why: "a type that everybody uses must not bring anything with it"},
	{pkg: "internal/pb", why: "generated code is the lowest layer"},
	{pkg: "internal/e2e", why: "it holds tests of the whole and nothing that could be imported"},
	{pkg: "internal/archtest", why: "it looks at files, not at packages"},
}

// layerOf gives the name under which a package stands in layers: the generated
// packages are one layer.
func layerOf(pkg string) string {
	if strings.HasPrefix(pkg, "internal/pb/") {
		return "internal/pb"
	}
	return pkg
}

func findLayer(pkg string) (layer, bool) {
	i := slices.IndexFunc(layers, func(l layer) bool { return l.pkg == layerOf(pkg) })
	if i < 0 {
		return layer{}, false
	}
	return layers[i], true
}

// checkLayers is the import direction of production code. Simulators are
// covered by it: only cli names them.
func checkLayers(f sourceFile) []string {
	if f.test {
		return nil
	}
	l, ok := findLayer(f.pkg)
	if !ok {
		return []string{fmt.Sprintf("%s: package %s is not in the table of layers; add it and say what it may import", f.name, f.pkg)}
	}
	var problems []string
	for _, imp := range f.ours() {
		if layerOf(imp) != l.pkg && !slices.Contains(l.may, layerOf(imp)) {
			problems = append(problems, fmt.Sprintf("%s imports %s: %s", f.name, imp, l.why))
		}
	}
	return problems
}

// checkCLI is the one direction that holds for tests too.
func checkCLI(f sourceFile) []string {
	under := func(pkg string) bool { return pkg == "internal/cli" || strings.HasPrefix(pkg, "internal/cli/") }
	if f.pkg == "cmd/baton-jumpcloud" || under(f.pkg) || !slices.ContainsFunc(f.ours(), under) {
		return nil
	}
	return []string{f.name + " imports internal/cli: it stands on everything, so nothing can stand on it; a test of the whole program belongs to it"}
}

// checkTesting keeps test code out of the binary.
func checkTesting(f sourceFile) []string {
	if f.test {
		return nil
	}
	var problems []string
	for _, imp := range f.imports {
		if imp == "testing" || strings.HasPrefix(imp, "testing/") {
			problems = append(problems, fmt.Sprintf("%s imports %s: it brings test flags and test code into the binary", f.name, imp))
		}
	}
	return problems
}

// checkInit wants set-up to be a call that somebody can see and order.
func checkInit(f sourceFile) []string {
	if f.generated {
		return nil
	}
	var problems []string
	for _, pos := range f.inits {
		problems = append(problems, pos+": func init: it runs before main can decide anything, and in an order nobody sees; make it a call")
	}
	return problems
}

// checkDriver keeps SQLite and Pebble where it is known how they are used.
func checkDriver(f sourceFile) []string {
	for _, imp := range f.imports {
		if strings.HasPrefix(imp, "github.com/cockroachdb/") && f.pkg != "internal/c1z/pebblestore" {
			return []string{fmt.Sprintf("%s imports %s: only the database of format 3 knows Pebble", f.name, imp)}
		}
	}
	if f.test || f.pkg == "internal/c1z" || f.pkg == "internal/workdb" || f.pkg == "internal/campaign" {
		return nil
	}
	var problems []string
	for _, imp := range f.imports {
		if imp == "database/sql" || imp == "modernc.org/sqlite" || strings.HasPrefix(imp, "modernc.org/sqlite/") {
			problems = append(problems, fmt.Sprintf("%s imports %s: only archives, the work database and reviews hold SQL, so that another driver is a change of three packages", f.name, imp))
		}
	}
	return problems
}
