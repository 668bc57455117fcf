package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"io"
	"os"
	"testing"

	"filippo.io/age"
	"github.com/go-jose/go-jose/v4"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/encryption"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// responseOf reads the response of a task that succeeded.
func responseOf[M proto.Message](t *testing.T, info c1sim.TaskInfo, m M) M {
	t.Helper()
	if err := info.Result.GetSuccess().GetResponse().UnmarshalTo(m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestServiceChangesAccounts lets ConductorOne create, disable, rotate and delete an
// account, and ask about an action after a restart.
func TestServiceChangesAccounts(t *testing.T) {
	t.Parallel()
	r := newRig(t, c1sim.Options{})
	options := []string{"--provisioning", "--provision-types=user,group"}
	p := r.start(options...)
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := must(jose.JSONWebKey{Key: public}.MarshalJSON())
	recipients := []*v2.EncryptionConfig{{Config: &v2.EncryptionConfig_JwkPublicKeyConfig{JwkPublicKeyConfig: &v2.EncryptionConfig_JWKPublicKeyConfig{PubKey: jwk}}}}
	identity := must(age.GenerateX25519Identity())
	ageConfig := &v2.EncryptionConfig{Config: &v2.EncryptionConfig_AgeRecipientConfig_{AgeRecipientConfig: &v2.EncryptionConfig_AgeRecipientConfig{Recipient: identity.Recipient().String()}}}
	curve := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	curveJWK := must(jose.JSONWebKey{Key: curve.Public()}.MarshalJSON())
	curveConfig := &v2.EncryptionConfig{Config: &v2.EncryptionConfig_JwkPublicKeyConfig{JwkPublicKeyConfig: &v2.EncryptionConfig_JWKPublicKeyConfig{PubKey: curveJWK}}}
	random := &v2.CredentialOptions{Options: &v2.CredentialOptions_RandomPassword_{RandomPassword: &v2.CredentialOptions_RandomPassword{Length: 16}}}

	id := r.c1.Enqueue(&pb.Task{TaskType: &pb.Task_CreateAccount{CreateAccount: &pb.Task_CreateAccountTask{
		AccountInfo:       &v2.AccountInfo{Login: "new.user", Emails: []*v2.AccountInfo_Email{{Address: "new@example.com", IsPrimary: true}}},
		CredentialOptions: random, EncryptionConfigs: recipients,
	}}})
	made := responseOf(t, r.succeeded(id), &v2.CreateAccountResponse{})
	password := must(encryption.Decrypt(made.GetEncryptedData(), key))
	user := made.GetSuccess().GetResource().GetId()
	if !r.tenant.HasPassword(user.GetResource(), password.Reveal()) {
		t.Error("the recipient got another password")
	}

	args := must(structpb.NewStruct(map[string]any{"user_id": user.GetResource()}))
	id = r.c1.Enqueue(&pb.Task{TaskType: &pb.Task_ActionInvoke{ActionInvoke: &pb.Task_ActionInvokeTask{Name: "disable_user", Args: args}}})
	invoked := responseOf(t, r.succeeded(id), &v2.InvokeActionResponse{})
	if u := must(r.tenant.User(user.GetResource())); u.State != jcsim.StateSuspended || invoked.GetStatus() != v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE {
		t.Errorf("%v: %+v", invoked, u)
	}
	if p.signal(os.Kill) == 0 {
		t.Error("killed without a trace")
	}
	r.start(options...)
	id = r.c1.Enqueue(&pb.Task{TaskType: &pb.Task_ActionStatus{ActionStatus: &pb.Task_ActionStatusTask{Id: invoked.GetId()}}})
	status := responseOf(t, r.succeeded(id), &v2.GetActionStatusResponse{})
	if status.GetStatus() != invoked.GetStatus() || !proto.Equal(status.GetResponse(), invoked.GetResponse()) || status.GetName() != "disable_user" {
		t.Errorf("after a restart: %v", status)
	}
	id = r.c1.Enqueue(&pb.Task{TaskType: &pb.Task_ActionListSchemas{ActionListSchemas: &pb.Task_ActionListSchemasTask{}}})
	if n := len(responseOf(t, r.succeeded(id), &v2.ListActionSchemasResponse{}).GetSchemas()); n != 15 {
		t.Errorf("%d schemas", n)
	}

	id = r.c1.Enqueue(&pb.Task{TaskType: &pb.Task_RotateCredentials{RotateCredentials: &pb.Task_RotateCredentialsTask{
		ResourceId: user, CredentialOptions: random, EncryptionConfigs: append(recipients, ageConfig, curveConfig),
	}}})
	sealed := responseOf(t, r.succeeded(id), &v2.RotateCredentialResponse{}).GetEncryptedData()
	if len(sealed) != 3 {
		t.Fatalf("%d secrets for 3 recipients", len(sealed))
	}
	password = must(encryption.Decrypt(sealed[:1], key))
	// The others open theirs with age and go-jose.
	byAge := must(io.ReadAll(must(age.Decrypt(bytes.NewReader(sealed[1].GetEncryptedBytes()), identity))))
	compact := must(base64.StdEncoding.DecodeString(string(sealed[2].GetEncryptedBytes())))
	byJOSE := must(must(jose.ParseEncryptedCompact(string(compact), []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})).Decrypt(curve))
	for _, opened := range []string{password.Reveal(), string(byAge), string(byJOSE)} {
		if !r.tenant.HasPassword(user.GetResource(), opened) {
			t.Error("a recipient got another password")
		}
	}
	for range 2 {
		r.succeeded(r.c1.Enqueue(&pb.Task{TaskType: &pb.Task_DeleteResource{DeleteResource: &pb.Task_DeleteResourceTask{ResourceId: user}}}))
	}
	if _, err := r.tenant.User(user.GetResource()); err == nil {
		t.Error("the user was not deleted")
	}
}
