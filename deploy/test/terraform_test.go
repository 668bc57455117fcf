package deploytest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// terraformModule is a folder of Terraform files, evaluated with values for its
// variables. Terraform itself is not run: it takes its providers from a registry.
type terraformModule struct {
	t         *testing.T
	ctx       *hcl.EvalContext
	resources map[string]map[string]any // "type.name" -> attributes and blocks
	providers map[string]string         // local name -> source
}

// loadTerraform parses a folder and evaluates everything in it. A name that does not
// exist, in an expression or as a function, is an error.
func loadTerraform(t *testing.T, dir string, variables map[string]cty.Value) *terraformModule {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files of %s: %v, %v", dir, files, err)
	}
	m := &terraformModule{t: t, resources: map[string]map[string]any{}, providers: map[string]string{}, ctx: &hcl.EvalContext{
		Variables: map[string]cty.Value{}, Functions: terraformFunctions(),
	}}
	var blocks []*hclsyntax.Block
	parser := hclparse.NewParser()
	for _, file := range files {
		parsed, diags := parser.ParseHCLFile(file)
		m.check(diags)
		blocks = append(blocks, parsed.Body.(*hclsyntax.Body).Blocks...)
	}
	m.declare(blocks, variables)
	for _, b := range blocks {
		switch b.Type {
		case "resource":
			m.resources[b.Labels[0]+"."+b.Labels[1]] = m.tree(b.Body, m.ctx)
		case "terraform":
			for name, requirement := range m.tree(b.Body, m.ctx)["required_providers"].([]any)[0].(map[string]any) {
				m.providers[name] = requirement.(map[string]any)["source"].(string)
			}
		case "variable", "locals", "provider":
		default:
			t.Errorf("%s: a block of type %s", b.Range(), b.Type)
		}
	}
	return m
}

func (m *terraformModule) check(diags hcl.Diagnostics) {
	m.t.Helper()
	if diags.HasErrors() {
		m.t.Fatal(diags.Error())
	}
}

// declare makes the names that expressions refer to.
func (m *terraformModule) declare(blocks []*hclsyntax.Block, given map[string]cty.Value) {
	m.t.Helper()
	vars, locals := map[string]cty.Value{}, map[string]cty.Value{}
	resources := map[string]map[string]cty.Value{}
	for _, b := range blocks {
		switch b.Type {
		case "variable":
			value, isGiven := given[b.Labels[0]]
			if fallback, optional := b.Body.Attributes["default"]; optional && !isGiven {
				v, diags := fallback.Expr.Value(m.ctx)
				m.check(diags)
				value, isGiven = v, true
			}
			if !isGiven {
				m.t.Fatalf("variable %s has neither a value nor a default", b.Labels[0])
			}
			vars[b.Labels[0]] = value
		case "resource":
			if resources[b.Labels[0]] == nil {
				resources[b.Labels[0]] = map[string]cty.Value{}
			}
			// What other resources may refer to.
			resources[b.Labels[0]][b.Labels[1]] = cty.ObjectVal(map[string]cty.Value{
				"id":       cty.StringVal("id-of-" + b.Labels[1]),
				"metadata": cty.TupleVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal("name-of-" + b.Labels[1])})}),
			})
		}
	}
	m.ctx.Variables["var"] = cty.ObjectVal(vars)
	for kind, named := range resources {
		m.ctx.Variables[kind] = cty.ObjectVal(named)
	}
	for _, b := range blocks {
		if b.Type != "locals" {
			continue
		}
		// In the order of the file, which is the order in which they build on each other.
		attributes := slices.SortedFunc(maps.Values(b.Body.Attributes), func(a, b *hclsyntax.Attribute) int {
			return a.NameRange.Start.Byte - b.NameRange.Start.Byte
		})
		for _, a := range attributes {
			value, diags := a.Expr.Value(m.ctx)
			m.check(diags)
			locals[a.Name] = value
			m.ctx.Variables["local"] = cty.ObjectVal(locals)
		}
	}
}

// tree evaluates a body. Blocks become lists under their type.
func (m *terraformModule) tree(body *hclsyntax.Body, ctx *hcl.EvalContext) map[string]any {
	m.t.Helper()
	out := map[string]any{}
	for name, a := range body.Attributes {
		value, diags := a.Expr.Value(ctx)
		m.check(diags)
		raw, err := ctyjson.Marshal(value, value.Type())
		if err != nil {
			m.t.Fatal(err)
		}
		var decoded any
		if err := json.Unmarshal(raw, &decoded); err != nil {
			m.t.Fatal(err)
		}
		out[name] = decoded
	}
	add := func(name string, block map[string]any) {
		list, _ := out[name].([]any)
		out[name] = append(list, block)
	}
	for _, b := range body.Blocks {
		if b.Type != "dynamic" {
			add(b.Type, m.tree(b.Body, ctx))
			continue
		}
		each, diags := b.Body.Attributes["for_each"].Expr.Value(ctx)
		m.check(diags)
		for it := each.ElementIterator(); it.Next(); {
			key, value := it.Element()
			inner := ctx.NewChild()
			inner.Variables = map[string]cty.Value{b.Labels[0]: cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}
			add(b.Labels[0], m.tree(b.Body.Blocks[0].Body, inner))
		}
	}
	return out
}

func terraformFunctions() map[string]function.Function {
	return map[string]function.Function{
		"merge": stdlib.MergeFunc, "jsonencode": stdlib.JSONEncodeFunc, "join": stdlib.JoinFunc,
		"sha256": function.New(&function.Spec{
			Params: []function.Parameter{{Name: "str", Type: cty.String}}, Type: function.StaticReturnType(cty.String),
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
				sum := sha256.Sum256([]byte(args[0].AsString()))
				return cty.StringVal(hex.EncodeToString(sum[:])), nil
			},
		}),
	}
}

