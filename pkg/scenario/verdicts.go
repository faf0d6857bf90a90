package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/nabz/nabz/pkg/alert"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/track"
)

// Verdicts steps the events of a scenario through a task, in the given order,
// and gives what was said of deadlines, in that order.
func (s *Scenario) Verdicts(c track.Config) (out []*row.Verdict, err error) {
	t := track.NewTask(c)
	for i := range s.Events {
		t.Step(int64(i), s.Events[i].Append(nil))
		t.FlushVerdicts(func(e track.Effect) {
			r, bad := row.Decode(e.Value)
			if bad != nil {
				err = bad
				return
			}
			out = append(out, r.(*row.Verdict))
		})
	}
	return out, err
}

// Said is the line of a scenario that says what a verdict says: when, of whom,
// by which policy, what, and since or until when.
func Said(v *row.Verdict) string {
	item := v.Item
	if item == "" {
		item = "all"
	}
	words := []string{timeOfDay(v.DecidedAt), item, v.Policy, v.State}
	if v.Kind == row.Threshold {
		words = append(words, "since", timeOfDay(v.Episode), "at", strconv.FormatFloat(v.Value, 'g', -1, 64))
	} else {
		words = append(words, v.Stage, "due", timeOfDay(v.DueAt))
	}
	if v.Quiet {
		words = append(words, "quiet")
	}
	if v.Uncertain {
		words = append(words, "uncertain")
	}
	return strings.Join(words, " ")
}

// timeOfDay is hh:mm:ss of the scenario's day, with .mmm where there are any.
func timeOfDay(ms int64) string {
	ms -= Day
	s := fmt.Sprintf("%02d:%02d:%02d", ms/3_600_000, ms/60_000%60, ms/1000%60)
	if ms%1000 != 0 {
		s += fmt.Sprintf(".%03d", ms%1000)
	}
	return s
}

// Rule runs the scenario of a threshold rule and gives what was said and what
// should have been. Lines are, apart from prose that begins with #:
//
//	09:00:00 sales 0.75 of 30    the KPI of group sales is 0.75, made of 30
//	09:00:00 sales none          it has no value
//	09:01:00 clock               the time is 09:01
//	> 09:01:00 sales service_level_low breached since 09:00:00 at 0.75
//
// A group of several dimensions is written with commas, one of none as all.
// Readings decide nothing before the clock has come to them.
func Rule(text string, r *alert.Rule) (said, want []string, err error) {
	set := alert.NewSet(&alert.Rules{Rules: []*alert.Rule{r}})
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
			continue
		case line[0] == '>':
			want = append(want, strings.Join(strings.Fields(line[1:]), " "))
			continue
		}
		words := strings.Fields(line)
		at, bad := Clock(words[0])
		switch {
		case bad == nil && len(words) == 2 && words[1] == "clock":
			set.Tick(at, int64(i), func(v *row.Verdict) { said = append(said, Said(v)) })
		case bad == nil:
			var x *row.Reading
			if x, bad = reading(words, r, at); bad == nil {
				set.Take(x)
			}
		}
		if bad != nil {
			return nil, nil, fmt.Errorf("line %d: %w", i+1, bad)
		}
	}
	return said, want, nil
}

// reading reads what a KPI is, for a group.
func reading(words []string, r *alert.Rule, at int64) (*row.Reading, error) {
	x := &row.Reading{Place: row.Place{Tenant: "demo"}, KPI: r.KPI, Scope: r.By, AsOf: at, ChangedAt: at}
	if len(words) > 1 && words[1] != "all" {
		x.Dims = strings.Split(words[1], ",")
	}
	w := row.Window{Name: r.Window, From: at}
	switch {
	case len(words) == 3 && words[2] == "none":
	case len(words) == 5 && words[3] == "of":
		value, err := strconv.ParseFloat(words[2], 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", words[2])
		}
		count, err := strconv.ParseFloat(words[4], 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", words[4])
		}
		w.Numbers = []row.Number{{Name: r.Number, Value: value}, {Name: "count", Value: count}}
	default:
		return nil, fmt.Errorf("%q: a group and its value are expected, such as sales 0.75 of 30, or sales none", strings.Join(words, " "))
	}
	x.Windows = []row.Window{w}
	return x, nil
}
