package sla

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// File is the name of the policy in its folder.
const File = "sla.yaml"

// Waits is how long facts of one kind of item are waited for, ms: what a policy
// takes where it sets nothing of its own, and what bounds it.
type Waits struct {
	Settle, Lateness, MaxAge int64
}

// maxWarnings bounds the rows that one open promise makes before its deadline.
const maxWarnings = 5

// Load reads every folder of a tree that holds a policy. Waits are by kind of
// item. The error joins all mistakes, each with file, line and column.
func Load(tree fs.FS, families []*fact.Family, waits map[string]Waits) (*Set, error) {
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	s := &Set{}
	var errs []error
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		file := path.Join(e.Name(), File)
		data, err := fs.ReadFile(tree, file)
		if err != nil {
			errs = append(errs, fmt.Errorf("read policy: %w", err))
			continue
		}
		p, err := Parse(file, e.Name(), data, families, waits)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.Policies = append(s.Policies, p)
	}
	return s, errors.Join(errs...)
}

// loading is one policy being read.
type loading struct {
	r *strictyaml.Reader
	p *Policy
}

// Parse reads one policy.
func Parse(file, name string, data []byte, families []*fact.Family, waits map[string]Waits) (*Policy, error) {
	r, root, err := strictyaml.Open(file, data)
	if err != nil {
		return nil, err
	}
	p := &Policy{Name: name, Title: map[string]string{}, From: -1, To: -1, SettleMs: -1}
	l := &loading{r: r, p: p}
	var from, to, where, targets *yaml.Node
	r.Map(root, strictyaml.Keys{
		"title":        func(n *yaml.Node) { l.title(n) },
		"help":         func(n *yaml.Node) { p.Help = r.Text(n) },
		"of":           func(n *yaml.Node) { l.of(n, families) },
		"from":         func(n *yaml.Node) { from = n },
		"to":           func(n *yaml.Node) { to = n },
		"where":        func(n *yaml.Node) { where = n },
		"targets":      func(n *yaml.Node) { targets = n },
		"warn_at":      func(n *yaml.Node) { l.warn(n) },
		"settle":       func(n *yaml.Node) { p.SettleMs = l.span(n) },
		"silent_after": func(n *yaml.Node) { p.SilentMs = l.span(n) },
		"severity":     func(n *yaml.Node) { p.Severity = r.OneOf(n, "page", "ticket") },
		"runbook":      func(n *yaml.Node) { p.Runbook = r.Text(n) },
	}, "title", "help", "of", "from", "to", "targets", "severity")
	if p.Of == nil || from == nil || to == nil || targets == nil {
		return nil, r.Err()
	}
	p.From, p.To = l.column(from, fact.Time), l.column(to, fact.Time)
	if where != nil {
		p.Where = l.matches(where)
	}
	w := waits[p.Of.Kind]
	if p.SettleMs < 0 {
		p.SettleMs = w.Settle
	}
	p.LatenessMs = w.Lateness
	if p.SettleMs > p.LatenessMs {
		r.Errorf(root, "settle is longer than the lateness of %s: a breach would be confirmed before anybody is told", p.Of.Kind)
	}
	l.targets(targets, w)
	return p, r.Err()
}

func (l *loading) title(n *yaml.Node) {
	l.r.Map(n, strictyaml.Keys{
		"en": func(n *yaml.Node) { l.p.Title["en"] = l.r.Text(n) },
		"fa": func(n *yaml.Node) { l.p.Title["fa"] = l.r.Text(n) },
	}, "en", "fa")
}

func (l *loading) of(n *yaml.Node, families []*fact.Family) {
	name := l.r.Text(n)
	var names []string
	for _, f := range families {
		names = append(names, f.Name)
		if f.Name == name {
			l.p.Of = f
		}
	}
	if l.p.Of == nil {
		l.r.Errorf(n, "no family of facts %q%s", name, strictyaml.Hint(name, names))
	}
}

func (l *loading) span(n *yaml.Node) int64 {
	ms, err := kpi.ParseSpan(l.r.Text(n))
	if err != nil {
		l.r.Errorf(n, "%v", err)
	}
	return ms
}

// column finds a column of the family by name and type.
func (l *loading) column(n *yaml.Node, want fact.Type) int {
	name := l.r.Text(n)
	var fitting, names []string
	for _, c := range l.p.Of.Columns {
		names = append(names, c.Name)
		if c.Type == want {
			fitting = append(fitting, c.Name)
		}
	}
	i := l.p.Of.Column(name)
	switch {
	case i < 0:
		l.r.Errorf(n, "%s has no column %q%s", l.p.Of.Name, name, strictyaml.Hint(name, names))
		return 0
	case l.p.Of.Columns[i].Type != want:
		l.r.Errorf(n, "column %q does not fit here: one of %s is expected", name, strings.Join(fitting, ", "))
		return 0
	}
	return i
}

// matches reads conditions: column: text, [texts] or {not: texts}.
func (l *loading) matches(n *yaml.Node) (out []Match) {
	l.r.Pairs(n, func(k, v *yaml.Node) {
		m := Match{Column: l.column(k, fact.Text)}
		if v.Kind == yaml.MappingNode {
			l.r.Map(v, strictyaml.Keys{"not": func(n *yaml.Node) { m.Not, v = true, n }}, "not")
		}
		texts := []*yaml.Node{v}
		if v.Kind == yaml.SequenceNode {
			texts = v.Content
		}
		set := l.p.Of.Columns[m.Column].Values
		for _, t := range texts {
			s := l.r.Text(t)
			if set != nil && !slices.Contains(set, s) {
				l.r.Errorf(t, "%s is never %q%s", k.Value, s, strictyaml.Hint(s, set))
			}
			m.Texts = append(m.Texts, s)
		}
		out = append(out, m)
	})
	return out
}

func (l *loading) targets(n *yaml.Node, w Waits) {
	var all *yaml.Node // the target behind which none can match
	l.r.Items(n, func(n *yaml.Node) {
		if all != nil {
			l.r.Errorf(n, "this target is never reached: the one in line %d matches everything", all.Line)
		}
		var t Target
		l.r.Map(n, strictyaml.Keys{
			"match": func(n *yaml.Node) { t.Match = l.matches(n) },
			"target": func(n *yaml.Node) {
				t.Ms = l.span(n)
				if t.Ms <= 0 || t.Ms >= w.MaxAge {
					l.r.Errorf(n, "a target is longer than 0 and shorter than the greatest open age of %s, %d s", l.p.Of.Kind, w.MaxAge/1000)
				}
			},
		}, "target")
		if len(t.Match) == 0 {
			all = n
		}
		l.p.Targets = append(l.p.Targets, t)
	})
	if len(l.p.Targets) == 0 {
		l.r.Errorf(n, "at least one target is needed")
	}
}

// warn reads shares such as 50%.
func (l *loading) warn(n *yaml.Node) {
	l.r.Items(n, func(n *yaml.Node) {
		text, ok := strings.CutSuffix(l.r.Text(n), "%")
		v, err := strconv.ParseInt(text, 10, 64)
		switch {
		case !ok || err != nil || v < 1 || v > 99:
			l.r.Errorf(n, "a share of the target is expected, 1%% to 99%%")
			return
		case len(l.p.Warn) > 0 && float64(v)/100 <= l.p.Warn[len(l.p.Warn)-1]:
			l.r.Errorf(n, "warnings ascend")
		case len(l.p.Warn) >= maxWarnings:
			l.r.Errorf(n, "at most %d warnings", maxWarnings)
		}
		l.p.Warn = append(l.p.Warn, float64(v)/100)
	})
}
