package gateway

import (
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/kafka"
)

// Limits of what is held in memory. What is above them is counted in
// nabz_gateway_dropped_total and not shown.
const (
	// maxTenants bounds the map of tenants: an empty one takes some hundred
	// bytes.
	maxTenants = 10_000
	// maxReadings of one tenant: 20 KPIs over 500 combinations of dimensions;
	// at 2 KB each 20 MB, which is also what a page can be sent at once.
	maxReadings = 10_000
	// maxPromises of one tenant that are open: nobody reads a longer list.
	maxPromises = 5_000
	// maxClosed promises of one tenant, and as many again before the older half
	// goes, are remembered, so that an older record of a dead owner opens none
	// of them again: 8 MB.
	maxClosed = 10_000
	// maxIncidents of one tenant, the newest: a week of a bad week.
	maxIncidents = 10_000
	// forgotten is how far a reading lags when nobody repeats it any more: each
	// that is alive is repeated every minute.
	forgotten = 15 * time.Minute
)

// live is what is known now, by tenant, and who watches it.
type live struct {
	known   func(kpi string) bool
	dropped func(what string)

	mu      sync.Mutex
	tenants map[string]*tenant
	clocks  map[int32]int64 // by board, a partition of panes: everything before is in its readings, ms
	ends    map[place]end   // of the partitions that are read
	of      map[string]int  // how many partitions the topics have
	missing int             // partitions that have not been read to their end yet; -1: not known yet
	caught  chan struct{}   // closed when missing is 0 for the first time
	last    time.Time       // when a record was taken
	swept   int64           // as_of when old readings were dropped last
	kick    chan struct{}   // holds one when somebody has to be told
}

type place struct {
	topic     string
	partition int
}

// end is how far a partition was read.
type end struct {
	first     int64 // its end when it was read first
	next, end int64
	caught    bool
}

// tenant is what is known of one tenant.
type tenant struct {
	readings  map[string]*reading
	promises  map[string]*promise
	closed    []string // keys of promises that are over, the oldest first
	open      int      // promises that are not
	incidents map[string]*heldIncident
	hub       hub
}

type reading struct {
	row  *row.Reading
	json []byte // made when it is needed first
}

type promise struct {
	row  *row.Verdict
	over bool
}

func newLive(known func(kpi string) bool, dropped func(what string)) *live {
	return &live{
		known: known, dropped: dropped, tenants: map[string]*tenant{}, clocks: map[int32]int64{},
		ends: map[place]end{}, of: map[string]int{}, missing: -1, caught: make(chan struct{}), kick: make(chan struct{}, 1),
	}
}

// tenant gives a tenant, made where it is new; nil where there are too many.
func (l *live) tenant(name string) *tenant {
	t := l.tenants[name]
	if t == nil {
		if len(l.tenants) >= maxTenants {
			l.dropped("tenant")
			return nil
		}
		t = &tenant{readings: map[string]*reading{}, promises: map[string]*promise{}, incidents: map[string]*heldIncident{}}
		t.hub = hub{epoch: rand.Text()[:10], wake: make(chan struct{})}
		l.tenants[name] = t
	}
	return t
}

// take takes what one answer of a broker held. topics is how many topics are
// read in all.
func (l *live) take(b kafka.Batch, topics int) (malformed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(b.Records) > 0 {
		l.last = time.Now()
	}
	for i := range b.Records {
		if !l.record(&b.Records[i]) {
			malformed++
		}
	}
	l.reached(b, topics)
	l.sweep()
	select {
	case l.kick <- struct{}{}:
	default: // it is kicked already
	}
	return malformed
}

// record takes one record; false where it cannot be read.
func (l *live) record(r *kafka.Record) bool {
	if r.Topic == kafka.TopicIncidents {
		return l.incident(r)
	}
	decoded, err := row.Decode(r.Value)
	if err != nil {
		return false
	}
	switch v := decoded.(type) {
	case *row.Reading:
		if v.Feed == "" {
			l.clocks[v.Partition] = max(l.clocks[v.Partition], v.AsOf)
			l.reading(v)
		}
	case *row.Progress:
		// The boards' alone: what tasks tell behind verdicts is ahead of what
		// the readings hold.
		if r.Topic == kafka.TopicValues && v.Feed == "" {
			l.clocks[v.Partition] = max(l.clocks[v.Partition], v.Now)
		}
	case *row.Verdict:
		l.verdict(v)
	default:
		return false
	}
	return true
}

