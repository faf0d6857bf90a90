package warehouse

import (
	"fmt"
	"strings"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

// Views are the statements that make all views, in an order in which they can
// be made. Each replaces what was there.
func (m *Model) Views() []Statement {
	out := []Statement{epochsView(), shownView(), m.eventsView(), m.rejectedView(), feedsView(), deadLettersView(), conservationView()}
	out = append(out, m.identityViews()...)
	for _, f := range m.Families {
		out = append(out, m.factView(f))
	}
	for _, d := range m.KPIs.Definitions {
		out = append(out, m.kpiViews(d)...)
	}
	out = append(out, m.verdictViews()...)
	out = append(out, incidentView())
	out = append(out, m.longViews()...)
	return append(out, m.catalogView(), m.longView(), m.longestView(), m.kpiShownView())
}

// view makes the statement of a view for people: the rights of whoever made
// it read the tables, so its readers need none. The types are those that the
// query gives: ClickHouse answers x = ” from the subcolumn x.size of a String,
// which it then asks of the query.
func view(name, comment string, columns []Column, sql string) Statement {
	return viewIn(Public, name, comment, columns, sql)
}

func viewIn(database, name, comment string, columns []Column, sql string) Statement {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE OR REPLACE VIEW %s.%s\n(\n", database, name)
	for i, c := range columns {
		fmt.Fprintf(&b, "    %s %s COMMENT %s", c.Name, c.Type, Quote(c.Comment))
		if i < len(columns)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, ")\nDEFINER = CURRENT_USER SQL SECURITY DEFINER\nAS %s\nCOMMENT %s", sql, Quote(comment))
	return Statement{database + "." + name, b.String()}
}

func feedsView() Statement {
	return view("feeds", "The feeds that there are, and how far each has come.", []Column{
		{"tenant", typeWord, "", "The tenant; empty for the live feed, which all share."},
		{"feed", typeWord, "", "The feed; empty is the live one."},
		{"generation", "Int64", "", "The filling that is shown."},
		{"as_of", typeInstant, "", "Everything before this instant is in the numbers, UTC."},
		{"state", "String", "", "open, or closed: its clock stands still."},
	}, fmt.Sprintf("SELECT tenant, feed, generation, as_of, if(closed, 'closed', 'open') AS state FROM %s.shown", Internal))
}

// primary renders the kind of an event type's first entity: the copy of an
// event that stands for it where each is shown once.
func (m *Model) primary() string {
	var types, kinds []string
	for _, t := range m.Events.Types() {
		if len(t.Concerns) > 0 {
			types = append(types, Quote(t.Name))
			kinds = append(kinds, Quote(t.Concerns[0].Kind))
		}
	}
	return fmt.Sprintf("transform(e.type, [%s], [%s], '')", strings.Join(types, ", "), strings.Join(kinds, ", "))
}

func (m *Model) eventsView() Statement {
	joined := strings.Replace(shownJoin("e"), " AND s.epoch = e.epoch", "", 1) // events are before all computation
	return view("events", "Every event that counts, once. What was refused is in rejected_events.", []Column{
		{"time", "DateTime('UTC')", "", "When it happened, UTC, to the second."},
		{"date", "Date", "", "Its day, UTC."},
		{"tenant", typeWord, "", "The tenant."},
		{"feed", typeWord, "", "The feed; empty is the live one."},
		{"type", typeWord, "", "Type of the event, such as contact.queued."},
		{"kind", typeWord, "", "Kind of the entity that it is chiefly about."},
		{"entity", "String", "", "That entity's id."},
		{"source", typeWord, "", "Where it came from."},
		{"id", "String", "", "Its id at that source."},
		{"uid", "UUID", "", "Its id here."},
		{"time_ms", typeInstant, "", "When it happened, UTC, to the millisecond."},
		{"received_at", typeInstant, "", "When the collector received it, UTC."},
		{"sequence", "Int64", "", "Order among events of one time."},
		{"revision", "Int64", "", "Which revision of it this is."},
		{"data", "String", "", "Its attributes, as JSON."},
		{"partition", "Int32", "", "Partition of its record on Kafka."},
		{"offset", "Int64", "", "Offset of its record on Kafka."},
	}, fmt.Sprintf(`SELECT toDateTime(e.time, 'UTC') AS time, toDate(e.time) AS date, e.tenant AS tenant, e.feed AS feed, e.type AS type, e.kind AS kind,
  e.entity AS entity, e.source AS source, e.id AS id, e.uid AS uid, e.time AS time_ms, e.received_at AS received_at,
  e.sequence AS sequence, e.revision AS revision, toJSONString(mapConcat(e.texts, mapApply((k, v) -> (k, toString(v)), e.ints))) AS data,
  e.partition AS partition, e.offset AS offset
FROM %[1]s.events AS e FINAL
%[2]s
WHERE e.withdrawn = 0 AND e.kind = %[3]s
  AND (e.tenant, e.feed, e.partition, e.offset) NOT IN (SELECT tenant, feed, partition, offset FROM %[1]s.rejects FINAL)
ORDER BY e.revision DESC, e.hash DESC, e.partition, e.offset
LIMIT 1 BY e.tenant, e.feed, e.generation, e.uid, e.time`, Internal, joined, m.primary()))
}

// rejectedView tells late events from repeats: a repeat is one whose id and
// content some record that was not refused has.
func (m *Model) rejectedView() Statement {
	return view("rejected_events", "Every record that had no effect, and why.", []Column{
		{"time", "DateTime('UTC')", "", "When it happened, UTC."},
		{"date", "Date", "", "Its day, UTC."},
		{"tenant", typeWord, "", "The tenant."},
		{"feed", typeWord, "", "The feed; empty is the live one."},
		{"reason", "String", "", "late, repeat, superseded, capped, orphan, other_replay, feed_closed, poison or malformed."},
		{"type", typeWord, "", "Type of the event."},
		{"kind", typeWord, "", "Kind of the entity of this copy."},
		{"entity", "String", "", "That entity's id."},
		{"uid", "UUID", "", "Id of the event."},
		{"received_at", typeInstant, "", "When the collector received it, UTC."},
		{"session", "Int64", "", "The replay that sent it."},
		{"partition", "Int32", "", "Partition of its record on Kafka."},
		{"offset", "Int64", "", "Offset of its record on Kafka."},
	}, fmt.Sprintf(`SELECT toDateTime(r.time, 'UTC') AS time, toDate(r.time) AS date, r.tenant AS tenant, r.feed AS feed,
  if(r.reason != 'below_horizon', r.reason, if((r.tenant, r.feed, r.kind, r.entity, r.uid, r.hash) IN (
    SELECT tenant, feed, kind, entity, uid, hash FROM %[1]s.events FINAL
    WHERE (tenant, feed, partition, offset) NOT IN (SELECT tenant, feed, partition, offset FROM %[1]s.rejects FINAL)
  ), 'repeat', 'late')) AS reason,
  r.type AS type, r.kind AS kind, r.entity AS entity, r.uid AS uid, r.received_at AS received_at, r.session AS session,
  r.partition AS partition, r.offset AS offset
FROM %[1]s.rejects AS r FINAL`, Internal))
}

// factView shows a family: spans in seconds, what does not exist any more left
// out.
func (m *Model) factView(f *fact.Family) Statement {
	columns := []Column{
		{"time", "DateTime('UTC')", "", "When it began, UTC."},
		{"date", "Date", "", "Its day, UTC."},
		{"tenant", typeWord, "", "The tenant."},
		{"feed", typeWord, "", "The feed; empty is the live one."},
		{f.Kind + "_id", "String", "", "The " + f.Kind + "."},
		{"id", "UUID", "", "The event that opened it."},
	}
	selects := []string{
		"toDateTime(f.opened_at, 'UTC') AS time", "toDate(f.opened_at) AS date", "f.tenant AS tenant", "f.feed AS feed",
		"f.item AS " + f.Kind + "_id", "f.id AS id",
	}
	for _, c := range f.Columns {
		name, col := "f."+c.Name, Column{Name: c.Name, Comment: c.Doc}
		switch c.Type {
		case fact.Text:
			col.Type = typeWord
		case fact.Time:
			col.Type, col.Comment = "Nullable("+typeInstant+")", c.Doc+" UTC."
		case fact.Duration:
			col.Name, col.Type, col.Comment = c.Name+"_seconds", "Nullable(Float64)", c.Doc+" Seconds."
			name += " / 1000"
		case fact.Decimal:
			col.Type = "Nullable(Decimal(38, 4))"
			name = fmt.Sprintf("toDecimal128(%s, 4) / %d", name, event.DecimalScale)
		default:
			col.Type = "Nullable(Int64)"
		}
		columns = append(columns, col)
		selects = append(selects, name+" AS "+col.Name)
	}
	sql := fmt.Sprintf("SELECT %s\nFROM %s.fact_%s AS f FINAL\n%s\nWHERE f.deleted = 0",
		strings.Join(selects, ", "), Internal, f.Name, shownJoin("f"))
	return view(f.View, f.Doc, columns, sql)
}

// viewGrains are the grains that people ask for most.
var viewGrains = []struct {
	grain  Grain
	suffix string
}{{Minute, ""}, {Day, "_by_day"}, {Week, "_by_week"}, {Month, "_by_month"}}

// kpiViews are the views of one definition, by all its dimensions.
func (m *Model) kpiViews(d *kpi.Definition) []Statement {
	var out []Statement
	for _, g := range viewGrains {
		q := Query{Definition: d, By: d.Dims(), Grain: g.grain, Zone: m.Zone, WeekStart: m.WeekStart, Months: m.Months}
		out = append(out, view("kpi_"+d.Name+g.suffix, fmt.Sprintf("%s One row for each %s and combination of dimensions.", d.Help, g.grain),
			kpiColumns(d, q), m.Values(q)))
	}
	return out
}

func kpiColumns(d *kpi.Definition, q Query) []Column {
	columns := []Column{
		{"time", fmt.Sprintf("DateTime(%s)", Quote(q.Zone)), "", "Start of the interval, in the zone " + q.Zone + "."},
		{"date", "Date", "", "Its day, in that zone."},
		{"tenant", typeWord, "", "The tenant."},
		{"feed", typeWord, "", "The feed; empty is the live one."},
	}
	for _, dim := range q.By {
		doc := "The " + dim + " that the definition tells apart."
		if i := d.Of.Column(dim); i >= 0 {
			doc = d.Of.Columns[i].Doc
		}
		columns = append(columns, Column{dim, typeWord, "", doc})
	}
	for _, p := range parts(d) {
		if p.kind != partHist {
			columns = append(columns, Column{p.alias, p.kind.typ(), "", p.doc})
		}
	}
	unit := d.Unit.Words()
	columns = append(columns,
		Column{"value", "Nullable(Float64)", "", fmt.Sprintf("%s: %s; %s. NULL where it divides by nothing.", d.Title["en"], d.Formula, unit)},
		Column{"numerator", "Nullable(Float64)", "", "What stands above the line of the formula."},
		Column{"denominator", "Nullable(Float64)", "", "What stands below the line of the formula."},
		Column{"count", "Nullable(Float64)", "", "How many facts the value is made of."},
	)
	for _, v := range d.Values[1:] {
		columns = append(columns, Column{v.Name, "Nullable(Float64)", "", fmt.Sprintf("%s: %s. %s.", v.Name, v.Text, v.Source)})
	}
	return append(columns,
		Column{"as_of", typeInstant, "", "Everything before this instant is in the value, UTC."},
		Column{"finality", "String", "", "open: it may still change; closed; corrected: it changed after it was closed."})
}

// catalogView is the list of KPIs.
func (m *Model) catalogView() Statement {
	columns := []Column{
		{"name", "String", "", "Name of the KPI."},
		{"title_en", "String", "", "Title in English."},
		{"title_fa", "String", "", "Title in Persian."},
		{"unit", "String", "", "count; ratio, 0 to 1; or s, seconds."},
		{"formula", "String", "", "The headline's formula in words."},
		{"dimensions", "String", "", "By what it can be asked for, separated by commas."},
		{"owner", "String", "", "Who answers for it."},
		{"level", "String", "", "operational, customer, corporate or infrastructure."},
		{"family", "String", "", "What it is about."},
		{"kind", "String", "", "opi, of the day's work; kpi, what a goal is measured by; or kri, what warns of a risk."},
		{"parents", "String", "", "The KPIs that it is drilled down from, separated by commas."},
		{"tags", "String", "", "Words to find it by, such as copc, separated by commas."},
		{"target", "Nullable(Float64)", "", "What its owner wants, in its unit."},
		{"target_is", "String", "", "at_least or at_most; empty without a target."},
		{"variants", "String", "", "Other ways to count it, columns of its views."},
		{"views", "String", "", "Its views, separated by commas."},
		{"help", "String", "", "What it says, in a sentence."},
		{"source", "String", "", "Where the formula comes from."},
	}
	var rows []string
	for _, d := range m.KPIs.Definitions {
		target, is := "NULL", ""
		if d.Target != nil {
			target, is = fmt.Sprintf("toFloat64(%g)", d.Target.Bound), "at_most"
			if d.Target.AtLeast {
				is = "at_least"
			}
		}
		var variants []string
		for _, v := range d.Values[1:] {
			variants = append(variants, v.Name)
		}
		v := "kpi_" + d.Name
		texts := []string{
			d.Name, d.Title["en"], d.Title["fa"], string(d.Unit), d.Formula, strings.Join(d.By, ","), d.Owner, d.Level, d.Family,
			d.Kind, strings.Join(d.Parents, ","), strings.Join(d.Tags, ","), "", is,
			strings.Join(variants, ","), v + "," + v + "_by_day," + v + "_by_week," + v + "_by_month", d.Help, d.Source,
		}
		var cells []string
		for i, t := range texts {
			cell := Quote(t)
			if columns[i].Name == "target" {
				cell = fmt.Sprintf("CAST(%s, 'Nullable(Float64)')", target)
			}
			cells = append(cells, cell+" AS "+columns[i].Name)
		}
		rows = append(rows, "SELECT "+strings.Join(cells, ", "))
	}
	return view("kpi_catalog", "One row for each KPI.", columns, strings.Join(rows, "\nUNION ALL\n"))
}

// dimensions are all dimensions that any of some KPIs has, in the order of their first
// use.
func dimensions(definitions []*kpi.Definition) []string {
	var out []string
	seen := map[string]bool{}
	for _, d := range definitions {
		for _, dim := range d.Dims() {
			if !seen[dim] {
				seen[dim] = true
				out = append(out, dim)
			}
		}
	}
	return out
}
