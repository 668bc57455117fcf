// Package deploytest renders what lies in deploy and decodes it strictly against
// the Kubernetes API types. It is a module of its own, so that the connector's
// binary and its dependencies stay lean.
package deploytest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const chartDir = "../helm/baton-jumpcloud"

// decode splits a stream of manifests and decodes each one strictly: an unknown
// field, a field given twice or a wrong type is an error.
func decode(t *testing.T, data []byte) []runtime.Object {
	t.Helper()
	objects, err := decodeAll(data)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func decodeAll(data []byte) ([]runtime.Object, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	monitor := schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "ServiceMonitor"}
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	var objects []runtime.Object
	docs := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(data)))
	for {
		buf := make([]byte, 1<<20)
		n, err := docs.Read(buf)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		doc := bytes.TrimSpace(buf[:n])
		if len(doc) == 0 || onlyComments(doc) {
			continue
		}
		obj, kind, err := strict.Decode(doc, nil, nil)
		switch {
		case kind != nil && *kind == monitor:
			// The operator's own types would bring its whole module along; its fields
			// are compared by hand.
			var sm serviceMonitor
			if err := yaml.UnmarshalStrict(doc, &sm); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, errors.New(err.Error() + "\n" + string(doc))
		}
		objects = append(objects, obj)
	}
}

func onlyComments(doc []byte) bool {
	for line := range strings.Lines(string(doc)) {
		if s := strings.TrimSpace(line); s != "" && !strings.HasPrefix(s, "#") && s != "---" {
			return false
		}
	}
	return true
}

// serviceMonitor holds the fields that we set of monitoring.coreos.com/v1
// ServiceMonitor.
type serviceMonitor struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name, Namespace string
		Labels          map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		Selector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
		Endpoints []struct {
			Port, Path, Interval string
		} `json:"endpoints"`
	} `json:"spec"`
}

func find[T runtime.Object](objects []runtime.Object) []T {
	var found []T
	for _, o := range objects {
		if v, ok := o.(T); ok {
			found = append(found, v)
		}
	}
	return found
}

func TestPageManifests(t *testing.T) {
	t.Parallel()
	var all []runtime.Object
	for _, name := range []string{"baton-jumpcloud-secrets.yaml", "baton-jumpcloud.yaml"} {
		data, err := os.ReadFile(filepath.Join("../kubernetes", name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, decode(t, data)...)
	}
	secrets, deployments := find[*corev1.Secret](all), find[*appsv1.Deployment](all)
	if len(secrets) != 1 || len(deployments) != 1 {
		t.Fatalf("got %d secrets and %d deployments, want one of each", len(secrets), len(deployments))
	}
	for _, key := range []string{"BATON_CLIENT_ID", "BATON_CLIENT_SECRET", "BATON_API_KEY"} {
		if secrets[0].StringData[key] == "" {
			t.Errorf("the Secret does not set %s", key)
		}
	}
	// The page says that it is optional.
	if _, on := secrets[0].StringData["BATON_PROVISIONING"]; on {
		t.Error("the Secret lets ConductorOne change access before anybody has asked for that")
	}
	if got, want := deployments[0].Spec.Template.Spec.Containers[0].Image, "ghcr.io/conductorone/baton-jumpcloud:latest"; got != want {
		t.Errorf("the page's Deployment runs %q, want %q", got, want)
	}
	ref := deployments[0].Spec.Template.Spec.Containers[0].EnvFrom[0].SecretRef
	if ref.Name != secrets[0].Name {
		t.Errorf("the Deployment takes the Secret %q, but it is named %q", ref.Name, secrets[0].Name)
	}
}

// The page prints the boolean without quotes, which Kubernetes refuses: the test
// that finds nothing wrong with it would find nothing at all.
func TestUnquotedBooleanIsRefused(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../kubernetes/baton-jumpcloud-secrets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	planted := bytes.Replace(data, []byte(`# BATON_PROVISIONING: "true"`), []byte(`BATON_PROVISIONING: "true"`), 1)
	if bytes.Equal(planted, data) {
		t.Fatal("the manifest does not show how to allow provisioning")
	}
	if _, err := decodeAll(planted); err != nil {
		t.Errorf("the manifest with provisioning is refused: %v", err)
	}
	planted = bytes.Replace(planted, []byte(`"true"`), []byte("true"), 1)
	if _, err := decodeAll(planted); err == nil {
		t.Error("an unquoted boolean was accepted")
	}
}

// kustomize renders a folder.
func kustomize(t *testing.T, dir string) []byte {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	data, err := resources.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestKustomize(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"base", "overlays/production"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			data := kustomize(t, filepath.Join("../kubernetes", dir))
			// kubectl apply -k must work on a plain cluster.
			if bytes.Contains(data, []byte("monitoring.coreos.com")) {
				t.Error("the Prometheus operator's types are needed")
			}
			objects := decode(t, data)
			deployments := find[*appsv1.Deployment](objects)
			if len(deployments) != 1 {
				t.Fatalf("got %d deployments, want 1", len(deployments))
			}
			checkDeployment(t, deployments[0], objects)
		})
	}
}

