package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nabz/nabz/pkg/alert"
	"github.com/nabz/nabz/pkg/scenario"
	"github.com/nabz/nabz/pkg/sla"
	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/services/internal/catalog"
)

type slaCmd struct {
	Check    slaCheckCmd    `cmd:"" help:"Check policies on deadlines and threshold rules, with line and column of every mistake."`
	Simulate slaSimulateCmd `cmd:"" help:"Let a policy or rule see a scenario, and print what it says."`
}

// Help shows an example.
func (slaCmd) Help() string { return "Example: nabz sla simulate queue_wait" }

type slaCheckCmd struct {
	Files []string `arg:"" optional:"" help:"Files sla.yaml and alert.yaml, or folders that hold them; default: what is part of the binary." placeholder:"FILE"`
}

// Help shows an example.
func (slaCheckCmd) Help() string {
	return "Exit code 1 where there is a mistake.\n\nExample: nabz sla check schemas/sla schemas/alert"
}

// Run checks.
func (c slaCheckCmd) Run(a *app) error {
	all, err := a.definitions("") // which checks them
	if err != nil {
		return err
	}
	if len(c.Files) == 0 {
		for _, p := range all.Deadlines.Policies {
			fmt.Fprintf(a.stdout, "deadline   %-20s ok\n", p.Name)
		}
		for _, r := range all.Alerts.Rules {
			fmt.Fprintf(a.stdout, "threshold  %-20s ok\n", r.Name)
		}
		return nil
	}
	files, err := ruleFiles(c.Files)
	if err != nil {
		return usageError{err}
	}
	var errs []error
	for _, f := range files {
		if _, err := parseRule(all, f); err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(a.stdout, "%s: ok\n", f)
	}
	return errors.Join(errs...)
}

// ruleFiles finds the files of policies and rules under paths.
func ruleFiles(paths []string) (out []string, err error) {
	for _, p := range paths {
		found := 0
		err := filepath.WalkDir(p, func(file string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && slices.Contains([]string{sla.File, alert.File}, filepath.Base(file)) {
				out = append(out, file)
				found++
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("look through %s: %w", p, err)
		}
		if found == 0 {
			return nil, fmt.Errorf("%s: no %s and no %s", p, sla.File, alert.File)
		}
	}
	return out, nil
}

// rule is a policy or a rule, the other nil.
type rule struct {
	deadline  *sla.Policy
	threshold *alert.Rule
}

func parseRule(all *catalog.Catalog, file string) (r rule, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return r, fmt.Errorf("read rule: %w", err)
	}
	name := filepath.Base(filepath.Dir(file))
	if filepath.Base(file) == alert.File {
		r.threshold, err = alert.Parse(file, name, data, all.KPIs)
		return r, err
	}
	r.deadline, err = sla.Parse(file, name, data, all.Families(), all.Waits())
	return r, err
}

type slaSimulateCmd struct {
	Policy   string `arg:"" help:"Name of a policy or rule, or its file sla.yaml or alert.yaml." placeholder:"POLICY"`
	Scenario string `arg:"" optional:"" help:"The scenario; default: scenario.txt beside the policy." placeholder:"FILE"`
}

// Help shows an example.
func (slaSimulateCmd) Help() string {
	return "Prints when, of whom and what is said, a line each. Lines of the scenario that begin with > are what should be said: " +
		"where they differ from it the exit code is 3.\n\nExample: nabz sla simulate schemas/sla/queue_wait/sla.yaml my_day.txt"
}

// Run lets the policy see the scenario.
func (c slaSimulateCmd) Run(a *app) error {
	all, err := a.definitions("")
	if err != nil {
		return err
	}
	r, beside, err := c.find(all)
	if err != nil {
		return usageError{err}
	}
	text, err := c.text(beside)
	if err != nil {
		return usageError{fmt.Errorf("read scenario: %w", err)}
	}
	said, want, err := simulate(all, r, text)
	if err != nil {
		return err
	}
	for _, line := range said {
		fmt.Fprintln(a.stdout, line)
	}
	if len(want) == 0 || slices.Equal(said, want) {
		return nil
	}
	for _, line := range want {
		if !slices.Contains(said, line) {
			fmt.Fprintln(a.stderr, "should be said too, or at another place: "+line)
		}
	}
	for _, line := range said {
		if !slices.Contains(want, line) {
			fmt.Fprintln(a.stderr, "should not be said: "+line)
		}
	}
	return errDiffers
}

func (c slaSimulateCmd) text(beside func() ([]byte, error)) (string, error) {
	if c.Scenario == "" {
		b, err := beside()
		return string(b), err
	}
	b, err := os.ReadFile(c.Scenario)
	return string(b), err
}

// find gives the policy, and how to read the scenario beside it.
func (c slaSimulateCmd) find(all *catalog.Catalog) (r rule, beside func() ([]byte, error), err error) {
	var names []string
	for _, p := range all.Deadlines.Policies {
		if names = append(names, p.Name); p.Name == c.Policy {
			return rule{deadline: p}, func() ([]byte, error) { return all.Scenario(p.Name) }, nil
		}
	}
	for _, t := range all.Alerts.Rules {
		if names = append(names, t.Name); t.Name == c.Policy {
			return rule{threshold: t}, func() ([]byte, error) { return all.Scenario(t.Name) }, nil
		}
	}
	if !strings.HasSuffix(c.Policy, ".yaml") {
		return r, nil, fmt.Errorf("no policy or rule %q%s", c.Policy, strictyaml.Hint(c.Policy, names))
	}
	r, err = parseRule(all, c.Policy)
	return r, func() ([]byte, error) { return os.ReadFile(filepath.Join(filepath.Dir(c.Policy), "scenario.txt")) }, err
}

// simulate gives what is said, and what should be by the scenario itself.
func simulate(all *catalog.Catalog, r rule, text string) (said, want []string, err error) {
	if r.threshold != nil {
		return scenario.Rule(text, r.threshold)
	}
	s, err := scenario.Parse(text, all.Events)
	if err != nil {
		return nil, nil, err
	}
	conf := all.Task(0)
	conf.Policies = &sla.Set{Policies: []*sla.Policy{r.deadline}}
	verdicts, err := s.Verdicts(conf)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range verdicts {
		said = append(said, scenario.Said(v))
	}
	return said, s.Said, nil
}
