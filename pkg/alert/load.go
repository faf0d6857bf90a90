package alert

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/board"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// File is the name of the rule in its folder.
const File = "alert.yaml"

// maxFor is the longest while of a rule, ms: longer than any rolling window
// says nothing that the window does not.
const maxFor = 60 * 60_000

// Load reads every folder of a tree that holds a rule. The error joins all
// mistakes, each with file, line and column.
func Load(tree fs.FS, kpis *kpi.Set) (*Rules, error) {
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	all := &Rules{}
	var errs []error
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		file := path.Join(e.Name(), File)
		data, err := fs.ReadFile(tree, file)
		if err != nil {
			errs = append(errs, fmt.Errorf("read rule: %w", err))
			continue
		}
		r, err := Parse(file, e.Name(), data, kpis)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all.Rules = append(all.Rules, r)
	}
	return all, errors.Join(errs...)
}

// loading is one rule being read.
type loading struct {
	r    *strictyaml.Reader
	rule *Rule
	kpi  *kpi.Definition
}

// Parse reads one rule.
func Parse(file, name string, data []byte, kpis *kpi.Set) (*Rule, error) {
	r, root, err := strictyaml.Open(file, data)
	if err != nil {
		return nil, err
	}
	rule := &Rule{Name: name, Title: map[string]string{}, Number: "value"}
	l := &loading{r: r, rule: rule}
	var number, by, where, enter, leave, minCount, noData *yaml.Node
	r.Map(root, strictyaml.Keys{
		"title":     l.title,
		"help":      func(n *yaml.Node) { rule.Help = r.Text(n) },
		"kpi":       func(n *yaml.Node) { l.of(n, kpis) },
		"number":    func(n *yaml.Node) { number = n },
		"window":    l.window,
		"by":        func(n *yaml.Node) { by = n },
		"where":     func(n *yaml.Node) { where = n },
		"enter":     func(n *yaml.Node) { enter = n },
		"leave":     func(n *yaml.Node) { leave = n },
		"min_count": func(n *yaml.Node) { minCount = n },
		"no_data":   func(n *yaml.Node) { noData = n },
		"severity":  func(n *yaml.Node) { rule.Severity = r.OneOf(n, Page, Ticket) },
		"runbook":   func(n *yaml.Node) { rule.Runbook = r.Text(n) },
	}, "title", "help", "kpi", "window", "severity")
	if l.kpi == nil {
		return nil, r.Err()
	}
	each := func(n *yaml.Node, f func(*yaml.Node)) {
		if n != nil {
			f(n)
		}
	}
	each(number, l.number)
	each(by, l.by)
	each(where, l.where)
	each(enter, func(n *yaml.Node) { rule.Enter = l.bound(n) })
	each(leave, func(n *yaml.Node) { rule.Leave = l.bound(n) })
	each(minCount, l.minCount)
	each(noData, func(n *yaml.Node) {
		r.Map(n, strictyaml.Keys{"after": func(n *yaml.Node) { rule.NoDataMs = l.span(n) }}, "after")
	})
	l.whole(root, enter, leave)
	return rule, r.Err()
}

// whole checks what is between the parts.
func (l *loading) whole(root, enter, leave *yaml.Node) {
	e, v := l.rule.Enter, l.rule.Leave
	switch {
	case enter == nil && leave == nil && l.rule.NoDataMs == 0:
		l.r.Errorf(root, "a rule has enter and leave, or no_data, or both")
	case (enter == nil) != (leave == nil):
		l.r.Errorf(root, "enter and leave stand together: what begins must end")
	case e == nil || v == nil:
	case e.Below == v.Below:
		l.r.Errorf(leave, "enter and leave look the same way: one is below, the other above")
	case e.Below && v.X <= e.X, !e.Below && v.X >= e.X:
		l.r.Errorf(leave, "leave at %g is not beyond enter at %g: the rule would flap", v.X, e.X)
	}
}

func (l *loading) title(n *yaml.Node) {
	l.r.Map(n, strictyaml.Keys{
		"en": func(n *yaml.Node) { l.rule.Title["en"] = l.r.Text(n) },
		"fa": func(n *yaml.Node) { l.rule.Title["fa"] = l.r.Text(n) },
	}, "en", "fa")
}

