package campaign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/evidence"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

// The files of the evidence of a review.
const (
	fileHeader    = "review.json"
	fileItems     = "items.jsonl"
	fileLog       = "log.jsonl"
	fileDecisions = "decisions"
)

// subject is what the manifest of a pack says of the review.
type subject struct {
	Review Header `json:"review"`
	// Head is the hash of the last event of the log that the pack has.
	Head     string    `json:"log_head"`
	Events   int       `json:"log_events"`
	ClosedBy string    `json:"closed_by"`
	ClosedAt time.Time `json:"closed_at"`
	Counts   Counts    `json:"counts"`
}

// record is all of a review: what its evidence is made of, and checked against.
type record struct {
	header []byte
	items  [][]byte
	log    [][]byte
}

// WritePack writes the evidence of a closed review and returns the hash of its manifest.
// tempDir is for what does not fit into memory.
func (f *File) WritePack(ctx context.Context, path, tempDir string) (string, error) {
	closed := f.Closed()
	if closed == nil {
		return "", errors.New("evidence of an open review")
	}
	log, err := f.Events(ctx)
	if err != nil {
		return "", err
	}
	r := record{log: log}
	if r.header, err = json.Marshal(f.header); err != nil {
		return "", err
	}
	for i := range f.items {
		text, err := json.Marshal(&f.items[i])
		if err != nil {
			return "", err
		}
		r.items = append(r.items, text)
	}
	rows := f.Rows()
	decisions := func(format sheet.Format) func(io.Writer) error {
		return func(w io.Writer) error {
			d, err := decisionsOf(ctx, &f.header, rows, closed)
			if err != nil {
				return err
			}
			d.TempDir = tempDir
			return sheet.Write(w, format, d)
		}
	}
	sources := []evidence.Source{
		{Name: fileHeader, About: "What was reviewed: scope, archive, sync", Write: lines([][]byte{r.header})},
		{Name: fileDecisions + ".csv", About: "Every item with its decision, who decided, when, and what became of it", Write: decisions(sheet.FormatCSV)},
		{Name: fileDecisions + ".xlsx", About: "The same as a workbook", Write: decisions(sheet.FormatXLSX)},
		{Name: fileDecisions + ".html", About: "The same as a page", Write: decisions(sheet.FormatHTML)},
		{Name: fileItems, About: "Every item as it was reviewed, with its context", Write: lines(r.items)},
		{Name: fileLog, About: "Every event in order, each with the hash of the preceding one", Write: lines(r.log)},
	}
	head, err := lastHash(log)
	if err != nil {
		return "", err
	}
	return evidence.Write(path, evidence.Manifest{
		Kind: evidence.KindReview, Tool: version.Program + " " + version.Read().String(), Created: f.now().UTC().Truncate(time.Second),
		Subject:      subject{f.header, head, len(log), closed.By, closed.At, Count(rows)},
		Completeness: f.header.completeness(len(rows)),
	}, sources)
}

// completeness says what the items are all of.
func (h *Header) completeness(items int) []string {
	s := h.Source
	return []string{
		fmt.Sprintf("The archive %s (SHA-256 %s) holds sync %s, a %s sync from %s to %s of %d resources, %d of them accounts, and %d grants.",
			s.Archive, s.SHA256, s.SyncID, s.Type, dateText(s.Started), dateText(s.Ended), s.Resources, s.Accounts, s.Grants),
		"A sync reads every list to its end, or there is no archive.",
		fmt.Sprintf("The review has all %d grants of accounts in its scope (%v) at that time; nothing was sampled.", items, h.Scope),
	}
}

