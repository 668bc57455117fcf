package archtest_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// platforms are what a release is built for.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"}

// reviewedRow matches a row of docs/DEPENDENCIES.md: module, reason, licenses.
var reviewedRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*) \\| (.*) \\|$")

// licenses are parts of the texts of the licenses that may be linked.
var licenses = map[string]string{
	"Apache-2.0":   "Apache License",
	"BSD-2-Clause": "Redistribution and use in source and binary forms",
	"BSD-3-Clause": "Redistribution and use in source and binary forms",
	"MPL-2.0":      "Mozilla Public License Version 2.0",
	"MIT":          "Permission is hereby granted, free of charge",
	"Unlicense":    "This is free and unencumbered software released into the public domain",
}

// TestDependenciesAreReviewed holds docs/DEPENDENCIES.md against what is linked.
func TestDependenciesAreReviewed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/DEPENDENCIES.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range unreviewed(string(text), linked(t)) {
		t.Error(problem)
	}
}

// unreviewed compares the text of docs/DEPENDENCIES.md with the folders of the
// modules that are linked.
func unreviewed(text string, folders map[string]string) []string {
	var problems []string
	rows := map[string]bool{}
	for _, row := range reviewedRow.FindAllStringSubmatch(text, -1) {
		module, reason, license := row[1], row[2], row[3]
		folder, isLinked := folders[module]
		switch {
		case rows[module]:
			problems = append(problems, module+" is there twice")
		case !isLinked:
			problems = append(problems, module+" is not linked any more; take it out of docs/DEPENDENCIES.md")
		case len(reason) < 10:
			problems = append(problems, module+": say what it is for")
		default:
			for name := range strings.SplitSeq(license, ", ") {
				if part, known := licenses[name]; !known || !licensed(folder, part) {
					problems = append(problems, module+": its files do not show the license "+name)
				}
			}
		}
		rows[module] = true
	}
	for _, module := range slices.Sorted(maps.Keys(folders)) {
		if !rows[module] {
			problems = append(problems, module+" is linked into the program and not in docs/DEPENDENCIES.md: look at what it is for, who keeps it and its license, and add it")
		}
	}
	return problems
}

// licensed reports whether a file that is named after licenses has a text in it.
func licensed(folder, part string) bool {
	for _, pattern := range []string{"LICEN[SC]E*", "License*", "COPYING*", "UNLICENSE*"} {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			return false
		}
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), part) {
				return true
			}
		}
	}
	return false
}

// linked lists the modules of the program on all platforms, with their folders.
func linked(t *testing.T) map[string]string {
	t.Helper()
	folders := map[string]string{}
	for _, platform := range platforms {
		system, arch, _ := strings.Cut(platform, "/")
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", module+"/cmd/baton-jumpcloud")
		cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+arch, "CGO_ENABLED=0")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list for %s: %v\n%s", platform, err, stderr.String())
		}
		for line := range strings.Lines(string(out)) {
			if path, folder, found := strings.Cut(strings.TrimSpace(line), "\t"); found {
				folders[path] = folder
			}
		}
	}
	return folders
}

func TestUnreviewedDependenciesAreFound(t *testing.T) {
	t.Parallel()
	free, other := t.TempDir(), t.TempDir()
	for folder, text := range map[string]string{free: "MIT License\n\nPermission is hereby granted, free of charge, to", other: "All rights reserved."} {
		if err := os.WriteFile(filepath.Join(folder, "LICENSE.txt"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	row := func(module, reason, license string) string {
		return "| `" + module + "` | " + reason + " | " + license + " |\n"
	}
	good := row("a.org/a", "settings from a file", "MIT")
	for _, tt := range []struct {
		name, text string
		folders    map[string]string
		want       string // part of the only problem; "" for none
	}{
		{"reviewed", good, map[string]string{"a.org/a": free}, ""},
		{"new", good, map[string]string{"a.org/a": free, "b.org/b": free}, "b.org/b is linked into the program and not in docs/DEPENDENCIES.md"},
		{"gone", good, nil, "a.org/a is not linked any more"},
		{"twice", good + good, map[string]string{"a.org/a": free}, "a.org/a is there twice"},
		{"no reason", row("a.org/a", "", "MIT"), map[string]string{"a.org/a": free}, "a.org/a: say what it is for"},
		{"another license", good, map[string]string{"a.org/a": other}, "do not show the license MIT"},
		{"a license that must not be", row("a.org/a", "settings from a file", "GPL-3.0"), map[string]string{"a.org/a": other}, "do not show the license GPL-3.0"},
	} {
		got := unreviewed(tt.text, tt.folders)
		switch {
		case tt.want == "" && len(got) > 0:
			t.Errorf("%s: problems %q, want none", tt.name, got)
		case tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)):
			t.Errorf("%s: problems %q, want one with %q", tt.name, got, tt.want)
		}
	}
}
