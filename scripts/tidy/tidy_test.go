package tidy

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// arrows says which packages of ours a package of the core may import. One
// that is missing here fails too: a new package is a decision.
var arrows = map[string][]string{
	"pkg/event":              {"pkg/strictyaml"},
	"pkg/strictyaml":         {},
	"pkg/fact":               {"pkg/event"},
	"pkg/row":                {"pkg/event"},
	"pkg/statelog":           {},
	"pkg/calendar":           {"pkg/strictyaml"},
	"pkg/incident":           {"pkg/row"},
	"pkg/item":               {"pkg/event"},
	"pkg/sla":                {"pkg/event", "pkg/fact", "pkg/kpi", "pkg/row", "pkg/strictyaml"},
	"pkg/kpi":                {"pkg/calendar", "pkg/event", "pkg/fact", "pkg/strictyaml"},
	"pkg/mapping":            {"pkg/event", "pkg/source", "pkg/strictyaml"},
	"pkg/source":             {},
	"pkg/source/asterisk":    {"pkg/source"},
	"pkg/alert":              {"pkg/board", "pkg/kpi", "pkg/row", "pkg/strictyaml"},
	"pkg/board":              {"pkg/fact", "pkg/kpi", "pkg/pane", "pkg/row"},
	"pkg/pane":               {"pkg/event", "pkg/fact", "pkg/kpi", "pkg/row", "pkg/statelog"},
	"pkg/track/agent":        {"pkg/event", "pkg/fact", "pkg/item"},
	"pkg/track/contact":      {"pkg/event", "pkg/fact", "pkg/item"},
	"pkg/track/conversation": {"pkg/event", "pkg/fact", "pkg/item"},
	"pkg/record":             {"pkg/event", "pkg/fact", "pkg/kpi", "pkg/strictyaml"},
	"pkg/track/record":       {"pkg/calendar", "pkg/event", "pkg/fact", "pkg/item", "pkg/record"},
	"pkg/track/kinds":        {"pkg/calendar", "pkg/fact", "pkg/record", "pkg/track", "pkg/track/agent", "pkg/track/contact", "pkg/track/conversation", "pkg/track/record"},
	"pkg/track":              {"pkg/event", "pkg/fact", "pkg/item", "pkg/kpi", "pkg/pane", "pkg/row", "pkg/sla", "pkg/statelog", "pkg/strictyaml"},
	"pkg/scenario":           {"pkg/alert", "pkg/event", "pkg/fact", "pkg/kpi", "pkg/row", "pkg/track"},
	"pkg/warehouse":          {"pkg/calendar", "pkg/event", "pkg/fact", "pkg/kpi", "pkg/record"},
	"pkg/sim": {
		"pkg/event", "pkg/fact", "pkg/kpi", "pkg/pane", "pkg/row", "pkg/record", "pkg/sla", "pkg/statelog", "pkg/track", "pkg/track/agent", "pkg/track/contact",
		"pkg/track/conversation", "pkg/track/record",
	},
}

// outside is what the core may import that is not of the standard library:
// pure libraries only.
var outside = []string{"google.golang.org/protobuf/encoding/protowire", "go.yaml.in/yaml/v3"}

// impure is what the core may not import, and why.
var impure = map[string]string{
	"os": "files and the environment", "io/ioutil": "files", "net": "the network", "net/http": "the network",
	"context": "waiting", "sync": "other goroutines", "sync/atomic": "other goroutines", "log": "a reader at run time",
	"log/slog": "a reader at run time", "crypto/rand": "chance", "os/exec": "processes", "database/sql": "a database",
	"runtime": "the machine", "unsafe": "memory", "time/tzdata": "a zone table of its own",
}

func TestArrows(t *testing.T) {
	for _, s := range read(t) {
		if !strings.HasPrefix(s.path, "pkg/") || s.test {
			continue
		}
		allowed, known := arrows[s.dir()]
		if !known {
			t.Errorf("%s: package %s is not in the table of arrows", s.path, s.dir())
			continue
		}
		for _, i := range s.imports() {
			own, isOwn := strings.CutPrefix(i, module)
			switch {
			case isOwn && !slices.Contains(allowed, own):
				t.Errorf("%s imports %s, which its arrow does not allow", s.path, own)
			case !isOwn && strings.Contains(i, ".") && !slices.Contains(outside, i):
				t.Errorf("%s imports %s, which is not on the list of pure libraries", s.path, i)
			case impure[i] != "":
				t.Errorf("%s imports %s: the core touches no %s", s.path, i, impure[i])
			case i == "math/rand/v2" && s.dir() != "pkg/sim" || i == "math/rand":
				t.Errorf("%s imports %s: chance comes from the seed of a simulation alone", s.path, i)
			}
		}
	}
}

