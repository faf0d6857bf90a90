package values

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nabz/nabz/pkg/board"
	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/pkg/warehouse"
)

// Windows are the names of the windows that are shown, the shortest first.
func Windows() []string {
	var names []string
	for _, w := range board.Rollings() {
		names = append(names, w.Name)
	}
	return append(names, board.Today)
}

// AsShown turns a request into SQL that gives what was shown of a window at the
// end of each minute beside what is true now. Its errors are the asker's
// mistakes.
func AsShown(m *warehouse.Model, r Request, window string) (string, error) {
	name, variant, _ := strings.Cut(r.KPI, ".")
	r.Grain = string(warehouse.Minute)
	if _, err := Query(m, r); err != nil {
		return "", err
	}
	d, _ := m.KPIs.Definition(name)
	s := warehouse.Shown{Definition: d, Variant: variant, Window: window, Zone: r.Zone}
	switch i := slices.Index(Windows(), window); {
	case i < 0:
		return "", fmt.Errorf("no window %q%s; there are %s", window, strictyaml.Hint(window, Windows()), strings.Join(Windows(), ", "))
	case r.Feed != "":
		return "", fmt.Errorf("feed %q was never shown: only the live one is", r.Feed)
	case window != board.Today:
		s.Minutes = board.Rollings()[i].Minutes
	}
	for _, dim := range d.By {
		if slices.Contains(r.By, dim) {
			s.By = append(s.By, dim)
		}
	}
	if !d.Live() {
		return "", fmt.Errorf("%s is counted when it is asked for, and was never on a wall", d.Name)
	}
	if !d.Shown(s.By) {
		return "", fmt.Errorf("by %s: shown live are none of the dimensions %s, each alone, or of two both", strings.Join(s.By, ","), strings.Join(d.By, ","))
	}
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		return "", fmt.Errorf("zone: %w", err)
	}
	s.Filter = warehouse.Filter{Tenant: r.Tenant, Equal: map[string]string{}}
	if s.Filter.FromMs, s.Filter.ToMs, err = Bounds(r.From, r.To, zone); err != nil {
		return "", err
	}
	for _, w := range r.Where {
		dim, v, _ := strings.Cut(w, "=")
		if !slices.Contains(s.By, dim) {
			return "", fmt.Errorf("where %q: what was shown is kept by the dimensions that --by names", w)
		}
		s.Filter.Equal[dim] = v
	}
	return m.AsShown(s), nil
}