// lists are the blocks that may be repeated, with what the Kubernetes API calls them.
// The others stand for one object.
var lists = map[string]string{"container": "containers", "env": "env", "env_from": "envFrom", "port": "ports", "volume": "volumes", "volume_mount": "volumeMounts"}

// kubernetes turns what the Kubernetes provider takes into what the API takes: the
// provider's names are the API's in another case. Maps of the user's own keys, which
// are attributes and no blocks, stay as they are.
func (m *terraformModule) kubernetes(kind, apiVersion, resource string) runtime.Object {
	m.t.Helper()
	source, ok := m.resources[resource]
	if !ok {
		m.t.Fatalf("no resource %s", resource)
	}
	object := m.camel(source)
	delete(object, "waitUntilBound") // Of the provider, not of the API.
	if data, ok := object["data"]; ok {
		object["stringData"] = data // The provider encodes it.
		delete(object, "data")
	}
	object["kind"], object["apiVersion"] = kind, apiVersion
	text, err := yaml.Marshal(object)
	if err != nil {
		m.t.Fatal(err)
	}
	return decode(m.t, text)[0]
}

func (m *terraformModule) camel(in map[string]any) map[string]any {
	m.t.Helper()
	out := map[string]any{}
	for name, value := range in {
		blocks, _ := value.([]any)
		var converted []any
		for _, b := range blocks {
			if block, ok := b.(map[string]any); ok {
				converted = append(converted, m.camel(block))
			}
		}
		switch plural, repeated := lists[name]; {
		case len(converted) == 0:
			out[camelCase(name)] = value
		case repeated:
			out[plural] = converted
		case len(converted) == 1:
			out[camelCase(name)] = converted[0]
		default:
			m.t.Errorf("%d blocks %s, there may be one", len(converted), name)
		}
	}
	return out
}

func camelCase(name string) string {
	words := strings.Split(name, "_")
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

func TestTerraformCloudHosted(t *testing.T) {
	t.Parallel()
	m := loadTerraform(t, "../terraform/cloud-hosted", map[string]cty.Value{
		"owner_user_ids":    cty.TupleVal([]cty.Value{cty.StringVal("u1"), cty.StringVal("u2")}),
		"jumpcloud_api_key": cty.StringVal("k"),
	})
	if got := m.providers["conductorone"]; got != "conductorone/conductorone" {
		t.Errorf("the provider is %q", got)
	}
	// The provider's documentation of both resources, version 1.6.
	known := map[string][]string{
		"conductorone_app.jumpcloud":                   {"display_name", "description"},
		"conductorone_integration_jumpcloud.jumpcloud": {"app_id", "user_ids", "jumpcloud_api_key"},
	}
	for name, attributes := range m.resources {
		for a := range attributes {
			if !slices.Contains(known[name], a) {
				t.Errorf("%s has the attribute %s", name, a)
			}
		}
	}
	i := m.resources["conductorone_integration_jumpcloud.jumpcloud"]
	if i["app_id"] != "id-of-jumpcloud" || i["jumpcloud_api_key"] != "k" || len(i["user_ids"].([]any)) != 2 {
		t.Errorf("the integration is %v", i)
	}
}

func TestTerraformSelfHosted(t *testing.T) {
	t.Parallel()
	load := func(t *testing.T, key string, provisioning bool) (*terraformModule, *corev1.Secret, *appsv1.Deployment) {
		m := loadTerraform(t, "../terraform/self-hosted", map[string]cty.Value{
			"conductorone_client_id": cty.StringVal("a@b/c"), "conductorone_client_secret": cty.StringVal("s"),
			"jumpcloud_api_key": cty.StringVal(key), "provisioning": cty.BoolVal(provisioning),
			"provision_types": cty.ListVal([]cty.Value{cty.StringVal("group"), cty.StringVal("app")}),
		})
		secret := m.kubernetes("Secret", "v1", "kubernetes_secret_v1.credentials").(*corev1.Secret)
		deployment := m.kubernetes("Deployment", "apps/v1", "kubernetes_deployment_v1.connector").(*appsv1.Deployment)
		return m, secret, deployment
	}
	m, secret, deployment := load(t, "k", true)
	claim := m.kubernetes("PersistentVolumeClaim", "v1", "kubernetes_persistent_volume_claim_v1.state").(*corev1.PersistentVolumeClaim)
	claim.Name = "name-of-state" // So do expressions know it.
	checkDeployment(t, deployment, []runtime.Object{claim})
	if ref := deployment.Spec.Template.Spec.Containers[0].EnvFrom[0].SecretRef; ref.Name != "name-of-credentials" {
		t.Errorf("the Deployment takes the Secret %q", ref.Name)
	}
	if secret.StringData["BATON_API_KEY"] != "k" || secret.StringData["BATON_PROVISIONING"] != "true" || secret.StringData["BATON_PROVISION_TYPES"] != "group,app" {
		t.Errorf("the Secret holds %v", secret.StringData)
	}
	_, secret, other := load(t, "another", false)
	if _, on := secret.StringData["BATON_PROVISIONING"]; on {
		t.Error("provisioning cannot be left off")
	}
	const sum = "checksum/secret"
	if a, b := deployment.Spec.Template.Annotations[sum], other.Spec.Template.Annotations[sum]; a == "" || a == b {
		t.Errorf("checksums of two different Secrets are %q and %q", a, b)
	}
}
