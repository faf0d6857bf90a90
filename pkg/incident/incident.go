// Package incident is the machine of the alerter: verdicts open and resolve
// incidents, incidents owe messages to receivers, and what became of those
// messages comes back. Everything it decides is a record of the outbox; its
// state is the fold of those records, so it is found again after any death.
//
// It does not know how a message is sent, nor where records are kept. It reads
// no clock, starts no goroutine and performs no I/O: what time it is, in ms
// since 1970 UTC, is an argument.
package incident

import (
	"slices"
	"strconv"

	"github.com/nabz/nabz/pkg/row"
)

// Limits of a machine.
const (
	// DefaultCap is how many incidents of one tenant may be open in one
	// partition: nobody reads more, and at 1 KB each they fit in 10 MB. The
	// rest is told by one incident that says so.
	DefaultCap = 10_000
	// remembered is how many things' last versions are known, so that rows
	// which a processor writes again after its death open nothing anew: at 200
	// closed contacts a second, a minute and a half, and a processor repeats
	// some seconds. At 100 bytes a thing, 2 MB.
	remembered = 20_000
)

// Spans of a machine, ms.
const (
	// quietFor is how long a rule and group that was told is not told again.
	quietFor = 15 * 60_000
	// lateAfter is when a verdict is found too late to be news: what was over
	// meanwhile is not told, what is still open is, once all is read.
	lateAfter = 60 * 60_000
	// keepFor is how long a resolved incident stays: receivers without memory
	// are told of it again for five minutes.
	keepFor = 5 * 60_000
	// repeatEvery is when an open incident is written again: the outbox keeps
	// its records for a week.
	repeatEvery = 24 * 60 * 60_000
)

// Config is what a machine needs.
type Config struct {
	Receivers []Receiver
	// Cap is how many incidents of a tenant may be open; 0: DefaultCap.
	Cap int
	// Titles gives a policy's name for people; nil or empty: as it is.
	Titles func(policy string) Words
}

// Receiver says which messages a receiver gets, and how often they are tried.
type Receiver struct {
	Name       string
	Tenants    []string // empty: all
	Severities []string // empty: all
	// Delays are the pauses before the second attempt and those after it, ms.
	// When they are used up the message is dropped.
	Delays []int64
	// Forever repeats the last delay instead: the receiver is told how things
	// are, and not what happened.
	Forever bool
}

func (r *Receiver) takes(i *Incident) bool {
	return (len(r.Tenants) == 0 || slices.Contains(r.Tenants, i.Tenant)) &&
		(len(r.Severities) == 0 || slices.Contains(r.Severities, i.Severity))
}

// Machine is the state of one partition. Use [New].
type Machine struct {
	config   Config
	entries  map[string]*entry // by key: open ones, and resolved ones for a while
	current  map[string]*entry // the open incident of a thing
	open     map[string]int    // by tenant, overflow left out
	told     map[string]told   // by thing of a rule: when people were told last
	seen     memory
	queues   []*queue // by receiver, as configured
	position int64
}

type entry struct {
	Incident
	key      string
	seq      int64
	thing    string
	loggedAt int64 // when a record with the incident was written last
	told     bool  // its opening is owed or delivered
}

type told struct {
	at       int64
	severity string
}

// New gives a machine that knows nothing yet: [Machine.Fold] brings it up to
// date.
func New(c Config) *Machine {
	if c.Cap <= 0 {
		c.Cap = DefaultCap
	}
	m := &Machine{
		config: c, entries: map[string]*entry{}, current: map[string]*entry{}, open: map[string]int{},
		told: map[string]told{}, seen: memory{at: map[string]place{}},
	}
	for i := range c.Receivers {
		m.queues = append(m.queues, &queue{receiver: c.Receivers[i], of: map[string]*delivery{}})
	}
	return m
}

// Position is the offset of the first verdict that is not in the state.
func (m *Machine) Position() int64 { return m.position }

// Open is the number of incidents that are open.
func (m *Machine) Open() int { return len(m.current) }

// Fold takes a record in as it stands in the outbox.
func (m *Machine) Fold(r *Record) { m.apply(r, true) }

// Step takes in the verdict of that offset. The records it gives are to be
// written in their order; they are in the state already.
func (m *Machine) Step(v *row.Verdict, offset, now int64) []*Record {
	before := m.position
	m.position = max(m.position, offset+1)
	if v.Feed != "" { // a history tells nobody
		return nil
	}
	what := thing(v)
	here := place{epoch: v.Epoch, version: v.Version, decided: v.DecidedAt}
	was, newer := m.seen.note(what, here, v.Kind == row.Threshold)
	if !newer {
		return nil
	}
	alarming := v.State == row.Breached || v.State == row.NoData
	news := alarming && !v.Quiet && v.Stage != row.Provisional && here.news(was)
	e := m.current[what]
	var out []*Record
	switch {
	case e == nil && news:
		out = m.start(v, what, now)
	case e != nil && news && v.Kind == row.Threshold && worse(v.Severity, e.Severity):
		// Its own version stays: when only this record is kept before a death,
		// the verdict is still news.
		out = append(out, m.end(e, now, v.DecidedAt, Escalated))
		out = append(out, m.start(v, what, now)...)
	case e != nil && (alarming || v.Kind == row.Threshold && v.State == row.AtRisk):
		// A rule that was started again finds its episode from the beginning.
		e.Epoch, e.Version = v.Epoch, v.Version
	case e != nil:
		e.Epoch, e.Version = v.Epoch, v.Version
		resolution := Retracted
		if v.State == row.MetLate || v.Kind == row.Threshold {
			resolution = Over
		}
		out = append(out, m.end(e, now, v.DecidedAt, resolution))
		if r := m.drained(v.Tenant, now, v.DecidedAt); r != nil {
			out = append(out, r)
		}
	}
	// Only the last one says that the verdict is taken in.
	for _, r := range out[:max(len(out)-1, 0)] {
		r.Position = before
	}
	return out
}