// decisionsOf is the document of all decisions.
func decisionsOf(ctx context.Context, h *Header, rows []Row, closed *Event) (sheet.Document, error) {
	l := List(rows, "decided_by", "decided_at", "until", "result", "presence")
	l.ID, l.Title = fileDecisions, "Decisions"
	t, _, err := l.CommandTable(ctx, search.Query{}, len(rows)+1)
	if err != nil {
		return sheet.Document{}, err
	}
	s := h.Source
	counts := Count(rows)
	return sheet.Document{
		Title: h.Title,
		Lead: []string{
			"Review " + h.ID + ", made by " + h.CreatedBy + " on " + dateText(h.CreatedAt) + " UTC, closed by " + closed.By + " on " + dateText(closed.At) + " UTC",
			s.OrganizationName + " (" + s.OrganizationID + "), archive " + s.Archive + " (SHA-256 " + s.SHA256 + "), sync " + s.SyncID + " of " + dateText(s.Started) + " UTC",
			fmt.Sprintf("%d items: %d keep, %d revoke, %d exception", counts.Items, counts.Keep, counts.Revoke, counts.Exception),
		},
		Tables: []sheet.Table{t},
		// All of it comes from the review, so that the same can be made again to compare.
		About: &sheet.About{Title: h.Title, Tool: h.Tool, Created: closed.At, Facts: []sheet.Fact{
			{Key: "review_id", Label: "Review", Value: h.ID},
			{Key: "scope", Label: "Scope", Value: strings.Join(h.Scope, ", ")},
			{Key: "organization", Label: "Organization", Value: strings.TrimSpace(s.OrganizationName + " " + s.OrganizationID)},
			{Key: "host", Label: "Host", Value: s.Host},
			{Key: "archive", Label: "Archive", Value: s.Archive},
			{Key: "archive_sha256", Label: "SHA-256 of the archive", Value: s.SHA256},
			{Key: "sync_id", Label: "Sync", Value: s.SyncID},
			{Key: "sync_started_at", Label: "Sync started", Value: dateText(s.Started) + " UTC"},
		}},
	}, nil
}

func lines(list [][]byte) func(io.Writer) error {
	return func(w io.Writer) error {
		for _, line := range list {
			if _, err := w.Write(append(slices.Clip(line), '\n')); err != nil {
				return err
			}
		}
		return nil
	}
}

func lastHash(log [][]byte) (string, error) {
	var last Event
	if len(log) == 0 {
		return "", nil
	}
	err := json.Unmarshal(log[len(log)-1], &last)
	return last.Hash, err
}

// Verified is what verifying a review or its evidence found.
type Verified struct {
	Path   string `json:"path"`
	Kind   string `json:"kind"`
	Review string `json:"review,omitempty"`
	Items  int    `json:"items"`
	Events int    `json:"events"`
	// Head is the hash of the last event, and Manifest that of the manifest of a pack.
	Head     string   `json:"log_head,omitempty"`
	Manifest string   `json:"manifest_sha256,omitempty"`
	Problems []string `json:"problems"`

	hashes    []string // of the events of a review
	manifests []string // of the evidence that a review recorded
}

// VerifyFile checks a review. What is no review is an error.
func VerifyFile(ctx context.Context, path string) (Verified, error) {
	v := Verified{Path: path, Kind: "review", Problems: []string{}}
	f, err := Open(ctx, path)
	if tampered, ok := fault.As[*TamperedError](err); ok {
		v.Problems = append(v.Problems, tampered.Problem)
		return v, nil
	}
	if err != nil {
		return v, err
	}
	v.Review, v.Items, v.Events, v.Head = f.header.ID, len(f.items), int(f.chain.seq), f.chain.head
	events, err := f.Events(ctx)
	for _, text := range events {
		var e Event
		err = errors.Join(err, json.Unmarshal(text, &e))
		v.hashes = append(v.hashes, e.Hash)
		if e.Action == ActionPacked {
			v.Manifest = e.Manifest
			v.manifests = append(v.manifests, e.Manifest)
		}
	}
	return v, errors.Join(err, f.Close())
}

// VerifyPack checks the evidence of a review: its files against the manifest, the log
// against its chain, and the decisions against the log. What is no pack is an error.
func VerifyPack(ctx context.Context, path string) (_ Verified, err error) {
	v := Verified{Path: path, Kind: "evidence"}
	p, err := evidence.Open(path)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if p.Manifest.Kind == evidence.KindReview {
		v.checkReview(ctx, p)
	}
	v.Manifest, v.Problems = p.Digest, append([]string{}, p.Problems...)
	return v, nil
}

