package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/scenario"
	"github.com/nabz/nabz/services/internal/catalog"
)

const scenarioFile = "scenario.txt"

type kpiCheckCmd struct {
	Paths []string `arg:"" optional:"" help:"Folders of KPIs, folders that hold such, or files kpi.yaml; default: all that are in force." placeholder:"PATH"`
}

// Help shows an example.
func (kpiCheckCmd) Help() string {
	return "Reads each kpi.yaml strictly, beside all others, and runs the scenario.txt beside it. " +
		"Exit code 2 where a file has a mistake, each told as file:line:column; 3 where a scenario's numbers are not those that come out.\n\n" +
		"Example: nabz kpi check ours/kpi"
}

// claimError is of a scenario that claims other numbers than come out.
type claimError struct{ text string }

func (e *claimError) Error() string { return e.text }

// Run checks.
func (c kpiCheckCmd) Run(a *app) error {
	all, err := a.definitions("") // which checks them
	if err != nil {
		return err
	}
	var mistakes, claims []error
	checked := 0
	note := func(err error) {
		if _, ok := errors.AsType[*claimError](err); ok {
			claims = append(claims, err)
		} else if err != nil {
			mistakes = append(mistakes, err)
		}
	}
	if len(c.Paths) == 0 {
		for _, d := range all.KPIs.Definitions {
			checked++
			note(tryScenario(all, d, d.Name))
		}
	}
	for _, path := range c.Paths {
		checked += checkTree(all, path, note)
	}
	switch {
	case len(mistakes) > 0:
		return usageError{errors.Join(append(mistakes, claims...)...)}
	case len(claims) > 0:
		fmt.Fprintln(a.stderr, errors.Join(claims...))
		return errDiffers
	}
	_, err = fmt.Fprintf(a.stdout, "%d definitions, no mistakes\n", checked)
	return err
}

// checkTree checks the definitions under a path, notes what is wrong with each,
// and tells how many there are.
func checkTree(all *catalog.Catalog, path string, note func(error)) (checked int) {
	tree, under, err := kpiTree(path)
	if err != nil {
		note(err)
		return 0
	}
	with, err := all.WithKPIs(tree, under)
	if err != nil {
		if inner := errors.Unwrap(err); inner != nil {
			err = inner // the mistakes themselves, each a line of its own
		}
		note(err)
		return 0
	}
	for _, d := range with.KPIs.Definitions {
		if place := with.Place(d.Name); place == filepath.Join(under, d.Name) {
			checked++
			note(tryScenario(with, d, place))
		}
	}
	if checked == 0 {
		note(fmt.Errorf("%s: no folder that holds a %s", path, kpi.File))
	}
	return checked
}

// kpiTree is a folder of KPIs, or one that holds a single one, and where it
// lies.
func kpiTree(path string) (tree fs.FS, under string, err error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, "", fmt.Errorf("find %s: %w", path, err)
	}
	if !st.IsDir() {
		if filepath.Base(path) != kpi.File {
			return nil, "", fmt.Errorf("%s: a definition is a file %s in a folder that has the KPI's name", path, kpi.File)
		}
		path = filepath.Dir(path)
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, "", fmt.Errorf("find %s: %w", path, err)
	}
	if _, err := os.Stat(filepath.Join(whole, kpi.File)); err == nil {
		return oneFolder{os.DirFS(filepath.Dir(whole)), filepath.Base(whole)}, filepath.Join(path, ".."), nil
	}
	return os.DirFS(whole), path, nil
}

// oneFolder is a tree in which one folder alone is seen.
type oneFolder struct {
	fs.FS
	name string
}

// ReadDir gives the entries of a folder of the tree.
func (o oneFolder) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(o.FS, name)
	if name != "." || err != nil {
		return all, err
	}
	for _, e := range all {
		if e.Name() == o.name {
			return []fs.DirEntry{e}, nil
		}
	}
	return nil, nil
}

// tryScenario runs the scenario beside a definition, which lies at place.
func tryScenario(all *catalog.Catalog, d *kpi.Definition, place string) error {
	file := filepath.Join(place, scenarioFile)
	text, err := all.History(d.Name)
	if err != nil {
		return fmt.Errorf("%s: every KPI has a scenario: %w", file, err)
	}
	s, err := scenario.Parse(string(text), all.Events)
	if err != nil {
		return lineOf(file, err)
	}
	if len(s.Claims) == 0 {
		return fmt.Errorf("%s:1: it claims nothing: write %s = and the number that should come out", file, d.Name)
	}
	played, err := s.Play(all.Task(0))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := s.Check(d, played); err != nil {
		return &claimError{lineOf(file, err).Error()}
	}
	return nil
}

// lineOf writes "line 3: …" of a file as file:3: ….
func lineOf(file string, err error) error {
	if rest, ok := strings.CutPrefix(err.Error(), "line "); ok {
		return fmt.Errorf("%s:%s", file, rest)
	}
	return fmt.Errorf("%s: %w", file, err)
}
