package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// kpiInfo is one KPI as the API has it.
type kpiInfo struct {
	Name       string            `json:"name"`
	Title      map[string]string `json:"title"`
	Unit       kpi.Unit          `json:"unit"`
	Formula    string            `json:"formula"`
	Help       string            `json:"help"`
	Source     string            `json:"source"`
	Owner      string            `json:"owner"`
	Level      string            `json:"level"`
	Family     string            `json:"family"`
	Target     *target           `json:"target"`
	Live       bool              `json:"live"` // it has readings on the live stream
	Dimensions []string          `json:"dimensions"`
	Variants   []variant         `json:"variants"`
}

type target struct {
	AtLeast *float64 `json:"at_least,omitempty"`
	AtMost  *float64 `json:"at_most,omitempty"`
}

type variant struct {
	Name    string `json:"name"`
	Formula string `json:"formula"`
	Source  string `json:"source"`
}

func infoOf(d *kpi.Definition) kpiInfo {
	info := kpiInfo{
		Name: d.Name, Title: d.Title, Unit: d.Unit, Formula: d.Formula, Help: d.Help, Source: d.Source, Owner: d.Owner,
		Level: d.Level, Family: d.Family, Live: d.Live(), Dimensions: append([]string{}, d.Dims()...), Variants: []variant{},
	}
	if t := d.Target; t != nil {
		bound := t.Bound
		info.Target = &target{AtMost: &bound}
		if t.AtLeast {
			info.Target = &target{AtLeast: &bound}
		}
	}
	for _, v := range d.Values[1:] {
		info.Variants = append(info.Variants, variant{v.Name, v.Text, v.Source})
	}
	return info
}

// serveKPIs answers with the catalogue.
func (s *Service) serveKPIs(w http.ResponseWriter, _ *http.Request, _ *caller) *problem {
	all := struct {
		KPIs []kpiInfo `json:"kpis"`
	}{}
	for _, d := range s.catalog.KPIs.Definitions {
		all.KPIs = append(all.KPIs, infoOf(d))
	}
	b, err := json.Marshal(all)
	if err != nil {
		return s.broken("list KPIs", err)
	}
	writeJSON(w, append(b, '\n'))
	return nil
}

// checkKPI says what is wrong with a name, or nothing.
func (s *Service) checkKPI(name string) string {
	if _, ok := s.catalog.KPIs.Definition(name); ok {
		return ""
	}
	return "no such KPI" + strictyaml.Hint(name, s.kpiNames())
}

// checkLive says why a name has no readings on the live stream, or nothing.
func (s *Service) checkLive(name string) string {
	if d, ok := s.catalog.KPIs.Definition(name); ok && !d.Live() {
		return "it is counted when it is asked for, and has no live readings: /v1/kpis/" + name + "/values"
	}
	return s.checkKPI(name)
}

func (s *Service) kpiNames() []string {
	var names []string
	for _, d := range s.catalog.KPIs.Definitions {
		names = append(names, d.Name)
	}
	return names
}

// find gives the definition and the variant of a name such as
// service_level.genesys.
func (s *Service) definition(path string) (*kpi.Definition, *problem) {
	name, variant, dotted := strings.Cut(path, ".")
	d, ok := s.catalog.KPIs.Definition(name)
	if !ok {
		return nil, notFound("kpi", s.checkKPI(name))
	}
	if v, ok := d.Variant(variant); !ok || dotted && v.Name == "" {
		var names []string
		for _, v := range d.Values[1:] {
			names = append(names, v.Name)
		}
		return nil, notFound("kpi", fmt.Sprintf("%s has no such variant%s", name, strictyaml.Hint(variant, names)))
	}
	return d, nil
}
