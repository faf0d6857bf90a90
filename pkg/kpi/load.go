package kpi

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// File is the name of the definition in the folder of a KPI.
const File = "kpi.yaml"

// Load reads every folder of a tree that holds a definition and checks them
// together; conditions may name the calendars, of which there may be none. The
// error joins all mistakes, each with file, line and column.
func Load(tree fs.FS, families []*fact.Family, hours *calendar.Set) (*Set, error) {
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		return nil, fmt.Errorf("read definitions: %w", err)
	}
	lib := &library{tree: tree, families: families, hours: hours, read: map[string]*entry{}}
	for _, e := range entries {
		if e.IsDir() {
			lib.names = append(lib.names, e.Name())
		}
	}
	s := &Set{Families: families, hours: hours, measures: map[string][]*Measure{}}
	var errs []error
	for _, name := range lib.names {
		d, err := lib.definition(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.Definitions = append(s.Definitions, d)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if round := descent(s.Definitions); round != nil {
		return nil, &strictyaml.Error{File: path.Join(round[0], File), Line: 1, Column: 1, Text: "parents go round: " + strings.Join(round, ", ")}
	}
	return s, s.index()
}

// Check reads one definition by itself, as Load would; its formulas may name
// those that are known, of which there may be none.
func Check(file, name string, data []byte, families []*fact.Family, known *Set) (*Definition, error) {
	lib := &library{families: families, read: map[string]*entry{}}
	if known != nil {
		lib.hours = known.hours
		for _, d := range known.Definitions {
			lib.names = append(lib.names, d.Name)
			lib.read[d.Name] = &entry{d: d, done: true}
		}
	}
	return lib.parse(file, name, data)
}

// Only makes a set of the same families with the definitions that are left in s.
func (s *Set) Only() (*Set, error) {
	out := &Set{Families: s.Families, hours: s.hours, Definitions: s.Definitions, measures: map[string][]*Measure{}}
	return out, out.index()
}

// library reads definitions in whatever order their formulas name each other.
type library struct {
	tree     fs.FS
	names    []string
	families []*fact.Family
	hours    *calendar.Set // nil: none
	read     map[string]*entry
}

type entry struct {
	d    *Definition
	err  error
	done bool
}

// errCircle is what a definition gives that is made of itself.
var errCircle = errors.New("it is made of itself")

func (lib *library) definition(name string) (*Definition, error) {
	if e, begun := lib.read[name]; begun {
		if !e.done {
			return nil, errCircle
		}
		return e.d, e.err
	}
	e := &entry{}
	lib.read[name] = e
	file := path.Join(name, File)
	data, err := fs.ReadFile(lib.tree, file)
	if err != nil {
		e.err = fmt.Errorf("read definition: %w", err)
	} else {
		e.d, e.err = lib.parse(file, name, data)
	}
	e.done = true
	return e.d, e.err
}

// index collects each measure once and makes sure that no two parts share an
// identity.
func (s *Set) index() error {
	ids := identities{}
	for _, d := range s.Definitions {
		for _, m := range d.kept() {
			list := s.measures[m.Family.Name]
			if slices.ContainsFunc(list, func(o *Measure) bool { return o.Name == m.Name }) {
				continue
			}
			for _, p := range m.Parts() {
				if other, taken := ids.take(p, m.Name); taken {
					return fmt.Errorf("measures %s and %s of %s have the same identity %d: name one condition differently", other, m.Name, m.Family.Name, p.ID)
				}
			}
			s.measures[m.Family.Name] = append(list, m)
		}
	}
	for _, list := range s.measures {
		slices.SortFunc(list, func(a, b *Measure) int { return strings.Compare(a.Name, b.Name) })
	}
	return nil
}

// identities are the parts that have been taken, by the stretch of Buckets
// identities that they lie in: a stretch holds single parts or one Hist.
type identities map[uint32][]taken

type taken struct {
	part Part
	by   string
}

func (ids identities) take(p Part, by string) (other string, clash bool) {
	stretch := p.ID &^ (Buckets - 1)
	for _, t := range ids[stretch] {
		if t.part.ID == p.ID || t.part.Width > 1 || p.Width > 1 {
			return t.by, true
		}
	}
	ids[stretch] = append(ids[stretch], taken{p, by})
	return "", false
}

// loading is one definition being read.
type loading struct {
	r    *strictyaml.Reader
	d    *Definition
	lib  *library
	of   *fact.Family    // of the measure that is being read
	used map[string]bool // parameters and measures that something names
	at   map[string]*yaml.Node
}

func (lib *library) parse(file, name string, data []byte) (*Definition, error) {
	r, root, err := strictyaml.Open(file, data)
	if err != nil {
		return nil, err
	}
	l := &loading{
		r: r, d: &Definition{Name: name, Title: map[string]string{}, At: -1}, lib: lib,
		used: map[string]bool{}, at: map[string]*yaml.Node{},
	}
	d := l.d
	var at, by, measures, value, target, grid *yaml.Node
	r.Map(root, strictyaml.Keys{
		"title":   l.titles,
		"help":    func(n *yaml.Node) { d.Help = r.Text(n) },
		"formula": func(n *yaml.Node) { d.Formula = r.Text(n) },
		"source":  func(n *yaml.Node) { d.Source = r.Text(n) },
		"owner":   func(n *yaml.Node) { d.Owner = r.Text(n) },
		"level":   func(n *yaml.Node) { d.Level = r.OneOf(n, Levels()...) },
		"family":  func(n *yaml.Node) { d.Family = r.Text(n) },
		"kind":    func(n *yaml.Node) { d.Kind = r.OneOf(n, KindOPI, KindKPI, KindKRI) },
		"parents": l.parents,
		"tags":    l.tags,
		"unit": func(n *yaml.Node) {
			d.Unit = Unit(r.OneOf(n, Units()...))
		},
		"target":   func(n *yaml.Node) { target = n },
		"of":       func(n *yaml.Node) { d.Of = l.family(n) },
		"at":       func(n *yaml.Node) { at = n },
		"by":       func(n *yaml.Node) { by = n },
		"params":   l.params,
		"measures": func(n *yaml.Node) { measures = n },
		"value":    func(n *yaml.Node) { value = n },
		"days":     l.days,
		"grid":     func(n *yaml.Node) { grid = n },
		"final":    l.final,
	}, "title", "help", "formula", "source", "owner", "level", "family", "unit", "of", "at", "by", "value")
	d.kind()
	if !word(name) {
		r.Errorf(root, "the folder %q must be named by lower-case letters, digits and _", name)
	}
	if target != nil {
		l.target(target)
	}
	if l.of = d.Of; d.Of != nil && at != nil && by != nil && value != nil {
		d.At = l.column(at, fact.Time)
		l.by(by)
		if grid != nil {
			l.grid(grid)
		}
		if measures != nil {
			r.Pairs(measures, l.measure)
		}
		l.values(value)
		l.unused()
		l.whole(root)
		d.open()
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return d, nil
}

// open counts the facts that may still change, so that a cell which holds one
// is not called closed.
func (d *Definition) open() {
	add := func(f *fact.Family, at int) {
		if len(f.Open) == 0 {
			return
		}
		m := &Measure{Family: f, Op: Count, At: at, Where: []Cond{{Column: f.Column(f.Lost), Rel: In, Texts: f.Open}}}
		m.Name = m.name()
		if !slices.ContainsFunc(d.Opens, func(o *Measure) bool { return o.Family == f && o.Name == m.Name }) {
			d.Opens = append(d.Opens, m)
		}
	}
	for _, n := range d.Measures {
		switch {
		case !n.Measure.Op.Additive():
		case n.Measure.Op != Level:
			add(n.Measure.Family, n.Measure.At)
		case n.Measure.Family == d.Of:
			add(d.Of, d.At)
		}
	}
}

// kept are the measures that panes hold.
func (d *Definition) kept() []*Measure {
	out := slices.Clone(d.Opens)
	for _, n := range d.Measures {
		if n.Measure.Op.Additive() {
			out = append(out, n.Measure)
		}
	}
	return out
}

func (l *loading) titles(n *yaml.Node) {
	keys := strictyaml.Keys{}
	for _, lang := range []string{"en", "fa"} {
		keys[lang] = func(n *yaml.Node) { l.d.Title[lang] = l.r.Text(n) }
	}
	l.r.Map(n, keys, "en", "fa")
}

func (l *loading) target(n *yaml.Node) {
	bound := func(atLeast bool) func(*yaml.Node) {
		return func(n *yaml.Node) {
			v, err := strconv.ParseFloat(n.Value, 64)
			if err != nil {
				l.r.Errorf(n, "a number is expected, not %s", strictyaml.Kind(n))
			}
			l.d.Target = &Target{AtLeast: atLeast, Bound: v}
		}
	}
	l.r.Map(n, strictyaml.Keys{"at_least": bound(true), "at_most": bound(false)})
	if len(n.Content) != 2 {
		l.r.Errorf(n, "a target is either at_least or at_most")
	}
}

func (l *loading) family(n *yaml.Node) *fact.Family {
	var names []string
	for _, f := range l.lib.families {
		names = append(names, f.Name)
		if f.Name == n.Value {
			return f
		}
	}
	l.r.Errorf(n, "no family of facts %q%s", n.Value, strictyaml.Hint(n.Value, names))
	return nil
}

// column finds a column by the name that n gives, of one of the types.
func (l *loading) column(n *yaml.Node, types ...fact.Type) int {
	f := l.of
	name := l.r.Text(n)
	i := f.Column(name)
	var names []string
	for _, c := range f.Columns {
		if slices.Contains(types, c.Type) {
			names = append(names, c.Name)
		}
	}
	if i < 0 {
		l.r.Errorf(n, "%s has no column %q%s", f.Name, name, strictyaml.Hint(name, names))
		return 0
	}
	if !slices.Contains(types, f.Columns[i].Type) {
		l.r.Errorf(n, "column %q does not fit here; these do: %s", name, strings.Join(names, ", "))
		return 0
	}
	return i
}

func (l *loading) by(n *yaml.Node) {
	last := -1
	l.r.Items(n, func(n *yaml.Node) {
		i := slices.Index(l.d.Of.Dims, n.Value)
		switch {
		case i < 0:
			l.r.Errorf(n, "%s has no dimension %q%s", l.d.Of.Name, n.Value, strictyaml.Hint(n.Value, l.d.Of.Dims))
		case i <= last:
			l.r.Errorf(n, "dimensions stand once each, in this order: %s", strings.Join(l.d.Of.Dims, ", "))
		default:
			last = i
			l.d.By = append(l.d.By, n.Value)
		}
	})
}

// ParseSpan reads a span such as 250ms, 20s, 10m, 24h or 90d, as ms, ≥ 0.
func ParseSpan(s string) (int64, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseInt(days, 10, 32)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%q is no span of days", s)
		}
		return n * 86_400_000, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d%time.Millisecond != 0 {
		return 0, fmt.Errorf("%q is no span: write 250ms, 20s, 10m, 24h or 90d", s)
	}
	return d.Milliseconds(), nil
}

func word(s string) bool {
	if s == "" || len(s) > 64 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if !isLetter(s[i]) && (s[i] < '0' || s[i] > '9') || s[i] >= 'A' && s[i] <= 'Z' {
			return false
		}
	}
	return true
}
