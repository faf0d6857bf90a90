package kpi

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// elsewhere reads of and at of a measure, and says how many of them there are.
func (l *loading) elsewhere(m *Measure, n *yaml.Node) (keys int) {
	if n.Kind != yaml.MappingNode {
		return 0
	}
	var at *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch n.Content[i].Value {
		case "of":
			m.Family, keys = l.family(n.Content[i+1]), keys+1
		case "at":
			at, keys = n.Content[i+1], keys+1
		}
	}
	l.of = m.Family
	switch {
	case m.Family == nil:
	case at != nil:
		m.At = l.column(at, fact.Time)
	case m.Family != l.d.Of && l.form(n) != "level" && l.form(n) != "during":
		l.r.Errorf(n, "a measure of another family says at which of its instants: at: …")
	}
	return keys
}

// form is the first key of a measure that is neither of nor at.
func (l *loading) form(n *yaml.Node) string {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i].Value; k != "of" && k != "at" {
			return k
		}
	}
	return ""
}

// texts that name an entity together.
func (l *loading) keysOf(m *Measure) func(*yaml.Node) {
	return func(n *yaml.Node) {
		nodes := []*yaml.Node{n}
		if n.Kind == yaml.SequenceNode {
			nodes = n.Content
		}
		for _, n := range nodes {
			m.Keys = append(m.Keys, l.column(n, fact.Text))
		}
		if len(m.Keys) == 0 {
			l.r.Errorf(n, "a column that names the entity is expected")
		}
	}
}

func (l *loading) entities(m *Measure) func(*yaml.Node) {
	return func(n *yaml.Node) {
		m.Op = Entities
		l.r.Map(n, strictyaml.Keys{
			"of":       l.keysOf(m),
			"where":    func(n *yaml.Node) { m.Where = l.where(n) },
			"in":       func(n *yaml.Node) { m.In = Presence(max(0, slices.Index(presences, l.r.OneOf(n, presences...)))) },
			"at_least": func(n *yaml.Node) { m.AtLeast = l.r.Int(n, 1, math.MaxInt32) },
			"latest":   func(n *yaml.Node) { m.Latest = l.where(n) },
		}, "of")
		if m.In != This && (m.AtLeast > 1 || m.Latest != nil) {
			l.r.Errorf(n, "at_least and latest speak of this interval, in: %s of others", m.In)
		}
	}
}

func (l *loading) last(m *Measure) func(*yaml.Node) {
	return func(n *yaml.Node) {
		m.Op = Last
		l.r.Map(n, strictyaml.Keys{
			"of":    func(n *yaml.Node) { m.Column = l.column(n, fact.Count, fact.Decimal, fact.Duration) },
			"per":   l.keysOf(m),
			"where": func(n *yaml.Node) { m.Where = l.where(n) },
		}, "of", "per")
	}
}

func (l *loading) cohort(m *Measure, op Op) func(*yaml.Node) {
	return func(n *yaml.Node) {
		m.Op = op
		keys := strictyaml.Keys{
			"of":    l.keysOf(m),
			"where": func(n *yaml.Node) { m.Where = l.where(n) },
		}
		if op == Back {
			keys["days"] = func(n *yaml.Node) { m.Hours = l.r.OneOf(n, "calendar", "hours") == "hours" }
		}
		l.r.Map(n, keys, "of")
	}
}

// among reads the facts of those who are present in a way.
func (l *loading) among(m *Measure) func(*yaml.Node) {
	return func(n *yaml.Node) {
		m.Op, m.Counts = Among, true
		l.r.Map(n, strictyaml.Keys{
			"of":    l.keysOf(m),
			"in":    func(n *yaml.Node) { m.In = Presence(max(0, slices.Index(presences, l.r.OneOf(n, presences[1:]...)))) },
			"sum":   func(n *yaml.Node) { m.Counts, m.Column = false, l.column(n, fact.Count, fact.Decimal, fact.Duration) },
			"where": func(n *yaml.Node) { m.Where = l.where(n) },
		}, "of", "in")
	}
}

// again reads which facts another follows.
func (l *loading) again(m *Measure) func(*yaml.Node) {
	return func(n *yaml.Node) {
		m.Op = Again
		l.r.Map(n, strictyaml.Keys{
			"of":     l.keysOf(m),
			"within": func(n *yaml.Node) { m.Within = l.spanOf(n) },
			"where":  func(n *yaml.Node) { m.Where = l.where(n) },
		}, "of", "within")
	}
}

// decimal reads a number with up to four decimals, or a parameter is none.
func (l *loading) decimal(n *yaml.Node) int64 {
	v, err := strconv.ParseFloat(n.Value, 64)
	scaled := math.Round(v * event.DecimalScale)
	if err != nil || math.Abs(scaled) > event.MaxInt || math.Abs(scaled-v*event.DecimalScale) > 1e-6 {
		l.r.Errorf(n, "a number with at most four decimals is expected, not %s", strictyaml.Kind(n))
	}
	return int64(scaled)
}

var daysForm = regexp.MustCompile(`^([0-9]{1,4})(?:-([0-9]{1,4})|(\+))?$`)

// maxDays is how many cells the days of one cohort may give: a year, each day.
const maxDays = 366

