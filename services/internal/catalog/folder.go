package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/schemas"
)

// The folders that a folder of definitions may hold.
const (
	folderKPIs      = "kpi"
	folderDeadlines = "sla"
	folderAlerts    = "alert"
	folderCalendars = "calendar"
)

// Folders are the names of the folders that a folder of definitions may hold.
func Folders() []string { return []string{folderKPIs, folderDeadlines, folderAlerts, folderCalendars} }

// trees are where definitions are read from.
type trees struct{ kpis, deadlines, alerts, calendars fs.FS }

func builtIn() trees {
	return trees{kpis: schemas.KPIs(), deadlines: schemas.Deadlines(), alerts: schemas.Alerts(), calendars: schemas.Calendars()}
}

// openFolder lays a folder of definitions over those of the binary. What else
// it holds than the folders kpi, sla, alert and calendar is an error: a folder that is
// named wrong would be passed over in silence.
func openFolder(folder string) (trees, error) {
	all := builtIn()
	entries, err := os.ReadDir(folder)
	if err != nil {
		return all, fmt.Errorf("read the folder of definitions: %w", err)
	}
	upper := map[string]*fs.FS{folderKPIs: &all.kpis, folderDeadlines: &all.deadlines, folderAlerts: &all.alerts, folderCalendars: &all.calendars}
	known := Folders()
	found := false
	for _, e := range entries {
		place := filepath.Join(folder, e.Name())
		st, err := os.Stat(place)
		switch {
		case err != nil:
			return all, fmt.Errorf("read the folder of definitions: %w", err)
		case !st.IsDir() || strings.HasPrefix(e.Name(), "."):
			continue // a read-me, a folder of version control
		case !slices.Contains(known, e.Name()):
			return all, fmt.Errorf("%s: a folder of definitions holds %s%s", place, strings.Join(known, ", "), strictyaml.Hint(e.Name(), known))
		}
		tree := upper[e.Name()]
		if *tree, err = lay(*tree, os.DirFS(place), place); err != nil {
			return all, err
		}
		found = true
	}
	if !found {
		return all, fmt.Errorf("%s holds no definitions: they stand in the folders %s", folder, strings.Join(known, ", "))
	}
	return all, nil
}

// overlay is a tree of folders, or of YAML files, over another. What is in the upper one stands in
// place of what has its name below.
type overlay struct {
	lower, upper fs.FS
	place        string          // of the upper one
	own          map[string]bool // names in the upper one
}

func lay(lower, upper fs.FS, place string) (overlay, error) {
	o := overlay{lower: lower, upper: upper, place: place, own: map[string]bool{}}
	entries, err := fs.ReadDir(upper, ".")
	if err != nil {
		return o, fmt.Errorf("read %s: %w", place, err)
	}
	for _, e := range entries {
		if (e.IsDir() || path.Ext(e.Name()) == ".yaml") && !strings.HasPrefix(e.Name(), ".") {
			o.own[e.Name()] = true
		}
	}
	return o, nil
}

// Open opens a file of either tree.
func (o overlay) Open(name string) (fs.File, error) {
	if first, _, _ := strings.Cut(name, "/"); o.own[first] {
		return o.upper.Open(name)
	}
	return o.lower.Open(name)
}

// ReadDir gives the folders of both trees, in the order of their names.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	if name != "." {
		if first, _, _ := strings.Cut(name, "/"); o.own[first] {
			return fs.ReadDir(o.upper, name)
		}
		return fs.ReadDir(o.lower, name)
	}
	below, err := fs.ReadDir(o.lower, name)
	if err != nil {
		return nil, err
	}
	above, err := fs.ReadDir(o.upper, name)
	if err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(below, func(e fs.DirEntry) bool { return o.own[e.Name()] })
	for _, e := range above {
		if o.own[e.Name()] {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

// placed puts the folder's path before the names of its files in the mistakes
// of a tree.
func placed(tree fs.FS, err error) error {
	o, ok := tree.(overlay)
	if !ok || err == nil {
		return err
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range many.Unwrap() {
			out = append(out, placed(tree, e))
		}
		return errors.Join(out...)
	}
	if e, ok := err.(*strictyaml.Error); ok {
		first, _, _ := strings.Cut(e.File, "/")
		if !o.own[first] {
			return e
		}
		there := *e
		there.File = path.Join(filepath.ToSlash(o.place), e.File)
		return &there
	}
	return fmt.Errorf("%s: %w", o.place, err)
}
