package schemas_test

import (
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/alert"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/scenario"
	"github.com/nabz/nabz/pkg/sla"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/schemas"
)

func (h *house) waits(t *testing.T) map[string]sla.Waits {
	t.Helper()
	timings, err := track.ParseTimings("families.yaml", schemas.Families())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]sla.Waits{}
	for kind, w := range timings {
		out[kind] = sla.Waits{Settle: w.Settle, Lateness: w.Lateness, MaxAge: w.MaxAge}
	}
	return out
}

func compare(t *testing.T, said, want []string) {
	t.Helper()
	if len(want) == 0 || !slices.Equal(said, want) {
		t.Errorf("said:\n%s\nshould be:\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
}

// TestDeadlineScenarios holds every policy to what was worked out by hand, and
// how deadlines end in ten other orders, with events once or twice.
func TestDeadlineScenarios(t *testing.T) {
	h := newHouse(t)
	all, err := sla.Load(schemas.Deadlines(), h.families, h.waits(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all.Policies {
		t.Run(p.Name, func(t *testing.T) {
			text, err := fs.ReadFile(schemas.Deadlines(), p.Name+"/scenario.txt")
			if err != nil {
				t.Fatalf("every policy has a scenario: %v", err)
			}
			s, err := scenario.Parse(string(text), h.model.Events)
			if err != nil {
				t.Fatal(err)
			}
			c := h.task
			c.Policies = &sla.Set{Policies: []*sla.Policy{p}}
			verdicts, err := s.Verdicts(c)
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, v := range verdicts {
				said = append(said, scenario.Said(v))
			}
			compare(t, said, s.Said)
			want := ends(verdicts)
			for seed := range uint64(10) {
				tried := *s
				tried.Events = shuffled(rand.New(rand.NewPCG(seed, 1)), s, true)
				verdicts, err := tried.Verdicts(c)
				if err != nil {
					t.Fatal(err)
				}
				for item, end := range ends(verdicts) {
					if want[item] != end && (want[item] != row.Withdrawn || end != "") {
						t.Errorf("order %d: %s ends as %s, should be %s", seed, item, end, want[item])
					}
				}
			}
		})
	}
}

// ends is how the deadline of each item stands in the end.
func ends(verdicts []*row.Verdict) map[string]string {
	out := map[string]string{}
	for _, v := range verdicts {
		out[v.Item] = v.State
	}
	return out
}

// TestRuleScenarios holds every threshold rule to what was worked out by hand.
func TestRuleScenarios(t *testing.T) {
	h := newHouse(t)
	all, err := alert.Load(schemas.Alerts(), h.set)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all.Rules {
		t.Run(r.Name, func(t *testing.T) {
			text, err := fs.ReadFile(schemas.Alerts(), r.Name+"/scenario.txt")
			if err != nil {
				t.Fatalf("every rule has a scenario: %v", err)
			}
			said, want, err := scenario.Rule(string(text), r)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, said, want)
		})
	}
}

// TestBrokenDeadlines shows that a slip in a policy is told with its place.
func TestBrokenDeadlines(t *testing.T) {
	h := newHouse(t)
	waits := h.waits(t)
	slips(t, schemas.Deadlines(), "queue_wait/sla.yaml", func(text string) error {
		_, err := sla.Parse("queue_wait/sla.yaml", "queue_wait", []byte(text), h.families, waits)
		return err
	}, [][3]string{
		{"severity:", "severty:", `queue_wait/sla.yaml:11:1: unknown key "severty", did you mean "severity"?`},
		{"queue_segment", "queue_segments", `no family of facts "queue_segments", did you mean "queue_segment"?`},
		{"from: enqueued_at", "from: enqueud_at", `queue_segment has no column "enqueud_at", did you mean "enqueued_at"?`},
		{"to: left_at", "to: outcome", `column "outcome" does not fit here: one of enqueued_at, left_at is expected`},
		{"join_empty", "join_emty", `outcome is never "join_emty", did you mean "join_empty"?`},
		{"- target: 60s", "- target: 60 s", `"60 s" is no span`},
		{"- target: 60s", "- target: 24h", `shorter than the greatest open age of contact, 86400 s`},
		{"- target: 60s", "- target: 60s\n  - target: 20s", `never reached: the one in line 8 matches everything`},
		{"[50%, 80%]", "[80%, 50%]", "warnings ascend"},
		{"[50%, 80%]", "[0.5]", "a share of the target is expected, 1% to 99%"},
		{"severity: page", "severity: page\nsettle: 11m", "a breach would be confirmed before anybody is told"},
		{"severity: page", "severity: pager", `"pager" is not one of page, ticket, did you mean "page"?`},
	})
}

// TestBrokenRules shows the same of rules, and that thresholds which nothing can
// pass are refused.
func TestBrokenRules(t *testing.T) {
	h := newHouse(t)
	slips(t, schemas.Alerts(), "service_level_low/alert.yaml", func(text string) error {
		_, err := alert.Parse("service_level_low/alert.yaml", "service_level_low", []byte(text), h.set)
		return err
	}, [][3]string{
		{"window:", "windwo:", `service_level_low/alert.yaml:4:1: unknown key "windwo", did you mean "window"?`},
		{"kpi: service_level", "kpi: service_levl", `no KPI "service_levl", did you mean "service_level"?`},
		{"window: 15m", "window: 10m", `"10m" is not one of 1m, 5m, 15m, 30m, 60m, today`},
		{"window: 15m", "window: 15m\nnumber: genesis", `service_level has no number "genesis", did you mean "genesys"?`},
		{"by: [queue]", "by: [queu]", `service_level has no dimension "queu", did you mean "queue"?`},
		{"by: [queue]", "by: [queue]\nwhere: {channel: voice}", `"channel" is not in by`},
		{"below: 0.8,", "below: 80,", "service_level is a share, 0 to 1: 80 is out of it"},
		{"below: 0.8,", "below: 0,", "service_level is never below 0"},
		{"above: 0.83,", "above: 1,", "service_level is never above 1"},
		{"above: 0.83,", "above: 0.8,", "leave at 0.8 is not beyond enter at 0.8: the rule would flap"},
		{"above: 0.83,", "below: 0.83,", "enter and leave look the same way"},
		{"leave: {above: 0.83, for: 2m}\n", "", "enter and leave stand together"},
		{"for: 1m", "for: 2h", "at most an hour"},
	})
}

func slips(t *testing.T, tree fs.FS, file string, parse func(string) error, cases [][3]string) {
	t.Helper()
	whole, err := fs.ReadFile(tree, file)
	if err != nil {
		t.Fatal(err)
	}
	if err := parse(string(whole)); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		text := strings.Replace(string(whole), c[0], c[1], 1)
		if text == string(whole) {
			t.Fatalf("%q is not in %s", c[0], file)
		}
		if err := parse(text); err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%s: got %v, want %q", c[1], err, c[2])
		}
	}
}

// TestAttainment holds what the KPI sla_attainment takes for the promise to the
// policy.
func TestAttainment(t *testing.T) {
	h := newHouse(t)
	all, err := sla.Load(schemas.Deadlines(), h.families, h.waits(t))
	if err != nil {
		t.Fatal(err)
	}
	d, ok := h.set.Definition("sla_attainment")
	i := slices.IndexFunc(all.Policies, func(p *sla.Policy) bool { return p.Name == "queue_wait" })
	if !ok || i < 0 {
		t.Fatal("no KPI sla_attainment, or no policy queue_wait")
	}
	p := all.Policies[i]
	if len(p.Targets) != 1 || len(d.Params) != 1 || p.Targets[0].Ms != d.Params[0].Ms {
		t.Errorf("the policy promises %v, the KPI takes %v for the promise", p.Targets, d.Params)
	}
}
