package browser_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestNumbers compares every number on the overview and on the lists of groups and
// applications with the organization.
func TestNumbers(t *testing.T) {
	t.Parallel()
	c := world.company
	b := open(t, world.site, desktop)
	b.visit("/")
	grants := 0
	for _, lists := range []map[string][]string{c.members, c.effective, c.through} {
		for _, list := range lists {
			grants += len(list)
		}
	}
	for _, a := range c.admins {
		grants += 1 + len(a.roles) // the administration application, and each role
	}
	want := map[string]int{
		"Accounts": len(c.users) + len(c.admins), "Groups": len(c.groups), "Applications": len(c.apps) + 1, "Grants": grants,
	}
	shown := map[string]string{}
	titles, numbers := b.texts("[data-testid=counts] dt"), b.texts("[data-testid=counts] dd")
	for i, title := range titles {
		shown[title] = numbers[i]
	}
	for title, n := range want {
		if shown[title] != strconv.Itoa(n) {
			t.Errorf("the overview shows %q %s, want %d", shown[title], title, n)
		}
	}
	suspended := 0
	for _, u := range c.users {
		if u.suspended {
			suspended++
		}
	}
	if got := b.chart("Accounts by status")["disabled, suspended"]; got != suspended {
		t.Errorf("the overview shows %d suspended accounts, want %d", got, suspended)
	}

	for chart, want := range map[string]map[string]int{
		"Largest groups":        sizes(c.groups, func(id string) int { return len(c.members[id]) }),
		"Applications by users": sizes(c.apps, func(id string) int { return len(c.effective[id]) + len(c.through[id]) }),
	} {
		shown := b.chart(chart)
		if len(shown) < 5 {
			t.Errorf("%s shows %d", chart, len(shown))
		}
		for name, n := range shown {
			if known, ok := want[name]; ok && n != known {
				t.Errorf("%s shows %d of %q, want %d", chart, n, name, known)
			}
		}
	}

	b.visit("/groups")
	b.sameCounts("Members", c.groups, func(id string) int { return len(c.members[id]) })
	b.visit("/applications")
	b.sameCounts("Has access", c.apps, func(id string) int { return len(c.effective[id]) + len(c.through[id]) })
}

// sizes are numbers by name instead of by id. Names that several have are left out.
func sizes(names map[string]string, of func(id string) int) map[string]int {
	all, several := map[string]int{}, map[string]bool{}
	for id, name := range names {
		if _, ok := all[name]; ok {
			several[name] = true
		}
		all[name] = of(id)
	}
	for name := range several {
		delete(all, name)
	}
	return all
}

// chart is the table beside a chart.
func (b *tab) chart(title string) map[string]int {
	b.t.Helper()
	return eval[map[string]int](b, fmt.Sprintf(`Object.fromEntries([...document.querySelectorAll("figure.chart")]
		.filter(f => f.querySelector("h2").innerText === %s).flatMap(f => [...f.querySelectorAll("tr[data-value]")])
		.map(r => [r.dataset.label, Number(r.dataset.value)]))`, quote(title)))
}

// sameCounts compares one number of each row of a list with what it should be.
func (b *tab) sameCounts(head string, names map[string]string, want func(id string) int) {
	b.t.Helper()
	links, counts := b.links("main .list tbody th a"), b.column(head)
	if len(links) != len(counts) || len(counts) == 0 {
		b.t.Fatalf("%s: %d rows with %d numbers", b.here(), len(links), len(counts))
	}
	var seen []string
	for i, link := range links {
		for id, name := range names {
			if !strings.Contains(link, id) {
				continue
			}
			seen = append(seen, id)
			if counts[i] != strconv.Itoa(want(id)) {
				b.t.Errorf("%s: %q has %s, want %d", b.here(), name, counts[i], want(id))
			}
		}
	}
	if slices.Sort(seen); len(slices.Compact(seen)) != len(names) {
		b.t.Errorf("%s: %d of %d are listed", b.here(), len(seen), len(names))
	}
}

// TestCompare compares the two syncs: exactly what was edited between them shows.
func TestCompare(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	b.visit("/compare")
	rows := eval[map[string][]string](b, `Object.fromEntries([...document.querySelectorAll("main .grid tbody tr")].map(r => [r.cells[0].innerText.trim(), [...r.cells].slice(1).map(c => c.innerText.trim())]))`)
	gone, come := difference(world.before.users, world.company.users), difference(world.company.users, world.before.users)
	if got, want := rows["Accounts"], []string{strconv.Itoa(len(come)), strconv.Itoa(len(gone)), "0"}; !slices.Equal(got, want) {
		t.Errorf("accounts: %q, want %q", got, want)
	}
	left, joined := edges(world.before.members, world.company.members)
	if got, want := rows["Memberships"], []string{strconv.Itoa(joined), strconv.Itoa(left)}; len(got) != 5 || got[0] != want[0] || got[2] != want[1] {
		t.Errorf("memberships: %q, want %q", got, want)
	}
	lost, won := edges(world.before.effective, world.company.effective)
	if got, want := rows["Assignments"], []string{strconv.Itoa(won), strconv.Itoa(lost)}; len(got) != 5 || got[0] != want[0] || got[2] != want[1] {
		t.Errorf("assignments: %q, want %q", got, want)
	}
}

func difference(a, b map[string]person) []string {
	var ids []string
	for id := range a {
		if _, ok := b[id]; !ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// edges counts who is in a only, and who is in b only.
func edges(a, b map[string][]string) (onlyA, onlyB int) {
	count := func(x, y map[string][]string) (n int) {
		for owner, ids := range x {
			for _, id := range ids {
				if !slices.Contains(y[owner], id) {
					n++
				}
			}
		}
		return n
	}
	return count(a, b), count(b, a)
}
