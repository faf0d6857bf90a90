package agent

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/nabz/nabz/pkg/event"
)

// encode writes what goes on; of an agent who is not there it is empty.
func (p *presence) encode() string {
	if !p.here {
		return ""
	}
	var b []byte
	text := func(s string) { b = protowire.AppendString(b, s) }
	num := func(v int64) { b = protowire.AppendVarint(b, protowire.EncodeZigZag(v)) }
	flag := func(v bool) { num(int64(protowire.EncodeBool(v))) }
	id := func(u event.UID, from int64) { b = append(b, u[:]...); num(from) }
	flag(p.beats)
	flag(p.available)
	flag(p.stay.on)
	num(p.lastSign)
	id(p.span.id, p.span.from)
	id(p.stay.id, p.stay.from)
	for _, s := range [...]string{p.span.by, p.team, p.state, p.reason, p.stay.team, p.stay.state, p.stay.reason, p.stay.activity} {
		text(s)
	}
	num(int64(len(p.queues)))
	for _, q := range p.queues {
		text(q)
	}
	num(int64(len(p.pauses)))
	for i := range p.pauses {
		x := &p.pauses[i]
		id(x.id, x.from)
		text(x.queue)
		text(x.reason)
	}
	num(int64(len(p.contacts)))
	for i := range p.contacts {
		text(p.contacts[i].id)
		flag(p.contacts[i].wrapup)
	}
	return string(b)
}

// decode reads what encode wrote. A base that it did not write is a fault that
// panics, which refuses the record.
func (p *presence) decode(s string) {
	if s == "" {
		return
	}
	text := func() string {
		v, n := event.ReadText(s)
		s = s[n:]
		return v
	}
	num := func() int64 {
		v, n := event.ReadVarint(s)
		s = s[n:]
		return protowire.DecodeZigZag(v)
	}
	flag := func() bool { return num() != 0 }
	id := func() (u event.UID, from int64) {
		s = s[copy(u[:], s[:len(u)]):]
		return u, num()
	}
	p.here, p.beats, p.available, p.stay.on = true, flag(), flag(), flag()
	p.lastSign = num()
	p.span.id, p.span.from = id()
	p.stay.id, p.stay.from = id()
	for _, to := range [...]*string{&p.span.by, &p.team, &p.state, &p.reason, &p.stay.team, &p.stay.state, &p.stay.reason, &p.stay.activity} {
		*to = text()
	}
	for range num() {
		p.queues = append(p.queues, text())
	}
	for range num() {
		var x pause
		x.id, x.from = id()
		x.queue, x.reason = text(), text()
		p.pauses = append(p.pauses, x)
	}
	for range num() {
		p.contacts = append(p.contacts, held{text(), flag()})
	}
}
