package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/row"
)

// told is what is known of a whole call: the one fact that its events make.
type told struct {
	queue, channel, agent, outcome string
	started, wait, talk, wrapup    int64 // ms
}

func (c *call) told() told {
	t := told{queue: queueName(c.queue), channel: channels()[c.channel], outcome: "abandoned", started: c.at, wait: c.wait}
	if c.answered {
		t.outcome, t.agent, t.talk, t.wrapup = "answered", agentName(c.agent), c.talk, c.wrapup
	}
	return t
}

// wrongCalls tells how many calls a result tells wrong, misses or makes up.
func wrongCalls(b *Bench, got map[string]told) (wrong int) {
	for id, c := range b.filled.Oracle.Calls {
		if got[id] != c.told() {
			wrong++
		}
	}
	probes := (&call{number: probeFirst}).id()
	for id := range got {
		// Calls by which an earlier run was timed lie behind the log.
		if b.filled.Oracle.Calls[id] == nil && id < probes {
			wrong++
		}
	}
	return wrong
}

// outCalls reads what peers write of calls: queue, channel, agent, outcome and
// the four numbers, with bars between.
func outCalls(b *Bench) (int, int, error) {
	got := map[string]told{}
	err := read(b.ctx, b.broker.Address, topicOut, func(r *kgo.Record) error {
		t, err := parseTold(strings.Split(string(r.Value), "|"))
		got[string(r.Key)] = t
		return err
	})
	wrong := wrongCalls(b, got)
	return wrong, wrong, err
}

func parseTold(f []string) (told, error) {
	const texts, numbers = 4, 4
	if len(f) != texts+numbers {
		return told{}, fmt.Errorf("read a call: %q", f)
	}
	t := told{queue: f[0], channel: f[1], agent: f[2], outcome: f[3]}
	for i, to := range []*int64{&t.started, &t.wait, &t.talk, &t.wrapup} {
		v, err := strconv.ParseInt(f[texts+i], 10, 64)
		if err != nil {
			return t, fmt.Errorf("read a call: %w", err)
		}
		*to = v
	}
	return t, nil
}

// factKey is what names a fact of a contact.
type factKey struct {
	family string
	item   string
	id     event.UID
	opened int64
}

// nabzFacts reads the facts of one family, of each the newest row.
func nabzFacts(b *Bench, names ...string) (map[factKey]*row.Fact, error) {
	newest := map[factKey]*row.Fact{}
	err := read(b.ctx, b.broker.Address, topicFacts, func(r *kgo.Record) error {
		decoded, err := row.Decode(r.Value)
		if err != nil {
			return fmt.Errorf("read facts: %w", err)
		}
		f, ok := decoded.(*row.Fact)
		if !ok || f.Feed != event.Live {
			return nil
		}
		for _, n := range names {
			if k := (factKey{f.Family, f.Item, f.ID, f.OpenedAt}); f.Family == n && (newest[k] == nil || f.Version >= newest[k].Version) {
				newest[k] = f
			}
		}
		return nil
	})
	return newest, err
}

// wrongFacts holds the contacts of nabz, and who answered them, against the log.
func wrongFacts(b *Bench) (int, int, error) {
	all, err := families()
	if err != nil {
		return 0, 0, err
	}
	rows, err := nabzFacts(b, "contact", "agent_segment")
	if err != nil {
		return 0, 0, err
	}
	got := map[string]told{}
	for k, f := range rows {
		if f.Deleted {
			continue
		}
		family := familyOf(all, k.family)
		if family == nil {
			return 0, 0, errors.New("no family " + k.family)
		}
		v := named(family, f)
		t := got[k.item]
		if k.family == "agent_segment" {
			t.agent = v["agent"].Text
		} else {
			t.queue, t.channel, t.outcome = v["queue"].Text, v["channel"].Text, v["outcome"].Text
			t.started, t.wait, t.talk, t.wrapup = v["started_at"].Int, v["wait"].Int, v["talk"].Int, v["wrapup"].Int
		}
		got[k.item] = t
	}
	wrong := wrongCalls(b, got)
	return wrong, wrong, nil
}

func familyOf(all []*fact.Family, name string) *fact.Family {
	for _, f := range all {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// named are the values of a row by the names of its columns.
func named(family *fact.Family, f *row.Fact) map[string]row.Value {
	out := map[string]row.Value{}
	for _, c := range family.Columns {
		for _, v := range f.Values {
			if v.Number == int32(c.Number) {
				out[c.Name] = v
			}
		}
	}
	return out
}

// wrongBroken tells how many promises a result tells wrong: those that were
// broken are to be there with the instant at which they were due.
func wrongBroken(b *Bench, got map[string]int64) (wrong int) {
	broken := 0
	for id, c := range b.filled.Oracle.Calls {
		if c.wait <= promise {
			continue
		}
		broken++
		if got[id] != c.at+promise {
			wrong++
		}
	}
	return wrong + max(0, len(got)-broken)
}

// outBroken reads what peers write of broken promises: the contact, and when it
// was due.
func outBroken(b *Bench) (int, int, error) {
	got := map[string]int64{}
	err := read(b.ctx, b.broker.Address, topicOut, func(r *kgo.Record) error {
		due, err := strconv.ParseInt(string(r.Value), 10, 64)
		got[string(r.Key)] = due
		return err
	})
	wrong := wrongBroken(b, got)
	return wrong, wrong, err
}

// wrongVerdicts holds the newest verdict of each contact against the log.
func wrongVerdicts(b *Bench) (int, int, error) {
	newest := map[string]*row.Verdict{}
	err := read(b.ctx, b.broker.Address, topicVerdicts, func(r *kgo.Record) error {
		decoded, err := row.Decode(r.Value)
		if err != nil {
			return fmt.Errorf("read verdicts: %w", err)
		}
		v, ok := decoded.(*row.Verdict)
		if ok && v.Kind == row.Deadline && (newest[v.Item] == nil || v.Version >= newest[v.Item].Version) {
			newest[v.Item] = v
		}
		return nil
	})
	got := map[string]int64{}
	for item, v := range newest {
		if v.State == row.Breached || v.State == row.MetLate {
			got[item] = v.DueAt
		}
	}
	wrong := wrongBroken(b, got)
	return wrong, wrong, err
}
