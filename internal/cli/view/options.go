package view

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
	"github.com/conductorone/baton-jumpcloud/internal/tempdir"
)

const (
	// screenRows is how many rows a terminal shows where no limit is given.
	screenRows = 50
	// batchRows is how many rows of a list are taken at once, which bounds memory.
	batchRows = 100_000
)

// Options are the flags that everything that shows tables has.
type Options struct {
	// Columns are the keys of those that are shown, in this order; empty for the list's own.
	Columns []string
	// Sync is the ID, or the beginning of it, of the sync to show; empty for the default.
	Sync string
	// NoCache neither reads nor keeps an index of a large archive.
	NoCache      bool
	output, save string
	search, sort string
	desc         bool
	limit, page  int
	filters      []filterFlag
}

// filterFlag is a flag of one command that restricts its list.
type filterFlag struct {
	// name is that of the flag, key that of the filter in package review.
	name, key string
	// text is the value of a flag that has one, set whether another was given, which
	// stands for the value on.
	text *string
	set  *bool
	on   string
}

// value is what the list is filtered by, empty for not at all.
func (f filterFlag) value() string {
	switch {
	case f.text != nil:
		return *f.text
	case *f.set:
		return f.on
	}
	return ""
}

// AddFlags declares the flags.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.Sync, "sync", "", "ID, or ID prefix, of the sync to show (default: the one that Baton readers show)")
	flags.BoolVar(&o.NoCache, "no-cache", false, "Read the archive, and keep nothing of it in the cache folder for the next question")
	o.AddOutput(flags)
	flags.StringVar(&o.search, "search", "", "Only rows that contain all these words (ignoring case and accents)")
	flags.StringVar(&o.sort, "sort", "", "Column to sort by (an unknown name lists the columns)")
	flags.BoolVar(&o.desc, "desc", false, "Sort in descending order")
	flags.IntVar(&o.limit, "limit", 0, fmt.Sprintf("Rows per page, 0 for all (default: %d on a terminal, else all)", screenRows))
	flags.IntVar(&o.page, "page", 1, "Page to show, starting at 1")
	flags.StringSliceVar(&o.Columns, "columns", nil, "Columns to show, in this order (an unknown name lists the columns)")
}

// AddOutput declares the flags that say in which format and file.
func (o *Options) AddOutput(flags *pflag.FlagSet) {
	flags.StringVarP(&o.output, "output", "o", "", "Output format: "+formatNames()+" (default: by the extension of --save, else table)")
	flags.StringVar(&o.save, "save", "", "Write to this file atomically (never over an archive)")
}

// formats are the forms that everything can be shown in.
func formats() []string {
	return []string{string(sheet.FormatTable), string(sheet.FormatJSON), string(sheet.FormatCSV), string(sheet.FormatXLSX), string(sheet.FormatHTML)}
}

// AddFilter declares a flag that restricts the list to a value of a key.
func (o *Options) AddFilter(flags *pflag.FlagSet, name, key, usage string) {
	o.filters = append(o.filters, filterFlag{name: name, key: key, text: flags.String(name, "", usage)})
}

// AddSwitch declares a flag without a value that restricts the list.
func (o *Options) AddSwitch(flags *pflag.FlagSet, name, key, on, usage string) {
	o.filters = append(o.filters, filterFlag{name: name, key: key, set: flags.Bool(name, false, usage), on: on})
}

func formatNames() string {
	names := formats()
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// AddCompletions tells the shell the values of the flags that are known
// without looking into an archive.
func AddCompletions(cmd *cobra.Command, fixed map[string][]string) {
	values := map[string][]string{"output": formats(), "sync": nil, "search": nil, "limit": nil, "page": nil}
	for name := range fixed {
		values[name] = fixed[name]
	}
	for name, list := range values {
		// The only error is a flag that is not there or has values already.
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp))
	}
}

// Format is the form that was asked for, by name or by the name of the file.
func (o *Options) Format() (sheet.Format, error) {
	f := sheet.Format(o.output)
	if o.output == "" {
		f = sheet.FormatTable
		switch named := sheet.Format(strings.TrimPrefix(filepath.Ext(o.save), ".")); {
		case slices.Contains(formats(), string(named)):
			f = named
		case named == "htm":
			f = sheet.FormatHTML
		}
	}
	if !slices.Contains(formats(), string(f)) {
		return "", fmt.Errorf("--output is %q: want %s", cmp.Or(o.output, string(f)), formatNames())
	}
	return f, nil
}

