package browser_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// startConductorOne runs both simulators, and returns the site of the pages.
func startConductorOne(t *testing.T, args ...string) (site, func()) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	door, wait, err := start(ctx, regexp.MustCompile(`^  (http://\S+token=\S+)`),
		append([]string{"simulate", "--conductorone", "--size", "small", "--addr", "127.0.0.1:0", "--sync-every", "1h"}, args...)...)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	root, err := url.Parse(door)
	if err != nil {
		t.Fatal(err)
	}
	return site{root: &url.URL{Scheme: root.Scheme, Host: root.Host, Path: "/"}, door: door}, func() { stop(); wait() }
}

// click follows a link or sends a form by the text of what is clicked.
func (b *tab) click(text string) {
	b.t.Helper()
	found := fmt.Sprintf(`[...document.querySelectorAll("main a, main button, nav a")].find(e => e.innerText.split("\n")[0].trim() === %s)`, quote(text))
	b.until(found + " !== undefined")
	b.follow(chromedp.Click(chromedp.JSPath(found)))
}

// untilSays opens the page again until a place of it says something.
func (b *tab) untilSays(selector, text string) {
	b.t.Helper()
	for here := b.here(); b.ctx.Err() == nil; b.visit(here) {
		if slices.ContainsFunc(b.texts(selector), func(said string) bool { return strings.Contains(said, text) }) {
			return
		}
	}
	b.t.Fatalf("no %s says %q", selector, text)
}

// serviceProcess is the connector as a service, with the variables of a command line
// that a page shows.
func serviceProcess(t *testing.T, command string, more ...string) *exec.Cmd {
	t.Helper()
	var env []string
	for line := range strings.Lines(command) {
		if variable, found := strings.CutPrefix(strings.TrimSpace(line), "export "); found {
			env = append(env, variable)
		}
	}
	cmd := exec.CommandContext(t.Context(), world.program)
	cmd.Dir = t.TempDir()
	cmd.Env = environment(append(env, more...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // The stand-in may be gone, and it would wait for it.
		_ = cmd.Wait()
	})
	return cmd
}

// TestSelfHostedByTheProductPage follows the set-up of a self-hosted connector step by
// step, to the data, a grant and a revoke; then it rotates the credentials and starts
// the stand-in again.
func TestSelfHostedByTheProductPage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	address := []string{"--conductorone-addr", "127.0.0.1:0", "--conductorone-dir", dir}
	s, stop := startConductorOne(t, address...)
	defer func() { stop() }()
	b := open(t, s, desktop)

	// Step 1: Connectors > Add connector, search for Baton, Add.
	b.check("product-1-connectors")
	b.click("Add connector")
	b.run(chromedp.SendKeys(chromedp.CSS("#q"), "Baton"))
	b.click("Search")
	b.check("product-2-catalog")
	b.click("Add")
	// A new managed app, two owners, Next.
	b.run(chromedp.Click(chromedp.CSS("#owner-1")))
	b.check("product-3-new")
	b.click("Next")
	if got := b.text("[data-testid=label]"); got != "Not connected" {
		t.Errorf("the label of a new connector is %q", got)
	}
	// Settings > Edit > Rotate.
	b.check("product-4-connector")
	connector := b.here()
	b.click("Edit")
	b.click("Rotate")
	b.check("product-5-credentials")
	command, id := b.text("[data-testid=command]"), b.text("[data-testid=client-id]")
	secret := b.text("[data-testid=client-secret]")
	manifest := b.text(`pre[aria-label="Secrets manifest"]`)
	if secret == "" || !strings.Contains(manifest, id) || !strings.Contains(manifest, secret) {
		t.Errorf("the manifest does not have the credentials:\n%s", manifest)
	}
	b.click("Done")
	if text := b.text("main"); strings.Contains(text, secret) {
		t.Error("the secret is shown twice")
	}

	// Step 3 and 4: run it, and look at the data.
	first := serviceProcess(t, command)
	b.untilSays("[data-testid=label]", "Connected")
	b.untilSays("tbody td", "sync done")
	b.check("product-6-connected")
	b.click("Applications")
	b.click("JumpCloud")
	b.check("product-7-application")
	if got := b.links("main details a"); len(got) != 2 {
		t.Errorf("examples of the two questions: %q", got)
	}
	b.visit(b.links("main details a")[0])
	shared := regexp.MustCompile(`\S+@\S+`).FindString(eval[string](b, "decodeURIComponent(location.search)"))
	if rows := b.texts("tbody tr"); !slices.ContainsFunc(rows, func(row string) bool {
		return strings.Contains(row, "\tadmin\t") && strings.Contains(strings.ToLower(row), strings.TrimPrefix(shared, "?q="))
	}) {
		t.Errorf("%s has the accounts %q", shared, rows)
	}
	b.visit("/applications/2")
	b.click("Accounts")
	b.check("product-8-accounts")
	b.click("Entitlements")
	b.check("product-9-entitlements")
	b.visit("/applications/unmanaged")
	if apps := b.texts("tbody th"); !slices.Contains(apps, "Salesforce") {
		t.Errorf("unmanaged apps: %q", apps)
	}
	b.check("product-10-unmanaged")

	// A grant is refused without provisioning.
	b.visit("/applications/2/data/entitlements?q=salesforce")
	b.visit(b.links(`main tbody a[href*="/data/entitlement?"]`)[0])
	b.click("Grant or revoke")
	who := "ana.nunez@example.com"
	b.run(chromedp.SendKeys(chromedp.CSS("#who"), who))
	b.click("Grant")
	b.untilSays("[data-testid=task]", "Failed")
	if got := b.text("main"); !strings.Contains(got, "provisioning is not enabled") {
		t.Errorf("without provisioning, the page says %q", got)
	}
	b.check("product-11-refused")

	// With it, it is carried out.
	change := b.here()
	if err := first.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	second := serviceProcess(t, command, "BATON_PROVISIONING=true", "BATON_PROVISION_TYPES=group,app")
	b.visit(change)
	b.run(chromedp.SendKeys(chromedp.CSS("#who"), who))
	b.click("Grant")
	b.untilSays("[data-testid=task]", "Done")
	b.visit(connector)
	b.click("Sync now")
	b.visit(change)
	b.untilSays("tbody td", who)
	b.check("product-12-granted")

	// Rotating again cuts the old secret off, and the state survives a restart.
	b.visit(connector + "?edit=1")
	b.click("Rotate")
	rotated := b.text("[data-testid=command]")
	if rotated == command {
		t.Error("rotating gives the same credentials")
	}
	b.visit(connector)
	if got := b.text("[data-testid=label]"); got != "Not connected" {
		t.Errorf("with new credentials that nobody uses yet, the label is %q", got)
	}
	_ = second.Process.Kill()
	b.visit("/applications") // It does not change by itself, and misses nobody.
	stop()
	at := regexp.MustCompile(`@(127\.0\.0\.1:\d+)/`).FindStringSubmatch(rotated)[1]
	s, stop = startConductorOne(t, "--conductorone-addr", at, "--conductorone-dir", dir)
	again := open(t, s, phone)
	again.check("product-13-restarted")
	if got := again.text("tbody th"); got != "Baton 3" {
		t.Errorf("after a restart the connector is %q", got)
	}
	// The simulated JumpCloud answers on another port now, which the command line says.
	again.visit(connector + "?edit=1")
	again.click("Rotate")
	serviceProcess(t, again.text("[data-testid=command]"))
	again.visit(connector)
	again.untilSays("[data-testid=label]", "Connected")
}

