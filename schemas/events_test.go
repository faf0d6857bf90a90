package schemas_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/schemas"
)

var update = flag.Bool("update", false, "write the generated files anew")

func catalogue(t testing.TB) *event.Catalogue {
	t.Helper()
	c, err := schemas.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// golden compares a generated file with the committed one.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it by: go test ./schemas -run Golden -update)", err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is not what the catalogue gives; write it anew by: go test ./schemas -run Golden -update", path)
	}
}

func TestGolden(t *testing.T) {
	c := catalogue(t)
	golden(t, "events/event.proto", c.Proto())
	golden(t, "../docs/events.md", c.Markdown())
	known := map[string]bool{}
	for _, typ := range c.Types() {
		path := "events/json/" + typ.Name + ".json"
		known[path] = true
		golden(t, path, typ.JSONSchema())
	}
	files, err := filepath.Glob("events/json/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !known[filepath.ToSlash(file)] {
			t.Errorf("%s belongs to no type", file)
		}
	}
}

func TestSchemasCompile(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for _, typ := range catalogue(t).Types() {
		if _, err := compiler.Compile("events/json/" + typ.Name + ".json"); err != nil {
			t.Errorf("%s: %v", typ.Name, err)
		}
	}
}

// TestFieldNumbers holds the numbers that trackers read equal to the catalogue.
func TestFieldNumbers(t *testing.T) {
	c := catalogue(t)
	file, err := parser.ParseFile(token.NewFileSet(), "../pkg/event/fields.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, decl := range file.Decls {
		consts, ok := decl.(*ast.GenDecl)
		if !ok || consts.Tok != token.CONST {
			continue
		}
		for _, spec := range consts.Specs {
			value := spec.(*ast.ValueSpec)
			name, ok := strings.CutPrefix(value.Names[0].Name, "Field")
			if !ok {
				continue
			}
			number, err := strconv.Atoi(value.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found++
			f, ok := c.FieldByNumber(int32(number))
			if !ok || f.Name != snake(name) {
				t.Errorf("Field%s = %d; fields.yaml has %v", name, number, f)
			}
		}
	}
	if found < 15 {
		t.Errorf("found %d field numbers in fields.go, want 15 or more", found)
	}
}

// snake turns ContactID into contact_id.
func snake(s string) string {
	s = strings.ReplaceAll(s, "ID", "Id")
	var b strings.Builder
	for i, c := range s {
		if c >= 'A' && c <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// TestContactTypes holds what the contact machine relies on.
func TestContactTypes(t *testing.T) {
	c := catalogue(t)
	f := func(name string, rank int, opener bool) {
		t.Helper()
		typ, ok := c.Type(name)
		if !ok || typ.Rank != rank || typ.Opener != opener || typ.Concerns[0].Kind != "contact" {
			t.Errorf("%s is %+v, want rank %d, opener %v, of a contact", name, typ, rank, opener)
		}
	}
	f("contact.created", 10, true)
	f("contact.not_offered", 15, true)
	f("contact.queued", 20, true)
	f("contact.offered", 30, true)
	f("contact.offer_ended", 35, false)
	f("contact.dequeued", 40, false)
	f("contact.answered", 50, true)
	f("contact.hold_started", 60, false)
	f("contact.hold_ended", 61, false)
	f("contact.transferred", 70, false)
	f("contact.callback_scheduled", 75, true)
	f("contact.callback_attempted", 76, false)
	f("contact.ended", 80, false)
	f("contact.wrapup_started", 90, false)
	f("contact.wrapup_ended", 91, false)
	f("contact.snapshot", 95, true)
	typ, _ := c.Type("contact.answered")
	if len(typ.Concerns) != 3 || typ.Concerns[1].Kind != "customer" || typ.Concerns[2].Kind != "agent" {
		t.Errorf("contact.answered concerns %v, want contact, customer, agent", typ.Concerns)
	}
}