// days reads the days of a cohort: 7, 1-7 or 30+.
func (l *loading) days(n *yaml.Node) {
	l.r.Items(n, func(n *yaml.Node) {
		parts := daysForm.FindStringSubmatch(n.Value)
		if parts == nil {
			l.r.Errorf(n, "%q are no days: write 7, 1-7 or 30+", n.Value)
			return
		}
		d := Days{Label: n.Value}
		d.From, _ = strconv.ParseInt(parts[1], 10, 64)
		d.To = d.From
		switch {
		case parts[2] != "":
			d.To, _ = strconv.ParseInt(parts[2], 10, 64)
		case parts[3] != "":
			d.To = math.MaxInt32
		}
		if d.To < d.From || slices.ContainsFunc(l.d.Days, func(o Days) bool { return o.Label == d.Label }) {
			l.r.Errorf(n, "%q stands there twice or ends before it begins", n.Value)
		}
		l.d.Days = append(l.d.Days, d)
	})
	if len(l.d.Days) == 0 || len(l.d.Days) > maxDays {
		l.r.Errorf(n, "between 1 and %d days are expected", maxDays)
	}
}

func (l *loading) final(n *yaml.Node) {
	l.r.Map(n, strictyaml.Keys{"after": func(n *yaml.Node) {
		ms, err := ParseSpan(n.Value)
		if err != nil {
			l.r.Errorf(n, "%v", err)
		}
		l.d.AfterMs = ms
	}}, "after")
}

// whole checks what only the whole definition shows.
func (l *loading) whole(root *yaml.Node) {
	for _, n := range l.d.Measures {
		l.spread(root, n)
	}
	born, back, cells := 0, 0, 0
	for _, n := range l.d.Measures {
		switch n.Measure.Op {
		case Born:
			born++
		case Back:
			back++
		case Cell:
			cells++
		case Count, Sum, Level, Hist, Max, Entities, Last, During, Among, Again:
		}
	}
	switch {
	case len(l.d.Days) > 0 && (born != 1 || born+back != len(l.d.Measures)):
		l.r.Errorf(root, "a definition with days has one measure born, and else measures back")
	case len(l.d.Days) == 0 && born+back > 0:
		l.r.Errorf(root, "born and back need days, such as days: [1, 7, 30]")
	case (l.d.Grid != nil || cells > 0) && (l.d.Grid == nil || cells != len(l.d.Measures) || len(l.d.Days) > 0):
		l.r.Errorf(root, "a definition with a grid has measures of its cells, and they need a grid")
	case l.d.monetary() && !slices.Contains(l.d.By, CurrencyName):
		l.r.Errorf(root, "amounts of several currencies do not add up: by needs %s", CurrencyName)
	}
}

// spread refuses what cannot count in each value of a dimension that its family
// lacks.
func (l *loading) spread(root *yaml.Node, n Named) {
	adds := n.Measure.Op == Count || n.Measure.Op == Sum || n.Measure.Op == Entities || n.Measure.Op == Last || n.Measure.Op == During
	for _, dim := range l.d.By {
		if !adds && n.Measure.Op != Cell && !slices.Contains(n.Measure.Family.Dims, dim) {
			l.r.Errorf(root, "%s is of %s, which has no dimension %q: only counts, sums, entities and lasts can stand beside it", n.Name, n.Measure.Family.Name, dim)
			return
		}
	}
}

// others puts the formulas of other definitions in the place of their names.
func (l *loading) others(n *yaml.Node, e Expr) Expr {
	switch e := e.(type) {
	case Binary, Call:
		return mapped(e, func(of Expr) Expr { return l.others(n, of) })
	case Ref:
		if e.At == Other {
			return l.other(n, e.Measure)
		}
	case spanRef:
		return l.span(n, e.name)
	}
	return e
}

// span is the number of a parameter.
func (l *loading) span(n *yaml.Node, name string) Expr {
	var names []string
	for _, p := range l.d.Params {
		if p.Name == name {
			if l.used["$"+name] = true; len(p.Later) > 0 {
				l.r.Errorf(n, "$%s changes: a formula is of intervals, which may have both; only conditions may name it", name)
			}
			return Number{Value: float64(p.Ms), of: power{time: 1}}
		}
		names = append(names, "$"+p.Name)
	}
	l.r.Errorf(n, "no parameter %q%s", "$"+name, strictyaml.Hint("$"+name, names))
	return nil
}

// other is the formula of another definition over its measures, which become
// measures of this one.
func (l *loading) other(n *yaml.Node, name string) Expr {
	name, variant, _ := strings.Cut(name, ".")
	if !slices.Contains(l.lib.names, name) {
		l.r.Errorf(n, "no KPI %q%s", name, strictyaml.Hint(name, l.lib.names))
		return nil
	}
	d, err := l.lib.definition(name)
	if err != nil {
		l.r.Errorf(n, "kpi(%s): %v", name, err)
		return nil
	}
	v, ok := d.Variant(variant)
	if !ok || len(d.Days) > 0 || d.Grid != nil {
		l.r.Errorf(n, "kpi(%s) has no formula %q that can be a part of another", name, variant)
		return nil
	}
	l.d.AfterMs = max(l.d.AfterMs, d.AfterMs) // it ripens with its slowest part
	return l.adopt(d, v.Expr)
}

func (l *loading) adopt(d *Definition, e Expr) Expr {
	switch e := e.(type) {
	case Binary, Call:
		return mapped(e, func(of Expr) Expr { return l.adopt(d, of) })
	case Ref:
		if e.At == Passed {
			return e
		}
		own := d.Name + "_" + e.Measure
		if l.d.Measure(own) == nil {
			l.d.Measures = append(l.d.Measures, Named{Name: own, Measure: d.Measure(e.Measure)})
		}
		e.Measure = own
		return e
	}
	return e
}
