package platform

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/endpoint"
)

const (
	maxTokenForm = 64 << 10
	hour         = 3600
)

// jws is the header and the claims of an assertion or a proof.
type jws struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
	Nonce     string `json:"nonce"`
	KeyID     string `json:"kid"`

	claims struct {
		Issuer      string `json:"iss"`
		Subject     string `json:"sub"`
		Audience    string `json:"aud"` // An array is refused: the original sends a string.
		IssuedAt    int64  `json:"iat"`
		NotBefore   int64  `json:"nbf"`
		Expiry      int64  `json:"exp"`
		ID          string `json:"jti"`
		Attestation string `json:"id_att"`
		Method      string `json:"htm"`
		URL         string `json:"htu"`
		Nonce       string `json:"nonce"`
		TokenHash   string `json:"ath"`
	}
	jwk map[string]string
}

// parse takes a compact JWS apart by hand, so that a misreading of a JOSE library cannot
// be shared with the client. The key is that of the header where it is nil.
func parse(text string, key ed25519.PublicKey) (*jws, ed25519.PublicKey, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, nil, fmt.Errorf("%d parts instead of 3", len(parts))
	}
	var header struct {
		jws
		JWK map[string]string `json:"jwk"`
	}
	if err := decodePart(parts[0], &header); err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	j := &header.jws
	j.jwk = header.JWK
	if err := decodePart(parts[1], &j.claims); err != nil {
		return nil, nil, fmt.Errorf("claims: %w", err)
	}
	if key == nil {
		x, err := base64.RawURLEncoding.DecodeString(j.jwk["x"])
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, nil, errors.New("the header has no Ed25519 key")
		}
		key = x
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || j.Algorithm != "EdDSA" || !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), signature) {
		return nil, nil, errors.New("the signature does not match")
	}
	return j, key, nil
}

