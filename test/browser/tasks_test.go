package browser_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// reviewer does a task as a reviewer would, from the overview on, and counts clicks.
type reviewer struct {
	*tab

	clicks int
}

// leads clicks what leads to another page.
func (r *reviewer) leads(script string) {
	r.t.Helper()
	r.clicks++
	r.follow(chromedp.Click(chromedp.JSPath(script)))
}

// menu chooses from the menu, link follows a link of the page by its text.
func (r *reviewer) menu(title string) {
	r.t.Helper()
	r.leads(fmt.Sprintf(`[...document.querySelectorAll("nav[aria-label=Main] a")].find(e => e.innerText.startsWith(%s))`, quote(title)))
}

func (r *reviewer) link(text string) {
	r.t.Helper()
	r.leads(fmt.Sprintf(`[...document.querySelectorAll("main a")].find(e => e.innerText.trim() === %s)`, quote(text)))
}

// choose takes a choice of a filter, which acts at once.
func (r *reviewer) choose(title, option string) {
	r.t.Helper()
	r.clicks++
	r.run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
		const select = [...document.querySelectorAll(".filters label")].find(e => e.innerText === %s).parentElement.querySelector("select");
		select.value = [...select.options].find(e => e.value === %s).value;
		select.dispatchEvent(new Event("input", {bubbles: true}));
	})(); undefined`, quote(title), quote(option))))
	r.until(fmt.Sprintf(`[...new URLSearchParams(location.search).values()].includes(%s)`, quote(option)))
}

// look types into the search of everything and goes to what is found.
func (r *reviewer) look(text string) {
	r.t.Helper()
	r.clicks++
	r.follow(chromedp.SendKeys(chromedp.CSS(".find input[type=search]"), text+kb.Enter))
}

// tasks are what reviewers ask, each with what it takes.
var tasks = []struct {
	task, clicks string // as docs/REVIEW.md has them
	do           func(*testing.T, *reviewer)
}{
	{"Who reaches an application, and through which group", "2", func(t *testing.T, r *reviewer) {
		app := largest(world.company.effective)
		r.menu("Applications")
		r.link(world.company.apps[app])
		if got, want := len(r.column("Name")), len(world.company.effective[app])+len(world.company.through[app]); got != min(want, 50) {
			t.Errorf("%d holders are shown of %d", got, want)
		}
		if via := r.column("Via"); !slices.ContainsFunc(via, func(s string) bool { return s != "" && s != "directly" }) {
			t.Errorf("nobody has it through a group: %q", via)
		}
	}},
	{"What a person has, and why", "2", func(t *testing.T, r *reviewer) {
		user := someone(t)
		r.look(world.company.users[user].email)
		r.leads(`document.querySelector("main section tbody th a")`)
		groups, apps := world.company.held(user)
		if got := len(r.column("Via")); got != len(groups)+len(apps) {
			t.Errorf("%d entitlements with their ways, want %d", got, len(groups)+len(apps))
		}
	}},
	{"Disabled accounts that still have access", "2", func(t *testing.T, r *reviewer) {
		r.menu("Reports")
		r.link("Disabled accounts with access")
		if len(r.column("Account")) == 0 {
			t.Error("there are none")
		}
	}},
	{"Administrators without MFA", "2", func(t *testing.T, r *reviewer) {
		r.menu("Reports")
		r.link("Administrators without MFA")
		if got := len(r.texts("main tbody tr")); got == 0 {
			t.Error("there are none")
		}
	}},
	{"What changed since the last sync, and why", "2", func(t *testing.T, r *reviewer) {
		r.menu("Compare")
		r.leads(`[...document.querySelectorAll("main tbody tr")].find(e => e.innerText.startsWith("Accounts")).querySelector("a")`)
		if got := r.text("main"); !strings.Contains(got, "New Comer") {
			t.Errorf("who came is not there: %.300q", got)
		}
	}},
	{"Evidence for an auditor", "2", func(t *testing.T, r *reviewer) {
		r.menu("Reports")
		r.clicks++
		if pack := r.download(`a[href*="evidence.zip"]`); !strings.HasPrefix(string(pack), "PK") {
			t.Error("the evidence is no ZIP file")
		}
	}},
	{"A name with a typo", "2", func(t *testing.T, r *reviewer) {
		r.look("Nwe Comer")
		if got := r.text("main .similar"); !strings.Contains(got, "New Comer") {
			t.Errorf("similar names are %q", got)
		}
		r.leads(`[...document.querySelectorAll("main .similar a")].find(e => e.innerText.startsWith("New Comer"))`)
		if got := r.text("main h1"); got != "New Comer" {
			t.Errorf("the name leads to %q", got)
		}
	}},
	{"Accounts by department, MFA and status", "4", func(t *testing.T, r *reviewer) {
		r.menu("Accounts")
		r.choose("Department", "Engineering")
		r.choose("MFA", "no")
		r.choose("Status", "enabled")
		r.until(`/^\d+ of \d+ accounts$/.test(document.querySelector("[data-testid=count]").innerText)`)
		rows, err := csv.NewReader(strings.NewReader(string(runProgram(t, "inspect", "principals", "--file", filepath.Join(world.dir, "company.c1z"),
			"--department", "Engineering", "--mfa", "no", "--status", "enabled", "-o", "csv")))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if got := len(r.column("Name")); got != len(rows)-1 || got == 0 {
			t.Errorf("%d accounts, and %d on the command line", got, len(rows)-1)
		}
	}},
	{"The last rows of a long list", "2", func(t *testing.T, r *reviewer) {
		r.menu("Grants")
		r.leads(`[...document.querySelectorAll(".pager a")].find(e => e.innerText === "Last")`)
		where := regexp.MustCompile(`^([\d,]+) to ([\d,]+) of ([\d,]+)$`).FindStringSubmatch(r.text(".pager .where"))
		if where == nil || where[2] != where[3] {
			t.Errorf("the last page is %q", r.text(".pager .where"))
		}
	}},
	{"Decide that somebody's access is revoked", "3", func(t *testing.T, r *reviewer) {
		s, path := openReview(t, "task.review")
		r.site = s
		r.visit(s.door)
		r.menu("Review")
		r.run(chromedp.SendKeys(chromedp.CSS("#review-by"), "Rea"+kb.Enter))
		r.clicks++
		r.clicks++
		r.run(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll("main .item button")].find(e => e.innerText === "Revoke").click(); undefined`))
		r.decidedOnPage(1)
		if items := itemsOf(t, path); items[0].Decision != "revoke" {
			t.Errorf("the review has %+v", items[0])
		}
	}},
}

// TestTasks does what reviewers ask for. The number of clicks of each is that of docs/REVIEW.md.
func TestTasks(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "REVIEW.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		t.Run(task.task, func(t *testing.T) {
			t.Parallel()
			r := &reviewer{tab: open(t, world.site, desktop)}
			r.visit("/")
			task.do(t, r)
			if got := strconv.Itoa(r.clicks); got != task.clicks {
				t.Errorf("it takes %s clicks, want %s", got, task.clicks)
			}
			if row := fmt.Sprintf("| %s | %s |", task.task, task.clicks); !strings.Contains(string(doc), row) {
				t.Errorf("docs/REVIEW.md lacks the row %s", row)
			}
		})
	}
}
