-- The values of survey_response_rate by minute, as the view kpi_survey_response_rate gives them.
SELECT time, toDate(time) AS date, tenant, feed, questionnaire, channel, queue, team, agent, segment, sent, answered,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 1209600000), NULL, (toNullable(toFloat64(answered)) / nullIf(toNullable(toFloat64(sent)), 0))) AS value,
  toNullable(toFloat64(answered)) AS numerator, toNullable(toFloat64(sent)) AS denominator, toNullable(toFloat64(sent)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, questionnaire, channel, queue, team, agent, segment, sum(src.sent) AS sent, sum(src.answered) AS answered, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.questionnaire AS questionnaire, p.channel AS channel, p.queue AS queue, p.team AS team, p.agent AS agent, p.segment AS segment, p.count__at_sent_at AS sent, p.count__response_time_le_1209600000__at_sent_at AS answered, p.count__status_sent__at_sent_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_survey AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, questionnaire, channel, queue, team, agent, segment
HAVING sent != 0 OR answered != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, questionnaire, channel, queue, team, agent, segment, sent, answered,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 1209600000), NULL, (toNullable(toFloat64(answered)) / nullIf(toNullable(toFloat64(sent)), 0))) AS value,
  toNullable(toFloat64(answered)) AS numerator, toNullable(toFloat64(sent)) AS denominator, toNullable(toFloat64(sent)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, questionnaire, channel, queue, team, agent, segment, sum(src.sent) AS sent, sum(src.answered) AS answered, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.sent_at)), 60) * 60, 'UTC') AS bucket, f.questionnaire AS questionnaire, f.channel AS channel, f.queue AS queue, f.team AS team, f.agent AS agent, f.segment AS segment, toInt64((1)) AS sent, toInt64((1 AND coalesce(f.response_time, 0) <= 1209600000 AND isNotNull(f.response_time))) AS answered, toInt64((1 AND f.status IN ('sent'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_survey AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.sent_at)
) AS src
GROUP BY time, until, tenant, feed, questionnaire, channel, queue, team, agent, segment
HAVING sent != 0 OR answered != 0
)