// worse tells whether severity a is worse than b.
func worse(a, b string) bool { return a == Page && b != Page }

// start opens the incident of a verdict, or, above the tenant's cap, the one
// that stands for all that are left out.
func (m *Machine) start(v *row.Verdict, what string, now int64) []*Record {
	i := m.incident(v)
	key := Key(v)
	if m.open[v.Tenant] >= m.config.Cap {
		what = overflowOf(v.Tenant)
		if m.current[what] != nil {
			return nil
		}
		i = &Incident{
			Tenant: v.Tenant, Rule: overflowRule, Kind: Overflow, Labels: map[string]string{}, Severity: Page, Cause: row.Breached,
			Summary: overflowWords(m.config.Cap), Episode: v.DecidedAt,
			OpenedAt: v.DecidedAt, Version: v.Version, Epoch: v.Epoch,
		}
		key = keyOf(v.Tenant, what, strconv.FormatInt(v.DecidedAt, 10))
	}
	i.State = Firing
	t, known := m.told[what]
	switch {
	case v.Kind == row.Threshold && known && now-t.at < quietFor && !worse(i.Severity, t.severity):
		i.Suppressed = Flapping
	case now-v.DecidedAt > lateAfter:
		i.Suppressed = Late
	}
	for r := range m.config.Receivers {
		if m.config.Receivers[r].takes(i) {
			i.Receivers = append(i.Receivers, m.config.Receivers[r].Name)
		}
	}
	seq := m.seen.at[what].seq + 1
	if e := m.entries[key]; e != nil {
		seq = max(seq, e.seq+1) // it was resolved, and the evidence changed again
	}
	r := &Record{Key: key, Seq: seq, Event: Opened, At: now, Incident: i, Position: m.position}
	m.apply(r, false)
	return []*Record{r}
}

func (m *Machine) incident(v *row.Verdict) *Incident {
	i := &Incident{
		Tenant: v.Tenant, Rule: v.Policy, Kind: v.Kind, Item: v.Item, Labels: map[string]string{}, Severity: v.Severity,
		Cause: v.State, Uncertain: v.Uncertain, Episode: v.Episode, OpenedAt: v.DecidedAt, Epoch: v.Epoch, Version: v.Version,
	}
	if i.Severity != Page {
		i.Severity = Ticket
	}
	for _, l := range v.Labels {
		i.Labels[l.Name] = l.Value
	}
	if v.Kind == row.Threshold {
		value, bound := v.Value, v.Bound
		i.Bound = &bound
		if v.State != row.NoData {
			i.Value = &value
		}
	} else {
		i.DueAt, i.Target = v.DueAt, v.Target
	}
	title := Words{EN: v.Policy, FA: v.Policy}
	if m.config.Titles != nil {
		if t := m.config.Titles(v.Policy); t.EN != "" {
			title = t
		}
	}
	i.Summary = summary(title, i)
	return i
}

// end resolves an incident.
func (m *Machine) end(e *entry, now, decided int64, resolution string) *Record {
	i := e.Incident
	i.State, i.Resolution = Ended, resolution
	i.ResolvedAt = max(decided, i.OpenedAt)
	r := &Record{Key: e.key, Seq: e.seq + 1, Event: Resolved, At: now, Incident: &i, Position: m.position}
	m.apply(r, false)
	return r
}

// overflowRule names the incident that stands for those above a tenant's cap.
const overflowRule = "too_many_incidents"

func overflowOf(tenant string) string { return tenant + "\x00" + overflowRule }

// drained resolves a tenant's overflow when a tenth of the cap is free again:
// at the cap itself it would come and go with every incident.
func (m *Machine) drained(tenant string, now, decided int64) *Record {
	e := m.current[overflowOf(tenant)]
	if e == nil || m.open[tenant] > m.config.Cap*9/10 {
		return nil
	}
	return m.end(e, now, decided, Over)
}

// Tick lets time pass. caughtUp says that every verdict there was at the start
// is taken in. It gives records to write, as [Machine.Step] does.
func (m *Machine) Tick(now int64, caughtUp bool) []*Record {
	var out []*Record
	for key, e := range m.entries {
		switch {
		case e.State == Ended:
			if now-e.loggedAt > keepFor && !m.owes(key) {
				m.seen.count(e.thing, e.seq)
				delete(m.entries, key)
			}
		case e.Suppressed == Flapping && now-m.told[e.thing].at >= quietFor, e.Suppressed == Late && caughtUp:
			i := e.Incident
			i.Suppressed = ""
			out = append(out, &Record{Key: key, Seq: e.seq + 1, Event: Released, At: now, Incident: &i, Position: m.position})
		case now-e.loggedAt >= repeatEvery:
			i := e.Incident
			out = append(out, &Record{Key: key, Seq: e.seq + 1, Event: Kept, At: now, Incident: &i, Told: m.toldOf(key), Position: m.position})
		}
	}
	slices.SortFunc(out, func(a, b *Record) int {
		if a.Incident.OpenedAt != b.Incident.OpenedAt {
			return int(min(max(a.Incident.OpenedAt-b.Incident.OpenedAt, -1), 1))
		}
		return compare(a.Key, b.Key)
	})
	for _, r := range out {
		m.apply(r, false)
	}
	for what, t := range m.told {
		if m.current[what] == nil && now-t.at >= quietFor {
			delete(m.told, what)
		}
	}
	return out
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
