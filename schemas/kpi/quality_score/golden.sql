-- The values of quality_score by minute, as the view kpi_quality_score gives them.
SELECT time, toDate(time) AS date, tenant, feed, department, role, team, location, question, marks, least, greatest,
  ((toNullable(toFloat64(marks)) - toNullable(toFloat64(least))) / nullIf((toNullable(toFloat64(greatest)) - toNullable(toFloat64(least))), 0)) AS value,
  (toNullable(toFloat64(marks)) - toNullable(toFloat64(least))) AS numerator, (toNullable(toFloat64(greatest)) - toNullable(toFloat64(least))) AS denominator, (toNullable(toFloat64(greatest)) - toNullable(toFloat64(least))) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, department, role, team, location, question, sum(src.marks) AS marks, sum(src.least) AS least, sum(src.greatest) AS greatest, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.department AS department, p.role AS role, p.team AS team, p.location AS location, p.question AS question, p.sum_score__scale_min_known__scale_max_known__at_evaluated_at AS marks, p.sum_scale_min__score_known__scale_max_known__at_evaluated_at AS least, p.sum_scale_max__score_known__scale_min_known__at_evaluated_at AS greatest, toInt64(0) AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_employee_evaluation AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, department, role, team, location, question
HAVING marks != 0 OR least != 0 OR greatest != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, department, role, team, location, question, marks, least, greatest,
  ((toNullable(toFloat64(marks)) - toNullable(toFloat64(least))) / nullIf((toNullable(toFloat64(greatest)) - toNullable(toFloat64(least))), 0)) AS value,
  (toNullable(toFloat64(marks)) - toNullable(toFloat64(least))) AS numerator, (toNullable(toFloat64(greatest)) - toNullable(toFloat64(least))) AS denominator, (toNullable(toFloat64(greatest)) - toNullable(toFloat64(least))) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, department, role, team, location, question, sum(src.marks) AS marks, sum(src.least) AS least, sum(src.greatest) AS greatest, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.evaluated_at)), 60) * 60, 'UTC') AS bucket, f.department AS department, f.role AS role, f.team AS team, f.location AS location, f.question AS question, if((1 AND isNotNull(f.scale_min) AND isNotNull(f.scale_max)), coalesce(f.score, 0), 0) AS marks, if((1 AND isNotNull(f.score) AND isNotNull(f.scale_max)), coalesce(f.scale_min, 0), 0) AS least, if((1 AND isNotNull(f.score) AND isNotNull(f.scale_min)), coalesce(f.scale_max, 0), 0) AS greatest, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_employee_evaluation AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.evaluated_at)
) AS src
GROUP BY time, until, tenant, feed, department, role, team, location, question
HAVING marks != 0 OR least != 0 OR greatest != 0
)
