package tasks

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// annotated is an answer with annotations.
type annotated interface {
	proto.Message
	GetAnnotations() []*anypb.Any
}

// provision makes a call that changes something. No error of it may be tried
// again by ConductorOne, and its annotations stand beside the answer too.
func provision[Q proto.Message, A annotated](ctx context.Context, r *Runner, l limits, call func(context.Context, Q) (A, error), req Q) Outcome {
	if l.err != nil {
		return refuse(l.err)
	}
	if !r.Provisioning {
		return refuse(status.Error(codes.FailedPrecondition, "provisioning is not enabled"))
	}
	answer, err := call(ctx, req)
	if err != nil {
		return refuse(err)
	}
	return Outcome{Response: answer, Annotations: answer.GetAnnotations()}
}

func (r *Runner) grant(ctx context.Context, id string, t *pb.Task_GrantTask, again bool) Outcome {
	if t.GetEntitlement() == nil || t.GetPrincipal() == nil {
		return refuse(malformed("grant"))
	}
	var l limits
	l.entitlement(t.GetEntitlement())
	l.resource("principal", t.GetPrincipal().GetId())
	out := provision(ctx, r, l, r.Connector.Grant, &v2.GrantManagerServiceGrantRequest{
		Entitlement: t.GetEntitlement(),
		Principal:   t.GetPrincipal(),
		Annotations: requestID(id),
	})
	if answer, ok := out.Response.(*v2.GrantManagerServiceGrantResponse); ok && again {
		answer.Annotations = without(answer.GetAnnotations(), &v2.GrantAlreadyExists{})
		out.Annotations = answer.GetAnnotations()
	}
	return out
}

func (r *Runner) revoke(ctx context.Context, id string, t *pb.Task_RevokeTask, again bool) Outcome {
	grant := t.GetGrant()
	if grant.GetEntitlement() == nil || grant.GetPrincipal() == nil {
		return refuse(malformed("revoke"))
	}
	var l limits
	l.optionalID("grant id", grant.GetId())
	l.entitlement(grant.GetEntitlement())
	l.resource("principal", grant.GetPrincipal().GetId())
	out := provision(ctx, r, l, r.Connector.Revoke, &v2.GrantManagerServiceRevokeRequest{Grant: grant, Annotations: requestID(id)})
	if answer, ok := out.Response.(*v2.GrantManagerServiceRevokeResponse); ok && again {
		answer.Annotations = without(answer.GetAnnotations(), &v2.GrantAlreadyRevoked{})
		out.Annotations = answer.GetAnnotations()
	}
	return out
}

// without leaves annotations of one type out. That a grant was there already, or
// gone already, is only known when nobody tried before: the earlier attempt may
// be what put it there.
func without(annotations []*anypb.Any, unwanted proto.Message) []*anypb.Any {
	return slices.DeleteFunc(slices.Clone(annotations), func(a *anypb.Any) bool { return a.MessageIs(unwanted) })
}

// requestID tells the connector which task it works for, so that its audit trail
// can name it.
func requestID(id string) []*anypb.Any {
	annotation, err := anypb.New(&v2.RequestId{RequestId: id})
	if err != nil {
		return nil // An id that is not UTF-8 cannot have come over the wire.
	}
	return []*anypb.Any{annotation}
}

func (r *Runner) createAccount(ctx context.Context, t *pb.Task_CreateAccountTask) Outcome {
	if t.GetAccountInfo() == nil {
		return refuse(malformed("create account"))
	}
	var l limits
	l.optionalID("resource type", t.GetResourceTypeId())
	return provision(ctx, r, l, r.Connector.CreateAccount, &v2.CreateAccountRequest{
		AccountInfo:       t.GetAccountInfo(),
		CredentialOptions: t.GetCredentialOptions(),
		EncryptionConfigs: t.GetEncryptionConfigs(),
		ResourceTypeId:    t.GetResourceTypeId(),
	})
}

func (r *Runner) createResource(ctx context.Context, t *pb.Task_CreateResourceTask) Outcome {
	if t.GetResource() == nil {
		return refuse(malformed("create resource"))
	}
	return provision(ctx, r, limits{}, r.Connector.CreateResource, &v2.CreateResourceRequest{Resource: t.GetResource()})
}

func (r *Runner) deleteResource(ctx context.Context, t *pb.Task_DeleteResourceTask) Outcome {
	if t.GetResourceId() == nil {
		return refuse(malformed("delete resource"))
	}
	var l limits
	l.resource("resource", t.GetResourceId())
	return provision(ctx, r, l, r.Connector.DeleteResource, &v2.DeleteResourceRequest{
		ResourceId:       t.GetResourceId(),
		ParentResourceId: t.GetParentResourceId(),
	})
}

func (r *Runner) rotateCredentials(ctx context.Context, t *pb.Task_RotateCredentialsTask) Outcome {
	if t.GetResourceId() == nil {
		return refuse(malformed("rotate credentials"))
	}
	var l limits
	l.resource("resource", t.GetResourceId())
	return provision(ctx, r, l, r.Connector.RotateCredential, &v2.RotateCredentialRequest{
		ResourceId:        t.GetResourceId(),
		CredentialOptions: t.GetCredentialOptions(),
		EncryptionConfigs: t.GetEncryptionConfigs(),
	})
}

func (r *Runner) issueCredential(ctx context.Context, id string, t *pb.Task_IssueCredentialTask) Outcome {
	if t.GetIdentityId() == nil {
		return refuse(malformed("issue credential"))
	}
	var l limits
	l.resource("identity", t.GetIdentityId())
	return provision(ctx, r, l, r.Connector.IssueCredential, &v2.IssueCredentialRequest{
		IdentityId:        t.GetIdentityId(),
		CredentialOptions: t.GetCredentialOptions(),
		EncryptionConfigs: t.GetEncryptionConfigs(),
		RequestId:         id,
		ExpiresAt:         t.GetExpiresAt(),
	})
}
