package warehouse

import "fmt"

// The tables of incidents and of what became of their messages.
const (
	Incidents  = "incident"
	Deliveries = "incident_delivery"
)

func incidentTables() []Table {
	return []Table{{
		Name:    Incidents,
		Comment: "One row for each incident as it is now. Few, and asked for by tenant: neither cut nor ordered by time.",
		Columns: []Column{
			{"tenant", typeWord, "", "The tenant."},
			{"key", "String", codecPlain, "What it is known by everywhere."},
			{"rule", typeWord, "", "Name of the policy or rule."},
			{"kind", typeWord, "", "deadline, threshold, or overflow: it stands for those above the cap."},
			{"item", "String", codecPlain, "Id of the item; of a rule the values of its dimensions."},
			{"labels", "Map(LowCardinality(String), String)", codecPlain, "Such as queue and channel."},
			{"severity", typeWord, "", "page or ticket."},
			{"state", typeWord, "", "firing or resolved."},
			{"cause", typeWord, "", "breached or no_data."},
			{"uncertain", "UInt8", codecPlain, "1: the source itself was silent."},
			{"texts", "Map(LowCardinality(String), String)", codecPlain, "Summary in English (en) and Persian (fa)."},
			{"opened_at", typeInstant, codecTime, "When it opened, UTC."},
			{"resolved_at", "Nullable(" + typeInstant + ")", codecPlain, "When it ended, UTC; NULL while it is open."},
			{"resolution", typeWord, "", "over, retracted or escalated."},
			{"due_at", "Nullable(" + typeInstant + ")", codecPlain, "Of a deadline: when it passed, UTC."},
			{"target", "Nullable(Int64)", codecSmall, "Of a deadline: how long it may take, ms."},
			{"numbers", "Map(LowCardinality(String), Float64)", codecPlain, "value and bound: of a rule the KPI and its threshold."},
			{"suppressed", typeWord, "", "Why nobody is told: flapping or late; empty when people are."},
			{"receivers", "String", codecPlain, "Who is told, with commas between."},
			{"version", "Int64", codecTime, "Offset of its last record in the outbox; the greatest stands."},
		},
		Version: "version",
		Order:   []string{"tenant", "key"},
	}, {
		Name:    Deliveries,
		Comment: "One row for each message of an incident to one receiver: what became of it last.",
		Columns: []Column{
			{"key", "String", codecPlain, "The incident."},
			{"receiver", typeWord, "", "Who was told."},
			{"message", typeWord, "", "firing or resolved."},
			{"of", "Int64", codecSmall, "Number of the record of the incident that caused the message."},
			{"result", typeWord, "", "delivered, failed (and tried again) or dropped."},
			{"attempt", "Int64", codecSmall, "Which attempt it was, from 1."},
			{"reason", "String", codecPlain, "The answer."},
			{"at", typeInstant, codecTime, "When it was noted, UTC."},
			{"next_at", "Nullable(" + typeInstant + ")", codecPlain, "When it is tried again, UTC."},
			{"version", "Int64", codecTime, "Offset of the record in the outbox; the greatest stands."},
		},
		Version: "version",
		Order:   []string{"key", "receiver", "of", "message"},
	}}
}

// incidentView is what people ask: what was wrong, when, and who heard of it.
func incidentView() Statement {
	return view("incidents", "One row for each incident: a broken promise of which people should know, from when it opened until it was over.", []Column{
		{"time", "DateTime('UTC')", "", "When it opened, UTC."},
		{"date", "Date", "", "Its day, UTC."},
		{"tenant", typeWord, "", "The tenant."},
		{"key", "String", "", "What it is known by everywhere: the label incident of an alert, the key of a webhook."},
		{"rule", typeWord, "", "Name of the policy or rule, as in schemas/sla and schemas/alert."},
		{"kind", typeWord, "", "deadline, threshold, or overflow: it stands for those above the cap."},
		{"item", "String", "", "The contact; of a rule the values of its dimensions."},
		{"queue", "String", "", "The queue, if it has one."},
		{"channel", "String", "", "The channel, if it has one."},
		{"labels", "String", "", "All its labels, as JSON."},
		{"severity", typeWord, "", "page or ticket."},
		{"state", typeWord, "", "firing or resolved."},
		{"cause", typeWord, "", "breached or no_data."},
		{"uncertain", "UInt8", "", "1: the source itself was silent."},
		{"summary", "String", "", "What happened, in English."},
		{"opened_at", typeInstant, "", "When it opened, UTC."},
		{"resolved_at", "Nullable(" + typeInstant + ")", "", "When it ended, UTC; NULL while it is open."},
		{"resolution", typeWord, "", "over; retracted: there never was a breach, as is known now; escalated: a worse incident took its place."},
		{"due_at", "Nullable(" + typeInstant + ")", "", "Of a deadline: when it passed, UTC."},
		{"value", "Nullable(Float64)", "", "Of a rule: the KPI when it opened, in its unit."},
		{"bound", "Nullable(Float64)", "", "Of a rule: the threshold."},
		{"suppressed", typeWord, "", "Why nobody is told: flapping or late; empty when people are."},
		{"receivers", "String", "", "Who is told, with commas between."},
		{"deliveries", "String", "", "What became of each message: receiver, what it said, delivered, failed or dropped, after how many attempts."},
	}, fmt.Sprintf(`SELECT toDateTime(i.opened_at, 'UTC') AS time, toDate(i.opened_at) AS date, i.tenant AS tenant, i.key AS key, i.rule AS rule, i.kind AS kind,
  i.item AS item, i.labels['queue'] AS queue, i.labels['channel'] AS channel, toJSONString(i.labels) AS labels, i.severity AS severity, i.state AS state,
  i.cause AS cause, i.uncertain AS uncertain, i.texts['en'] AS summary, i.opened_at AS opened_at, i.resolved_at AS resolved_at, i.resolution AS resolution,
  i.due_at AS due_at, if(mapContains(i.numbers, 'value'), i.numbers['value'], NULL) AS value,
  if(mapContains(i.numbers, 'bound'), i.numbers['bound'], NULL) AS bound,
  i.suppressed AS suppressed, i.receivers AS receivers, ifNull(d.deliveries, '') AS deliveries
FROM %[1]s.%[2]s AS i FINAL
LEFT JOIN (
  SELECT key, arrayStringConcat(arrayMap(x -> x.2, arraySort(groupArray((of, concat(receiver, ' ', message, ' ', result, ' (', toString(attempt), ')'))))), ', ') AS deliveries
  FROM %[1]s.%[3]s FINAL GROUP BY key
) AS d ON d.key = i.key`, Internal, Incidents, Deliveries))
}
