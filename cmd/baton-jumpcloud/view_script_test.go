package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// viewCommands are those of scripts that look into archives:
//
//	workbook FILE [SHEET]
//
// prints the names of the sheets of an XLSX file, or the rows of one;
//
//	mode FILE OCTAL
//
// expects permissions; "foreign FILE" writes an archive as another connector would,
// with types, traits and nested groups of its own.
func viewCommands(ctx context.Context) map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"workbook": printWorkbook, "mode": checkMode,
		"foreign": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(writeArchive(ctx, ts.MkAbs(args[0]), foreignRows()))
		},
	}
}

func printWorkbook(ts *testscript.TestScript, _ bool, args []string) {
	book, err := excelize.OpenFile(ts.MkAbs(args[0]))
	ts.Check(err)
	defer book.Close()
	lines := book.GetSheetList()
	if len(args) > 1 {
		rows, err := book.GetRows(args[1])
		ts.Check(err)
		lines = nil
		for _, row := range rows {
			lines = append(lines, strings.Join(row, ","))
		}
	}
	_, err = fmt.Fprintln(ts.Stdout(), strings.Join(lines, "\n"))
	ts.Check(err)
}

func checkMode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	want, err := strconv.ParseUint(args[1], 8, 32)
	ts.Check(err)
	if got := uint64(info.Mode().Perm()); got != want {
		ts.Fatalf("%s has mode %04o, want %04o", args[0], got, want)
	}
}

// rows are the content of an archive.
type rows struct {
	types        []*v2.ResourceType
	resources    []*v2.Resource
	entitlements []*v2.Entitlement
	grants       []*v2.Grant
}

func (r *rows) resource(typ, id, name string, traits ...proto.Message) *v2.Resource {
	m := &v2.Resource{Id: &v2.ResourceId{ResourceType: typ, Resource: id}, DisplayName: name}
	for _, trait := range traits {
		m.Annotations = append(m.Annotations, must(anypb.New(trait)))
	}
	r.resources = append(r.resources, m)
	return m
}

func (r *rows) entitlement(of *v2.Resource, slug string) *v2.Entitlement {
	e := &v2.Entitlement{
		Id: of.GetId().GetResourceType() + ":" + of.GetId().GetResource() + ":" + slug, Slug: slug,
		DisplayName: of.GetDisplayName() + " " + slug, Resource: of,
	}
	r.entitlements = append(r.entitlements, e)
	return e
}

// grant gives an entitlement to a principal: directly, or through sources.
func (r *rows) grant(e *v2.Entitlement, p *v2.Resource, through ...*v2.Entitlement) {
	g := &v2.Grant{Id: e.GetId() + ":" + p.GetId().GetResourceType() + ":" + p.GetId().GetResource(), Entitlement: e, Principal: p}
	for _, source := range through {
		if g.Sources == nil {
			g.Sources = &v2.GrantSources{Sources: make(map[string]*v2.GrantSources_GrantSource)}
		}
		g.Sources.Sources[source.GetId()] = &v2.GrantSources_GrantSource{}
	}
	r.grants = append(r.grants, g)
}

// foreignRows are people, nested teams and repositories with several roles each.
func foreignRows() *rows {
	r := &rows{types: []*v2.ResourceType{
		{Id: "person", DisplayName: "Person", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_USER}},
		{Id: "repo", DisplayName: "Repository"},
		{Id: "team", DisplayName: "Team", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_GROUP}},
	}}
	ana := r.resource("person", "1", "Ana", &v2.UserTrait{})
	ana.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_ENABLED}
	bo := r.resource("person", "2", "Bo", &v2.UserTrait{})
	bo.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_DISABLED}
	core := r.resource("repo", "core", "Core")
	inner := r.resource("team", "inner", "Inner")
	outer := r.resource("team", "outer", "Outer")
	read, admin := r.entitlement(core, "read"), r.entitlement(core, "admin")
	ofInner, ofOuter := r.entitlement(inner, "member"), r.entitlement(outer, "member")
	r.entitlement(outer, "lead")
	r.grant(ofInner, ana)
	r.grant(ofOuter, inner)
	r.grant(ofOuter, ana, ofInner)
	r.grant(ofOuter, bo)
	r.grant(read, outer)
	r.grant(read, ana, ofOuter)
	r.grant(read, bo, read, ofOuter)
	r.grant(admin, bo)
	return r
}

// writeArchive writes an archive of one finished sync.
func writeArchive(ctx context.Context, path string, r *rows) error {
	work, err := os.MkdirTemp("", "archive-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w, err := c1z.Create(ctx, c1z.Options{Path: path, WorkDir: work, SyncID: "2aaaaaaaaaaaaaaaaaaaaaaaaaa", StartedAt: started, Keep: c1z.KeepNone})
	if err != nil {
		return err
	}
	for _, put := range []func() error{
		func() error { return w.PutResourceTypes(ctx, r.types...) },
		func() error { return w.PutResources(ctx, r.resources...) },
		func() error { return w.PutEntitlements(ctx, r.entitlements...) },
		func() error { return w.PutGrants(ctx, r.grants...) },
	} {
		if err := put(); err != nil {
			_ = w.Abort()
			return err
		}
	}
	_, err = w.Finish(ctx, c1z.SyncRun{ID: "2aaaaaaaaaaaaaaaaaaaaaaaaaa", StartedAt: started, EndedAt: started.Add(2 * time.Second)})
	return err
}
