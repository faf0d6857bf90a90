package row

import (
	"fmt"
	"math"

	"github.com/nabz/nabz/pkg/event"
)

// Reading is what one KPI is over each rolling window of the live feed, for one
// choice of dimensions, as people see it. Key: Tenant, KPI, Scope, Dims. Of two
// with one key the greater Version wins, then the greater AsOf.
type Reading struct {
	Place            // of the live feed; Partition is that of panes
	KPI       string // its name
	Scope     []string
	Dims      []string // values of the dimensions in Scope, in that order
	AsOf      int64    // everything before this instant is in it, ms since 1970 UTC
	ChangedAt int64    // AsOf when its numbers last changed
	Version   int64    // offset in panes of the last record that is in it
	// Kept is the start of the minute that this reading stands for in the
	// record of what was shown, ms since 1970 UTC; 0 for one that passes by.
	Kept    int64
	Windows []Window
}

// Window is one rolling window of a reading.
type Window struct {
	Name    string // 1m, 5m, 15m, 30m, 60m or today
	From    int64  // its start, ms since 1970 UTC
	Numbers []Number
}

// Number is one figure of a window; one that divides by nothing is absent. The
// name of the headline is value; beside it stand numerator, denominator, count,
// the KPI's variants, and of distributions mean, p50, p90, p95, p99 and max.
// since is an instant, in ms since 1970 UTC, from which an age is told that
// grows without events.
type Number struct {
	Name  string
	Value float64 // in the KPI's unit
}

// Verdict is what is known of one promise: a deadline of an item, or a rule
// over a KPI. Key: Tenant, Feed, Policy, Item, ID, Episode. Of two with one key
// the greater Version wins.
type Verdict struct {
	Place
	Policy   string    // name of its folder in schemas/sla or schemas/alert
	Kind     string    // Deadline or Threshold
	Item     string    // the contact; of a rule the values of its dimensions
	ID       event.UID // of the fact that is waited for; zero for a rule
	Episode  int64     // when it began, ms since 1970 UTC: part of what names it
	Labels   []Label   // such as queue and channel, in the order of the family
	Severity string    // page or ticket
	State    string    // AtRisk, Breached, Met, MetLate, NoData or Withdrawn
	Stage    string    // Provisional, Settled or Confirmed
	// Quiet says that nobody is told: the deadline passed long before its
	// evidence came, or the feed is not live.
	Quiet bool
	// Uncertain says that the source itself has been silent.
	Uncertain bool
	DueAt     int64   // ms since 1970 UTC
	DecidedAt int64   // the clock when it came to say this, ms since 1970 UTC
	Target    int64   // of a deadline, ms
	Value     float64 // of a rule: the KPI when the state came; at risk: the share of the target that has passed
	Bound     float64 // of a rule: the threshold
	Version   int64   // offset of the record that caused it
}

// Label is one name with its value.
type Label struct{ Name, Value string }

// Kinds of verdicts.
const (
	Deadline  = "deadline"
	Threshold = "threshold"
)

// States of verdicts.
const (
	// AtRisk is a promise that is still open and will soon be broken.
	AtRisk = "at_risk"
	// Breached is a promise that is broken, and the matter still open.
	Breached = "breached"
	// Met is a promise that was kept.
	Met = "met"
	// MetLate is a broken promise whose matter is over.
	MetLate = "met_late"
	// NoData is a rule about whose KPI nothing is known.
	NoData = "no_data"
	// Withdrawn is a promise that there never was, as is known now.
	Withdrawn = "withdrawn"
)

// Stages of verdicts.
const (
	// Provisional is shown at once.
	Provisional = "provisional"
	// Settled has stood for the settle time: people are told.
	Settled = "settled"
	// Confirmed has stood for the lateness of its family.
	Confirmed = "confirmed"
)

// numKept is the field of Reading.Kept.
const numKept = 12

// How much memory a reading's windows get at once: there are mostly so many, and
// a number takes about so many bytes.
const (
	usualWindows = 6
	numberSize   = 18
)

func (*Reading) row() {}
func (*Verdict) row() {}

func (r *Reading) append(b []byte) []byte {
	b = r.Place.append(b)
	b = text(b, 6, r.KPI)
	b = texts(b, 7, r.Scope)
	b = texts(b, 8, r.Dims)
	b = num(b, 9, r.AsOf)
	b = num(b, 10, r.ChangedAt)
	b = num(b, 11, r.Version)
	b = num(b, numKept, r.Kept)
	for i := range r.Windows {
		b = within(b, 13, r.Windows[i].append)
	}
	return b
}

