// Package catalog puts the contracts of schemas together: which events there
// are, which facts trackers make of them, and which numbers are made of those.
//
// It does not know where anything is kept or shown.
package catalog

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"path/filepath"

	"github.com/nabz/nabz/pkg/alert"
	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/pane"
	"github.com/nabz/nabz/pkg/record"
	"github.com/nabz/nabz/pkg/sla"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/pkg/track/kinds"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/schemas"
)

// Epoch is the number of the computation of a task that begins from nothing.
// Under other definitions its successor begins the next.
const Epoch = 1

// Catalog is everything that is defined.
type Catalog struct {
	Events *event.Catalogue
	// Kinds are the kinds of entities that are folded.
	Kinds   []kinds.Kind
	KPIs    *kpi.Set
	Timings map[string]track.Timing
	// Deadlines are the policies on facts.
	Deadlines *sla.Set
	// Alerts are the threshold rules on KPIs.
	Alerts *alert.Rules
	// Calendars are the hours of desks, and whose they are.
	Calendars *calendar.Set
	families  []*fact.Family
	trees     trees
	zone      *calendar.Zone
}

// Load reads what is part of the binary.
func Load() (*Catalog, error) { return load(builtIn()) }

// Open reads what is part of the binary, and over it the folder of definitions:
// kpi/<name>/kpi.yaml, likewise sla and alert, and calendar/<name>.yaml. A name that is in both means
// the folder's. An empty folder: only the binary's. The error joins all
// mistakes, each with file, line and column.
func Open(folder string) (*Catalog, error) {
	if folder == "" {
		return Load()
	}
	all, err := openFolder(folder)
	if err != nil {
		return nil, err
	}
	return load(all)
}

// WithKPIs lays over what is defined a tree with a folder for each KPI, which
// lies at place.
func (c *Catalog) WithKPIs(tree fs.FS, place string) (*Catalog, error) {
	all := c.trees
	var err error
	if all.kpis, err = lay(all.kpis, tree, place); err != nil {
		return nil, err
	}
	return load(all)
}

func load(from trees) (*Catalog, error) {
	events, err := schemas.Catalogue()
	if err != nil {
		return nil, fmt.Errorf("load events: %w", err)
	}
	timings, err := track.ParseTimings("families.yaml", schemas.Families())
	if err != nil {
		return nil, fmt.Errorf("load timings: %w", err)
	}
	records, err := record.Load(schemas.Records(), events)
	if err != nil {
		return nil, fmt.Errorf("load records: %w", err)
	}
	c := &Catalog{Events: events, Kinds: kinds.All(records), Timings: timings, trees: from}
	if err := c.SetZone("UTC"); err != nil {
		return nil, err
	}
	c.families = kinds.Families(c.Kinds)
	if err := kinds.Check(c.Kinds, timings); err != nil {
		return nil, fmt.Errorf("load timings: %w", err)
	}
	if c.Calendars, err = calendar.Load(from.calendars, schemas.Zones()); err != nil {
		return nil, fmt.Errorf("load calendars: %w", placed(from.calendars, err))
	}
	if c.KPIs, err = kpi.Load(from.kpis, c.families, c.Calendars); err != nil {
		return nil, fmt.Errorf("load definitions: %w", placed(from.kpis, err))
	}
	if c.Deadlines, err = sla.Load(from.deadlines, c.families, c.Waits()); err != nil {
		return nil, fmt.Errorf("load deadlines: %w", placed(from.deadlines, err))
	}
	if c.Alerts, err = alert.Load(from.alerts, c.KPIs); err != nil {
		return nil, fmt.Errorf("load rules: %w", placed(from.alerts, err))
	}
	return c, nil
}

// Place is the folder from which the definition of a KPI was read; empty: the
// binary.
func (c *Catalog) Place(name string) string {
	for tree := c.trees.kpis; ; {
		o, ok := tree.(overlay)
		switch {
		case !ok:
			return ""
		case o.own[name]:
			return filepath.Join(o.place, name)
		}
		tree = o.lower
	}
}

// Texts are the definitions of all KPIs as they were read, by name.
func (c *Catalog) Texts() (map[string]string, error) {
	out := map[string]string{}
	for _, d := range c.KPIs.Definitions {
		text, err := fs.ReadFile(c.trees.kpis, d.Name+"/"+kpi.File)
		if err != nil {
			return nil, fmt.Errorf("read definition: %w", err)
		}
		out[d.Name] = string(text)
	}
	return out, nil
}

// History is the scenario beside the definition of a KPI.
func (c *Catalog) History(name string) ([]byte, error) {
	return fs.ReadFile(c.trees.kpis, name+"/scenario.txt")
}

