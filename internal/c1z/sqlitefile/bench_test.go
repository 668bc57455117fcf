package sqlitefile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/sqlitefile"
)

// BenchmarkFile writes rows of 330 bytes with five indexes like those of grants.
func BenchmarkFile(b *testing.B) {
	const n = 500_000
	table := sqlitefile.Table{
		Name: "g", SQL: "CREATE TABLE g (id integer primary key, rt text, rid text, ent text, pt text, pid text, ext text, data blob, sync text)",
		Indexes: []sqlitefile.Index{
			{Name: "g1", SQL: "CREATE INDEX g1 on g (rt, rid)", Columns: []int{0, 1}},
			{Name: "g2", SQL: "CREATE INDEX g2 on g (pt, pid)", Columns: []int{3, 4}},
			{Name: "g3", SQL: "CREATE INDEX g3 on g (ent, pt, pid)", Columns: []int{2, 3, 4}},
			{Name: "g4", SQL: "CREATE UNIQUE INDEX g4 on g (ext, sync)", Columns: []int{5, 7}, Unique: true},
			{Name: "g5", SQL: "CREATE INDEX g5 on g (ent, sync, id)", Columns: []int{2, 7, sqlitefile.RowID}},
		},
	}
	data := make([]byte, 330)
	dir := b.TempDir()
	for b.Loop() {
		f, err := os.Create(filepath.Join(dir, "x.db"))
		if err != nil {
			b.Fatal(err)
		}
		db, err := sqlitefile.Create(f, sqlitefile.Options{TempDir: dir, Workers: 2}, table)
		if err != nil {
			b.Fatal(err)
		}
		var row sqlitefile.Row
		for i := range n {
			group := fmt.Sprintf("5f%022x", uint64(i/400)*0x9E3779B97F4A7C15)
			user := fmt.Sprintf("5e%022x", uint64((i*7919)%100_000)*0x9E3779B97F4A7C15)
			row.Reset()
			row.Text("group")
			row.Text(group)
			row.Text("group:" + group)
			row.Text("user")
			row.Text(user)
			row.Text("group-grant:" + group + ":user:" + user + ":" + group)
			row.Blob(data)
			row.Text("2rABCDEFGHIJKLMNOPQRSTUVWXY")
			if err := db.Insert(0, &row); err != nil {
				b.Fatal(err)
			}
		}
		if err := errors.Join(db.Finish(b.Context()), db.Close(), f.Close()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