func (r *Reading) set(n int32, v int64, s string) error {
	switch n {
	case 6:
		r.KPI = s
	case 7:
		r.Scope = append(r.Scope, s)
	case 8:
		r.Dims = append(r.Dims, s)
	case 9:
		r.AsOf = v
	case 10:
		r.ChangedAt = v
	case 11:
		r.Version = v
	case numKept:
		r.Kept = v
	case 13:
		if r.Windows == nil {
			r.Windows = make([]Window, 0, usualWindows)
		}
		r.Windows = append(r.Windows, Window{Numbers: make([]Number, 0, len(s)/numberSize)})
		return r.Windows[len(r.Windows)-1].decode(s)
	default:
		r.Place.set(n, v, s)
	}
	return nil
}

func (w *Window) append(b []byte) []byte {
	b = text(b, 1, w.Name)
	b = num(b, 2, w.From)
	for _, n := range w.Numbers {
		b = within(b, 3, func(b []byte) []byte { return double(text(b, 1, n.Name), 2, n.Value) })
	}
	return b
}

func (w *Window) decode(s string) error {
	return each(s, func(n int32, v int64, s string, _ bool) error {
		switch n {
		case 1:
			w.Name = s
		case 2:
			w.From = v
		case 3:
			var x Number
			err := each(s, func(n int32, v int64, s string, _ bool) error {
				switch n {
				case 1:
					x.Name = s
				case 2:
					return setDouble(&x.Value, v)
				}
				return nil
			})
			w.Numbers = append(w.Numbers, x)
			return err
		}
		return nil
	})
}

func (r *Verdict) append(b []byte) []byte {
	b = r.Place.append(b)
	b = text(b, 6, r.Policy)
	b = text(b, 7, r.Kind)
	b = text(b, 8, r.Item)
	b = text(b, 9, string(r.ID[:]))
	b = num(b, 10, r.Episode)
	for _, l := range r.Labels {
		b = within(b, 11, func(b []byte) []byte { return text(text(b, 1, l.Name), 2, l.Value) })
	}
	b = text(b, 12, r.Severity)
	b = text(b, 13, r.State)
	b = text(b, 14, r.Stage)
	b = num(b, 15, bit(r.Quiet))
	b = num(b, 16, bit(r.Uncertain))
	b = num(b, 17, r.DueAt)
	b = num(b, 18, r.DecidedAt)
	b = num(b, 19, r.Target)
	b = double(b, 20, r.Value)
	b = double(b, 21, r.Bound)
	return num(b, 22, r.Version)
}

func (r *Verdict) set(n int32, v int64, s string) error {
	switch n {
	case 6:
		r.Policy = s
	case 7:
		r.Kind = s
	case 8:
		r.Item = s
	case 9:
		return setUID(&r.ID, s)
	case 10:
		r.Episode = v
	case 11:
		var l Label
		err := each(s, func(n int32, _ int64, s string, _ bool) error {
			switch n {
			case 1:
				l.Name = s
			case 2:
				l.Value = s
			}
			return nil
		})
		r.Labels = append(r.Labels, l)
		return err
	case 12:
		r.Severity = s
	case 13:
		r.State = s
	case 14:
		r.Stage = s
	case 20:
		return setDouble(&r.Value, v)
	case 21:
		return setDouble(&r.Bound, v)
	default:
		r.setNumber(n, v, s)
	}
	return nil
}

func (r *Verdict) setNumber(n int32, v int64, s string) {
	switch n {
	case 15:
		r.Quiet = v != 0
	case 16:
		r.Uncertain = v != 0
	case 17:
		r.DueAt = v
	case 18:
		r.DecidedAt = v
	case 19:
		r.Target = v
	case 22:
		r.Version = v
	default:
		r.Place.set(n, v, s)
	}
}

// setDouble takes the bits of a number; none that is written is NaN.
func setDouble(x *float64, bits int64) error {
	if *x = math.Float64frombits(uint64(bits)); math.IsNaN(*x) {
		return fmt.Errorf("%w: a number that is none", ErrMalformed)
	}
	return nil
}

func bit(is bool) int64 {
	if is {
		return 1
	}
	return 0
}
