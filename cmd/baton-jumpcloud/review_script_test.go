package main

import (
	"archive/zip"
	"bytes"
	"context"
	"database/sql"
	"io"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"
)

// reviewCommands are those of scripts about access reviews:
//
//	cell FILE CELL TEXT
//
// writes into a cell of the sheet Review of a worksheet, as a reviewer does;
//
//	plant FILE OLD NEW
//
// edits the events of the log of a review, as nobody should; "replace ZIP NAME OLD NEW" edits a
// file in a ZIP file.
func reviewCommands(ctx context.Context) map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"cell": writeCell, "replace": replaceInZIP,
		"plant": func(ts *testscript.TestScript, _ bool, args []string) { plantInLog(ctx, ts, args) },
	}
}

func writeCell(ts *testscript.TestScript, _ bool, args []string) {
	book, err := excelize.OpenFile(ts.MkAbs(args[0]))
	ts.Check(err)
	defer book.Close()
	ts.Check(book.SetCellStr("Review", args[1], args[2]))
	ts.Check(book.Save())
}

func plantInLog(ctx context.Context, ts *testscript.TestScript, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	done, err := db.ExecContext(ctx, "UPDATE log SET event = replace(event, ?, ?) WHERE seq = (SELECT min(seq) FROM log WHERE instr(event, ?) > 0)", args[1], args[2], args[1])
	ts.Check(err)
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		ts.Fatalf("%d events were edited: %v", n, err)
	}
}

func replaceInZIP(ts *testscript.TestScript, _ bool, args []string) {
	path, name, before, after := ts.MkAbs(args[0]), args[1], []byte(args[2]), []byte(args[3])
	r, err := zip.OpenReader(path)
	ts.Check(err)
	var edited bytes.Buffer
	w := zip.NewWriter(&edited)
	for _, f := range r.File {
		in, err := f.Open()
		ts.Check(err)
		text, err := io.ReadAll(in)
		ts.Check(err)
		if f.Name == name {
			if !bytes.Contains(text, before) {
				ts.Fatalf("%s does not contain %s", name, before)
			}
			text = bytes.ReplaceAll(text, before, after)
		}
		out, err := w.Create(f.Name)
		ts.Check(err)
		_, err = out.Write(text)
		ts.Check(err)
	}
	ts.Check(w.Close())
	ts.Check(r.Close())
	ts.Check(os.WriteFile(path, edited.Bytes(), 0o600))
}