// With the component there is a monitor, and whoever scrapes is let in.
func TestMetricsComponent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../kubernetes")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlays/production/kustomization.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(text, []byte("# components:\n#   - ../../components/metrics"), []byte("components:\n  - ../../components/metrics"), 1)
	if bytes.Equal(text, changed) {
		t.Fatal("the overlay does not show how to add the component")
	}
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	data := kustomize(t, filepath.Join(dir, "overlays/production"))
	objects := decode(t, data)
	if !bytes.Contains(data, []byte("kind: ServiceMonitor")) {
		t.Error("there is no ServiceMonitor")
	}
	if got := ingress(objects); got != 1 {
		t.Errorf("%d rules let traffic in, want 1", got)
	}
}

// ingress counts the rules that let traffic in.
func ingress(objects []runtime.Object) (rules int) {
	for _, p := range find[*networkingv1.NetworkPolicy](objects) {
		rules += len(p.Spec.Ingress)
	}
	return rules
}

// checkImage wants a version, never a name that can be another program tomorrow.
func checkImage(t *testing.T, image string) {
	t.Helper()
	name, tag, _ := strings.Cut(image, ":")
	if tag == "" || strings.HasPrefix(tag, "latest") || strings.HasPrefix(tag, "@") {
		t.Errorf("the image %q (%s) is not named by a version", image, name)
	}
}

// checkPolicies wants every rule to name where traffic goes or comes from.
func checkPolicies(t *testing.T, objects []runtime.Object) {
	t.Helper()
	for _, p := range find[*networkingv1.NetworkPolicy](objects) {
		for _, r := range p.Spec.Ingress {
			if len(r.From) == 0 || len(r.Ports) == 0 {
				t.Errorf("policy %s lets everybody in", p.Name)
			}
		}
		for _, r := range p.Spec.Egress {
			if len(r.To) == 0 || len(r.Ports) == 0 {
				t.Errorf("policy %s lets traffic out to anywhere", p.Name)
			}
			for _, to := range r.To {
				if to.IPBlock != nil && to.IPBlock.CIDR == "0.0.0.0/0" && !slices.Contains(to.IPBlock.Except, "169.254.0.0/16") {
					t.Errorf("policy %s lets traffic out to the node's metadata service", p.Name)
				}
			}
		}
	}
}

