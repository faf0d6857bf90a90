package track

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/statelog"
)

// The first byte of a state key; behind it stand the tenant and name of the
// feed, and for an item its own key.
const (
	stateOrigin = 'E'
	stateFeed   = 'F'
	stateItem   = 'I'
	statePage   = 'K'
	statePanes  = 'P'
	stateSource = 'S'
)

func (k feedKey) prefix(dst []byte, tag byte) []byte {
	dst = append(dst, tag)
	dst = protowire.AppendString(dst, k.tenant)
	return protowire.AppendString(dst, k.name)
}

// origin says in which computation the state was made.
type origin struct {
	epoch       int64
	definitions string
	node        statelog.Node
}

// StateKey is of [statelog.Entry].
func (o *origin) StateKey(dst []byte) []byte { return append(dst, stateOrigin) }

// StateValue is of [statelog.Entry].
func (o *origin) StateValue(dst []byte) []byte {
	return append(protowire.AppendVarint(dst, uint64(o.epoch)), o.definitions...)
}

// OtherDefinitionsError says that a state was made under other definitions, in
// an epoch that has ended with them.
type OtherDefinitionsError struct {
	Epoch     int64
	Was, Here string
}

func (e *OtherDefinitionsError) Error() string {
	return fmt.Sprintf("the state is of epoch %d, made under the definitions %s; here are %s", e.Epoch, e.Was, e.Here)
}

// StateKey is of [statelog.Entry].
func (f *feed) StateKey(dst []byte) []byte { return f.prefix(dst, stateFeed) }

// StateValue is of [statelog.Entry].
func (f *feed) StateValue(dst []byte) []byte {
	open := int64(0)
	if f.open {
		open = 1
	}
	for _, v := range [...]int64{f.now, f.generation, f.session, f.seen, open} {
		dst = protowire.AppendVarint(dst, protowire.EncodeZigZag(v))
	}
	return dst
}

// StateKey is of [statelog.Entry].
func (st *itemState) StateKey(dst []byte) []byte {
	return append(st.feed.prefix(dst, stateItem), st.key...)
}

// StateValue is of [statelog.Entry].
func (st *itemState) StateValue(dst []byte) []byte { return append(dst, st.blob...) }

// Checkpoint gives the changes of the state since the last one, and a slice of
// sweep unchanged entries, for the position that the task has reached. Rows
// must have been flushed before it. See [statelog.Keeper.Checkpoint].
func (t *Task) Checkpoint(sweep int, put func(key, value []byte)) (group, oldest, position int64) {
	group, oldest = t.keep.Checkpoint(sweep, put)
	return group, oldest, t.position
}

// Entries is how many entries the state has.
func (t *Task) Entries() int { return t.keep.Len() }

// ErrState is what errors of [Restore] are.
var ErrState = errors.New("malformed task state")

// Restore makes the task whose state has these entries and whose next record
// is at position. Where they were made under other definitions the error is an
// OtherDefinitionsError.
func Restore(c Config, entries map[string]string, position int64) (*Task, error) {
	epoch, n := event.ReadVarint(entries[string(stateOrigin)])
	if n < 0 {
		return nil, fmt.Errorf("%w: it does not say in which epoch it was made", ErrState)
	}
	if was := entries[string(stateOrigin)][n:]; was != c.Definitions {
		return nil, &OtherDefinitionsError{Epoch: int64(epoch), Was: was, Here: c.Definitions}
	}
	c.Epoch = int64(epoch)
	t := NewTask(c)
	t.position = position
	keys := slices.Sorted(maps.Keys(entries))
	for _, k := range keys {
		var err error
		switch k[0] {
		case stateFeed:
			err = t.restoreFeed(k, entries[k])
		case stateSource:
			err = t.restoreSource(k, entries[k])
		}
		if err != nil {
			return nil, err
		}
	}
	// Panes before items: an item that is open is followed in its group.
	for _, tag := range [...]byte{statePanes, stateItem, statePage} {
		for _, k := range keys {
			if k[0] != tag {
				continue
			}
			if err := t.restoreEntry(k, entries[k]); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

func (t *Task) restoreEntry(key, value string) error {
	f, n, err := t.restored(key)
	if err != nil {
		return err
	}
	switch key[0] {
	case statePanes:
		return f.panes.Restore(key[n:], value)
	case statePage:
		return t.restorePage(f, key[n:], value)
	}
	return t.restoreItem(f, key[n:], value)
}

func (t *Task) restoreFeed(key, value string) error {
	tenant, n := event.ReadText(key[1:])
	if n < 0 {
		return fmt.Errorf("%w: feed key %q", ErrState, key)
	}
	name, m := event.ReadText(key[1+n:])
	if m < 0 {
		return fmt.Errorf("%w: feed key %q", ErrState, key)
	}
	f := t.addFeed(feedKey{tenant, name})
	var open int64
	for _, to := range []*int64{&f.now, &f.generation, &f.session, &f.seen, &open} {
		v, n := event.ReadVarint(value)
		if n < 0 {
			return fmt.Errorf("%w: feed %q", ErrState, name)
		}
		*to = protowire.DecodeZigZag(v)
		value = value[n:]
	}
	f.open = open != 0
	f.panes = t.newPanes(f)
	t.keep.Adopt(&f.node, f)
	return nil
}

// restored finds the feed that a key names, and the length of that part.
func (t *Task) restored(key string) (*feed, int, error) {
	tenant, n := event.ReadText(key[1:])
	if n < 0 {
		return nil, 0, fmt.Errorf("%w: key %q", ErrState, key)
	}
	name, m := event.ReadText(key[1+n:])
	f := t.feeds[feedKey{tenant, name}]
	if m < 0 || f == nil {
		return nil, 0, fmt.Errorf("%w: key %q names no feed", ErrState, key)
	}
	return f, 1 + n + m, nil
}

func (t *Task) restoreItem(f *feed, own, value string) error {
	_, a := event.ReadText(own)
	if a < 0 {
		return fmt.Errorf("%w: item key %q", ErrState, own)
	}
	kind, b := event.ReadText(own[a:])
	if b < 0 || t.kinds[kind] == nil {
		return fmt.Errorf("%w: item key %q is of no kind", ErrState, own)
	}
	st := &itemState{key: own, blob: value, feed: f, kind: t.kinds[kind], index: -1}
	if err := t.load(st); err != nil {
		return fmt.Errorf("%w: item %q: %w", ErrState, own, err)
	}
	t.is.Reset()
	lostAt, overAt := st.kind.Tracker.Fold(&t.item, f.now, &t.is)
	for i := range t.is.Facts {
		f.panes.Reopen(st.tenant(), &t.is.Facts[i])
	}
	f.items[own] = st
	due := min(st.kind.Timing.due(lostAt, overAt), t.promised(t.is.Facts, f.now))
	f.wakes.set(st, max(due, f.now+1))
	t.keep.Adopt(&st.node, st)
	return nil
}
