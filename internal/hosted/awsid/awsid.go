// Package awsid states, for ConductorOne, under which role of AWS this process runs: it
// signs a request to AWS's token service that the connector itself never sends.
// ConductorOne can send it, and learns who signed it.
package awsid

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// The variables in which the function's runtime hands over the credentials of its role.
const (
	envKeyID   = "AWS_ACCESS_KEY_ID"
	envSecret  = "AWS_SECRET_ACCESS_KEY" //nolint:gosec // It is a name.
	envSession = "AWS_SESSION_TOKEN"     //nolint:gosec // It is a name.
	envRegion  = "AWS_REGION"
)

// request is the request that is signed.
const (
	service     = "sts"
	body        = "Action=GetCallerIdentity&Version=2011-06-15"
	contentType = "application/x-www-form-urlencoded; charset=utf-8"
)

// Attest returns the statement as a token request carries it. Lookup reads an environment
// variable, as [os.LookupEnv] does; it is asked each time, because AWS may renew the
// credentials. Credentials that are missing are an error of code Unauthenticated.
func Attest(ctx context.Context, lookup func(string) (string, bool)) (string, error) {
	values := make(map[string]string)
	for _, name := range []string{envKeyID, envSecret, envSession, envRegion} {
		value, _ := lookup(name)
		values[name] = strings.TrimSpace(value)
	}
	for _, name := range []string{envKeyID, envSecret, envRegion} {
		if values[name] == "" {
			return "", fault.WithHints(fault.WithCode(codes.Unauthenticated, "sign the AWS identity: %s is not set", name),
				"run the command as an AWS Lambda function, whose runtime sets "+envKeyID+", "+envSecret+", "+envSession+" and "+envRegion)
		}
	}
	credentials := aws.Credentials{AccessKeyID: values[envKeyID], SecretAccessKey: values[envSecret], SessionToken: values[envSession]}
	signed, err := sign(ctx, credentials, values[envRegion], time.Now())
	if err != nil {
		return "", err
	}
	packed, err := anypb.New(signed)
	if err != nil {
		return "", fmt.Errorf("sign the AWS identity: %w", err)
	}
	data, err := proto.Marshal(packed)
	if err != nil {
		return "", fmt.Errorf("sign the AWS identity: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(data), nil
}

// sign signs the request at a time. Host and Content-Length are signed and not listed.
func sign(ctx context.Context, credentials aws.Credentials, region string, now time.Time) (*pb.Sigv4SignedRequestSTSGetCallerIdentity, error) {
	endpoint := "https://" + service + "." + region + ".amazonaws.com"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(body))
	if err != nil {
		return nil, fault.WithCode(codes.Unauthenticated, "sign the AWS identity: %s is not the name of a region", envRegion)
	}
	req.Header.Set("Content-Type", contentType)
	hash := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(hash[:]), service, region, now); err != nil {
		return nil, fmt.Errorf("sign the AWS identity: %w", err)
	}
	signed := &pb.Sigv4SignedRequestSTSGetCallerIdentity{Method: req.Method, Endpoint: endpoint, Body: []byte(body)}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		signed.Headers = append(signed.Headers, &pb.SignedHeader{Key: name, Value: req.Header[name]})
	}
	return signed, nil
}