// TestServicesLookInward holds the rest of the arrow: schemas know the core,
// shells know both and no service, services know each other only through the
// one binary.
func TestServicesLookInward(t *testing.T) {
	for _, s := range read(t) {
		for _, i := range s.imports() {
			own, ok := strings.CutPrefix(i, module)
			if !ok || s.test {
				continue
			}
			switch {
			case strings.HasPrefix(s.path, "schemas/") && !strings.HasPrefix(own, "pkg/"):
				t.Errorf("%s imports %s: contracts know the core alone", s.path, own)
			case strings.HasPrefix(s.path, "services/internal/") && strings.HasPrefix(own, "services/") && !strings.HasPrefix(own, "services/internal/"):
				t.Errorf("%s imports %s: a shell knows no service", s.path, own)
			case !strings.HasPrefix(s.path, "services/nabz/") && !strings.HasPrefix(s.path, "services/internal/") &&
				strings.HasPrefix(s.path, "services/") && strings.HasPrefix(own, "services/") && !strings.HasPrefix(own, "services/internal/") && !strings.HasPrefix(own, s.dir()+"/"):
				t.Errorf("%s imports %s: services meet in the one binary alone", s.path, own)
			}
		}
	}
}

// clocks are the functions of package time that look at a clock or wait.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "LoadLocation"}

func TestCoreIsPure(t *testing.T) {
	for _, s := range read(t) {
		if !strings.HasPrefix(s.path, "pkg/") || s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%v: the core starts no goroutine", s.set.Position(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, n.Sel.Name) && !zones(s.path, n.Sel.Name) {
					t.Errorf("%v: time.%s: time is a record", s.set.Position(n.Pos()), n.Sel.Name)
				}
			}
			return true
		})
	}
}

// zones allows the loading of a zone by name where a mapping names one: the
// table of zones is part of the binary.
func zones(path, function string) bool {
	return function == "LoadLocation" && strings.HasPrefix(path, "pkg/mapping/")
}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	docs := map[string]string{}
	for _, s := range read(t) {
		if s.test {
			continue
		}
		docs[s.dir()] += s.file.Doc.Text()
	}
	for dir, doc := range docs {
		switch {
		case doc == "":
			t.Errorf("%s has no package comment", dir)
		case !strings.HasPrefix(doc, "Package ") && !strings.HasPrefix(doc, "Command "):
			t.Errorf("%s: a package comment begins with Package or Command", dir)
		case !strings.Contains(doc, " not know") && !strings.Contains(doc, " knows nothing"):
			t.Errorf("%s: the package comment does not say what the package does not know", dir)
		}
	}
}

// Bounds of what a reader holds in the head at once. A test's function may be
// a table, which is read line by line.
const (
	maxFunction     = 70
	maxTestFunction = 110
	maxFile         = 500
	maxTestFile     = 700
)

func TestSizes(t *testing.T) {
	for _, s := range read(t) {
		maxFile, maxFunction := maxFile, maxFunction
		if s.test {
			maxFile, maxFunction = maxTestFile, maxTestFunction
		}
		if s.lines > maxFile {
			t.Errorf("%s has %d lines, more than %d", s.path, s.lines, maxFile)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			from, to := s.set.Position(f.Pos()).Line, s.set.Position(f.End()).Line
			if to-from+1 > maxFunction {
				t.Errorf("%s:%d: %s has %d lines, more than %d", s.path, from, f.Name.Name, to-from+1, maxFunction)
			}
			if f.Name.Name == "init" && f.Recv == nil {
				t.Errorf("%s:%d: no init", s.path, from)
			}
			// Seeds, spans and the like are tested by values, not by waiting.
			if s.test {
				sleeps(t, &s, f)
			}
		}
	}
}

func sleeps(t *testing.T, s *source, f *ast.FuncDecl) {
	ast.Inspect(f, func(n ast.Node) bool {
		if c, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := c.X.(*ast.Ident); ok && x.Name == "time" && c.Sel.Name == "Sleep" {
				t.Errorf("%v: a test that sleeps is decided by timing", s.set.Position(n.Pos()))
			}
		}
		return true
	})
}

// named finds what looks like a path of the tree in a document.
var named = regexp.MustCompile("`((?:pkg|services|schemas|scripts|docs|deploy)/[A-Za-z0-9_./-]*|Makefile|docker-compose\\.yml|Dockerfile|go\\.work|[A-Z]+\\.md)`")

func TestDocumentsNameWhatIsThere(t *testing.T) {
	err := walk(func(path string) error {
		if !strings.HasSuffix(path, ".md") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(root, strings.TrimSuffix(m[1], "/"))); err != nil {
				t.Errorf("%s names %s, which is not there", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// testName finds the tests that a document calls to witness.
var testName = regexp.MustCompile(`\b((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9]*)\b`)

func TestDocumentsNameTestsThatExist(t *testing.T) {
	have := map[string]bool{}
	for _, s := range read(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test {
				have[f.Name.Name] = true
			}
		}
	}
	err := walk(func(path string) error {
		if !strings.HasSuffix(path, ".md") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		for _, m := range testName.FindAllStringSubmatch(string(text), -1) {
			if !have[m[1]] {
				t.Errorf("%s names %s, which is not there", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryKPIIsWhole(t *testing.T) {
	folders, err := os.ReadDir(filepath.Join(root, "schemas/kpi"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		for _, name := range []string{"kpi.yaml", "scenario.txt", "golden.sql"} {
			if _, err := os.Stat(filepath.Join(root, "schemas/kpi", f.Name(), name)); err != nil {
				t.Errorf("schemas/kpi/%s has no %s", f.Name(), name)
			}
		}
	}
}

func read(t *testing.T) []source {
	t.Helper()
	all, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
