package kpi

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/strictyaml"
)

// The kinds of indicators.
const (
	// KindOPI is of the day's work: what a level operational is unless it says
	// otherwise.
	KindOPI = "opi"
	// KindKPI is what a goal is measured by: any other level's.
	KindKPI = "kpi"
	// KindKRI warns before harm is done.
	KindKRI = "kri"
)

// Levels are the levels of KPIs, from the farthest to the nearest.
func Levels() []string { return []string{"corporate", "customer", "operational", "infrastructure"} }

// maxParents and maxTags bound lists that people read.
const (
	maxParents = 8
	maxTags    = 16
)

// parents reads the KPIs that this one is drilled down from.
func (l *loading) parents(n *yaml.Node) {
	l.r.Items(n, func(n *yaml.Node) {
		name := l.r.Text(n)
		switch {
		case name == l.d.Name:
			l.r.Errorf(n, "a KPI is not its own parent")
		case !slices.Contains(l.lib.names, name):
			l.r.Errorf(n, "no KPI %q%s", name, strictyaml.Hint(name, l.lib.names))
		case slices.Contains(l.d.Parents, name):
			l.r.Errorf(n, "%q stands twice", name)
		case len(l.d.Parents) == maxParents:
			l.r.Errorf(n, "more than %d parents", maxParents)
		default:
			l.d.Parents = append(l.d.Parents, name)
		}
	})
}

// tags reads words that people look for, such as the standard that names the
// KPI.
func (l *loading) tags(n *yaml.Node) {
	l.r.Items(n, func(n *yaml.Node) {
		tag := l.r.Text(n)
		switch {
		case !word(tag):
			l.r.Errorf(n, "%q is no tag: lower-case letters, digits and _", tag)
		case slices.Contains(l.d.Tags, tag):
			l.r.Errorf(n, "%q stands twice", tag)
		case len(l.d.Tags) == maxTags:
			l.r.Errorf(n, "more than %d tags", maxTags)
		default:
			l.d.Tags = append(l.d.Tags, tag)
		}
	})
}

// kind is what the definition is where it does not say.
func (d *Definition) kind() {
	switch {
	case d.Kind != "":
	case d.Level == "operational":
		d.Kind = KindOPI
	default:
		d.Kind = KindKPI
	}
}

// descent finds a definition that descends from itself, and gives the way round.
func descent(all []*Definition) []string {
	of := map[string]*Definition{}
	for _, d := range all {
		of[d.Name] = d
	}
	done := map[string]bool{}
	var walk func(way []string, name string) []string
	walk = func(way []string, name string) []string {
		if i := slices.Index(way, name); i >= 0 {
			return append(way[i:], name)
		}
		if d := of[name]; d != nil && !done[name] {
			for _, p := range d.Parents {
				if round := walk(append(slices.Clip(way), name), p); round != nil {
					return round
				}
			}
			done[name] = true
		}
		return nil
	}
	for _, d := range all {
		if round := walk(nil, d.Name); round != nil {
			return round
		}
	}
	return nil
}