// SetZone makes the calendar days by which facts are made those of a zone, an
// IANA name, of the release of the database that is part of the binary. They
// are those of UTC at first.
func (c *Catalog) SetZone(name string) error {
	data, err := fs.ReadFile(schemas.Zones(), name)
	if err != nil {
		return fmt.Errorf("read zone %q: no such zone in release %s", name, schemas.ZoneVersion)
	}
	c.zone, err = calendar.NewZone(name, data)
	return err
}

// Zone is the IANA name of the zone by whose calendar days facts are made.
func (c *Catalog) Zone() string { return c.zone.Name }

// Waits are how long deadlines wait, by kind of item.
func (c *Catalog) Waits() map[string]sla.Waits {
	out := map[string]sla.Waits{}
	for kind, t := range c.Timings {
		out[kind] = sla.Waits{Settle: t.Settle, Lateness: t.Lateness, MaxAge: t.MaxAge}
	}
	return out
}

// Scenario is the history beside a policy or rule.
func (c *Catalog) Scenario(policy string) ([]byte, error) {
	const file = "/scenario.txt"
	text, err := fs.ReadFile(c.trees.deadlines, policy+file)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = fs.ReadFile(c.trees.alerts, policy+file)
	}
	return text, err
}

// Families are all families of facts.
func (c *Catalog) Families() []*fact.Family { return c.families }

// Family finds a family of facts by its name, or gives nil.
func (c *Catalog) Family(name string) *fact.Family {
	for _, f := range c.families {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Task makes the plan of one partition's task. Tasks run beside each other and
// share no memory that a step writes.
func (c *Catalog) Task(partition int32) track.Config {
	var layouts []*pane.Layout
	for _, f := range c.families {
		layouts = append(layouts, pane.NewLayout(f, c.KPIs.Measures(f.Name)))
	}
	return track.Config{
		Partition: partition, Epoch: Epoch, Definitions: c.Fingerprint(), Layouts: layouts, Rank: c.rank,
		Policies: c.Deadlines, Kinds: kinds.Trackers(c.Kinds, c.Timings, c.opener, c.zone, c.Calendars),
	}
}

// unknownRank orders types that this catalogue does not know behind all others
// of one instant.
const unknownRank = 1 << 20

func (c *Catalog) rank(eventType string) int {
	if t, ok := c.Events.Type(eventType); ok {
		return t.Rank
	}
	return unknownRank
}

func (c *Catalog) opener(eventType string) bool {
	t, ok := c.Events.Type(eventType)
	return ok && t.Opener
}

// Fingerprint stands for everything that rows depend on besides their events:
// state made under another one must not be gone on with.
func (c *Catalog) Fingerprint() string {
	h := fnv.New64a()
	fmt.Fprintf(h, "panes %d\n", pane.Semantics)
	for _, k := range c.Kinds {
		fmt.Fprintf(h, "%s %d\n", k.Name, k.Semantics)
		if k.Record == nil {
			continue
		}
		if fmt.Fprintln(h, k.Record.Fingerprint()); k.Record.NeedsZone() {
			fmt.Fprintf(h, "%s\n", c.zone.Name)
		}
	}
	for _, f := range c.families {
		fmt.Fprintf(h, "%s %q\n", f.Name, f.Dims)
		for _, m := range c.KPIs.Measures(f.Name) {
			fmt.Fprintf(h, " %s\n", m.Name)
		}
	}
	fmt.Fprintf(h, "%+v\n", c.Timings)
	for _, p := range c.Deadlines.Policies {
		fmt.Fprintf(h, "%s %s %d %d %v %v %v %d %d %d %s\n",
			p.Name, p.Of.Name, p.From, p.To, p.Where, p.Targets, p.Warn, p.SettleMs, p.LatenessMs, p.SilentMs, p.Severity)
	}
	for _, t := range c.Events.Types() {
		fmt.Fprintf(h, "%s %d %v\n", t.Name, t.Rank, t.Opener)
	}
	for _, x := range c.Calendars.Calendars {
		if len(x.Users) > 0 {
			fmt.Fprintf(h, "%s %v %v %v\n", x.Name, x.Users, x.Editions(), x.Holidays())
		}
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// Warehouse is the model of the tables and views of an installation whose days
// are those of zone, an IANA name, and whose weeks begin on weekStart, 1 Monday
// to 7 Sunday.
func (c *Catalog) Warehouse(zone string, weekStart int) *warehouse.Model {
	late := map[string]int64{}
	for kind, t := range c.Timings {
		late[kind] = t.Lateness
	}
	return &warehouse.Model{
		Events: c.Events, Families: c.families, KPIs: c.KPIs,
		LatenessMs: late, Zone: zone, WeekStart: weekStart,
	}
}
