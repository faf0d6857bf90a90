package collector

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/services/internal/keys"
)

// result is what became of one event.
type result struct {
	id       string
	tenant   string
	records  int           // copies and letters; those of a clock count as none
	problem  *problem      // nil: accepted
	kept     bool          // as a dead letter
	everyone []*kgo.Record // of a record that went to every partition
}

// intake takes the events of one request.
type intake struct {
	decoder
	batch
	key         *keys.Key
	fallback    string // tenant of an event that names none
	deadLetters string
	letters     int32 // partitions of the dead letters
	eventBytes  int
	rename      func(field string) string // what senders call a field; nil: as events do
	results     []result
}

func newIntake(s *Service, k *keys.Key, now time.Time, topics topics) *intake {
	t := &intake{key: k, fallback: s.config.DefaultTenant, deadLetters: s.config.DeadLetters, letters: topics.deadLetters, eventBytes: s.config.Limits.Event}
	t.decoder = decoder{cat: s.catalogue, types: s.types, identity: s.identities, now: now.UnixMilli()}
	t.batch = batch{topic: s.config.Events, partitions: topics.events, at: time.UnixMilli(now.UnixMilli())}
	return t
}

// take reads one event and adds what is to be written for it. raw and text are
// the same bytes.
func (t *intake) take(raw []byte, text string, depth int) {
	t.env = envelope{}
	home, p := t.read(raw, text, depth)
	if p != nil && t.rename != nil {
		p.field = t.rename(p.field)
	}
	r := result{id: t.env.id, tenant: home.name, problem: p}
	before := len(t.records)
	switch {
	case p == nil && t.typ.Clock:
		r.everyone = t.everywhere(&t.decoder)
	case p == nil:
		t.copies(&t.decoder)
	case p.kept():
		r.kept = true
		t.addLetter(home, raw, p)
	}
	if r.everyone == nil {
		r.records = len(t.records) - before
	}
	t.results = append(t.results, r)
}

// read reads one event and checks what the key may send. It also gives the
// tenant to whom the event belongs, as far as that is known.
func (t *intake) read(raw []byte, text string, depth int) (*tenant, *problem) {
	home := t.home("")
	switch {
	case len(raw) > t.eventBytes:
		return home, refuse(TooLarge, "", "the event is larger than "+inBytes(t.eventBytes))
	case depth > maxDepth:
		return home, refuse(TooDeep, "", "arrays and objects in more levels than an event has")
	}
	if p := check(raw); p != nil {
		return home, p
	}
	p := t.decode(text)
	name, not := tenantOf(t.key, t.env.tenant, t.fallback)
	if not != nil {
		return home, not
	}
	home = t.home(name)
	if t.env.source != "" {
		feed := feedName(t.env.feed)
		if not := allowed(t.key, t.env.source, feed != event.Live, t.typ != nil && p == nil && t.typ.Clock); not != nil {
			return home, not
		}
	}
	if p != nil {
		return home, p
	}
	return home, t.settle(home)
}

// home gives the secrets of a tenant; of none, those of the key's own.
func (t *intake) home(name string) *tenant {
	if name == "" {
		if name = t.key.Tenant; name == "*" {
			name = t.fallback
		}
	}
	if t.tenant != nil && t.tenant.name == name {
		return t.tenant
	}
	home, err := t.identity.of(name)
	if err != nil {
		// The key's length is fixed where it is derived, so this is a bug.
		panic("collector: " + err.Error())
	}
	t.tenant = home
	return home
}

func (t *intake) addLetter(home *tenant, raw []byte, p *problem) {
	letter := t.deadLetter(t.deadLetters, t.key.Name, home, raw, p)
	letter.Partition = t.partitionOfLetter(home, t.letters)
	letter.Timestamp = t.at
	t.records = append(t.records, letter)
}
