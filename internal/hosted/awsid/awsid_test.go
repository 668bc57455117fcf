package awsid_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/hosted/awsid"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}

func role() map[string]string {
	return map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI", "AWS_SESSION_TOKEN": "session", "AWS_REGION": "eu-central-1"}
}

func attest(t *testing.T, env map[string]string) *pb.Sigv4SignedRequestSTSGetCallerIdentity {
	t.Helper()
	text, err := awsid.Attest(t.Context(), lookup(env))
	if err != nil {
		t.Fatal(err)
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	packed, signed := new(anypb.Any), new(pb.Sigv4SignedRequestSTSGetCallerIdentity)
	if err := proto.Unmarshal(data, packed); err != nil {
		t.Fatal(err)
	}
	if err := packed.UnmarshalTo(signed); err != nil {
		t.Fatal(err)
	}
	return signed
}

// TestSignatureByHand computes the signature anew, as AWS documents it (Signature
// Version 4), from what ConductorOne gets.
func TestSignatureByHand(t *testing.T) {
	t.Parallel()
	for name, names := range map[string]string{
		"session":    "content-length;content-type;host;x-amz-date;x-amz-security-token",
		"no session": "content-length;content-type;host;x-amz-date",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := role()
			if name == "no session" {
				delete(env, "AWS_SESSION_TOKEN")
			}
			signed := attest(t, env)
			if signed.GetMethod() != "POST" || signed.GetEndpoint() != "https://sts.eu-central-1.amazonaws.com" || string(signed.GetBody()) != "Action=GetCallerIdentity&Version=2011-06-15" {
				t.Errorf("request %v", signed)
			}
			headers := map[string]string{"host": "sts.eu-central-1.amazonaws.com", "content-length": "43"}
			for _, h := range signed.GetHeaders() {
				if len(h.GetValue()) != 1 {
					t.Errorf("header %v", h)
				}
				headers[strings.ToLower(h.GetKey())] = h.GetValue()[0]
			}
			if headers["content-type"] != "application/x-www-form-urlencoded; charset=utf-8" || headers["x-amz-security-token"] != env["AWS_SESSION_TOKEN"] {
				t.Errorf("headers %v", headers)
			}
			var lines strings.Builder
			for h := range strings.SplitSeq(names, ";") {
				lines.WriteString(h + ":" + headers[h] + "\n")
			}
			canonical := "POST\n/\n\n" + lines.String() + "\n" + names + "\n" + hash(string(signed.GetBody()))
			date := headers["x-amz-date"]
			scope := date[:8] + "/eu-central-1/sts/aws4_request"
			key := []byte("AWS4" + env["AWS_SECRET_ACCESS_KEY"])
			for part := range strings.SplitSeq(scope, "/") {
				key = mac(key, part)
			}
			want := fmt.Sprintf("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/%s, SignedHeaders=%s, Signature=%x",
				scope, names, mac(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hash(canonical)))
			if got := headers["authorization"]; got != want {
				t.Errorf("authorization\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func TestWithoutCredentials(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"} {
		env := role()
		delete(env, name)
		_, err := awsid.Attest(t.Context(), lookup(env))
		if err == nil || fault.Code(err) != codes.Unauthenticated || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	env := role()
	env["AWS_REGION"] = "eu\x00central"
	if _, err := awsid.Attest(t.Context(), lookup(env)); err == nil || strings.Contains(err.Error(), "\x00") {
		t.Errorf("error %v", err)
	}
}
