package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/conductorone/baton-jumpcloud"

// sourceFile is what the rules look at in one Go file.
type sourceFile struct {
	name      string   // slash-separated, relative to the module's root
	pkg       string   // the folder, relative to the module's root
	imports   []string // import paths
	inits     []string // positions of init functions
	trust     []string // what could make TLS believe the wrong server, with positions
	test      bool
	generated bool
}

// ours lists the packages of this module that the file imports, relative to the
// module's root.
func (f sourceFile) ours() []string {
	var pkgs []string
	for _, imp := range f.imports {
		if rel, ok := strings.CutPrefix(imp, module+"/"); ok {
			pkgs = append(pkgs, rel)
		}
	}
	return pkgs
}

// load parses every Go file of the module in root. Other modules below it and
// folders that the go command ignores are left out.
func load(t *testing.T, root fs.FS) []sourceFile {
	t.Helper()
	var files []sourceFile
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if name != "." && ignored(root, name) {
				return fs.SkipDir
			}
			return nil
		case path.Ext(name) != ".go":
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		f, err := parse(name, src)
		if err != nil {
			return err
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func ignored(root fs.FS, dir string) bool {
	base := path.Base(dir)
	if base == "testdata" || base[0] == '.' || base[0] == '_' {
		return true
	}
	_, err := fs.Stat(root, path.Join(dir, "go.mod"))
	return err == nil
}

func parse(name string, src []byte) (sourceFile, error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return sourceFile{}, err
	}
	f := sourceFile{
		name:      name,
		pkg:       path.Dir(name),
		test:      strings.HasSuffix(name, "_test.go"),
		generated: ast.IsGenerated(parsed),
		trust:     trustProblems(fset, parsed),
	}
	for _, spec := range parsed.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return sourceFile{}, err
		}
		f.imports = append(f.imports, imp)
	}
	for _, decl := range parsed.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			f.inits = append(f.inits, fset.Position(fn.Pos()).String())
		}
	}
	return f, nil
}
