package archtest_test

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// plaintext is the package that lets gRPC do without TLS.
const plaintext = "google.golang.org/grpc/credentials/insecure"

// plaintextIsFor names the files that may use it: a collector of telemetry on the
// same machine may have no certificate, and its user asks for it by name.
var plaintextIsFor = []string{"internal/network/telemetry.go"}

// turnsOff are the fields of a tls.Config that let a client believe a server which
// cannot prove who it is, or that could be made to.
var turnsOff = []string{"InsecureSkipVerify", "VerifyPeerCertificate", "VerifyConnection"}

// trustProblems finds what could make TLS believe the wrong server: the fields that
// turn its checks off, by any way to name them, and configurations that do not ask
// for a version of TLS that is still safe.
func trustProblems(fset *token.FileSet, parsed *ast.File) []string {
	var problems []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if slices.Contains(turnsOff, n.Name) {
				problems = append(problems, fset.Position(n.Pos()).String()+": "+n.Name+": who answers is always checked, against the certificates of the system and those of SSL_CERT_FILE")
			}
		case *ast.CompositeLit:
			if isTLSConfig(n.Type) && !hasField(n, "MinVersion") {
				problems = append(problems, fset.Position(n.Pos()).String()+": tls.Config without MinVersion: say tls.VersionTLS12, or newer")
			}
		}
		return true
	})
	return problems
}

func isTLSConfig(expr ast.Expr) bool {
	selector, ok := expr.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "Config" {
		return false
	}
	pkg, ok := selector.X.(*ast.Ident)
	return ok && pkg.Name == "tls"
}

func hasField(literal *ast.CompositeLit, name string) bool {
	return slices.ContainsFunc(literal.Elts, func(e ast.Expr) bool {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return false
		}
		key, ok := pair.Key.(*ast.Ident)
		return ok && key.Name == name
	})
}

// checkTrust keeps production code from talking to anybody who cannot prove who they
// are. Nothing turns the checks off in tests either: they have certificates.
func checkTrust(f sourceFile) []string {
	if f.test {
		return slices.DeleteFunc(slices.Clone(f.trust), func(problem string) bool {
			return !slices.ContainsFunc(turnsOff, func(field string) bool { return strings.Contains(problem, field) })
		})
	}
	problems := slices.Clone(f.trust)
	if slices.Contains(f.imports, plaintext) && !slices.Contains(plaintextIsFor, f.name) {
		problems = append(problems, f.name+" imports "+plaintext+": what is sent must not be read or answered by others")
	}
	return problems
}