// reached notes how far a partition is read.
func (l *live) reached(b kafka.Batch, topics int) {
	at := place{b.Topic, b.Partition}
	e, seen := l.ends[at]
	if !seen {
		e.first = b.End
	}
	e.next, e.end = b.Next, b.End
	e.caught = e.caught || e.next >= e.first
	l.ends[at] = e
	if l.missing == 0 {
		return
	}
	l.of[b.Topic] = b.Of
	l.missing = topics - len(l.of)
	for _, n := range l.of {
		l.missing += n
	}
	for _, e := range l.ends {
		if e.caught {
			l.missing--
		}
	}
	if l.missing == 0 {
		close(l.caught)
	}
}

// lag is how many records of a topic are still to be read.
func (l *live) lag(topic string) (records int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, e := range l.ends {
		if p.topic == topic {
			records += max(0, e.end-e.next)
		}
	}
	return records
}

// asOf is the instant before which everything is in the readings, in ms since
// 1970 UTC: the least over the partitions that speak; 0 when none has spoken.
func (l *live) asOf() int64 {
	least := int64(0)
	for _, now := range l.clocks {
		if least == 0 || now < least {
			least = now
		}
	}
	return least
}

func readingKey(r *row.Reading) string {
	return r.KPI + "\x00" + strings.Join(r.Scope, "\x01") + "\x00" + strings.Join(r.Dims, "\x01")
}

func (l *live) reading(r *row.Reading) {
	if !l.known(r.KPI) {
		return
	}
	t := l.tenant(r.Tenant)
	if t == nil {
		return
	}
	key := readingKey(r)
	was := t.readings[key]
	switch {
	case was == nil && len(t.readings) >= maxReadings:
		l.dropped("reading")
		return
	case was != nil && (r.Version < was.row.Version || r.Version == was.row.Version && r.AsOf < was.row.AsOf):
		return
	}
	t.readings[key] = &reading{row: r}
	// What nobody watches need not be written down for them.
	if (t.hub.all || t.hub.kpis[r.KPI]) && (was == nil || !sameNumbers(was.row, r)) {
		t.hub.touch(&t.hub.readings, key)
	}
}

// sameNumbers tells whether two readings say the same but for the instant.
func sameNumbers(a, b *row.Reading) bool {
	return slices.EqualFunc(a.Windows, b.Windows, func(a, b row.Window) bool {
		return a.Name == b.Name && a.From == b.From && slices.Equal(a.Numbers, b.Numbers)
	})
}

// isOver tells whether a verdict ends its promise.
func isOver(v *row.Verdict) bool {
	return v.State == row.Met || v.State == row.MetLate || v.State == row.Withdrawn
}

// promiseKey names a promise. A rule is told apart by its dimensions alone: a
// new owner may find another beginning of the same episode.
func promiseKey(v *row.Verdict) string {
	key := v.Policy + "\x00" + v.Item
	if v.Kind != row.Threshold {
		key += "\x00" + string(v.ID[:]) + time.UnixMilli(v.Episode).UTC().Format(stamp)
	}
	return key
}

func (l *live) verdict(v *row.Verdict) {
	if v.Feed != "" {
		return
	}
	t := l.tenant(v.Tenant)
	if t == nil {
		return
	}
	key, over := promiseKey(v), isOver(v)
	was := t.promises[key]
	switch {
	case was != nil && (v.Version < was.row.Version || v.Version == was.row.Version && v.DecidedAt < was.row.DecidedAt):
		return
	case (was == nil || was.over) && !over && t.open >= maxPromises:
		l.dropped("promise")
		return
	}
	if was != nil && !was.over {
		t.open--
	}
	if !over {
		t.open++
	}
	t.promises[key] = &promise{row: v, over: over}
	if !over || was != nil && !was.over {
		t.hub.touch(&t.hub.promises, key)
	}
	if over && (was == nil || !was.over) {
		t.remember(key)
	}
}

// remember keeps the key of a promise that is over, and lets go of the oldest.
func (t *tenant) remember(key string) {
	t.closed = append(t.closed, key)
	if len(t.closed) <= 2*maxClosed {
		return
	}
	for _, old := range t.closed[:maxClosed] {
		if p := t.promises[old]; p != nil && p.over {
			delete(t.promises, old)
		}
	}
	t.closed = slices.Delete(t.closed, 0, maxClosed)
}

// sweep drops readings that nobody repeats any more, once a minute.
func (l *live) sweep() {
	now := l.asOf()
	if now < l.swept+time.Minute.Milliseconds() {
		return
	}
	l.swept = now
	for _, t := range l.tenants {
		for key, r := range t.readings {
			if r.row.AsOf < now-forgotten.Milliseconds() {
				delete(t.readings, key)
			}
		}
	}
}
