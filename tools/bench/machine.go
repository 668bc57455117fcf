package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// describeMachine tells what is measured on. What is not known is left empty.
func describeMachine(ctx context.Context) (Machine, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return Machine{}, fmt.Errorf("ask for the version of Go: %w", err)
	}
	m := Machine{Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: strings.TrimSpace(string(out))}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if found := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(info); found != nil {
			m.Processor = string(found[1])
		}
	}
	if info, err := os.ReadFile("/proc/meminfo"); err == nil {
		if found := regexp.MustCompile(`(?m)^MemTotal:\s*(\d+) kB$`).FindSubmatch(info); found != nil {
			kilobytes, _ := strconv.ParseInt(string(found[1]), 10, 64) // digits only
			m.Memory = kilobytes << 10
		}
	}
	return m, nil
}

// load is how busy the machine was over the last minute; 0 where it does not tell.
func load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	n, _ := strconv.ParseFloat(first, 64) // 0 for anything else
	return n
}

// commitOf names the last commit that changed what the binary is made of, so that
// commits of documents and tests do not make results old. Changes that are not
// committed show in the name.
func commitOf(ctx context.Context, source string) (string, error) {
	made := []string{"--", "cmd", "internal", "go.mod", "go.sum", ":(exclude,glob)**/*_test.go", ":(exclude,glob)**/testdata/**"}
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", append(args, made...)...) //nolint:gosec // The arguments are those below.
		cmd.Dir = source
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("ask git for the commit: %w", err)
		}
		return strings.TrimSpace(string(out)), nil
	}
	commit, err := git("log", "-1", "--format=%h", "--abbrev=12")
	if err != nil {
		return "", err
	}
	changed, err := git("status", "--porcelain")
	if err != nil {
		return "", err
	}
	if changed != "" {
		commit += "-changed"
	}
	return commit, nil
}

// trusting carries requests to a server whose CA is in a file; empty for none.
func trusting(ca string) (http.RoundTripper, error) {
	t := &http.Transport{}
	if ca == "" {
		return t, nil
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots}
	return t, nil
}
