package mapping

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/strictyaml"
)

// textExpr is a text made of a row: a column, a constant, several joined, the
// first that is there, or the row's identity.
type textExpr struct {
	column    int // -1: none
	absent    []string
	after     string // keep what stands behind its last place
	before    string // keep what stands before its first place
	values    map[string]string
	keep      bool    // words that values does not have stay
	otherwise *string // for words that values does not have

	constant *string
	parts    []*textExpr
	with     string
	first    []*textExpr
	row      bool
}

func (p *parser) text(n *yaml.Node) *textExpr {
	t := &textExpr{column: -1}
	if n.Kind == yaml.ScalarNode {
		t.column = p.column(n)
		return t
	}
	forms := 0
	form := func(f func(*yaml.Node)) func(*yaml.Node) {
		return func(n *yaml.Node) { forms++; f(n) }
	}
	p.Map(n, strictyaml.Keys{
		"column":    form(func(n *yaml.Node) { t.column = p.column(n) }),
		"text":      form(func(n *yaml.Node) { t.constant = new(p.plain(n)) }),
		"join":      form(func(n *yaml.Node) { p.Items(n, func(n *yaml.Node) { t.parts = append(t.parts, p.text(n)) }) }),
		"first":     form(func(n *yaml.Node) { p.Items(n, func(n *yaml.Node) { t.first = append(t.first, p.text(n)) }) }),
		"row":       form(func(n *yaml.Node) { t.row = p.Bool(n) }),
		"with":      func(n *yaml.Node) { t.with = p.Text(n) },
		"absent":    func(n *yaml.Node) { t.absent = p.cleaned(p.Texts(n)) },
		"after":     func(n *yaml.Node) { t.after = p.plain(n) },
		"before":    func(n *yaml.Node) { t.before = p.plain(n) },
		"values":    func(n *yaml.Node) { t.values = p.translation(n) },
		"keep":      func(n *yaml.Node) { t.keep = p.Bool(n) },
		"otherwise": func(n *yaml.Node) { t.otherwise = new(p.plain(n)) },
	})
	if forms != 1 {
		p.Errorf(n, "exactly one of column, text, join, first, row is expected")
	}
	if t.column < 0 && (t.absent != nil || t.after != "" || t.before != "" || t.values != nil) {
		p.Errorf(n, "absent, after, before and values belong to a column")
	}
	if t.values == nil && (t.keep || t.otherwise != nil) || t.keep && t.otherwise != nil {
		p.Errorf(n, "keep or otherwise, one of them, belongs to values")
	}
	return t
}

func (p *parser) translation(n *yaml.Node) map[string]string {
	out := map[string]string{}
	p.Pairs(n, func(k, v *yaml.Node) { out[p.m.clean(k.Value)] = p.plain(v) })
	return out
}

// words gives every constant that the text may be.
func (t *textExpr) words() []string {
	var out []string
	for _, w := range t.values {
		out = append(out, w)
	}
	if t.constant != nil {
		out = append(out, *t.constant)
	}
	if t.otherwise != nil {
		out = append(out, *t.otherwise)
	}
	for _, f := range t.first {
		out = append(out, f.words()...)
	}
	slices.Sort(out)
	return out
}

// eval gives the text, or that there is none.
func (t *textExpr) eval(r *row) (string, bool) {
	switch {
	case t.constant != nil:
		return *t.constant, true
	case t.row:
		return r.id(), true
	case t.parts != nil:
		return t.joined(r)
	case t.first != nil:
		for _, f := range t.first {
			if s, ok := f.eval(r); ok {
				return s, true
			}
		}
		return "", false
	}
	s, ok := r.value(t.column)
	if !ok || slices.Contains(t.absent, s) {
		return "", false
	}
	if t.after != "" {
		if i := strings.LastIndex(s, t.after); i >= 0 {
			s = s[i+len(t.after):]
		}
	}
	if t.before != "" {
		s, _, _ = strings.Cut(s, t.before)
	}
	if s = strings.TrimSpace(s); s == "" {
		return "", false
	}
	return t.translated(r, s)
}

func (t *textExpr) translated(r *row, s string) (string, bool) {
	if t.values == nil {
		return s, true
	}
	if to, ok := t.values[s]; ok {
		return to, true
	}
	switch {
	case t.keep:
		return s, true
	case t.otherwise != nil:
		return *t.otherwise, true
	}
	r.fail(t.column, "the word is not among the values of the mapping")
	return "", false
}

func (t *textExpr) joined(r *row) (string, bool) {
	words := make([]string, 0, len(t.parts))
	for _, part := range t.parts {
		s, ok := part.eval(r)
		if !ok {
			return "", false
		}
		words = append(words, s)
	}
	return strings.Join(words, t.with), true
}
