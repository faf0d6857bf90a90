package schemas_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/pane"
	"github.com/nabz/nabz/pkg/record"
	"github.com/nabz/nabz/pkg/scenario"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/pkg/track/kinds"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/schemas"
)

// house is everything that the definitions are tried with.
type house struct {
	families []*fact.Family
	set      *kpi.Set
	task     track.Config
	model    warehouse.Model
}

func newHouse(t *testing.T) house {
	t.Helper()
	catalogue, err := schemas.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	timings, err := track.ParseTimings("families.yaml", schemas.Families())
	if err != nil {
		t.Fatal(err)
	}
	records, err := record.Load(schemas.Records(), catalogue)
	if err != nil {
		t.Fatal(err)
	}
	data, err := fs.ReadFile(schemas.Zones(), "UTC")
	if err != nil {
		t.Fatal(err)
	}
	zone, err := calendar.NewZone("UTC", data)
	if err != nil {
		t.Fatal(err)
	}
	hours, err := calendar.Load(schemas.Calendars(), schemas.Zones())
	if err != nil {
		t.Fatal(err)
	}
	all := kinds.All(records)
	h := house{families: kinds.Families(all)}
	if h.set, err = kpi.Load(schemas.KPIs(), h.families, hours); err != nil {
		t.Fatal(err)
	}
	opener := func(name string) bool { typ, ok := catalogue.Type(name); return ok && typ.Opener }
	h.task = track.Config{
		Epoch: 1, Kinds: kinds.Trackers(all, timings, opener, zone, hours),
		Rank: func(name string) int { typ, _ := catalogue.Type(name); return typ.Rank },
	}
	for _, f := range h.families {
		h.task.Layouts = append(h.task.Layouts, pane.NewLayout(f, h.set.Measures(f.Name)))
	}
	h.model = warehouse.Model{
		Events: catalogue, Families: h.families, KPIs: h.set,
		LatenessMs: map[string]int64{}, Zone: "UTC", WeekStart: 1,
	}
	for kind, timing := range timings {
		h.model.LatenessMs[kind] = timing.Lateness
	}
	return h
}

// TestScenarios holds every definition to what was worked out by hand, with the
// events in the order of the file and in ten others, each of them once or
// twice.
func TestScenarios(t *testing.T) {
	h := newHouse(t)
	for _, d := range h.set.Definitions {
		t.Run(d.Name, func(t *testing.T) {
			text, err := fs.ReadFile(schemas.KPIs(), d.Name+"/scenario.txt")
			if err != nil {
				t.Fatalf("every KPI has a scenario: %v", err)
			}
			s, err := scenario.Parse(string(text), h.model.Events)
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Claims) == 0 || len(s.Prose) == 0 {
				t.Fatal("a scenario says something and claims something")
			}
			for seed := range uint64(11) {
				rnd := rand.New(rand.NewPCG(seed, 1))
				tried := *s
				tried.Events = shuffled(rnd, s, seed > 0)
				played, err := tried.Play(h.task)
				if err != nil {
					t.Fatal(err)
				}
				if err := tried.Check(d, played); err != nil {
					t.Fatalf("order %d: %v", seed, err)
				}
			}
		})
	}
}

// shuffled are the events in another order. What happens over days is mixed
// between the clocks alone: what is behind one may be refused.
func shuffled(rnd *rand.Rand, s *scenario.Scenario, mix bool) (out []event.Event) {
	if !mix {
		return s.Events
	}
	least, most := s.Events[0].Time, s.Events[0].Time
	for _, e := range s.Events {
		least, most = min(least, e.Time), max(most, e.Time)
	}
	from := 0
	stir := func() {
		part := out[from:]
		rnd.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
		from = len(out)
	}
	for _, e := range s.Events {
		if e.IsClock() && most-least >= day {
			stir()
			out, from = append(out, e), len(out)+1
			continue
		}
		out = append(out, e)
		if rnd.IntN(3) == 0 {
			out = append(out, e)
		}
	}
	stir()
	return out
}

const day = 86_400_000 // ms

