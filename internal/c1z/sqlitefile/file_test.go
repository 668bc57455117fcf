package sqlitefile_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/sqlitefile"
)

// tables are what the tests write: every shape of index that an archive has.
func tables() []sqlitefile.Table {
	return []sqlitefile.Table{
		{
			Name: "a", SQL: "CREATE TABLE a (id integer primary key, t text, n integer, b blob)",
			Indexes: []sqlitefile.Index{
				{Name: "a_t", SQL: "CREATE INDEX a_t on a (t)", Columns: []int{0}},
				{Name: "a_n_t", SQL: "CREATE INDEX a_n_t on a (n, t)", Columns: []int{1, 0}},
				{Name: "a_t_id_n", SQL: "CREATE INDEX a_t_id_n on a (t, id, n)", Columns: []int{0, sqlitefile.RowID, 1}},
				{Name: "a_b", SQL: "CREATE INDEX a_b on a (b)", Columns: []int{2}},
				{
					Name: "a_some", SQL: "CREATE INDEX a_some on a (t) where b is not null", Columns: []int{0},
					Has: func(r *sqlitefile.Row) bool { return !r.IsNull(2) },
				},
				{
					Name: "a_one", SQL: "CREATE INDEX a_one on a (t) where n = 1", Columns: []int{0},
					Has: func(r *sqlitefile.Row) bool { return r.IsOne(1) },
				},
			},
		},
		{Name: "empty", SQL: "CREATE TABLE empty (id integer primary key, t text)", Indexes: []sqlitefile.Index{
			{Name: "empty_t", SQL: "CREATE UNIQUE INDEX empty_t on empty (t)", Columns: []int{0}, Unique: true},
		}},
		{Name: "c", SQL: "CREATE TABLE c (id integer primary key, t text not null, u text not null)", Indexes: []sqlitefile.Index{
			{Name: "c_t_u", SQL: "CREATE UNIQUE INDEX c_t_u on c (t, u)", Columns: []int{0, 1}, Unique: true},
		}},
	}
}

// rowA is a row of table a; nil is null.
type rowA struct {
	t *string
	n *int64
	b []byte
}

// put puts the row into the form that is inserted.
func (a rowA) put(r *sqlitefile.Row) {
	r.Reset()
	if a.t == nil {
		r.Null()
	} else {
		r.Text(*a.t)
	}
	if a.n == nil {
		r.Null()
	} else {
		r.Int(*a.n)
	}
	if a.b == nil {
		r.Null()
	} else {
		r.Blob(a.b)
	}
}

// generator makes rows whose values are hard on a writer: of all sizes around
// the limits of cells, with zeros, with many ties.
type generator struct{ *rand.Rand }

func (g generator) text(most int) string {
	n := g.IntN(most + 1)
	switch g.IntN(4) {
	case 0:
		return strings.Repeat("x", n%40)
	case 1:
		return strings.Repeat(string(rune('a'+g.IntN(3))), n)
	case 2:
		return strings.Repeat("\x00", n%5) + string(rune('a'+g.IntN(3)))
	default:
		return fmt.Sprintf("user-%0*d", n%60, g.IntN(1000))
	}
}

func (g generator) integer() int64 {
	edges := []int64{0, 1, -1, 127, 128, -128, -129, 32767, 32768, 1 << 23, -1 << 23, 1 << 31, 1 << 47, -1 << 47, math.MaxInt64, math.MinInt64}
	if g.IntN(2) == 0 {
		return edges[g.IntN(len(edges))]
	}
	return int64(g.Uint64()) >> g.IntN(64)
}

func (g generator) row(most int) rowA {
	var a rowA
	if g.IntN(5) > 0 {
		t := g.text(most)
		a.t = &t
	}
	if g.IntN(5) > 0 {
		n := g.integer()
		a.n = &n
	}
	if g.IntN(5) > 0 {
		a.b = []byte(g.text(most))
	}
	return a
}

// write writes a database of rows and returns its path.
func write(t testing.TB, opts sqlitefile.Options, rows []rowA) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	opts.TempDir = t.TempDir()
	db, err := sqlitefile.Create(f, opts, tables()...)
	if err != nil {
		t.Fatal(err)
	}
	var row sqlitefile.Row
	for i, a := range rows {
		a.put(&row)
		if err := db.Insert(0, &row); err != nil {
			t.Fatal(err)
		}
		row.Reset()
		row.Text(fmt.Sprint("even", i%2))
		row.Text(strconv.Itoa(i))
		if err := db.Insert(2, &row); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(opts.TempDir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	return path
}

// check lets SQLite look at a database, and compares it with one that SQLite
// makes of the same rows.
func check(t testing.TB, path string, rows []rowA) {
	t.Helper()
	got := openDB(t, path)
	if s := query(t, got, "pragma integrity_check"); s != "ok" {
		t.Fatal(s)
	}
	if n := query(t, got, "pragma freelist_count"); n != "0" {
		t.Errorf("%s free pages", n)
	}
	want := openDB(t, filepath.Join(t.TempDir(), "want.db"))
	exec(t, want, "pragma synchronous = off")
	exec(t, want, "begin")
	for _, table := range tables() {
		exec(t, want, table.SQL)
		for _, index := range table.Indexes {
			exec(t, want, index.SQL)
		}
	}
	for i, a := range rows {
		b := any(a.b)
		if a.b == nil {
			b = nil
		}
		exec(t, want, "insert into a (t, n, b) values (?, ?, ?)", a.t, a.n, b)
		exec(t, want, "insert into c (t, u) values (?, ?)", fmt.Sprint("even", i%2), strconv.Itoa(i))
	}
	exec(t, want, "commit")
	for _, q := range []string{
		"select type, name, tbl_name, sql from sqlite_schema order by rowid",
		"select id, t, n, b from a order by id",
		"select id, t, u from c order by id",
		"select id, t from a indexed by a_t where t > '' order by t, id",
		"select id, n, t from a indexed by a_n_t where n > -10 order by n, t, id",
		"select id, t, n from a indexed by a_t_id_n where t > '' order by t, id, n",
		"select id, b from a indexed by a_b where b > x'' order by b, id",
		"select id, t from a indexed by a_some where b is not null order by t, id",
		"select id, t from a indexed by a_one where n = 1 order by t, id",
		"select count(*) from c indexed by c_t_u where t = 'even1'",
		"select t from empty",
	} {
		if g, w := all(t, got, q), all(t, want, q); g != w {
			t.Errorf("%s:\n%.2000s\nwant\n%.2000s", q, g, w)
		}
	}
	// Others write to such files.
	exec(t, got, "insert into a (t, n, b) values ('new', 1, x'00')")
	exec(t, got, "delete from a where id % 3 = 0")
	exec(t, got, "insert into c (t, u) values ('even0', '0') on conflict (t, u) do update set u = 'other'")
	exec(t, got, "update a set t = t || 'x', n = 1")
	exec(t, got, "vacuum")
	if s := query(t, got, "pragma integrity_check"); s != "ok" {
		t.Error(s)
	}
}

func openDB(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func exec(t testing.TB, db *sql.DB, q string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), q, args...); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}

