-- The values of nps by minute, as the view kpi_nps gives them.
SELECT time, toDate(time) AS date, tenant, feed, question, channel, queue, team, agent, segment, promoters, detractors, voters,
  ((toFloat64(100) * (toNullable(toFloat64(promoters)) - toNullable(toFloat64(detractors)))) / nullIf(toNullable(toFloat64(voters)), 0)) AS value,
  (toFloat64(100) * (toNullable(toFloat64(promoters)) - toNullable(toFloat64(detractors)))) AS numerator, toNullable(toFloat64(voters)) AS denominator, toNullable(toFloat64(voters)) AS count,
  (toNullable(toFloat64(promoters)) / nullIf(toNullable(toFloat64(voters)), 0)) AS promoter_share,
  (toNullable(toFloat64(detractors)) / nullIf(toNullable(toFloat64(voters)), 0)) AS detractor_share,
  multiIf(isNull(toNullable(toFloat64(voters)) >= toFloat64(2)), NULL, toNullable(toFloat64(voters)) >= toFloat64(2), (toFloat64(196) * arrayMap(v -> if(v < 0, NULL, sqrt(v)), [((((toNullable(toFloat64(promoters)) / nullIf(toNullable(toFloat64(voters)), 0)) + (toNullable(toFloat64(detractors)) / nullIf(toNullable(toFloat64(voters)), 0))) - pow(((toNullable(toFloat64(promoters)) - toNullable(toFloat64(detractors))) / nullIf(toNullable(toFloat64(voters)), 0)), toFloat64(2))) / nullIf(toNullable(toFloat64(voters)), 0))])[1]), CAST(NULL, 'Nullable(Float64)')) AS margin,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, question, channel, queue, team, agent, segment, sum(src.promoters) AS promoters, sum(src.detractors) AS detractors, sum(src.voters) AS voters, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.question AS question, w.channel AS channel, w.queue AS queue, w.team AS team, w.agent AS agent, w.segment AS segment, toInt64(w.n) AS promoters, toInt64(0) AS detractors, toInt64(0) AS voters, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, question, channel, queue, team, agent, segment, slot AS bucket, count() AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, src.question AS question, src.channel AS channel, src.queue AS queue, src.team AS team, src.agent AS agent, src.segment AS segment, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.answered_at)), 60) * 60, 'UTC') AS bucket, f.question AS question, f.channel AS channel, f.queue AS queue, f.team AS team, f.agent AS agent, f.segment AS segment, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.answered_at) AS at, f.id AS id, toUInt8((1 AND coalesce(f.score, 0) >= 9 AND isNotNull(f.score))) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_survey_answer AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.answered_at) AND (1 AND f.questionnaire IN ('nps')) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, question, channel, queue, team, agent, segment, key, slot
) WHERE times >= 1 AND fits = 1 GROUP BY tenant, feed, question, channel, queue, team, agent, segment, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.question AS question, w.channel AS channel, w.queue AS queue, w.team AS team, w.agent AS agent, w.segment AS segment, toInt64(0) AS promoters, toInt64(w.n) AS detractors, toInt64(0) AS voters, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, question, channel, queue, team, agent, segment, slot AS bucket, count() AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, src.question AS question, src.channel AS channel, src.queue AS queue, src.team AS team, src.agent AS agent, src.segment AS segment, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.answered_at)), 60) * 60, 'UTC') AS bucket, f.question AS question, f.channel AS channel, f.queue AS queue, f.team AS team, f.agent AS agent, f.segment AS segment, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.answered_at) AS at, f.id AS id, toUInt8((1 AND coalesce(f.score, 0) <= 6 AND isNotNull(f.score))) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_survey_answer AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.answered_at) AND (1 AND f.questionnaire IN ('nps')) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, question, channel, queue, team, agent, segment, key, slot
) WHERE times >= 1 AND fits = 1 GROUP BY tenant, feed, question, channel, queue, team, agent, segment, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.question AS question, w.channel AS channel, w.queue AS queue, w.team AS team, w.agent AS agent, w.segment AS segment, toInt64(0) AS promoters, toInt64(0) AS detractors, toInt64(w.n) AS voters, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, question, channel, queue, team, agent, segment, slot AS bucket, count() AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, src.question AS question, src.channel AS channel, src.queue AS queue, src.team AS team, src.agent AS agent, src.segment AS segment, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.answered_at)), 60) * 60, 'UTC') AS bucket, f.question AS question, f.channel AS channel, f.queue AS queue, f.team AS team, f.agent AS agent, f.segment AS segment, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.answered_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_survey_answer AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.answered_at) AND (1 AND f.questionnaire IN ('nps')) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, question, channel, queue, team, agent, segment, key, slot
) WHERE times >= 1 AND fits = 1 GROUP BY tenant, feed, question, channel, queue, team, agent, segment, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, question, channel, queue, team, agent, segment
HAVING promoters != 0 OR detractors != 0 OR voters != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, question, channel, queue, team, agent, segment, promoters, detractors, voters,
  ((toFloat64(100) * (toNullable(toFloat64(promoters)) - toNullable(toFloat64(detractors)))) / nullIf(toNullable(toFloat64(voters)), 0)) AS value,
  (toFloat64(100) * (toNullable(toFloat64(promoters)) - toNullable(toFloat64(detractors)))) AS numerator, toNullable(toFloat64(voters)) AS denominator, toNullable(toFloat64(voters)) AS count,
  (toNullable(toFloat64(promoters)) / nullIf(toNullable(toFloat64(voters)), 0)) AS promoter_share,
  (toNullable(toFloat64(detractors)) / nullIf(toNullable(toFloat64(voters)), 0)) AS detractor_share,
  multiIf(isNull(toNullable(toFloat64(voters)) >= toFloat64(2)), NULL, toNullable(toFloat64(voters)) >= toFloat64(2), (toFloat64(196) * arrayMap(v -> if(v < 0, NULL, sqrt(v)), [((((toNullable(toFloat64(promoters)) / nullIf(toNullable(toFloat64(voters)), 0)) + (toNullable(toFloat64(detractors)) / nullIf(toNullable(toFloat64(voters)), 0))) - pow(((toNullable(toFloat64(promoters)) - toNullable(toFloat64(detractors))) / nullIf(toNullable(toFloat64(voters)), 0)), toFloat64(2))) / nullIf(toNullable(toFloat64(voters)), 0))])[1]), CAST(NULL, 'Nullable(Float64)')) AS margin,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, question, channel, queue, team, agent, segment, sum(src.promoters) AS promoters, sum(src.detractors) AS detractors, sum(src.voters) AS voters, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.question AS question, w.channel AS channel, w.queue AS queue, w.team AS team, w.agent AS agent, w.segment AS segment, toInt64(w.n) AS promoters, toInt64(0) AS detractors, toInt64(0) AS voters, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, question, channel, queue, team, agent, segment, slot AS bucket, countIf(nth = 1 AND times >= 1 AND fits = 1) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.question AS question, src.channel AS channel, src.queue AS queue, src.team AS team, src.agent AS agent, src.segment AS segment, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, src.fits AS fits, src.amount AS amount, row_number() OVER (PARTITION BY src.tenant, src.feed, src.question, src.channel, src.queue, src.team, src.agent, src.segment, src.key, slot ORDER BY src.at DESC, src.id DESC) AS nth, count() OVER (PARTITION BY src.tenant, src.feed, src.question, src.channel, src.queue, src.team, src.agent, src.segment, src.key, slot) AS times, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.answered_at)), 60) * 60, 'UTC') AS bucket, f.question AS question, f.channel AS channel, f.queue AS queue, f.team AS team, f.agent AS agent, f.segment AS segment, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.answered_at) AS at, f.id AS id, toUInt8((1 AND coalesce(f.score, 0) >= 9 AND isNotNull(f.score))) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_survey_answer AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.answered_at) AND (1 AND f.questionnaire IN ('nps')) AND toString(f.customer) != ''
) AS src
) GROUP BY tenant, feed, question, channel, queue, team, agent, segment, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.question AS question, w.channel AS channel, w.queue AS queue, w.team AS team, w.agent AS agent, w.segment AS segment, toInt64(0) AS promoters, toInt64(w.n) AS detractors, toInt64(0) AS voters, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, question, channel, queue, team, agent, segment, slot AS bucket, countIf(nth = 1 AND times >= 1 AND fits = 1) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.question AS question, src.channel AS channel, src.queue AS queue, src.team AS team, src.agent AS agent, src.segment AS segment, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, src.fits AS fits, src.amount AS amount, row_number() OVER (PARTITION BY src.tenant, src.feed, src.question, src.channel, src.queue, src.team, src.agent, src.segment, src.key, slot ORDER BY src.at DESC, src.id DESC) AS nth, count() OVER (PARTITION BY src.tenant, src.feed, src.question, src.channel, src.queue, src.team, src.agent, src.segment, src.key, slot) AS times, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.answered_at)), 60) * 60, 'UTC') AS bucket, f.question AS question, f.channel AS channel, f.queue AS queue, f.team AS team, f.agent AS agent, f.segment AS segment, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.answered_at) AS at, f.id AS id, toUInt8((1 AND coalesce(f.score, 0) <= 6 AND isNotNull(f.score))) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_survey_answer AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.answered_at) AND (1 AND f.questionnaire IN ('nps')) AND toString(f.customer) != ''
) AS src
) GROUP BY tenant, feed, question, channel, queue, team, agent, segment, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.question AS question, w.channel AS channel, w.queue AS queue, w.team AS team, w.agent AS agent, w.segment AS segment, toInt64(0) AS promoters, toInt64(0) AS detractors, toInt64(w.n) AS voters, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, question, channel, queue, team, agent, segment, slot AS bucket, countIf(nth = 1 AND times >= 1 AND fits = 1) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.question AS question, src.channel AS channel, src.queue AS queue, src.team AS team, src.agent AS agent, src.segment AS segment, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, src.fits AS fits, src.amount AS amount, row_number() OVER (PARTITION BY src.tenant, src.feed, src.question, src.channel, src.queue, src.team, src.agent, src.segment, src.key, slot ORDER BY src.at DESC, src.id DESC) AS nth, count() OVER (PARTITION BY src.tenant, src.feed, src.question, src.channel, src.queue, src.team, src.agent, src.segment, src.key, slot) AS times, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.answered_at)), 60) * 60, 'UTC') AS bucket, f.question AS question, f.channel AS channel, f.queue AS queue, f.team AS team, f.agent AS agent, f.segment AS segment, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.answered_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_survey_answer AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.answered_at) AND (1 AND f.questionnaire IN ('nps')) AND toString(f.customer) != ''
) AS src
) GROUP BY tenant, feed, question, channel, queue, team, agent, segment, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, question, channel, queue, team, agent, segment
HAVING promoters != 0 OR detractors != 0 OR voters != 0
)
