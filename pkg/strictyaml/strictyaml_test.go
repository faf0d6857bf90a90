package strictyaml

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestMistakesHavePlaces(t *testing.T) {
	f := func(name, in, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			r, n, err := Open("x.yaml", []byte(in))
			if err == nil {
				r.Map(n, Keys{
					"name":  func(n *yaml.Node) { r.Text(n) },
					"count": func(n *yaml.Node) { r.Int(n, 1, 9) },
					"kind":  func(n *yaml.Node) { r.OneOf(n, "red", "green") },
					"on":    func(n *yaml.Node) { r.Bool(n) },
					"list":  func(n *yaml.Node) { r.Texts(n) },
				}, "name")
				err = r.Err()
			}
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("got %q\nwant %q", got, want)
			}
		})
	}
	f("fine", "name: a\ncount: 3\nkind: red\non: true\nlist: [a, b]\n", "")
	f("unknown", "name: a\nkimd: red\n", `x.yaml:2:1: unknown key "kimd", did you mean "kind"?`)
	f("unknown_far", "name: a\nzzzzzz: red\n", `x.yaml:2:1: unknown key "zzzzzz"`)
	f("twice", "name: a\nname: b\n", `x.yaml:2:1: key "name" is there twice, first in line 1`)
	f("missing", "count: 3\n", `x.yaml:1:1: key "name" is missing`)
	f("range", "name: a\ncount: 10\n", `x.yaml:2:8: 10 is not within 1 and 9`)
	f("number", "name: a\ncount: ten\n", `x.yaml:2:8: a whole number is expected, not "ten"`)
	f("set", "name: a\nkind: gren\n", `x.yaml:2:7: "gren" is not one of red, green, did you mean "green"?`)
	f("bool", "name: a\non: 1\n", `x.yaml:2:5: true or false is expected, not "1"`)
	f("null", "name:\n", `x.yaml:1:6: a text is expected, not nothing`)
	f("list", "name: a\nlist: b\n", `x.yaml:2:7: a list is expected, not "b"`)
	f("alias", "name: &x a\nlist: [*x]\n", `x.yaml:2:8: a text is expected, not an alias (aliases are not read)`)
	f("two_documents", "name: a\n---\nname: b\n", `x.yaml:2:1: a second document; one is expected`)
	f("empty", "", "x.yaml: EOF")
	f("both", "nam: a\ncoun: 1\n", "x.yaml:1:1: unknown key \"nam\", did you mean \"name\"?\nx.yaml:2:1: unknown key \"coun\", did you mean \"count\"?\nx.yaml:1:1: key \"name\" is missing")
	f("no_mapping", "- a\n", "x.yaml:1:1: a mapping (key: value) is expected, not a list")
}

func TestDistance(t *testing.T) {
	f := func(a, b string, want int) {
		t.Helper()
		if got := Distance(a, b); got != want || Distance(b, a) != want {
			t.Errorf("Distance(%q, %q) = %d, want %d", a, b, got, want)
		}
	}
	f("", "", 0)
	f("", "abc", 3)
	f("queue_id", "queue_id", 0)
	f("qeue_id", "queue_id", 1)
	f("quuee_id", "queue_id", 1)
	f("agnet", "agent", 1)
	f("kitten", "sitting", 3)
}

func TestTooManyMistakesEnd(t *testing.T) {
	r, n, err := Open("x.yaml", []byte(strings.Repeat("- {}\n", 200)))
	if err != nil {
		t.Fatal(err)
	}
	r.Texts(n)
	if got := len(r.Errs()); got != maxErrors {
		t.Errorf("got %d mistakes, want %d", got, maxErrors)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add("name: a\nlist: [1, {b: c}]\n")
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, in string) {
		r, n, err := Open("x.yaml", []byte(in))
		if err != nil {
			return
		}
		r.Map(n, Keys{"name": func(n *yaml.Node) { r.Text(n) }, "list": func(n *yaml.Node) { r.Texts(n) }})
	})
}
