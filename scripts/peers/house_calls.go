package main

import (
	_ "embed"
	"strings"
)

//go:embed clickhouse/calls.sql
var callsSQL string

// houseCalls reads the facts that a view has put together, and holds them
// against the log.
func houseCalls(b *Bench) (int, int, error) {
	text, err := b.house.ask(b.ctx, `SELECT contact, max(queue), max(channel), max(agent), if(max(answered_at) > 0, 'answered', 'abandoned'), max(queued_at),
if(max(answered_at) > 0, max(answered_at), max(ended_at)) - max(queued_at), if(max(answered_at) > 0, max(ended_at) - max(answered_at), 0),
if(max(answered_at) > 0, max(wrapped_at) - max(ended_at), 0) FROM peers.calls GROUP BY contact`)
	if err != nil {
		return 0, 0, err
	}
	got := map[string]told{}
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		t, err := parseTold(f[1:])
		if err != nil {
			return 0, 0, err
		}
		got[f[0]] = t
	}
	wrong := wrongCalls(b, got)
	return wrong, wrong, nil
}