// TestGoldenSQL keeps the SQL of every definition beside it, where a reviewer
// sees it.
func TestGoldenSQL(t *testing.T) {
	h := newHouse(t)
	for _, d := range h.set.Definitions {
		q := warehouse.Query{Definition: d, By: d.By, Grain: warehouse.Minute, Zone: "UTC", WeekStart: 1}
		got := fmt.Sprintf("-- The values of %s by minute, as the view kpi_%s gives them.\n%s\n\n-- The same, counted naively over facts: what nabz verify holds them against.\n%s\n",
			d.Name, d.Name, h.model.Values(q), h.model.Naive(q))
		file := filepath.Join("kpi", d.Name, "golden.sql")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || string(want) != got {
			t.Errorf("%s differs from what the definition gives (%v); go test ./schemas -run GoldenSQL -update writes it anew", file, err)
		}
	}
}

// TestBrokenDefinitions shows that a slip is told with its place and the word
// that was meant.
func TestBrokenDefinitions(t *testing.T) {
	h := newHouse(t)
	whole, err := fs.ReadFile(schemas.KPIs(), "service_level/kpi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f := func(name, old, slip, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(string(whole), old, slip, 1)
			if text == string(whole) {
				t.Fatalf("%q is not in the definition", old)
			}
			_, err := kpi.Check("service_level/kpi.yaml", "service_level", []byte(text), h.families, nil)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
	f("unknown_key", "owner:", "ownr:", `service_level/kpi.yaml:5:1: unknown key "ownr", did you mean "owner"?`)
	f("kind", "family: service\n", "family: service\nkind: kp\n", `kpi.yaml:8:7: `)
	f("parent", "family: service\n", "family: service\nparents: [asa]\n", `kpi.yaml:8:11: no KPI "asa"`)
	f("tag", "tags: [copc,", "tags: [COPC,", `"COPC" is no tag`)
	f("missing_key", "owner: operations\n", "", `key "owner" is missing`)
	f("family", "of: queue_segment", "of: queue_segments", `no family of facts "queue_segments", did you mean "queue_segment"?`)
	f("column", "wait: {le: $threshold}", "wiat: {le: $threshold}", `queue_segment has no column "wiat", did you mean "wait"?`)
	f("value", "outcome: abandoned}", "outcome: abandonned}", `outcome is never "abandonned", did you mean "abandoned"?`)
	f("param", "{le: $short}", "{le: $shrt}", `no parameter "$shrt", did you mean "$short"?`)
	f("unused", "short: 5s", "short: 5s, long: 9s", `parameter "long" is not used`)
	f("measure", "answered_in / answered\n", "answered_inn / answered\n", `no measure "answered_inn", did you mean "answered_in"?`)
	f("formula", "answered_in / offered", "answered_in // offered", "where a measure or a number belongs")
	f("unit", "unit: ratio", "unit: s", "the formula gives a plain number, but the unit s is a span of time")
	f("span", "threshold: 20s", "threshold: 20 sec", `"20 sec" is no span`)
	f("by", "by: [queue, channel]", "by: [channel, queue]", "dimensions stand once each, in this order")
	f("at", "at: enqueued_at", "at: outcome", `column "outcome" does not fit here`)
	f("double", "unit: ratio", "unit: ratio\nunit: ratio", `key "unit" is there twice`)
}

// TestParents tells of KPIs that descend from themselves.
func TestParents(t *testing.T) {
	h := newHouse(t)
	whole, err := fs.ReadFile(schemas.KPIs(), "answered/kpi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tree := func(parents map[string]string) fstest.MapFS {
		out := fstest.MapFS{}
		for name, parent := range parents {
			text := strings.Replace(string(whole), "parents: [answered_rate]", "parents: ["+parent+"]", 1)
			out[name+"/kpi.yaml"] = &fstest.MapFile{Data: []byte(text)}
		}
		return out
	}
	if _, err := kpi.Load(tree(map[string]string{"a": "b", "b": "c", "c": "b", "d": ""}), h.families, nil); err == nil || !strings.Contains(err.Error(), "b/kpi.yaml:1:1: parents go round: b, c, b") {
		t.Errorf("a circle: %v", err)
	}
	set, err := kpi.Load(tree(map[string]string{"a": "b, c", "b": "c", "c": ""}), h.families, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := set.Definitions[0]; !slices.Equal(d.Parents, []string{"b", "c"}) || d.Kind != kpi.KindOPI {
		t.Errorf("a is %s of %q", d.Kind, d.Parents)
	}
}
