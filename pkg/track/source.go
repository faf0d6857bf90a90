package track

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/statelog"
)

// MaxSources is the most sources of the live feed whose newest word a task
// keeps. An installation has a few; this bounds what made-up names can cost.
// Past it the one that has been silent for longest is let go of.
const MaxSources = 1_000

type sourceKey struct{ tenant, name string }

// source is when a source of events was heard last.
type source struct {
	sourceKey
	id   int64 // one more than the offset at which it was first heard
	last int64 // received_at of its newest event, ms since 1970 UTC
	node statelog.Node
}

// StateKey is of [statelog.Entry].
func (s *source) StateKey(dst []byte) []byte {
	dst = protowire.AppendString(append(dst, stateSource), s.tenant)
	return append(dst, s.name...)
}

// StateValue is of [statelog.Entry].
func (s *source) StateValue(dst []byte) []byte {
	dst = protowire.AppendVarint(dst, uint64(s.id))
	return protowire.AppendVarint(dst, protowire.EncodeZigZag(s.last))
}

// sources are the sources of the live feed.
type sources struct {
	by   map[sourceKey]*source
	ids  map[int64]*source
	last *source // of the record before: most tasks hear few
}

// heard notes an event of the live feed that was stepped.
func (t *Task) heard(e *event.Event, offset int64) {
	s := t.sourceOf(e)
	if s == nil {
		if len(t.sources.by) >= MaxSources {
			t.forgetSource()
		}
		s = &source{sourceKey: sourceKey{strings.Clone(e.Tenant), strings.Clone(e.Source)}, id: offset + 1, last: e.ReceivedAt}
		t.sources.add(s)
		t.keep.Touch(&s.node, s)
	}
	t.sources.last = s
	if e.ReceivedAt > s.last {
		s.last = e.ReceivedAt
		t.keep.Touch(&s.node, s)
	}
}

func (s *sources) add(x *source) {
	s.by[x.sourceKey], s.ids[x.id] = x, x
}

func (t *Task) sourceOf(e *event.Event) *source {
	if s := t.sources.last; s != nil && s.name == e.Source && s.tenant == e.Tenant {
		return s
	}
	return t.sources.by[sourceKey{e.Tenant, e.Source}]
}

// forgetSource lets go of the source that has been silent for longest.
func (t *Task) forgetSource() {
	var oldest *source
	for _, s := range t.sources.by {
		if oldest == nil || s.last < oldest.last || s.last == oldest.last && s.id < oldest.id {
			oldest = s
		}
	}
	delete(t.sources.by, oldest.sourceKey)
	delete(t.sources.ids, oldest.id)
	t.keep.Drop(&oldest.node)
	t.sources.last = nil
}

// silence is for how long the source of an item of the live feed has been
// silent when the clock stands at now, ms. One that was let go of has been
// silent for longest.
func (t *Task) silence(id, now int64) int64 {
	if s := t.sources.ids[id]; s != nil {
		return now - s.last
	}
	return now
}

func (t *Task) restoreSource(key, value string) error {
	tenant, n := event.ReadText(key[1:])
	id, m := event.ReadVarint(value)
	if n < 0 || m < 0 {
		return fmt.Errorf("%w: source %q", ErrState, key)
	}
	last, k := event.ReadVarint(value[m:])
	if k < 0 {
		return fmt.Errorf("%w: source %q", ErrState, key)
	}
	s := &source{sourceKey: sourceKey{tenant, key[1+n:]}, id: int64(id), last: protowire.DecodeZigZag(last)}
	t.sources.add(s)
	t.keep.Adopt(&s.node, s)
	return nil
}
