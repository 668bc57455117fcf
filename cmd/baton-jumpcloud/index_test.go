package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
)

// asker asks questions of one archive with one cache folder.
type asker struct {
	tb             testing.TB
	archive, cache string
}

func (a *asker) ask(args ...string) []byte {
	a.tb.Helper()
	cmd := program(a.tb.Context(), a.tb, append(args, "--file", a.archive)...)
	cmd.Env = append(cmd.Env, "XDG_CACHE_HOME="+a.cache, "LocalAppData="+a.cache)
	out, err := cmd.Output()
	if err != nil {
		a.tb.Fatalf("%v: %v\n%s", args, err, out)
	}
	return out
}

// indexes are the files in the cache folder.
func (a *asker) indexes() []string {
	a.tb.Helper()
	found, err := filepath.Glob(filepath.Join(a.cache, "baton-jumpcloud", "*"))
	if err != nil {
		a.tb.Fatal(err)
	}
	return found
}

// TestIndexOfLargeArchive asks the same of a large archive again and again: with an index, without,
// with one that is damaged, and of another archive at the same path.
func TestIndexOfLargeArchive(t *testing.T) {
	t.Parallel()
	l := reviewtest.Large{Users: 4000, Groups: 200, Apps: 100, GroupsOfUser: 10, AppsOfGroup: 5}
	a := &asker{t, filepath.Join(t.TempDir(), "large.c1z"), t.TempDir()}
	l.WriteTo(t, a.archive)
	questions := [][]string{
		{"access", l.User(7), "-o", "csv"},
		{"inspect", "-o", "json"},
		{"who", "app:" + l.App(3), "-o", "csv", "--sort", "name", "--limit", "100"},
		{"inspect", "principals", "--search", "an", "-o", "csv", "--limit", "50"},
	}
	var want [][]byte
	for _, q := range questions {
		want = append(want, a.ask(append(q, "--no-cache")...))
	}
	if found := a.indexes(); len(found) > 0 {
		t.Fatalf("--no-cache keeps %v", found)
	}
	compare := func(what string) {
		t.Helper()
		for n, q := range questions {
			if got := a.ask(q...); !bytes.Equal(got, want[n]) {
				t.Errorf("%s, %v answers\n%.500s\nwant\n%.500s", what, q, got, want[n])
			}
		}
	}
	compare("with an index")
	found := a.indexes()
	if len(found) != 1 {
		t.Fatalf("the cache folder has %v", found)
	}
	for _, path := range []string{found[0], filepath.Dir(found[0])} {
		if info := must(os.Stat(path)); info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %s", path, info.Mode())
		}
	}
	// The archive itself is not looked into any more.
	made := must(os.Stat(found[0]))
	compare("with the same index")
	if now := must(os.Stat(found[0])); !os.SameFile(made, now) {
		t.Error("the index was made anew")
	}

	content := must(os.ReadFile(found[0]))
	content[len(content)/2] ^= 1
	if err := os.WriteFile(found[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	compare("with a damaged index")

	other := l
	other.AppsOfGroup = 6
	other.WriteTo(t, a.archive)
	for n, q := range questions {
		want[n] = a.ask(append(q, "--no-cache")...)
	}
	compare("with another archive")
	if found := a.indexes(); len(found) != 2 {
		t.Errorf("the cache folder has %v", found)
	}
}

// BenchmarkQuestion asks who somebody is of an archive of 2,500,000 grants: the first time, when
// an index is made, and again.
func BenchmarkQuestion(b *testing.B) {
	l := reviewtest.Large{Users: 50_000, Groups: 2_000, Apps: 500, GroupsOfUser: 10, AppsOfGroup: 5}
	a := &asker{b, filepath.Join(b.TempDir(), "large.c1z"), b.TempDir()}
	l.WriteTo(b, a.archive)
	question := []string{"access", l.User(7), "-o", "csv"}
	b.Run("without", func(b *testing.B) {
		for b.Loop() {
			a.ask(append(question, "--no-cache")...)
		}
	})
	began := time.Now()
	a.ask(question...)
	first := time.Since(began)
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			a.ask(question...)
		}
		b.ReportMetric(first.Seconds(), "first-s")
		b.ReportMetric(float64(must(os.Stat(a.indexes()[0])).Size())/1e6, "index-MB")
		b.ReportMetric(float64(must(os.Stat(a.archive)).Size())/1e6, "archive-MB")
	})
}