// checkReview checks what the files of a pack say.
func (v *Verified) checkReview(ctx context.Context, p *evidence.Pack) {
	var s subject
	if err := json.Unmarshal(p.Subject, &s); err != nil {
		p.Problem("%s does not say which review it is of", evidence.ManifestName)
		return
	}
	v.Review = s.Review.ID
	r, err := readRecord(p)
	if err != nil {
		p.Problem("%v", err)
		return
	}
	v.Items, v.Events = len(r.items), len(r.log)
	header, rows, closed, problem := r.replay()
	if problem != "" {
		p.Problem("%s", problem)
		return
	}
	v.Head, _ = lastHash(r.log)
	if closed == nil {
		p.Problem("%s does not say that the review was closed", fileLog)
		return
	}
	expected := subject{*header, v.Head, len(r.log), closed.By, closed.At, Count(rows)}
	if want, err := json.Marshal(expected); err != nil || !sameJSON(want, p.Subject) {
		p.Problem("the manifest does not say what %s and %s say", fileHeader, fileLog)
	}
	for _, format := range []sheet.Format{sheet.FormatCSV, sheet.FormatHTML} {
		name := fileDecisions + "." + string(format)
		var again bytes.Buffer
		have, err := p.Read(name)
		if err != nil {
			continue // It is missing, which has been said.
		}
		d, err := decisionsOf(ctx, header, rows, closed)
		if err == nil {
			err = sheet.Write(&again, format, d)
		}
		if err != nil || !bytes.Equal(again.Bytes(), have) {
			p.Problem("%s does not say what %s says", name, fileLog)
		}
	}
}

func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// readRecord reads what the rest of a pack is made of.
func readRecord(p *evidence.Pack) (record, error) {
	var r record
	var errs []error
	read := func(name string) [][]byte {
		raw, err := p.Read(name)
		errs = append(errs, err)
		if len(raw) == 0 {
			return nil
		}
		return bytes.Split(bytes.TrimSuffix(raw, []byte{'\n'}), []byte{'\n'})
	}
	if header := read(fileHeader); len(header) == 1 {
		r.header = header[0]
	}
	r.items, r.log = read(fileItems), read(fileLog)
	return r, errors.Join(errs...)
}

// replay makes the rows of items and log. The problem is a sentence on what was changed.
func (r *record) replay() (header *Header, rows []Row, closed *Event, problem string) {
	header = new(Header)
	if json.Unmarshal(r.header, header) != nil {
		return nil, nil, nil, fileHeader + " is not JSON"
	}
	all := newItemsDigest()
	for i, text := range r.items {
		all.add(text)
		var item Item
		if json.Unmarshal(text, &item) != nil || item.ID != i+1 {
			return nil, nil, nil, fileItems + " was changed: item " + strconv.Itoa(i+1) + " is not in its place"
		}
		rows = append(rows, Row{Item: item})
	}
	var c chain
	for _, text := range r.log {
		e, err := c.next(text)
		if err != nil {
			return nil, nil, nil, fileLog + ": " + err.Error()
		}
		switch {
		case e.Seq == 1 && (e.Header != digest(r.header) || e.Items != all.sum()):
			return nil, nil, nil, fileHeader + " or " + fileItems + " was changed: its hash is not that in the log"
		case e.Item > len(rows) || e.Item < 0:
			return nil, nil, nil, fmt.Sprintf("%s: event %d is about item %d, which does not exist", fileLog, e.Seq, e.Item)
		case e.Item > 0:
			rows[e.Item-1].apply(&e)
		case e.Action == ActionClosed:
			closed = &e
		}
	}
	return header, rows, closed, ""
}

// Compare compares evidence with the review that it is of, where both were verified, and
// adds what differs to the problems of the evidence.
func Compare(list []Verified) {
	for i := range list {
		pack := &list[i]
		if pack.Kind != "evidence" || pack.Review == "" {
			continue
		}
		for j := range list {
			if f := &list[j]; f.Kind == "review" && f.Review == pack.Review && len(f.Problems) == 0 && len(pack.Problems) == 0 {
				pack.compare(f)
			}
		}
	}
}

func (v *Verified) compare(f *Verified) {
	if !slices.Contains(f.hashes, v.Head) {
		v.Problems = append(v.Problems, "the log in the evidence is not the log of "+f.Path)
	}
	if !slices.Contains(f.manifests, v.Manifest) {
		v.Problems = append(v.Problems, f.Path+" did not record this evidence: its manifest is another one")
	}
}
