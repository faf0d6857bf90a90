package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/scenario"
	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/services/internal/catalog"
)

type kpiNewCmd struct {
	Name string `arg:"" help:"Name of the KPI: small letters, digits and _."`
	Of   string `help:"Family of facts that it counts, such as agent_segment." default:"queue_segment" placeholder:"FAMILY"`
	Dir  string `aliases:"in" help:"Folder to make it in." default:"schemas/kpi" placeholder:"DIR"`
}

// Help shows an example.
func (kpiNewCmd) Help() string {
	return "Makes a folder with a definition and a scenario that hold, to be changed into one's own. docs/definitions.md says what may stand in them.\n\n" +
		"Example: nabz kpi new our_rate --of queue_segment --dir ours/kpi"
}

// Run makes the folder.
func (c kpiNewCmd) Run(a *app) error {
	all, err := a.definitions("")
	if err != nil {
		return err
	}
	if _, taken := all.KPIs.Definition(c.Name); taken {
		return usageError{fmt.Errorf("a KPI named %s is there: nabz kpi show %[1]s", c.Name)}
	}
	text, history, err := c.draft(all)
	if err != nil {
		return usageError{err}
	}
	folder := filepath.Join(c.Dir, c.Name)
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return usageError{fmt.Errorf("make the folder: %w", err)}
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		return usageError{fmt.Errorf("make the folder: %w", err)}
	}
	for file, text := range map[string]string{kpi.File: text, scenarioFile: history} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
	}
	if !a.Quiet {
		fmt.Fprintf(a.stdout, "%s: change kpi.yaml and scenario.txt, then: nabz kpi check %[1]s\n", folder)
	}
	return nil
}

// draft gives a definition and a scenario that hold.
func (c kpiNewCmd) draft(all *catalog.Catalog) (definition, history string, err error) {
	var families []string
	for _, f := range all.Families() {
		families = append(families, f.Name)
	}
	family := all.Family(c.Of)
	if family == nil {
		return "", "", fmt.Errorf("--of: no family of facts %q%s; there are %s", c.Of, strictyaml.Hint(c.Of, families), strings.Join(families, ", "))
	}
	definition, history = newKPI, newScenario
	if c.Of != "queue_segment" {
		definition = countOf(family)
		if history, err = borrowed(all, family); err != nil {
			return "", "", err
		}
	}
	definition, history = strings.ReplaceAll(definition, "NAME", c.Name), strings.ReplaceAll(history, "NAME", c.Name)
	_, err = kpi.Check(kpi.File, c.Name, []byte(definition), all.Families(), all.KPIs)
	return definition, history, err
}

// opening is the instant that facts of a family count at unless somebody says
// otherwise: the first that it has.
func opening(f *fact.Family) int {
	for i, c := range f.Columns {
		if c.Type == fact.Time {
			return i
		}
	}
	return -1
}

// mostDims is by how many dimensions a new definition can be asked for: each
// one more multiplies what is kept.
const mostDims = 2

// countOf is the definition of how many facts of a family there are.
func countOf(f *fact.Family) string {
	dims := f.Dims[:min(mostDims, len(f.Dims))]
	return fmt.Sprintf(`title: {en: Number of %[1]s (NAME), fa: تعداد (NAME)}
help: How many there are. %[2]s
formula: number of %[1]s
source: Say where the formula comes from
owner: operations
level: operational
family: service
unit: count
of: %[3]s
at: %[4]s
by: [%[5]s]
measures:
  all: {count: {}}
value: all
`, strings.ReplaceAll(f.View, "_", " "), strings.ReplaceAll(f.Doc, ": ", ", "), f.Name, f.Columns[opening(f)].Name, strings.Join(dims, ", "))
}

// borrowed is the shortest history of those that stand beside the definitions
// in which the family has a fact, with how many there are.
func borrowed(all *catalog.Catalog, f *fact.Family) (string, error) {
	best, at := "", opening(f)
	for _, d := range all.KPIs.Definitions {
		text, err := all.History(d.Name)
		if err != nil || best != "" && len(text) >= len(best) {
			continue
		}
		s, err := scenario.Parse(string(text), all.Events)
		if err != nil {
			continue // nabz kpi check tells of it
		}
		played, err := s.Play(all.Task(0))
		if err != nil {
			return "", err
		}
		n := 0
		for i := range played.Facts {
			if fact := &played.Facts[i]; fact.Family == f && fact.Values[at].Set {
				n++
			}
		}
		if n > 0 {
			best = fmt.Sprintf("# Say what happens here, and work the number out by hand. The history is that of %s.\n%s\nNAME = %d\n", d.Name, events(string(text)), n)
		}
	}
	if best == "" {
		return "", errors.New("no scenario that is there has a fact of " + f.Name + ": begin with one of another family, and write the history by hand")
	}
	return best, nil
}

// events are the lines of a scenario that begin with a time.
func events(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] >= '0' && line[0] <= '9' {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

const newKPI = `title: {en: Share answered (NAME), fa: سهم پاسخ‌داده‌شده}
help: The share of the contacts that entered a queue which an agent answered.
formula: answered / all
source: Say where the formula comes from
owner: operations
level: operational
family: service
unit: ratio
target: {at_least: 0.9}
of: queue_segment
at: enqueued_at
by: [queue, channel]
measures:
  all: {count: {}}
  answered: {count: {outcome: answered}}
value: answered / all
`

const newScenario = `# One contact is answered, and one gives up: half of them.
09:00:00 c1 contact.queued queue_id=sales channel=voice
09:00:10 c1 contact.answered agent_id=amy
09:01:00 c2 contact.queued queue_id=sales channel=voice
09:01:30 c2 contact.dequeued queue_id=sales outcome=abandoned
09:02:00 clock

NAME = 0.5
`