func query(t testing.TB, db *sql.DB, q string) string {
	t.Helper()
	var s string
	if err := db.QueryRowContext(t.Context(), q).Scan(&s); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return s
}

// all returns the rows of a query as text.
func all(t testing.TB, db *sql.DB, q string) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, dest := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	var b bytes.Buffer
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%q\n", values)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestFile writes databases of all sizes, with sorts that spill and that do not.
func TestFile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rows, most, arena int
	}{
		{0, 10, 0},
		{1, 10, 0},
		{2, 20_000, 0},
		{20, 10, 0},
		{100, 3000, 0},
		{300, 9000, 0},
		{600, 1200, 64 << 10},
		{1500, 60, 0},
		{1500, 300, 8 << 10},
		{2000, 30, 4 << 10},
	} {
		t.Run(fmt.Sprintf("%d rows of %d bytes", test.rows, test.most), func(t *testing.T) {
			t.Parallel()
			g := generator{rand.New(rand.NewPCG(uint64(test.rows), uint64(test.most)))}
			rows := make([]rowA, test.rows)
			for i := range rows {
				rows[i] = g.row(test.most)
			}
			check(t, write(t, sqlitefile.Options{Arena: test.arena, Workers: 2}, rows), rows)
		})
	}
}

// TestCellSizes goes byte by byte through the sizes at which a payload moves to
// overflow pages, and via numbers of rows at which a page or a level begins.
func TestCellSizes(t *testing.T) {
	t.Parallel()
	for _, around := range []int{120, 480, 995, 1000, 4050, 4090, 5090, 8180, 9100} {
		t.Run(strconv.Itoa(around), func(t *testing.T) {
			t.Parallel()
			var rows []rowA
			for n := around - 12; n < around+12; n++ {
				text := strings.Repeat("k", n)
				rows = append(rows, rowA{t: &text, b: []byte(text)}, rowA{b: []byte(text)}, rowA{t: &text})
			}
			check(t, write(t, sqlitefile.Options{}, rows), rows)
		})
	}
	for n := range 45 {
		text := strings.Repeat("z", 900)
		rows := make([]rowA, n)
		for i := range rows {
			rows[i] = rowA{t: &text}
		}
		path := write(t, sqlitefile.Options{}, rows)
		if s := query(t, openDB(t, path), "pragma integrity_check"); s != "ok" {
			t.Fatalf("%d rows: %s", n, s)
		}
	}
}

// TestDuplicate finds a key that is there twice.
func TestDuplicate(t *testing.T) {
	t.Parallel()
	for _, spill := range []int{0, 8 << 10} {
		f, err := os.Create(filepath.Join(t.TempDir(), "x.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		db, err := sqlitefile.Create(f, sqlitefile.Options{TempDir: t.TempDir(), Arena: spill}, tables()...)
		if err != nil {
			t.Fatal(err)
		}
		var row sqlitefile.Row
		for i := range 3000 {
			row.Reset()
			row.Text(fmt.Sprint("k", i*7919%2999))
			row.Text("same")
			if err := db.Insert(2, &row); err != nil {
				t.Fatal(err)
			}
		}
		dup, ok := errors.AsType[*sqlitefile.DuplicateError](db.Finish(t.Context()))
		if !ok || dup.Index != "c_t_u" || dup.Key != "k0" {
			t.Errorf("Finish: %v", dup)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// FuzzFile writes databases of a few values that the fuzzer chooses.
func FuzzFile(f *testing.F) {
	f.Add("a", int64(1), []byte{0}, uint16(3))
	f.Add("a\x00b", int64(-1), []byte("\x00\xff"), uint16(300))
	f.Add(strings.Repeat("long", 300), int64(1<<40), bytes.Repeat([]byte{0}, 5000), uint16(9))
	f.Fuzz(func(t *testing.T, text string, n int64, b []byte, count uint16) {
		var rows []rowA
		for i := range int(count % 512) {
			tt, nn := text[:min(len(text), i)], n>>(i%64)
			rows = append(rows, rowA{t: &tt, n: &nn, b: b[min(len(b), i/2):]})
		}
		check(t, write(t, sqlitefile.Options{Arena: 64 << 10}, rows), rows)
	})
}
