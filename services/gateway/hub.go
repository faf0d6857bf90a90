package gateway

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// Limits of what is kept for those who watch.
const (
	// maxRing and maxRingBytes bound what a cut stream can be given again, and
	// how far a slow one may fall behind: some minutes of a busy center. They
	// are spent only on tenants that somebody watches.
	maxRing      = 2048
	maxRingBytes = 4 << 20
	// maxEvent splits what changes at once, so that one event never fills the
	// ring.
	maxEvent = 256 << 10
	// keptFor is how long a tenant that nobody watches any more keeps its ring:
	// a page comes back within seconds.
	keptFor = time.Minute
)

// The kinds of events of a stream.
const (
	kindSnapshot  = "snapshot"
	kindReadings  = "readings"
	kindPromises  = "promises"
	kindIncidents = "incidents"
	kindClock     = "clock"
)

// hub is what is told to those who watch one tenant.
type hub struct {
	epoch string // of this process: numbers of another one mean nothing
	seq   uint64 // of the newest event
	ring  []*happening
	bytes int

	readings, promises, incidents map[string]bool // changed and not told

	watched int
	all     bool            // somebody watches every KPI
	kpis    map[string]bool // that somebody watches, or did since the ring began
	left    time.Time       // when the last one went
	wake    chan struct{}   // closed when there is more
}

// happening is one event.
type happening struct {
	seq    uint64
	kind   string
	head   []byte // the object up to the list
	pieces []piece
	size   int
}

// piece is one element of an event's list.
type piece struct {
	kpi  string // of a reading
	json []byte
}

// watch notes which KPIs somebody watches; none named: every one.
func (h *hub) watch(kpis []string) {
	h.watched++
	h.all = h.all || len(kpis) == 0
	if h.kpis == nil {
		h.kpis = map[string]bool{}
	}
	for _, k := range kpis {
		h.kpis[k] = true
	}
}

// touch notes a change for those who watch.
func (h *hub) touch(changed *map[string]bool, key string) {
	if h.watched == 0 && h.left.IsZero() {
		return
	}
	if *changed == nil {
		*changed = map[string]bool{}
	}
	(*changed)[key] = true
}

// flush tells what changed of every tenant that is watched.
func (l *live) flush(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.tenants {
		l.tell(t, now)
	}
}

// tell makes events of what changed.
func (l *live) tell(t *tenant, now time.Time) {
	h := &t.hub
	if h.watched == 0 {
		if !h.left.IsZero() && now.Sub(h.left) > keptFor {
			h.left, h.ring, h.bytes = time.Time{}, nil, 0
			// Events from now on are not counted: who comes later gets a
			// snapshot.
			h.seq++
			h.readings, h.promises, h.incidents = nil, nil, nil
			h.all, h.kpis = false, nil
		}
		if h.left.IsZero() {
			return
		}
	}
	was := h.seq
	l.push(h, kindReadings, now, &h.readings, t.pieceOfReading)
	l.push(h, kindPromises, now, &h.promises, t.pieceOfPromise)
	l.push(h, kindIncidents, now, &h.incidents, t.pieceOfIncident)
	if h.seq != was {
		close(h.wake)
		h.wake = make(chan struct{})
	}
}

func (t *tenant) pieceOfReading(key string) piece {
	r := t.readings[key]
	if r == nil {
		return piece{}
	}
	if r.json == nil {
		r.json = appendReading(make([]byte, 0, 512), r.row)
	}
	return piece{kpi: r.row.KPI, json: r.json}
}

func (t *tenant) pieceOfPromise(key string) piece {
	p := t.promises[key]
	if p == nil {
		return piece{}
	}
	return piece{json: appendPromise(nil, p.row)}
}

// push makes events of the changed keys of one kind.
func (l *live) push(h *hub, kind string, now time.Time, changed *map[string]bool, of func(string) piece) {
	var e *happening
	for _, key := range slices.Sorted(maps.Keys(*changed)) {
		p := of(key)
		if p.json == nil {
			continue
		}
		if e == nil || e.size > maxEvent {
			h.seq++
			e = &happening{seq: h.seq, kind: kind, head: l.head(kind, now)}
			h.ring = append(h.ring, e)
		}
		e.pieces = append(e.pieces, p)
		e.size += len(p.json)
		h.bytes += len(p.json)
	}
	clear(*changed)
	drop := 0
	for len(h.ring)-drop > maxRing || h.bytes > maxRingBytes && len(h.ring)-drop > 1 {
		h.bytes -= h.ring[drop].size
		drop++
	}
	h.ring = slices.Delete(h.ring, 0, drop)
}

// head begins an event's object.
func (l *live) head(kind string, now time.Time) []byte {
	b := appendTime([]byte(`{"now":`), now.UnixMilli())
	if kind == kindReadings {
		b = appendTime(append(b, `,"as_of":`...), l.asOf())
	}
	return append(append(append(b, `,"`...), kind...), `":[`...)
}

// after gives the events behind a number; false where some of them are not
// kept any more.
func (h *hub) after(seq uint64) ([]*happening, bool) {
	if seq == h.seq {
		return nil, true
	}
	if seq > h.seq || len(h.ring) == 0 || seq+1 < h.ring[0].seq {
		return nil, false
	}
	return slices.Clone(h.ring[seq+1-h.ring[0].seq:]), true
}

// appendObject writes the event's data with the elements that pass; false
// where none does.
func (e *happening) appendObject(b []byte, pass func(kpi string) bool) ([]byte, bool) {
	from := len(b)
	b = append(b, e.head...)
	some := false
	for _, p := range e.pieces {
		if p.kpi != "" && !pass(p.kpi) {
			continue
		}
		if some {
			b = append(b, ',')
		}
		some = true
		b = append(b, p.json...)
	}
	if !some {
		return b[:from], false
	}
	return append(b, "]}"...), true
}

// snapshot writes everything that is known of a tenant.
func (l *live) snapshot(t *tenant, now time.Time, zone string, pass func(kpi string) bool) []byte {
	b := appendTime([]byte(`{"now":`), now.UnixMilli())
	b = appendTime(append(b, `,"as_of":`...), l.asOf())
	b = appendText(append(b, `,"zone":`...), zone)
	list := func(name string, keys []string, of func(string) piece, pass func(kpi string) bool) {
		b = append(append(append(b, `,"`...), name...), `":[`...)
		from := len(b)
		for _, key := range keys {
			p := of(key)
			if p.json == nil || p.kpi != "" && !pass(p.kpi) {
				continue
			}
			if len(b) > from {
				b = append(b, ',')
			}
			b = append(b, p.json...)
		}
		b = append(b, ']')
	}
	list(kindReadings, slices.Sorted(maps.Keys(t.readings)), t.pieceOfReading, pass)
	list(kindPromises, t.openPromises(), t.pieceOfPromise, pass)
	list(kindIncidents, t.firing(), t.pieceOfIncident, pass)
	return append(b, '}')
}

func (t *tenant) openPromises() []string {
	var keys []string
	for key, p := range t.promises {
		if !p.over {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// appendClock writes the age of the data.
func (l *live) appendClock(b []byte, now time.Time) []byte {
	asOf := l.asOf()
	b = appendTime(append(b, `{"now":`...), now.UnixMilli())
	b = appendTime(append(b, `,"as_of":`...), asOf)
	b = append(b, `,"age_ms":`...)
	if asOf == 0 {
		return append(b, "null}"...)
	}
	return append(strconv.AppendInt(b, max(0, now.UnixMilli()-asOf), 10), '}')
}