// TestCloudHostedByTheProductPage follows the set-up of a cloud-hosted connector step by
// step: wrong settings, right ones, the data, and a grant.
func TestCloudHostedByTheProductPage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, stop := startConductorOne(t, "--conductorone-addr", "127.0.0.1:0", "--conductorone-dir", dir)
	defer func() { stop() }()
	b := open(t, s, desktop)
	b.expected = regexp.MustCompile("422") // The form that is sent back.

	b.click("Add connector")
	b.run(chromedp.SendKeys(chromedp.CSS("#q"), "JumpCloud"))
	b.click("Search")
	b.follow(chromedp.Click(chromedp.CSS("a[href$='connector=jumpcloud']")))
	b.run(chromedp.Click(chromedp.CSS("#to-managed")))
	b.click("Next")
	connector := b.here()
	b.click("Edit")
	b.check("product-20-settings")
	b.click("Save")
	if got := b.texts("[data-testid=problem]"); !slices.Equal(got, []string{"fill in this field"}) {
		t.Errorf("without a key: %q", got)
	}
	b.run(chromedp.SendKeys(chromedp.CSS("#f-api-key"), "jca_nobody_has_this"))
	b.click("Save")
	if got := b.texts("[data-testid=problem]"); len(got) != 1 || !strings.Contains(got[0], "HTTP 401") {
		t.Errorf("with a wrong key: %q", got)
	}
	b.check("product-21-refused")
	b.run(chromedp.SendKeys(chromedp.CSS("#f-api-key"), key))
	b.click("Save")
	if got := b.text("[data-testid=label]"); got != "Syncing" && got != "Connected" {
		t.Errorf("after Save the label is %q", got)
	}
	b.untilSays("[data-testid=label]", "Connected")
	b.check("product-22-connected")
	if text := eval[string](b, "document.documentElement.outerHTML"); strings.Contains(text, key) {
		t.Error("the page shows the key")
	}
	b.visit(connector + "?edit=1")
	if text := eval[string](b, "document.querySelector('#f-api-key').value"); text != "" {
		t.Error("the form shows the key")
	}
	b.visit("/applications/1")
	b.click("Entitlements")
	b.visit("/applications/1/data/entitlements?q=group:")
	b.visit(b.links(`main tbody a[href*="entitlement?id=group"]`)[0])
	b.click("Grant or revoke")
	b.run(chromedp.SendKeys(chromedp.CSS("#who"), "nobody@example.com"))
	b.run(chromedp.WaitVisible(chromedp.CSS("#who")))
	b.check("product-23-change")
	b.visit(connector)
	b.click("Disable")
	if got := b.text("[data-testid=label]"); got != "Disabled" {
		t.Errorf("after Disable the label is %q", got)
	}
	b.click("Enable")
	b.click("Sync now")
	b.untilSays("[data-testid=label]", "Connected")
}
