package syncer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// maxID is the greatest length of an id in bytes.
const maxID = 1024

// typeURL is what the type URL of an annotation ends with.
const (
	userTrait       = "c1.connector.v2.UserTrait"
	groupTrait      = "c1.connector.v2.GroupTrait"
	roleTrait       = "c1.connector.v2.RoleTrait"
	appTrait        = "c1.connector.v2.AppTrait"
	secretTrait     = "c1.connector.v2.SecretTrait" //nolint:gosec // It is the name of a message.
	batonID         = "c1.connector.v2.BatonID"
	grantExpandable = "c1.connector.v2.GrantExpandable"
)

// traitMessage is the annotation that a resource carries for a trait of its type;
// empty for traits that need none.
func traitMessage(t v2.ResourceType_Trait) string {
	switch t { //nolint:exhaustive // the other traits need no annotation.
	case v2.ResourceType_TRAIT_USER:
		return userTrait
	case v2.ResourceType_TRAIT_GROUP:
		return groupTrait
	case v2.ResourceType_TRAIT_ROLE:
		return roleTrait
	case v2.ResourceType_TRAIT_APP:
		return appTrait
	case v2.ResourceType_TRAIT_SECRET:
		return secretTrait
	}
	return ""
}

// find returns the position of the annotation of a message, or -1.
func find(annotations []*anypb.Any, message string) int {
	return slices.IndexFunc(annotations, func(a *anypb.Any) bool {
		return a.GetTypeUrl()[strings.LastIndexByte(a.GetTypeUrl(), '/')+1:] == message
	})
}

// checkResource checks what every reader of the archive relies on.
func checkResource(r *v2.Resource, rt *v2.ResourceType) error {
	for _, t := range rt.GetTraits() {
		name := traitMessage(t)
		if name != "" && find(r.GetAnnotations(), name) < 0 {
			return fmt.Errorf("%s: resource was missing expected trait %s", ref(r.GetId()), name[strings.LastIndexByte(name, '.')+1:])
		}
	}
	if find(r.GetAnnotations(), batonID) >= 0 {
		return fmt.Errorf("%s: resource carries the annotation BatonID, which is reserved", ref(r.GetId()))
	}
	return nil
}

// checkRef checks the id of a resource, of what it is.
func checkRef(what string, id *v2.ResourceId) error {
	if err := checkID(what+" type", id.GetResourceType()); err != nil {
		return err
	}
	return checkID(what, id.GetResource())
}

func checkID(what, id string) error {
	if id == "" {
		return errors.New(what + " without an id")
	}
	if len(id) > maxID {
		return fmt.Errorf("%s with an id of %d bytes, more than %d: it begins with %.40q", what, len(id), maxID, id)
	}
	return nil
}

func ref(id *v2.ResourceId) Ref {
	return Ref{Type: id.GetResourceType(), ID: id.GetResource()}
}
