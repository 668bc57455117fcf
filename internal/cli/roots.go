package cli

import (
	"crypto/x509"
	"fmt"
	"os"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// envCertFile names a file of CA certificates that are trusted beside the public
// ones.
const envCertFile = "SSL_CERT_FILE"

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
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's CA certificates: %w", err)
	}
	file, _ := lookup(envCertFile)
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
	private, err := os.ReadFile(file) //nolint:gosec // Who runs the program chooses whom to trust.
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", envCertFile, err)
	}
	if !pool.AppendCertsFromPEM(private) {
		return nil, fmt.Errorf("read %s: %s holds no CA certificate in PEM form", envCertFile, file)
	}
	return pool, nil
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
			return fmt.Errorf("read the CA certificates that come with the program: %w", err)
		}
		if root.Constraint == nil {
			pool.AddCert(certificate)
			continue
		}
		pool.AddCertWithConstraint(certificate, root.Constraint)
	}
	return nil
}
