package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/nabz/nabz/services/internal/settings"
)

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Check the settings; exit 2 names every mistake with its line."`
	Print configPrintCmd `cmd:"" help:"Print every setting in force and where it comes from; secrets are masked."`
}

// Help shows an example.
func (configCmd) Help() string { return "Example: nabz config print --config nabz.yaml" }

type configCheckCmd struct{}

// Help shows an example.
func (configCheckCmd) Help() string { return "Example: nabz config check --config nabz.yaml" }

// Run finds every setting; the file was checked when it was read.
func (configCheckCmd) Run(a *app) error {
	all, err := a.effective()
	if err != nil {
		return usageError{err}
	}
	if !a.Quiet {
		fmt.Fprintf(a.stdout, "%d settings, no mistakes\n", len(all))
	}
	return nil
}

type configPrintCmd struct {
	Effective bool `hidden:"" help:"Accepted and always so."`
}

// Help shows an example.
func (configPrintCmd) Help() string { return "Example: nabz config print --json" }

// Run prints the settings.
func (configPrintCmd) Run(a *app) error {
	all, err := a.effective()
	if err != nil {
		return usageError{err}
	}
	if a.JSON {
		return json.NewEncoder(a.stdout).Encode(all)
	}
	for _, s := range all {
		fmt.Fprintf(a.stdout, "%-36s %-28s # %s\n", s.Name+":", quoted(s.Value), s.Origin)
	}
	return nil
}

func quoted(v string) string {
	if v == "" || strings.ContainsAny(v, " :#,{}[]'\"") {
		return fmt.Sprintf("%q", v)
	}
	return v
}

// setting is one flag as it is in force.
type setting struct {
	Name   string `json:"name"` // with the command in front, such as collector.listen
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

// acceptable tells whether a flag would take the value.
func acceptable(f *kong.Flag, s setting) error {
	if s.Value == "" {
		return nil
	}
	into := reflect.New(f.Target.Type()).Elem()
	if err := f.Parse(kong.Scan().PushTyped(s.Value, kong.FlagValueToken), into); err != nil {
		return fmt.Errorf("%s: %s: %w", s.Origin, s.Name, err)
	}
	if f.Enum != "" && !slices.Contains(strings.Split(f.Enum, ","), s.Value) {
		return fmt.Errorf("%s: %s: %q is not one of %s", s.Origin, s.Name, s.Value, f.Enum)
	}
	return nil
}

// effective finds every setting of every command.
func (a *app) effective() ([]setting, error) {
	var all []setting
	var wrong []error
	var visit func(n *kong.Node) error
	visit = func(n *kong.Node) error {
		command := settings.Command(n)
		for _, f := range n.Flags {
			if f.Name == "help" || f.Hidden {
				continue
			}
			s := setting{Name: strings.Join(append(command, strings.ReplaceAll(f.Name, "-", "_")), "."), Value: f.Default, Origin: "default"}
			v, ok, err := a.settings.Find(command, f)
			if err != nil {
				return err
			}
			switch {
			case a.given[f.Name] && len(command) == 0:
				s.Value, s.Origin = strings.Trim(fmt.Sprint(f.Target.Interface()), "[]"), "flag --"+f.Name
			case ok:
				s.Value, s.Origin = v.Text, v.Origin
			case f.Name == "config" && a.Config != "":
				s.Value, s.Origin = a.Config, "environment "+settings.Env("config")
			}
			if err := acceptable(f, s); err != nil {
				wrong = append(wrong, err)
			}
			if settings.IsSecret(f) && s.Value != "" {
				s.Value = "***"
			}
			all = append(all, s)
		}
		for _, c := range n.Children {
			if err := visit(c); err != nil {
				return err
			}
		}
		return nil
	}
	if err := visit(a.model.Node); err != nil {
		return nil, err
	}
	return all, errors.Join(wrong...)
}