func (l *loading) of(n *yaml.Node, kpis *kpi.Set) {
	l.rule.KPI = l.r.Text(n)
	var names []string
	for _, d := range kpis.Definitions {
		names = append(names, d.Name)
		if d.Name == l.rule.KPI {
			l.kpi = d
		}
	}
	if l.kpi == nil {
		l.r.Errorf(n, "no KPI %q%s", l.rule.KPI, strictyaml.Hint(l.rule.KPI, names))
	} else if !l.kpi.Live() {
		l.r.Errorf(n, "%s is counted when it is asked for: no rule can watch it", l.rule.KPI)
	}
}

func (l *loading) window(n *yaml.Node) {
	names := []string{}
	for _, w := range board.Rollings() {
		names = append(names, w.Name)
	}
	l.rule.Window = l.r.OneOf(n, append(names, board.Today)...)
}

// number is a figure of the KPI: the headline or a variant.
func (l *loading) number(n *yaml.Node) {
	l.rule.Number = l.r.Text(n)
	known := []string{"value"}
	for _, v := range l.kpi.Values[1:] {
		known = append(known, v.Name)
	}
	if !slices.Contains(known, l.rule.Number) {
		l.r.Errorf(n, "%s has no number %q%s", l.kpi.Name, l.rule.Number, strictyaml.Hint(l.rule.Number, known))
	}
}

// by is a scope that boards show.
func (l *loading) by(n *yaml.Node) {
	l.rule.By = l.r.Texts(n)
	for _, d := range l.rule.By {
		if !slices.Contains(l.kpi.By, d) {
			l.r.Errorf(n, "%s has no dimension %q%s", l.kpi.Name, d, strictyaml.Hint(d, l.kpi.By))
			return
		}
	}
	if !l.kpi.Shown(l.rule.By) {
		l.r.Errorf(n, "none of the dimensions [%s] is shown live, each alone, or of two both", strings.Join(l.kpi.By, ", "))
	}
}

func (l *loading) where(n *yaml.Node) {
	l.r.Pairs(n, func(k, v *yaml.Node) {
		if !slices.Contains(l.rule.By, k.Value) {
			l.r.Errorf(k, "%q is not in by%s", k.Value, strictyaml.Hint(k.Value, l.rule.By))
		}
		m := Match{Dim: k.Value}
		if v.Kind == yaml.SequenceNode {
			m.Texts = l.r.Texts(v)
		} else {
			m.Texts = []string{l.r.Text(v)}
		}
		l.rule.Where = append(l.rule.Where, m)
	})
}

func (l *loading) bound(n *yaml.Node) *Bound {
	b := &Bound{}
	sides := 0
	side := func(below bool) func(*yaml.Node) {
		return func(n *yaml.Node) {
			sides++
			b.Below = below
			v, err := strconv.ParseFloat(n.Value, 64)
			if err != nil {
				l.r.Errorf(n, "a number is expected, not %s", strictyaml.Kind(n))
				return
			}
			b.X = v
			l.possible(n, b)
		}
	}
	l.r.Map(n, strictyaml.Keys{
		"below": side(true), "above": side(false), "for": func(n *yaml.Node) {
			if b.ForMs = l.span(n); b.ForMs > maxFor {
				l.r.Errorf(n, "at most an hour")
			}
		},
	}, "for")
	if sides != 1 {
		l.r.Errorf(n, "either below or above is expected")
	}
	return b
}

// possible refuses a bound that no value can pass.
func (l *loading) possible(n *yaml.Node, b *Bound) {
	switch ratio := l.kpi.Unit == kpi.UnitRatio; {
	case ratio && (b.X < 0 || b.X > 1):
		l.r.Errorf(n, "%s is a share, 0 to 1: %g is out of it", l.kpi.Name, b.X)
	case b.Below && b.X <= 0:
		l.r.Errorf(n, "%s is never below %g", l.kpi.Name, b.X)
	case ratio && !b.Below && b.X >= 1:
		l.r.Errorf(n, "%s is never above %g", l.kpi.Name, b.X)
	}
}

func (l *loading) minCount(n *yaml.Node) {
	l.rule.MinCount = float64(l.r.Int(n, 1, 1_000_000))
	if _, ok := l.kpi.CountOf(); !ok {
		l.r.Errorf(n, "%s is not made of a count", l.kpi.Name)
	}
}

func (l *loading) span(n *yaml.Node) int64 {
	ms, err := kpi.ParseSpan(l.r.Text(n))
	if err != nil {
		l.r.Errorf(n, "%v", err)
	}
	return ms
}
