package collector

import (
	"crypto/sha1"
	"strings"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// namespace is the UUID under which the ids of events are made; it never
// changes, or a retried event would be another one.
var namespace = [16]byte{0x6e, 0x61, 0x62, 0x7a, 0x5f, 0x65, 0x76, 0x65, 0x8e, 0x74, 0x2f, 0x76, 0x31, 0xd6, 0x86, 0xd8}

// uid names an event: a version 5 UUID over tenant, source and id.
func uid(scratch []byte, tenant, source, id string) (event.UID, []byte) {
	scratch = append(scratch[:0], namespace[:]...)
	scratch = append(scratch, tenant...)
	scratch = append(scratch, 0)
	scratch = append(scratch, source...)
	scratch = append(scratch, 0)
	scratch = append(scratch, id...)
	sum := sha1.Sum(scratch)
	u := event.UID(sum[:16])
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return u, scratch
}

// entity is someone or something that an event concerns.
type entity struct {
	kind, id  string
	withdrawn bool // of the replaced event alone
}

// decoder turns events as text into events, one after another. It is used by
// one request at a time.
type decoder struct {
	cat      *event.Catalogue
	types    []string // all names, for hints
	identity *identities
	now      int64 // when the request was received, ms since 1970 UTC

	env      envelope
	tenant   *tenant
	typ      *event.Type
	ev       event.Event
	entities []entity
	scratch  []byte
}

// decode reads one event, whose text [check] found to be a JSON object, into
// d.ev and d.entities. It checks all but what the sender's key may do.
func (d *decoder) decode(text string) *problem {
	if p := d.env.read(text); p != nil {
		return p
	}
	if p := d.env.require(); p != nil {
		return p
	}
	typ, ok := d.cat.Type(d.env.typ)
	if !ok {
		return refuse(UnknownType, "type", "no such type of event"+strictyaml.Hint(d.env.typ, d.types))
	}
	d.typ = typ
	return nil
}

// settle goes on where the key is known to allow the event: for tenant.
func (d *decoder) settle(t *tenant) *problem {
	e, env := &d.ev, &d.env
	d.tenant = t
	attrs := e.Attrs[:0]
	*e = event.Event{Tenant: t.name, Feed: feedName(env.feed), Type: d.typ.Name, Source: env.source, ID: env.id, ReceivedAt: d.now, Attrs: attrs}
	e.UID, d.scratch = uid(d.scratch, t.name, env.source, env.id)
	var p *problem
	if p = d.settleTime(); p != nil {
		return p
	}
	if e.Sequence, p = count("sequence", env.sequence, 0); p != nil {
		return p
	}
	if e.Revision, p = count("revision", env.revision, 0); p != nil {
		return p
	}
	if p = d.settleFeed(); p != nil {
		return p
	}
	d.entities = d.entities[:0]
	if p = d.settleData(); p != nil {
		return p
	}
	e.Hash, d.scratch = e.ContentHash(d.scratch)
	return nil
}

// feedName gives the name of a feed as the envelope has it: the live feed has
// none.
func feedName(name string) string {
	if name == "live" {
		return event.Live
	}
	return name
}

func (d *decoder) settleTime() *problem {
	e, env := &d.ev, &d.env
	var ok bool
	if e.Time, ok = parseTime(env.time); !ok {
		return refuse(BadValue, "time", "an instant by RFC 3339 is expected, such as 2026-11-22T14:05:09.250Z, of the years 1971 to 2105")
	}
	if e.Feed == event.Live && e.Time > d.now+maxAhead.Milliseconds() {
		return refuse(FutureTime, "time", "more than a minute ahead of the collector's clock")
	}
	if (env.replaces == "") != (env.replacesAt == "") {
		return refuse(MissingField, "replacestime", "replaces and replacestime belong together")
	}
	if env.replaces == "" {
		return nil
	}
	if e.ReplacesTime, ok = parseTime(env.replacesAt); !ok {
		return refuse(BadValue, "replacestime", "an instant by RFC 3339 is expected")
	}
	if env.replaces == env.id {
		return refuse(BadValue, "replaces", "an event cannot replace itself: a replacement has an id of its own")
	}
	e.Replaces, d.scratch = uid(d.scratch, e.Tenant, env.source, env.replaces)
	return nil
}

// settleFeed checks what belongs to the live feed and what to a named one.
func (d *decoder) settleFeed() *problem {
	e, env := &d.ev, &d.env
	session, p := count("feedsession", env.session, 1)
	if p != nil {
		return p
	}
	generation, p := count("feedgeneration", env.generation, 1)
	if p != nil {
		return p
	}
	// The records of a clock carry both in data.
	if !d.typ.Clock {
		e.Session, e.Generation = session, generation
	}
	if e.Feed == event.Live {
		switch {
		case d.typ.Clock:
			return refuse(Forbidden, "feed", "the clock of the live feed is nobody's to move; name another feed")
		case session != 0 || generation != 0:
			return refuse(BadValue, "feedsession", "the live feed has neither sessions nor generations")
		}
		return nil
	}
	if !d.typ.Clock && (e.Session == 0 || e.Generation == 0) {
		return refuse(MissingField, "feedsession", "an event of a named feed carries feedsession and feedgeneration")
	}
	return nil
}

// settleData reads data by the event's type.
func (d *decoder) settleData() *problem {
	data := d.env.data
	if data == "" {
		return refuse(MissingField, "data", "the attribute is missing")
	}
	if data[0] != '{' {
		return refuse(BadType, "data", "an object is expected")
	}
	if p := members(data, d.field); p != nil {
		return p
	}
	d.sortAttrs()
	for _, f := range d.typ.Required {
		if !d.has(f) {
			return refuse(MissingField, "data."+f.Name, "the field is missing")
		}
	}
	d.concern()
	return nil
}

// field reads one member of data.
func (d *decoder) field(name, value string) *problem {
	u, ok := d.typ.Use(name)
	if !ok {
		if name == replacedEntities && !d.typ.Clock {
			return d.replaced(value)
		}
		return refuse(UnknownField, "data."+bare(name), d.typ.Name+" has no such field"+strictyaml.Hint(name, d.names()))
	}
	a := event.Attr{Number: u.Field.Number}
	if p := d.value(u, &a, value); p != nil {
		p.field = "data." + name
		return p
	}
	if u.Field.Envelope {
		if u.Field.Name == "session" {
			d.ev.Session = a.Int
		} else {
			d.ev.Generation = a.Int
		}
		return nil
	}
	d.ev.Attrs = append(d.ev.Attrs, a)
	return nil
}

func (d *decoder) names() []string {
	var out []string
	for _, u := range d.typ.Uses() {
		out = append(out, u.Field.Name)
	}
	return out
}

// value reads a value by its field's type. Names of the field are added by the
// caller.
func (d *decoder) value(u *event.Use, a *event.Attr, value string) *problem {
	f := u.Field
	switch f.Type {
	case event.FieldBool:
		if value != "true" && value != "false" {
			return refuse(BadType, "", "true or false is expected")
		}
		if value == "true" {
			a.Int = 1
		}
		return nil
	case event.FieldInt, event.FieldDuration:
		return wholeValue(f, a, value)
	case event.FieldString, event.FieldTime, event.FieldDecimal: // written as texts
	}
	if value[0] != '"' {
		return refuse(BadType, "", "a text is expected")
	}
	s := unquote(value)
	ok := false
	switch f.Type {
	case event.FieldTime:
		if a.Int, ok = parseTime(s); !ok {
			return refuse(BadValue, "", "an instant by RFC 3339 is expected, of the years 1971 to 2105")
		}
		return nil
	case event.FieldDecimal:
		if a.Int, ok = parseDecimal(s); !ok {
			return refuse(BadValue, "", `a decimal such as "12.50" is expected, up to four figures behind the point`)
		}
		return nil
	default: // a text
	}
	a.IsText = true
	return d.text(u, a, s)
}

func wholeValue(f *event.Field, a *event.Attr, value string) *problem {
	if c := value[0]; c != '-' && (c < '0' || c > '9') {
		return refuse(BadType, "", "a whole number is expected")
	}
	v, kind := parseWhole(value)
	switch {
	case kind == isFraction:
		return refuse(BadType, "", "a whole number is expected, not a fraction")
	case kind == isTooLarge:
		return refuse(BadValue, "", "a number within ±9007199254740991 is expected")
	case f.Type == event.FieldDuration && v < 0:
		return refuse(BadValue, "", "a duration in milliseconds is expected, not a negative one")
	case f.Envelope && v < 1:
		return refuse(BadValue, "", "a number from 1 on is expected")
	}
	a.Int = v
	return nil
}

func (d *decoder) text(u *event.Use, a *event.Attr, s string) *problem {
	if u.Values != nil {
		for _, v := range u.Values {
			if s == v {
				a.Text = v
				return nil
			}
		}
		return refuse(BadValue, "", "not one of "+strings.Join(u.Values, ", ")+strictyaml.Hint(s, u.Values))
	}
	if p := plain(s, u.Field.Max, u.Field.Lines); p != nil {
		return p
	}
	if u.Field.Personal {
		s = d.tenant.token(s)
	}
	a.Text = s
	return nil
}

func plain(s string, most int, lines bool) *problem {
	if s == "" {
		return refuse(BadValue, "", "empty: leave the field out instead")
	}
	if !within(s, most) {
		return refuse(BadValue, "", "more characters than the field may have")
	}
	if !cleanText(s, lines) {
		return refuse(BadValue, "", "control characters may not stand in it")
	}
	return nil
}

// sortAttrs puts attributes in ascending order. Senders write their fields in
// one order of their own, so there are few and they are nearly sorted.
func (d *decoder) sortAttrs() {
	attrs := d.ev.Attrs
	for i := 1; i < len(attrs); i++ {
		for j := i; j > 0 && attrs[j].Number < attrs[j-1].Number; j-- {
			attrs[j], attrs[j-1] = attrs[j-1], attrs[j]
		}
	}
}

func (d *decoder) has(f *event.Field) bool {
	if f.Envelope {
		return f.Name == "session" && d.ev.Session != 0 || f.Name == "generation" && d.ev.Generation != 0
	}
	for i := range d.ev.Attrs {
		if d.ev.Attrs[i].Number == f.Number {
			return true
		}
	}
	return false
}
