package main

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/schemas"
	"github.com/nabz/nabz/services/internal/kafka"
)

type tailCmd struct {
	Topic     string `arg:"" help:"Name of the topic, such as nabz.events.v1."`
	ReadyFile string `help:"Ready file of a running installation." placeholder:"F"`
	Last      int64  `short:"n" help:"Records of each partition to begin with." default:"10"`
	All       bool   `help:"Begin with the first record that is kept."`
	Follow    bool   `short:"f" help:"Go on when the end is reached."`
}

// Help shows an example.
func (tailCmd) Help() string {
	return "Prints one JSON object a record; events and rows are decoded.\n\nExample: nabz tail nabz.events.v1 --last 3 --follow"
}

// Run prints the records.
func (c tailCmd) Run(a *app) error {
	brokers, err := a.brokers(c.ReadyFile)
	if err != nil {
		return err
	}
	catalogue, err := schemas.Catalogue()
	if err != nil {
		return fmt.Errorf("load the catalogue of events: %w", err)
	}
	names := map[int32]string{}
	for _, f := range catalogue.Fields() {
		names[f.Number] = f.Name
	}
	out, last := json.NewEncoder(a.stdout), c.Last
	if c.All {
		last = -1
	}
	return kafka.Tail{Brokers: brokers, Topic: c.Topic, Last: last, Follow: c.Follow}.Run(a.ctx, func(r kafka.Record) error {
		return out.Encode(map[string]any{
			"topic": r.Topic, "partition": r.Partition, "offset": r.Offset,
			"timestamp": r.Timestamp.UTC().Format(time.RFC3339Nano),
			"headers":   headersInWords(r.Headers), "value": shown(r, names),
		})
	})
}

// headersInWords gives what is no text as base64, so that it can be used.
func headersInWords(headers map[string]string) map[string]any {
	out := make(map[string]any, len(headers))
	for name, value := range headers {
		if out[name] = value; !utf8.ValidString(value) || name == "dlq_sealed" {
			out[name] = []byte(value)
		}
	}
	return out
}

// shown is a record's value in words, where its topic says how to read it.
func shown(r kafka.Record, names map[int32]string) any {
	switch r.Topic {
	case kafka.TopicEvents:
		var e event.Event
		if err := e.Decode(string(r.Value)); err == nil {
			return eventInWords(&e, names)
		}
	case kafka.TopicFacts, kafka.TopicPanes, kafka.TopicValues, kafka.TopicVerdicts:
		if v, err := row.Decode(r.Value); err == nil {
			return map[string]any{fmt.Sprintf("%T", v)[len("*row."):]: v}
		}
	}
	if json.Valid(r.Value) {
		return json.RawMessage(r.Value)
	}
	return r.Value // base64
}

func eventInWords(e *event.Event, names map[int32]string) map[string]any {
	data := map[string]any{}
	for _, at := range e.Attrs {
		name := names[at.Number]
		if name == "" {
			name = fmt.Sprint(at.Number)
		}
		if at.IsText {
			data[name] = at.Text
		} else {
			data[name] = at.Int
		}
	}
	m := map[string]any{
		"tenant": e.Tenant, "feed": e.Feed, "type": e.Type, "source": e.Source, "id": e.ID, "uid": e.UID.String(),
		"time":        time.UnixMilli(e.Time).UTC().Format(time.RFC3339Nano),
		"received_at": time.UnixMilli(e.ReceivedAt).UTC().Format(time.RFC3339Nano),
		"kind":        e.Kind, "entity": e.Entity, "sequence": e.Sequence, "revision": e.Revision, "data": data,
	}
	if !e.Replaces.IsZero() {
		m["replaces"], m["withdrawn"] = e.Replaces.String(), e.Withdrawn
	}
	if e.Feed != event.Live {
		m["session"], m["generation"] = e.Session, e.Generation
	}
	return m
}
