package warehouse

import (
	"fmt"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

// Codecs: what ascends a little from row to row is stored as the change of the
// change; small whole numbers lose their empty bits first.
const (
	codecTime  = "DoubleDelta, ZSTD(1)"
	codecSmall = "T64, ZSTD(1)"
	codecPlain = "ZSTD(1)"
)

const (
	typeWord    = "LowCardinality(String)"
	typeInstant = "DateTime64(3, 'UTC')"
)

func place() []Column {
	return []Column{
		{"tenant", typeWord, "", "The tenant."},
		{"feed", typeWord, "", "The feed; empty is the live one."},
		{"generation", "Int64", codecPlain, "Which filling of a named feed; 0 on the live feed."},
		{"epoch", "Int64", codecPlain, "Which computation, by its definitions."},
		{"partition", "Int32", codecPlain, "The partition of events whose task computed the row."},
	}
}

// Tables are all tables, in an order in which they can be made.
func (m *Model) Tables() []Table {
	tables := []Table{eventsTable(), rejectsTable(), progressTable(), shownReadingTable(), verdictTable()}
	tables = append(tables, incidentTables()...)
	for _, f := range m.Families {
		tables = append(tables, FactTable(f), PaneTable(f, m.KPIs.Measures(f.Name)))
	}
	return append(tables, talliesTable(), deadLettersTable(), definitionsTable())
}

func eventsTable() Table {
	return Table{
		Name: "events",
		Comment: "One row for each record of the events topic: an event once for each entity it concerns. " +
			"Cut by month of receipt, which is bounded whatever times sources claim; ordered so that the events of one kind and time lie together; " +
			"partition and offset end the key, so a record that is loaded twice is one row.",
		Columns: []Column{
			{"tenant", typeWord, "", "The tenant."},
			{"feed", typeWord, "", "The feed; empty is the live one."},
			{"generation", "Int64", codecPlain, "Which filling of a named feed; 0 on the live feed."},
			{"session", "Int64", codecPlain, "The replay that sent it; 0 on the live feed."},
			{"kind", typeWord, "", "Kind of the entity that this copy is for."},
			{"entity", "String", codecPlain, "The entity's id."},
			{"type", typeWord, "", "Type of the event."},
			{"source", typeWord, "", "CloudEvents source."},
			{"id", "String", codecPlain, "CloudEvents id, unique within the source."},
			{"uid", "UUID", "", "Id of the event within tenant and feed."},
			{"time", typeInstant, codecTime, "When it happened, UTC."},
			{"received_at", typeInstant, codecTime, "When the collector received it, UTC."},
			{"sequence", "Int64", codecSmall, "Order among events of one time and rank."},
			{"revision", "Int64", codecSmall, "Of one uid and time the greatest revision stands."},
			{"hash", "UInt64", "", "Hash of the content."},
			{"replaces", "UUID", codecPlain, "The event that this one withdraws, or zeros."},
			{"replaces_time", typeInstant, codecPlain, "Time of the event that it withdraws."},
			{"withdrawn", "UInt8", codecPlain, "1: the copy only withdraws."},
			{"texts", "Map(LowCardinality(String), String)", codecPlain, "Attributes that are texts."},
			{"ints", "Map(LowCardinality(String), Int64)", codecPlain, "Attributes that are numbers, spans and instants (ms)."},
			{"partition", "Int32", codecPlain, "Partition of the record."},
			{"offset", "Int64", codecTime, "Offset of the record."},
		},
		Partition: "toYYYYMM(received_at)",
		Order:     []string{"tenant", "feed", "generation", "kind", "time", "uid", "entity", "partition", "offset"},
	}
}

func rejectsTable() Table {
	return Table{
		Name:    "rejects",
		Comment: "One row for each record of events that had no effect. Partition and offset name the record; of two rows the later verdict stands.",
		Columns: append(place(),
			Column{"offset", "Int64", codecTime, "Offset of the record that was refused."},
			Column{"reason", typeWord, "", "Why: below_horizon, repeat, superseded, capped, orphan, other_replay, feed_closed, poison or malformed."},
			Column{"kind", typeWord, "", "Kind of the entity."},
			Column{"entity", "String", codecPlain, "The entity's id."},
			Column{"type", typeWord, "", "Type of the event."},
			Column{"uid", "UUID", "", "Id of the event."},
			Column{"hash", "UInt64", "", "Hash of its content."},
			Column{"time", typeInstant, codecTime, "When it happened, UTC."},
			Column{"received_at", typeInstant, codecTime, "When the collector received it, UTC."},
			Column{"session", "Int64", codecPlain, "The replay that sent it."},
			Column{"version", "Int64", codecTime, "Offset of the record that caused the verdict."},
		),
		Version: "version",
		Order:   []string{"tenant", "feed", "partition", "offset"},
	}
}

func progressTable() Table {
	return Table{
		Name:    "progress",
		Comment: "How far each task is loaded, seen from each partition of each topic. Rows of a record stand before the progress that speaks of them.",
		Columns: append([]Column{
			{"topic", typeWord, "", "The topic it was read from."},
			{"topic_partition", "Int32", "", "The partition of that topic."},
		}, append(place(),
			Column{"position", "Int64", codecTime, "Offset of the first record of events that is not in the rows."},
			Column{"now", typeInstant, codecTime, "The feed's clock, UTC."},
			Column{"state", typeWord, "", "open, or closed: the clock stands still."},
			Column{"session", "Int64", codecPlain, "The replay that owns the feed."},
			Column{"definitions", typeWord, "", "What stands for the definitions of the epoch."},
		)...),
		Version: "position",
		Order:   []string{"tenant", "feed", "generation", "epoch", "topic", "topic_partition", "partition"},
	}
}

// FactTable is the table of a family's facts.
func FactTable(f *fact.Family) Table {
	t := Table{
		Name: "fact_" + f.Name,
		Comment: f.Doc + " Cut and ordered only by what cannot change: the instant and the id of the event that opened the fact. " +
			"By year, for a history may span many.",
		Columns: append(place(),
			Column{"item", "String", codecPlain, "Id of the " + f.Kind + "."},
			Column{"id", "UUID", "", "Id of the event that opened it."},
			Column{"opened_at", typeInstant, codecTime, "Time of that event, UTC."},
			Column{"version", "Int64", codecTime, "Offset of the last record that changed it; the greatest stands."},
			Column{"deleted", "UInt8", codecPlain, "1: it has ceased to exist."},
		),
		Version:   "version",
		Partition: "toYear(opened_at)",
		Order:     []string{"tenant", "feed", "generation", "epoch", "opened_at", "item", "id"},
	}
	for _, c := range f.Columns {
		t.Columns = append(t.Columns, factColumn(c))
	}
	return t
}

func factColumn(c fact.Column) Column {
	switch c.Type {
	case fact.Text:
		return Column{c.Name, typeWord, "", c.Doc}
	case fact.Time:
		return Column{c.Name, "Nullable(" + typeInstant + ")", codecPlain, c.Doc + " UTC."}
	case fact.Duration:
		return Column{c.Name, "Nullable(Int64)", codecSmall, c.Doc + " ms."}
	case fact.Bool:
		return Column{c.Name, "Nullable(UInt8)", codecSmall, c.Doc}
	case fact.Decimal:
		return Column{c.Name, "Nullable(Int64)", codecSmall, c.Doc + " In ten-thousandths."}
	default: // fact.Count
		return Column{c.Name, "Nullable(Int64)", codecSmall, c.Doc}
	}
}

// PaneTable is the table of a family's panes.
func PaneTable(f *fact.Family, measures []*kpi.Measure) Table {
	t := Table{
		Name: "pane_" + f.Name,
		Comment: fmt.Sprintf("What all %s of one combination of dimensions add up to in one interval. Rows of several partitions and incarnations add up. ", f.View) +
			"Ordered by grain and time first, as they are asked for; cut by year, for a history may span many.",
		Columns: append(place(),
			Column{"grain", "UInt32", codecPlain, "Length of the interval, s: 60 or 900."},
			Column{"bucket", "DateTime('UTC')", codecTime, "Its start, UTC."},
		),
		Version:   "version",
		Partition: "toYear(bucket)",
		Order:     []string{"tenant", "feed", "generation", "epoch", "grain", "bucket"},
	}
	for _, d := range f.Dims {
		t.Columns = append(t.Columns, Column{d, typeWord, "", f.Columns[f.Column(d)].Doc})
		t.Order = append(t.Order, d)
	}
	t.Order = append(t.Order, "partition", "incarnation")
	t.Columns = append(t.Columns,
		Column{"incarnation", "Int64", codecTime, "Offset of the record that made the row; a pane that was let go of and touched again has several."},
		Column{"version", "Int64", codecTime, "Offset of the last record that changed it; the greatest stands."},
		Column{"changed_at", typeInstant, codecTime, "The feed's clock when that record came, UTC."},
	)
	for _, m := range measures {
		for _, p := range m.Parts() {
			switch {
			case p.Column == "":
			case p.Width > 1:
				t.Columns = append(t.Columns, Column{p.Column, "Map(UInt16, Int64)", codecPlain, p.Doc + "."})
			default:
				t.Columns = append(t.Columns, Column{p.Column, "Int64", codecSmall, p.Doc + "."})
			}
		}
	}
	return t
}
