package warehouse

import (
	"fmt"
	"slices"
	"strings"
)

// Verdicts is the table of what is known of deadlines and rules.
const Verdicts = "verdict"

func verdictTable() Table {
	return Table{
		Name: Verdicts,
		Comment: "What is known of each deadline and of each episode of a rule. Ordered by the policy and by when it began, which cannot change; " +
			"cut by year, for a history may span many.",
		Columns: append(place(),
			Column{"policy", typeWord, "", "Name of the policy or rule."},
			Column{"kind", typeWord, "", "deadline or threshold."},
			Column{"item", "String", codecPlain, "Id of the item that waits; of a rule the values of its dimensions."},
			Column{"id", "UUID", "", "Id of the event that opened what waits; zeros for a rule."},
			Column{"began_at", typeInstant, codecTime, "When it began, UTC."},
			Column{"labels", "Map(LowCardinality(String), String)", codecPlain, "Such as queue and channel."},
			Column{"severity", typeWord, "", "page or ticket."},
			Column{"state", typeWord, "", "at_risk, breached, met, met_late, no_data or withdrawn."},
			Column{"stage", typeWord, "", "provisional, settled or confirmed."},
			Column{"quiet", "UInt8", codecPlain, "1: nobody is told."},
			Column{"uncertain", "UInt8", codecPlain, "1: the source itself was silent."},
			Column{"due_at", typeInstant, codecTime, "The deadline, UTC; 1970 for a rule."},
			Column{"decided_at", typeInstant, codecTime, "The clock when it came to say this, UTC."},
			Column{"target", "Int64", codecSmall, "Of a deadline: how long it may take, ms."},
			Column{"numbers", "Map(LowCardinality(String), Float64)", codecPlain, "value and bound: of a rule the KPI and its threshold, of a deadline at risk the share of the target that had passed."},
			Column{"version", "Int64", codecTime, "Offset of the record that caused it, of a rule in panes; the greatest stands."},
		),
		Version:   "version",
		Partition: "toYear(began_at)",
		Order:     []string{"tenant", "feed", "generation", "epoch", "kind", "policy", "began_at", "item", "id"},
	}
}

// verdictViews are the views of deadlines and of rules.
func (m *Model) verdictViews() []Statement {
	columns := []Column{
		{"time", "DateTime('UTC')", "", "When it began, UTC."},
		{"date", "Date", "", "Its day, UTC."},
		{"tenant", typeWord, "", "The tenant."},
		{"feed", typeWord, "", "The feed; empty is the live one."},
		{"policy", typeWord, "", "Name of the policy, as in schemas/sla."},
		{"item", "String", "", "The contact."},
		{"id", "UUID", "", "The event that opened what waits."},
		{"queue", "String", "", "The queue."},
		{"channel", "String", "", "Voice, chat, e-mail and so on."},
		{"severity", typeWord, "", "page or ticket."},
		{"target", "Float64", "", "How long it may take, seconds."},
		{"state", typeWord, "", "at_risk: still open, and a good part of the time has passed; breached: still open, and too late; met; met_late: over, and too late; withdrawn: it never was."},
		{"stage", typeWord, "", "provisional: just now; settled: it stood for the settle time, people are told; confirmed: it stood for the lateness. What rests on evidence is settled at once."},
		{"quiet", "UInt8", "", "1: nobody is told, for it is of a history, or long past when it became known."},
		{"uncertain", "UInt8", "", "1: the source itself was silent when it was decided."},
		{"began_at", typeInstant, "", "When the time began to run, UTC."},
		{"due_at", typeInstant, "", "The deadline, UTC."},
		{"decided_at", typeInstant, "", "The feed's clock when it came to say this, UTC."},
	}
	label := func(name string) string { return fmt.Sprintf("v.labels[%s]", Quote(name)) }
	const common = `SELECT toDateTime(v.began_at, 'UTC') AS time, toDate(v.began_at) AS date, v.tenant AS tenant, v.feed AS feed, v.policy AS policy, `
	deadlines := fmt.Sprintf(common+`v.item AS item, v.id AS id,
  %s AS queue, %s AS channel, v.severity AS severity, v.target / 1000 AS target, v.state AS state, v.stage AS stage,
  v.quiet AS quiet, v.uncertain AS uncertain, v.began_at AS began_at, v.due_at AS due_at, v.decided_at AS decided_at
FROM %s.%s AS v FINAL
%s
WHERE v.kind = 'deadline'`, label("queue"), label("channel"), Internal, Verdicts, shownJoin("v"))
	rules := slices.Concat(columns[:4], []Column{
		{"rule", typeWord, "", "Name of the rule, as in schemas/alert."},
		{"dims", "Map(LowCardinality(String), String)", "", "The dimensions that it looked at."},
		{"severity", typeWord, "", "page or ticket."},
		{"state", typeWord, "", "breached: beyond the threshold; no_data: nothing is known of the KPI; met_late: it is over; met: found in order when a processor began."},
		{"stage", typeWord, "", "settled."},
		{"uncertain", "UInt8", "", "1: nothing has been known of the KPI since."},
		{"value", "Float64", "", "The KPI when it came to this state, in its unit."},
		{"bound", "Float64", "", "The threshold, in the KPI's unit."},
		{"began_at", typeInstant, "", "When the KPI passed the threshold, UTC."},
		{"decided_at", typeInstant, "", "The clock when it came to this state, UTC."},
	})
	ofRules := fmt.Sprintf(strings.Replace(common, "v.policy AS policy, ", "v.policy AS rule, ", 1)+`v.labels AS dims, v.severity AS severity,
  v.state AS state, v.stage AS stage, v.uncertain AS uncertain, v.numbers['value'] AS value, v.numbers['bound'] AS bound,
  v.began_at AS began_at, v.decided_at AS decided_at
FROM %s.%s AS v FINAL
WHERE v.kind = 'threshold'`, Internal, Verdicts)
	return []Statement{
		view("sla_verdicts", "One row for each deadline of an item: how it stands, or how it ended.", columns, deadlines),
		view("rule_verdicts", "One row for each episode of a threshold rule.", rules, ofRules),
	}
}