// Check finds what is wrong with the flags before anything is opened.
func (o *Options) Check(a *program.App) error {
	f, err := o.Format()
	if err != nil {
		return err
	}
	if o.limit < 0 {
		return fmt.Errorf("--limit is %d: must be 0 (all rows) or more", o.limit)
	}
	if o.page < 1 {
		return fmt.Errorf("--page is %d: must be 1 or more", o.page)
	}
	if f == sheet.FormatXLSX && o.save == "" && a.IsTerminal(a.Stdout) {
		return fault.WithHints(errors.New("xlsx cannot be written to a terminal"), "name a file with --save access.xlsx")
	}
	if o.save != "" {
		if err := CheckSave(o.save); err != nil {
			return err
		}
		return a.CheckSaveClaims(o.save)
	}
	return nil
}

// Query is what of a list is shown. paged says whether it is a page of it.
func (o *Options) Query(a *program.App, flags *pflag.FlagSet) (q search.Query, paged bool) {
	limit := o.limit
	paged = flags.Changed("limit") && limit > 0 || flags.Changed("page")
	if !flags.Changed("limit") {
		f, err := o.Format()
		onScreen := err == nil && f == sheet.FormatTable && o.save == "" && a.IsTerminal(a.Stdout)
		if paged || onScreen {
			limit, paged = screenRows, true
		}
	}
	q = search.Query{Search: o.search, Sort: o.sort, Desc: o.desc, Limit: limit, Offset: (o.page - 1) * limit}
	for _, f := range o.filters {
		if value := f.value(); value != "" {
			if q.Filter == nil {
				q.Filter = make(map[string]string)
			}
			q.Filter[f.key] = value
		}
	}
	return q, paged
}

// Table is the part of a list that the flags ask for.
func (o *Options) Table(ctx context.Context, l tables.List, q search.Query, paged bool) (sheet.Table, error) {
	t, first, err := l.CommandTable(ctx, q, batchRows)
	if err != nil {
		return t, o.InFlags(err)
	}
	if paged {
		t.Part = &sheet.Part{Offset: q.Offset, Total: first.Total, All: first.All}
		if want := q.Limit; first.Total > 0 && len(first.Rows) == 0 {
			return t, fmt.Errorf("page %d does not exist: %d matching rows are %d pages of %d", q.Offset/want+1, first.Total, (first.Total+want-1)/want, want)
		}
	}
	return t, nil
}

// InFlags says of a query that cannot be answered which flag is meant.
func (o *Options) InFlags(err error) error {
	if e, ok := fault.As[*search.KeyError](err); ok && e.Use == "sort" {
		known := slices.DeleteFunc(slices.Clone(e.Known), func(key string) bool { return key == "" })
		return fmt.Errorf("--sort is %q: sortable columns are %s", e.Key, strings.Join(known, ", "))
	}
	if e, ok := fault.As[*search.ValueError](err); ok {
		for _, f := range o.filters {
			if f.key == e.Key {
				return fmt.Errorf("--%s is %q: want one of %s", f.name, e.Value, strings.Join(e.Known, ", "))
			}
		}
	}
	return err
}

// Show writes tables where the flags say.
func (o *Options) Show(ctx context.Context, a *program.App, d sheet.Document) (err error) {
	f, err := o.Format()
	if err != nil {
		return err
	}
	if len(o.Columns) > 0 {
		for i := range d.Tables {
			if d.Tables[i], err = d.Tables[i].Pick(o.Columns); err != nil {
				return err
			}
		}
	}
	if f == sheet.FormatXLSX {
		temp, wrong := tempdir.New("")
		if wrong != nil {
			return wrong
		}
		defer func() { err = errors.Join(err, temp.Close()) }()
		d.TempDir = temp.Path()
	}
	if o.save != "" {
		return o.saveDocument(ctx, f, d)
	}
	out := &pipe{ctx: ctx, w: a.Stdout}
	if err := sheet.Write(out, f, d); err != nil && !out.closed {
		return err
	}
	return nil
}

// Exports reports whether the flags ask for a file that says what it is of.
func (o *Options) Exports() bool {
	f, err := o.Format()
	return err == nil && (o.save != "" || f == sheet.FormatXLSX || f == sheet.FormatHTML)
}

// saveDocument writes the file, and beside CSV and JSON, whose forms have no room for it,
// another one that says what it is of: access.about.json beside access.csv.
func (o *Options) saveDocument(ctx context.Context, f sheet.Format, d sheet.Document) error {
	beside := strings.TrimSuffix(o.save, filepath.Ext(o.save)) + ".about.json"
	described := d.About != nil && (f == sheet.FormatCSV || f == sheet.FormatJSON)
	if described {
		if err := CheckSave(beside); err != nil {
			return err
		}
	}
	err := SaveFile(o.save, func(w io.Writer) (err error) {
		d, err = sheet.WriteCounted(&stoppable{ctx, w}, f, d)
		return err
	})
	if err != nil || !described {
		return err
	}
	return SaveFile(beside, d.WriteAbout)
}

// stoppable is a writer that ends with a context.
type stoppable struct {
	ctx context.Context //nolint:containedctx // an io.Writer is given none
	w   io.Writer
}

func (s *stoppable) Write(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.w.Write(p)
}
