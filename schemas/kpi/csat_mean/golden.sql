-- The values of csat_mean by minute, as the view kpi_csat_mean gives them.
SELECT time, toDate(time) AS date, tenant, feed, question, channel, queue, team, agent, segment, scores, answers, told, least, greatest,
  (toNullable(toFloat64(scores)) / nullIf(toNullable(toFloat64(answers)), 0)) AS value,
  toNullable(toFloat64(scores)) AS numerator, toNullable(toFloat64(answers)) AS denominator, toNullable(toFloat64(answers)) AS count,
  ((toNullable(toFloat64(told)) - toNullable(toFloat64(least))) / nullIf((toNullable(toFloat64(greatest)) - toNullable(toFloat64(least))), 0)) AS normalised,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, question, channel, queue, team, agent, segment, sum(src.scores) AS scores, sum(src.answers) AS answers, sum(src.told) AS told, sum(src.least) AS least, sum(src.greatest) AS greatest, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.question AS question, p.channel AS channel, p.queue AS queue, p.team AS team, p.agent AS agent, p.segment AS segment, p.sum_score__questionnaire_csat__scale_min_le_1__scale_min_ge_1__scale_max_le_5__scale_max_ge_5__at_answered_at AS scores, p.count__questionnaire_csat__score_known__scale_min_le_1__scale_min_ge_1__scale_max_le_5__scale_max_ge_5__at_answered_at AS answers, p.sum_score__questionnaire_csat__scale_min_known__scale_max_known__at_answered_at AS told, p.sum_scale_min__questionnaire_csat__score_known__scale_max_known__at_answered_at AS least, p.sum_scale_max__questionnaire_csat__score_known__scale_min_known__at_answered_at AS greatest, toInt64(0) AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_survey_answer AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, question, channel, queue, team, agent, segment
HAVING scores != 0 OR answers != 0 OR told != 0 OR least != 0 OR greatest != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, question, channel, queue, team, agent, segment, scores, answers, told, least, greatest,
  (toNullable(toFloat64(scores)) / nullIf(toNullable(toFloat64(answers)), 0)) AS value,
  toNullable(toFloat64(scores)) AS numerator, toNullable(toFloat64(answers)) AS denominator, toNullable(toFloat64(answers)) AS count,
  ((toNullable(toFloat64(told)) - toNullable(toFloat64(least))) / nullIf((toNullable(toFloat64(greatest)) - toNullable(toFloat64(least))), 0)) AS normalised,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, question, channel, queue, team, agent, segment, sum(src.scores) AS scores, sum(src.answers) AS answers, sum(src.told) AS told, sum(src.least) AS least, sum(src.greatest) AS greatest, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.answered_at)), 60) * 60, 'UTC') AS bucket, f.question AS question, f.channel AS channel, f.queue AS queue, f.team AS team, f.agent AS agent, f.segment AS segment, if((1 AND f.questionnaire IN ('csat') AND coalesce(f.scale_min, 0) <= 1 AND isNotNull(f.scale_min) AND coalesce(f.scale_min, 0) >= 1 AND isNotNull(f.scale_min) AND coalesce(f.scale_max, 0) <= 5 AND isNotNull(f.scale_max) AND coalesce(f.scale_max, 0) >= 5 AND isNotNull(f.scale_max)), coalesce(f.score, 0), 0) AS scores, toInt64((1 AND f.questionnaire IN ('csat') AND isNotNull(f.score) AND coalesce(f.scale_min, 0) <= 1 AND isNotNull(f.scale_min) AND coalesce(f.scale_min, 0) >= 1 AND isNotNull(f.scale_min) AND coalesce(f.scale_max, 0) <= 5 AND isNotNull(f.scale_max) AND coalesce(f.scale_max, 0) >= 5 AND isNotNull(f.scale_max))) AS answers, if((1 AND f.questionnaire IN ('csat') AND isNotNull(f.scale_min) AND isNotNull(f.scale_max)), coalesce(f.score, 0), 0) AS told, if((1 AND f.questionnaire IN ('csat') AND isNotNull(f.score) AND isNotNull(f.scale_max)), coalesce(f.scale_min, 0), 0) AS least, if((1 AND f.questionnaire IN ('csat') AND isNotNull(f.score) AND isNotNull(f.scale_min)), coalesce(f.scale_max, 0), 0) AS greatest, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_survey_answer AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.answered_at)
) AS src
GROUP BY time, until, tenant, feed, question, channel, queue, team, agent, segment
HAVING scores != 0 OR answers != 0 OR told != 0 OR least != 0 OR greatest != 0
)
