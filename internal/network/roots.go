package network

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

const (
	// EnvCertFile names a file of CA certificates that are trusted beside the public
	// ones, and envCertDir folders of such files that take the place of the system's.
	EnvCertFile = "SSL_CERT_FILE"
	envCertDir  = "SSL_CERT_DIR"
	// maxCertificates bounds a file of CA certificates, in bytes.
	maxCertificates = 16 << 20
)

// systemBundles are the files in which Linux distributions keep the public CAs.
// Go reads the first of them by itself, but not while SSL_CERT_FILE is set.
func systemBundles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Alpine
		"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, RHEL
		"/etc/ssl/ca-bundle.pem",                            // openSUSE
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // CentOS
		"/etc/ssl/cert.pem",                                 // Alpine, macOS, the BSDs
	}
}

// trustedRoots are the CAs whose certificates are accepted, by JumpCloud's client,
// for ConductorOne and for a collector: the system's; where it has none, as in an
// image made from scratch, those that come with the program; and those of the file
// that SSL_CERT_FILE names, which Go alone would trust instead of all others.
func trustedRoots(lookup func(string) (string, bool)) (*x509.CertPool, error) {
	file, _ := lookup(EnvCertFile)
	private, err := readPrivate(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", EnvCertFile, err)
	}
	dirs, _ := lookup(envCertDir)
	if err := checkCertDirs(dirs); err != nil {
		return nil, fmt.Errorf("read %s: %w", envCertDir, err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's CA certificates: %w", err)
	}
	if file == "" {
		if pool.Equal(x509.NewCertPool()) {
			return pool, addEmbedded(pool)
		}
		return pool, nil
	}
	if !addFirst(pool, systemBundles()) {
		if err := addEmbedded(pool); err != nil {
			return nil, err
		}
	}
	if !pool.AppendCertsFromPEM(private) {
		return nil, fmt.Errorf("read %s: %s contains no PEM-encoded CA certificate", EnvCertFile, file)
	}
	return pool, nil
}

// readPrivate reads the file that SSL_CERT_FILE names; nil where it names none.
func readPrivate(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	certificates, _, err := regularfile.Read(file, maxCertificates)
	return certificates, err
}

// checkCertDirs looks at the files of the folders that SSL_CERT_DIR names before Go
// opens every one of them.
func checkCertDirs(dirs string) error {
	for _, dir := range filepath.SplitList(dirs) {
		entries, _ := os.ReadDir(dir) // Go ignores a folder that it cannot read.
		for _, entry := range entries {
			path := filepath.Join(dir, entry.Name())
			kind, ok := errors.AsType[*regularfile.KindError](regularfile.Check(path, os.O_RDONLY))
			if ok && !kind.Mode.IsDir() {
				return kind
			}
		}
	}
	return nil
}

// addFirst adds the certificates of the first file that has any.
func addFirst(pool *x509.CertPool, files []string) bool {
	for _, file := range files {
		if certificates, err := os.ReadFile(file); err == nil && pool.AppendCertsFromPEM(certificates) { //nolint:gosec // The places of the operating system.
			return true
		}
	}
	return false
}

// addEmbedded adds the CAs that come with the program. They are parsed when a chain
// leads to them.
func addEmbedded(pool *x509.CertPool) error {
	for root := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			return fmt.Errorf("read the built-in CA certificates: %w", err)
		}
		if root.Constraint == nil {
			pool.AddCert(certificate)
			continue
		}
		pool.AddCertWithConstraint(certificate, root.Constraint)
	}
	return nil
}
