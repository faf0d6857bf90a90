package conversation

import (
	"errors"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/nabz/nabz/pkg/event"
)

// The first byte of a base says what it is. Another form takes another byte.
const (
	baseLife  = '1' // a life that may still change
	baseTrace = 't' // all that is known is when it was over
)

// errBase is what a base gives that this package did not write.
var errBase = errors.New("malformed base of a conversation")

// trace is the compact form of a life that is over for good.
func (l *life) trace() string {
	return string(appendNumber([]byte{baseTrace}, l.overAt))
}

// base is the form of a life that goes on.
func (l *life) base() string {
	b := []byte{baseLife}
	b = append(b, l.id[:]...)
	b = append(b, l.knock[:]...)
	for _, n := range l.numbers() {
		b = appendNumber(b, *n)
	}
	for _, on := range l.flags() {
		b = append(b, bit(*on))
	}
	for _, s := range l.texts() {
		b = protowire.AppendString(b, *s)
	}
	b = protowire.AppendString(b, strings.Join(l.notes, "\x00"))
	for i := range l.waits {
		w := &l.waits[i]
		b = append(b, w.id[:]...)
		for _, n := range w.numbers() {
			b = appendNumber(b, *n)
		}
		b = append(b, bit(w.later))
		for _, s := range w.texts() {
			b = protowire.AppendString(b, *s)
		}
	}
	return string(b)
}

// letGo lets go of waits that ended before an instant: they hold for good.
// While the conversation is void they may still come back.
func (l *life) letGo(before int64) {
	if l.voidAt != 0 {
		return
	}
	kept := l.waits[:0]
	for _, w := range l.waits {
		if w.how == Waiting || w.to >= before {
			kept = append(kept, w)
		}
	}
	l.waits = kept
}

// restore reads what base or trace wrote; of nothing it makes no life.
func (l *life) restore(s string) error {
	l.reset()
	if s == "" {
		return nil
	}
	r := reader{s: s[1:]}
	switch s[0] {
	case baseTrace:
		l.begun, l.opened, l.gone, l.how = true, true, true, Closed
		r.number(&l.overAt)
	case baseLife:
		r.id(&l.id)
		r.id(&l.knock)
		for _, n := range l.numbers() {
			r.number(n)
		}
		for _, on := range l.flags() {
			r.flag(on)
		}
		for _, t := range l.texts() {
			r.text(t)
		}
		var notes string
		if r.text(&notes); notes != "" {
			l.notes = append(l.notes, strings.Split(notes, "\x00")...)
		}
		for r.s != "" && !r.bad {
			l.waits = append(l.waits, wait{})
			r.wait(&l.waits[len(l.waits)-1])
		}
	default:
		r.bad = true
	}
	if r.bad || r.s != "" {
		return errBase
	}
	return nil
}

func (l *life) numbers() [27]*int64 {
	return [...]*int64{
		&l.startedAt, &l.originAt, &l.openSince, &l.overAt, &l.assignedAt, &l.voidAt,
		&l.frt.from, &l.frt.to, &l.frt.endedAt, &l.frt.assigned, &l.knockAt,
		&l.nth, &l.replies, &l.touches, &l.solves, &l.reopens, &l.solvedAt, &l.resolvedAt,
		&l.requester.since, &l.requester.ms, &l.requester.open, &l.work.since, &l.work.ms, &l.work.open,
		&l.unassigned.since, &l.unassigned.ms, &l.unassigned.open,
	}
}

func (l *life) flags() [12]*bool {
	return [...]*bool{
		&l.begun, &l.opened, &l.spam, &l.knocked, &l.frt.vague, &l.frt.handedOff, &l.frt.begun, &l.frt.early, &l.frt.clamped,
		&l.requester.running, &l.work.running, &l.unassigned.running,
	}
}

func (l *life) texts() [12]*string {
	return [...]*string{
		&l.how, &l.channel, &l.customer, &l.team, &l.priority, &l.kind, &l.status, &l.firstAgent, &l.lastAgent, &l.assignee,
		&l.frt.sender, &l.frt.assignee,
	}
}

func (w *wait) numbers() [3]*int64 { return [...]*int64{&w.from, &w.to, &w.nth} }

func (w *wait) texts() [6]*string {
	return [...]*string{&w.how, &w.sender, &w.channel, &w.team, &w.priority, &w.assignee}
}

func bit(on bool) byte {
	if on {
		return 1
	}
	return 0
}

func appendNumber(b []byte, n int64) []byte {
	return protowire.AppendVarint(b, protowire.EncodeZigZag(n))
}

// reader takes a base apart.
type reader struct {
	s   string
	bad bool
}

func (r *reader) skip(n int) string {
	if n < 0 || n > len(r.s) {
		r.bad, n = true, len(r.s)
	}
	out := r.s[:n]
	r.s = r.s[n:]
	return out
}

func (r *reader) id(to *event.UID) { copy(to[:], r.skip(len(to))) }

func (r *reader) number(to *int64) {
	v, n := event.ReadVarint(r.s)
	r.skip(n)
	*to = protowire.DecodeZigZag(v)
}

func (r *reader) flag(to *bool) { *to = r.skip(1) == "\x01" }

func (r *reader) text(to *string) {
	s, n := event.ReadText(r.s)
	r.skip(n)
	*to = s
}

func (r *reader) wait(w *wait) {
	r.id(&w.id)
	for _, n := range w.numbers() {
		r.number(n)
	}
	r.flag(&w.later)
	for _, t := range w.texts() {
		r.text(t)
	}
}