// Files of a release name the image by version and digest.
func TestReleaseFiles(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	digest := "sha256:" + strings.Repeat("0f", 32)
	if text, err := exec.Command("../release-files.sh", "v1.2.3", digest, out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	want := "ghcr.io/conductorone/baton-jumpcloud:v1.2.3@" + digest
	data := kustomize(t, filepath.Join(out, "manifests/overlays/production"))
	if got := find[*appsv1.Deployment](decode(t, data))[0].Spec.Template.Spec.Containers[0].Image; got != want {
		t.Errorf("the overlay runs %q, want %q", got, want)
	}
	files, err := renderChart(t, filepath.Join(out, "chart/baton-jumpcloud"), "")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, text := range files {
		found = found || strings.Contains(text, "image: "+want+"\n")
	}
	if !found {
		t.Errorf("the chart does not run %q", want)
	}
	for _, args := range [][]string{{"latest", digest}, {"v1.2.3", "sha256:abc"}, {"v1.2.3", ""}} {
		if err := exec.Command("../release-files.sh", append(args, t.TempDir())...).Run(); err == nil {
			t.Errorf("files were made for %q", args)
		}
	}
}

// Everything that an image is built from is named by digest.
func TestBaseImages(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"../Dockerfile", "../Dockerfile.release"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "FROM ") && !strings.HasPrefix(line, "FROM scratch") && !strings.Contains(line, "@sha256:") {
				t.Errorf("%s: %s", file, line)
			}
		}
	}
}

// The image of the function is the program on the runtime that platforms give to functions.
func TestFunctionImage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../Dockerfile.lambda")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ARG BASE=public.ecr.aws/lambda/provided:al2023\nFROM $BASE\n", "\nENTRYPOINT [\"/baton-jumpcloud\", \"lambda\"]\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("Dockerfile.lambda lacks %q", want)
		}
	}
}

// checkDeployment holds what production wants of every Deployment that we ship.
func checkDeployment(t *testing.T, d *appsv1.Deployment, all []runtime.Object) {
	t.Helper()
	if d.Spec.Replicas == nil || *d.Spec.Replicas != 1 || d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		t.Errorf("%s: want one replica with strategy Recreate", d.Name)
	}
	for k, v := range d.Spec.Selector.MatchLabels {
		if d.Spec.Template.Labels[k] != v {
			t.Errorf("%s: the selector wants %s=%s, which its pods do not have", d.Name, k, v)
		}
	}
	pod := d.Spec.Template.Spec
	if pod.TerminationGracePeriodSeconds == nil || *pod.TerminationGracePeriodSeconds <= 25 {
		t.Errorf("%s: the grace period must be longer than --shutdown-grace", d.Name)
	}
	c := pod.Containers[0]
	checkImage(t, c.Image)
	checkPolicies(t, all)
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	if env["BATON_HEALTH_CHECK"] != "true" || env["BATON_HEALTH_CHECK_BIND_ADDRESS"] != "0.0.0.0" || env["BATON_HOST_ID"] == "" {
		t.Errorf("%s: health check or host id is not set: %v", d.Name, env)
	}
	if got := c.LivenessProbe.HTTPGet.Path; got != "/live" {
		t.Errorf("%s: liveness probe asks %s, want /live", d.Name, got)
	}
	if got := c.ReadinessProbe.HTTPGet.Path; got != "/ready" {
		t.Errorf("%s: readiness probe asks %s, want /ready", d.Name, got)
	}
	s := c.SecurityContext
	if s == nil || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || !slices.Contains(s.Capabilities.Drop, "ALL") {
		t.Errorf("%s: the container's security context is not closed", d.Name)
	}
	if *pod.SecurityContext.RunAsUser != 65532 || !*pod.SecurityContext.RunAsNonRoot {
		t.Errorf("%s: does not run as user 65532", d.Name)
	}
	if c.Resources.Limits.Memory().IsZero() {
		t.Errorf("%s: no memory limit", d.Name)
	}
	mounted := slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == env["BATON_STATE_DIR"] })
	if !mounted {
		t.Errorf("%s: nothing is mounted at the state folder %q", d.Name, env["BATON_STATE_DIR"])
	}
	for _, v := range pod.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		claims := find[*corev1.PersistentVolumeClaim](all)
		if !slices.ContainsFunc(claims, func(c *corev1.PersistentVolumeClaim) bool { return c.Name == v.PersistentVolumeClaim.ClaimName }) {
			t.Errorf("%s: claim %s is not among the manifests", d.Name, v.PersistentVolumeClaim.ClaimName)
		}
	}
}

