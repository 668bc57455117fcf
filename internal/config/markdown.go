package config

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes docs/CONFIG.md from the table.
func WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString(markdownHead)
	for _, section := range Sections() {
		writeSection(&b, section)
	}
	writeRelations(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

const markdownHead = `# Configuration

<!-- Generated from the option table in internal/config. Do not edit; run: make gen -->

Every setting is a flag, an environment variable and a key of a YAML file, except
those marked "environment only". Flags override the environment, which overrides the
file, which overrides the default.

- **Environment.** ` + "`BATON_`" + ` and the flag's name in upper case with ` + "`_`" + ` for ` + "`-`" + `: ` + "`--org-id`" + ` is
  ` + "`BATON_ORG_ID`" + `. An empty variable counts as unset. Lists are comma-separated.
  Bools are 1, t, true, 0, f, false. White space, line breaks and a byte order mark
  around a value are removed, in files and flags too; a value in quotes is refused.
- **File.** ` + "`BATON_CONFIG_PATH`" + ` names a file that ends in .yaml or .yml; without it
  ` + "`./.baton.yaml`" + ` is read if it exists. Keys are flag names. A file that is malformed,
  unreadable, or contains an unknown key or a second YAML document is an error.
  Quote strings that YAML would read as numbers.
- **Working directory.** Nobody named ` + "`./.baton.yaml`" + `, so it may not set everything; the
  column says what. "yes" is harmless. "with the credential" is refused unless the JumpCloud
  credential is in the same file and none comes from elsewhere. "no" decides what the program
  does and is refused always. To have a file trusted, name it:
  ` + "`BATON_CONFIG_PATH=.baton.yaml`" + `.
- **Secrets.** Each secret can be read from a file: the environment variable with the
  suffix ` + "`_FILE`" + ` names it. Setting both is an error. Keep secrets out of the command
  line, where every process of the machine can read them.
- **Unsupported.** An option that this connector does not support is parsed; if it
  requests something, the run ends with exit code 12 and the option's name.

`

func writeSection(b *strings.Builder, section Section) {
	fmt.Fprintf(b, "## %s\n\n| flag | environment | type | default | in ./.baton.yaml | meaning |\n|---|---|---|---|---|---|\n", section.Title())
	for _, o := range Options() {
		if o.Section == section {
			writeRow(b, o)
		}
	}
	b.WriteString("\n")
}

func writeRow(b *strings.Builder, o Option) {
	flag := "`--" + o.Name + "`"
	if o.Shorthand != "" {
		flag += ", `-" + o.Shorthand + "`"
	}
	if o.EnvOnly {
		flag = "environment only"
	}
	env := "`" + o.Env() + "`"
	if o.Secret {
		env += ", `" + o.FileEnv() + "`"
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", flag, env, o.Kind, defaultText(o), o.inWorkingDir(), meaning(o))
}

func defaultText(o Option) string {
	if o.Default == nil {
		return ""
	}
	if list, ok := o.Default.([]string); ok {
		return "`" + strings.Join(list, ",") + "`"
	}
	return fmt.Sprintf("`%v`", o.Default)
}

// meaning is the help text and what else there is to know.
func meaning(o Option) string {
	parts := []string{o.Help}
	if o.Min != 0 || o.Max != 0 {
		parts = append(parts, fmt.Sprintf("from %d to %d", o.Min, o.Max))
	}
	if o.Status != Served {
		parts = append(parts, fmt.Sprintf("**%s**: %s", o.Status, o.Reason))
	} else if o.ServiceOnly {
		parts = append(parts, "service mode only")
	}
	if o.Command != "" && !o.EnvOnly {
		parts = append(parts, "flag of "+o.Command+" only")
	}
	if o.Hidden {
		parts = append(parts, "not listed by --help")
	}
	return strings.ReplaceAll(strings.Join(parts, "; "), "|", `\|`) + "."
}

func writeRelations(b *strings.Builder) {
	b.WriteString("## Rules between options\n\n")
	for _, r := range Relations() {
		switch r.Kind {
		case Together:
			fmt.Fprintf(b, "- All or none of %s.\n", codeList(r.Names))
		case Exclusive:
			fmt.Fprintf(b, "- At most one of %s.\n", codeList(r.Names))
		case DependsOn:
			fmt.Fprintf(b, "- %s only together with %s.\n", codeList(r.Names), codeList(r.On))
		case DependsOnOne:
			fmt.Fprintf(b, "- %s only together with one of %s.\n", codeList(r.Names), codeList(r.On))
		}
	}
	b.WriteString("- One credential: `--api-key`, or `--jumpcloud-client-id` with `--jumpcloud-client-secret`; with both, `--auth-method` chooses.\n")
}

func codeList(names []string) string {
	return "`--" + strings.Join(names, "`, `--") + "`"
}