func decodePart(part string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// checkAssertion checks the assertion of a token request.
func (s *Server) checkAssertion(text string, now time.Time) error {
	j, _, err := parse(text, s.client)
	if err != nil {
		return fmt.Errorf("assertion: %w", err)
	}
	c := j.claims
	switch {
	case j.Nonce != "" || j.KeyID != "" || j.Type != "":
		return errors.New("assertion: the header has more than the algorithm")
	case c.Issuer != s.clientID || c.Subject != s.clientID:
		return fmt.Errorf("assertion: it is by %q about %q", c.Issuer, c.Subject)
	case c.Audience != endpoint.Host(s.options.Host):
		return fmt.Errorf("assertion: it is for %q", c.Audience)
	case c.Expiry-c.IssuedAt != 120 || c.IssuedAt-c.NotBefore != 60:
		return fmt.Errorf("assertion: it is good from %d to %d, made at %d", c.NotBefore, c.Expiry, c.IssuedAt)
	case c.IssuedAt > now.Unix()+5 || c.Expiry < now.Unix():
		return errors.New("assertion: it is not of now")
	}
	return checkAttestation(c.Attestation)
}

// checkAttestation checks the form of the request to AWS that is in an assertion.
func checkAttestation(text string) error {
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || text == "" {
		return errors.New("id_att: it is not base64url")
	}
	packed, signed := new(anypb.Any), new(pb.Sigv4SignedRequestSTSGetCallerIdentity)
	if err := errors.Join(proto.Unmarshal(data, packed), packed.UnmarshalTo(signed)); err != nil {
		return fmt.Errorf("id_att: %w", err)
	}
	for _, h := range signed.GetHeaders() {
		if h.GetKey() == "Authorization" && strings.HasPrefix(strings.Join(h.GetValue(), ""), "AWS4-HMAC-SHA256 Credential=") {
			return nil
		}
	}
	return errors.New("id_att: the request is not signed")
}

// checkProof checks the proof of a request to a path, and returns its key and nonce. The
// token is the one that the request carries, or empty.
func (s *Server) checkProof(text, path, token string, now time.Time) (ed25519.PublicKey, string, error) {
	j, key, err := parse(text, nil)
	if err != nil {
		return nil, "", fmt.Errorf("proof: %w", err)
	}
	c := j.claims
	hash := ""
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		hash = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	s.mu.Lock()
	replayed := s.proofs[c.ID]
	s.proofs[c.ID] = true
	s.mu.Unlock()
	switch {
	case j.Type != "dpop+jwt" || j.KeyID != "":
		return nil, "", fmt.Errorf("proof: type %q, key id %q", j.Type, j.KeyID)
	case len(j.jwk) != 6 || j.jwk["kty"] != "OKP" || j.jwk["crv"] != "Ed25519" || j.jwk["kid"] != "key" || j.jwk["use"] != "sig" || j.jwk["alg"] != "EdDSA":
		return nil, "", fmt.Errorf("proof: key %v", j.jwk)
	case c.Method != http.MethodPost || c.URL != "https://"+s.options.Host+path:
		return nil, "", fmt.Errorf("proof: it is of %s %s", c.Method, c.URL)
	case c.IssuedAt-c.NotBefore != 30 || c.Expiry-c.IssuedAt != 300 || c.IssuedAt > now.Unix()+5 || c.Expiry < now.Unix():
		return nil, "", fmt.Errorf("proof: it is good from %d to %d, made at %d", c.NotBefore, c.Expiry, c.IssuedAt)
	case c.TokenHash != hash:
		return nil, "", errors.New("proof: it is of another token")
	case len(c.ID) != len("00000000-0000-4000-8000-000000000000") || c.ID[14] != '4':
		return nil, "", errors.New("proof: its id is not a UUID of version 4")
	case replayed:
		return nil, "", errors.New("proof: it was used before")
	}
	return key, c.Nonce, nil
}

// serveToken is the token endpoint.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.tokenRequests++
	n := s.tokenRequests
	s.mu.Unlock()
	if s.options.Token != nil {
		if code, oauthError, nonce := s.options.Token(n); code != 0 {
			if nonce != "" {
				w.Header().Set("DPoP-Nonce", nonce)
			}
			answer(w, code, map[string]any{"error": oauthError})
			return
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenForm)
	key, nonce, err := s.checkTokenRequest(r, time.Now())
	if err != nil {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": s.refuse(err).Error()})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if nonce != s.nonce {
		w.Header().Set("DPoP-Nonce", s.nonce)
		answer(w, http.StatusBadRequest, map[string]any{"error": "use_dpop_nonce", "error_description": "a nonce is required"})
		return
	}
	if s.options.OneUseNonces {
		s.nonce = rand.Text()
	}
	token := rand.Text()
	s.tokens[token] = tokenInfo{key}
	body := map[string]any{"access_token": token, "token_type": "DPoP"}
	if s.options.TokenType != "" {
		body["token_type"] = s.options.TokenType
	}
	switch life := s.options.TokenLife; {
	case life < 0:
		body["expires_in"] = hour
	case life > 0:
		body["expires_in"] = life
	}
	answer(w, http.StatusOK, body)
}

func (s *Server) checkTokenRequest(r *http.Request, now time.Time) (ed25519.PublicKey, string, error) {
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return nil, "", errors.New("the request is not a form")
	}
	if err := r.ParseForm(); err != nil {
		return nil, "", errors.New("malformed form")
	}
	for field, want := range map[string]string{
		"client_id": s.clientID, "grant_type": "client_credentials",
		"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
	} {
		if got := r.PostForm[field]; len(got) != 1 || got[0] != want {
			return nil, "", fmt.Errorf("%s is %q", field, got)
		}
	}
	if err := s.checkAssertion(r.PostForm.Get("client_assertion"), now); err != nil {
		return nil, "", err
	}
	return s.checkProof(r.Header.Get("DPoP"), "/auth/v1/token", "", now)
}

// answer writes JSON. A client that went away is none of the simulator's business.
func answer(w http.ResponseWriter, code int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}