func loadChart(t *testing.T, dir string) *chart.Chart {
	t.Helper()
	c, err := loader.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func render(t *testing.T, values string) (map[string]string, error) {
	t.Helper()
	return renderChart(t, chartDir, values)
}

func renderChart(t *testing.T, dir, values string) (map[string]string, error) {
	t.Helper()
	var v map[string]any
	if err := yaml.Unmarshal([]byte(values), &v); err != nil {
		t.Fatal(err)
	}
	c := loadChart(t, dir)
	all, err := chartutil.ToRenderValues(c, v, chartutil.ReleaseOptions{Name: "jc", Namespace: "conductorone", IsInstall: true}, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

func manifests(t *testing.T, values string) []runtime.Object {
	t.Helper()
	files, err := render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	var all []runtime.Object
	for name, text := range files {
		if strings.HasSuffix(name, ".yaml") {
			all = append(all, decode(t, []byte(text))...)
		}
	}
	return all
}

func TestChart(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, values                 string
		deployments, secrets, claims int
	}{
		{"defaults", ``, 1, 1, 1},
		{"several organizations", `
organizations:
  - {name: north, existingSecret: north-keys, orgId: 64a000000000000000000001, region: eu, provisioning: true, provisionTypes: [group, app]}
  - {name: south, credentials: {clientId: a@b/c, clientSecret: s, jumpcloudClientId: i, jumpcloudClientSecret: j}, env: {BATON_SKIP_ADMINS: "true"}}
`, 2, 1, 2},
		{"everything on", `
image: {repository: registry.example/baton, tag: v1}
imagePullSecrets: [{name: pull}]
serviceMonitor: {enabled: true, labels: {release: prom}}
persistence: {enabled: false}
podAnnotations: {a: b}
podLabels: {c: d}
nodeSelector: {disk: ssd}
tolerations: [{key: k, operator: Exists}]
affinity: {nodeAffinity: {}}
`, 1, 1, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			all := manifests(t, c.values)
			deployments := find[*appsv1.Deployment](all)
			if got := len(deployments); got != c.deployments {
				t.Errorf("got %d deployments, want %d", got, c.deployments)
			}
			if got := len(find[*corev1.Secret](all)); got != c.secrets {
				t.Errorf("got %d secrets, want %d", got, c.secrets)
			}
			if got := len(find[*corev1.PersistentVolumeClaim](all)); got != c.claims {
				t.Errorf("got %d claims, want %d", got, c.claims)
			}
			for _, d := range deployments {
				checkDeployment(t, d, all)
			}
		})
	}
}

// A pod reads its Secret when it starts, so another Secret must make another pod.
func TestSecretChangeRollsPods(t *testing.T) {
	t.Parallel()
	sum := func(key string) string {
		all := manifests(t, "organizations: [{name: main, credentials: {apiKey: "+key+"}}]")
		return find[*appsv1.Deployment](all)[0].Spec.Template.Annotations["checksum/secret"]
	}
	if a, b := sum("one"), sum("two"); a == "" || a == b {
		t.Errorf("checksums of two different Secrets are %q and %q", a, b)
	}
	if a, b := sum("one"), sum("one"); a != b {
		t.Errorf("the checksum of one Secret is %q and %q", a, b)
	}
}

func TestChartValuesSchema(t *testing.T) {
	t.Parallel()
	for _, values := range []string{
		"organizations: []",
		"organizations: [{name: Not_A_Name}]",
		"organizations: [{name: a, regoin: eu}]",
		"organizations: [{name: a, region: mars}]",
		"organizations: [{name: a, provisioning: \"yes\"}]",
		"organizations: [{name: a, provisionTypes: [applications]}]",
		"organizations: [{name: a, provisionTypes: []}]",
		"organizations: [{name: a, provisionApplications: true}]",
		"image: {tag: latest}",
		"image: {digest: sha256:abc}",
	} {
		if _, err := render(t, values); err == nil {
			t.Errorf("values %q were accepted", values)
		}
	}
}

func TestHelmLint(t *testing.T) {
	t.Parallel()
	result := lint.AllWithKubeVersion(chartDir, nil, "conductorone", nil)
	for _, m := range result.Messages {
		if m.Severity > support.InfoSev {
			t.Errorf("%s: %v", m.Path, m.Err)
		}
	}
}
